"""The one way in which files are written: aside, down to the disk, and then renamed.

A file that is there is whole, and what stood in its place stays until the new one is: a full disk or a kill loses
nothing, and leaves no empty file behind.
"""

from __future__ import annotations

import contextlib
import errno
import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, TypeVar

from whylight.errors import BadInput

Made = TypeVar("Made", bound=bytes | str)
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
_OTHERS_SAY = ("SafetensorError", "PytorchStreamWriter", "unexpected pos")


def home_opened(path: Path) -> Path:
    """``~`` and ``~user`` as that person's folder; as it stands where there is no such person."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def make_folder(folder: Path) -> Path:
    """Make a folder and those above it.

    Raises:
        BadInput: it cannot be made: a file stands in the way, its name is none, no right to write, ...
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise BadInput(f"{folder} cannot be a folder for results: {reason(error)}") from None
    return folder


def write_file(path: Path, data: bytes | str) -> Path:
    """Write a file, in place of one that is there; text as UTF-8, lone surrogates in it as question marks.

    Raises:
        BadInput: it cannot be written; what was there is still there.
    """
    with written_aside(path) as file:
        file.write(data if isinstance(data, bytes) else data.encode("utf-8", "replace"))
    return path


def write_result(path: str | Path, data: bytes | str) -> Path:
    """:func:`write_file` where a person says so: ``~`` is their folder, and folders on the way are made.

    Raises:
        BadInput: it cannot be written.
    """
    place = home_opened(Path(path))
    make_folder(place.parent)
    return write_file(place, data)


def save_as(path: str | Path, forms: Mapping[str, Callable[[], bytes | str]], called: str) -> Path:
    """Write what the form of that ending gives; see :func:`write_result`.

    Args:
        forms: ending without its dot, in lower case, to what makes the file.
        called: what is saved, in the plural.

    Raises:
        BadInput: another ending, or a place that cannot be written to.
    """
    path = Path(path)
    return write_result(path, made_as(path.suffix.lower().removeprefix("."), forms, called, path.name))


def made_as(form: str, forms: Mapping[str, Callable[[], Made]], called: str, name: str | None = None) -> Made:
    """What a form gives.

    Args:
        forms, called: as for :func:`save_as`.
        name: of the file; default: its ending alone.

    Raises:
        BadInput: another form.
    """
    if form not in forms:
        *most, last = (f".{each}" for each in forms)
        raise BadInput(f"{f'.{form}' if name is None else name}: {called} are saved as {', '.join(most)} or {last}")
    return forms[form]()


def write_new_file(path: Path, data: bytes) -> bool:
    """Write a file where none is; False where there is one, also one that another process made just now.

    Raises:
        BadInput: it cannot be written.
    """
    try:
        with written_aside(path, placed=_link) as file:
            file.write(data)
    except FileExistsError:
        return False
    return True


@contextlib.contextmanager
def written_aside(path: Path, placed: Callable[[Any, Any], object] = os.replace) -> Iterator[IO[bytes]]:
    """An open file beside ``path`` that gets its name once it is whole.

    Args:
        placed: what gives it the name: a rename replaces what is there, a link does not.

    Raises:
        BadInput: it cannot be written.
        FileExistsError: there is such a file (links only).
    """
    # A part of the name says whose file it will be, and leaves room for the rest.
    aside = path.with_name(f".{path.name[:40]}.{uuid.uuid4().hex}")
    try:
        # Neither through a link nor into a file that somebody has put there.
        with aside.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        placed(aside, path)
    except FileExistsError:
        raise
    except (OSError, ValueError) as error:  # a name with a zero byte is a ValueError
        raise BadInput(f"{path} cannot be written: {reason(error)}") from None
    finally:
        with contextlib.suppress(OSError, ValueError):
            aside.unlink(missing_ok=True)


@contextlib.contextmanager
def written_by_others(folder: Path) -> Iterator[None]:
    """While a library writes into a folder by its own means: what it raises where it cannot is one line.

    Raises:
        BadInput: the disk is full, or nobody may write there.
    """
    try:
        yield
    except OSError as error:
        raise BadInput(f"{error.filename or folder} cannot be written: {reason(error)}") from None
    except Exception as error:
        # safetensors and torch have errors of their own for what the system says.
        if not any(mark in f"{type(error).__name__}: {error}" for mark in _OTHERS_SAY):
            raise
        raise BadInput(f"{folder} cannot be written: {' '.join(str(error).split())}") from None


def _link(aside: Path, path: Path) -> None:
    """Give a file a name that none has yet, also where the file system knows no links."""
    try:
        os.link(aside, path)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
        os.replace(aside, path)


def reason(error: Exception) -> str:
    """Why the system refused, without the number and the name that it adds."""
    return getattr(error, "strerror", None) or str(error)

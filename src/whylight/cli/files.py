"""Which pictures a command line names, and where results go without overwriting those of another picture."""

from __future__ import annotations

import glob
import hashlib
import itertools
import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from whylight.errors import BadInput
from whylight.runs.files import home_opened, make_folder, reason, write_file, write_new_file, write_result

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL import Image

_MARK = "Whylight picture"
_LONGEST = 200
_ROWS = 1024


def find_pictures(names: Sequence[str]) -> list[Path]:
    """Files, the pictures of folders (not of folders inside), and what matches globs (``**`` included), each once.

    A name that matches nothing stays in the list, so that reading it says what is wrong.

    Raises:
        BadInput: an empty name, or a folder that cannot be looked into.
    """
    found: dict[Path, None] = {}
    for name in names:
        if not name:
            raise BadInput("the name of a picture is empty")
        try:
            found |= dict.fromkeys(_named(name))
        except (OSError, ValueError) as error:
            raise BadInput(f"{name} cannot be looked into: {reason(error)}") from None
    return list(found)


def _named(name: str) -> list[Path]:
    from whylight.pictures.read import picture_endings

    path = home_opened(Path(name))
    if _is(path, stat.S_ISDIR):
        endings = picture_endings()
        inside = sorted(file for file in path.iterdir() if file.suffix.lower() in endings and _is(file, stat.S_ISREG))
        return inside or [path]
    if glob.has_magic(name) and not _is(path, bool):
        matches = sorted(Path(match) for match in glob.glob(str(path), recursive=True))
        return [match for match in matches if _is(match, stat.S_ISREG)] or [path]
    return [path]


def _is(path: Path, kind: Callable[[int], bool]) -> bool:
    """Whether it is there and of that kind; a name that no file can have is not there."""
    try:
        return kind(path.stat().st_mode)
    except (OSError, ValueError):
        return False


class OutputFolder:
    """A folder of figures. Each knows its picture and question, so that no other one's figure replaces it.

    Raises:
        BadInput: the folder cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = make_folder(folder)
        self._taken: set[Path] = set()

    def write(self, stem: str, picture: Image.Image, figure: Figure, question: object = None) -> Path:
        """Write the figure of a picture as STEM.png; as STEM-2.png and so on where that is of something else.

        Several processes may write into one folder: each name is one figure's. The same question about the same
        picture, asked again later, replaces its figure.

        Args:
            question: what was asked about the picture, as anything that prints in full.

        Raises:
            BadInput: it cannot be written.
        """
        from whylight.pictures.figure import png

        asked = f"{picture.size} {question!r}".encode("utf-8", "backslashreplace")
        digest = hashlib.sha256(asked)
        for top in range(0, picture.height, _ROWS):
            digest.update(picture.crop((0, top, picture.width, min(top + _ROWS, picture.height))).tobytes())
        mark = digest.hexdigest()
        data = png(figure, {_MARK: mark})
        for number in itertools.count(1):
            path = self.folder / f"{_short(stem)}{'' if number == 1 else f'-{number}'}.png"
            if path in self._taken:
                continue
            if not write_new_file(path, data):
                if not _ours(path, mark):
                    continue
                write_file(path, data)
            self._taken.add(path)
            return path
        raise AssertionError("numbers do not end")


def write_page(path: Path, title: str, body: str, style: str = "") -> Path:
    """Write a self-contained page; folders on the way are made.

    Raises:
        BadInput: it cannot be written.
    """
    from whylight.pictures.page import page

    return write_result(path, page(title, body, style=style))


def section(name: str, body: str) -> str:
    """A part of a page (HTML) under its name (plain text)."""
    from whylight.pictures.page import escape

    return f"<h2>{escape(name)}</h2>\n{body}"


def _ours(path: Path, mark: str) -> bool:
    """Whether a file that is there may go: it is empty, or the figure of the same picture and question."""
    try:
        data = path.read_bytes() if _is(path, stat.S_ISREG) else b"another"
    except OSError:
        return False
    return not data or f"{_MARK}\0{mark}".encode() in data


def _short(stem: str) -> str:
    """A name that leaves room for a number and an ending within the 255 bytes of a file's name."""
    return stem if len(os.fsencode(stem)) <= _LONGEST else os.fsdecode(os.fsencode(stem)[:_LONGEST])

"""Paths and fsspec URLs, in one way."""

from __future__ import annotations

import os
import stat
from typing import IO, Any

from fsspec.core import url_to_fs

from whylight.errors import BadInput


def is_url(place: str) -> bool:
    return "://" in place


def file_system(place: str) -> tuple[Any, str]:
    """The fsspec file system of a path or URL, and the path in it.

    Raises:
        BadInput: no such protocol, or its package is not installed.
    """
    try:
        found: tuple[Any, str] = url_to_fs(place)
    except ImportError as error:
        raise BadInput(f"{place.partition('://')[0]}:// needs a package that is not installed: {error}") from None
    except ValueError as error:
        raise BadInput(f"{place}: {error}") from None
    return found


def named(fs: Any, path: str, like: str) -> str:
    """A path of a file system as a person wrote ``like``: with the protocol, or from the present folder."""
    if is_url(like):
        return str(fs.unstrip_protocol(path))
    return path if os.path.isabs(like) else os.path.relpath(path)


def open_binary(place: str) -> IO[bytes]:
    """Open to read.

    Raises:
        OSError: it is not there, or cannot be read; a pipe or a device would be waited for.
    """
    if not is_url(place):
        kind = os.stat(place).st_mode
        if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
            raise OSError("it is no file: a pipe or a device has no end to wait for")
        return open(place, "rb")
    fs, path = file_system(place)
    opened: IO[bytes] = fs.open(path, "rb")
    return opened


def read_bytes(place: str) -> bytes:
    with open_binary(place) as file:
        return file.read()


def join(folder: str, name: str) -> str:
    """A name in a folder; a name that says where it begins is left as it is."""
    return name if is_url(name) or name.startswith("/") or not folder else f"{folder.rstrip('/')}/{name}"


def parent(place: str) -> str:
    """The folder that something lies in; empty for the present one."""
    head, slash, _ = place.rpartition("/")
    return head if slash else ""

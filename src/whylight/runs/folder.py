"""The folder of a run, here or behind an fsspec URL: files in it are whole or not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from whylight.errors import BadInput, WhylightError
from whylight.runs.files import make_folder, reason, write_file, write_new_file
from whylight.runs.inputs.places import file_system, is_url

Place = str | Path

_RESUMES = "what is finished is stored: make room and start the same command again"


class RunFolder:
    """Names in a folder, with a slash for files in folders of it.

    Attributes:
        place: as a person wrote it.
        local: its path, where it lies on a disk of this machine.
    """

    def __init__(self, place: Place) -> None:
        text = str(place)
        if text.startswith(("file://", "local://")):
            text = file_system(text)[1]
        self.place = text
        self.local = None if is_url(text) else Path(text)
        self._fs: Any
        self._fs, self._path = file_system(text)

    def __str__(self) -> str:
        return self.place

    def __getstate__(self) -> dict[str, str]:
        return {"place": self.place}

    def __setstate__(self, state: dict[str, str]) -> None:
        self.__init__(state["place"])  # type: ignore[misc]

    def names(self, inside: str = "") -> list[str]:
        """Names of what lies in it, or in a folder of it; none where it is not there."""
        path = f"{self._path}/{inside}" if inside else self._path
        self._fs.invalidate_cache()
        if not self._fs.isdir(path):
            return []
        return sorted(found.rstrip("/").rpartition("/")[2] for found in self._fs.ls(path, detail=False))

    def has(self, name: str) -> bool:
        return bool(self._fs.exists(f"{self._path}/{name}"))

    def read(self, name: str) -> bytes:
        """A file's content.

        Raises:
            FileNotFoundError: it is not there.
        """
        content: bytes = self._fs.cat_file(f"{self._path}/{name}")
        return content

    def write(self, name: str, content: bytes) -> None:
        """Write a file, whole or not at all, in place of what has its name.

        Raises:
            WhylightError: it cannot be written: the disk is full, or nobody may write there.
        """
        try:
            if self.local is None:
                # Stores of objects show one when it is complete.
                self._fs.makedirs(f"{self._path}/{name}".rpartition("/")[0], exist_ok=True)
                self._fs.pipe_file(f"{self._path}/{name}", content)
            else:
                write_file(make_folder((self.local / name).parent) / Path(name).name, content)
        except OSError as error:
            raise WhylightError(f"{self.place}/{name} cannot be written: {reason(error)}; {_RESUMES}") from None
        except BadInput as error:
            raise WhylightError(f"{error}; {_RESUMES}") from None

    def create(self, name: str, content: bytes) -> bool:
        """Write a file that is not there yet; False where another process was faster (behind a URL: seemed to be).

        Raises:
            BadInput: it cannot be written.
        """
        if self.local is None:
            if self.has(name):
                return False
            self.write(name, content)
            return True
        return write_new_file(make_folder((self.local / name).parent) / Path(name).name, content)

    def remove(self, name: str) -> None:
        """Remove a file or a folder of files, if it is there."""
        if self.has(name):
            self._fs.rm(f"{self._path}/{name}", recursive=True)

    def sweep(self, name: str) -> None:
        """Remove what processes that were killed while writing a file left beside it; nobody may be writing it now."""
        if self.local is not None:
            path = self.local / name
            for left in path.parent.glob(f".{path.name}.*"):
                left.unlink(missing_ok=True)


def folder_of(place: Place | RunFolder) -> RunFolder:
    return place if isinstance(place, RunFolder) else RunFolder(place)

"""Which pictures a command line names, and where results go without overwriting those of another picture."""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from whylight.errors import BadInput

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL import Image

ENDINGS = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif", ".jp2"}
_MARK = "Whylight picture"


def find_pictures(names: Sequence[str]) -> list[Path]:
    """Files, the pictures of folders (not of folders inside), and what matches globs (``**`` included), each once.

    A name that matches nothing stays in the list, so that reading it says what is wrong.
    """
    found: dict[Path, None] = {}
    for name in names:
        path = Path(name).expanduser()
        if path.is_dir():
            inside = sorted(file for file in path.iterdir() if file.suffix.lower() in ENDINGS and file.is_file())
            found |= dict.fromkeys(inside or [path])
        elif not path.exists() and glob.has_magic(name):
            matches = sorted(Path(match) for match in glob.glob(str(path), recursive=True))
            found |= dict.fromkeys([match for match in matches if match.is_file()] or [path])
        else:
            found[path] = None
    return list(found)


class OutputFolder:
    """A folder of figures. Each knows which picture it shows, so that no other picture's figure replaces it.

    Raises:
        BadInput: the folder cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._taken: set[Path] = set()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadInput(f"{folder} cannot be a folder for results: {error.strerror}") from None

    def write(self, stem: str, picture: Image.Image, figure: Figure) -> Path:
        """Write the figure of a picture as STEM.png; as STEM-2.png and so on where that is another picture's."""
        from whylight.pictures.figure import png

        mark = hashlib.sha256(picture.tobytes() + repr(picture.size).encode()).hexdigest()
        number = 1
        while not self._free(path := self.folder / f"{stem}{'' if number == 1 else f'-{number}'}.png", mark):
            number += 1
        self._taken.add(path)
        try:
            path.write_bytes(png(figure, {_MARK: mark}))
        except OSError as error:
            raise BadInput(f"{path} cannot be written: {error.strerror}") from None
        return path

    def _free(self, path: Path, mark: str) -> bool:
        if path in self._taken:
            return False
        if not path.exists():
            return True
        from PIL import Image

        try:
            with Image.open(path) as figure:
                return figure.info.get(_MARK) == mark
        except (OSError, SyntaxError):
            return False

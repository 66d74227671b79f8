"""Folders laid out like Tiny-ImageNet's validation part: ``images`` with ``val_annotations.txt``."""

from __future__ import annotations

from pathlib import Path

from whylight.errors import BadInput
from whylight.evaluation.data.data_set import Region, Sample, Source, Unusable
from whylight.evaluation.data.files import existing, fingerprint, inside, open_picture, read_lines, sizes
from whylight.evaluation.data.wordnet import in_words
from whylight.runs.inputs.once import once

Box = tuple[float, float, float, float]


class BoxedPictures(Source):
    """Pictures with one class and one box each.

    Args:
        path: the folder that holds ``images`` and ``val_annotations.txt``: file, class, left, top, right, bottom (in
            pixels, right and bottom included) on each line.
    """

    name = "Tiny-ImageNet boxes"

    def __init__(self, path: Path) -> None:
        path = path / "val" if (path / "val").is_dir() else path
        self._folder = existing(path / "images", "the folder of pictures")
        self._file = path / "val_annotations.txt"
        rows: list[tuple[str, str, Box | None]] = []
        for number, line in enumerate(read_lines(self._file, "the list of boxes"), start=1):
            fields = line.split()
            try:
                name, label, *edges = fields
            except ValueError:
                raise BadInput(f"{self._file.name}, line {number}: needs file, class and four edges") from None
            rows.append((name, label, _box(edges)))
        self._rows = once(rows, self._file.name, lambda row: row[0])
        self.names = [name for name, _, _ in self._rows]
        self.classes = {label: in_words(label) for label in sorted({label for _, label, _ in self._rows})}

    def read(self, index: int) -> Sample:
        name, label, box = self._rows[index]
        picture = open_picture(inside(self._folder, name))
        if box is None:
            raise Unusable(f"its line in {self._file.name} has not four numbers for edges")
        left, top, right, bottom = box
        if not (0 <= left < right <= picture.width and 0 <= top < bottom <= picture.height):
            raise Unusable(f"box {[int(edge) for edge in box]} does not fit a picture of {picture.size}")
        return Sample(name, picture, (Region(label, box=box),))

    def label(self, index: int) -> str:
        """The class of a picture, without opening it."""
        return self._rows[index][1]

    def fingerprint(self) -> str:
        return fingerprint(self._file, sizes(self._folder / name for name in self.names))


def _box(edges: list[str]) -> Box | None:
    """Left, top, right and bottom, the last two excluded; None where that is not what stands there."""
    try:
        left, top, right, bottom = (float(edge) for edge in edges)
    except ValueError:
        return None
    return left, top, right + 1, bottom + 1

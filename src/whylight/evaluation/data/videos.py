"""Folders laid out like DAVIS: ``JPEGImages/SEQUENCE/*.jpg`` with ``Annotations/SEQUENCE/*.png``."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from whylight.errors import BadInput
from whylight.evaluation.data.data_set import Mask, Region, Sample, Source, Unusable
from whylight.evaluation.data.files import existing, fingerprint, open_label_map, open_picture, pictures_in, sizes
from whylight.runs.inputs.once import once


class VideoFrames(Source):
    """Frames with one region each: all objects together, called by the sequence's name.

    Args:
        path: the folder that holds ``JPEGImages`` and ``Annotations``, with DAVIS's ``480p`` below them or without.
    """

    name = "DAVIS"

    def __init__(self, path: Path) -> None:
        pictures = existing(path / "JPEGImages", "the folder of frames")
        masks = existing(path / "Annotations", "the folder of masks")
        if (pictures / "480p").is_dir():
            pictures, masks = pictures / "480p", existing(masks / "480p", "the folder of masks")
        self._pairs: list[tuple[Path, Path]] = []
        self._labels: list[str] = []
        for sequence in sorted(p for p in pictures.iterdir() if p.is_dir()):
            for frame in once(pictures_in(sequence), str(sequence), lambda path: path.stem):
                self._pairs.append((frame, masks / sequence.name / f"{frame.stem}.png"))
                self._labels.append(sequence.name)
        if not self._pairs:
            raise BadInput(f"{pictures} holds no frame")
        self.names = [f"{p.parent.name}/{p.name}" for p, _ in self._pairs]
        self.classes = {label: label.replace("-", " ") for label in dict.fromkeys(self._labels)}

    def read(self, index: int) -> Sample:
        frame, mask_path = self._pairs[index]
        picture = open_picture(frame)
        objects = open_label_map(mask_path, picture)
        if not objects.any():
            raise Unusable(f"mask {mask_path.name} holds no object")
        mask: Mask = (objects > 0).astype(np.int8)
        return Sample(self.names[index], picture, (Region(self._labels[index], mask=mask),))

    def fingerprint(self) -> str:
        return fingerprint(self.names, sizes(path for pair in self._pairs for path in pair))

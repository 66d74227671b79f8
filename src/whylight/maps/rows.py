"""From decoded pictures to rows: one for each (picture, target, method), or one that says why there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from whylight.evaluation.method_choices import Choice
from whylight.evaluation.raw_maps import maps_of, shared_recording
from whylight.maps.asked import Answers, Asked
from whylight.maps.decoded import Decode, Decoded, Failed
from whylight.maps.measured import measured
from whylight.maps.overlays import COLUMN as OVERLAY
from whylight.maps.overlays import overlay_png
from whylight.maps.schema import NOT_FINITE, OK, Stored, columns_of
from whylight.models.view import View
from whylight.passes.sharing import shared_passes

Row = dict[str, Any]


class MapRows:
    """Explains batches of pictures of one size; see :class:`whylight.runs.plan.Maker`.

    Attributes:
        columns: of every row, with their types.
    """

    def __init__(
        self, view: View, asked: Asked, choices: Sequence[Choice], decode: Decode, *, stored: Stored, fixed: int | None
    ) -> None:
        self.view, self._asked, self._choices, self._decode, self._stored = view, asked, choices, decode, stored
        self.columns = columns_of(stored, fixed, decode.keep, decode.inside is not None)

    def reader(self, source: Any) -> Callable[[Any], Any]:
        return self._decode

    def rows(self, batch: Iterable[Decoded | Failed]) -> list[Row]:
        items = [item for item in batch if isinstance(item, Decoded)]
        failed = [item for item in batch if isinstance(item, Failed)]
        named = None
        if items and items[0].prompts is not None:
            items, named, refused = self._asked.named(items)
            failed += refused
        rows = [_failed_row(item) for item in failed]
        if items:
            pixels = self.view.place(torch.stack([item.pixels for item in items]))
            assert isinstance(pixels, Tensor)
            with shared_passes():
                answers = self._asked.answers(self._output(pixels), named)
                for choice in self._choices:
                    rows += self._rows_of_method(choice, items, pixels, answers)
        return rows

    def _output(self, pixels: Tensor) -> Tensor:
        """The model's own output; LeGrad's recording has it anyway."""
        for choice in self._choices:
            if choice.method == "legrad" and "create_graph" not in choice.options:
                return shared_recording(choice, self.view, pixels).output
        with torch.no_grad():
            return self.view.output(pixels)

    def _rows_of_method(self, choice: Choice, items: list[Decoded], pixels: Tensor, answers: Answers) -> list[Row]:
        preprocessing = self.view.preprocessing
        assert preprocessing is not None
        down, across = preprocessing.patch
        height, width = pixels.shape[-2:]
        grid = (height // down, width // across)
        keys = [[f"{item.key}\0{name}" for name in names] for item, names in zip(items, answers.names, strict=True)]
        maps = maps_of(choice, self.view, pixels, answers.values, grid, keys)
        if tuple(maps.shape[-2:]) == (height, width):  # down to pixels: those that no patch covers belong to no place
            maps = maps[..., : height - height % down, : width - width % across]
        rows = []
        for position, item in enumerate(items):
            for target, name in enumerate(answers.names[position]):
                relevance = maps[position, target]
                row = _picture(item, (height, width)) | {
                    "target": name,
                    "method": choice.label,
                    "score": float(answers.scores[position, target]),
                    "logit": float(answers.logits[position, target]),
                    "grid_height": relevance.shape[0],
                    "grid_width": relevance.shape[1],
                }
                row |= self._map(relevance, item.label)
                if item.picture is not None and row["status"] == OK:
                    row[OVERLAY] = overlay_png(item.picture, item.frame, relevance)
                rows.append(row)
        return rows

    def _map(self, relevance: Tensor, label: Tensor | None) -> Row:
        if not bool(torch.isfinite(relevance).all()):
            return {"status": NOT_FINITE, "error": "the map holds values that are not finite"}
        values = relevance.flatten().numpy()
        scale = np.float32(1)
        if self._stored == "float16":
            # Largest value 1: half precision then loses at most 2^-11 of each value.
            scale = np.float32(np.abs(values).max()) or np.float32(1)
            values = (values / scale).astype(np.float16)
        row: Row = {"relevance": values, "scale": scale, "status": OK}
        return row if label is None else row | measured(relevance, label)


def count_failed(rows: Sequence[Row]) -> int:
    """Pictures without a map."""
    return len({row["key"] for row in rows if row["status"] != OK})


def _failed_row(item: Failed) -> Row:
    place = {"key": item.key, "source": item.source}
    return place | dict(item.kept) | {"status": item.problem.status, "error": item.problem.error}


def _picture(item: Decoded, size: tuple[int, int]) -> Row:
    left, top, right, bottom = item.frame.box
    place: Row = {"key": item.key, "source": item.source}
    return (
        place
        | dict(item.kept)
        | {
            "picture_height": item.frame.picture[0],
            "picture_width": item.frame.picture[1],
            "input_height": size[0],
            "input_width": size[1],
            "left": left,
            "top": top,
            "right": right,
            "bottom": bottom,
        }
    )

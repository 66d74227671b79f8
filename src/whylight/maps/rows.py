"""From decoded pictures to rows: one for each (picture, target, method), or one that says why there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from whylight.evaluation.method_choices import Choice
from whylight.evaluation.raw_maps import maps_of, records_legrad, shared_recording
from whylight.maps.asked import Asked
from whylight.maps.decoded import Decode, Decoded, Failed
from whylight.maps.measured import measured
from whylight.maps.overlays import COLUMN as OVERLAY
from whylight.maps.overlays import overlay_png
from whylight.maps.schema import NOT_FINITE, OK, Stored, columns_of
from whylight.models.targets import TargetsLike
from whylight.models.view import View
from whylight.passes.sharing import output_made, shared_passes
from whylight.pictures.prompts_and_classes import NamedTargets

Row = dict[str, Any]


class MapRows:
    """Explains batches of pictures of one size; see :class:`whylight.runs.plan.Maker`.

    Attributes:
        columns: of every row, with their types.
    """

    def __init__(self, view: View, asked: Asked, choices: Sequence[Choice], decode: Decode, *, stored: Stored) -> None:
        self.view, self._asked, self._choices, self._decode, self._stored = view, asked, choices, decode, stored
        self.columns = columns_of(stored, decode.keep, decode.inside is not None)

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
            rows += self._explained(items, pixels, named)
        return rows

    def _explained(self, items: list[Decoded], pixels: Tensor, named: list[NamedTargets] | None) -> list[Row]:
        with shared_passes():
            count = self._asked.targets if named is None else len(named[0].names)
            if count is not None:
                self._record(pixels, count)
            output = partial(self._output, pixels)
            values, names = self._asked.targets_of(len(items), named, output)
            maps = [self._maps(choice, items, pixels, values, names) for choice in self._choices]
            scores, logits = self._asked.said(output(), values)
        return [
            self._row(choice, item, of_choice[position, target], pixels)
            | {"target": name, "score": float(scores[position, target]), "logit": float(logits[position, target])}
            for choice, of_choice in zip(self._choices, maps, strict=True)
            for position, item in enumerate(items)
            for target, name in enumerate(names[position])
        ]

    def _record(self, pixels: Tensor, targets: int) -> None:
        """LeGrads that share a recording tell it how many targets they ask together."""
        recorded = [choice for choice in self._choices if records_legrad(choice)]
        for choice in recorded:
            shared_recording(choice, self.view, pixels, targets * len(recorded))

    def _output(self, pixels: Tensor) -> Tensor:
        """The model's own output; passes of methods that have run have it anyway."""
        made = output_made(self.view, pixels)
        if made is not None:
            return made
        with torch.no_grad():
            return self.view.output(pixels)

    def _maps(
        self, choice: Choice, items: list[Decoded], pixels: Tensor, values: TargetsLike, names: list[tuple[str, ...]]
    ) -> Tensor:
        """Raw maps (batch, targets, rows, columns) of whole patches."""
        preprocessing = self.view.preprocessing
        assert preprocessing is not None
        down, across = preprocessing.patch
        height, width = pixels.shape[-2:]
        keys = [[f"{item.key}\0{name}" for name in of_item] for item, of_item in zip(items, names, strict=True)]
        maps = maps_of(choice, self.view, pixels, values, (height // down, width // across), keys)
        if tuple(maps.shape[-2:]) == (height, width):  # down to pixels: those that no patch covers belong to no place
            maps = maps[..., : height - height % down, : width - width % across]
        return maps

    def _row(self, choice: Choice, item: Decoded, relevance: Tensor, pixels: Tensor) -> Row:
        height, width = pixels.shape[-2:]
        row = _picture(item, (height, width)) | {
            "method": choice.label,
            "grid_height": relevance.shape[0],
            "grid_width": relevance.shape[1],
        }
        row |= self._map(relevance, item.label)
        if item.picture is not None and row["status"] == OK:
            row[OVERLAY] = overlay_png(item.picture, item.frame, relevance)
        return row

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

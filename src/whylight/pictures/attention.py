"""Attention as it is: what patches, or the output, look at in one layer, head by head."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image, ImageDraw
from torch import Tensor, nn

from whylight.attention.call import AttentionCall
from whylight.attention.row_products import attention_rows
from whylight.attention.tiles import tiles
from whylight.models.load import load
from whylight.models.preprocessing import Fit, Frame
from whylight.models.view import View
from whylight.models.wrap import wrap
from whylight.passes.answer_pass import some_rows
from whylight.passes.layers import layer_index
from whylight.passes.one_layer import LayerPass, one_layer
from whylight.passes.readout_position import readout_weights
from whylight.pictures.explanation import Explanation
from whylight.pictures.like import patch_index
from whylight.pictures.look import InputSize, Look, look
from whylight.pictures.read import PictureLike
from whylight.pictures.read_raster import ValueRange
from whylight.runs.files import write_result
from whylight.runs.type_hints import check_types

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Query = tuple[int, int]
"""A patch that looks: (row, column), counted from 0."""


@dataclass(frozen=True, eq=False, repr=False)
class Attention:
    """Rows of one layer's attention maps.

    Attributes:
        by_head: where each query looks, (queries, heads, rows, columns) of patches, in [0, 1], float32, on the CPU.
        elsewhere: the share that goes to tokens before the patches (class token, registers), (queries, heads). With
            ``by_head`` it sums to one.
        queries: the patches that look; None for what the output is read from.
        layer: counted from 0.
        picture: upright, RGB.
        frame: which part of the picture the model saw.
        model: name of the model.
    """

    by_head: Tensor
    elsewhere: Tensor
    queries: tuple[Query | None, ...]
    layer: int
    picture: Image.Image
    frame: Frame
    model: str

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches."""
        return self.by_head.shape[2], self.by_head.shape[3]

    def __repr__(self) -> str:
        queries, heads, rows, columns = self.by_head.shape
        return f"Attention({self.model}, layer {self.layer}: {queries} queries, {heads} heads, {rows} x {columns})"

    def figure(self, query: int = 0, *, colormap: str = "inferno") -> Figure:
        """The picture with the query marked, the mean over heads, and every head, each on its own scale.

        Args:
            query: which of the queries.
        """
        from whylight.pictures.figure import DPI, LONGER_SIDE, Cell, grid_figure

        heads = self.by_head[query]
        maps, elsewhere = torch.cat([heads.mean(0, keepdim=True), heads]), self.elsewhere[query]
        names = ("mean of the heads", *(f"head {index}" for index in range(len(heads))))
        nothing = (0.0,) * len(names)
        shown = Explanation(
            maps, names, nothing, nothing, "value", self.picture, self.frame, self.model, "attention"
        ).reduced(2 * LONGER_SIDE * DPI)
        shares = (float(elsewhere.mean()), *elsewhere.tolist())
        marked, called = _marked(shown, self.queries[query])
        cells = [Cell(marked, called, f"{self.picture.width} x {self.picture.height}", shown.frame)]
        for index, (name, share) in enumerate(zip(names, shares, strict=True)):
            drawn = shown.overlay(index, colormap=colormap)
            cells.append(Cell(drawn, name, f"{share:.0%} to other tokens" if share >= 0.005 else ""))
        return grid_figure(
            cells, f"attention of layer {self.layer} · {self.model}", colormap=colormap, shows="attention"
        )

    def save(self, path: str | Path, query: int = 0) -> Path:
        """Write :meth:`figure` as PNG; folders on the way are made.

        Raises:
            BadInput: a place that cannot be written to.
        """
        from whylight.pictures.figure import png

        return write_result(path, png(self.figure(query)))


def attention(
    view: View | nn.Module | str,
    picture: PictureLike,
    *,
    layer: int = -1,
    query: Query | Sequence[Query] | None = None,
    size: InputSize | None = None,
    fit: Fit | None = None,
    large: bool = False,
    value_range: ValueRange | None = None,
) -> Attention:
    """Where patches of a picture look in one layer, head by head. Only the rows that are asked for are computed, some
    at a time: memory grows with the tokens, not with their square.

    Args:
        view, picture, size, fit, large, value_range: as for :func:`whylight.explain`.
        layer: counted from 0, or from the end where negative. Later layers do not run.
        query: the patch that looks, (row, column), or several. Default: what the output is read from: the class token,
            or the mean over all patches of models that pool.

    Raises:
        BadInput: no such layer or patch.
        UnsupportedModel: the model hides its attention.
    """
    check_types("attention", {"layer": layer, "query": query}, attention)
    view = load(view) if isinstance(view, str) else wrap(view)
    seen = look(view, picture, size=size, fit=fit, large=large, value_range=value_range)
    return attention_of(seen, layer, query)


def attention_of(seen: Look, layer: int, query: Query | Sequence[Query] | None = None) -> Attention:
    """The same of a picture that is looked at already."""
    queries = (query,) if query is None or isinstance(query, tuple) else tuple(query)
    return attention_of_layer(seen, one_layer(seen.view, seen.pixels, layer), layer, queries)


def attention_of_layer(seen: Look, made: LayerPass, layer: int, queries: tuple[Query | None, ...]) -> Attention:
    """The same of a layer that ran already."""
    rows = _head_rows(seen.view, made, queries)
    assert made.run.grid is not None
    return Attention(
        by_head=rows[..., made.run.prefix :].unflatten(-1, made.run.grid),
        elsewhere=rows[..., : made.run.prefix].sum(-1),
        queries=queries,
        layer=layer_index(layer, len(made.run.blocks)),
        picture=seen.picture,
        frame=seen.frame,
        model=seen.view.name,
    )


@torch.no_grad()
def _head_rows(view: View, made: LayerPass, queries: Sequence[Query | None]) -> Tensor:
    """Rows of every head's map, (queries, heads, tokens), float32, on the CPU."""
    if queries == (None,):
        return attention_rows(made.call, readout_weights(view, made.run)).float().cpu()
    places = [made.run.prefix + patch_index(view, made.run.grid, query) for query in queries if query is not None]
    some: AttentionCall = some_rows(made.call, torch.tensor(places, device=made.tokens.device))
    parts = [tile.attention()[0].transpose(0, 1).float().cpu() for tile in tiles(some)]
    return torch.cat(parts)


def _marked(shown: Explanation, query: Query | None) -> tuple[Image.Image, str]:
    """The picture with a frame about the patch that looks, and what to call it."""
    if query is None:
        return shown.picture, "what the output reads"
    left, top, right, bottom = shown.frame.box
    across, down = (right - left) / shown.grid[1], (bottom - top) / shown.grid[0]
    corner = (left + query[1] * across, top + query[0] * down)
    box = (*corner, corner[0] + across, corner[1] + down)
    picture = shown.picture.copy()
    thick = max(1, round(max(picture.size) / 160))
    around = (box[0] - thick, box[1] - thick, box[2] + thick, box[3] + thick)
    ImageDraw.Draw(picture).rectangle(around, None, "black", 3 * thick)
    ImageDraw.Draw(picture).rectangle(box, None, "white", thick)
    return picture, f"patch {query[0]}, {query[1]}"


class _CallablePackage(ModuleType):
    """Why ``whylight.attention(...)`` works, although ``whylight.attention`` is also the package that records it."""

    def __call__(self, *args: Any, **options: Any) -> Attention:
        return attention(*args, **options)


sys.modules["whylight.attention"].__class__ = _CallablePackage

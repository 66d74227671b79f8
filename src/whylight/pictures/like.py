"""Another picture, or one of its patches, as what is explained."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from torch import Tensor

from whylight.errors import BadInput
from whylight.models.preprocessing import Fit
from whylight.models.raster import Raster
from whylight.models.view import View
from whylight.passes.layers import run_blocks
from whylight.passes.patch_outputs import patch_outputs
from whylight.pictures.look import InputSize, look
from whylight.pictures.prompts_and_classes import NamedTargets
from whylight.pictures.read import PictureLike
from whylight.pictures.read_raster import ValueRange


def like_picture(
    view: View,
    targets: object,
    like: PictureLike | Raster | None,
    patch: tuple[int, int] | None = None,
    *,
    size: InputSize | None = None,
    fit: Fit | None = None,
    value_range: ValueRange | None = None,
) -> NamedTargets:
    """The embedding of a picture, or of one patch of it, as a target.

    Args:
        targets: must be None: likeness stands instead of targets.
        patch: (row, column) of the patch, whose token goes through the model's readout as if it were read alone.
        size, fit, value_range: as for the picture that is explained.

    Raises:
        BadInput: targets beside it, a model that gives no embeddings, or no such patch.
    """
    if like is None:
        raise BadInput("patch names a patch of the picture that is given as like: give like, too")
    if targets is not None:
        raise BadInput("like stands instead of targets: give targets (prompts, classes) or like, not both")
    if view.classifies:
        raise BadInput(
            f"{view.name} is a classifier, whose outputs are no embeddings to compare: take a dual encoder, or the "
            "model without its classifier (timm: num_classes=0)"
        )
    name = Path(os.fsdecode(like)).name if isinstance(like, (str, os.PathLike)) else "the other picture"
    pixels = look(view, like, size=size, fit=fit, value_range=value_range).pixels
    with torch.no_grad():
        if patch is None:
            return NamedTargets(view.output(pixels), (f"like {name}",))
        return NamedTargets(_patch(view, pixels, patch), (f"like {name}, patch {patch[0]}, {patch[1]}",))


def _patch(view: View, pixels: Tensor, patch: tuple[int, int]) -> Tensor:
    """What the model would say of one patch, (1, dim)."""
    run = view.begin(view.place(pixels))
    place = run.prefix + patch_index(view, run.grid, patch)
    tokens = run_blocks(run, run.tokens)
    return patch_outputs(run, tokens[:, place : place + 1])[:, 0]


def patch_index(view: View, grid: tuple[int, int] | None, patch: tuple[int, int]) -> int:
    """The number of a patch, row by row.

    Raises:
        BadInput: no such patch.
    """
    if grid is None:
        raise BadInput(f"{view.name} has no grid of patches")
    (row, column), (rows, columns) = patch, grid
    if not (0 <= row < rows and 0 <= column < columns):
        raise BadInput(f"there is no patch ({row}, {column}): there are {rows} rows of {columns}, counted from 0")
    return row * columns + column

"""timm's Swin Transformer: where embed, blocks and readout are."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from whylight.models.sizes import fit_to_patches, shadow
from whylight.models.view import Pass
from whylight.models.windows import stages_as_blocks


def is_swin(trunk: Any) -> bool:
    """Whether it is a Swin Transformer of the first version."""
    kinds = (kind for kind in type(trunk).__mro__ if kind.__module__ == "timm.models.swin_transformer")
    return any(kind.__name__ == "SwinTransformer" for kind in kinds)


def begin_swin(trunk: Any, pixels: Tensor) -> Pass:
    """A pass through a Swin, pixels (batch, 3, H, W). ``grid`` is the last stage's.

    Other sizes than its own are read as timm's ``set_input_size`` has it: windows grow with the picture.
    """
    native = tuple(trunk.patch_embed.img_size)
    pixels = fit_to_patches(pixels, cell_of(trunk), native)
    size = (pixels.shape[-2], pixels.shape[-1])
    if size != native and not getattr(trunk, "dynamic_img_size", False):
        trunk = shadow(trunk)
        trunk.set_input_size(img_size=size)
    cells = trunk.patch_embed(pixels)
    merges = [stage.downsample for stage in trunk.layers]
    merges = [None if isinstance(merge, nn.Identity) else merge for merge in (*merges[1:], nn.Identity())]
    stages = [(list(stage.blocks), merge) for stage, merge in zip(trunk.layers, merges, strict=True)]
    blocks, grid = stages_as_blocks(stages, (cells.shape[1], cells.shape[2]))

    def readout(tokens: Tensor) -> Tensor:
        output: Tensor = trunk.forward_head(trunk.norm(tokens.unflatten(1, grid)))
        return output if output.dim() == 2 else output.mean((1, 2))  # `global_pool=""` pools nothing

    return Pass(
        tokens=cells.flatten(1, 2),
        blocks=blocks,
        readout=readout,
        head=lambda pooled: readout(pooled[:, None].expand(-1, grid[0] * grid[1], -1)),
        prefix=0,
        grid=grid,
    )


def cell_of(trunk: Any) -> tuple[int, int]:
    """Sides in pixels of what one token of the last stage stands for."""
    rows, columns = trunk.patch_embed.patch_size
    times = 2 ** (len(trunk.layers) - 1)
    return rows * times, columns * times

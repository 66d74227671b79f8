"""One patch of a picture beside the others: what it attends to, and which patches are like it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from whylight.attention.call import at_least_float32
from whylight.passes.one_layer import one_layer
from whylight.pictures.attention import attention_of_layer
from whylight.pictures.look import Look


@dataclass(frozen=True)
class Patch:
    """What one layer makes of one patch.

    Attributes:
        attention: what it attends to, by head: (heads, rows, columns) in [0, 1], float32.
        elsewhere: the share of each head's attention that goes to tokens before the patches (class token, registers):
            (heads,). With ``attention`` it sums to one.
        likeness: cosine of its token with every patch's after the layer, (rows, columns) in [-1, 1].
    """

    attention: Tensor
    elsewhere: Tensor
    likeness: Tensor


@torch.no_grad()
def patch_of(look: Look, layer: int, row: int, column: int) -> Patch:
    """What a layer makes of the patch at (row, column); one row of the attention map is computed, not the map.

    Raises:
        BadInput: no such layer or patch.
        UnsupportedModel: the model hides its attention.
    """
    made = one_layer(look.view, look.pixels, layer)
    attended = attention_of_layer(look, made, layer, ((row, column),))
    directions = F.normalize(at_least_float32(made.tokens[0, made.run.prefix :]), dim=-1).unflatten(0, attended.grid)
    likeness = (directions @ directions[row, column]).float().cpu()
    return Patch(attention=attended.by_head[0], elsewhere=attended.elsewhere[0], likeness=likeness)

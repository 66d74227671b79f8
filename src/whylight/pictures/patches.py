"""One patch of a picture beside the others: what it attends to, and which patches are like it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from whylight.attention.call import at_least_float32
from whylight.attention.row_products import attention_rows
from whylight.errors import BadInput
from whylight.passes.one_layer import one_layer
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
    seen = one_layer(look.view, look.pixels, layer)
    run = seen.run
    if run.grid is None:
        raise BadInput(f"{look.view.name} has no grid of patches")
    rows, columns = run.grid
    if not (0 <= row < rows and 0 <= column < columns):
        raise BadInput(f"there is no patch ({row}, {column}): there are {rows} rows of {columns}, counted from 0")
    own = run.prefix + row * columns + column
    one_row = at_least_float32(seen.tokens.new_zeros(1, seen.call.queries))
    one_row[0, own] = 1
    by_head = attention_rows(seen.call, one_row)[0].float().cpu()
    directions = F.normalize(at_least_float32(seen.tokens[0]), dim=-1)
    likeness = (directions[run.prefix :] @ directions[own]).float().cpu()
    return Patch(
        attention=by_head[:, run.prefix :].unflatten(-1, run.grid),
        elsewhere=by_head[:, : run.prefix].sum(-1),
        likeness=likeness.unflatten(-1, run.grid),
    )

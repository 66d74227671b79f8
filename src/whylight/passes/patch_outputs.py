"""What a model would say if it read one patch alone."""

from __future__ import annotations

from torch import Tensor

from whylight.attention.call import at_least_float32
from whylight.models.view import Pass


def patch_outputs(run: Pass, patches: Tensor) -> Tensor:
    """The output for every patch, (batch, patches, dim), at least float32, as if it were read alone.

    Args:
        patches: tokens after the last block, (batch, patches, width).
    """
    alone = patches.flatten(0, 1)
    output = run.head(alone) if run.attention_pool is None else run.attention_pool.model(alone[:, None])
    return at_least_float32(output.unflatten(0, patches.shape[:2]))

"""How many classes a head has: counted where the logits come out, as heads are replaced by hand."""

from __future__ import annotations

from torch import nn


def outputs_of(head: nn.Module | None, otherwise: int) -> int:
    """Outputs of a head: of the last layer in it that says so; 0 where nothing is left of it.

    Args:
        otherwise: what the model says of itself, for a head that does not say.
    """
    if head is None or isinstance(head, nn.Identity):
        return 0
    found = [getattr(part, "out_features", None) for part in head.modules()]
    counts = [count for count in found if isinstance(count, int)]
    return counts[-1] if counts else otherwise

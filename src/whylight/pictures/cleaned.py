"""Prompts cleaned of other prompts (OSP, arXiv 2606.14758): what of an embedding no other text says.

    r = x;  up to 8 times: take the other text d with the largest |r · d|,  r = x - its best fit by all that were taken

r / |r| is explained in place of x, all of unit length. The texts are named by hand, so none is passed over for being
like x: the paper draws them from a dictionary, and leaves those out.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

STEPS = 8
LEAST = 0.01
"""So much of an embedding of length 1 must be left: the rest of less is rounding."""
_ALIKE = 1e-4
"""Texts that differ by less say the same."""


def cleaned(embeddings: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """Unit embeddings (n, dim) without what others (k, dim) say, of unit length, and how much of each was left, (n,).

    Where hardly anything is left (less than ``LEAST``) the direction means nothing.
    """
    x = F.normalize(embeddings.detach().double(), dim=-1)
    atoms = F.normalize(others.detach().double(), dim=-1).to(x.device)
    rest = torch.stack([_without(one, atoms) for one in x])
    return F.normalize(rest, dim=-1).to(embeddings.dtype), rest.norm(dim=-1)


def _without(x: Tensor, atoms: Tensor) -> Tensor:
    rest, taken = x, torch.zeros(len(atoms), dtype=torch.bool, device=x.device)
    for _ in range(min(STEPS, len(atoms))):
        found = (atoms @ rest).abs().masked_fill(taken, 0.0)
        if float(found.max()) < _ALIKE:
            break
        taken[found.argmax()] = True
        span = atoms[taken].T
        rest = x - span @ (torch.linalg.pinv(span, rtol=_ALIKE) @ x)
    return rest

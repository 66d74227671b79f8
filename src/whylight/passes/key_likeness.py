"""Likeness of patches by the keys of all layers, and relevance that spreads along it.

    W = mean over layers and heads of  softmax over patches j of (s k_i · k_j / mean_j |k_j|²)

W r is attention with query s k / mean |k|², key k and value r, so nothing of patches x patches is held. Prefix tokens
and padding are left out before the softmax; where the model masks its attention (causal texts), so does W.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from whylight.attention import AttentionCall, record_attention
from whylight.attention.call import at_least_float32
from whylight.models.view import Inputs, Pass, View
from whylight.passes.full_pass import shared_full_pass
from whylight.passes.layers import the_call
from whylight.passes.sharing import shared

SHARPNESS = 3.0
"""s, chosen on one half of the pictures that keyflow was tried on."""


@dataclass(frozen=True)
class KeyLikeness:
    """W of one input, as the keys that it is made of.

    Attributes:
        keys: of each layer, (batch, heads, patches, head width), at least float32.
        allowed: of each layer, where patches may look, broadcastable to (batch, heads, patches, patches); None:
            everywhere.
        real: (batch, patches), True for what counts; None where all do.
    """

    keys: list[Tensor]
    allowed: list[Tensor | None]
    real: Tensor | None

    @property
    def nbytes(self) -> int:
        return sum(key.nbytes for key in self.keys)

    @torch.no_grad()
    def spread(self, relevance: Tensor, sharpness: float = SHARPNESS) -> Tensor:
        """W r, (batch, targets, patches), of r shaped alike."""
        rounds = [self._round(part, sharpness) for part in relevance.split(self.keys[0].shape[-1], dim=1)]
        return torch.cat(rounds, dim=1)

    def _round(self, relevance: Tensor, sharpness: float) -> Tensor:
        """The same for no more targets than a head is wide: fused attention wants values as wide as keys."""
        total = torch.zeros_like(relevance)
        for key, allowed in zip(self.keys, self.allowed, strict=True):
            query = key * (sharpness / self._mean_square(key))
            value = F.pad(relevance.mT.to(key), (0, key.shape[-1] - relevance.shape[1]))[:, None]
            spread = F.scaled_dot_product_attention(query, key, value.expand_as(key), attn_mask=allowed, scale=1.0)
            total += spread.mean(1)[..., : relevance.shape[1]].mT
        return total / len(self.keys)

    def _mean_square(self, key: Tensor) -> Tensor:
        square = key.square().sum(-1)
        if self.real is None:
            return square.mean(-1)[..., None, None]
        real = self.real[:, None].to(square)
        return ((square * real).sum(-1) / real.sum(-1))[..., None, None]

    @torch.no_grad()
    def above_mean(
        self, relevance: Tensor, sharpness: float = SHARPNESS, power: float = 1.0, order: float = 0.0
    ) -> Tensor:
        """max(W r - mean over patches of W r, order (W r - its least)) to a power, (batch, targets, patches).

        Args:
            order: 0 is what ``smooth=True`` makes: what is not above the mean is zero. More, and it keeps its order.
        """
        spread = self.spread(relevance, sharpness)
        real = torch.ones_like(spread[:, :1]) if self.real is None else self.real[:, None].to(spread)
        mean = (spread * real).sum(-1, keepdim=True) / real.sum(-1, keepdim=True)
        least = spread.masked_fill(real == 0, torch.inf).amin(-1, keepdim=True)
        return torch.maximum(spread - mean, order * (spread - least)).relu().pow(power) * real


def key_likeness(run: Pass, calls: Iterable[AttentionCall]) -> KeyLikeness:
    """W from the attention calls of all blocks, in any order.

    The token that a text's output is read from is no patch, as prefix tokens of pictures are none.
    """
    real = None if run.mask is None else run.mask[:, run.prefix :]
    if run.grid is None and run.readout_row is not None:
        real = torch.ones_like(run.tokens[..., 0], dtype=torch.bool) if real is None else real
        real = real.scatter(1, run.readout_row[:, None], False)
    keys: list[Tensor] = []
    allowed: list[Tensor | None] = []
    for call in calls:
        keys.append(at_least_float32(call.key.detach()[..., run.prefix :, :]).contiguous())
        allowed.append(_allowed(call, run.prefix, real))
    return KeyLikeness(keys, allowed, real)


def record_key_likeness(view: View, inputs: Inputs) -> KeyLikeness:
    """W of an input: from the pass that methods share, where there is one, else by a pass that keeps keys alone."""
    return shared(view, inputs, ("keys",), lambda: _recorded(view, inputs))


@torch.no_grad()
def _recorded(view: View, inputs: Inputs) -> KeyLikeness:
    full = shared_full_pass(view, inputs)
    if full is not None:
        return key_likeness(full.run, (block.call for block in full.blocks))
    run = view.begin(inputs)
    return key_likeness(run, _calls(view, run))


def _calls(view: View, run: Pass) -> Iterator[AttentionCall]:
    tokens = run.tokens
    for layer, block in enumerate(run.blocks):
        entering = tokens
        with record_attention() as calls:
            tokens = block(entering)
        yield the_call(calls, view, layer, entering.shape[1])


def _allowed(call: AttentionCall, prefix: int, real: Tensor | None) -> Tensor | None:
    allowed = None if real is None else real[:, None, None]
    of_call = call.allowed() if call.is_causal or call.mask is not None else None
    if of_call is None:
        return allowed
    of_call = of_call[..., prefix:] if of_call.shape[-2] == 1 else of_call[..., prefix:, prefix:]
    if bool(of_call.all()):
        return allowed
    both = of_call if allowed is None else of_call & allowed
    # A row that may look nowhere looks at itself: it is no patch, and no number comes of it.
    itself = torch.eye(call.keys - prefix, dtype=torch.bool, device=both.device)
    return both | (itself & ~both.any(-1, keepdim=True))

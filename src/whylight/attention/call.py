"""One attention call: its queries, keys, values and output, and tiles of its attention map."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

EVERY_ROW = slice(None)


@dataclass(frozen=True)
class AttentionCall:
    """Scaled dot-product attention as it was computed.

    Attributes:
        query: (batch, heads, queries, head width), scaled by nothing yet.
        key, value: (batch, heads, keys, head width).
        output: (batch, heads, queries, head width), A V before the output projection. Its gradient can be asked
            for with ``torch.autograd.grad``: with respect to the map A it is ``gradient(output) @ value.T``.
        mask: None, or what is added to the scores: boolean (True = may attend) or floating, broadcastable to
            (batch, heads, queries, keys).
        is_causal: queries see only keys up to their own position.
        scale: factor of query · key, normally 1 / sqrt(head width).
    """

    query: Tensor
    key: Tensor
    value: Tensor
    output: Tensor
    mask: Tensor | None
    is_causal: bool
    scale: float

    @property
    def heads(self) -> int:
        return self.query.shape[1]

    @property
    def queries(self) -> int:
        return self.query.shape[2]

    @property
    def keys(self) -> int:
        return self.key.shape[2]

    def allowed(self, rows: slice = EVERY_ROW) -> Tensor | None:
        """Where queries may attend, boolean, broadcastable to (batch, heads, rows, keys); None: everywhere.

        A finite bias, such as a relative position, forbids nothing.
        """
        allowed = None
        if self.mask is not None:
            mask = self.mask if self.mask.shape[-2] == 1 else self.mask[..., rows, :]
            allowed = mask if mask.dtype == torch.bool else mask > torch.finfo(mask.dtype).min
        if self.is_causal:
            positions = torch.arange(self.queries, device=self.query.device)[rows]
            causal = torch.arange(self.keys, device=self.query.device) <= positions[:, None]
            allowed = causal if allowed is None else allowed & causal
        return allowed

    def values_only(self) -> AttentionCall:
        """The same call with no more than gradients of its map need: values, and where queries may attend.

        Values are a copy of their own, without a graph. All else keeps its shape and holds nothing.
        """
        allowed = self.allowed()
        query, key, output = (
            like.detach().new_zeros(()).expand(like.shape) for like in (self.query, self.key, self.output)
        )
        return AttentionCall(
            query=query,
            key=key,
            value=self.value.detach().clone(memory_format=torch.contiguous_format),
            output=output,
            mask=None if allowed is None or bool(allowed.all()) else allowed,
            is_causal=False,
            scale=self.scale,
        )

    def detached(self) -> AttentionCall:
        """The same call without a graph behind it."""
        query, key, value, output = (each.detach() for each in (self.query, self.key, self.value, self.output))
        mask = None if self.mask is None else self.mask.detach()
        return replace(self, query=query, key=key, value=value, output=output, mask=mask)

    def of_pictures(self, pictures: slice) -> AttentionCall:
        """The same call of some rows of the batch."""
        query, key, value, output = (each[pictures] for each in (self.query, self.key, self.value, self.output))
        mask = (
            self.mask[pictures] if self.mask is not None and self.mask.dim() == 4 and len(self.mask) > 1 else self.mask
        )
        return replace(self, query=query, key=key, value=value, output=output, mask=mask)

    def of_keys(self, count: int) -> AttentionCall:
        """The same call as it sees its first keys alone."""
        mask = self.mask
        if mask is not None and mask.shape[-1] > 1:
            mask = mask[..., :count]
        return replace(self, key=self.key[..., :count, :], value=self.value[..., :count, :], mask=mask)

    def tensors(self) -> list[Tensor]:
        """All that it holds."""
        held = [self.query, self.key, self.value, self.output]
        return held if self.mask is None else [*held, self.mask]

    def attention(self, rows: slice = EVERY_ROW) -> Tensor:
        """Rows of A = softmax(scale · query keyᵀ + mask): (batch, heads, rows, keys), in [0, 1], at least float32.

        The whole map is heads x queries x keys numbers: ask for a few rows at a time
        (:func:`whylight.attention.tiles.tiles`).
        """
        query, key = at_least_float32(self.query[..., rows, :]), at_least_float32(self.key)
        scores = (query * self.scale) @ key.transpose(-1, -2)
        if self.mask is not None and self.mask.dtype != torch.bool:
            mask = self.mask if self.mask.shape[-2] == 1 else self.mask[..., rows, :]
            scores = scores + mask
        attention = self._filled(scores, rows, -torch.inf).softmax(-1)
        return attention if self.mask is None else attention.nan_to_num(0.0)

    def map_gradient(self, gradient: Tensor, rows: slice = EVERY_ROW) -> Tensor:
        """Rows of ∂s/∂A = G_O Vᵀ, zero where no query may attend: (..., batch, heads, rows, keys), at least float32.

        Args:
            gradient: G_O, ∂s/∂output: (..., batch, heads, queries, head width); leading dimensions are targets.
        """
        product = at_least_float32(gradient[..., rows, :]) @ at_least_float32(self.value).transpose(-1, -2)
        return self._filled(product, rows, 0.0)

    def _filled(self, of_map: Tensor, rows: slice, forbidden: float) -> Tensor:
        """Rows of a map with that number, in place, where their queries may not attend."""
        allowed = self.allowed(rows)
        if allowed is not None:
            # Keys before the first of the rows are seen by all of them under a causal mask alone.
            keys = slice(rows.indices(self.queries)[0] if self.mask is None else 0, None)
            of_map[..., keys].masked_fill_(~allowed[..., keys], forbidden)
        return of_map


def at_least_float32(tensor: Tensor) -> Tensor:
    """The tensor in its own precision, or in float32 where that is half precision."""
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor

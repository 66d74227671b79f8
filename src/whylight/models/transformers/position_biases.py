"""DeBERTa and MPNet classifiers: transformers writes their attention out, as positions add to its scores.

A shadow of the layers, of the same parameters, calls torch's attention function instead, with those terms as the mask
that is added to the scores: the same values, and seen by all methods.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from whylight.errors import UnsupportedModel
from whylight.models.sizes import shadow
from whylight.models.transformers.bert import first_token_pass
from whylight.models.transformers.blocks import drive
from whylight.models.transformers.masks import padding_mask, real_tokens
from whylight.models.view import Block, Pass


def begin_deberta(module: Any, inputs: Mapping[str, Tensor]) -> Pass:
    """A pass through a DeBERTa classifier (v1, v2 and v3): pooler (dense, GELU) and classifier on the first token."""
    tower, ids = module.deberta, inputs["input_ids"]
    real = real_tokens(inputs)
    mask = torch.ones_like(ids) if real is None else real.to(ids.dtype)
    tokens = tower.embeddings(input_ids=ids, token_type_ids=inputs.get("token_type_ids"), mask=mask)
    encoder = shadow(tower.encoder)
    for layer in encoder.layer:
        own = layer.attention.self
        if getattr(own, "talking_head", False):
            raise UnsupportedModel("this DeBERTa mixes its attention heads (talking_head), so that none has a map")
        layer.attention.self = _Fused(_first if hasattr(own, "in_proj") else _second, own)
    positions = {"relative_pos": encoder.get_rel_pos(tokens), "rel_embeddings": encoder.get_rel_embedding()}
    blocks = [drive(layer, padding_mask(mask.bool()), **positions) for layer in encoder.layer]
    if getattr(encoder, "conv", None) is not None:
        blocks[0] = _with_convolution(blocks[0], encoder.conv, mask)

    return first_token_pass(tokens, blocks, lambda pooled: module.classifier(module.pooler(pooled[:, None])), real)


def begin_mpnet(module: Any, inputs: Mapping[str, Tensor]) -> Pass:
    """A pass through an MPNet classifier, whose one table of relative positions all layers share."""
    tower = module.mpnet
    tokens = tower.embeddings(input_ids=inputs["input_ids"])
    real = real_tokens(inputs)
    encoder = shadow(tower.encoder)
    for layer in encoder.layer:
        layer.attention.attn = _Fused(_mpnet, layer.attention.attn)
    bias = encoder.compute_position_bias(tokens)
    if real is not None:
        bias = bias.masked_fill(~real[:, None, None, :], -torch.inf)

    return first_token_pass(
        tokens,
        [drive(layer, None, position_bias=bias) for layer in encoder.layer],
        lambda pooled: module.classifier(pooled[:, None]),
        real,
    )


class _Fused(nn.Module):
    """An attention module in the place of transformers' own, of the same parameters."""

    def __init__(self, attend: Callable[..., Tensor], own: nn.Module) -> None:
        super().__init__()
        self.attend = attend
        self.own = own

    def forward(self, tokens: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, None]:
        return self.attend(self.own, tokens, *args, **kwargs), None


def _second(
    own: Any, tokens: Tensor, mask: Tensor, *_: Any, relative_pos: Any, rel_embeddings: Any, **__: Any
) -> Tensor:
    """DeBERTa v2 and v3, (batch, tokens, width): content with content, and content with relative positions."""
    heads = own.num_attention_heads
    projections = (own.query_proj, own.key_proj, own.value_proj)
    query, key, value = (own.transpose_for_scores(project(tokens), heads) for project in projections)
    terms = 1 + sum(kind in own.pos_att_type for kind in ("c2p", "p2c"))
    bias = None
    if own.relative_attention:
        rel_embeddings = own.pos_dropout(rel_embeddings)
        bias = own.disentangled_attention_bias(query, key, relative_pos, rel_embeddings, terms)
        bias = bias.unflatten(0, (-1, heads))
    query, key, value = (each.unflatten(0, (-1, heads)) for each in (query, key, value))
    return _attend(query, key, value, bias, mask, _scale(query, terms))


def _first(
    own: Any, tokens: Tensor, mask: Tensor, *_: Any, relative_pos: Any, rel_embeddings: Any, **__: Any
) -> Tensor:
    """DeBERTa v1, whose queries are scaled before positions are scored."""
    query, key, value = own.transpose_for_scores(own.in_proj(tokens)).chunk(3, dim=-1)
    query = query + own.transpose_for_scores(own.q_bias[None, None, :])
    value = value + own.transpose_for_scores(own.v_bias[None, None, :])
    terms = 1 + len(own.pos_att_type)
    query = query * _scale(query, terms)
    bias = None
    if own.relative_attention:
        rel_embeddings = own.pos_dropout(rel_embeddings)
        bias = own.disentangled_att_bias(query, key, relative_pos, rel_embeddings, terms)
    return _attend(query, key, value, bias, mask, 1.0)


def _mpnet(own: Any, tokens: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    bias = inspect.signature(own.forward).bind(tokens, *args, **kwargs).arguments["position_bias"]
    query, key, value = (
        project(tokens).unflatten(-1, (own.num_attention_heads, -1)).transpose(1, 2)
        for project in (own.q, own.k, own.v)
    )
    output: Tensor = own.o(_attend(query, key, value, bias, None, own.attention_head_size**-0.5))
    return output


def _attend(
    query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None, allowed: Tensor | None, scale: float
) -> Tensor:
    """(batch, tokens, width) of (batch, heads, tokens, head width)."""
    mask = bias
    if allowed is not None:
        mask = allowed if bias is None else bias.masked_fill(~allowed, -torch.inf)
    return F.scaled_dot_product_attention(query, key, value, mask, scale=scale).transpose(1, 2).flatten(2)


def _scale(query: Tensor, terms: int) -> float:
    """One over the root of head width and terms, in float32 as transformers computes the root."""
    return 1 / float(torch.tensor(query.shape[-1] * terms, dtype=torch.float32).sqrt())


def _with_convolution(block: Block, convolution: Any, mask: Tensor) -> Block:
    """The first block of the larger DeBERTa v2: a convolution over the tokens that enter it is added."""
    return lambda tokens: convolution(tokens, block(tokens), mask)

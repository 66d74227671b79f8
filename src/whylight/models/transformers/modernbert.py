"""ModernBERT classifiers in transformers: rotary positions; most layers see a window of tokens, the others all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from whylight.models.readout_token import first_row
from whylight.models.transformers.blocks import drive, layers_of
from whylight.models.transformers.masks import mean_of_real, padding_mask, real_tokens, window_mask
from whylight.models.view import Block, Pass


def begin_modernbert(module: Any, inputs: Mapping[str, Tensor]) -> Pass:
    """A pass through a ModernBERT classifier, which reads the first token or the mean of the real ones."""
    tower, config = module.model, module.config
    tokens = tower.embeddings(input_ids=inputs["input_ids"])
    real = real_tokens(inputs)

    def last(pooled: Tensor) -> Tensor:
        logits: Tensor = module.classifier(module.head(pooled))
        return logits

    def readout(tokens: Tensor) -> Tensor:
        tokens = tower.final_norm(tokens)
        return last(tokens[:, 0] if config.classifier_pooling == "cls" else mean_of_real(tokens, real))

    return Pass(
        tokens=tokens,
        blocks=_blocks(tower, tokens, real),
        readout=readout,
        head=lambda pooled: last(tower.final_norm(pooled)),
        prefix=0,
        grid=None,
        mask=real,
        readout_row=first_row(tokens) if config.classifier_pooling == "cls" else None,
    )


def _blocks(tower: Any, tokens: Tensor, real: Tensor | None) -> list[Block]:
    """Global layers, and local ones, which see half their window to either side."""
    config, everywhere = tower.config, padding_mask(real)
    window = window_mask(real, tokens, config.local_attention // 2)
    positions = torch.arange(tokens.shape[1], device=tokens.device)[None]
    if not hasattr(
        config, "layer_types"
    ):  # before transformers 5 a layer chooses among both masks, and turns by itself
        both = {"sliding_window_mask": window, "position_ids": positions}
        return [drive(layer, everywhere, **both) for layer in layers_of(tower)]
    masks = {"full_attention": everywhere, "sliding_attention": window}
    rotary = {kind: tower.rotary_emb(tokens, positions, kind) for kind in set(config.layer_types)}
    return [
        drive(layer, masks[kind], position_embeddings=rotary[kind])
        for layer, kind in zip(layers_of(tower), config.layer_types, strict=True)
    ]

"""CLIP in transformers, and its kin MetaCLIP 2, CLIPSeg and OWL-ViT: picture towers and text towers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from whylight.models.readout_token import first_row, tokens_at, up_to
from whylight.models.transformers.blocks import drive, layers_of, picture_tower
from whylight.models.transformers.grid import fit_to_grid
from whylight.models.transformers.masks import causal_mask, real_tokens
from whylight.models.view import Pass


def begin_clip_vision(module: Any, pixels: Tensor) -> Pass:
    """A pass through a CLIP picture tower, pixels (batch, 3, H, W)."""
    tower = picture_tower(module)
    pixels, grid, resized = fit_to_grid(pixels, tower.config)
    first_norm = tower.pre_layrnorm if hasattr(tower, "pre_layrnorm") else tower.pre_layernorm  # OWL-ViT's spelling
    tokens = first_norm(tower.embeddings(pixels, interpolate_pos_encoding=resized))
    blocks = [drive(layer) for layer in layers_of(tower)]
    if hasattr(module, "classifier"):
        # This head has no final norm, and pools the patches.
        return Pass(
            tokens=tokens,
            blocks=blocks,
            readout=lambda tokens: module.classifier(tokens[:, 1:].mean(1)),
            head=module.classifier,
            prefix=1,
            grid=grid,
        )
    project = getattr(module, "visual_projection", nn.Identity())

    def head(pooled: Tensor) -> Tensor:
        embedding: Tensor = project(tower.post_layernorm(pooled))
        return embedding

    return Pass(
        tokens=tokens,
        blocks=blocks,
        readout=lambda tokens: head(tokens[:, 0]),
        head=head,
        prefix=1,
        grid=grid,
        readout_row=first_row(tokens),
    )


def begin_clip_text(module: Any, inputs: Mapping[str, Tensor]) -> Pass:
    """A pass through a CLIP text tower: causal attention, read at the first end-of-text token.

    What stands behind that token counts as padding: nothing that is read out can see it.
    """
    tower = getattr(module, "text_model", module)
    # Old configurations give 2 for the end and mean the largest id.
    return _text_pass(module, tower, inputs, largest=tower.eos_token_id == 2)


def begin_metaclip_text(module: Any, inputs: Mapping[str, Tensor]) -> Pass:
    """The same for MetaCLIP 2, whose end of text truly is 2."""
    return _text_pass(module, getattr(module, "text_model", module), inputs, largest=False)


def begin_owl_text(module: Any, inputs: Mapping[str, Tensor]) -> Pass:
    """The same for OWL-ViT, which always reads the largest id."""
    return _text_pass(module, getattr(module, "text_model", module), inputs, largest=True)


def _text_pass(module: Any, tower: Any, inputs: Mapping[str, Tensor], largest: bool) -> Pass:
    """A pass that reads the largest id, or else the first end of text."""
    project = getattr(module, "text_projection", nn.Identity())
    ids = inputs["input_ids"]
    tokens = tower.embeddings(input_ids=ids)
    mask = causal_mask(real_tokens(inputs), tokens)
    row = ids.to(torch.int).argmax(-1) if largest else (ids == tower.eos_token_id).int().argmax(-1)

    def head(pooled: Tensor) -> Tensor:
        embedding: Tensor = project(tower.final_layer_norm(pooled))
        return embedding

    return Pass(
        tokens=tokens,
        blocks=[drive(layer, mask) for layer in layers_of(tower)],
        readout=lambda tokens: head(tokens_at(tokens, row)),
        head=head,
        prefix=0,
        grid=None,
        mask=up_to(row, real_tokens(inputs), tokens),
        readout_row=row,
    )

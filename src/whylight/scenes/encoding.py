"""The bundled architectures' forward passes as training needs them: texts cut to what they hold, pictures at any size,
and two readings of a picture."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def encode_texts(model: Any, tokens: Tensor) -> Tensor:
    """(texts, words) to unit embeddings (texts, dim), as ``model.encode_text`` gives for the same texts, padded."""
    tower = model.text if hasattr(model, "text") else model
    length = int((tokens != 0).sum(1).max())
    tokens = tokens[:, :length]
    x = tower.token_embedding(tokens) + tower.positional_embedding[:length]
    x = tower.transformer(x, attn_mask=tower.attn_mask[:length, :length])
    x = tower.ln_final(x)[torch.arange(len(tokens)), tokens.argmax(1)]
    return F.normalize((x @ tower.text_projection).float(), dim=-1)


def encode_pictures(model: Any, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """Unit embeddings (pictures, dim): the model's own, and one read from the mean over all tokens instead."""
    own, mean = (_class_token if hasattr(model.visual, "conv1") else _attention_pooled)(model.visual, pixels)
    return F.normalize(own.float(), dim=-1), F.normalize(mean.float(), dim=-1)


def _class_token(visual: Any, pixels: Tensor) -> tuple[Tensor, Tensor]:
    x = visual.conv1(pixels).flatten(2).transpose(1, 2)
    place = visual.positional_embedding
    side, now = visual.grid_size[0], pixels.shape[-1] // visual.patch_size[0]
    patches = place[1:]
    if now != side:
        grid = patches.reshape(1, side, side, -1).permute(0, 3, 1, 2)
        grid = F.interpolate(grid, size=(now, now), mode="bicubic", antialias=True, align_corners=False)
        patches = grid.permute(0, 2, 3, 1).reshape(now * now, -1)
    first = (visual.class_embedding + place[0]).expand(len(x), 1, -1)
    tokens = visual.transformer(torch.cat([first, x + patches], dim=1))
    return visual.ln_post(tokens[:, 0]) @ visual.proj, visual.ln_post(tokens.mean(1)) @ visual.proj


def _attention_pooled(visual: Any, pixels: Tensor) -> tuple[Tensor, Tensor]:
    trunk = visual.trunk
    tokens = trunk.forward_features(pixels)
    return trunk.forward_head(tokens), tokens.mean(1)

"""The bundled architectures' forward passes as training needs them: texts cut to what they hold, pictures at any size,
and two readings of a picture."""

from __future__ import annotations

from collections.abc import Sequence
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


def encode_pictures(
    model: Any, pixels: Tensor, corner: tuple[int, int] = (0, 0), layers: Sequence[int] = (-1,)
) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Unit embeddings of pictures, for each of some layers read as if it were the last: the model's own and the mean
    over all tokens read in the same way, (pictures, dim) both, and every patch token read in the same way, (pictures,
    patches, dim).

    A picture smaller than the model's lies with its upper left patch at ``corner`` of the model's grid."""
    visual = model.visual
    class_token = hasattr(visual, "conv1")
    tokens = _patches_and_class(visual, pixels, corner) if class_token else _patches(visual.trunk, pixels)
    blocks = visual.transformer.resblocks if class_token else visual.trunk.blocks
    left = []
    for block in blocks:
        tokens = block(tokens)
        left.append(tokens)
    read = _class_token if class_token else _attention_pooled
    own_mean_patches = (read(visual, left[layer]) for layer in layers)
    return [tuple(F.normalize(part.float(), dim=-1) for part in parts) for parts in own_mean_patches]  # type: ignore[misc]


def _patches_and_class(visual: Any, pixels: Tensor, corner: tuple[int, int]) -> Tensor:
    x = visual.conv1(pixels)
    height, width = x.shape[-2:]
    grid = visual.positional_embedding[1:].unflatten(0, visual.grid_size)
    places = grid[corner[0] : corner[0] + height, corner[1] : corner[1] + width].flatten(0, 1)
    first = (visual.class_embedding + visual.positional_embedding[0]).expand(len(x), 1, -1)
    return torch.cat([first, x.flatten(2).transpose(1, 2) + places], dim=1)


def _patches(trunk: Any, pixels: Tensor) -> Tensor:
    tokens: Tensor = trunk._pos_embed(trunk.patch_embed(pixels))
    return tokens


def _class_token(visual: Any, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    mean = visual.ln_post(tokens.mean(1, keepdim=True))
    read = torch.cat([mean, visual.ln_post(tokens)], dim=1) @ visual.proj
    return read[:, 1], read[:, 0], read[:, 2:]


def _attention_pooled(visual: Any, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    tokens = visual.trunk.norm(tokens)
    return visual.trunk.forward_head(tokens), tokens.mean(1), tokens

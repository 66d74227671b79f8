"""Where training begins: what is set by rule rather than at random, without which shapes are not learnt in hours.

A fresh dual encoder learns colours and textures in minutes and then stays there: the mean colour of a patch drowns its
edges, patches do not tell where they are, and no phrase tells shapes apart, so that no picture is asked for them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from whylight.scenes.encoding import encode_texts
from whylight.scenes.lessons import Phrases

_SEEN = 0.003
"""Patch components that vary less than this share of the strongest are not raised any further."""


def show_edges_and_places(visual: Any, pixels: Tensor) -> None:
    """Whiten the patch embedding on (pictures, 3, H, W), and set positions to sines and cosines of row and column."""
    size = visual.patch_size[0]
    patches = pixels.unfold(2, size, size).unfold(3, size, size).permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(0, 2)
    centered = patches - patches.mean(0)
    variances, directions = torch.linalg.eigh(centered.T @ centered / len(centered))
    gains = (variances + _SEEN * variances[-1]).rsqrt()
    with torch.no_grad():
        visual.conv1.weight.copy_((directions * gains).T.reshape(visual.conv1.weight.shape))
        visual.positional_embedding[1:] = 0.7 * _sines(visual.grid_size[0], visual.positional_embedding.shape[1])


def _sines(side: int, width: int) -> Tensor:
    """(side x side, width): half of the width for the row, half for the column, at geometric wavelengths."""
    wavelengths = torch.logspace(np.log10(2.5), np.log10(4 * side), width // 4)
    angles = torch.arange(side)[:, None] * (2 * torch.pi / wavelengths)
    line = torch.cat([angles.sin(), angles.cos()], dim=1)
    rows, columns = line[:, None].expand(-1, side, -1), line[None].expand(side, -1, -1)
    return torch.cat([rows, columns], dim=2).flatten(0, 1)


def teach_words(model: nn.Module, phrases: Phrases, steps: int, seed: int) -> None:
    """Spread the texts out before any picture: the cosine of two phrases becomes the share of what they both name."""
    random = np.random.default_rng(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for _ in range(steps):
        with torch.autocast("cpu", torch.bfloat16), sdpa_kernel(SDPBackend.MATH):
            texts = encode_texts(model, phrases.tokens(random))
        loss = (texts @ texts.T - phrases.likeness).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

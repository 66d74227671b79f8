"""The vision towers that are measured, as OpenCLIP builds them, with random weights: speed does not depend on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import open_clip
import torch
from torch import nn

CLIPS = ("ViT-B-16", "ViT-L-14", "ViT-H-14", "ViT-bigG-14")
TEXT = {"context_length": 8, "vocab_size": 16, "width": 64, "heads": 1, "layers": 1}
"""Prompts come as random embeddings: the text tower only has to be there."""
TINY = {"image_size": 32, "patch_size": 8, "width": 64, "head_width": 32, "layers": 2}


@dataclass(frozen=True)
class Tower:
    """The numbers of a vision tower that its cost depends on.

    Attributes:
        tokens: per picture, class token included.
        hidden: width of the MLP.
    """

    name: str
    tokens: int
    width: int
    hidden: int
    layers: int
    heads: int
    size: int
    dim: int

    @property
    def head_width(self) -> int:
        return self.width // self.heads


def build(name: str, device: str, dtype: torch.dtype) -> tuple[nn.Module, Tower]:
    """A dual encoder whose vision tower is the one of this name ("tiny": a few thousand numbers)."""
    config: dict[str, Any] = {"embed_dim": 32, "vision_cfg": TINY}
    if name != "tiny":
        config = open_clip.get_model_config(name)
    vision = config["vision_cfg"]
    torch.manual_seed(0)
    with torch.device(device):
        module = open_clip.CLIP(config["embed_dim"], vision_cfg=vision, text_cfg=TEXT)
    heads = vision["width"] // vision.get("head_width", 64)
    tower = Tower(
        name=name,
        tokens=(vision["image_size"] // vision["patch_size"]) ** 2 + 1,
        width=vision["width"],
        hidden=int(vision["width"] * vision.get("mlp_ratio", 4.0)),
        layers=vision["layers"],
        heads=heads,
        size=vision["image_size"],
        dim=config["embed_dim"],
    )
    return module.to(device=device, dtype=dtype).eval(), tower

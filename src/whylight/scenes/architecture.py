"""The two bundled architectures, built by OpenCLIP's own classes from the configurations in ``weights/``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import open_clip
import timm
import torch
from timm.models import register_model

ModelName = Literal["scenes", "scenes-siglip"]
FOLDERS: dict[ModelName, Path] = {
    "scenes": Path(__file__).parent / "weights" / "clip",
    "scenes-siglip": Path(__file__).parent / "weights" / "siglip",
}


@register_model  # type: ignore[untyped-decorator]
def vit_scenes_patch8_96(pretrained: bool = False, **options: Any) -> torch.nn.Module:
    """The trunk of ``scenes-siglip``, registered with timm so that OpenCLIP can build it by name."""
    shape = {"img_size": 96, "patch_size": 8, "embed_dim": 192, "depth": 6, "num_heads": 3, "class_token": False}
    kept = {key: value for key, value in options.items() if not key.startswith("pretrained") and key != "cache_dir"}
    trunk: torch.nn.Module = timm.models.VisionTransformer(**(shape | kept))
    return trunk


def configuration(name: ModelName) -> dict[str, Any]:
    """What ``open_clip_config.json`` says: ``model_cfg`` and ``preprocess_cfg``."""
    loaded: dict[str, Any] = json.loads((FOLDERS[name] / "open_clip_config.json").read_text())
    return loaded


def build(name: ModelName) -> open_clip.CLIP | open_clip.CustomTextCLIP:
    """The model with freshly drawn weights (torch's global seed decides which)."""
    options = dict(configuration(name)["model_cfg"])
    kind = open_clip.CustomTextCLIP if options.pop("custom_text", False) else open_clip.CLIP
    return kind(**options)

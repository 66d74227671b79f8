"""Folders as fine-tuning leaves them behind."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors.torch import save_file

from zoo.openclip_models import TEXT, VISION, clip


def openclip_folder(folder: Path) -> str:
    """A small CLIP that squashes pictures, and the name that loads it."""
    model, _ = clip()()
    preprocess = {"mean": [0.5] * 3, "std": [0.25] * 3, "interpolation": "bilinear", "resize_mode": "squash"}
    config = {"model_cfg": {"embed_dim": 16, "vision_cfg": VISION, "text_cfg": TEXT}, "preprocess_cfg": preprocess}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    save_file(model.float().state_dict(), folder / "open_clip_model.safetensors")
    return f"openclip:local-dir:{folder}"

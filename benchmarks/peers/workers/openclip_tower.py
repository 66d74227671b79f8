"""OpenCLIP models from their configuration, with a text tower of one small layer: prompts come as embeddings."""

from __future__ import annotations

from typing import Any

import open_clip
import torch
from safetensors.torch import load_file

SMALL_TEXT = {"width": 64, "heads": 1, "layers": 1}


def dual_encoder(name: str, weights: str | None = None) -> Any:
    """An OpenCLIP model by its name, its picture tower with the weights of a file, or random."""
    config: dict[str, Any] = open_clip.get_model_config(name)
    config["text_cfg"] = {**config["text_cfg"], **SMALL_TEXT}
    model = open_clip.model.CLIP(**config).eval()
    if weights is not None:
        model.visual.load_state_dict({key: torch.clone(value) for key, value in load_file(weights).items()})
    return model

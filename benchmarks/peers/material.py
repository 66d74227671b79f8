"""What both sides of a comparison read: weights of a seed, pictures and prompt embeddings, as safetensors files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import timm
import torch
from safetensors.torch import save_file

from peers.cells import CLASSIFIER, CLIPS, LARGEST_BATCH, MOST_PROMPTS, SIZES
from peers.workers.openclip_tower import dual_encoder

SEED = 6


@dataclass(frozen=True)
class Material:
    """Files of one model.

    Attributes:
        weights: a dual encoder's picture tower ("visual" of OpenCLIP), or a classifier, under timm's names.
        inputs: pictures under "224" and "448", (8, 3, size, size); a dual encoder's "prompts", (40, dim).
    """

    weights: Path
    inputs: Path


def material_for(model: str, folder: Path) -> Material:
    """The files of a model, which are written if they are not there."""
    material = Material(folder / f"{model}.safetensors", folder / f"{model}-inputs.safetensors")
    if not (material.weights.is_file() and material.inputs.is_file()):
        if model not in (*CLIPS, CLASSIFIER):
            raise ValueError(f"no cell has the model {model}")
        folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(SEED)
        dual = dual_encoder(model) if model in CLIPS else None
        module = timm.create_model(model) if dual is None else dual.visual
        save_file({name: value.contiguous() for name, value in module.state_dict().items()}, material.weights)
        inputs = {str(size): torch.randn(LARGEST_BATCH, 3, size, size) for size in SIZES}
        if dual is not None:
            prompts = torch.randn(MOST_PROMPTS, dual.visual.output_dim)
            inputs["prompts"] = torch.nn.functional.normalize(prompts, dim=-1)
        save_file(inputs, material.inputs)
    return material

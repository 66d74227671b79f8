"""torchcam on torchvision's ViT: LeGrad over all blocks, and GradCAM at the last block's first norm."""

from __future__ import annotations

import re
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor
from torchcam.methods import GradCAM, LeGrad
from torchvision.models import vit_b_16
from worker import Run, inputs_of, once, serve, shown

NAMES = [
    (r"^cls_token$", "class_token"),
    (r"^pos_embed$", "encoder.pos_embedding"),
    (r"^patch_embed\.proj\.", "conv_proj."),
    (r"^norm\.", "encoder.ln."),
    (r"^head\.", "heads.head."),
    (r"^blocks\.(\d+)\.norm([12])\.", r"encoder.layers.encoder_layer_\1.ln_\2."),
    (r"^blocks\.(\d+)\.attn\.qkv\.", r"encoder.layers.encoder_layer_\1.self_attention.in_proj_"),
    (r"^blocks\.(\d+)\.attn\.proj\.", r"encoder.layers.encoder_layer_\1.self_attention.out_proj."),
    (r"^blocks\.(\d+)\.mlp\.fc1\.", r"encoder.layers.encoder_layer_\1.mlp.0."),
    (r"^blocks\.(\d+)\.mlp\.fc2\.", r"encoder.layers.encoder_layer_\1.mlp.3."),
]
"""timm's parameter names as torchvision's."""


def torchvision_name(name: str) -> str:
    for pattern, replacement in NAMES:
        name = re.sub(pattern, replacement, name)
    return name


def on_grid(tokens: Tensor) -> Tensor:
    """(batch, 1 + patches, width) as (batch, width, rows, columns), as torchcam's documentation says."""
    side = int((tokens.shape[1] - 1) ** 0.5)
    return tokens[:, 1:].transpose(1, 2).unflatten(-1, (side, side))


def load(request: dict[str, Any]) -> dict[str, Run]:
    model = vit_b_16().eval()
    model.load_state_dict({torchvision_name(key): value for key, value in load_file(request["weights"]).items()})
    once(model, 224)
    pictures, _ = inputs_of(request)
    size = request["size"]

    def legrad(batch: int, targets: int) -> Tensor:
        with LeGrad(model, list(model.encoder.layers)) as extractor:
            model(pictures[:batch])
            maps = [extractor(target, retain_graph=target < targets - 1)[0] for target in range(targets)]
        return shown(torch.stack(maps, dim=1), size)

    def gradcam(batch: int, targets: int) -> Tensor:
        with GradCAM(model, model.encoder.layers[-1].ln_1, reshape_transform=on_grid) as extractor:
            scores = model(pictures[:batch])
            maps = [extractor(target, scores, retain_graph=target < targets - 1)[0] for target in range(targets)]
        return shown(torch.stack(maps, dim=1), size)

    return {"legrad": legrad, "gradcam": gradcam}


if __name__ == "__main__":
    serve(load, "torchcam")

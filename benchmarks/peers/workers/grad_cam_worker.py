"""grad-cam at the last block's first norm of a timm ViT, with the reshaping that its documentation gives for ViTs."""

from __future__ import annotations

from typing import Any

import timm
import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from safetensors.torch import load_file
from torch import Tensor
from worker import Run, inputs_of, once, serve


def on_grid(tokens: Tensor) -> Tensor:
    """(batch, 1 + patches, width) as (batch, width, rows, columns)."""
    side = int((tokens.shape[1] - 1) ** 0.5)
    return tokens[:, 1:].transpose(1, 2).unflatten(-1, (side, side))


def load(request: dict[str, Any]) -> dict[str, Run]:
    model = timm.create_model(request["model"]).eval()
    model.load_state_dict(load_file(request["weights"]))
    once(model, request["size"])
    pictures, _ = inputs_of(request)
    extractor = GradCAM(model, [model.blocks[-1].norm1], reshape_transform=on_grid)

    def gradcam(batch: int, targets: int) -> Tensor:
        maps = [extractor(pictures[:batch], [ClassifierOutputTarget(target)] * batch) for target in range(targets)]
        return torch.stack([torch.from_numpy(each) for each in maps], dim=1)

    return {"gradcam": gradcam}


if __name__ == "__main__":
    serve(load, "grad-cam", "timm")

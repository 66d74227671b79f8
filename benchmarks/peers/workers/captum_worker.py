"""captum's integrated gradients of a timm ViT, as its documentation calls it but for the number of steps."""

from __future__ import annotations

from typing import Any

import timm
import torch
from captum.attr import IntegratedGradients
from safetensors.torch import load_file
from torch import Tensor
from worker import Run, inputs_of, once, serve


def load(request: dict[str, Any]) -> dict[str, Run]:
    model = timm.create_model(request["model"]).eval()
    model.load_state_dict(load_file(request["weights"]))
    once(model, request["size"])
    pictures, _ = inputs_of(request)
    integrate = IntegratedGradients(model)

    def integrated_gradients(batch: int, targets: int) -> Tensor:
        maps = [
            integrate.attribute(pictures[:batch], target=target, n_steps=request["steps"]).sum(1)
            for target in range(targets)
        ]
        return torch.stack(maps, dim=1)

    return {"integrated_gradients": integrated_gradients}


if __name__ == "__main__":
    serve(load, "captum", "timm")

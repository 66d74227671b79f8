"""Whylight, and the plain forward pass of the same model."""

from __future__ import annotations

from typing import Any

import timm
import torch
from openclip_tower import dual_encoder
from safetensors.torch import load_file
from torch import Tensor
from worker import Run, inputs_of, once, serve, shown

import whylight


def load(request: dict[str, Any]) -> dict[str, Run]:
    name, steps = request["model"], request["steps"]
    pictures, prompts = inputs_of(request)
    if prompts is None:
        module = timm.create_model(name).eval()
        module.load_state_dict(load_file(request["weights"]))
        once(module, module.patch_embed.img_size[0])
    else:
        module = dual_encoder(name, request["weights"])
        once(module.visual, module.visual.image_size[0])
    view = whylight.wrap(module)
    size = request["size"]

    def explained(method: str, batch: int, targets: int, **options: Any) -> Tensor:
        wanted = list(range(targets)) if prompts is None else prompts[:targets]
        return whylight.relevance(view, pictures[:batch], wanted, method=method, **options)

    def on_grid(raw: Tensor) -> Tensor:
        side = int(raw.shape[-1] ** 0.5)
        return shown(raw.unflatten(-1, (side, side)), size)

    def forward(batch: int, targets: int) -> None:
        with torch.inference_mode():
            view.output(pictures[:batch])

    return {
        "forward": forward,
        "legrad": lambda batch, targets: on_grid(explained("legrad", batch, targets)),
        "gradcam": lambda batch, targets: on_grid(explained("gradcam", batch, targets, relu=True)),
        "integrated_gradients": lambda batch, targets: explained("integrated_gradients", batch, targets, steps=steps),
    }


if __name__ == "__main__":
    serve(load, "whylight", "open-clip-torch", "timm")

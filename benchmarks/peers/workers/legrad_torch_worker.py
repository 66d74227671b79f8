"""legrad_torch, all layers. It merges the pictures of a batch into one map, so it gets them one after the other."""

from __future__ import annotations

from typing import Any

import torch
from legrad import LeWrapper
from openclip_tower import dual_encoder
from torch import Tensor
from worker import Run, inputs_of, once, serve


def load(request: dict[str, Any]) -> dict[str, Run]:
    model = dual_encoder(request["model"], request["weights"])
    once(model.visual, model.visual.image_size[0])
    wrapped = LeWrapper(model, layer_index=0)
    pictures, prompts = inputs_of(request)
    assert prompts is not None

    def legrad(batch: int, targets: int) -> Tensor:
        maps = [wrapped.compute_legrad(prompts[:targets], picture[None]).detach() for picture in pictures[:batch]]
        return torch.cat(maps)

    return {"legrad": legrad}


if __name__ == "__main__":
    serve(load, "legrad-torch", "open-clip-torch")

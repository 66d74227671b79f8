"""Small random views of every kind that methods meet, in float64, each with inputs of two and targets of two or three.

Pictures are not square. ``VIEWS`` maps a name to a callable that returns (view, inputs, targets).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import open_clip
import timm
import torch
from open_clip.model import CLIPVisionCfg, _build_vision_tower
from torch import Tensor, nn

from whylight.models.openclip.view import OpenClipView
from whylight.models.timm.view import TimmView
from whylight.models.torchvision.view import TorchvisionView
from whylight.models.transformers import wrap_transformers
from whylight.models.view import Inputs, View
from zoo.torchvision_models import vit
from zoo.transformers_models import PICTURES, TEXTS, perturbed

Case = tuple[View, Inputs, Any]

TIMM = {"img_size": 32, "patch_size": 8, "embed_dim": 24, "depth": 3, "num_heads": 3, "mlp_ratio": 2, "num_classes": 5}
VISION = {"image_size": 32, "patch_size": 8, "width": 24, "head_width": 8, "layers": 3, "mlp_ratio": 2}
TEXT = {"context_length": 7, "vocab_size": 40, "width": 16, "heads": 2, "layers": 2}
COCA = VISION | {"attentional_pool": True, "attn_pooler_heads": 2, "attn_pooler_queries": 4}


def wide_pixels() -> Tensor:
    """Two pictures, wider than high."""
    return torch.randn(2, 3, 24, 40, generator=torch.Generator().manual_seed(4), dtype=torch.float64)


def directions(count: int, width: int) -> Tensor:
    """Targets for models that give embeddings."""
    return torch.randn(count, width, generator=torch.Generator().manual_seed(5), dtype=torch.float64)


def built(build: Callable[[], Any]) -> Any:
    """A model with random parameters everywhere."""
    torch.manual_seed(0)
    model = build()
    scale = getattr(model, "logit_scale", None)
    kept = None if scale is None else scale.detach().double().clone()
    perturbed(model)
    if kept is not None:
        with torch.no_grad():
            model.logit_scale.copy_(kept)
    return model


def of_timm(build: Callable[..., nn.Module] = timm.models.VisionTransformer, **config: Any) -> Case:
    view = TimmView(built(lambda: build(**TIMM | config)))
    return view, wide_pixels(), [0, 3] if view.classifies else directions(3, 24)


def of_torchvision() -> Case:
    return TorchvisionView(built(lambda: vit()()[0])), wide_pixels(), [0, 3]


def of_openclip(vision: dict[str, Any], quick_gelu: bool = False) -> Case:
    return OpenClipView(built(lambda: open_clip.CLIP(16, vision, TEXT, quick_gelu))), wide_pixels(), directions(3, 16)


def coca() -> Case:
    tower = built(lambda: _build_vision_tower(16, CLIPVisionCfg(**COCA)))
    return OpenClipView(tower), wide_pixels(), directions(3, 16)


def openclip_text() -> Case:
    view = of_openclip(VISION)[0].text
    ids = torch.tensor([[38, 5, 6, 7, 39, 0, 0], [38, 9, 3, 4, 8, 2, 39]])
    return view, {"input_ids": ids}, directions(3, 16)


def of_transformers(name: str) -> Case:
    module, inputs = (PICTURES | TEXTS)[name]()
    view = wrap_transformers(module)
    assert view is not None
    inputs = wide_pixels() if name in PICTURES else inputs
    return view, inputs, [0, 2] if view.classifies else directions(3, view.output(inputs).shape[1])


WRITTEN_OUT_IN_4 = ("clipseg_vision", "owlvit", "electra")

VIEWS: dict[str, Callable[[], Case]] = {
    "openclip class token": partial(of_openclip, VISION, quick_gelu=True),
    "openclip average": partial(of_openclip, VISION | {"pool_type": "avg"}),
    "openclip coca": coca,
    "openclip text": openclip_text,
    "timm class token": of_timm,
    "timm mean": partial(of_timm, global_pool="avg"),
    "timm map": partial(of_timm, class_token=False, global_pool="map", num_classes=0),
    "timm map beside class token": partial(of_timm, global_pool="map", reg_tokens=2, num_classes=0),
    "timm rotary": partial(
        of_timm, timm.models.Eva, use_rot_pos_emb=True, swiglu_mlp=True, scale_mlp=True, num_reg_tokens=2
    ),
    "torchvision class token": of_torchvision,
    "transformers dinov2": partial(of_transformers, "dinov2"),
    "transformers dinov3": partial(of_transformers, "dinov3"),
    "transformers siglip": partial(of_transformers, "siglip"),
    "transformers siglip2": partial(of_transformers, "siglip2"),
    "transformers metaclip2": partial(of_transformers, "metaclip2"),
    **{f"transformers {name}": partial(of_transformers, name) for name in WRITTEN_OUT_IN_4 if name in PICTURES | TEXTS},
    "transformers bert": partial(of_transformers, "bert"),
    "transformers albert": partial(of_transformers, "albert"),
    "transformers camembert": partial(of_transformers, "camembert"),
    "transformers modernbert": partial(of_transformers, "modernbert_mean"),
    "transformers deberta": partial(of_transformers, "deberta_v3"),
    "transformers mpnet": partial(of_transformers, "mpnet"),
    "transformers clip text": partial(of_transformers, "clip_text"),
}

"""Half precision: relevance of about the same places, in at least float32."""

from __future__ import annotations

from collections.abc import Callable

import open_clip
import pytest
import torch
from open_clip.factory import _set_model_device_and_precision
from torch import Tensor
from zoo import ZOO, Built
from zoo.openclip_models import TEXT, VISION
from zoo.perturb import perturbed, pictures

import whylight


def correlation(one: Tensor, other: Tensor) -> float:
    return float(torch.corrcoef(torch.stack([one.double().flatten(), other.double().flatten()]))[0, 1])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("build", ZOO.values(), ids=ZOO.keys())
def test_half_precision_lights_up_the_same_places(build: Callable[[], Built], dtype: torch.dtype) -> None:
    model, pixels = build()
    view = whylight.wrap(model)
    targets = [1, 3] if view.classifies else torch.eye(view.output(pixels).shape[1], dtype=torch.float64)[:2]
    exact = whylight.relevance(view, pixels, targets)
    maps = whylight.relevance(whylight.wrap(model.to(dtype)), pixels.to(dtype), targets)
    assert maps.dtype == torch.float32
    assert correlation(maps, exact) > (0.99999 if dtype == torch.float32 else 0.995)
    assert maps.norm() / exact.norm() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("precision", ["bf16", "fp16", "pure_bf16", "pure_fp16"])
def test_openclips_mixed_precision(precision: str) -> None:
    """Weights in half precision, norms and positions in float32, as OpenCLIP loads a model with ``precision=``."""
    torch.manual_seed(0)
    dtype = open_clip.get_input_dtype(precision)
    cast = None if "pure" in precision else dtype
    model = perturbed(open_clip.CLIP(16, vision_cfg=VISION, text_cfg=TEXT, cast_dtype=cast)).float()
    targets = torch.eye(16)[:2]
    exact = whylight.relevance(whylight.wrap(model), pictures().float(), targets)
    wide = whylight.relevance(whylight.wrap(model), pictures((24, 40)).float(), targets)
    _set_model_device_and_precision(model, torch.device("cpu"), precision)
    view = whylight.wrap(model)
    assert view.parameter.dtype == dtype
    assert correlation(whylight.relevance(view, pictures(), targets), exact) > 0.995
    assert correlation(whylight.relevance(view, pictures((24, 40)), targets), wide) > 0.995

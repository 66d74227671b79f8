"""Models of one channel read grey pictures, those of other counts tensors, and every method works on all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import timm
import torch
import transformers
from PIL import Image

import whylight
from whylight.errors import BadInput
from whylight.methods import methods
from whylight.models.view import View
from whylight.scenes import draw_scene


def timm_model(channels: int) -> Any:
    torch.manual_seed(0)
    size = {"img_size": 32, "patch_size": 8, "embed_dim": 24, "depth": 2, "num_heads": 2, "num_classes": 4}
    return timm.models.VisionTransformer(in_chans=channels, **size).eval()


def transformers_model(channels: int) -> Any:
    torch.manual_seed(0)
    size = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}
    config = transformers.ViTConfig(image_size=32, patch_size=8, num_channels=channels, num_labels=4, **size)
    return transformers.ViTForImageClassification(config).eval()


MODELS = [timm_model, transformers_model]
PICTURE = Image.fromarray(draw_scene(10**9 + 3, 32).picture).convert("L")


def view_of(model: Any, channels: int) -> View:
    return whylight.wrap(model(channels))


@pytest.mark.parametrize("model", MODELS)
def test_a_grey_picture_as_a_model_of_one_channel_reads_it(model: Any) -> None:
    view = view_of(model, 1)
    assert view.preprocessing is not None
    pixels, _ = view.preprocessing(PICTURE)
    assert pixels.shape == (1, 32, 32)
    if model is transformers_model:  # neither crops nor resizes, mean and deviation are one half
        assert torch.allclose(pixels[0], torch.from_numpy(np.asarray(PICTURE).astype(np.float32)) / 127.5 - 1)
    result = whylight.explain(view, PICTURE, [0, 3])
    raw = whylight.relevance(view, pixels[None], [0, 3])
    assert torch.allclose(result.relevance.flatten(1), raw[0])
    with torch.no_grad():
        own = view.module(pixels[None])
    logits = own if isinstance(own, torch.Tensor) else own.logits
    assert result.logits == pytest.approx(logits[0, [0, 3]].tolist(), abs=1e-5)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("channels", [1, 4])
def test_every_method(model: Any, channels: int) -> None:
    view = view_of(model, channels)
    pixels = torch.randn(2, channels, 32, 32)
    for name in methods():
        quick = {"steps": 2} if name in ("integrated_gradients", "beyond_intuition") else {}
        if name in ("clip_surgery", "gem"):  # are for dual encoders
            continue
        maps = whylight.relevance(view, pixels, [0, 1, 2, 3], name, **quick)
        assert maps.isfinite().all()
        assert maps.std() > 0


def test_other_counts_take_tensors_and_say_so() -> None:
    view = view_of(timm_model, 4)
    with pytest.raises(BadInput, match=r"reads 4 channels.*whylight.relevance a tensor \(batch, 4, height, width\)"):
        whylight.explain(view, PICTURE)
    with pytest.raises(BadInput, match=r"\(batch, 4, height, width\) tensor, not \(1, 3, 32, 32\)"):
        whylight.relevance(view, torch.rand(1, 3, 32, 32), 0)

"""Models of transformers whose own size is no square: their positions are a table of as many rows and columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
import transformers
from zoo.transformers_models import CLIP_VISION, VIT, build, own_output, pixels, targets_for

import whylight
from whylight.errors import BadInput, UnsupportedModel
from whylight.models.transformers import wrap_transformers
from whylight.models.view import View

OWN = [("ViTForImageClassification", "ViTConfig"), ("ViTModel", "ViTConfig"), ("DeiTModel", "DeiTConfig")]
OWN += [("DeiTForImageClassificationWithTeacher", "DeiTConfig"), ("Dinov2ForImageClassification", "Dinov2Config")]
OWN += [("Dinov2WithRegistersModel", "Dinov2WithRegistersConfig")]
SIZES = [(16, 64), (32, 32), (64, 16), (24, 40), (48, 16)]


def oblong(model: str, config: str, size: tuple[int, int] = (16, 64), patch: Any = 8) -> tuple[View, Any]:
    """A model of 2 x 8 patches, as many as 4 x 4 have."""
    module = build(model, getattr(transformers, config)(**VIT | {"image_size": list(size), "patch_size": patch}))
    view = wrap_transformers(module)
    assert view is not None
    return view, module


@pytest.mark.parametrize(("model", "config"), OWN)
def test_at_its_own_size_it_is_the_models_own_forward(model: str, config: str) -> None:
    view, module = oblong(model, config)
    inputs = pixels(16, 64)
    with torch.no_grad():
        assert torch.equal(view.output(inputs), own_output(module, inputs))
    run = view.begin(inputs)
    assert run.grid == (2, 8)
    assert view.preprocessing is not None
    assert view.preprocessing.size == (16, 64)
    assert whylight.relevance(view, inputs, targets_for(view, 24, [0, 3])).shape == (2, 2, 16)


@pytest.mark.parametrize("patch", [8, (8, 16)], ids=["square", "oblong"])
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize(("model", "config"), OWN[:4])
def test_at_other_sizes_its_rows_and_columns_are_interpolated(
    model: str, config: str, size: tuple[int, int], patch: Any
) -> None:
    """Held to a model that was made for that size and given the table, interpolated by hand."""
    view, module = oblong(model, config, (16, 64), patch)
    down, across = (patch, patch) if isinstance(patch, int) else patch
    if size[0] % down or size[1] % across:
        return
    _, other = oblong(model, config, size, patch)
    weights = module.state_dict()
    (name,) = [name for name in weights if name.endswith("position_embeddings")]
    table = weights[name]
    grid, patches = (size[0] // down, size[1] // across), 64 // across * (16 // down)
    first, places = table[:, :-patches], table[:, -patches:].reshape(1, 16 // down, 64 // across, -1)
    places = F.interpolate(places.permute(0, 3, 1, 2), grid, mode="bicubic", align_corners=False)
    weights[name] = torch.cat([first, places.permute(0, 2, 3, 1).reshape(1, -1, table.shape[-1])], dim=1)
    other.load_state_dict(weights)
    with torch.no_grad():
        assert (view.output(pixels(*size)) - own_output(other, pixels(*size))).abs().max() < 1e-12
    assert view.begin(pixels(*size)).grid == grid


def test_dino_s_own_reading_is_its_own() -> None:
    """transformers' DINOv2 takes 2 x 8 places for 4 x 4, and cannot read 2 x 4 at all."""
    view, module = oblong("Dinov2Model", "Dinov2Config")
    with torch.no_grad():
        assert torch.equal(view.output(pixels(24, 40)), own_output(module, pixels(24, 40)))
    view, module = oblong("Dinov2Model", "Dinov2Config", (16, 32))
    with pytest.raises(RuntimeError):
        module(pixel_values=pixels(16, 32))
    with pytest.raises(UnsupportedModel, match=r"2 x 4 patches .* cannot run, in Whylight or without it") as refused:
        view.output(pixels(16, 32))
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize("kind", ["CLIPVisionModel", "SiglipVisionModel"])
def test_families_that_are_square_only_are_one_line(kind: str, tmp_path: Path) -> None:
    config = getattr(transformers, kind.replace("Model", "Config"))(**CLIP_VISION)
    getattr(transformers, kind)(config).save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(path.read_text().replace('"image_size": 32', '"image_size": [16, 64]'))
    with pytest.raises(BadInput, match="cannot load") as refused:
        whylight.load(f"hf:local-dir:{tmp_path}")
    assert len(str(refused.value).splitlines()) == 1

"""The bundled models: small enough, loadable by OpenCLIP alone, and good on scenes they have never seen."""

from __future__ import annotations

from typing import get_args

import open_clip
import pytest
import torch
from PIL import Image

from whylight.errors import WhylightError
from whylight.evaluation.judge_bundled import HALF_A_PATCH, caption_accuracy, pixels, pointing_accuracy
from whylight.models.wrap import wrap
from whylight.scenes import EXAMPLE_SEEDS, draw_scene
from whylight.scenes.architecture import FOLDERS, ModelName
from whylight.scenes.load import load_scenes

NAMES: tuple[ModelName, ...] = get_args(ModelName)


def test_the_weights_are_small():
    sizes = [(FOLDERS[name] / "open_clip_model.safetensors").stat().st_size for name in NAMES]
    assert sum(sizes) <= 20e6


@pytest.mark.parametrize("name", NAMES)
def test_openclip_loads_the_folder_as_it_is(name: ModelName):
    model, transform, _ = load_scenes(name)
    theirs, _, their_transform = open_clip.create_model_and_transforms(f"local-dir:{FOLDERS[name]}")
    picture = Image.fromarray(draw_scene(EXAMPLE_SEEDS[0], size=128).picture)
    assert torch.equal(transform(picture), their_transform(picture))
    with torch.no_grad():
        inputs = transform(picture)[None]
        assert torch.equal(model.encode_image(inputs), theirs.eval().encode_image(inputs))


@pytest.mark.parametrize("name", NAMES)
def test_the_preprocessing_of_a_picture_at_the_models_size_only_normalises(name: ModelName):
    _, transform, _ = load_scenes(name)
    scene = draw_scene(EXAMPLE_SEEDS[0])
    assert torch.allclose(transform(Image.fromarray(scene.picture)), pixels(name, [scene])[0], atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_a_wrapped_model_knows_its_preprocessing(name: ModelName):
    model, transform, _ = load_scenes(name)
    picture = Image.fromarray(draw_scene(EXAMPLE_SEEDS[0], size=128).picture)
    assert torch.allclose(wrap(model).preprocessing(picture)[0], transform(picture), atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_the_right_caption_out_of_64(name: ModelName):
    """95 % is what 1,024 scenes are held to (``python -m whylight.evaluation.judge_bundled``); 192 leave some room."""
    assert caption_accuracy(name, 192) >= 0.92


@pytest.mark.parametrize("name", NAMES)
def test_legrad_points_at_the_named_object(name: ModelName):
    """92 % is what 500 scenes are held to (``python -m whylight.evaluation.judge_bundled``), within half a patch."""
    assert pointing_accuracy(name, 80, HALF_A_PATCH) >= 0.92


def test_an_unknown_name_is_refused():
    with pytest.raises(WhylightError, match="scenes-siglip"):
        load_scenes("photos")  # type: ignore[arg-type]

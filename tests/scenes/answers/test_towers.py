"""A small training run with either tower: what it writes, and that the written model is the trained one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors import safe_open
from torch import Tensor

import whylight
from whylight.models.digest import model_digest
from whylight.models.transformers.answering.releases import OLD
from whylight.models.transformers.answering.view import AnsweringView
from whylight.scenes import draw_scene
from whylight.scenes.answers.architecture import FOLDER, build
from whylight.scenes.answers.features import tower_features
from whylight.scenes.answers.towers import TOWERS, take_tower
from whylight.scenes.answers.train import Plan, Training
from whylight.scenes.architecture import ModelName
from whylight.scenes.load import load_scenes

FEW = Plan(scenes=6, steps=3, turns=(1, 2), batch=2, warm_up=2, cool=2)


def few_steps(out: Path, tower: ModelName) -> tuple[Training, Path]:
    training = Training(out, replace(FEW, tower=tower), lambda *_: None)
    for _ in range(FEW.steps):
        training.advance()
    return training, training.write_model()


def stored(folder: Path) -> dict[str, tuple[torch.dtype, torch.Size]]:
    with safe_open(folder / "model.safetensors", "pt") as file:
        return {name: (file.get_tensor(name).dtype, file.get_tensor(name).shape) for name in file.keys()}  # noqa: SIM118


@pytest.mark.parametrize("tower", TOWERS)
def test_the_tower_is_the_bundled_models(tower: ModelName) -> None:
    """What leaves its last block, by the bundled model itself."""
    scenes = [draw_scene(seed) for seed in (1, 2)]
    model, preprocess, _ = load_scenes(tower)
    left: list[Tensor] = []
    last = model.visual.transformer.resblocks[-1] if tower == "scenes" else model.visual.trunk.blocks[-1]
    last.register_forward_hook(lambda _, __, output: left.append(output))
    made: Any = build(tower)
    take_tower(made, tower)
    with torch.no_grad():
        model.encode_image(torch.stack([preprocess(Image.fromarray(scene.picture)) for scene in scenes]))
        seen = tower_features(made, scenes).float()
    assert left[0].shape == (2, 144 + TOWERS[tower].prefix, 192)
    assert (seen - left[0][:, TOWERS[tower].prefix :]).abs().max() < 1e-3 * left[0].abs().max()


@pytest.mark.parametrize("tower", TOWERS)
def test_what_is_written_loads_and_answers(tmp_path: Path, tower: ModelName) -> None:
    """No weight of the tower is stored, and the model that is loaded is the trained one, tower and all."""
    training, folder = few_steps(tmp_path, tower)
    assert not [name for name in stored(folder) if "vision" in name]
    view = whylight.load(f"hf:local-dir:{folder}")
    assert isinstance(view, AnsweringView)
    scene = draw_scene(1)
    answer = whylight.ask(view, scene.picture, "what color is the ring", answer="red", method="keyflow")
    assert answer.maps.shape == (1, 96, 96)
    assert answer.maps.isfinite().all()
    written, core = view.parts.core, training.model.model
    with torch.no_grad():
        seen = written.multi_modal_projector(tower_features(view.module, [scene]).float())
        features = tower_features(training.model, [scene]).float()
        own = core.multi_modal_projector((features - training.mean) / training.deviation)
    assert (seen - own).abs().max() < 2e-2 * own.abs().max()  # stored in half precision
    for name, value in core.language_model.state_dict().items():
        assert torch.equal(written.language_model.state_dict()[name], value.half().float()), name
    training.save()
    with pytest.raises(whylight.WhylightError, match="another plan"):
        Training(tmp_path, replace(FEW, tower=tower, seed=1), lambda *_: None)


def test_the_bundled_folder_is_what_the_command_writes(tmp_path: Path) -> None:
    """But for the numbers, which take the whole run."""
    _, folder = few_steps(tmp_path, "scenes")
    assert stored(folder) == stored(FOLDER)
    if not OLD:
        for name in ("config.json", "generation_config.json"):
            written, bundled = (json.loads((each / name).read_text()) for each in (folder, FOLDER))
            assert {**written, "transformers_version": ""} == {**bundled, "transformers_version": ""}
    files = {file.name for file in folder.iterdir()}
    assert files == {file.name for file in FOLDER.iterdir()}


def test_the_bundled_folder_loads_by_its_path() -> None:
    assert model_digest(whylight.load(f"hf:local-dir:{FOLDER}")) == model_digest(whylight.load("scenes-answers"))


@pytest.mark.parametrize("wrong", ["tower", "weights"])
def test_a_damaged_folder_is_refused(tmp_path: Path, wrong: str) -> None:
    """Nothing is ever drawn at random in place of what is not there."""
    from safetensors.torch import load_file, save_file

    said = json.loads((FOLDER / "config.json").read_text())
    weights = load_file(FOLDER / "model.safetensors")
    if wrong == "tower":
        said["bundled_tower"] = "moon"
    else:
        del weights["multi_modal_projector.linear_2.weight"]
    (tmp_path / "config.json").write_text(json.dumps(said))
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(whylight.WhylightError, match="no folder that whylight train scenes-answers wrote") as caught:
        whylight.load(f"hf:local-dir:{tmp_path}")
    assert "\n" not in str(caught.value)

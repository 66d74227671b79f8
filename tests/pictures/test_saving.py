"""What an explanation holds, and what of it can be read back."""

from __future__ import annotations

import dataclasses
import io
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from small_views import classifier, dual_encoder

import whylight
from whylight.errors import BadInput, UnknownName
from whylight.models.preprocessing import Frame
from whylight.pictures.explanation import Explanation
from whylight.scenes import draw_scene

PICTURE = draw_scene(10**9 + 3, 48).picture


@pytest.fixture(scope="module")
def explanation() -> Explanation:
    return whylight.explain(dual_encoder(), PICTURE, ["a red star", "a blue ring"], start_layer=-1)


def made_of(relevance: torch.Tensor) -> Explanation:
    zeros = (0.0,) * len(relevance)
    names = tuple(f"t{index}" for index in range(len(relevance)))
    return Explanation(
        relevance, names, zeros, zeros, "cosine", Image.new("RGB", (16, 16)), Frame((16, 16), (0, 0, 16, 16)), "m", "x"
    )


def test_json_holds_everything_but_the_picture(explanation: Explanation, tmp_path: Path) -> None:
    read = json.loads(explanation.save(tmp_path / "new" / "a.json").read_text())
    assert read == explanation.to_dict()
    assert [target["name"] for target in read["targets"]] == ["a red star", "a blue ring"]
    relevance = torch.tensor([target["relevance"] for target in read["targets"]])
    torch.testing.assert_close(relevance, explanation.relevance, atol=0, rtol=1e-6)
    assert [target["cosine"] for target in read["targets"]] == list(explanation.scores)
    assert (read["model"], read["method"], read["options"]) == ("small clip", "legrad", {"start_layer": -1})
    assert {"whylight", "torch", "open_clip_torch", "python"} <= set(read["versions"])
    assert read["grid"] == [4, 4]


def test_npz_holds_arrays_and_the_rest(explanation: Explanation, tmp_path: Path) -> None:
    with np.load(explanation.save(tmp_path / "a.npz"), allow_pickle=False) as read:
        np.testing.assert_array_equal(read["relevance"], explanation.relevance.numpy())
        np.testing.assert_array_equal(read["maps"], explanation.maps.numpy())
        np.testing.assert_array_equal(read["picture"], PICTURE)
        assert read["targets"].tolist() == list(explanation.targets)
        assert read["scores"].tolist() == list(explanation.scores)
        assert json.loads(str(read["json"]))["method"] == "legrad"


def test_png_is_the_figure_and_what_notebooks_show(explanation: Explanation, tmp_path: Path) -> None:
    with (
        Image.open(explanation.save(tmp_path / "a.PNG")) as saved,
        Image.open(io.BytesIO(explanation._repr_png_())) as shown,
    ):
        width, height = explanation.figure().get_size_inches() * explanation.figure().dpi
        assert abs(saved.width - width) <= 1
        assert abs(saved.height - height) <= 1
        np.testing.assert_array_equal(np.asarray(saved), np.asarray(shown))
        assert np.asarray(saved.convert("RGB")).std() > 20


@pytest.mark.parametrize("name", ["a.jpg", "a", "a.png.txt"])
def test_other_endings_are_refused(explanation: Explanation, tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match=r"\.png, \.html, \.npz or \.json"):
        explanation.save(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_to_is_named(explanation: Explanation, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="file"):
        explanation.save(tmp_path / "file" / "a.json")


def test_constant_maps_are_zeros_and_half_precision_never_makes_nan() -> None:
    rising = torch.arange(4.0).reshape(2, 2)
    worst = made_of(
        torch.stack([torch.full((2, 2), 3.0), torch.tensor([[1.0, torch.inf], [0, torch.nan]]), rising, rising + 1e9])
    )
    assert worst.constant == ["t0", "t3"]
    assert torch.isfinite(worst.maps).all()
    assert not worst.maps[[0, 3]].any()
    assert worst.maps[1].max() == 1
    assert worst.maps[2].max() == 1
    json.loads(json.dumps(worst.to_dict(), allow_nan=False))


def test_it_is_frozen_and_small_to_print(explanation: Explanation) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        explanation.method = "other"  # type: ignore[misc]
    assert repr(explanation).startswith("Explanation(small clip, legrad, cosine of {'a red star': ")
    assert len(explanation) == 2
    assert pickle.loads(pickle.dumps(explanation)).targets == explanation.targets


def test_overlays_refuse_what_is_not_there(explanation: Explanation) -> None:
    for index in (2, -3):
        with pytest.raises(BadInput, match="no target"):
            explanation.overlay(index)
    with pytest.raises(BadInput, match="alpha"):
        explanation.overlay(alpha=1.5)
    with pytest.raises(UnknownName, match="inferno"):
        explanation.overlay(colormap="infernal")


def test_low_precision_models_explain_too() -> None:
    view = classifier()
    view.module.bfloat16()
    result = whylight.explain(view, PICTURE, [0, 1])
    assert result.relevance.dtype == torch.float32
    assert result.maps.dtype == torch.float32
    assert sum(result.scores) < 1.01

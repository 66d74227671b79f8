"""Loading by name and from folders, and what an unknown name is told. Nothing here needs the network."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import open_clip
import pytest
import timm
import torch
from timm.models import save_for_hf
from zoo.model_folders import openclip_folder as zoo_folder
from zoo.openclip_models import clip
from zoo.perturb import pictures

import whylight
from whylight.errors import BadInput, UnknownName, UnsupportedModel, WhylightError


@pytest.fixture
def timm_folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    shape = {"img_size": 32, "patch_size": 8, "depth": 2, "embed_dim": 24, "num_heads": 2}
    model = timm.create_model("vit_tiny_patch16_224", num_classes=2, **shape)
    config = {"label_names": ["n1", "n2"], "label_descriptions": {"n1": "cat", "n2": "dog"}}
    save_for_hf(model, tmp_path, model_config=config, model_args=shape, safe_serialization=True)
    return tmp_path


@pytest.fixture
def openclip_folder(tmp_path: Path) -> Path:
    zoo_folder(tmp_path)
    return tmp_path


def test_a_timm_folder(timm_folder: Path) -> None:
    view = whylight.load(f"timm:local-dir:{timm_folder}")
    assert (view.family, view.name) == ("timm", f"timm:local-dir:{timm_folder}")
    assert view.class_names == ["cat", "dog"]
    assert not view.module.training
    own = timm.create_model(f"local-dir:{timm_folder}", pretrained=True).eval()
    pixels = pictures().float()
    assert torch.equal(view.output(pixels), own(pixels))


def test_an_openclip_folder(openclip_folder: Path) -> None:
    view = whylight.load(f"openclip:local-dir:{openclip_folder}")
    model, pixels = clip()()
    torch.testing.assert_close(view.output(pixels.float()), model.float().encode_image(pixels.float()))
    assert view.preprocessing is not None
    assert (view.preprocessing.fit, view.preprocessing.interpolation) == ("squash", "bilinear")
    assert not view.module.training


@pytest.mark.parametrize("name", ["scenes", "scenes-siglip"])
def test_the_bundled_models(name: str) -> None:
    view = whylight.load(name)
    assert (view.name, view.family) == (name, "openclip")
    assert view.preprocessing is not None
    assert (view.preprocessing.std, view.preprocessing.fit) == ((0.25, 0.25, 0.25), "squash")
    maps = whylight.relevance(view, torch.rand(1, 3, 96, 96), view.encode_text(["a red star", "a cube"]))
    assert maps.shape == (1, 2, 144)
    assert view.unknown_words("a red zeppelin") == ["zeppelin"]


@pytest.mark.parametrize(
    ("precision", "dtype"), [("bf16", torch.bfloat16), ("float64", torch.float64), (None, torch.float32)]
)
def test_precision(timm_folder: Path, precision: str | None, dtype: torch.dtype) -> None:
    view = whylight.load(f"timm:local-dir:{timm_folder}", precision=precision, device="cpu")
    assert view.parameter.dtype == dtype


def test_precisions_and_devices_that_there_are_not(timm_folder: Path) -> None:
    with pytest.raises(BadInput, match="unknown precision 'fp8': float32"):
        whylight.load(f"timm:local-dir:{timm_folder}", precision="fp8")
    for device in ("cuda:99", "tpu"):
        with pytest.raises(BadInput, match=f"device '{device}' cannot be used here"):
            whylight.load(f"timm:local-dir:{timm_folder}", device=device)


UNKNOWN = {
    "scnes": r"Did you mean scenes",
    "vit_base_patch16_224": r"Did you mean timm:vit_base_patch16_224",
    "ViT-B-16/openai": r"Did you mean openclip:ViT-B-16/openai",
    "openclip:ViT-B16/openai": r"Did you mean openclip:ViT-B-16/openai",
    "openclip:ViT-B-16/laion2b_s34b_b88": r"laion2b_s34b_b88k",
    "openclip:ViT-B-16": r"openclip:ViT-B-16/TAG.*openai",
    "timm:vit_base_patch16_22": r"Did you mean timm:vit_base_patch16_224",
    "timm:": r"Models are named",
    "torchvision:vit_b_61": r"Did you mean torchvision:vit_b_16",
    "torchvision:": "Models are named",
    "vit_b_16": r"Did you mean .*torchvision:vit_b_16",
    "torchvision:vit_b_16/IMAGENET1K_V2": r"no weights 'IMAGENET1K_V2'. Did you mean IMAGENET1K_V1\?.*SWAG_LINEAR_V1",
    "torchvision:vit_b_16/none.pth": r"no weights 'none.pth'",
    "something else entirely": r"Models are named scenes, .*openclip:NAME/TAG, timm:NAME, torchvision:NAME, hf:ID",
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_unknown_names_are_told_what_there_is(name: str) -> None:
    with pytest.raises(UnknownName, match=UNKNOWN[name]) as error:
        whylight.load(name)
    assert "\n" not in str(error.value)


UNSUPPORTED = {
    "openclip:RN50/openai": "ResNet",
    "openclip:convnext_base/laion400m_s13b_b51k": "convnext_base is not supported, because it is made of convolutions",
    "timm:swinv2_tiny_window8_256": "attends within windows",
    "timm:resnet50": "resnet50 is not supported",
}


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_unsupported_models_are_refused_before_anything_is_fetched(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetched(*arguments: object, **options: object) -> None:
        raise AssertionError("fetched")

    monkeypatch.setattr(timm, "create_model", fetched)
    monkeypatch.setattr(open_clip, "create_model", fetched)
    with pytest.raises(UnsupportedModel, match=UNSUPPORTED[name]):
        whylight.load(name)


@pytest.mark.parametrize(
    ("library", "name"),
    [(timm, "timm:vit_tiny_patch16_224"), (open_clip, "openclip:ViT-B-16/openai")],
    ids=["timm", "openclip"],
)
def test_a_librarys_failure_is_one_line(library: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*arguments: object, **options: object) -> None:
        raise OSError("cannot reach the hub\nlong story")

    monkeypatch.setattr(library, "create_model", offline)
    with pytest.raises(WhylightError) as error:
        whylight.load(name)
    assert str(error.value) == f"could not load {name}: cannot reach the hub"


@pytest.mark.parametrize("family", ["timm", "openclip", "hf"])
def test_a_folder_that_is_not_there(family: str, tmp_path: Path) -> None:
    with pytest.raises(WhylightError, match="none") as error:
        whylight.load(f"{family}:local-dir:{tmp_path / 'none'}")
    assert "\n" not in str(error.value)


class Trap:
    """Makes a folder when it is unpickled without care."""

    def __init__(self, sprung: Path) -> None:
        self.sprung = str(sprung)

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return (os.mkdir, (self.sprung,))


@pytest.mark.parametrize(
    ("family", "file"), [("openclip", "open_clip_pytorch_model.bin"), ("timm", "pytorch_model.bin")]
)
def test_pickled_weights_are_not_run(family: str, file: str, request: pytest.FixtureRequest) -> None:
    folder: Path = request.getfixturevalue(f"{family}_folder")
    for weights in folder.glob("*.safetensors"):
        weights.unlink()
    torch.save({"state_dict": Trap(folder / "sprung")}, folder / file)
    with pytest.raises(WhylightError, match="could not load"):
        whylight.load(f"{family}:local-dir:{folder}")
    assert not (folder / "sprung").exists()
    torch.load(folder / file, weights_only=False)
    assert (folder / "sprung").exists(), "a trap that cannot spring proves nothing"

"""torchvision's models by name: their own weights and transforms, weights of a file, and near misses."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor
from torchvision.models import VisionTransformer
from torchvision.models.vision_transformer import vit_b_32

import whylight
from whylight.errors import BadInput, UnsupportedModel, WhylightError


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """vit_b_32 at an eighth of its width and two layers deep."""

    def build(**options: Any) -> VisionTransformer:
        whole = {"image_size": 224, "patch_size": 32, "num_layers": 2, "num_heads": 2, "hidden_dim": 32, "mlp_dim": 32}
        return VisionTransformer(**whole | options)

    def builder(*, weights: Any = None, progress: bool = True, **options: Any) -> VisionTransformer:
        torch.manual_seed(0)
        model = build(**options)
        if weights is not None:
            model.load_state_dict(weights.get_state_dict(progress=progress))
        return model

    builder.__module__ = vit_b_32.__module__
    monkeypatch.setattr(torchvision.models, "get_model_builder", lambda name: builder)


def state(**options: Any) -> dict[str, Tensor]:
    torch.manual_seed(1)
    shape = {"image_size": 224, "patch_size": 32, "num_layers": 2, "num_heads": 2, "hidden_dim": 32, "mlp_dim": 32}
    return VisionTransformer(**shape | options).state_dict()


def picture() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 410, 3), dtype=np.uint8))


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("name", ["torchvision:vit_b_32", "torchvision:vit_b_32/imagenet1k_v1"])
def test_weights_by_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[str] = []

    def fetch(url: str, **_: Any) -> dict[str, Tensor]:
        fetched.append(url)
        return state()

    monkeypatch.setattr(torchvision.models._api, "load_state_dict_from_url", fetch)
    view = whylight.load(name)
    assert fetched == [torchvision.models.ViT_B_32_Weights.IMAGENET1K_V1.url]
    assert (view.family, view.name, view.module.training) == ("torchvision", name, False)
    assert view.class_names == torchvision.models.ViT_B_32_Weights.IMAGENET1K_V1.meta["categories"]


@pytest.mark.usefixtures("small")
def test_weights_that_cannot_be_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(url: str, **_: Any) -> dict[str, Tensor]:
        raise URLError("no such host")

    monkeypatch.setattr(torchvision.models._api, "load_state_dict_from_url", fetch)
    with pytest.raises(
        BadInput, match=r"cannot be reached \(no such host\); a file can be given: .*vit_b_32/PATH"
    ) as error:
        whylight.load("torchvision:vit_b_32")
    assert "\n" not in str(error.value)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("ending", ["pth", "safetensors"])
def test_weights_of_a_file(ending: str, tmp_path: Path) -> None:
    """A fine-tuned model, of other classes and another size."""
    weights = state(image_size=64, num_classes=3)
    file = tmp_path / f"mine.{ending}"
    if ending == "pth":
        torch.save({"model": weights, "epoch": 3}, file)
    else:
        save_file(weights, file)
    view = whylight.load(f"torchvision:vit_b_32/{file}")
    assert view.class_count == 3
    assert view.preprocessing is not None
    assert view.preprocessing.size == (64, 64)
    own = VisionTransformer(64, 32, 2, 2, 32, 32, num_classes=3).eval()
    own.load_state_dict(weights)
    pixels = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(view.output(pixels), own(pixels))


@pytest.mark.usefixtures("small")
def test_a_file_of_the_size_of_the_weights_gets_their_transforms(tmp_path: Path) -> None:
    torch.save(state(), tmp_path / "mine.pth")
    view = whylight.load(f"torchvision:vit_b_32/{tmp_path / 'mine.pth'}")
    preset = torchvision.models.ViT_B_32_Weights.DEFAULT.transforms()
    assert view.preprocessing is not None
    assert torch.equal(view.preprocessing(picture())[0], preset(picture()))


ALL_WEIGHTS = [
    weights
    for name in torchvision.models.list_models(module=torchvision.models, include="vit_*")
    for weights in torchvision.models.get_model_weights(name)
]


@pytest.mark.parametrize("weights", ALL_WEIGHTS, ids=str)
def test_pictures_are_prepared_as_every_weights_transforms_do(weights: Any) -> None:
    from whylight.models.torchvision.load import preprocessing_of

    prepare = preprocessing_of(weights.transforms(), 16)
    assert torch.equal(prepare(picture())[0], weights.transforms()(picture()))


@pytest.mark.parametrize("name", ["resnet50", "convnext_tiny", "maxvit_t", "swin_t"])
def test_other_models_are_refused_before_anything_is_fetched(name: str) -> None:
    with pytest.raises(UnsupportedModel, match=f"torchvision:{name} is not supported: it .*vit_b_16"):
        whylight.load(f"torchvision:{name}")


@pytest.mark.usefixtures("small")
def test_files_that_are_no_weights(tmp_path: Path) -> None:
    file = tmp_path / "mine.pth"
    torch.save([1, 2], file)
    with pytest.raises(BadInput, match="holds no weights by name"):
        whylight.load(f"torchvision:vit_b_32/{file}")
    torch.save({"fc.weight": torch.ones(2, 2)}, file)
    with pytest.raises(BadInput, match=r"no weights of a VisionTransformer.*encoder\.pos_embedding"):
        whylight.load(f"torchvision:vit_b_32/{file}")
    weights = state()
    del weights["encoder.ln.weight"]
    torch.save(weights, file)
    with pytest.raises(WhylightError, match=r"the weights do not fit the model: 1 missing \(encoder\.ln\.weight\)"):
        whylight.load(f"torchvision:vit_b_32/{file}")
    file.write_bytes(b"nonsense")
    with pytest.raises(WhylightError, match="could not load") as error:
        whylight.load(f"torchvision:vit_b_32/{file}")
    assert "\n" not in str(error.value)

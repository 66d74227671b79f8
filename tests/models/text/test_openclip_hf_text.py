"""OpenCLIP dual encoders whose text tower is of transformers (BiomedCLIP's layout), live and from a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
import transformers
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor
from zoo.openclip_models import tiny_vit
from zoo.text_classifier import tokenizer
from zoo.transformers_models import BERT, perturbed

import whylight
from whylight.attention import record_attention
from whylight.errors import BadInput, UnsupportedModel
from whylight.methods import relevance
from whylight.text import explain_text

VISION = {
    "timm_model_name": tiny_vit.__name__,
    "timm_model_pretrained": False,
    "timm_pool": "",
    "timm_proj": "linear",
    "image_size": 32,
}
POOLERS = ["cls_last_hidden_state_pooler", "cls_pooler", "mean_pooler"]


def configuration(folder: Path, pooler: str = POOLERS[0], kind: str = "bert") -> dict[str, Any]:
    """Of the dual encoder; that of its text tower is written into the folder."""
    config = transformers.AutoConfig.for_model(kind, **BERT | {"pad_token_id": 1 if kind == "roberta" else 0})
    config.save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    text = {"hf_model_name": str(folder), "hf_tokenizer_name": str(folder), "hf_model_pretrained": False}
    text |= {"hf_proj_type": "mlp", "hf_pooler_type": pooler, "context_length": 12}
    return {"embed_dim": 16, "vision_cfg": VISION, "text_cfg": text}


def built(folder: Path, pooler: str = POOLERS[0], kind: str = "bert") -> Any:
    torch.manual_seed(0)
    return perturbed(open_clip.CustomTextCLIP(**configuration(folder, pooler, kind)))


def ids(pad: int = 0) -> Tensor:
    made = torch.randint(4, 20, (2, 9), generator=torch.Generator().manual_seed(3))
    made[1, 5:] = pad
    return made


@pytest.mark.parametrize(("kind", "pad"), [("bert", 0), ("roberta", 1)])
@pytest.mark.parametrize("pooler", POOLERS)
def test_the_driven_forward_is_the_models_own(pooler: str, kind: str, pad: int, tmp_path: Path) -> None:
    model = built(tmp_path, pooler, kind)
    view = whylight.wrap(model)
    with torch.no_grad():
        own = model.encode_text(ids(pad), normalize=False)
        with record_attention() as calls:
            driven = view.text.output({"input_ids": ids(pad)})
        pixels = torch.randn(2, 3, 32, 32, dtype=torch.float64)
        assert (view.output(pixels) - model.encode_image(pixels, normalize=False)).abs().max() < 1e-10
    assert (driven - own).abs().max() < 1e-10
    assert own.std() > 1e-3
    assert len(calls) == 2
    assert view.text.pooling == ("mean" if pooler == "mean_pooler" else "class_token")


@pytest.mark.parametrize("pooler", POOLERS)
def test_padding_has_no_relevance_and_changes_nothing(pooler: str, tmp_path: Path) -> None:
    text = whylight.wrap(built(tmp_path, pooler)).text
    targets = torch.randn(2, 16, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    for method in ("legrad", "chefercam", "gradcam", "rollout"):
        maps = relevance(text, {"input_ids": ids()}, targets, method)
        assert maps.shape == (2, 2, 9)
        assert (maps[1, :, 5:] == 0).all()
        alone = relevance(text, {"input_ids": ids()[1:, :5]}, targets, method)
        assert (maps[1:, :, :5] - alone).abs().max() < 1e-10 * alone.abs().max()


def test_a_folder(tmp_path: Path) -> None:
    """open_clip_config.json, weights and tokenizer beside each other, as medical CLIPs are handed on."""
    model = built(tmp_path).float()
    preprocess = {"mean": [0.5] * 3, "std": [0.25] * 3, "interpolation": "bicubic", "resize_mode": "shortest"}
    named = configuration(tmp_path)
    named["text_cfg"] |= {"hf_model_name": "somebody/not-here", "hf_tokenizer_name": "somebody/not-here"}
    whole = {"model_cfg": named, "preprocess_cfg": preprocess}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(whole))
    save_file(model.state_dict(), tmp_path / "open_clip_model.safetensors")
    view = whylight.load(f"openclip:local-dir:{tmp_path}")
    prompts = ["the good film", "bad"]
    own = model.encode_text(open_clip.tokenizer.HFTokenizer(str(tmp_path), context_length=12)(prompts), normalize=True)
    assert (view.encode_text(prompts) - own).abs().max() < 1e-6
    picture = Image.effect_noise((40, 50), 80).convert("RGB")
    explanation = whylight.explain(view, picture, prompts)
    assert explanation.relevance.shape == (2, 4, 4)
    words = explain_text(view, "the good acting", picture)
    assert [word.text for word in words.words] == ["the", "good", "acting"]
    assert words.word_relevance.isfinite().all()
    assert words.word_relevance.std() > 0
    assert words.logits[0] == pytest.approx(
        float(explain_text(view.text, "the good acting", view.output(whylight_pixels(view, picture))).logits[0])
    )


def test_a_text_tower_that_is_nowhere_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whylight.models.network.reachable", lambda url: False)
    named = configuration(tmp_path)
    named["text_cfg"]["hf_model_name"] = "somebody/not-here"
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": named, "preprocess_cfg": {}}))
    save_file(built(tmp_path).float().state_dict(), tmp_path / "open_clip_model.safetensors")
    (tmp_path / "config.json").unlink()
    with pytest.raises(BadInput, match=r"its text tower, somebody/not-here: put that config\.json into") as error:
        whylight.load(f"openclip:local-dir:{tmp_path}")
    assert "\n" not in str(error.value)


def whylight_pixels(view: Any, picture: Image.Image) -> Tensor:
    pixels: Tensor = view.preprocessing(picture)[0][None]
    return pixels


def test_other_towers_and_poolers_are_refused(tmp_path: Path) -> None:
    view = whylight.wrap(built(tmp_path, "max_pooler"))
    with pytest.raises(UnsupportedModel, match="read by a MaxPooler"):
        view.text  # noqa: B018
    text = whylight.wrap(built(tmp_path)).text
    with pytest.raises(BadInput, match="reads at most 20 tokens"):
        text.output({"input_ids": torch.full((1, 21), 5)})
    with pytest.raises(BadInput, match="has no input_ids 50"):
        text.output({"input_ids": torch.full((1, 3), 50)})

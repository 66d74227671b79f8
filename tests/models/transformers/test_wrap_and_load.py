"""Recognising live modules, and loading them by name or from a folder."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import pytest
import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch import nn
from zoo.transformers_models import CLIP_TEXT, PICTURES, TEXTS, VIT, build, clip_config, siglip_config

from whylight.errors import BadInput, MissingExtra, UnsupportedModel
from whylight.models.transformers import load_transformers, wrap_transformers
from whylight.models.transformers.view import TransformersTextView, TransformersView
from whylight.models.view import View

WORDS = {"a": 3, "cat": 4, "dog": 5, "photo": 6, "of": 7}


def tokenizer(begin: int = 37, end: int = 38) -> transformers.PreTrainedTokenizerFast:
    """Words to ids, with a begin and an end as CLIP has them."""
    words = Tokenizer(models.WordLevel({"<unk>": 0, **WORDS, "<begin>": begin, "<end>": end}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(
        single="<begin> $A <end>", special_tokens=[("<begin>", begin), ("<end>", end)]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, unk_token="<unk>", bos_token="<begin>", eos_token="<end>", pad_token="<end>"
    )


@pytest.fixture
def clip_folder(tmp_path: Path) -> Path:
    build("CLIPModel", clip_config()).save_pretrained(tmp_path)
    tokenizer().save_pretrained(tmp_path)
    transformers.CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}).save_pretrained(
        tmp_path
    )
    return tmp_path


@pytest.mark.parametrize("name", [*PICTURES, *TEXTS])
def test_every_kind_is_recognised(name: str) -> None:
    module, _ = (PICTURES | TEXTS)[name]()
    view = wrap_transformers(module, name="mine")
    assert isinstance(view, TransformersView if name in PICTURES else TransformersTextView)
    assert (view.name, view.family, view.module) == ("mine", "transformers", module)
    assert view.classifies == ("Classification" in type(module).__name__)


def test_a_class_derived_from_a_known_one_is_recognised() -> None:
    class FineTuned(transformers.ViTForImageClassification):
        pass

    view = wrap_transformers(FineTuned(transformers.ViTConfig(**VIT)))
    assert view is not None
    assert view.classifies
    assert view.name == "FineTuned"


def test_another_librarys_module_is_left_to_others() -> None:
    assert wrap_transformers(nn.Linear(2, 2)) is None


def test_an_unsupported_class_is_refused_with_the_supported_ones() -> None:
    swin = transformers.Swinv2Model(transformers.Swinv2Config(image_size=32, embed_dim=12, depths=[1], num_heads=[2]))
    listed = r"Swinv2Model is not supported: it attends within windows\. .*CLIPModel.*DINOv3ViTModel.*BertFor"
    with pytest.raises(UnsupportedModel, match=listed):
        wrap_transformers(swin)
    masked = transformers.ViTForMaskedImageModeling(transformers.ViTConfig(**VIT))
    with pytest.raises(UnsupportedModel, match="Close to it: ViTForImageClassification"):
        wrap_transformers(masked)


def test_a_picture_tower_without_its_pooler_is_refused() -> None:
    module = build("SiglipVisionModel", transformers.SiglipVisionConfig(**VIT, vision_use_head=False))
    view = wrap_transformers(module)
    assert view is not None
    with pytest.raises(UnsupportedModel, match="no pooling head"):
        view.output(torch.zeros(1, 3, 32, 32, dtype=torch.float64))


def test_a_folder_gives_model_processor_and_tokenizer(clip_folder: Path) -> None:
    view = load_transformers(f"local-dir:{clip_folder}")
    assert isinstance(view, TransformersView)
    assert view.name == f"hf:local-dir:{clip_folder}"
    assert not view.module.training
    assert view.parameter.dtype == torch.float32
    assert view.module.config._attn_implementation == "sdpa"
    assert view.preprocessing is not None
    assert view.preprocessing.size == (32, 32)
    assert type(view.preprocessing).__name__ == "ImageProcessorPreprocessing"


def test_prompts_become_the_models_own_embeddings(clip_folder: Path) -> None:
    view = load_transformers(f"local-dir:{clip_folder}")
    prompts = ["a photo of a cat", "dog"]
    encoded = tokenizer()(prompts, padding=True, return_tensors="pt")
    with torch.no_grad():
        own = view.module.get_text_features(encoded.input_ids, encoded.attention_mask)
    own = own if isinstance(own, torch.Tensor) else own.pooler_output
    embeddings = view.encode_text(prompts)
    assert (embeddings - torch.nn.functional.normalize(own, dim=-1)).abs().max() < 1e-6
    assert (view.encode_text(["dog"]) - embeddings[1:]).abs().max() < 1e-6


def test_long_prompts_are_cut_and_siglip_pads_to_full_length() -> None:
    clip = wrap_transformers(build("CLIPModel", clip_config()), tokenizer=tokenizer())
    siglip = wrap_transformers(build("SiglipModel", siglip_config()), tokenizer=tokenizer())
    assert clip is not None
    assert siglip is not None
    assert clip.encode_text(["cat " * 40]).shape == (1, CLIP_TEXT["projection_dim"])
    assert isinstance(siglip.text, TransformersTextView)
    tokens = siglip.text.tokenize(["dog"])
    assert set(tokens) == {"input_ids"}
    assert tokens["input_ids"].shape == (1, CLIP_TEXT["max_position_embeddings"])


def test_prompts_without_a_tokenizer_or_a_text_tower_are_refused() -> None:
    clip, vit = (wrap_transformers(PICTURES[name]()[0]) for name in ("clip", "vit"))
    assert isinstance(clip, View)
    assert isinstance(vit, View)
    with pytest.raises(BadInput, match="tokenizer="):
        clip.encode_text(["a cat"])
    with pytest.raises(BadInput, match="no text tower"):
        vit.encode_text(["a cat"])
    with pytest.raises(BadInput, match="no text tower"):
        vit.text  # noqa: B018


def test_a_folder_without_a_processor_says_so(tmp_path: Path) -> None:
    build("ViTForImageClassification", transformers.ViTConfig(**VIT)).save_pretrained(tmp_path)
    with pytest.warns(UserWarning, match="no image processor"):
        view = load_transformers(f"local-dir:{tmp_path}")
    assert view.preprocessing is not None
    assert view.preprocessing.size == (32, 32)


def test_a_backbone_saved_without_its_pooler_is_used_without_it(tmp_path: Path) -> None:
    module = build("ViTModel", transformers.ViTConfig(**VIT))
    module.pooler = None
    module.float().save_pretrained(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        view = load_transformers(f"local-dir:{tmp_path}")
    pixels = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        assert (view.output(pixels) - module(pixels).last_hidden_state[:, 0]).abs().max() < 1e-6


def test_missing_weights_are_refused(tmp_path: Path) -> None:
    build("ViTModel", transformers.ViTConfig(**VIT)).save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"architectures": ["ViTForImageClassification"]}))
    with pytest.raises(BadInput, match=r"lacks 2 of the weights.*classifier"):
        load_transformers(f"local-dir:{tmp_path}")


def test_unusable_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such folder"):
        load_transformers(f"local-dir:{tmp_path / 'nowhere'}")
    with pytest.raises(BadInput, match="no such folder: ~nosuchuser/model"):
        load_transformers("local-dir:~nosuchuser/model")
    with pytest.raises(BadInput, match=r"no config\.json"):
        load_transformers(f"local-dir:{tmp_path}")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "vit"}))
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(BadInput, match="safetensors"):
        load_transformers(f"local-dir:{tmp_path}")
    (tmp_path / "model.safetensors").write_bytes(b"nonsense")
    with pytest.raises(BadInput, match="cannot load"):
        load_transformers(f"local-dir:{tmp_path}")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"]}))
    with pytest.raises(UnsupportedModel, match=r"GPT2LMHeadModel, which is not supported.*CLIPModel"):
        load_transformers(f"local-dir:{tmp_path}")


def test_no_network_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise OSError("We couldn't connect to the hub\nand a long story")

    monkeypatch.setattr(transformers.AutoConfig, "from_pretrained", unreachable)
    with pytest.raises(BadInput, match="no network") as caught:
        load_transformers("openai/clip-vit-base-patch16")
    assert "\n" not in str(caught.value)


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingExtra, match=r"whylight\[transformers\]"):
        load_transformers("openai/clip-vit-base-patch16")

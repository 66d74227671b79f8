"""Recognising live models, also inside wrappers, and refusing the others by name."""

from __future__ import annotations

import open_clip
import pytest
import timm
import torch
import torchvision
from PIL import Image
from torch import nn
from torchvision.models.vision_transformer import interpolate_embeddings
from zoo import OPENCLIP, TIMM, TORCHVISION
from zoo.openclip_models import TEXT, clip, coca, through_timm
from zoo.perturb import pictures
from zoo.timm_models import vit

import whylight
from whylight.errors import BadInput, UnsupportedModel
from whylight.models.openclip.view import OpenClipView
from whylight.models.timm.view import TimmView


@pytest.mark.parametrize("kind", OPENCLIP)
def test_openclip_models_are_openclip(kind: str) -> None:
    view = whylight.wrap(OPENCLIP[kind]()[0])
    assert isinstance(view, OpenClipView)
    assert view.family == "openclip"
    assert not view.classifies


@pytest.mark.parametrize("kind", TIMM)
def test_timm_models_are_timm(kind: str) -> None:
    view = whylight.wrap(TIMM[kind]()[0])
    assert isinstance(view, TimmView)
    assert view.classifies == (view.module.num_classes > 0) == ("features" not in kind and kind not in UNCLASSIFIED)
    assert view.class_count == (5 if view.classifies else None)


UNCLASSIFIED = {"timm DINOv2", "timm DINOv3"}


def test_a_view_passes_through() -> None:
    view = whylight.wrap(vit()()[0], name="mine")
    assert whylight.wrap(view) is view
    assert view.name == "mine"


@pytest.mark.parametrize("build", [clip(), vit()], ids=["openclip", "timm"])
def test_compiled_and_parallel_models_are_unwrapped(build: object) -> None:
    model, _ = build()  # type: ignore[operator]
    for wrapped in (torch.compile(model), nn.DataParallel(model), torch.compile(nn.DataParallel(model))):
        assert whylight.wrap(wrapped).module is model
    averaged = torch.optim.swa_utils.AveragedModel(model)
    assert whylight.wrap(averaged).module is averaged.module


def test_fine_tuned_models_are_recognised() -> None:
    class MyViT(timm.models.VisionTransformer):
        pass

    model = MyViT(img_size=32, patch_size=8, embed_dim=16, depth=2, num_heads=2, num_classes=1000).eval()
    model.reset_classifier(3)
    view = whylight.wrap(model)
    assert view.class_count == 3
    assert view.class_names is None
    assert whylight.relevance(view, pictures().float(), 2).shape == (2, 1, 16)


def test_a_part_of_ones_own_model_is_pointed_at() -> None:
    class Mine(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.backbone = vit()()[0]

    with pytest.raises(
        UnsupportedModel, match=r"Mine is not supported, but its part \.backbone \(VisionTransformer\) is: wrap that"
    ):
        whylight.wrap(Mine())


REFUSED = {
    "swinv2_tiny_window8_256": "attends within windows",
    "convnext_atto": "is made of convolutions",
    "cait_xxs24_224": "class token",
    "xcit_nano_12_p16_224": "between channels",
    "levit_128s": "set of tokens",
    "samvit_base_patch16_224": "windows",
    "hiera_tiny_224": "mask units",
    "resnet18": "is made of convolutions",
    "vit_relpos_small_patch16_224": "no family that Whylight knows",
}


@pytest.mark.parametrize("name", REFUSED)
def test_other_architectures_are_refused_by_name_and_reason(name: str) -> None:
    with torch.device("meta"):
        model = timm.create_model(name)
    with pytest.raises(
        UnsupportedModel, match=rf"{type(model).__name__} is not supported.*{REFUSED[name]}.*Eva"
    ) as error:
        whylight.wrap(model)
    assert "\n" not in str(error.value)


def test_other_modules_are_refused() -> None:
    with pytest.raises(UnsupportedModel, match="Linear is not supported"):
        whylight.wrap(nn.Linear(2, 2))


def test_a_resnet_tower_is_refused() -> None:
    vision = {"image_size": 32, "layers": (1, 1, 1, 1), "width": 8, "head_width": 8}
    with pytest.raises(UnsupportedModel, match="ModifiedResNet"):
        whylight.wrap(open_clip.CLIP(16, vision_cfg=vision, text_cfg=TEXT))


def test_poolers_in_a_cascade_are_refused() -> None:
    with pytest.raises(UnsupportedModel, match="cascade"):
        whylight.wrap(coca(attentional_pool="cascade", width=16)()[0])


def test_prr_pooling_is_refused() -> None:
    with pytest.raises(UnsupportedModel, match="prr"):
        whylight.wrap(vit(global_pool="prr")()[0])


def test_names_of_classes() -> None:
    def names(**options: object) -> list[str] | None:
        return whylight.wrap(timm.create_model("vit_tiny_patch16_224", depth=1, **options)).class_names

    imagenet = names()
    assert imagenet is not None
    assert len(imagenet) == 1000
    assert imagenet[0] == "tench, Tinca tinca"
    labels = {"label_names": ["n1", "n2"], "label_descriptions": {"n1": "one"}}
    assert names(num_classes=2, pretrained_cfg_overlay=labels) == ["one", "n2"]
    assert names(num_classes=3, pretrained_cfg_overlay=labels) is None
    assert names(num_classes=0) is None


def test_clips_tokenizer_is_inferred_from_its_vocabulary() -> None:
    model = open_clip.CLIP(16, vision_cfg=_small(), text_cfg=TEXT | {"vocab_size": 49408})
    view = whylight.wrap(model.eval())
    embeddings = view.encode_text(["a cat", "a dog"])
    own = model.encode_text(open_clip.SimpleTokenizer(context_length=8)(["a cat", "a dog"]), normalize=True)
    torch.testing.assert_close(embeddings, own)
    assert not embeddings.requires_grad


def test_embeddings_made_under_inference_mode_serve() -> None:
    model = open_clip.CLIP(16, vision_cfg=_small(), text_cfg=TEXT | {"vocab_size": 49408}).eval()
    view = whylight.wrap(model)
    with torch.inference_mode():
        prompts = view.encode_text(["a cat"])
        own = model.encode_text(torch.zeros(1, 8, dtype=torch.long))
        pixels = torch.randn(1, 3, 32, 32)
        for embeddings in (prompts, own):
            assert whylight.relevance(view, pixels, embeddings).shape == (1, 1, 16)


def _small() -> dict[str, int]:
    return {"image_size": 32, "patch_size": 8, "width": 16, "head_width": 8, "layers": 1}


def test_prompts_need_a_tokenizer_or_a_text_tower() -> None:
    with pytest.raises(BadInput, match="tokenizer"):
        whylight.wrap(clip()()[0]).encode_text(["a"])
    with pytest.raises(BadInput, match="text tower"):
        whylight.wrap(clip()()[0].visual).encode_text(["a"])
    ids = lambda prompts: torch.ones(len(prompts), 8, dtype=torch.long)  # noqa: E731
    embeddings = whylight.wrap(clip()()[0], tokenizer=ids).encode_text(["a", "b"])
    torch.testing.assert_close(embeddings.norm(dim=-1), torch.ones(2, dtype=torch.float64))


def test_logit_scale_and_bias_of_a_siglip() -> None:
    model, _ = through_timm("tiny_siglip", "map", "none")()
    view = whylight.wrap(model)
    assert float(view.logit_scale) == pytest.approx(float(model.logit_scale.exp()))
    assert float(view.logit_bias) == pytest.approx(float(model.logit_bias))
    assert (whylight.wrap(model.visual).logit_scale, whylight.wrap(model.visual).logit_bias) == (1.0, 0.0)


def test_torchvisions_classes_and_pictures_are_those_of_its_weights() -> None:
    model = torchvision.models.VisionTransformer(224, 112, 1, 2, 8, 8)
    view = whylight.wrap(model)
    preset = torchvision.models.ViT_B_16_Weights.IMAGENET1K_V1
    assert view.family == "torchvision"
    assert view.class_names == preset.meta["categories"]
    picture = Image.effect_noise((300, 260), 60).convert("RGB")
    assert view.preprocessing is not None
    assert torch.equal(view.preprocessing(picture)[0], preset.transforms()(picture))


def test_a_replaced_head_of_torchvision_counts_its_own_classes() -> None:
    model, pixels = TORCHVISION["torchvision ViT"]()
    model.heads = nn.Sequential(nn.Dropout(), nn.Linear(24, 3).double()).eval()
    view = whylight.wrap(model)
    assert (view.classifies, view.class_count, view.class_names) == (True, 3, None)
    assert torch.equal(view.output(pixels), model(pixels))


def test_torchvisions_positions_are_interpolated_as_torchvision_does() -> None:
    """A model of the larger size that torchvision itself made the positions for says the same."""
    model, _ = TORCHVISION["torchvision ViT"]()
    larger = torchvision.models.VisionTransformer(48, 8, 3, 2, 24, 48, num_classes=5).double().eval()
    larger.load_state_dict(interpolate_embeddings(48, 8, model.state_dict()))
    assert (whylight.wrap(model).output(pictures((48, 48))) - larger(pictures((48, 48)))).abs().max() < 1e-10


def test_torchvisions_other_models_are_refused() -> None:
    with pytest.raises(UnsupportedModel, match=r"SwinTransformer is not supported: .*vit_b_16"):
        whylight.wrap(torchvision.models.SwinTransformer([4, 4], 8, [1, 1], [1, 1], [4, 4]))

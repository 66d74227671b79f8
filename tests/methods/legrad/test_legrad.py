"""LeGrad against the original code's values, and against autograd through attention maps written out."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable

import open_clip
import pytest
import timm
import torch
import torch.nn.functional as F
from open_clip.model import CLIPVisionCfg, _build_vision_tower
from oracle_files import Oracle, read_oracle, relative_difference
from torch import Tensor, nn

from whylight.attention import record_attention
from whylight.attention.min_max import min_max
from whylight.errors import BadInput, UnknownName, UnsupportedModel
from whylight.methods import relevance
from whylight.models.openclip.view import OpenClipView
from whylight.models.timm.view import TimmView
from whylight.models.view import View

LAYERS = [0, -1, -2]


def clip_oracle() -> tuple[OpenClipView, Oracle]:
    oracle = read_oracle("legrad_openclip_vit")
    model = open_clip.CLIP(oracle.meta["embed_dim"], oracle.meta["vision_cfg"], oracle.meta["text_cfg"])
    model.double().eval().load_state_dict(oracle.state)
    return OpenClipView(model), oracle


def siglip_oracle() -> tuple[TimmView, Oracle]:
    oracle = read_oracle("legrad_siglip")
    model = timm.models.VisionTransformer(**oracle.meta["timm"]).double().eval()
    model.load_state_dict(oracle.state)
    return TimmView(model), oracle


def coca_oracle() -> tuple[OpenClipView, Oracle]:
    oracle = read_oracle("legrad_coca")
    tower = _build_vision_tower(oracle.meta["embed_dim"], CLIPVisionCfg(**oracle.meta["vision_cfg"])).double().eval()
    tower.load_state_dict(oracle.state)
    return OpenClipView(tower), oracle


@pytest.mark.parametrize("start_layer", LAYERS)
def test_class_token_model_agrees_with_the_original(start_layer: int) -> None:
    view, oracle = clip_oracle()
    assert relative_difference(view.output(oracle["image"]), oracle["expected.image_features"]) < 1e-12
    maps = relevance(view, oracle["image"], oracle["text"], start_layer=start_layer)
    assert relative_difference(maps[0], oracle[f"expected.relevance.from_layer_{start_layer}"].flatten(1)) < 1e-8


@pytest.mark.parametrize("start_layer", LAYERS)
def test_attention_pooled_model_agrees_with_the_original(start_layer: int) -> None:
    view, oracle = siglip_oracle()
    maps = relevance(view, oracle["image"], oracle["text"], start_layer=start_layer)
    assert relative_difference(maps[0], oracle[f"expected.relevance.from_layer_{start_layer}"].flatten(1)) < 1e-8


@pytest.mark.parametrize("start_layer", LAYERS)
def test_empty_prompt_correction_agrees_with_the_original(start_layer: int, monkeypatch: pytest.MonkeyPatch) -> None:
    view, oracle = siglip_oracle()
    monkeypatch.setattr(view, "encode_text", lambda prompts: oracle["empty_text"])
    maps = relevance(view, oracle["image"], oracle["text"], start_layer=start_layer, empty_prompt_correction=True)
    assert relative_difference(maps[0], oracle[f"expected.corrected_minmax.from_layer_{start_layer}"].flatten(1)) < 1e-8


@pytest.mark.parametrize("start_layer", LAYERS)
def test_coca_agrees_with_the_original(start_layer: int) -> None:
    view, oracle = coca_oracle()
    assert relative_difference(view.output(oracle["image"]), oracle["expected.image_features"]) < 1e-12
    maps = min_max(relevance(view, oracle["image"], oracle["text"], start_layer=start_layer))
    assert relative_difference(maps[0], oracle[f"expected.minmax.from_layer_{start_layer}"].flatten(1)) < 1e-8


def written_out(view: OpenClipView, pixels: Tensor, score: Callable[[Tensor], Tensor]) -> Tensor:
    """Sum over layers of the mean over heads and rows of relu of explicit softmax maps' gradients, OpenCLIP tower."""
    visual = view.visual
    tokens, total = visual._embeds(pixels).detach(), 0
    for block in visual.transformer.resblocks:
        attention_module = block.attn
        x = block.ln_1(tokens)
        q, k, v = (
            p.unflatten(-1, (attention_module.num_heads, -1)).transpose(1, 2)
            for p in F.linear(x, attention_module.in_proj_weight, attention_module.in_proj_bias).chunk(3, -1)
        )
        attention = (q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5).softmax(-1).detach().requires_grad_()
        merged = (attention @ v).transpose(1, 2).flatten(2)
        after = tokens + block.ls_1(attention_module.out_proj(merged))
        out = after + block.ls_2(block.mlp(block.ln_2(after)))
        (gradient,) = torch.autograd.grad(score(out).sum(), attention)
        total = total + gradient.relu().mean((1, 2))
        tokens = out.detach()
    return total[:, 1:]


SCORES = {
    "dot": ({"score": "dot"}, lambda visual, tokens, text: visual.ln_post(tokens.mean(1)) @ visual.proj @ text),
    "class token": (
        {"pooling": "class_token"},
        lambda visual, tokens, text: F.cosine_similarity(visual.ln_post(tokens[:, 0]) @ visual.proj, text[None]),
    ),
    "patches": (
        {"pooling": "patches"},
        lambda visual, tokens, text: F.cosine_similarity(
            visual.ln_post(tokens[:, 1:].mean(1)) @ visual.proj, text[None]
        ),
    ),
}


@pytest.mark.parametrize("name", SCORES)
def test_options_against_maps_written_out(name: str) -> None:
    view, oracle = clip_oracle()
    options, score = SCORES[name]
    text = oracle["text"][0] * 3
    pixels = torch.cat([oracle["image"], oracle["image"].flip(-1)])
    expected = written_out(view, pixels, lambda tokens: score(view.visual, tokens, text))
    assert relative_difference(relevance(view, pixels, text[None], **options)[:, 0], expected) < 1e-10


def classifier(**options: object) -> TimmView:
    torch.manual_seed(1)
    model = timm.models.VisionTransformer(
        img_size=32, patch_size=8, embed_dim=24, depth=3, num_heads=3, num_classes=5, **options
    )
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    return TimmView(model.double().eval())


PIXELS = torch.randn(3, 3, 32, 32, dtype=torch.float64, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize(
    ("options", "pooled"),
    [
        ({}, lambda m, x: m.head(m.norm(x.mean(1)))),
        ({"global_pool": "avg"}, lambda m, x: m.head(m.fc_norm(x[:, 1:].mean(1)))),
    ],
    ids=["class token", "mean"],
)
def test_classifier_score_is_the_logit_of_the_pooled_tokens(
    options: dict[str, str], pooled: Callable[..., Tensor]
) -> None:
    view = classifier(**options)
    tokens = view.begin(PIXELS).tokens
    expected = 0
    for block in view.module.blocks:
        with record_attention(leaves=True) as calls:
            tokens = block(tokens.detach())
        (gradient,) = torch.autograd.grad(pooled(view.module, tokens)[:, 2].sum(), calls[0].output)
        expected = expected + (gradient @ calls[0].value.transpose(-1, -2)).relu().mean((1, 2))[:, 1:]
    assert relative_difference(relevance(view, PIXELS, 2)[:, 0], expected) < 1e-10


def test_model_readout_scores_attention_pooled_models_as_they_are() -> None:
    view, oracle = siglip_oracle()
    with record_attention() as calls:
        view.output(oracle["image"])
    last = calls[-1]
    score = F.cosine_similarity(view.output(oracle["image"]), oracle["text"])
    with record_attention() as calls:
        score = F.cosine_similarity(view.output(oracle["image"]), oracle["text"])
    (gradient,) = torch.autograd.grad(score.sum(), calls[-1].output)
    expected = (gradient @ last.value.transpose(-1, -2)).relu().mean((1, 2))
    maps = relevance(view, oracle["image"], oracle["text"], start_layer=-1, readout="model")
    assert relative_difference(maps[0], expected) < 1e-10
    published = relevance(view, oracle["image"], oracle["text"], start_layer=-1)
    assert relative_difference(maps, published) > 0.01


@pytest.mark.parametrize("make", [clip_oracle, siglip_oracle, coca_oracle])
def test_create_graph_lets_gradients_through_to_the_picture(make: Callable[[], tuple[View, Oracle]]) -> None:
    """Finite differences of the map along a random direction of the pixels."""
    view, oracle = make()
    pixels = oracle["image"].clone().requires_grad_()
    weights = torch.randn(view.begin(pixels).grid[0] * view.begin(pixels).grid[1], dtype=torch.float64)

    def weighted(picture: Tensor, **options: bool) -> Tensor:
        return (relevance(view, picture, oracle["text"][:1], **options)[0, 0] * weights).sum()

    (gradient,) = torch.autograd.grad(weighted(pixels, create_graph=True), pixels)
    direction = torch.randn_like(pixels)
    step = 1e-6
    difference = weighted(pixels.detach() + step * direction) - weighted(pixels.detach() - step * direction)
    assert (gradient * direction).sum().item() == pytest.approx((difference / (2 * step)).item(), rel=1e-4)
    torch.testing.assert_close(weighted(pixels, create_graph=True).detach(), weighted(pixels), rtol=1e-10, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_lower_precisions(dtype: torch.dtype) -> None:
    view, oracle = clip_oracle()
    exact = relevance(view, oracle["image"], oracle["text"])
    view.module.to(dtype)
    maps = relevance(view, oracle["image"].to(dtype), oracle["text"])
    assert maps.dtype == torch.float32
    assert relative_difference(maps.double(), exact) < (1e-4 if dtype == torch.float32 else 0.1)


def test_inference_mode_and_pictures_made_in_it() -> None:
    view, oracle = clip_oracle()
    expected = relevance(view, oracle["image"], oracle["text"])
    with torch.inference_mode():
        maps = relevance(view, oracle["image"] * 1.0, oracle["text"] * 1.0)
    torch.testing.assert_close(maps.clone(), expected, rtol=0, atol=0)
    assert not maps.requires_grad


def test_two_threads_with_one_model() -> None:
    view, oracle = clip_oracle()
    pictures = [oracle["image"], oracle["image"].flip(-1)]
    expected = [relevance(view, picture, oracle["text"]) for picture in pictures]
    results: dict[int, Tensor] = {}
    threads = [
        threading.Thread(target=lambda i=i: results.__setitem__(i, relevance(view, pictures[i], oracle["text"])))
        for i in (0, 1)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(torch.equal(results[i], expected[i]) for i in (0, 1))


def test_a_constant_map_is_zero_after_min_max() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert min_max(torch.full((2, 5), 3.0)).eq(0).all()


def test_a_picture_without_any_gradient_gives_zeros() -> None:
    view, oracle = clip_oracle()
    nn.init.zeros_(view.visual.proj)
    assert relevance(view, oracle["image"], oracle["text"]).eq(0).all()


@pytest.mark.parametrize(
    ("arguments", "options", "error", "says"),
    [
        ((PIXELS, [9]), {}, BadInput, "5 classes"),
        ((PIXELS, []), {}, BadInput, "no target"),
        ((PIXELS, [[1], [2]]), {}, BadInput, "one list per picture"),
        ((PIXELS, [[1], [2], [3, 4]]), {}, BadInput, "same number"),
        ((PIXELS, torch.randn(2, 24)), {}, BadInput, "class indices"),
        ((PIXELS[0], 0), {}, BadInput, "height, width"),
        ((PIXELS[:0], 0), {}, BadInput, "no picture"),
        ((PIXELS, 0), {"start_layer": 3}, BadInput, "3 layers"),
        ((PIXELS, 0), {"start_layer": -4}, BadInput, "3 layers"),
        ((PIXELS, 0), {"strat_layer": 1}, UnknownName, "start_layer"),
        ((PIXELS, 0), {"pooling": "median"}, BadInput, "class_token"),
        ((PIXELS, 0), {"score": "euclid"}, BadInput, "cosine"),
        ((PIXELS, 0), {"readout": "mine"}, BadInput, "published"),
        ((PIXELS, 0), {"empty_prompt_correction": True}, BadInput, "SigLIP"),
    ],
)
def test_bad_input_is_named(
    arguments: tuple[object, object], options: dict[str, object], error: type, says: str
) -> None:
    with pytest.raises(error, match=says):
        relevance(classifier(), *arguments, **options)


def test_a_method_that_does_not_exist_names_near_misses() -> None:
    with pytest.raises(UnknownName, match="Did you mean legrad"):
        relevance(classifier(), PIXELS, 0, method="legard")


def test_training_mode_and_hidden_attention_are_refused() -> None:
    view = classifier()
    view.module.train()
    with pytest.raises(UnsupportedModel, match=r"model\.eval\(\)"):
        relevance(view, PIXELS, 0)
    view.module.eval()
    for block in view.module.blocks:
        block.attn.fused_attn = False
    with pytest.raises(UnsupportedModel, match="fused_attn"):
        relevance(view, PIXELS, 0)

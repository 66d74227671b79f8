"""The exact split against the reference's values, and what makes it exact on every model that it is defined for."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import timm
import torch
import torch.nn.functional as F
from open_clip.transformer import VisionTransformer
from oracle_files import relative_difference
from torch import Tensor
from zoo.openclip_oracles import decomposition_oracle, grad_eclip_oracle

from whylight.errors import BadInput, UnsupportedModel
from whylight.methods import relevance
from whylight.methods.decomposition import decompose
from whylight.models.openclip.view import OpenClipView
from whylight.models.timm.view import TimmView
from whylight.models.view import View

SMALL = {"img_size": 32, "depth": 2, "embed_dim": 24, "num_heads": 3, "num_classes": 5}


def perturbed(view: View) -> View:
    torch.manual_seed(0)
    view.module.double().eval()
    with torch.no_grad():
        for parameter in view.module.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return view


def vit(**changes: object) -> View:
    return perturbed(TimmView(timm.create_model("vit_tiny_patch16_224", patch_size=8, **SMALL | changes)))


def dinov2() -> View:
    return perturbed(TimmView(timm.create_model("vit_small_patch14_reg4_dinov2", patch_size=8, **SMALL)))


def openclip_layer_scale() -> View:
    return perturbed(OpenClipView(VisionTransformer(32, 8, 24, 2, 3, 2.0, ls_init_value=0.3, output_dim=10)))


def features() -> View:
    return vit(num_classes=0)


EXACT = [vit, dinov2, openclip_layer_scale, features]


def pictures(batch: int = 2, height: int = 32, width: int = 32) -> Tensor:
    return torch.randn(batch, 3, height, width, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_split_agrees_with_the_reference(dtype: torch.dtype) -> None:
    view, oracle = decomposition_oracle(dtype)
    split = decompose(view, oracle["image"])
    assert relative_difference(split.attention, oracle["expected.attention_contributions"]) < 1e-5
    assert relative_difference(split.mlp, oracle["expected.mlp_contributions"]) < 1e-5


def test_heat_map_agrees_with_the_reference() -> None:
    view, oracle = decomposition_oracle(torch.float32)
    predicted = (oracle["expected.embedding"] @ oracle["classifier"]).argmax(1)
    maps = relevance(view, oracle["image"], oracle["classifier"].T, method="decomposition", contrast="targets")
    expected = oracle["expected.heatmap_predicted_class_minus_mean"].flatten(1)
    assert relative_difference(maps[torch.arange(2), predicted], expected) < 1e-5


@pytest.mark.parametrize("make", EXACT)
@pytest.mark.parametrize("size", [(32, 32), (24, 48)])
def test_parts_add_up_to_the_output(make: Callable[[], View], size: tuple[int, int]) -> None:
    view = make()
    split = decompose(view, pictures(2, *size))
    output = view.output(pictures(2, *size)).detach()
    expected = output if view.classifies else F.normalize(output, dim=-1)
    assert relative_difference(split.attention.sum((1, 2, 3)) + split.mlp.sum(1), expected) < 1e-12


def test_texts_split_at_their_own_end() -> None:
    """Each text is read at its own end-of-text token; what comes after it adds nothing."""
    view, oracle = grad_eclip_oracle()
    inputs = {"input_ids": oracle["tokens"]}
    split = decompose(view.text, inputs)
    expected = F.normalize(oracle["expected.text_embedding"], dim=-1)
    assert relative_difference(split.attention.sum((1, 2, 3)) + split.mlp.sum(1), expected) < 1e-12
    ends = oracle["tokens"].argmax(-1).tolist()
    assert ends[0] != ends[1]
    for text, end in enumerate(ends):
        assert (split.attention[text, :, end + 1 :] == 0).all()
        assert (split.attention[text, :, : end + 1] != 0).all()


@pytest.mark.parametrize("make", EXACT)
def test_heat_map_is_the_splits_patches_in_the_targets_direction(make: Callable[[], View]) -> None:
    view = make()
    split = decompose(view, pictures())
    patches = split.attention[:, :, split.prefix :]
    targets = [3, 0] if view.classifies else torch.randn(2, patches.shape[-1], dtype=torch.float64)
    directions = torch.eye(patches.shape[-1]).double()[[3, 0]] if view.classifies else targets
    assert isinstance(directions, Tensor)
    maps = relevance(view, pictures(), targets, method="decomposition")
    assert relative_difference(maps, torch.einsum("blnhd,td->btn", patches, directions)) < 1e-12
    some = relevance(view, pictures(), targets, method="decomposition", heads=[0, -1], layers=1)
    assert relative_difference(some, torch.einsum("bnhd,td->btn", patches[:, 1][:, :, [0, 2]], directions)) < 1e-12


def test_a_contrast_is_a_difference_of_maps() -> None:
    view = vit()
    maps = relevance(view, pictures(), [0, 1, 2, 3, 4], method="decomposition")
    against_all = relevance(view, pictures(), [2], method="decomposition", contrast="classes")
    assert relative_difference(against_all, maps[:, 2:3] - maps.mean(1, keepdim=True)) < 1e-12
    together = relevance(view, pictures(), [0, 1], method="decomposition", contrast="targets")
    assert relative_difference(together, maps[:, :2] - maps[:, :2].mean(1, keepdim=True)) < 1e-12


def test_a_contrast_with_other_embeddings() -> None:
    view, oracle = decomposition_oracle()
    first, others = oracle["classifier"].T[:1].double(), oracle["classifier"].T[1:].double()
    maps = relevance(view, oracle["image"], first, method="decomposition", contrast=others)
    plain = relevance(view, oracle["image"], torch.cat([first, others]), method="decomposition")
    assert relative_difference(maps, plain[:, :1] - plain[:, 1:].mean(1, keepdim=True)) < 1e-12


def test_no_part_of_the_split_is_held_whole_for_a_few_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The largest contribution tensor of a heat map is one layer's, per target: no embedding dimension."""
    from whylight.methods.decomposition.split import Split

    shapes = []
    attention = Split.attention

    def spy(self: Split, *args: object) -> Tensor:
        result = attention(self, *args)  # type: ignore[arg-type]
        shapes.append(tuple(result.shape))
        return result

    monkeypatch.setattr(Split, "attention", spy)
    view, oracle = decomposition_oracle()
    relevance(view, oracle["image"], oracle["classifier"].T[:2], method="decomposition")
    assert shapes == [(2, 17, 3, 2)] * 4


def test_half_precision_is_near() -> None:
    view, oracle = decomposition_oracle(torch.float32)
    exact = relevance(view, oracle["image"], oracle["classifier"].T, method="decomposition")
    view, _ = decomposition_oracle(torch.bfloat16)
    near = relevance(view, oracle["image"], oracle["classifier"].T, method="decomposition")
    assert near.dtype == torch.float32
    assert relative_difference(near, exact) < 0.05


def test_works_under_inference_mode() -> None:
    view, oracle = decomposition_oracle()
    expected = decompose(view, oracle["image"]).attention
    with torch.inference_mode():
        assert torch.equal(decompose(view, oracle["image"].clone()).attention, expected)


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: vit(global_pool="avg"), "pools by mean: the decomposition is defined"),
        (lambda: vit(global_pool="map", class_token=False), "pools by attention: the decomposition is defined"),
        (
            lambda: perturbed(TimmView(timm.create_model("deit_tiny_distilled_patch16_224", patch_size=8, **SMALL))),
            "reads several tokens",
        ),
    ],
)
def test_models_that_read_no_one_token_are_refused(make: Callable[[], View], line: str) -> None:
    with pytest.raises(UnsupportedModel, match=line):
        relevance(make(), pictures(), [0], method="decomposition")


def test_a_head_that_is_not_affine_is_refused() -> None:
    view = vit()
    view.module.head = torch.nn.Sequential(view.module.head, torch.nn.Tanh())
    with pytest.raises(UnsupportedModel, match="needs an affine head"):
        relevance(view, pictures(), [0], method="decomposition")


@pytest.mark.parametrize(
    "options", [{"heads": [3]}, {"layers": -3}, {"heads": []}, {"contrast": torch.ones(2, 7)}, {"contrast": "others"}]
)
def test_options_outside_the_model_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        relevance(vit(), pictures(), [0], method="decomposition", **options)


def test_contrast_with_classes_needs_a_classifier() -> None:
    view, oracle = decomposition_oracle()
    with pytest.raises(BadInput, match="for classifiers"):
        relevance(view, oracle["image"], oracle["classifier"].T, method="decomposition", contrast="classes")
    with pytest.raises(BadInput, match="have 9 dimensions"):
        relevance(view, oracle["image"], torch.ones(1, 9), method="decomposition")

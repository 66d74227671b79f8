"""Picture models of transformers: the view-driven forward is the model's own."""

from __future__ import annotations

import pytest
import torch
import transformers
from torch import Tensor
from zoo.transformers_models import (
    PICTURES,
    build,
    check_driven_forward,
    in_its_type,
    naflex_inputs,
    own_output,
    pixels,
    targets_for,
)

from whylight.errors import BadInput, UnsupportedModel
from whylight.methods import relevance
from whylight.models.transformers import wrap_transformers
from whylight.models.transformers.answering.releases import OLD
from whylight.models.transformers.view import TransformersView

POOLED = {"siglip", "siglip_vision", "siglip2", "siglip2_vision"}
PREFIX = {"siglip": 0, "siglip2": 0, "deit": 2, "dinov2_registers": 4, "dinov3": 3}


def built(name: str) -> tuple[TransformersView, Tensor]:
    module, inputs = PICTURES[name]()
    view = wrap_transformers(module)
    assert isinstance(view, TransformersView)
    return view, inputs


@pytest.mark.parametrize("name", PICTURES)
def test_the_driven_forward_is_the_models_own(name: str) -> None:
    view, inputs = built(name)
    check_driven_forward(view, inputs, attentions=2 + (name in POOLED))


@pytest.mark.parametrize("size", [(32, 48), (24, 24), (16, 64)])
@pytest.mark.parametrize("name", PICTURES)
def test_other_sizes_are_interpolated_as_the_library_does(name: str, size: tuple[int, int]) -> None:
    view, _ = built(name)
    if OLD and name in ("clip_classifier", "metaclip2_classifier"):
        pytest.skip("before transformers 5 their own forward takes one size")
    inputs = pixels(*size)
    with torch.no_grad():
        assert (view.output(inputs) - own_output(view.module, inputs, resized=True)).abs().max() < 1e-10
    assert view.begin(inputs).grid == (size[0] // 8, size[1] // 8)


@pytest.mark.parametrize("name", PICTURES)
def test_tokens_are_prefix_and_grid(name: str) -> None:
    view, inputs = built(name)
    run = view.begin(inputs)
    prefix = next((count for start, count in sorted(PREFIX.items(), reverse=True) if name.startswith(start)), 1)
    assert run.prefix == prefix
    assert run.grid is not None
    assert run.tokens.shape[1] == prefix + run.grid[0] * run.grid[1]


@pytest.mark.parametrize("name", PICTURES)
def test_the_head_is_the_readout_of_what_is_pooled(name: str) -> None:
    """One vector in every place: then all poolings see that vector, and readout and head must agree."""
    view, inputs = built(name)
    run = view.begin(inputs)
    vector = torch.randn(2, run.tokens.shape[-1], generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    everywhere = vector[:, None].expand_as(run.tokens)
    assert (run.readout(everywhere) - run.head(vector)).abs().max() < 1e-12


@pytest.mark.parametrize("name", PICTURES)
def test_the_row_that_is_read_out_decides_alone(name: str) -> None:
    view, inputs = built(name)
    run = view.begin(inputs)
    if run.readout_row is None:
        assert view.pooling != "class_token" or name == "deit_teacher"
        return
    tokens = run.tokens.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(run.readout(tokens).sum(), tokens)
    assert view.pooling == "class_token"
    assert (gradient[torch.arange(2), run.readout_row] != 0).any(-1).all()
    others = gradient.clone()
    others[torch.arange(2), run.readout_row] = 0
    # DINOv2's classifiers read the mean of the patches beside the class token.
    assert ("classifier" in name and "dinov2" in name) == bool(others.any())


@pytest.mark.parametrize("name", PICTURES)
def test_legrad_of_a_batch_is_legrad_of_each_picture(name: str) -> None:
    view, inputs = built(name)
    targets = targets_for(view, view.output(inputs).shape[1], [0, 3])
    together = relevance(view, inputs, targets)
    assert together.shape == (2, 2, 16)
    assert (together > 0).any(-1).all()
    alone = torch.cat([relevance(view, picture[None], targets) for picture in inputs])
    assert (together - alone).abs().max() < 1e-12


@pytest.mark.parametrize("name", PICTURES)
def test_both_roads_to_legrad_agree(name: str) -> None:
    """The closed form knows the parts of all blocks but gated ones; with an attentional pooler it does not apply."""
    view, inputs = built(name)
    if name in {*POOLED, "dinov2"}:
        assert (view.pre_norm_blocks() is None) == (name == "dinov2")
        return
    targets = targets_for(view, view.output(inputs).shape[1], [0, 3])
    general = relevance(view, inputs, targets, road="general")
    closed = relevance(view, inputs, targets, road="closed_form")
    assert (closed - general).abs().max() < 1e-12 * max(1.0, general.max().item())


def test_the_model_stays_as_it_was() -> None:
    view, inputs = built("clip")
    before = {key: value.clone() for key, value in view.module.state_dict().items()}
    relevance(view, inputs, torch.randn(2, 16, dtype=torch.float64))
    relevance(view, pixels(40, 24), torch.randn(2, 16, dtype=torch.float64))
    assert all(torch.equal(value, before[key]) for key, value in view.module.state_dict().items())
    assert all(parameter.grad is None and parameter.requires_grad for parameter in view.module.parameters())


@pytest.mark.parametrize("name", ["clip", "siglip", "vit_classifier", "dinov2", "dinov3"])
def test_hidden_attention_is_refused(name: str) -> None:
    module, inputs = PICTURES[name]()
    module.set_attn_implementation("eager")
    view = wrap_transformers(module)
    assert isinstance(view, TransformersView)
    targets = targets_for(view, view.output(inputs).shape[1], [0, 3])
    if name == "siglip":  # the pooler is seen, and is all that is looked at
        assert relevance(view, inputs, targets).shape == (2, 2, 16)
        return
    with pytest.raises(UnsupportedModel, match='attn_implementation="sdpa"'):
        relevance(view, inputs, targets)


def test_logits_are_the_models_own() -> None:
    for name in {"clip", "siglip", "metaclip2", "clipseg"} & PICTURES.keys():
        view, inputs = built(name)
        ids = torch.tensor([[5, 9, 11, 38]])
        with torch.no_grad(), in_its_type():
            own = view.module(input_ids=ids, pixel_values=inputs).logits_per_image
            picture = torch.nn.functional.normalize(view.output(inputs), dim=-1)
            text = torch.nn.functional.normalize(view.text.output({"input_ids": ids}), dim=-1)
        assert (picture @ text.T * view.logit_scale + view.logit_bias - own).abs().max() < 1e-12


def test_class_names_come_from_the_configuration() -> None:
    view, _ = built("vit_classifier")
    view.module.config.id2label = dict(enumerate("abcde"))
    assert view.class_names == list("abcde")
    assert view.class_count == 5
    assert built("vit")[0].class_names is built("vit")[0].class_count is None


def test_a_text_is_no_picture() -> None:
    view, _ = built("clip")
    with pytest.raises(BadInput, match="pixels"):
        view.output({"input_ids": torch.ones(1, 3, dtype=torch.long)})


def test_every_picture_of_a_naflex_batch_has_its_own_grid() -> None:
    """What the model says of pictures of several sizes together, padded and masked, is what the view says of each."""
    view, _ = built("siglip2")
    sizes = [(32, 32), (16, 72), (40, 64)]
    pictures = [pixels(*size, batch=1)[0] for size in sizes]
    with torch.no_grad():
        own = view.module.get_image_features(**naflex_inputs(pictures))
        own = own if isinstance(own, Tensor) else own.pooler_output
        for picture, expected, (height, width) in zip(pictures, own, sizes, strict=True):
            assert (view.output(picture[None])[0] - expected).abs().max() < 1e-10
            assert view.begin(picture[None]).grid == (height // 8, width // 8)


def test_a_classifier_without_its_head_gives_features() -> None:
    config = transformers.ViTConfig(
        hidden_size=24, num_hidden_layers=2, num_attention_heads=2, intermediate_size=48, image_size=32, patch_size=8
    )
    module = build("ViTForImageClassification", config)
    module.classifier = torch.nn.Identity()
    view = wrap_transformers(module)
    assert view is not None
    assert (view.classifies, view.class_count, view.class_names) == (False, None, None)
    with torch.no_grad():
        assert (view.output(pixels()) - module(pixels()).logits).abs().max() < 1e-10
    assert relevance(view, pixels(), torch.ones(1, 24, dtype=torch.float64)).shape == (len(pixels()), 1, 16)


def test_what_a_processor_returns_is_no_tensor_of_pixels() -> None:
    view, _ = built("siglip2")
    with pytest.raises(BadInput, match=r"one tensor \(batch, 3, height, width\), as view\.preprocessing"):
        relevance(view, naflex_inputs(list(pixels())), torch.ones(1, 24, dtype=torch.float64))


@pytest.mark.parametrize("kind", ["TimmWrapperForImageClassification", "TimmWrapperModel"])
def test_a_wrapper_of_timm_is_the_timm_model_inside(kind: str) -> None:
    labels = {"num_labels": 5, "id2label": dict(enumerate("abcde"))}
    told = {"mean": [0.1, 0.2, 0.3], "std": [0.5] * 3, "input_size": [3, 32, 32], "crop_pct": 0.9}
    small = {"img_size": 32, "patch_size": 8, "embed_dim": 24, "depth": 3, "num_heads": 3}
    config = transformers.TimmWrapperConfig(
        architecture="vit_tiny_patch16_224", model_args=small, pretrained_cfg=told, **labels
    )
    module = build(kind, config)
    view = wrap_transformers(module)
    assert view is not None
    inputs = pixels()
    with torch.no_grad():
        assert (view.output(inputs) - own_output(module, inputs)).abs().max() < 1e-10
    assert view.class_names == (list("abcde") if view.classifies else None)
    assert view.classifies == ("Classification" in kind)
    assert view.preprocessing is not None
    assert (view.preprocessing.mean, view.preprocessing.crop_fraction) == ((0.1, 0.2, 0.3), 0.9)
    targets = targets_for(view, 24, [0, 3])
    assert relevance(view, inputs, targets).shape == (2, 2, 16)

"""Targets of one's own, differences and negatives: methods give them what they give the function they stand for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from zoo.explained import VIEWS, directions, wide_pixels

import whylight
from whylight.errors import BadInput, UnsupportedModel, WhylightError
from whylight.methods import methods, record_legrad, relevance
from whylight.models.targets import as_targets
from whylight.models.view import View
from whylight.passes.relevance_pass import relevance_pass
from whylight.propagation import CONSERVATIVE

QUICK = {"integrated_gradients": {"steps": 3}, "beyond_intuition": {"steps": 3}}
CLASSIFIERS = ("timm class token", "timm mean", "transformers bert")
ENCODERS = ("openclip class token", "openclip coca", "timm map")
SCORES = {"legrad", "grad_eclip", "keyflow", "gem"}
"""Methods whose score of an embedding is the cosine, without logit scale."""
DIRECTIONS = {"lrp", "partial_lrp", "relevance_rollout", "transformer_attribution", "decomposition"}
"""Methods that begin at logits, and know of nothing else."""


def explain(name: str, view: View, inputs: Any, targets: Any, **options: Any) -> Tensor:
    """Relevance, or a skip where the method is not defined on the view."""
    try:
        relevance(
            view, inputs, [0] if view.classifies else directions(1, width_of(view, inputs)), name, **QUICK.get(name, {})
        )
    except WhylightError as error:
        pytest.skip(str(error))
    return relevance(view, inputs, targets, name, **QUICK.get(name, {}), **options)


def width_of(view: View, inputs: Any) -> int:
    return view.output(inputs).shape[1]


def agree(value: Tensor, expected: Tensor, tolerance: float = 1e-9) -> bool:
    return value.shape == expected.shape and bool((value - expected).abs().max() <= tolerance * expected.abs().max())


@pytest.mark.parametrize("kind", CLASSIFIERS)
@pytest.mark.parametrize("name", [name for name in methods() if name not in DIRECTIONS])
def test_a_difference_of_classes_is_the_function_it_stands_for(name: str, kind: str) -> None:
    view, inputs, _ = VIEWS[kind]()
    pairs = [whylight.difference(0, 2), whylight.difference(1, 0)]
    own: list[Callable[[Tensor], Tensor]] = [lambda y: y[:, 0] - y[:, 2], lambda y: y[:, 1] - y[:, 0]]
    expected = explain(name, view, inputs, own)
    assert expected.isfinite().all()
    assert agree(explain(name, view, inputs, pairs), expected)
    check_alone_and_negative(name, view, inputs, pairs, expected)
    against = [lambda y: y[:, 2] - y[:, 0], lambda y: y[:, 0] - y[:, 1]]
    assert agree(explain(name, view, inputs, own, negative=True), explain(name, view, inputs, against))


def check_alone_and_negative(name: str, view: View, inputs: Any, pairs: list[Any], maps: Tensor) -> None:
    """Together is apart, a batch is each picture alone, and what speaks against the one speaks for the other."""
    assert agree(explain(name, view, inputs, pairs[1]), maps[:, 1:])
    first = inputs[:1] if isinstance(inputs, Tensor) else {key: value[:1] for key, value in inputs.items()}
    assert agree(explain(name, view, first, pairs), maps[:1])
    other = whylight.difference([pair.that for pair in pairs], [pair.this for pair in pairs])
    assert agree(explain(name, view, inputs, pairs, negative=True), explain(name, view, inputs, other))


@pytest.mark.parametrize("kind", ENCODERS)
@pytest.mark.parametrize("name", [name for name in methods() if name not in DIRECTIONS])
def test_a_difference_of_embeddings_is_the_function_it_stands_for(name: str, kind: str) -> None:
    view, inputs, _ = VIEWS[kind]()
    a, b = directions(2, width_of(view, inputs)) * torch.tensor([[3.0], [0.2]])  # of any length
    if name == "clip_surgery":
        with pytest.raises(WhylightError, match=r"clip_surgery is defined for|one token"):
            relevance(view, inputs, whylight.difference(a, b), name)
        return
    scale = 1.0 if name in SCORES else view.logit_scale

    def likeness(y: Tensor) -> Tensor:
        return scale * (F.cosine_similarity(y, a[None]) - F.cosine_similarity(y, b[None]))

    options = {"score": "cosine"} if name == "legrad" else {}
    expected = explain(name, view, inputs, likeness, **options)
    assert agree(explain(name, view, inputs, whylight.difference(a, b), **options), expected)
    assert agree(
        explain(name, view, inputs, whylight.difference(a, b), negative=True, **options),
        explain(name, view, inputs, lambda y: -likeness(y), **options),
    )


@pytest.mark.parametrize("kind", ["timm class token", "openclip class token", "openclip coca", "transformers bert"])
@pytest.mark.parametrize("name", sorted(DIRECTIONS))
def test_methods_that_begin_at_logits_take_differences_as_such(name: str, kind: str) -> None:
    view, inputs, targets = VIEWS[kind]()
    a, b = targets[0], targets[1]
    maps = explain(name, view, inputs, whylight.difference(a, b))
    assert maps.isfinite().all()
    assert maps.std() > 0
    pairs = [whylight.difference(a, b), whylight.difference(b, a)]
    check_alone_and_negative(name, view, inputs, pairs, explain(name, view, inputs, pairs))
    with pytest.raises(UnsupportedModel, match=r"^(decomposition|relevance propagation) begins at classes") as error:
        relevance(view, inputs, lambda y: y[:, 0], name)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", ["timm class token", "openclip class token"])
@pytest.mark.parametrize("name", ["lrp", "decomposition"])
def test_what_is_a_sum_of_logits_is_the_same_sum_of_maps(name: str, kind: str) -> None:
    view, inputs, targets = VIEWS[kind]()
    a, b = (targets[:1], targets[1:2])
    if not view.classifies:  # cosines are what is subtracted
        a, b = F.normalize(a, dim=-1), F.normalize(b, dim=-1)
    apart = [relevance(view, inputs, each, name) for each in (a, b)]
    assert agree(relevance(view, inputs, whylight.difference(a, b), name), apart[0] - apart[1])
    assert agree(relevance(view, inputs, a, name, negative=True), -apart[0])


@pytest.mark.parametrize("kind", ["timm class token", "openclip coca"])
def test_relevance_of_a_difference_arrives_as_the_difference_of_two(kind: str) -> None:
    view, inputs, targets = VIEWS[kind]()
    trace = relevance_pass(view, inputs, CONSERVATIVE, 0)

    def arriving(asked: Any) -> list[Tensor]:
        return [each.relevance for each in trace.back(trace.start(as_targets(view, asked, 2)))]

    both = arriving(
        whylight.difference(targets[:2], [*targets[1:2], *targets[:1]] if view.classifies else targets[[1, 0]])
    )
    for found, one, other in zip(both, arriving(targets[:1]), arriving(targets[1:2]), strict=True):
        assert agree(found[:1], one - other)
        assert agree(found[1:], other - one)


def test_gradients_of_a_difference_are_those_of_the_model_itself() -> None:
    view, _, _ = VIEWS["timm class token"]()
    pixels = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    leaf = pixels.clone().requires_grad_()
    run = view.module(leaf)
    (expected,) = torch.autograd.grad((run[:, 1] - run[:, 3]).sum(), leaf)
    maps = relevance(view, pixels, whylight.difference(1, 3), "input_gradient", times_input=True)
    assert agree(maps[:, 0], (expected * pixels).sum(1))


@pytest.mark.parametrize("kind", ["timm mean", "openclip class token", "openclip coca"])
def test_a_recording_answers_them(kind: str) -> None:
    view, inputs, targets = VIEWS[kind]()
    asked = whylight.difference(targets[0], targets[1])
    assert agree(record_legrad(view, inputs).relevance(asked), relevance(view, inputs, asked))
    norm: Callable[[Tensor], Tensor] = lambda y: y.norm(dim=-1)  # noqa: E731
    assert agree(record_legrad(view, inputs).relevance(norm), relevance(view, inputs, norm))


@pytest.mark.parametrize("kind", ["timm mean", "openclip class token"])
@pytest.mark.parametrize("name", ["legrad", "chefercam", "gradcam"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_lower_precisions(name: str, kind: str, dtype: torch.dtype) -> None:
    view, inputs, targets = VIEWS[kind]()
    asked = whylight.difference(targets[0], targets[1])
    exact = relevance(view, inputs, asked, name)
    view.module.to(dtype)
    for some in (asked, lambda y: y[:, 0] - y[:, 1]):
        maps = relevance(view, inputs, some, name)
        assert maps.dtype == torch.float32
        assert maps.isfinite().all()
    assert agree(relevance(view, inputs, asked, name).double(), exact, 1e-3 if dtype == torch.float32 else 0.3)


REFUSED: dict[str, tuple[Any, str]] = {
    "a number for all": (lambda y: y.sum(), r"one value for each row"),
    "a row for each": (lambda y: y, r"one value for each row"),
    "no tensor": (lambda y: y[0, 0].item(), r"it gave a float"),
    "no derivative": (lambda y: y.argmax(-1).to(y), "must have a derivative"),
    "other rows": (lambda y: (y - y.mean(0))[:, 0], r"depends on other rows"),
    "labels of this batch": (
        lambda y: y[torch.arange(2), torch.tensor([0, 1])],
        r"the target fails on|one value for each",
    ),
    "not everywhere defined": (lambda y: (y[:, 0] - 100).log(), r"NaN or infinity"),
    "too far": (lambda y: y[:, 99], r"the target fails on outputs .*IndexError"),
    "different kinds": (whylight.difference(0, torch.ones(5)), r"classifier: its targets are class indices"),
    "different numbers": (whylight.difference([0, 1], [2]), r"as many targets of one kind"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_target_is_one_line(case: str) -> None:
    view, _, _ = VIEWS["timm class token"]()
    target, said = REFUSED[case]
    with pytest.raises(BadInput, match=said) as error:
        relevance(view, wide_pixels(), target)
    assert "\n" not in str(error.value)

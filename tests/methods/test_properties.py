"""What must hold for every registered method on every kind of view, new ones included."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode
from zoo.explained import VIEWS, Case

from whylight.errors import WhylightError
from whylight.methods import find_method, methods, relevance
from whylight.models.targets import as_targets
from whylight.models.view import Inputs, View

QUICK = {"integrated_gradients": {"steps": 3}, "beyond_intuition": {"steps": 3}}
"""Options that make slow methods quick."""

POOLED = ("openclip average", "openclip coca", "timm mean", "timm map", "timm map beside class token", "timm rotary")
POOLED = (*POOLED, "transformers siglip", "transformers siglip2", "transformers modernbert")
CLASSIFIED = ("transformers bert", "transformers electra", "transformers albert", "transformers camembert")
CLASSIFIED = (*CLASSIFIED, "transformers modernbert", "transformers deberta", "transformers mpnet")
TEXTS = ("openclip text", *CLASSIFIED, "transformers clip text")

UNDEFINED = {
    "gem": (*TEXTS, "timm class token", "torchvision class token", "timm mean", "timm rotary"),
    "clip_surgery": (*POOLED, *TEXTS, "timm class token", "torchvision class token"),
    "decomposition": (*POOLED, *CLASSIFIED),
    "grad_eclip": POOLED,
}
"""Views on which a method refuses to run."""

RULED = ("lrp", "partial_lrp", "relevance_rollout", "transformer_attribution")
UNDEFINED |= {name: (*UNDEFINED.get(name, ()), "transformers deberta") for name in RULED}
"""No rule takes relevance through DeBERTa's scores of positions, which depend on the tokens."""

OF_THE_SET = {"clip_surgery"}
"""Methods that explain a target by its difference from the other targets."""

REACHES_PADDING = {
    "decomposition",  # spreads what belongs to no token evenly over all
    "grad_eclip",  # as published: the similarity weight covers every context position
}
"""Methods that give values to padding and to what stands behind the token that is read out."""

CHAOTIC = set(RULED)
"""Methods whose values float32 does not determine to three digits: relevance is divided by sums near zero."""

FLOAT32_INSIDE = {"transformers modernbert"}
"""Rotates queries and keys in float32, in whatever precision it is: the last digits of chaotic methods are noise."""

PAIRS = [(name, kind) for name in methods() for kind in VIEWS]
DEFINED = [(name, kind) for name, kind in PAIRS if kind not in UNDEFINED.get(name, ())]


def explain(name: str, case: Case, **options: Any) -> Tensor:
    return relevance(*case, name, **QUICK.get(name, {}), **options)


@cache
def exact(name: str, kind: str) -> Tensor:
    """Two pictures or texts, all targets, in float64."""
    return explain(name, VIEWS[kind]())


def one(inputs: Inputs, row: int) -> Inputs:
    if isinstance(inputs, Tensor):
        return inputs[row : row + 1]
    return {key: value[row : row + 1] for key, value in inputs.items()}


def parts(targets: Any) -> list[Any]:
    return [targets[index : index + 1] for index in range(len(targets))]


def agree(value: Tensor, expected: Tensor, tolerance: float = 1e-9) -> bool:
    return value.shape == expected.shape and bool((value - expected).abs().max() <= tolerance * expected.abs().max())


def state_of(view: View) -> list[Any]:
    """Everything that a method could leave behind on a model."""
    found: list[Any] = []
    for name, tensor in (*view.module.named_parameters(), *view.module.named_buffers()):
        found.append((name, tensor.data_ptr(), tensor._version, tensor.requires_grad, tensor.grad, tensor.clone()))
    for name, module in view.module.named_modules():
        found.append((name, module.training, sorted(vars(module)), type(module), type(module).forward))
        found.append([len(hooks) for key, hooks in sorted(vars(module).items()) if key.endswith("_hooks")])
    return found


def same(before: list[Any], after: list[Any]) -> bool:
    return all(
        a.equal(b) if isinstance(a, Tensor) else a == b
        for first, second in zip(before, after, strict=True)
        for a, b in zip(first, second, strict=True)
    )


@pytest.mark.parametrize(("name", "kind"), [pair for pair in PAIRS if pair not in DEFINED])
def test_refuses_by_name_where_it_is_not_defined(name: str, kind: str) -> None:
    case = VIEWS[kind]()
    with pytest.raises(WhylightError, match=name) as error:
        explain(name, case)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("name", "kind"), DEFINED)
class TestEveryMethod:
    @pytest.fixture
    def case(self, kind: str) -> Case:
        return VIEWS[kind]()

    def test_one_finite_value_per_target_and_place(self, name: str, kind: str, case: Case) -> None:
        view, inputs, targets = case
        maps = find_method(name)(view, inputs, as_targets(view, targets, 2), **QUICK.get(name, {}))
        assert not maps.requires_grad  # nor did a graph grow while it was summed up
        assert agree(exact(name, kind), maps)
        run = view.begin(view.place(inputs))
        tokens = run.tokens.shape[1] - run.prefix
        places = [(tokens,), tuple(inputs.shape[-2:])] if isinstance(inputs, Tensor) else [(tokens,)]
        assert maps.shape in [(2, len(targets), *place) for place in places]
        assert maps.dtype == torch.float64
        assert maps.isfinite().all()
        assert maps.std() > 0
        if run.mask is not None and name not in REACHES_PADDING:
            assert maps[~run.mask[:, None].expand_as(maps)].eq(0).all()

    def test_rows_and_targets_are_what_they_would_be_alone(self, name: str, kind: str, case: Case) -> None:
        view, inputs, targets = case
        maps = exact(name, kind)
        tolerance = 1e-5 if kind in FLOAT32_INSIDE and name in CHAOTIC else 1e-9
        for row in range(2):
            assert agree(explain(name, (view, one(inputs, row), targets))[0], maps[row], tolerance)
        if name not in OF_THE_SET:
            apart = [explain(name, (view, inputs, target)) for target in parts(targets)]
            assert agree(torch.cat(apart, dim=1), maps)

    def test_the_model_is_left_as_it_was(self, name: str, case: Case) -> None:
        view, inputs, _ = case
        inputs_before = [x.clone() for x in ([inputs] if isinstance(inputs, Tensor) else inputs.values())]
        before = state_of(view)
        explain(name, case)
        assert same(before, state_of(view))
        for calls in range(2):
            with pytest.raises(Interruption), Interrupt(calls):
                explain(name, case)
            assert same(before, state_of(view))
        inputs_after = [inputs] if isinstance(inputs, Tensor) else list(inputs.values())
        assert all(a.equal(b) and not b.requires_grad for a, b in zip(inputs_before, inputs_after, strict=True))

    def test_frozen_parameters_and_no_grad_change_nothing(self, name: str, kind: str, case: Case) -> None:
        view, inputs, targets = case
        maps = exact(name, kind)
        with torch.no_grad():
            assert agree(explain(name, case), maps)
        with torch.inference_mode():
            made_inside = inputs.clone() if isinstance(inputs, Tensor) else {k: v.clone() for k, v in inputs.items()}
            assert agree(explain(name, (view, made_inside, targets)), maps)
        view.module.requires_grad_(False)
        assert agree(explain(name, case), maps)

    @pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
    def test_lower_precisions(self, name: str, kind: str, case: Case, dtype: torch.dtype) -> None:
        case[0].module.to(dtype)
        maps = explain(name, case)
        assert maps.dtype == torch.float32
        assert maps.isfinite().all()
        if dtype == torch.float32 and name not in CHAOTIC:
            assert agree(maps.double(), exact(name, kind), 1e-3)


@pytest.mark.parametrize("name", [name for name, kind in DEFINED if kind == "transformers bert"])
def test_padding_changes_nothing(name: str) -> None:
    view, inputs, targets = VIEWS["transformers bert"]()
    real = int(inputs["attention_mask"][1].sum())
    assert real < inputs["attention_mask"].shape[1]
    short = {key: value[1:, :real] for key, value in inputs.items()}
    if name not in REACHES_PADDING:
        assert agree(explain(name, (view, inputs, targets))[1:, :, :real], explain(name, (view, short, targets)))


@pytest.mark.parametrize("kind", VIEWS)
@pytest.mark.parametrize("name", [name for name in methods() if find_method(name).libra])
def test_libra_runs_wherever_the_method_does(name: str, kind: str) -> None:
    if (name, kind) in DEFINED:
        case = VIEWS[kind]()
        before = state_of(case[0])
        maps = explain(name, case, libra=True)
        assert maps.isfinite().all()
        assert same(before, state_of(case[0]))


class Interruption(Exception):
    pass


class Interrupt(TorchFunctionMode):
    """Raises instead of the attention after so many of them."""

    def __init__(self, calls: int) -> None:
        super().__init__()
        self.calls = calls

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in (F.scaled_dot_product_attention, F.multi_head_attention_forward):
            if self.calls == 0:
                raise Interruption
            self.calls -= 1
        return func(*args, **(kwargs or {}))

"""Recorded LeGrad against LeGrad, what a recording holds, and what it costs."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest
import torch
from oracle_files import relative_difference
from torch import Tensor
from torch.overrides import TorchFunctionMode
from zoo.explained import VIEWS, Case

from whylight.errors import BadInput, UnknownName
from whylight.methods import record_legrad, relevance
from whylight.methods.legrad.closed_form import RecordedLayer
from whylight.methods.legrad.prepared import PreparedLayer
from whylight.methods.legrad.recording import LegradRecording
from whylight.models.view import View

ASKED: list[dict[str, Any]] = [{}, {"centered": True, "start_layer": -2}, {"score": "dot"}]


@pytest.mark.parametrize("asked", ASKED, ids=str)
@pytest.mark.parametrize("build", VIEWS.values(), ids=VIEWS.keys())
def test_a_recording_answers_what_legrad_answers(build: Callable[[], Case], asked: dict[str, Any]) -> None:
    view, inputs, targets = build()
    recording = record_legrad(view, inputs)
    assert relative_difference(recording.output, view.output(inputs)) < 1e-12
    expected = relevance(view, inputs, targets, **asked)
    for _ in range(2):  # a first answer uses nothing up
        assert relative_difference(recording.relevance(targets, **asked), expected) < 1e-10
    one = targets[:1]
    assert relative_difference(recording.relevance(one, **asked), relevance(view, inputs, one, **asked)) < 1e-10


@pytest.mark.parametrize("said", [1, 3])
@pytest.mark.parametrize("build", VIEWS.values(), ids=VIEWS.keys())
def test_a_recording_that_knows_how_many_are_asked(build: Callable[[], Case], said: int) -> None:
    """Whether the number is right or wrong, answers are the same."""
    view, inputs, targets = build()
    recording = record_legrad(view, inputs, targets=said)
    for some in (targets[:1], targets):
        expected = relevance(view, inputs, some, centered=True)
        assert relative_difference(recording.relevance(some, centered=True), expected) < 1e-10


def test_few_targets_need_nothing_prepared() -> None:
    view, inputs, _ = VIEWS["openclip class token"]()
    layers = {count: type(record_legrad(view, inputs, targets=count)._closed[0]) for count in (1, 2, 3, None)}
    assert layers == {1: RecordedLayer, 2: RecordedLayer, 3: PreparedLayer, None: PreparedLayer}


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("openclip class token", {"road": "general"}),
        ("openclip class token", {"pooling": "patches"}),
        ("openclip class token", {"pooling": "class_token"}),
        ("timm class token", {"libra": True}),
        ("timm map", {"readout": "model"}),
        ("openclip coca", {"readout": "model"}),
        ("timm map", {"libra": True}),
    ],
)
def test_what_is_chosen_when_recording(name: str, options: dict[str, Any]) -> None:
    view, inputs, targets = VIEWS[name]()
    expected = relevance(view, inputs, targets, **options)
    assert relative_difference(record_legrad(view, inputs, **options).relevance(targets), expected) < 1e-10
    if options != {"road": "general"}:
        assert relative_difference(expected, relevance(view, inputs, targets)) > 1e-3


def test_targets_of_each_picture_alone() -> None:
    view, inputs, _ = VIEWS["timm class token"]()
    targets = [[0, 3], [4, 1]]
    expected = relevance(view, inputs, targets)
    assert relative_difference(record_legrad(view, inputs).relevance(targets), expected) < 1e-10


class Layers(TorchFunctionMode):
    """Counts linear layers that see more rows than there are inputs and targets: tokens going through a model."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.nn.functional.linear and args[0].dim() == 3 and args[0].shape[1] > 3:
            self.count += 1
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("build", VIEWS.values(), ids=VIEWS.keys())
def test_no_tokens_go_through_the_model_again(build: Callable[[], Case]) -> None:
    view, inputs, targets = build()
    with Layers() as recorded:
        recording = record_legrad(view, inputs)
    with Layers() as asked:
        recording.relevance(targets)
    assert recorded.count >= 3
    assert asked.count == 0


def reachable(thing: object, leave: View) -> list[Tensor]:
    """All tensors that an object leads to, short of a model."""
    found, seen, todo = [], {id(leave), id(leave.module)}, [thing]
    while todo:
        each = todo.pop()
        if id(each) in seen or isinstance(each, (type, torch.nn.Module)) or callable(each):
            continue
        seen.add(id(each))
        if isinstance(each, Tensor):
            found.append(each)
        todo.extend(gc.get_referents(each))
    return found


def bytes_of(tensors: list[Tensor]) -> int:
    return sum({t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors}.values())


@pytest.mark.parametrize("name", ["openclip class token", "timm class token", "timm mean", "openclip average"])
def test_a_closed_form_says_what_it_holds(name: str) -> None:
    view, inputs, _ = VIEWS[name]()
    recording = record_legrad(view, inputs)
    of_model = {tensor.untyped_storage().data_ptr() for tensor in view.module.parameters()}
    prepared = {layer.product.untyped_storage().data_ptr() for layer in recording._closed}
    tensors = [t for t in reachable(recording, view) if t.untyped_storage().data_ptr() not in of_model | prepared]
    assert recording.nbytes == bytes_of(tensors)
    tokens = view.begin(inputs).tokens
    hidden = recording._closed[0].slope.shape[-1] / tokens.shape[-1]
    assert recording.nbytes == pytest.approx(len(recording._closed) * tokens.nbytes * (hidden + 3), rel=0.05)


class Packed:
    """A tensor that autograd keeps, alive for as long as its graph is; cut off from it, which would make a circle."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor.detach()


@pytest.mark.parametrize("name", ["openclip coca", "timm map", "timm rotary", "transformers siglip", "openclip text"])
def test_graphs_say_what_they_hold(name: str) -> None:
    """Against autograd's own account: what it packed and has not let go."""
    view, inputs, targets = VIEWS[name]()
    told = record_legrad(view, inputs).nbytes
    packed: list[weakref.ref[Packed]] = []

    def pack(tensor: Tensor) -> Packed:
        held = Packed(tensor)
        packed.append(weakref.ref(held))
        return held

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda held: held.tensor):
        recording = record_legrad(view, inputs)
    gc.collect()
    of_model = {t.untyped_storage().data_ptr() for t in (*view.module.parameters(), *view.module.buffers())}
    tensors = reachable(recording, view) + [held.tensor for ref in packed if (held := ref()) is not None]
    expected = bytes_of([tensor for tensor in tensors if tensor.untyped_storage().data_ptr() not in of_model])
    assert told == pytest.approx(expected, rel=0.02)
    assert relative_difference(recording.relevance(targets), relevance(view, inputs, targets)) < 1e-10


def test_queries_keys_and_the_way_to_them_are_let_go() -> None:
    """What grows with a picture behind an attentional pooler is each layer's values, and nothing else."""
    view, inputs, _ = VIEWS["timm map"]()
    larger = torch.cat([inputs, inputs], dim=-1)
    more = view.begin(larger).tokens.nbytes - view.begin(inputs).tokens.nbytes
    assert record_legrad(view, larger).nbytes - record_legrad(view, inputs).nbytes == 3 * more


def test_threads_may_ask_at_once() -> None:
    for name in ("openclip class token", "timm map"):
        view, inputs, targets = VIEWS[name]()
        recording = record_legrad(view, inputs)
        expected = [recording.relevance(targets * factor, score="dot") for factor in range(1, 5)]
        results: dict[int, Tensor] = {}

        def ask(factor: int, recording: LegradRecording = recording, targets: Tensor = targets) -> None:
            for _ in range(5):
                results[factor] = recording.relevance(targets * factor, score="dot")  # noqa: B023

        threads = [threading.Thread(target=ask, args=(factor,)) for factor in range(1, 5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for factor in range(1, 5):
            torch.testing.assert_close(results[factor], expected[factor - 1], rtol=1e-12, atol=0)


def test_it_works_under_inference_mode() -> None:
    view, inputs, targets = VIEWS["openclip class token"]()
    expected = relevance(view, inputs, targets)
    with torch.inference_mode():
        recorded = record_legrad(view, inputs * 1.0).relevance(targets * 1.0)
    assert relative_difference(recorded.clone(), expected) < 1e-10
    assert not recorded.requires_grad


@pytest.mark.parametrize("name", ["openclip class token", "timm map"])
def test_bfloat16_is_summed_in_float32(name: str) -> None:
    view, inputs, targets = VIEWS[name]()
    exact = relevance(view, inputs, targets)
    view.module.to(torch.bfloat16)
    maps = record_legrad(view, inputs).relevance(targets)
    assert maps.dtype == torch.float32
    direct = relevance(view, inputs, targets)
    assert relative_difference(maps, direct) < 0.05
    assert relative_difference(maps.double(), exact) < 0.1


def test_nothing_of_the_model_changes_and_a_changed_model_is_refused() -> None:
    view, inputs, targets = VIEWS["openclip class token"]()
    before = {name: value.clone() for name, value in view.module.state_dict().items()}
    recording = record_legrad(view, inputs)
    recording.relevance(targets)
    assert all(torch.equal(value, before[name]) for name, value in view.module.state_dict().items())
    assert all(parameter.requires_grad and parameter.grad is None for parameter in view.module.parameters())
    with torch.no_grad():
        view.visual.proj.mul_(2)  # type: ignore[attr-defined]
    with pytest.raises(BadInput, match="record again"):
        recording.relevance(targets)


def test_wrong_options_are_named() -> None:
    view, inputs, targets = VIEWS["openclip class token"]()
    with pytest.raises(UnknownName, match="pooling"):
        record_legrad(view, inputs, poolng="mean")
    with pytest.raises(BadInput, match="ask with it"):
        record_legrad(view, inputs, start_layer=1)
    with pytest.raises(BadInput, match="3 layers"):
        record_legrad(view, inputs).relevance(targets, start_layer=3)

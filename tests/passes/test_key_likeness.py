"""Relevance spread along keys: ``smooth=True`` for every method, and what it keeps of a recorded picture."""

from __future__ import annotations

import pytest
import torch
from oracle_files import relative_difference
from torch import Tensor
from zoo.explained import VIEWS

import whylight
from whylight.attention import record_attention
from whylight.errors import BadInput, UnknownName
from whylight.methods import find_method, relevance
from whylight.models.view import View
from whylight.passes.key_likeness import record_key_likeness
from whylight.scenes import draw_scene

KINDS = ["openclip class token", "openclip coca", "timm mean", "timm map", "timm rotary", "openclip text"]


def likeness_written_out(view: View, inputs, sharpness: float = 3.0) -> tuple[Tensor, Tensor]:
    """W as a matrix, (batch, patches, patches), and which patches count, (batch, patches)."""
    run = view.begin(inputs)
    tokens, parts = run.tokens, []
    real = torch.ones(tokens.shape[:2], dtype=torch.bool) if run.mask is None else run.mask.clone()
    if run.grid is None:
        real[torch.arange(len(real)), run.readout_row] = False
    real = real[:, run.prefix :]
    for block in run.blocks:
        with record_attention() as calls:
            tokens = block(tokens)
        key = calls[0].key[..., run.prefix :, :].detach()
        count = real[:, None].to(key)
        mean = (key.square().sum(-1) * count).sum(-1) / count.sum(-1)
        logits = sharpness * key @ key.mT / mean[..., None, None]
        may = real[:, None, None]
        if run.grid is None:
            may = may & torch.ones(logits.shape[-2:], dtype=torch.bool).tril()
        parts.append(logits.masked_fill(~may, -torch.inf).softmax(-1).nan_to_num(0.0).mean(1))
    return torch.stack(parts).mean(0), real


@pytest.mark.parametrize("method", ["legrad", "chefercam", "raw_attention", "input_gradient"])
@pytest.mark.parametrize("kind", KINDS)
def test_smooth_maps_are_w_times_the_map_above_its_mean(kind: str, method: str) -> None:
    view, inputs, targets = VIEWS[kind]()
    if method == "input_gradient" and view.begin(inputs).grid is not None:
        with pytest.raises(BadInput, match="goes down to pixels"):
            relevance(view, inputs, targets, method, smooth=True)
        return
    plain = relevance(view, inputs, targets, method)
    w, real = likeness_written_out(view, inputs)
    spread = torch.einsum("bij,btj->bti", w, plain)
    mean = (spread * real[:, None]).sum(-1, keepdim=True) / real[:, None].sum(-1, keepdim=True)
    expected = (spread - mean).clamp(min=0) * real[:, None]
    assert relative_difference(relevance(view, inputs, targets, method, smooth=True), expected) < 1e-9


def test_more_targets_than_a_head_is_wide() -> None:
    view, inputs, _ = VIEWS["timm class token"]()
    likeness = record_key_likeness(view, inputs)
    many = torch.rand(2, 3 * likeness.keys[0].shape[-1] + 1, likeness.keys[0].shape[-2], dtype=torch.float64)
    alone = torch.cat([likeness.spread(many[:, i : i + 1]) for i in range(many.shape[1])], 1)
    torch.testing.assert_close(likeness.spread(many), alone)


def test_a_session_answers_smoothly() -> None:
    view, picture = whylight.load("scenes"), draw_scene(10**9 + 7).picture
    session = view.record(picture)
    smooth = session.explain("a red star", smooth=True)
    expected = whylight.explain(view, picture, "a red star", smooth=True)
    assert relative_difference(smooth.relevance, expected.relevance) < 1e-4
    assert smooth.options == {"smooth": True}


@pytest.mark.parametrize("model", ["scenes", "scenes-siglip"])
def test_a_session_keeps_its_keys(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    view = whylight.load(model)
    session = view.record(draw_scene(10**9 + 7).picture)
    before, first = session.nbytes, session.explain("a red star", smooth=True)
    assert session.nbytes > before
    monkeypatch.setattr(view, "begin", None)  # nothing of the picture runs again
    again = session.explain(["a blue ring", "a red star"], smooth=True, start_layer=0)
    assert relative_difference(again.relevance[1], first.relevance[0]) < 1e-4


def test_keyflow_is_smooth_already_and_a_graph_is_not_kept() -> None:
    view, inputs, targets = VIEWS["timm class token"]()
    assert "smooth" not in find_method("keyflow").options
    with pytest.raises(UnknownName, match="keyflow has no option 'smooth'"):
        relevance(view, inputs, targets, "keyflow", smooth=True)
    with pytest.raises(BadInput, match="leave create_graph out"):
        relevance(view, inputs, targets, "legrad", smooth=True, create_graph=True)

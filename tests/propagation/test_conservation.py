"""Conservative rules neither make nor lose relevance, block by block and sample by sample; the baseline's do."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from zoo.explained import VIEWS

from whylight.models.targets import as_targets
from whylight.passes.relevance_pass import RelevancePass
from whylight.propagation import BASELINE, CONSERVATIVE, Rules, conservative, rules

KINDS = ["timm class token", "timm mean", "timm map", "timm rotary", "openclip class token", "openclip coca"]
KINDS += ["openclip text", "transformers dinov2", "transformers siglip", "transformers bert"]


def sums(kind: str, rule_set: Rules) -> Tensor:
    """Sums over tokens, (places, targets, batch): of what the readout reads, then of what enters each block."""
    view, inputs, targets = VIEWS[kind]()
    run = view.begin(inputs)
    trace = RelevancePass(view, run, rule_set, run.tokens, first=0)
    start = trace.start(as_targets(view, targets, 2))
    return torch.stack([part.detach().sum((2, 3)) for part in trace.tokens_back(start)])


def drift(kind: str, rule_set: Rules) -> float:
    return (sums(kind, rule_set) - 1).abs().max().item()


@pytest.mark.parametrize("kind", KINDS)
def test_relevance_sums_to_one_at_every_block(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (rules, conservative):
        monkeypatch.setattr(module, "STABILIZER", 1e-13)
    assert drift(kind, CONSERVATIVE) < 1e-8


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_published_stabiliser_leaks(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    published = drift(kind, CONSERVATIVE)
    for module in (rules, conservative):
        monkeypatch.setattr(module, "STABILIZER", 1e-11)
    assert drift(kind, CONSERVATIVE) < published / 20


@pytest.mark.parametrize("kind", KINDS)
def test_the_baseline_makes_relevance(kind: str) -> None:
    before_readout, *_, before_first_block = sums(kind, BASELINE).abs()
    assert (before_readout > 1.5).all()  # a linear layer hands on all of R twice
    assert (before_first_block > 10).any()

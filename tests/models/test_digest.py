"""A model's digest changes with everything that its maps depend on, and with nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from small_views import classifier, dual_encoder
from zoo.text_classifier import text_classifier

from whylight.models.digest import model_digest


def last_value(view: Any) -> None:
    """The very last number of the largest tensor."""
    largest = max(view.module.parameters(), key=torch.Tensor.numel)
    with torch.no_grad():
        largest.view(-1)[-1] += 1e-3


def activation(view: Any) -> None:
    view.module.visual.transformer.resblocks[0].mlp.gelu = torch.nn.GELU(approximate="tanh")


def epsilon(view: Any) -> None:
    view.module.visual.ln_post.eps = 1e-3


def logit_scale(view: Any) -> None:
    with torch.no_grad():
        view.module.logit_scale += 0.5


def logit_bias(view: Any) -> None:
    view.module.logit_bias = torch.nn.Parameter(torch.tensor(-10.0))


def preprocessing(view: Any) -> None:
    view.preprocessing = replace(view.preprocessing, interpolation="bilinear")


def tokenizer(view: Any) -> None:
    view.tokenizer = lambda prompts: torch.zeros(len(prompts), 8, dtype=torch.long)


def precision(view: Any) -> None:
    view.module.to(torch.float64)


def unseen_buffer(view: Any) -> None:
    view.module.register_buffer("shift", torch.ones(1), persistent=False)


CHANGES = (
    last_value,
    activation,
    epsilon,
    logit_scale,
    logit_bias,
    preprocessing,
    tokenizer,
    precision,
    unseen_buffer,
)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_the_digest_changes_with(change: Callable[[Any], None]) -> None:
    view = dual_encoder()
    before = model_digest(view)
    assert before == model_digest(dual_encoder()), "the same model anew has the same digest"
    change(view)
    assert model_digest(view) != before


def test_every_byte_counts() -> None:
    view = classifier()
    before = model_digest(view)
    for parameter in view.module.parameters():
        with torch.no_grad():
            kept = parameter.view(-1)[-1].clone()
            parameter.view(-1)[-1] = torch.nextafter(kept, torch.tensor(torch.inf))
            assert model_digest(view) != before
            parameter.view(-1)[-1] = kept
    assert model_digest(view) == before


def test_models_of_words_have_one() -> None:
    assert model_digest(text_classifier()) == model_digest(text_classifier())

"""Log-odds and their gradient, written out, against autograd's of the formula."""

from __future__ import annotations

import pytest
import torch

from whylight.passes.log_odds import log_odds


@pytest.mark.parametrize("scale", [1.0, 30.0])  # 30: words that are all but certain, and all but excluded
def test_value_and_gradient_are_those_of_the_formula(scale: float) -> None:
    torch.manual_seed(0)
    logits = (scale * torch.randn(6, 50, dtype=torch.float64)).requires_grad_()
    ids = torch.cat([logits[:3].argmax(1), logits[3:].argmin(1)])[:, None]
    others = logits.scatter(1, ids, -torch.inf)
    expected = logits.gather(1, ids)[:, 0] - others.logsumexp(1)
    found = log_odds(logits, ids)
    weights = torch.randn(6, dtype=torch.float64)
    torch.testing.assert_close(found, expected, rtol=1e-13, atol=1e-12)
    for _ in range(2):  # a graph that is kept gives the same again
        (gradient,) = torch.autograd.grad(found, logits, weights, retain_graph=True)
        (written,) = torch.autograd.grad(expected, logits, weights, retain_graph=True)
        torch.testing.assert_close(gradient, written, rtol=1e-12, atol=1e-14)


def test_a_word_that_is_certain_keeps_its_gradient_in_float32() -> None:
    logits = torch.zeros(1, 4)
    logits[0, 1], logits[0, 2] = 40.0, 3.0
    logits.requires_grad_()
    score = log_odds(logits, torch.tensor([[1]]))
    (gradient,) = torch.autograd.grad(score.sum(), logits)
    shares = torch.tensor([1.0, 0.0, torch.e**3, 1.0]) / (2 + torch.e**3)
    torch.testing.assert_close(gradient[0], -shares + torch.tensor([0.0, 1.0, 0.0, 0.0]))


def test_logits_stay_as_they_were() -> None:
    logits = torch.randn(3, 5)
    before = logits.clone()
    log_odds(logits, torch.tensor([[0], [1], [2]]))
    assert torch.equal(logits, before)

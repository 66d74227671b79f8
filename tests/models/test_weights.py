"""A model's weights have a digest."""

from __future__ import annotations

import torch

from whylight.models.weights import model_digest


def test_the_digest_follows_the_weights():
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 3)
    before = model_digest(model)
    assert before == model_digest(model)
    with torch.no_grad():
        model.bias[2] += 1e-3
    assert model_digest(model) != before

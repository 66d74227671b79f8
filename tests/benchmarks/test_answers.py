"""The benchmark of answers: everything it times runs, and both roads to CheferCAM come to the same."""

from __future__ import annotations

import answers
import torch


def test_both_roads_agree() -> None:
    done = {name: call() for name, call in answers.calls("tiny", 60, 5).items()}
    ours = done[f"chefercam, {answers.ASKED} words"].detach()
    plain = done[f"plain eager chefercam, {answers.ASKED} words"]
    assert torch.allclose(ours, plain, rtol=1e-3, atol=1e-5 * float(plain.max()))
    assert done["legrad, all 5 words"].shape == done["tam, all 5 words"].shape == (5, 60)

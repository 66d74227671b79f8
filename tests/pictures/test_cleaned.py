"""Embeddings cleaned of others, by hand and against their definition."""

from __future__ import annotations

import pytest
import torch

import whylight
from whylight.errors import BadInput
from whylight.models.view import View
from whylight.pictures.cleaned import STEPS, cleaned
from whylight.scenes import draw_scene

PICTURE = draw_scene(10**9 + 3, 48).picture


def test_one_other_by_hand() -> None:
    found, left = cleaned(torch.tensor([[3.0, 4.0]]), torch.tensor([[0.0, 2.0]]))
    torch.testing.assert_close(found, torch.tensor([[1.0, 0.0]]))
    torch.testing.assert_close(left, torch.tensor([0.6], dtype=torch.float64))


def test_what_is_left_is_at_right_angles_to_all_others_however_many_name_them() -> None:
    torch.manual_seed(0)
    x, others = torch.randn(3, 40, dtype=torch.float64), torch.randn(5, 40, dtype=torch.float64)
    found, _ = cleaned(x, torch.cat([others, others[:2], others[:1] + 1e-9]))
    torch.testing.assert_close(found @ others.T, torch.zeros(3, 5, dtype=torch.float64), rtol=0, atol=1e-6)
    residual = x[0] / x[0].norm()
    fit = torch.linalg.lstsq(others.T, residual[:, None]).solution
    residual = residual - (others.T @ fit)[:, 0]
    torch.testing.assert_close(found[0], residual / residual.norm(), rtol=0, atol=1e-9)


def test_no_more_others_are_taken_than_the_paper_takes_and_those_that_say_most() -> None:
    others = torch.eye(12, dtype=torch.float64)
    x = torch.arange(12, 0, -1, dtype=torch.float64)[None]
    found, _ = cleaned(x, others)
    assert (found[0] == 0).tolist() == [True] * STEPS + [False] * (12 - STEPS)


def test_where_nothing_is_left_the_length_says_so() -> None:
    _, left = cleaned(torch.tensor([[1.0, 1.0, 0.0]]), torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]))
    assert float(left) < 1e-6


@pytest.fixture(scope="module")
def view() -> View:
    return whylight.load("scenes")


def test_every_prompt_method_explains_what_is_left(view: View) -> None:
    names = ["a ring", "a star"]
    alone = whylight.explain(view, PICTURE, names, without=["a heart"])
    assert alone.targets == ("a ring without a heart", "a star without a heart")
    embeddings, _ = cleaned(view.encode_text(names), view.encode_text(["a heart"]))
    for method in ("legrad", "chefercam", "gem"):
        known = whylight.explain(view, PICTURE, embeddings, method)
        for found in (
            whylight.explain(view, PICTURE, names, method, without=["a heart"]),
            view.record(PICTURE).explain(names, method, without="a heart"),
        ):
            torch.testing.assert_close(found.relevance, known.relevance, rtol=1e-4, atol=1e-6)
            assert found.scores == pytest.approx(known.scores, abs=1e-6)


@pytest.mark.parametrize(
    ("targets", "options", "said"),
    [
        (["a ring"], {"without": ["a ring"]}, "nothing is left of 'a ring'"),
        (["a ring"], {"without": [""]}, "empty"),
        (["a ring"], {"without": 3}, "without=3"),
        (["a ring"], {"without": ["a star"], "words": True}, "leave without= out"),
        (None, {"without": ["a star"]}, "name at least one"),
        (torch.ones(1, 128), {"without": ["a star"]}, "for prompts"),
    ],
    ids=str,
)
def test_what_cannot_be_cleaned_is_one_line(view: View, targets: object, options: dict[str, object], said: str) -> None:
    with pytest.raises(BadInput) as refused:
        whylight.explain(view, PICTURE, targets, **options)  # type: ignore[arg-type]
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)

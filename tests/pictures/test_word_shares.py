"""What words add: the definition, the sum, sessions, methods that look at all prompts at once."""

from __future__ import annotations

import io
import json
from itertools import permutations
from typing import Any

import numpy as np
import pytest
import torch
from small_views import classifier, dual_encoder
from torch import Tensor

import whylight
from whylight.errors import BadInput
from whylight.models.view import View
from whylight.pictures.explanation import Explanation
from whylight.scenes import draw_scene

PICTURE = draw_scene(10**9 + 3, 48).picture
PROMPTS = ["a red ring", "(a star) and (a heart)"]


def in_double(view: View) -> View:
    view.module.double()
    return view


def map_of(view: View, text: str, method: str, options: dict[str, Any], others: Tensor | None = None) -> Tensor:
    """The map of a text, the empty one too, asked by its embedding; beside others where there are some."""
    embedding = view.encode_text([text])
    asked = embedding if others is None else torch.cat([embedding, others])
    return whylight.explain(view, PICTURE, asked, method, **options).relevance[0]


def by_orders(view: View, parts: list[str], **how: Any) -> Tensor:
    """Shapley values as the mean over all orders."""
    known: dict[str, Tensor] = {}
    total: list[Any] = [0] * len(parts)
    orders = list(permutations(range(len(parts))))
    for order in orders:
        for place, player in enumerate(order):
            texts = [" ".join(parts[p] for p in sorted(order[:stop])) for stop in (place, place + 1)]
            for text in texts:
                known[text] = known[text] if text in known else map_of(view, text, **how)
            total[player] = total[player] + known[texts[1]] - known[texts[0]]
    return torch.stack(total) / len(orders)


@pytest.mark.parametrize(
    ("method", "options"),
    [("legrad", {}), ("legrad", {"smooth": True}), ("chefercam", {"libra": True}), ("keyflow", {}), ("gem", {})],
    ids=str,
)
def test_words_are_shapley_values_and_sum_to_the_whole_map(method: str, options: dict[str, Any]) -> None:
    view = in_double(dual_encoder())
    result = whylight.explain(view, PICTURE, PROMPTS, method, words=True, **options)
    assert result.targets == ("a red ring", "a star and a heart")
    for number, shares in enumerate(result.words):
        total = shares.relevance.sum(0) + shares.no_word
        torch.testing.assert_close(total, result.relevance[number].double(), rtol=0, atol=1e-10)
        assert sum(shares.scores) + shares.score_of_no_word == pytest.approx(result.scores[number], abs=1e-10)
        known = by_orders(view, [word.text for word in shares.words], method=method, options=options)
        torch.testing.assert_close(shares.relevance, known.double(), rtol=0, atol=1e-10)
    recorded = view.record(PICTURE).explain(PROMPTS, method, words=True, **options)
    for one, other in zip(recorded.words, result.words, strict=True):
        torch.testing.assert_close(one.relevance, other.relevance, rtol=0, atol=1e-10)
        assert one.scores == pytest.approx(other.scores, abs=1e-10)


@pytest.mark.parametrize(("method", "options"), [("clip_surgery", {}), ("decomposition", {"contrast": "targets"})])
def test_methods_that_look_at_all_prompts_are_asked_in_the_same_company(method: str, options: dict[str, Any]) -> None:
    view = in_double(dual_encoder())
    result = whylight.explain(view, PICTURE, ["a ring", "a red star"], method, words=True, **options)
    for number, shares in enumerate(result.words):
        total = shares.relevance.sum(0) + shares.no_word
        torch.testing.assert_close(total, result.relevance[number].double(), rtol=0, atol=1e-10)
    others = view.encode_text(["a red star"])
    known = by_orders(view, ["a", "ring"], method=method, options=options, others=others)
    torch.testing.assert_close(result.words[0].relevance, known.double(), rtol=0, atol=1e-10)


@pytest.mark.parametrize("method", ["legrad", "input_gradient"])
def test_a_long_prompt_is_sampled_and_still_sums(method: str) -> None:
    view = in_double(dual_encoder())
    long = "a ring and a star and a heart and a cross and a square"
    result = whylight.explain(view, PICTURE, long, method, words=True, words_seed=2)
    (shares,) = result.words
    assert len(shares) == 14
    assert shares.relevance_error is not None
    assert shares.score_errors is not None
    assert min(shares.score_errors) > 0
    total = shares.relevance.sum(0) + shares.no_word
    torch.testing.assert_close(total, result.relevance[0].double(), rtol=0, atol=1e-10)
    assert shares.relevance.shape[1:] == result.grid


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_other_shapes_and_precisions(precision: torch.dtype) -> None:
    view = dual_encoder()
    view.module.to(precision)
    result = whylight.explain(view, draw_scene(3, 96).picture[:64], "a red ring", words=True, size=(32, 48))
    (shares,) = result.words
    assert shares.relevance.shape == (3, 4, 6)
    near = float(result.relevance.abs().max()) * (1e-4 if precision == torch.float32 else 0.1)
    total = shares.relevance.sum(0) + shares.no_word
    torch.testing.assert_close(total, result.relevance[0].double(), rtol=0, atol=near)


def saved(result: Explanation, form: str) -> Any:
    data = result.to_bytes(form)
    return json.loads(data) if form == "json" else np.load(io.BytesIO(data))


def test_files_hold_the_words() -> None:
    result = whylight.explain(dual_encoder(), PICTURE, PROMPTS, words=True)
    target = saved(result, "json")["targets"][1]
    assert [word["text"] for word in target["words"]] == ["a star", "and", "a heart"]
    first = target["words"][0]
    assert result.targets[1][first["start"] : first["end"]] == "a star"
    assert np.array(first["relevance"]) == pytest.approx(result.words[1].relevance[0].numpy())
    assert target["no_word"]["score"] == pytest.approx(result.words[1].score_of_no_word)
    arrays = saved(result, "npz")
    assert arrays["words_1"].tolist() == ["a star", "and", "a heart"]
    assert arrays["words_relevance_1"] == pytest.approx(result.words[1].relevance.numpy())
    assert arrays["no_word_relevance_0"].shape == result.grid
    plain = whylight.explain(dual_encoder(), PICTURE, PROMPTS)
    assert not plain.words
    assert "words" not in saved(plain, "json")["targets"][0]


def test_the_figure_says_every_word_with_its_part() -> None:
    result = whylight.explain(dual_encoder(), PICTURE, PROMPTS, words=True)
    figure = result.figure()
    texts = [text.get_text() for text in figure.texts] + [t.get_text() for a in figure.axes for t in a.texts]
    for shares in result.words:
        assert [word.text for word in shares.words if word.text not in texts] == []
        below = {text.split(" · ")[0] for text in texts if text.endswith("% of map")}
        assert {f"{part:+.3f}" for part in shares.scores} <= below
    sizes = [text.get_fontsize() for text in figure.texts] + [t.get_fontsize() for a in figure.axes for t in a.texts]
    assert min(sizes) >= 8


@pytest.mark.parametrize(
    ("build", "targets", "options", "said"),
    [
        (classifier, ["tabby"], {"words": True}, "is a classifier"),
        (classifier, None, {"words": True}, "is a classifier"),
        (dual_encoder, torch.ones(1, 16), {"words": True}, "for prompts"),
        (dual_encoder, None, {"words": True}, "name at least one"),
        (dual_encoder, [""], {"words": True}, "empty"),
        (dual_encoder, ["(a ring"], {"words": True}, "parentheses"),
        (dual_encoder, ["a ring"], {"words": "yes"}, "True or False"),
        (dual_encoder, ["a ring"], {"words": True, "words_seed": 0.5}, "whole number"),
        (dual_encoder, ["a ring"], {"words": True, "create_graph": True, "smooth": True}, "create_graph"),
    ],
)
def test_bad_questions_are_one_line(build: Any, targets: Any, options: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput) as refused:
        whylight.explain(build(), PICTURE, targets, **options)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)

"""The perturbation test on one picture and one text, against pictures and texts erased by hand."""

from __future__ import annotations

import pytest
import torch
from small_views import classifier, dual_encoder

from whylight.errors import BadInput
from whylight.evaluation.erasing import scores_when_erased, text_scores, words_erased
from whylight.pictures.prompts_and_classes import name_targets
from whylight.scenes import draw_scene

PICTURE = draw_scene(10**9 + 3, 48).picture


@pytest.mark.parametrize("build", [dual_encoder, classifier])
def test_the_highest_patches_go_first(build) -> None:  # type: ignore[no-untyped-def]
    view = build()
    look = view.record(PICTURE).look
    target = name_targets(view, [1] if view.classifies else ["a red star"])
    grid = torch.zeros(4, 4)
    grid[1, 2], grid[3, 0] = 2, 1
    found = scores_when_erased(look, torch.stack([grid, -grid]), target, 0.125)
    by_hand = look.pixels.clone()
    black = -torch.tensor(view.preprocessing.mean) / torch.tensor(view.preprocessing.std)
    by_hand[:, :, 8:16, 16:24] = by_hand[:, :, 24:32, 0:8] = black[:, None, None]
    with torch.no_grad():
        output = view.output(by_hand)[0]
    expected = output.softmax(-1)[1] if view.classifies else torch.cosine_similarity(output, target.values[0], dim=0)
    assert float(found[0]) == pytest.approx(float(expected), abs=1e-6)
    assert float(found[1]) != pytest.approx(float(expected), abs=1e-6)
    clean = scores_when_erased(look, grid[None], target, 0)
    assert float(clean[0]) == pytest.approx(view.record(PICTURE).explain(target).scores[0], abs=1e-6)
    with pytest.raises(BadInput, match="between 0 and 1"):
        scores_when_erased(look, grid[None], target, 1.5)


def test_words_go_and_one_stays() -> None:
    text, relevance = "a red star, on snow", [0.1, 0.9, 0.8, 0.0, 0.2, 0.3]
    assert words_erased(text, relevance, 0) == text
    assert words_erased(text, relevance, 0.34) == "a , on snow"
    assert words_erased(text, relevance, 1) == ","
    with pytest.raises(BadInput, match="6 words, and 1"):
        words_erased(text, [1.0], 0.5)


def test_scores_of_texts_are_those_of_the_text_tower() -> None:
    view = dual_encoder()
    session = view.record(PICTURE)
    scores = text_scores(view, ["a red star", "a red"], name_targets(view.text, session.output))
    assert scores.tolist() == pytest.approx(session.explain(["a red star", "a red"]).scores, abs=1e-5)

"""Questions asked together get the answers that they get alone."""

from __future__ import annotations

import pytest
import torch
from zoo.answering_models import MADE, QUESTION, TEXT, VOCABULARY, WORDS, answering_model, rough_picture

import whylight
from whylight.answers import Answer


def same(one: Answer, other: Answer) -> None:
    assert (one.text, one.words, one.free, one.cut) == (other.text, other.words, other.free, other.cut)
    assert torch.equal(one.relevance, other.relevance)
    assert torch.equal(one.text_relevance.nan_to_num(-1), other.text_relevance.nan_to_num(-1))


@pytest.mark.parametrize("family", MADE)
def test_together_is_alone(family: str) -> None:
    """Pictures of three shapes, so that some are cut into more tiles than others, and questions of two lengths."""
    model, processor, prompt = answering_model(family)
    view = whylight.wrap(model, processor=processor)
    words = {VOCABULARY[word] for word in WORDS} | {VOCABULARY["</s>"]}
    model.generation_config.suppress_tokens = [i for i in range(TEXT["vocab_size"]) if i not in words]
    asked = [
        (rough_picture(80, 120), prompt.format(QUESTION)),
        (rough_picture(120, 60, 1), prompt.format("where ?")),
        (rough_picture(56, 56, 2), prompt.format("what is the small square ?")),
    ]
    together = whylight.ask_each(view, asked, batch=2, longest=4)
    for answer, (picture, question) in zip(together, asked, strict=True):
        same(answer, whylight.ask(view, picture, question, longest=4))
        assert answer.cut or len(answer.words) < 4


def test_the_bundled_model_answers_several() -> None:
    from whylight.scenes import draw_scene

    asked = [(draw_scene(1000000043).picture, text) for text in ("What colour is the ring?", "Describe the picture.")]
    together = whylight.ask_each("scenes-answers", asked, method="raw_attention")
    assert together[0].text == "red"
    for answer, (picture, question) in zip(together, asked, strict=True):
        same(answer, whylight.ask("scenes-answers", picture, question, method="raw_attention"))
    assert whylight.ask_each("scenes-answers", []) == []
    with pytest.raises(whylight.WhylightError, match="batch must be at least 1"):
        whylight.ask_each("scenes-answers", asked, batch=0)
    with pytest.raises(whylight.WhylightError, match="takes 512 tokens"):
        whylight.ask_each("scenes-answers", asked, longest=500)

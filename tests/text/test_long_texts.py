"""A text of any length costs what its beginning does: what follows is not tokenised, and counts as not read."""

from __future__ import annotations

import warnings

import open_clip
import pytest
import torch
from torch import Tensor

import whylight
from whylight.models.openclip.view import OpenClipView

VISION = {"image_size": 32, "patch_size": 8, "width": 32, "head_width": 8, "layers": 2}
TEXT = {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1}


class Counting:
    """OpenCLIP's tokenizer, and how many characters it was given."""

    def __init__(self) -> None:
        self.inner = open_clip.SimpleTokenizer(context_length=77)
        self.characters = 0

    def __call__(self, texts: list[str]) -> Tensor:
        self.characters += sum(map(len, texts))
        ids: Tensor = self.inner(texts)
        return ids


def dual_encoder() -> tuple[OpenClipView, Counting]:
    torch.manual_seed(0)
    counting = Counting()
    view = whylight.wrap(open_clip.CLIP(16, VISION, TEXT).eval(), tokenizer=counting)
    assert isinstance(view, OpenClipView)
    return view, counting


@pytest.mark.parametrize("unit", ["a red star ", "word" * 30_000, "星" * 40 + " ", "-"])
def test_a_long_text_costs_what_its_beginning_does(unit: str) -> None:
    view, counting = dual_encoder()
    picture = torch.ones(1, 16)
    text = (unit * 20_000)[:100_000]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        long = whylight.explain_text(view, text, picture)
        assert counting.characters < 2_000_000  # a prefix for each word would be 10^9
        short = whylight.explain_text(view, text[:2_000], picture)
    assert long.logits == short.logits
    assert torch.equal(long.relevance, short.relevance)
    shared = min(30, len(short.words))
    assert torch.allclose(long.word_relevance[:, :shared], short.word_relevance[:, :shared], equal_nan=True)
    if len(long.words) > 100:
        assert long.unread == len(long.words) - int((~long.word_relevance[0].isnan()).sum())
        assert long.unread > 0

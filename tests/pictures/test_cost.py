"""Sizes that take long are said, those that take too long refused until they are asked for."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch
from PIL import Image
from small_views import classifier

import whylight
from whylight.errors import BadInput, WhylightWarning
from whylight.pictures import cost
from whylight.pictures.read import read_picture

WIDE = Image.new("RGB", (3000, 20))


def test_a_strip_of_a_picture_is_refused_with_what_it_would_take() -> None:
    with pytest.raises(
        BadInput, match=r"^96 x 14400 pixels are 21,600 tokens, more than 16,384 \(about \d+\.\d GB and"
    ):
        whylight.explain(classifier(), WIDE, 0, size=96)


def test_what_is_asked_for_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "MOST_TOKENS", 30)
    monkeypatch.setattr(cost, "SAID", 20)
    picture = Image.new("RGB", (64, 32))
    with pytest.raises(BadInput, match="32 x 64 pixels are 32 tokens, more than 30"):
        whylight.explain(classifier(), picture, 0, size=32)
    with pytest.warns(WhylightWarning, match="32 tokens: about"):
        assert whylight.explain(classifier(), picture, 0, size=32, large=True).grid == (4, 8)
    with pytest.warns(WhylightWarning, match="32 tokens: about"):
        assert whylight.record(classifier(), picture, size=32, large=True).explain(0).grid == (4, 8)
    with pytest.warns(WhylightWarning, match="28 tokens: about"):
        whylight.explain(classifier(), picture, 0, size=(32, 56))
    with warnings.catch_warnings():
        warnings.simplefilter("error", WhylightWarning)
        whylight.explain(classifier(), picture, 0, size=(40, 32))


def test_sessions_take_what_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "MOST_TOKENS", 30)
    monkeypatch.setattr(cost, "SAID", 30)
    sessions = whylight.Sessions(classifier(), 2**30)
    with pytest.raises(BadInput, match="32 x 64 pixels are 32 tokens, more than 30"):
        sessions.record(Image.new("RGB", (64, 32)), size=32)
    with pytest.warns(WhylightWarning, match="32 tokens: about"):
        session = sessions.record(Image.new("RGB", (64, 32)), size=32, large=True)
    assert session.explain(0).grid == (4, 8)


def test_a_large_jpeg_is_decoded_at_a_fraction_where_that_is_enough(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    torch.manual_seed(0)
    Image.new("RGB", (1600, 1200), "green").save(path)
    assert read_picture(path).size == (1600, 1200)
    assert read_picture(path, enough=300).size == (400, 300)
    assert read_picture(path, enough=301).size == (800, 600)

"""Prompts and texts of any characters: of every script and none, halves of characters, markup, far too long.

Wrong is: a cosine that is not the model's own, by OpenCLIP's own functions; a map that depends on the other prompts
beside it; a number that is not finite; text that comes out of JSON as another, or into a page as markup; words that
are not where they are said to be.
"""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from random import Random
from typing import Any

import torch
from hypothesis import strategies as st
from PIL import Image

import whylight
from fuzzing.drawn import drawn, json_like, texts
from fuzzing.names import UNSEEN
from fuzzing.trial import Attempt, check
from whylight.scenes import draw_scene

_WORDS = ("a red star", "ring", "striped", "<script>alert(1)</script>", "[bold]x[/bold]", "\x1b[31m", "नमस्ते", "ภาษาไทย")
_MORE = (
    "日本語",
    "e\u0301\u0301",
    "👩‍👩‍👧",
    "\u202eabc",
    "\ud800",
    "\0",
    "&amp;",
    "' onload='x",
    "$\\frac{1}{2}$",
    "{}",
    "%s",
)
_PROMPTS = st.lists(st.one_of(st.sampled_from(_WORDS + _MORE), texts), min_size=1, max_size=4).map(" ".join)
_CLOSE = 1e-4


def prepare(folder: Path) -> Attempt:
    view = whylight.load("scenes")
    picture = Image.fromarray(draw_scene(10**9, 96).picture)
    pixels = view.preprocessing(picture)[0][None]  # type: ignore[misc]
    known = _Page(whylight.explain_text(view, "a red star, an unknown word; " * 40, picture).html())

    def attempt(random: Random, here: Path) -> str | None:
        prompt = drawn(_PROMPTS, random)
        if random.random() < 0.05:
            prompt = prompt * random.choice([100, 2_000])
        kind = random.random()
        if kind < 0.15:
            return _mad(view, picture, drawn(json_like, random))
        if kind < 0.5:
            return _words(view, prompt, picture, known)
        found = whylight.explain(view, picture, [prompt, "a red star"])
        alone = whylight.explain(view, picture, prompt)
        scale = float(found.relevance.abs().max()) + 1e-12
        close = float((found.relevance[0] - alone.relevance[0]).abs().max()) <= _CLOSE * scale
        check(close, "a prompt's map depends on the other prompt")
        check(bool(torch.isfinite(found.relevance).all()), "relevance is not finite")
        own = _cosine(view, pixels, prompt)
        check(abs(found.scores[0] - own) < _CLOSE, f"the cosine is {found.scores[0]}, and OpenCLIP's {own}")
        told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
        check(told["targets"][0]["name"] == prompt, "the prompt comes out of JSON as another")
        if random.random() < 0.1:
            path = found.save(here / "x.png")
            with Image.open(path) as figure:
                figure.load()
        return None

    return attempt


def _mad(view: whylight.View, picture: Image.Image, value: Any) -> str | None:
    """Whatever JSON can hold, as targets."""
    found = whylight.explain(view, picture, value)
    check(bool(torch.isfinite(found.relevance).all()), f"{value!r} was explained, by what is not finite")
    check(all(isinstance(name, str) for name in found.targets), f"{value!r} was explained")
    return None


def _cosine(view: Any, pixels: torch.Tensor, prompt: str) -> float:
    """By OpenCLIP's own functions."""
    with torch.no_grad():
        image = view.model.encode_image(pixels, normalize=True)
        text = view.model.encode_text(view.tokenizer([prompt]), normalize=True)
    return float(image @ text.T)


class _Page(HTMLParser):
    """What a browser makes of a page: its tags and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def _words(view: whylight.View, text: str, picture: Image.Image, known: _Page) -> str | None:
    found = whylight.explain_text(view, text, picture)
    for word in found.words:
        check(text[word.start : word.end] == word.text, f"{word.text!r} is not where it is said to be")
    ends = [0, *(end for word in found.words for end in (word.start, word.end)), len(text)]
    check(ends == sorted(ends), "words overlap")
    between = "".join(text[a:b] for a, b in zip(ends[::2], ends[1::2], strict=True))
    check(not any(letter.isalnum() for letter in between), f"letters belong to no word: {between!r}")
    read = found.word_relevance[~found.word_relevance.isnan()]
    check(bool(read.isfinite().all()), "relevance of a word is not finite")
    told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    check(told["text"] == text, "the text comes out of JSON as another")
    html = found.html()
    page = _Page(html)
    check(page.tags <= known.tags, f"tags of the text are tags of the page: {page.tags - known.tags}")
    check(page.attributes <= known.attributes, f"the text brings attributes: {page.attributes - known.attributes}")
    check(not UNSEEN.search(html.replace("\n", "")), "a control character is in the page")
    return None

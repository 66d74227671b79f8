"""What a user holds of an answer: its words, and where each of them comes from."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image
from torch import Tensor

from whylight.answers.geometry import fitted, picture_maps
from whylight.answers.shown import ShownAnswer, ShownWord
from whylight.attention.min_max import min_max
from whylight.errors import BadInput
from whylight.models.picture_grid import Grid
from whylight.models.words import Span
from whylight.pictures.plain import plain_number
from whylight.runs.files import made_as, save_as

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LONGEST_SHOWN = 640
"""Pixels on the longer side of pictures in figures and pages."""
FOLLOWS = 0.5
"""A word that the picture makes less than so much likelier (natural logarithm) follows from the text."""


@dataclass(frozen=True)
class Answer:
    """An answer of a model, word by word.

    Attributes:
        question: as it was asked.
        text: the whole answer.
        words: what was explained: every word of the answer, or the words and phrases that were asked for.
        spans: where each of them stands in the text, first and last character (exclusive).
        pictures: upright, RGB; none for a question about text alone.
        grids: for each picture where the tokens that show it lie on it.
        relevance: (words, tokens) float32, of every token of the sequence, as the maps show it.
        context: the words that the model had read: of the prompt, then of the answer.
        asked: how many of them are the prompt's.
        text_relevance: (words, context); NaN where a word stands behind the explained one.
        picture_share: (words,) share of the positive relevance that lies on the picture's tokens, in [0, 1].
        probabilities: (words,) of each word given all before it; of several tokens the product.
        from_picture: (words,) log p(word | picture) - log p(word | picture blurred away); NaN without a picture.
        rather_than: the other word, where the difference to it was explained.
        free: the model said it by itself; False where the answer was given to it.
        cut: it was cut for length.
        model, method, options, versions: how this came about.
    """

    question: str
    text: str
    words: tuple[str, ...]
    spans: tuple[Span, ...]
    pictures: tuple[Image.Image, ...]
    grids: tuple[tuple[Grid, ...], ...]
    relevance: Tensor
    context: tuple[str, ...]
    asked: int
    text_relevance: Tensor
    picture_share: Tensor
    probabilities: Tensor
    from_picture: Tensor
    rather_than: str | None
    free: bool
    cut: bool
    model: str
    method: str
    options: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Answer({self.text!r}, {len(self.words)} words, {self.method}, {self.model})"

    @property
    def picture(self) -> Image.Image | None:
        """The only picture, or the first."""
        return self.pictures[0] if self.pictures else None

    @property
    def maps(self) -> Tensor:
        """(words, H, W) float32 in [0, 1], each map on its own scale, in the first picture's geometry.

        Raises:
            BadInput: there is no picture.
        """
        return self.maps_of(0)

    def maps_of(self, picture: int, longest: int | None = None) -> Tensor:
        """The same for any of the pictures, with at most so many pixels on the longer side."""
        if not self.pictures:
            raise BadInput("the question was asked without a picture: there are no maps, see text_relevance")
        raw = self.density(picture, longest)
        return min_max(raw.flatten(1)).view_as(raw)

    def density(self, picture: int = 0, longest: int | None = None) -> Tensor:
        """Relevance as a density on a picture, unscaled, (words, H, W) float32; ``longest`` as for :meth:`maps_of`."""
        width, height = fitted(self.pictures[picture].size, longest)
        return picture_maps(self.relevance, self.grids[picture], (height, width))

    def follows(self, word: int) -> bool:
        """Whether a word follows from the text: the picture makes it hardly any likelier."""
        value = float(self.from_picture[word])
        return not math.isnan(value) and value < FOLLOWS

    def index(self, word: str) -> int:
        """Where a word stands among the explained ones.

        Raises:
            BadInput: it was not explained.
        """
        for place, said in enumerate(self.words):
            if said.lower() == word.lower():
                return place
        raise BadInput(f"{word!r} is none of the explained words: {', '.join(self.words)}")

    def told(self, word: int) -> str:
        """How likely a word is, and what it owes to the picture, in a few words."""
        parts = [f"p {float(self.probabilities[word]):.2f}"]
        share = float(self.picture_share[word])
        if not math.isnan(share) and self.pictures:
            parts.append(f"picture {share:.0%}")
        if self.follows(word):
            parts.append("follows from the text")
        return ", ".join(parts)

    def shown(self) -> ShownAnswer:
        """What figures and pages draw of it."""
        maps = [self.maps_of(picture, LONGEST_SHOWN) for picture in range(len(self.pictures))]
        words = (
            ShownWord(word, self.told(i), self.follows(i), tuple(m[i] for m in maps), self.text_relevance[i])
            for i, word in enumerate(self.words)
        )
        return ShownAnswer(
            question=self.question,
            text=self.text + (" ..." if self.cut else ""),
            about=f"{self.model}, {self.method}",
            rather_than=self.rather_than,
            pictures=tuple(_shrunk(picture) for picture in self.pictures),
            context=self.context,
            words=tuple(words),
        )

    def figure(self, *, alpha: float = 0.85, colormap: str = "inferno") -> Figure:
        """The sentence, and a map for each content word; of several pictures the first is drawn.

        Raises:
            BadInput: it was asked without a picture, or alpha is out of range.
            UnknownName: no such colour map.
        """
        from whylight.answers.figure import answer_figure

        return answer_figure(self.shown(), alpha=alpha, colormap=colormap)

    def html(self) -> str:
        """One self-contained page: the sentence; hover, tap or walk to a word, and see its map."""
        from whylight.answers.html import page

        return page(self.shown())

    def _repr_html_(self) -> str:
        from whylight.answers.html import card

        return card(self.shown())

    def to_dict(self) -> dict[str, Any]:
        """All but pictures and maps, for JSON."""
        return {
            "question": self.question,
            "answer": self.text,
            "model": self.model,
            "method": self.method,
            "options": dict(self.options),
            "versions": dict(self.versions),
            "free": self.free,
            "cut": self.cut,
            "rather_than": self.rather_than,
            "context": list(self.context),
            "asked": self.asked,
            "words": [
                {
                    "word": word,
                    "probability": float(self.probabilities[i]),
                    "picture_share": plain_number(float(self.picture_share[i])),
                    "from_picture": plain_number(float(self.from_picture[i])),
                    "follows": self.follows(i),
                    "text_relevance": [plain_number(value) for value in self.text_relevance[i].tolist()],
                }
                for i, word in enumerate(self.words)
            ],
        }

    def save(self, path: str | Path) -> Path:
        """Write it: ``.html`` (one self-contained page), ``.png`` (the figure), ``.json``, or ``.safetensors`` (maps).

        Folders on the way are made; a file of that name is replaced.

        Raises:
            BadInput: another ending, or a place that cannot be written to.
        """
        return save_as(path, self._forms, "answers")

    def to_bytes(self, form: str) -> bytes:
        """What :meth:`save` writes: "html", "png", "json" or "safetensors".

        Raises:
            BadInput: another form.
        """
        return made_as(form, self._forms, "answers")

    @property
    def _forms(self) -> dict[str, Callable[[], bytes]]:
        return {"html": self._html, "png": self._png, "json": self._json, "safetensors": self._tensors}

    def _html(self) -> bytes:
        return self.html().encode()

    def _png(self) -> bytes:
        from whylight.pictures.figure import png

        return png(self.figure())

    def _json(self) -> bytes:
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=1).encode()

    def _tensors(self) -> bytes:
        from safetensors.torch import save

        tensors = {f"maps.{i}": self.density(i).contiguous() for i in range(len(self.pictures))}
        tensors |= {"text_relevance": self.text_relevance, "picture_share": self.picture_share}
        return bytes(save(tensors))


def _shrunk(picture: Image.Image) -> Image.Image:
    size = fitted(picture.size, LONGEST_SHOWN)
    return picture if size == picture.size else picture.resize(size, reducing_gap=2.0)

"""What a user holds of an explained text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from whylight.errors import BadInput
from whylight.models.scores import ScoreName, said_score
from whylight.models.words import Span, Word
from whylight.pictures.word_colors import ColoredText, colored_words
from whylight.runs.files import save_as
from whylight.text.html import body, page
from whylight.text.sentences import BETWEEN

if TYPE_CHECKING:
    from rich.console import RenderableType


@dataclass(frozen=True)
class TextExplanation:
    """Which words of a text a model rested on.

    Attributes:
        text: the text; of a pair both sentences, with a line break between them.
        targets: names of what was explained: classes, or pictures and embeddings.
        scores: for each target the probability among all classes, or the cosine with the picture (dual encoders).
        logits: for each target the model's own logit; a dual encoder's scale and bias included.
        score_name: "probability" or "cosine"; or "value" (functions of one's own), "difference" (of logits).
        offsets: (start, end) of every token in characters of the text, (0, 0) for special tokens and padding.
        relevance: (targets, tokens) raw relevance.
        words: the words of the text.
        word_relevance: (targets, words), NaN where the model did not read so far.
        model, method, options, versions: how this came about.
        second: where in ``text`` the second sentence of a pair begins; None for a single text.
    """

    text: str
    targets: tuple[str, ...]
    scores: tuple[float, ...]
    logits: tuple[float, ...]
    score_name: ScoreName
    offsets: list[Span]
    relevance: Tensor
    words: list[Word]
    word_relevance: Tensor
    model: str
    method: str
    options: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    second: int | None = None

    def said(self, target: int) -> str:
        """A target's score in words."""
        if self.score_name == "cosine":
            return f"cosine {self.scores[target]:.3f}"
        return said_score(self.score_name, self.scores[target], self.logits[target])

    @property
    def pair(self) -> tuple[str, str] | None:
        """Both sentences of a pair."""
        return None if self.second is None else (self.text[: self.second - len(BETWEEN)], self.text[self.second :])

    @property
    def signed(self) -> bool:
        """Whether some words speak against a target."""
        return bool((self.word_relevance.nan_to_num() < 0).any())

    @property
    def unread(self) -> int:
        """How many words at the end of the text, or of the sentences of a pair, the model did not read."""
        return int(self.word_relevance[0].isnan().sum())

    @property
    def note(self) -> str | None:
        """What a reader must know of a text that was too long."""
        if not self.unread:
            return None
        hint = "" if self.score_name == "cosine" else ": windows=True reads a long text in pieces"
        if self.second is not None:
            return f"the model did not read {self.unread} words of the pair, of which the longer is cut{hint}"
        side = "first" if bool(self.word_relevance[0, :1].isnan().any()) else "last"
        return f"the model did not read the {side} {self.unread} words{hint}"

    def top(self, target: int = 0, count: int = 10) -> list[tuple[Word, float]]:
        """The words that speak most for a target, strongest first.

        Raises:
            BadInput: there is no such target.
        """
        if not -len(self.targets) <= target < len(self.targets):
            raise BadInput(f"there is no target {target}: there are {len(self.targets)}, counted from 0")
        values = self.word_relevance[target].nan_to_num(-float("inf"))
        order = values.argsort(descending=True)[:count].tolist()
        return [(self.words[i], float(values[i])) for i in order if values[i] > -float("inf")]

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain numbers and strings, ready for JSON; words that were not read have null."""
        return {
            "text": self.text,
            "pair": None if self.pair is None else list(self.pair),
            "model": self.model,
            "method": self.method,
            "options": {name: repr(value) for name, value in self.options.items()},
            "versions": dict(self.versions),
            "note": self.note,
            "unread_words": self.unread,
            "words": [self._told(word) for word in self.words],
            "tokens": [{"start": start, "end": end} for start, end in self.offsets],
            "targets": [
                {
                    "name": name,
                    self.score_name: self.scores[row],
                    "logit": self.logits[row],
                    "words": [None if value != value else value for value in self.word_relevance[row].tolist()],
                    "tokens": self.relevance[row].tolist(),
                }
                for row, name in enumerate(self.targets)
            ],
        }

    def _told(self, word: Word) -> dict[str, Any]:
        """A word, its place in the text, and of a pair which sentence it stands in."""
        told = {"text": word.text, "start": word.start, "end": word.end}
        return told if self.second is None else told | {"sentence": 1 + (word.start >= self.second)}

    def save(self, path: str | Path) -> Path:
        """Write it: ``.html`` (one self-contained page) or ``.json``.

        Folders on the way are made; a file of that name is replaced.

        Raises:
            BadInput: another ending, or a place that cannot be written to.
        """
        return save_as(path, {"html": self.html, "json": self._json}, "explanations of text")

    def _json(self) -> str:
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=1)

    def colored(self) -> list[ColoredText]:
        """The text once per target, its words on the colours of their relevance."""
        return [
            ColoredText(
                name, self.said(row), self.text, colored_words(self.words, self.word_relevance[row]), self.second
            )
            for row, name in enumerate(self.targets)
        ]

    @property
    def _about(self) -> str:
        scale = "red speaks for it, blue against it" if self.signed else "darker words weigh more"
        return f"{self.model}, {self.method}; {scale}, relative to the strongest word"

    def html(self) -> str:
        """One self-contained page: the coloured text, once per target."""
        return page(f"{', '.join(self.targets)}: {self.method}", self.colored(), self._about, self.note)

    def _repr_html_(self) -> str:
        return body(self.colored(), self._about, self.note)

    def __rich__(self) -> RenderableType:
        from whylight.text.terminal import in_terminal

        return in_terminal(self.colored(), self.note)

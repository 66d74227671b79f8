"""What a user holds of an explained picture."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from torch import Tensor

from whylight.errors import BadInput
from whylight.models.preprocessing import Frame
from whylight.models.scores import ScoreName, said_score
from whylight.pictures.plain import plain_number, plain_numbers, plain_value
from whylight.pictures.scaled_maps import are_flat, scaled_maps
from whylight.pictures.word_shares import WordShares, arrays_of
from whylight.runs.files import made_as, save_as

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from whylight.pictures.card import ShownMap


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
    """Why a model said what it said about a picture.

    Attributes:
        relevance: (targets, rows, columns), raw and unnormalised, on the CPU. Rows and columns of patches; of input
            pixels for methods that go down to pixels.
        targets: the prompts, names of classes, or names of embeddings.
        scores: for each target the cosine (dual encoders), the probability among all classes, or its own value.
        logits: for each target the model's own logit; a dual encoder's scale and bias included.
        score_name: "cosine", "probability", "value" (regression, functions of one's own), or "difference" (of logits).
        picture: what was explained, upright, RGB.
        frame: which part of the picture the model saw.
        model: name of the model.
        method: name of the method.
        options: what was asked of the method beyond its defaults.
        input_size: (height, width) of the model's input in pixels.
        seconds: how long the method took.
        versions: of Whylight and the libraries it ran on.
        key: the picture's name in a run over many (:func:`whylight.read_maps`).
        words: of each prompt, what each of its words adds, where that was asked for.
        layers: what each layer adds, (targets, layers, rows, columns), where it was asked for by layer.
    """

    relevance: Tensor
    targets: tuple[str, ...]
    scores: tuple[float, ...]
    logits: tuple[float, ...]
    score_name: ScoreName
    picture: Image.Image
    frame: Frame
    model: str
    method: str
    options: Mapping[str, Any] = field(default_factory=dict)
    input_size: tuple[int, int] = (0, 0)
    seconds: float = 0.0
    versions: Mapping[str, str] = field(default_factory=dict)
    key: str = ""
    words: tuple[WordShares, ...] = ()
    layers: Tensor | None = None

    def __len__(self) -> int:
        return len(self.targets)

    def __repr__(self) -> str:
        said = ", ".join(f"{name!r}: {score:.3f}" for name, score in zip(self.targets, self.scores, strict=True))
        return f"Explanation({self.model}, {self.method}, {self.score_name} of {{{said}}})"

    @property
    def label(self) -> str:
        """The method with its options, as the command line writes them: "legrad:smooth=true"."""
        values = {name: str(v).lower() if isinstance(v, bool) else str(v) for name, v in self.options.items()}
        return ":".join([self.method, *(f"{name}={value}" for name, value in values.items())])

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of ``relevance``."""
        return self.relevance.shape[1], self.relevance.shape[2]

    @property
    def constant(self) -> list[str]:
        """Targets whose relevance is the same everywhere: their maps are zeros."""
        return [name for name, flat in zip(self.targets, are_flat(self.relevance), strict=True) if flat]

    def said(self, target: int) -> str:
        """A target's score in words."""
        return said_score(self.score_name, self.scores[target], self.logits[target])

    def reduced(self, longer: float) -> Explanation:
        """The same over a smaller picture, where its longer side has more pixels than that: figures show no more."""
        ratio = longer / max(self.picture.size)
        if ratio >= 1:
            return self
        width, height = max(1, round(self.picture.width * ratio)), max(1, round(self.picture.height * ratio))
        small = self.picture.resize((width, height), reducing_gap=2.0)
        return replace(self, picture=small, frame=self.frame.scaled(height, width))

    @cached_property
    def maps(self) -> Tensor:
        """(targets, height, width) of the picture, float32 in [0, 1].

        Each map is enlarged bilinearly to the picture, and scaled so that the least and the greatest relevance that lie
        in view become 0 and 1. What the model did not see (a crop's margins) is 0. Constant maps are zeros.
        """
        return scaled_maps(self.relevance, self.frame)

    def overlay(self, index: int = 0, alpha: float = 0.85, colormap: str = "inferno") -> Image.Image:
        """The picture with one map over it, as large as the picture.

        Args:
            index: which target; negative counts from the end.
            alpha: how much of the picture the greatest relevance covers, 0 to 1; less relevance covers less.
            colormap: a matplotlib colour map; the default is perceptually uniform.

        Raises:
            BadInput: no such target, or alpha out of range.
            UnknownName: no such colour map.
        """
        from whylight.pictures.overlay import overlay

        if not -len(self) <= index < len(self):
            raise BadInput(f"there is no target {index}: there are {len(self)}, counted from 0")
        return overlay(self.picture, self.maps[index].numpy(), alpha=alpha, colormap=colormap)

    def figure(self, *, alpha: float = 0.85, colormap: str = "inferno") -> Figure:
        """The picture, one overlay per target with its score, and a colour bar; arguments as for :meth:`overlay`.

        Where words were asked for: each prompt as a sentence, each word on the colour of its share over its own map.
        """
        from whylight.pictures.figure import DPI, LONGER_SIDE, Cell, grid_figure

        size = f"{self.picture.width} x {self.picture.height}"
        small = self.reduced(2 * LONGER_SIDE * DPI)
        cells = [Cell(small.picture, "picture", size, small.frame)]
        for index, name in enumerate(self.targets):
            cells.append(Cell(small.overlay(index, alpha=alpha, colormap=colormap), name, self.said(index)))
        foot = f"{self.label} · {self.model}"
        if not self.words:
            return grid_figure(cells, foot, colormap=colormap)
        from whylight.pictures.words_figure import words_figure

        return words_figure(cells, self.words, small.frame, foot, alpha=alpha)

    def card(self, *, colormap: str = "inferno") -> str:
        """HTML to stand inside a page: a tab for each target, a slider for opacity, and the layers that there are.

        Where words were asked for: each prompt as a sentence, whose words can be tapped to see what they add.

        Raises:
            UnknownName: no such colour map.
        """
        from whylight.pictures.card import LONGER_SIDE, card

        small = self.reduced(LONGER_SIDE)
        return card(small.picture, small.shown(), f"{self.label} · {self.model}", colormap=colormap)

    def shown(self) -> list[ShownMap]:
        """Each target's map with its name, its score, its layers and its words, as cards draw them."""
        from whylight.pictures.card import ShownMap, ShownWords

        by_layer = (
            [()] * len(self)
            if self.layers is None
            else [tuple(scaled_maps(one, self.frame).numpy()) for one in self.layers]
        )
        words = [ShownWords.of(shares, self.frame) for shares in self.words] if self.words else [None] * len(self)
        rows = zip(self.targets, self.maps.numpy(), by_layer, words, strict=True)
        return [ShownMap(name, self.said(i), *of_it) for i, (name, *of_it) in enumerate(rows)]

    def html(self, *, colormap: str = "inferno") -> str:
        """One self-contained page with the card and where it came from."""
        from whylight.pictures.page import escape, page

        versions = ", ".join(f"{library} {version}" for library, version in self.versions.items())
        title, size = ", ".join(self.targets), f"{self.picture.width} x {self.picture.height}"
        return page(title, f'{self.card(colormap=colormap)}<p class="about">{escape(f"{size} · {versions}")}</p>')

    def save(self, path: str | Path) -> Path:
        """Write it: ``.png`` (the figure), ``.html`` (a page), ``.npz`` (arrays, all else under ``json``) or ``.json``.

        Folders on the way are made; a file of that name is replaced.

        Raises:
            BadInput: another ending, or a place that cannot be written to.
        """
        return save_as(path, self._forms, "explanations")

    def to_bytes(self, form: str) -> bytes:
        """What :meth:`save` writes: "png", "html", "npz" or "json".

        Raises:
            BadInput: another form.
        """
        return made_as(form, self._forms, "explanations")

    @property
    def _forms(self) -> dict[str, Callable[[], bytes]]:
        return {"png": self._repr_png_, "html": lambda: self.html().encode(), "npz": self._npz, "json": self._json}

    def to_dict(self) -> dict[str, Any]:
        """Everything but the picture as plain numbers and strings, ready for JSON; NaN and infinity as None."""
        rows = zip(self.targets, self.scores, self.logits, self.relevance.tolist(), strict=True)
        return self.facts() | {
            "targets": [
                {
                    "name": name,
                    self.score_name: plain_number(score),
                    "logit": plain_number(logit),
                    "relevance": plain_numbers(values),
                    **(self.words[row].to_dict() if self.words else {}),
                }
                for row, (name, score, logit, values) in enumerate(rows)
            ]
        }

    def facts(self) -> dict[str, Any]:
        """All that is the same for every target, as plain numbers and strings."""
        return {
            "model": self.model,
            "method": self.method,
            "options": {name: plain_value(value) for name, value in self.options.items()},
            "picture_size": [self.picture.height, self.picture.width],
            "input_size": list(self.input_size),
            "seen_left_top_right_bottom": list(self.frame.box),
            "grid": list(self.grid),
            "seconds": round(self.seconds, 4),
            "versions": dict(self.versions),
        }

    def _npz(self) -> bytes:
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            relevance=self.relevance.numpy(),
            maps=self.maps.numpy(),
            targets=np.array(self.targets),
            scores=np.array(self.scores),
            logits=np.array(self.logits),
            picture=np.asarray(self.picture),
            json=np.array(json.dumps(self.facts())),
            **arrays_of(self.words),
        )
        return buffer.getvalue()

    def _json(self) -> bytes:
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False).encode()

    def _repr_html_(self) -> str:
        return self.card()

    def _repr_png_(self) -> bytes:
        from whylight.pictures.figure import png

        return png(self.figure())

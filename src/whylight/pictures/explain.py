"""From a picture and prompts to an explanation."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from whylight.errors import BadInput, WhylightWarning
from whylight.methods.relevance import relevance
from whylight.models.load import load
from whylight.models.preprocessing import Fit, Frame, Preprocessing
from whylight.models.targets import as_targets
from whylight.models.view import View
from whylight.models.wrap import wrap
from whylight.pictures.explanation import Explanation
from whylight.pictures.prompts_and_classes import ExplainTargets, NamedTargets, name_targets, predicted
from whylight.pictures.read import PictureLike, read_picture
from whylight.versions import versions

InputSize = int | tuple[int, int]
Relevance = Callable[..., Tensor]


def explain(
    view: View | nn.Module | str,
    picture: PictureLike,
    targets: ExplainTargets | None = None,
    method: str = "legrad",
    *,
    size: InputSize | None = None,
    fit: Fit | None = None,
    **options: Any,
) -> Explanation:
    """Show why a model said what it said about a picture: one map per target.

    Args:
        view: from :func:`whylight.wrap` or :func:`whylight.load`; or a live model, or a name for ``load``.
        picture: a path, a PIL picture, an array (height, width, 3), uint8 or floating in [0, 1], or a tensor
            (3, height, width) in [0, 1].
        targets: prompts of a dual encoder; class names or class indices of a classifier; embeddings (targets, dim); or
            None for the class that a classifier predicts. All targets share one call of the method.
        method: a name out of :func:`whylight.methods`.
        size: how many pixels the model reads; default: its own. An int keeps the picture's shape, all of it in view:
            its shorter side gets that many pixels. (height, width), or an int together with ``fit``, which means a
            square, is a fixed shape. Sides become the nearest multiples of the patch.
        fit: what happens to a picture of another shape than the input: "crop" (the centre is kept), "squash", or "pad".
            Default: as the model's own preprocessing. Maps always lie in the picture's own geometry.
        **options: the method's own (``whylight.methods.find_method(name).options``).

    Raises:
        UnknownName: no such model, class, method or option, with near misses.
        BadInput: a picture, target or size that cannot be used.
        UnsupportedModel: the model hides its attention or is in training mode.

    Warns:
        WhylightWarning: a prompt has words that the model does not know, or a map is constant (shown as zeros).
    """
    view = load(view) if isinstance(view, str) else wrap(view)
    return ask(view, picture, targets, size=size, fit=fit).answer(method, **options)


@dataclass(frozen=True)
class Look:
    """A picture as a model looks at it.

    Attributes:
        picture: upright, RGB.
        pixels: (1, 3, H, W), as the model reads them.
        frame: which part of the picture they show.
    """

    view: View
    picture: Image.Image
    pixels: Tensor
    frame: Frame

    def question(self, output: Tensor, named: NamedTargets, relevance: Relevance = relevance) -> Question:
        """Ask about targets.

        Args:
            output: the model's own, (1, dim).
            relevance: takes what :func:`whylight.relevance` takes, and gives what that gives.
        """
        with torch.no_grad():
            checked = as_targets(self.view, named.values, 1)
            logits = checked.logits(self.view, output)
            # A classifier's score is the softmax over all classes, of which the targets are some.
            scores = checked.scores(output.float().softmax(-1) if self.view.classifies else output)
        return Question(
            self.view, self.picture, self.pixels, self.frame, named, _floats(scores), _floats(logits), relevance
        )


@dataclass(frozen=True)
class Question:
    """A picture and targets, ready for any number of methods.

    Attributes:
        pixels: (1, 3, H, W), as the model reads them.
        frame: which part of the picture they show.
        scores: cosine with each target (dual encoders), or probability of each class.
        logits: the model's own, scale and bias included.
        relevance: where raw relevance comes from.
    """

    view: View
    picture: Image.Image
    pixels: Tensor
    frame: Frame
    targets: NamedTargets
    scores: tuple[float, ...]
    logits: tuple[float, ...]
    relevance: Relevance

    def answer(self, method: str = "legrad", **options: Any) -> Explanation:
        """Explain by one method; see :func:`explain`."""
        start = _clock(self.view)
        raw = self.relevance(self.view, self.pixels, self.targets.values, method=method, **options)[0]
        seconds = _clock(self.view) - start
        result = Explanation(
            relevance=self._on_grid(raw.detach().cpu()),
            targets=self.targets.names,
            scores=self.scores,
            logits=self.logits,
            score_name="probability" if self.view.classifies else "cosine",
            picture=self.picture,
            frame=self.frame,
            model=self.view.name,
            method=method,
            options=dict(options),
            input_size=(self.pixels.shape[-2], self.pixels.shape[-1]),
            seconds=seconds,
            versions=versions(self.view.family),
        )
        for name in result.constant:
            said = f"{method} says nothing about {name!r}: its map is constant and shown as zeros"
            warnings.warn(said, WhylightWarning, stacklevel=3)
        return result

    def _on_grid(self, raw: Tensor) -> Tensor:
        """Relevance (targets, tokens) or (targets, H, W) as (targets, rows, columns) of what the frame holds."""
        height, width = self.pixels.shape[-2:]
        down, across = _preprocessing(self.view).patch
        if raw.dim() == 3:  # down to pixels: those that no patch covers belong to no place
            return raw[:, : height - height % down, : width - width % across]
        return raw.reshape(len(raw), height // down, width // across)


def ask(
    view: View,
    picture: PictureLike,
    targets: ExplainTargets | None = None,
    *,
    size: InputSize | None = None,
    fit: Fit | None = None,
) -> Question:
    """Everything about an explanation but the method; arguments as for :func:`explain`."""
    seen = look(view, picture, size=size, fit=fit)
    with torch.no_grad():
        output = view.output(seen.pixels)
        named = predicted(view, output) if targets is None else name_targets(view, targets)
    return seen.question(output, named)


def look(view: View, picture: PictureLike, *, size: InputSize | None = None, fit: Fit | None = None) -> Look:
    """The picture as the model reads it; arguments as for :func:`explain`."""
    view.check_ready()
    image = read_picture(picture)
    pixels, frame = _resized(_preprocessing(view), image, size, fit)(image)
    return Look(view, image, pixels[None], frame)


def _preprocessing(view: View) -> Preprocessing:
    if view.preprocessing is None:
        raise BadInput(f"{view.name} reads text, not pictures: use whylight.explain_text")
    return view.preprocessing


def _resized(
    preprocessing: Preprocessing, picture: Image.Image, size: InputSize | None, fit: Fit | None
) -> Preprocessing:
    if fit is not None and fit not in ("crop", "squash", "pad"):
        raise BadInput(f"fit={fit!r} must be one of crop, squash, pad")
    if fit in ("squash", "pad") or (isinstance(size, int) and fit is None):
        preprocessing = replace(preprocessing, crop_fraction=1.0)  # all of the picture is wanted
    if size is None:
        return preprocessing.resized(preprocessing.size, fit)
    if min(size, default=0) < 1 if isinstance(size, tuple) else size < 1:
        raise BadInput(f"size must be positive, not {size}")
    if isinstance(size, int) and fit is None:
        ratio = size / min(picture.size)
        size, fit = (round(picture.height * ratio), round(picture.width * ratio)), "squash"
    height, width = (size, size) if isinstance(size, int) else size
    if (height, width) != preprocessing.size:
        down, across = preprocessing.patch
        height, width = max(1, round(height / down)) * down, max(1, round(width / across)) * across
    return preprocessing.resized((height, width), fit)


def _floats(values: Tensor) -> tuple[float, ...]:
    return tuple(float(value) for value in values[0])


def _clock(view: View) -> float:
    """Seconds, once the device has done what it was given."""
    if view.parameter.device.type == "cuda":
        torch.cuda.synchronize(view.parameter.device)
    return time.perf_counter()

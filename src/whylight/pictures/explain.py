"""From a picture and prompts to an explanation."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from whylight.errors import WhylightWarning
from whylight.methods.registry import check_one_map_each, find_method
from whylight.methods.relevance import relevance
from whylight.models.load import load
from whylight.models.preprocessing import Fit
from whylight.models.raster import Raster
from whylight.models.scores import ScoreName, check_finite
from whylight.models.targets import as_targets
from whylight.models.view import View
from whylight.models.wrap import wrap
from whylight.passes.sharing import shared_passes
from whylight.pictures.explanation import Explanation
from whylight.pictures.like import like_picture
from whylight.pictures.look import InputSize, Look, look
from whylight.pictures.name_prompts import asked_targets
from whylight.pictures.prompts_and_classes import ExplainTargets, NamedTargets
from whylight.pictures.read import PictureLike
from whylight.pictures.read_raster import ValueRange
from whylight.pictures.word_shares import WordShares, word_shares
from whylight.runs.type_hints import check_types
from whylight.versions import versions

Relevance = Callable[..., Tensor]


def explain(
    view: View | nn.Module | str,
    picture: PictureLike | Raster,
    targets: ExplainTargets | None = None,
    method: str = "legrad",
    *,
    like: PictureLike | None = None,
    patch: tuple[int, int] | None = None,
    negative: bool = False,
    size: InputSize | None = None,
    fit: Fit | None = None,
    large: bool = False,
    words: bool = False,
    words_seed: int = 0,
    without: str | Sequence[str] = (),
    value_range: ValueRange | None = None,
    **options: Any,
) -> Explanation:
    """Show why a model said what it said about a picture: one map per target.

    Args:
        view: from :func:`whylight.wrap` or :func:`whylight.load`; or a live model, or a name for ``load``.
        picture: a path, a PIL picture, an array (height, width, 3), uint8 or floating in [0, 1], or a tensor
            (3, height, width) in [0, 1]. With ``value_range``, and for models of other channels than three: arrays
            (height, width), (height, width, channels) or tensors (channels, height, width) of any real numbers.
        targets: prompts of a dual encoder; class names or class indices of a classifier; embeddings (targets, dim);
            :func:`whylight.difference` of two of these (its score is the difference of the logits); a function of the
            model's output (batch, dim) that gives one value for each row, (batch,); a list of any of them; or None for
            the class that a classifier predicts. All targets share one call of the method.
        method: a name out of :func:`whylight.methods`.
        like: another picture, instead of targets: what makes this picture like it (the cosine of the two embeddings).
        patch: (row, column), counted from 0: of that other picture one patch, as the model projects it.
        negative: explain what speaks against the targets: minus their scores. Scores are shown as they are.
        size: how many pixels the model reads; default: its own. An int keeps the picture's shape, all of it in view:
            its shorter side gets that many pixels. (height, width), or an int together with ``fit``, which means a
            square, is a fixed shape. Sides become the nearest multiples of the patch.
        fit: what happens to a picture of another shape than the input: "crop" (the centre is kept), "squash", or "pad".
            Default: as the model's own preprocessing. Maps always lie in the picture's own geometry.
        value_range: (black, white) in the picture's own values, such as (0, 4095): for greys of 12 or 16 bits, floats
            of any range, and arrays of as many channels as the model reads. What lies beyond is cut off.
        large: take a size of any number of tokens. Without it more than 16,384 are refused, with what they would take.
        words: tell also what each word of each prompt adds, to the map and to the score: its Shapley value over the
            prompt's words (:class:`~whylight.pictures.word_shares.WordShares`, in ``result.words``), exact up to 12.
            Parentheses make phrases of words: "(a red ring) and (a blue star)".
        words_seed: of the orders of words that are drawn for longer prompts.
        without: other prompts, of whose embeddings those of ``targets`` are cleaned
            (:mod:`whylight.pictures.cleaned`): ``"a cat", without=["a dog"]``.
        **options: the method's own (``whylight.methods.find_method(name).options``).

    Raises:
        UnknownName: no such model, class, method or option, with near misses.
        BadInput: a picture, target or size that cannot be used.
        UnsupportedModel: the model hides its attention or is in training mode.

    Warns:
        WhylightWarning: a prompt has words that the model does not know, or a map is constant (shown as zeros).
    """
    view = load(view) if isinstance(view, str) else wrap(view)
    asked: dict[str, Any] = {"like": like, "patch": patch, "negative": negative, "words": words, "without": without}
    seen: dict[str, Any] = {"size": size, "fit": fit, "large": large, "value_range": value_range}
    return ask(view, picture, targets, **asked, **seen).answer(method, words_seed=words_seed, **options)


@dataclass(frozen=True)
class Question:
    """A picture and targets, ready for any number of methods.

    Attributes:
        look: the picture as the model looks at it.
        scores: cosine with each target (dual encoders), probability of each class, or what ``score_name`` says.
        logits: the model's own, scale and bias included.
        output: the model's, (1, dim).
        relevance: takes what :func:`whylight.relevance` takes, and gives what that gives.
    """

    look: Look
    targets: NamedTargets
    scores: tuple[float, ...]
    logits: tuple[float, ...]
    score_name: ScoreName
    output: Tensor
    relevance: Relevance

    def answer(self, method: str = "legrad", *, words_seed: int = 0, **options: Any) -> Explanation:
        """Explain by one method; see :func:`explain`."""
        check_types("explain", {"words_seed": words_seed}, explain)
        view, look = self.look.view, self.look
        check_one_map_each(method, options)
        start = _clock(view)
        raw = self.relevance(view, look.pixels, self.targets.values, method=method, **options)[0]
        seconds = _clock(view) - start
        result = Explanation(
            relevance=look.on_grid(raw.detach().cpu()),
            targets=self.targets.names,
            scores=self.scores,
            logits=self.logits,
            score_name=self.score_name,
            picture=look.picture,
            frame=look.frame,
            model=view.name,
            method=method,
            options=dict(options),
            input_size=(look.pixels.shape[-2], look.pixels.shape[-1]),
            seconds=seconds,
            versions=versions(view.family),
            words=self._words(method, words_seed, options),
        )
        for name in result.constant:
            said = f"{method} says nothing about {name!r}: its map is constant and shown as zeros"
            warnings.warn(said, WhylightWarning, stacklevel=3)
        return result

    def _words(self, method: str, seed: int, options: Mapping[str, Any]) -> tuple[WordShares, ...]:
        """What the words of each prompt add, where that is asked for: the picture goes through the model once."""
        view = self.look.view
        pixels = view.place(self.look.pixels)
        assert isinstance(pixels, Tensor)
        in_company = find_method(method).depends_on_company(options)

        def maps(targets: Tensor) -> Tensor:
            raw = self.relevance(view, pixels, targets, method=method, **options)[0]
            return self.look.on_grid(raw.detach().cpu())

        def answers(place: int, prompts: Tensor) -> tuple[Tensor, Tensor]:
            scores = as_targets(view, prompts, 1).scores(self.output)[0].cpu()
            if not in_company:
                return maps(prompts), scores
            values = torch.as_tensor(self.targets.values)
            company = (torch.cat([values[:place], one[None], values[place + 1 :]]) for one in prompts.to(values))
            return torch.stack([maps(together)[place] for together in company]), scores

        with shared_passes(), torch.no_grad():
            return tuple(
                word_shares(phrases, view.encode_text, partial(answers, place), seed)
                for place, phrases in enumerate(self.targets.phrases)
            )


def ask(
    view: View,
    picture: PictureLike | Raster,
    targets: ExplainTargets | None = None,
    *,
    like: PictureLike | None = None,
    patch: tuple[int, int] | None = None,
    negative: bool = False,
    size: InputSize | None = None,
    fit: Fit | None = None,
    large: bool = False,
    words: bool = False,
    without: str | Sequence[str] = (),
    value_range: ValueRange | None = None,
) -> Question:
    """Everything about an explanation but the method; arguments as for :func:`explain`."""
    check_types("explain", {"patch": patch, "negative": negative}, ask)
    seen = look(view, picture, size=size, fit=fit, large=large, value_range=value_range)
    with torch.no_grad():
        output = view.output(seen.pixels)
        if like is not None or patch is not None:
            targets = like_picture(view, targets, like, patch, **seen.how)
        named = asked_targets(view, output, targets, negative=negative, words=words, without=without)
    return question(seen, output, named)


def question(seen: Look, output: Tensor, named: NamedTargets, relevance: Relevance = relevance) -> Question:
    """Ask about targets of a picture whose output, (1, dim), is known already."""
    view = seen.view
    check_finite(view.name, output, view.module.named_parameters())
    with torch.no_grad():
        checked = as_targets(view, named.values, 1).shown()
        logits, scores = checked.logits(view, output), checked.said(view, output)
    return Question(seen, named, _floats(scores), _floats(logits), checked.said_as(view), output, relevance)


def _floats(values: Tensor) -> tuple[float, ...]:
    return tuple(float(value) for value in values[0])


def _clock(view: View) -> float:
    """Seconds, once the device has done what it was given."""
    if view.parameter.device.type == "cuda":
        torch.cuda.synchronize(view.parameter.device)
    return time.perf_counter()

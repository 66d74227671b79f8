"""From a text to the words that a model rested on."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, overload

import torch
from torch import Tensor, nn

from whylight.errors import BadInput, WhylightWarning
from whylight.methods import relevance
from whylight.models.load import load
from whylight.models.scores import check_finite
from whylight.models.targets import Targets, as_targets
from whylight.models.targets.given import Difference, are_functions, listed
from whylight.models.view import View
from whylight.models.words import split_words
from whylight.models.wrap import wrap
from whylight.pictures.prompts_and_classes import ExplainTargets, NamedTargets, name_targets, predicted
from whylight.pictures.read import PictureLike, read_picture
from whylight.runs.type_hints import check_types
from whylight.text.explanation import TextExplanation
from whylight.text.read import read_text
from whylight.text.sentences import BETWEEN, TextLike, check_texts, sentences_of, starts_of
from whylight.text.words import Pieces, word_scores
from whylight.versions import versions

_WINDOWS_AT_ONCE = 8


@overload
def explain_text(
    view: View | nn.Module | str,
    text: TextLike,
    target: ExplainTargets | PictureLike | Sequence[PictureLike] | None = None,
    method: str = "legrad",
    *,
    negative: bool = False,
    pieces: Pieces = "max",
    windows: bool = False,
    **options: Any,
) -> TextExplanation: ...


@overload
def explain_text(
    view: View | nn.Module | str,
    text: list[TextLike],
    target: ExplainTargets | PictureLike | Sequence[PictureLike] | None = None,
    method: str = "legrad",
    *,
    negative: bool = False,
    pieces: Pieces = "max",
    windows: bool = False,
    **options: Any,
) -> list[TextExplanation]: ...


def explain_text(
    view: View | nn.Module | str,
    text: TextLike | list[TextLike],
    target: ExplainTargets | PictureLike | Sequence[PictureLike] | None = None,
    method: str = "legrad",
    *,
    negative: bool = False,
    pieces: Pieces = "max",
    windows: bool = False,
    **options: Any,
) -> TextExplanation | list[TextExplanation]:
    """Which words of a text, or of a pair of sentences, a model rested on.

    Args:
        view: a text classifier, or a dual encoder (its text tower is explained): from :func:`whylight.wrap` or
            :func:`whylight.load`; or a live model, or a name for ``load``.
        text: the text, of any length; or a tuple (first, second): a pair of sentences that a classifier or
            cross-encoder reads together; or a list of texts and pairs, a batch, for which a list of explanations comes
            back. What the model cannot read is reported in a warning and in the result; of a pair the longer sentence
            is cut.
        target: classes by name or index (default: the predicted one); for a dual encoder pictures (a path or a PIL
            picture) or the embeddings of pictures, floating (dim,) or (targets, dim); or, of both, functions of the
            output and :func:`whylight.difference` of classes or embeddings. All share one call of the method.
        method: a name out of ``whylight.methods()`` that works on tokens.
        negative: explain what speaks against the targets: minus their scores. Scores are shown as they are.
        pieces: what a word makes of its pieces: the strongest ("max"), their "mean" or their "sum".
        windows: read a text that is too long in windows that overlap by half; of a pair the longer sentence, beside
            which the other stands whole in every window. Relevance is the mean over the windows that hold a token, and
            logits the mean over all windows.
        **options: the method's own.

    Raises:
        BadInput: an empty text, a target that does not fit, or a model that reads no texts.
        UnknownName: no such class, method or option, with near misses.

    Warns:
        WhylightWarning: the model did not read the end of the text.
    """
    texts: list[TextLike] = text if isinstance(text, list) else [text]
    check_texts(texts)
    check_types("explain_text", {"negative": negative, "pieces": pieces, "windows": windows}, explain_text)
    view = load(view) if isinstance(view, str) else wrap(view)
    reader = view.text
    reader.check_ready()
    if view.front_door != View.front_door:
        raise BadInput(f"{view.name} is not asked about texts here: use {view.front_door}")
    explanations = []
    for each in texts:
        explanation = _explain(view, each, target, method, pieces, options, negative=negative, windows=windows)
        if explanation.note:
            warnings.warn(f"{view.name}: {explanation.note}", WhylightWarning, stacklevel=2)
        explanations.append(explanation)
    return explanations if isinstance(text, list) else explanations[0]


def _explain(
    view: View,
    text: TextLike,
    target: Any,
    method: str,
    pieces: Pieces,
    options: dict[str, Any],
    *,
    negative: bool,
    windows: bool,
) -> TextExplanation:
    reader = view.text
    read = read_text(reader, text, windows)
    chunks = [read.rows(first, first + _WINDOWS_AT_ONCE) for first in range(0, len(read.places), _WINDOWS_AT_ONCE)]
    with torch.no_grad():
        outputs = torch.cat([reader.output(chunk) for chunk in chunks])
        check_finite(view.name, outputs, reader.module.named_parameters())
        named = _named(view, outputs, target)
        named = named.against() if negative else named
        checked = as_targets(reader, named.values, len(outputs)).shown()
        scores, logits = _scores(reader, outputs, checked)
    raw = read.merge(torch.cat([relevance(reader, chunk, named.values, method, **options) for chunk in chunks]).cpu())
    sentences = sentences_of(text)
    whole = BETWEEN.join(sentences)
    words = split_words(whole)
    return TextExplanation(
        text=whole,
        targets=named.names,
        scores=scores,
        logits=logits,
        score_name=checked.said_as(reader),
        offsets=read.offsets,
        relevance=raw,
        words=words,
        word_relevance=word_scores(words, read.offsets, raw, pieces, read.read),
        model=view.name,
        method=method,
        options=options,
        versions=versions(view.family),
        second=starts_of(sentences)[1] if len(sentences) > 1 else None,
    )


def _named(view: View, outputs: Tensor, target: Any) -> NamedTargets:
    """Classes, or embeddings of pictures."""
    if view.text.classifies:
        return (
            predicted(view.text, outputs.mean(0, keepdim=True)) if target is None else name_targets(view.text, target)
        )
    target = listed(target)
    if (isinstance(target, Tensor) and target.dim() <= 2) or isinstance(target, Difference) or are_functions(target):
        return name_targets(view.text, target)
    if target is None:
        raise BadInput(f"{view.name} compares texts with pictures: give a picture, its path or its embedding as target")
    if view.preprocessing is None:
        raise BadInput(f"{view.name} has no picture tower: give the picture's embedding as target")
    sources = list(target) if isinstance(target, (list, tuple)) else [target]
    each = (view.preprocessing(read_picture(source))[0] for source in sources)
    outputs = torch.cat([view.output(pixels[None]) for pixels in each])  # sizes may differ (NaFlex)
    names = (Path(source).name if isinstance(source, (str, Path)) else "picture" for source in sources)
    return NamedTargets(outputs, tuple(names))


def _scores(view: View, outputs: Tensor, targets: Targets) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Probability or cosine, and logit, of every target; of several windows the mean."""
    logits = targets.logits(view, outputs).mean(0)
    read = outputs.mean(0, keepdim=True).expand_as(outputs) if view.classifies else outputs
    return _floats(targets.said(view, read).mean(0)), _floats(logits)


def _floats(values: Tensor) -> tuple[float, ...]:
    return tuple(values.tolist())

"""From a text to the words that a model rested on."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from whylight.errors import BadInput, UnknownName
from whylight.methods import relevance
from whylight.models.targets import as_targets
from whylight.models.view import View
from whylight.text.explanation import TextExplanation
from whylight.text.tokens import read_text
from whylight.text.words import Pieces, split_words, word_scores

_WINDOWS_AT_ONCE = 8

Target = int | str | Path | Image.Image | Tensor
"""A class by index or name; or for a dual encoder a picture, its file, or its embedding."""


def explain_text(
    view: View,
    text: str,
    target: Target | Sequence[Target] | None = None,
    *,
    method: str = "legrad",
    pieces: Pieces = "max",
    windows: bool = False,
    **options: Any,
) -> TextExplanation:
    """Which words of a text a model rested on.

    Args:
        view: a text classifier, or a dual encoder (its text tower is explained).
        text: the text, of any length. What the model cannot read is reported in a warning and in the result.
        target: a class by index or name (default: the predicted one); for a dual encoder a picture, a path to one, or
            an embedding (dim,). A list explains several; so does an embedding tensor (targets, dim).
        method: a name out of ``whylight.methods()`` that works on tokens.
        pieces: what a word makes of its pieces: the strongest, their mean or their sum.
        windows: read a text that is too long in windows that overlap by half. Relevance is the mean over the windows
            that hold a token, and so is the score over all windows.
        **options: the method's own.

    Raises:
        BadInput: an empty text, a target that does not fit, or a model that reads no texts.
        UnknownName: no such class, method or option.
    """
    reader = view.text
    read = read_text(reader, text, windows)
    with torch.no_grad():
        outputs = torch.cat([reader.output(chunk) for chunk in _chunks(read.inputs)])
    values, names = _resolve(view, outputs.mean(0), target)
    parts = [relevance(reader, chunk, values, method, **options) for chunk in _chunks(read.inputs)]
    raw = read.merge(torch.cat(parts).cpu())
    scores = as_targets(reader, values, len(outputs)).logits(reader, outputs).mean(0)
    words = split_words(text)
    explanation = TextExplanation(
        text=text,
        targets=names,
        scores=scores.float().cpu(),
        offsets=read.offsets,
        relevance=raw,
        words=words,
        word_relevance=word_scores(words, read.offsets, raw, pieces, read.read),
        model=view.name,
        method=method,
        options=options,
        versions=_versions(),
    )
    if explanation.note:
        warnings.warn(f"{view.name}: {explanation.note}", stacklevel=2)
    return explanation


def _chunks(inputs: dict[str, Tensor]) -> list[dict[str, Tensor]]:
    """A few windows at a time."""
    rows = len(inputs["input_ids"])
    return [
        {name: value[first : first + _WINDOWS_AT_ONCE] for name, value in inputs.items()}
        for first in range(0, rows, _WINDOWS_AT_ONCE)
    ]


def _resolve(view: View, output: Tensor, target: Target | Sequence[Target] | None) -> tuple[Any, list[str]]:
    """Targets as methods take them, and their names."""
    if isinstance(target, Tensor) and target.dim() == 2:
        target = list(target)
    targets = list(target) if isinstance(target, (list, tuple)) else [target]
    if not view.text.classifies:
        embeddings = [_embedding(view, one) for one in targets]
        return torch.stack([value for value, _ in embeddings]), [name for _, name in embeddings]
    classes = [_class_index(view.text, int(output.argmax()) if one is None else one) for one in targets]
    labels = view.text.class_names
    return classes, [labels[index] if labels else f"class {index}" for index in classes]


def _class_index(view: View, target: Any) -> int:
    labels = view.class_names or []
    if isinstance(target, str):
        if target not in labels:
            near = difflib.get_close_matches(target, labels, n=3, cutoff=0.5)
            meant = f" Did you mean {' or '.join(near)}?" if near else ""
            raise UnknownName(f"{view.name} has no class {target!r}.{meant} It has: {', '.join(labels[:20])}")
        return labels.index(target)
    if isinstance(target, bool) or not isinstance(target, int):
        raise BadInput(f"{view.name} is a classifier: its targets are class indices or names")
    if labels and not 0 <= target < len(labels):
        raise UnknownName(f"{view.name} has classes 0 to {len(labels) - 1}, not {target}")
    return target


def _embedding(view: View, target: Any) -> tuple[Tensor, str]:
    """A picture's embedding, and what to call it."""
    if isinstance(target, Tensor):
        return target.detach(), "embedding"
    if isinstance(target, (str, Path)):
        try:
            return _encoded(view, Image.open(target)), Path(target).name
        except (OSError, UnidentifiedImageError) as error:
            raise BadInput(f"cannot read the picture {target}: {error}") from None
    if isinstance(target, Image.Image):
        return _encoded(view, target), "picture"
    raise BadInput(f"{view.name} compares texts with pictures: give a picture, its file or its embedding as the target")


def _encoded(view: View, picture: Image.Image) -> Tensor:
    if view.preprocessing is None:
        raise BadInput(f"{view.name} has no picture tower: give the picture's embedding as the target")
    pixels, _ = view.preprocessing(picture)
    with torch.no_grad():
        return view.output(pixels[None])[0]


def _versions() -> dict[str, str]:
    found = {}
    for package in ("whylight", "torch", "transformers", "open_clip_torch"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found

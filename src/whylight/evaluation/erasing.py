"""The perturbation test on one picture, and on one text: the answer's score as places or words are taken away."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from whylight.errors import BadInput
from whylight.evaluation.perturbation import black_of, erase, pixel_ranks
from whylight.models.targets import TargetsLike, as_targets
from whylight.models.view import View
from whylight.models.words import split_words
from whylight.pictures.look import Look
from whylight.pictures.prompts_and_classes import NamedTargets
from whylight.text.read import read_text


@torch.no_grad()
def scores_when_erased(look: Look, orders: Tensor, target: NamedTargets, share: float) -> Tensor:
    """Scores of one target with a share of the picture's patches black, once for each order: (orders,).

    Args:
        orders: (orders, rows, columns) of patches, or of the model's pixels; the highest values go first.
        share: 0 to 1, of the patches, rounded up.

    Returns:
        Cosines with the prompt, or probabilities of the class.

    Raises:
        BadInput: no such share.
    """
    _check(share)
    assert look.view.preprocessing is not None
    pixels = look.pixels.to(look.view.parameter)
    ranks = _on_pixels(pixel_ranks(orders.to(pixels.device), most_relevant_first=True), pixels.shape[-2:])
    black = black_of(look.view.preprocessing, pixels)
    erased = erase(pixels.expand(len(orders), -1, -1, -1), ranks, share, black)
    return _scores(look.view, look.view.output(erased), target.values)


def words_erased(text: str, relevance: Sequence[float], share: float) -> str:
    """The text without the given share of its words, those of highest relevance first; one word stays at least.

    Raises:
        BadInput: no such share, or another number of values than of words.
    """
    _check(share)
    words = split_words(text)
    if len(words) != len(relevance):
        raise BadInput(f"the text has {len(words)} words, and {len(relevance)} values came with it")
    order = sorted(range(len(words)), key=lambda index: -relevance[index])
    gone = set(order[: min(len(words) - 1, round(share * len(words)))])
    kept, position = [], 0
    for index, word in enumerate(words):
        kept.append(text[position : word.start] + ("" if index in gone else word.text))
        position = word.end
    return " ".join("".join([*kept, text[position:]]).split())


@torch.no_grad()
def text_scores(view: View, texts: Sequence[str], target: NamedTargets) -> Tensor:
    """Scores of one target for each text: (texts,). Cosines with a picture's embedding, or probabilities of a class.

    Raises:
        BadInput: an empty text, or a model that reads no texts.
    """
    reader = view.text
    outputs = [reader.output(read_text(reader, text).rows(0, 1)) for text in texts]
    return _scores(reader, torch.cat(outputs), target.values)


def _check(share: float) -> None:
    if not 0 <= share <= 1:
        raise BadInput(f"a share lies between 0 and 1, not {share}")


def _on_pixels(ranks: Tensor, size: tuple[int, ...]) -> Tensor:
    """Ranks of places (n, rows, columns) as ranks of pixels (n, height, width); what no place covers comes last."""
    down, across = size[0] // ranks.shape[1], size[1] // ranks.shape[2]
    spread = (ranks * (down * across)).repeat_interleave(down, 1).repeat_interleave(across, 2)
    below, right = size[0] - spread.shape[1], size[1] - spread.shape[2]
    return F.pad(spread, (0, right, 0, below), value=size[0] * size[1])


def _scores(view: View, outputs: Tensor, targets: TargetsLike) -> Tensor:
    return as_targets(view, targets, len(outputs)).said(view, outputs)[:, 0].float().cpu()

"""Relevance of an answer's words by any method as it is named on the command line, baselines included."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from whylight.answers.forcing import Forced
from whylight.answers.spreading import spread
from whylight.evaluation.baselines import BASELINES, baseline
from whylight.evaluation.method_choices import Choice
from whylight.methods.answering.catalog import find_answer_method
from whylight.passes.answer_pass import Words
from whylight.passes.key_likeness import KeyLikeness


def explain_answer(
    choice: Choice, forced: Forced, words: Sequence[Words], likeness: KeyLikeness, key: str
) -> tuple[Tensor, Tensor]:
    """Relevance as the method has it, and as it is shown: spread among like patches where that is asked for.

    Args:
        likeness: of the picture's tokens.
        key: what a random baseline follows from.

    Returns:
        (words, tokens) each.
    """
    if choice.method in BASELINES:
        cells = _baseline(choice.method, forced, key).expand(len(words), -1)
        return cells, cells
    options = dict(choice.options)
    smooth = options.pop("smooth", choice.method == "keyflow")
    with torch.enable_grad():
        raw = find_answer_method(choice.method).explain(forced.view, forced.run, words, **options).detach()
    return raw, spread(raw, forced.run, likeness) if smooth else raw


def _baseline(name: str, forced: Forced, key: str) -> Tensor:
    """(tokens,): the baseline of every grid."""
    whole = torch.zeros(forced.run.tokens.shape[1])
    for grid in forced.run.grids:
        whole[grid.positions().flatten()] = baseline(name, (grid.rows, grid.columns), key).flatten()
    return whole

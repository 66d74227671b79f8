"""Several questions, each about a picture of its own: the answers are generated together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from torch import Tensor, nn

from whylight.answers.answer import Answer
from whylight.answers.ask import answering_view, ask, read_pictures
from whylight.answers.explaining import gradients
from whylight.answers.forcing import LONGEST, check_length
from whylight.answers.generating import generate_together
from whylight.errors import BadInput
from whylight.models.transformers.answering.view import AnsweringView
from whylight.models.view import View
from whylight.pictures.read import PictureLike

Asked = tuple[PictureLike | Sequence[PictureLike] | None, str]
"""A question with its picture, its pictures, or none."""


def ask_each(
    view: View | nn.Module | str,
    asked: Sequence[Asked],
    *,
    batch: int = 8,
    longest: int = LONGEST,
    **options: Any,
) -> list[Answer]:
    """Ask a model several questions. Free answers, which take one pass for every word, are generated in batches; each
    is then explained as :func:`~whylight.answers.ask.ask` explains it alone.

    Args:
        view: as for :func:`~whylight.answers.ask.ask`.
        asked: (picture, question) each.
        batch: so many are generated at once.
        longest: at most so many tokens of an answer.
        **options: ``method``, ``smooth`` and the method's own, as for :func:`~whylight.answers.ask.ask`.

    Raises:
        BadInput, UnknownName, UnsupportedModel: as :func:`~whylight.answers.ask.ask` does, for any of the questions.
    """
    if batch < 1:
        raise BadInput(f"batch must be at least 1, not {batch}")
    if not asked:
        return []
    answering = answering_view(view, asked[0][1])
    answering.check_ready()
    answers = []
    for start in range(0, len(asked), batch):
        part = asked[start : start + batch]
        with gradients():
            said = list(_generated(answering, part, longest))
        for (picture, question), (ids, cut) in zip(part, said, strict=True):
            answers.append(replace(ask(answering, picture, question, answer=ids, **options), free=True, cut=cut))
    return answers


def _generated(view: AnsweringView, asked: Sequence[Asked], longest: int) -> Iterator[tuple[list[int], bool]]:
    """Neighbours that are made of the same entries (all with pictures, or all without) share a batch."""
    rows: list[dict[str, Tensor]] = []
    for picture, question in asked:
        rows.append(dict(view.place(view.inputs(question, read_pictures(picture)))))
        check_length(view, rows[-1]["input_ids"].shape[1] + longest)
    for _, alike in groupby(rows, key=sorted):
        yield from generate_together(view, list(alike), longest)

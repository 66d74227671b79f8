"""A question with an answer behind it, given by the model itself or by somebody else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from PIL import Image
from torch import Tensor

from whylight.answers.generating import generate
from whylight.answers.tokens import Said, answer_ids, said, text_places, text_so_far
from whylight.attention import AttentionCall, record_attention
from whylight.errors import BadInput
from whylight.models.answering_pass import AnsweringPass
from whylight.models.transformers.answering.view import AnsweringView
from whylight.passes.answer_pass import Words

LONGEST = 64
"""Tokens of a free answer, unless more are asked for."""


@dataclass(frozen=True)
class Forced:
    """A question with its answer behind it, ready to be explained.

    Attributes:
        view: the model.
        inputs: of the whole sequence.
        run: the pass, its pictures' grids noted.
        tower: attention calls of the pictures' way through the tower.
        prompt, answer: their words.
    """

    view: AnsweringView
    inputs: Mapping[str, Tensor]
    run: AnsweringPass
    tower: list[AttentionCall]
    prompt: Said
    answer: Said

    @property
    def begins(self) -> int:
        """Position of the answer's first token."""
        return self.run.tokens.shape[1] - self.run.answer

    def target(self, places: Sequence[int], against: Sequence[int] | None = None) -> Words:
        """Tokens at these positions as a target."""
        ids = self.run.ids[0, list(places)].tolist()
        rows = tuple(place - 1 for place in places)
        return Words(rows, tuple(ids), None if against is None else tuple(against))


def force(
    view: AnsweringView,
    pictures: Sequence[Image.Image],
    question: str,
    answer: str | Sequence[int] | None,
    longest: int = LONGEST,
    heard: Callable[[str], None] | None = None,
) -> tuple[Forced, bool, bool]:
    """The question with an answer behind it; whether the model said it by itself, and whether it was cut.

    Args:
        answer: its text, or its token numbers; None: what the model says.
        heard: called with a free answer's text after each token; what it raises ends the generation.
    """
    view.check_ready()
    inputs: dict[str, Tensor] = dict(view.place(view.inputs(question, pictures)))
    length = inputs["input_ids"].shape[1]
    check_length(view, length + (longest if answer is None else 1))
    cut = False
    if answer is None:
        ids, cut = generate(view, inputs, longest, _decoding(view, heard))
    else:
        prompt = view.prompt(question, len(pictures))
        ids = answer_ids(view.tokenizer, prompt, answer) if isinstance(answer, str) else list(answer)
        check_length(view, length + len(ids))
    return _forced(view, inputs, ids, pictures), answer is None, cut


def _decoding(view: AnsweringView, heard: Callable[[str], None] | None) -> Callable[[list[int]], None] | None:
    return heard and (lambda ids: heard(text_so_far(view.tokenizer, ids)))


@torch.no_grad()
def _forced(view: AnsweringView, inputs: dict[str, Tensor], ids: list[int], pictures: Sequence[Image.Image]) -> Forced:
    more = view.with_answer(inputs, torch.tensor([ids], device=inputs["input_ids"].device))
    with record_attention() as tower:
        features = view.picture_features(more)
    run = view.begin(more, features, answer=len(ids))
    sizes = [(picture.height, picture.width) for picture in pictures]
    run = replace(run, pictures=view.layout(inputs, sizes))
    begins = inputs["input_ids"].shape[1]
    whole = run.ids[0].tolist()
    places = text_places(run.ids[0], run.image[0], begins)
    prompt = said(view.tokenizer, [whole[place] for place in places], places)
    answer = said(view.tokenizer, ids, range(begins, len(whole)))
    return Forced(view, more, run, tower, prompt, answer)


def check_length(view: AnsweringView, tokens: int) -> None:
    """
    Raises:
        BadInput: more tokens than the model takes.
    """
    most = getattr(view.parts.language.config, "max_position_embeddings", None)
    if most is not None and tokens > most:
        raise BadInput(
            f"{view.name} takes {most:,} tokens, and question, pictures and answer are {tokens:,}: "
            "ask for a shorter answer (longest=...) or give a smaller picture"
        )

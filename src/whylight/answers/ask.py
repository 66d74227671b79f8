"""From a question to an answer whose words are explained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from PIL import Image, ImageFilter
from torch import Tensor, nn

from whylight.answers.answer import Answer, shares, text_relevance
from whylight.answers.generating import generate, log_probabilities
from whylight.answers.geometry import picture_maps
from whylight.answers.spreading import picture_likeness, spread
from whylight.answers.tokens import Said, answer_ids, said, text_places
from whylight.attention import AttentionCall, record_attention
from whylight.errors import BadInput
from whylight.methods.answering.catalog import find_answer_method
from whylight.models.answering_pass import AnsweringPass
from whylight.models.load import load
from whylight.models.transformers.answering.view import AnsweringView
from whylight.models.view import View
from whylight.models.wrap import wrap
from whylight.passes.answer_pass import Words
from whylight.pictures.read import PictureLike, read_picture
from whylight.versions import versions

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


def ask(
    view: View | nn.Module | str,
    picture: PictureLike | Sequence[PictureLike] | None,
    question: str,
    *,
    answer: str | None = None,
    rather_than: str | None = None,
    words: Sequence[str] | None = None,
    method: str = "keyflow",
    smooth: bool | None = None,
    longest: int = LONGEST,
    **options: Any,
) -> Answer:
    """Ask a model that answers in words, and see where each word of its answer comes from.

    Args:
        view: from :func:`whylight.wrap` (with ``processor=``) or :func:`whylight.load`; or a live model, or a name.
        picture: a picture, several for one question, or None for a question about text alone.
        question: goes through the model's chat template. Where it has none, it is the whole prompt, and holds the
            placeholder of each picture.
        answer: explain this answer; default: what the model says by itself (greedy).
        rather_than: explain the answer's first differing token by its logit minus that of this other answer. One word
            or phrase is explained then.
        words: only these words and phrases of the answer, each as one target; default: every word.
        method: a name out of :func:`whylight.methods.answering.catalog.answer_methods`.
        smooth: spread relevance among the picture's tokens whose keys are alike; default: with keyflow only.
        longest: at most so many tokens of a free answer.
        **options: the method's own (``start_layer``, ...).

    Raises:
        BadInput: a model that does not answer in words, a prompt, picture, answer or word that does not fit, or more
            tokens than the model takes.
        UnknownName: no such method or option.
        UnsupportedModel: a model whose tokens or attention cannot be followed.
    """
    chosen = find_answer_method(method)
    options = chosen.check_options(options)
    options.pop("smooth", None)
    if smooth and not chosen.smooth:
        raise BadInput(f"{method} takes no smooth=True")
    answering = _answering(view)
    pictures = _pictures(picture)
    with torch.inference_mode(False), torch.enable_grad():
        forced, free, cut = force(answering, pictures, question, answer, longest)
        named = _targets(forced, words, rather_than)
        targets = [target for _, target in named]
        raw = chosen.explain(answering, forced.run, targets, **options).detach()
        shown = raw
        if pictures and (method == "keyflow" if smooth is None else smooth):
            shown = spread(raw, forced.run, picture_likeness(answering, forced.run, forced.tower))
        seen = _log_probabilities(forced, forced.run, targets)
        blind = torch.full_like(seen, torch.nan) if not pictures else _blind(forced, pictures, question, targets)
    context = [*forced.prompt.words, *forced.answer.words]
    return Answer(
        question=question,
        text=forced.answer.text,
        words=tuple(name for name, _ in named),
        pictures=tuple(pictures),
        raw_maps=tuple(
            picture_maps(shown, grids, (one.height, one.width))
            for grids, one in zip(forced.run.pictures, pictures, strict=True)
        ),
        context=tuple(word.text for word in context),
        asked=len(forced.prompt.words),
        text_relevance=text_relevance(
            raw.cpu(), [word.places for word in context], [max(target.rows) + 1 for target in targets]
        ),
        picture_share=shares(raw, forced.run.image[0]).cpu(),
        probabilities=seen.exp(),
        from_picture=seen - blind,
        rather_than=rather_than,
        free=free,
        cut=cut,
        model=answering.name,
        method=method,
        options=options,
        versions=versions(answering.family),
    )


def force(
    view: AnsweringView, pictures: Sequence[Image.Image], question: str, answer: str | None, longest: int = LONGEST
) -> tuple[Forced, bool, bool]:
    """The question with an answer behind it; whether the model said it by itself, and whether it was cut."""
    view.check_ready()
    inputs: dict[str, Tensor] = dict(view.place(view.inputs(question, pictures)))
    length = inputs["input_ids"].shape[1]
    _check_length(view, length + (longest if answer is None else 1))
    cut = False
    if answer is None:
        ids, cut = generate(view, inputs, longest)
    else:
        ids = answer_ids(view.tokenizer, view.prompt(question, len(pictures)), answer)
        _check_length(view, length + len(ids))
    return _forced(view, inputs, ids, pictures), answer is None, cut


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


def _answering(view: View | nn.Module | str) -> AnsweringView:
    view = load(view) if isinstance(view, str) else wrap(view)
    if not isinstance(view, AnsweringView):
        raise BadInput(f"{view.name} does not answer in words: explain it with whylight.explain")
    return view


def _pictures(picture: PictureLike | Sequence[PictureLike] | None) -> list[Image.Image]:
    if picture is None:
        return []
    several: Sequence[Any] = picture if isinstance(picture, (list, tuple)) else [picture]
    return [read_picture(each) for each in several]


def _check_length(view: AnsweringView, tokens: int) -> None:
    most = getattr(view.parts.language.config, "max_position_embeddings", None)
    if most is not None and tokens > most:
        raise BadInput(
            f"{view.name} takes {most:,} tokens, and question, pictures and answer are {tokens:,}: "
            "ask for a shorter answer (longest=...) or give a smaller picture"
        )


def _targets(forced: Forced, words: Sequence[str] | None, rather_than: str | None) -> list[tuple[str, Words]]:
    """What is explained, by name."""
    if rather_than is not None:
        return [_rather(forced, words, rather_than)]
    if words is None:
        found = [(word.text, forced.target(word.places)) for word in forced.answer.words if word.places]
    else:
        found = [(wanted, forced.target(forced.answer.phrase(wanted))) for wanted in words]
    if not found:
        raise BadInput(f"the answer {forced.answer.text!r} holds no word to explain")
    return found


def _rather(forced: Forced, words: Sequence[str] | None, rather_than: str) -> tuple[str, Words]:
    """The first token in which the word and the other one differ."""
    if words is not None and len(words) != 1:
        raise BadInput(f"rather_than explains one word or phrase, not {len(words)}: name one in words")
    wanted = words[0] if words else forced.answer.text
    places = forced.answer.phrase(wanted)
    before = forced.view.tokenizer.decode(forced.run.ids[0, : places[0]].tolist()) if places[0] else ""
    other = answer_ids(forced.view.tokenizer, before, rather_than)
    for place, token in zip(places, other, strict=False):
        if int(forced.run.ids[0, place]) != token:
            return wanted, forced.target([place], [token])
    raise BadInput(f"{wanted!r} and {rather_than!r} begin with the same tokens: nothing speaks for one rather than")


@torch.no_grad()
def _log_probabilities(forced: Forced, run: AnsweringPass, targets: Sequence[Words]) -> Tensor:
    """log p of every target, (targets,)."""
    tokens = run.tokens
    for block in run.blocks:
        tokens = block(tokens)
    each = log_probabilities(run, tokens).cpu()
    return torch.stack([each[[row + 1 - forced.begins for row in target.rows]].sum() for target in targets])


@torch.no_grad()
def _blind(forced: Forced, pictures: Sequence[Image.Image], question: str, targets: Sequence[Words]) -> Tensor:
    """The same where the pictures are blurred away."""
    blurred = [_blurred(picture) for picture in pictures]
    inputs: dict[str, Tensor] = dict(forced.view.place(forced.view.inputs(question, blurred)))
    more = forced.view.with_answer(inputs, forced.run.ids[:, forced.begins :])
    return _log_probabilities(forced, forced.view.begin(more, answer=forced.run.answer), targets)


def _blurred(picture: Image.Image) -> Image.Image:
    """Nothing but its large shades, of the same shape."""
    small = picture.resize((8, 8)).filter(ImageFilter.GaussianBlur(4))
    return small.resize(picture.size, Image.Resampling.BICUBIC)

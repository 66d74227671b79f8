"""From a question to an answer whose words are explained: at once, or as it comes."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

from PIL import Image
from torch import nn

from whylight.answers.answer import Answer
from whylight.answers.explaining import Explaining, NamedWords, gradients, joined
from whylight.answers.forcing import LONGEST, Forced, force
from whylight.answers.tokens import answer_ids
from whylight.errors import BadInput, WhylightWarning
from whylight.methods.answering.catalog import find_answer_method
from whylight.models.inputs import check_text
from whylight.models.load import load
from whylight.models.transformers.answering.view import AnsweringView
from whylight.models.view import View
from whylight.models.wrap import wrap
from whylight.pictures.read import PictureLike, read_picture
from whylight.runs.type_hints import check_types

AT_ONCE = 8
"""Most words that are explained together while others wait to be seen."""


def ask(
    view: View | nn.Module | str,
    picture: PictureLike | Sequence[PictureLike] | None,
    question: str,
    *,
    answer: str | Sequence[int] | None = None,
    rather_than: str | None = None,
    words: Sequence[str | int] | None = None,
    method: str = "keyflow",
    smooth: bool | None = None,
    longest: int = LONGEST,
    heard: Callable[[str | Answer], None] | None = None,
    **options: Any,
) -> Answer:
    """Ask a model that answers in words, and see where each word of its answer comes from.

    Args:
        view: from :func:`whylight.wrap` (with ``processor=``) or :func:`whylight.load`; or a live model, or a name.
        picture: a picture, several for one question, or None for a question about text alone.
        question: goes through the model's chat template. Where it has none, it is the whole prompt, and holds the
            placeholder of each picture.
        answer: explain this answer, its text or its token numbers; default: what the model says by itself (greedy).
        rather_than: explain the answer's first differing token by its logit minus that of this other answer. One word
            or phrase is explained then.
        words: only these words and phrases of the answer, each as one target; a number counts the answer's words from
            0. Default: every word.
        method: a name out of :func:`whylight.methods.answering.catalog.answer_methods`.
        smooth: spread relevance among the picture's tokens whose keys are alike; default: with keyflow only.
        longest: at most so many tokens of a free answer.
        heard: told what there is as it comes: a free answer's text after each token, then the answer with the next of
            its words, one, then two, four, at most eight. What it raises ends it there, the generation included.
        **options: the method's own (``start_layer``, ...).

    Raises:
        BadInput: a model that does not answer in words, a prompt, picture, answer or word that does not fit, or more
            tokens than the model takes.
        UnknownName: no such method or option.
        UnsupportedModel: a model whose tokens or attention cannot be followed.

    Warns:
        WhylightWarning: the question has words that the model does not know.
    """
    asked = {"answer": answer, "rather_than": rather_than, "words": words, "smooth": smooth, "longest": longest}
    check_types("ask", asked, ask)
    chosen = find_answer_method(method)
    options = chosen.check_options(options)
    if smooth and not chosen.smooth:
        raise BadInput(f"{method} takes no smooth=True")
    answering, pictures = answering_view(view, question), read_pictures(picture)
    with gradients():
        forced, free, cut = force(answering, pictures, question, answer, longest, heard)
    smooth = method == "keyflow" if smooth is None else smooth
    named = _targets(forced, words, rather_than)
    explaining = Explaining(forced, tuple(pictures), question, rather_than, free, cut, chosen, options, smooth)
    return explaining.answer(named) if heard is None else _as_it_comes(explaining, named, heard)


def _as_it_comes(explaining: Explaining, named: list[NamedWords], heard: Callable[[Answer], None]) -> Answer:
    """The first word alone, then twice as many each time: who listens sees a map soon, and few passes are run again."""
    parts: list[Answer] = []
    first, count = 0, 1
    while first < len(named):
        parts.append(explaining.answer(named[first : first + count]))
        heard(parts[-1])
        first, count = first + count, min(2 * count, AT_ONCE)
    return joined(parts)


def answering_view(view: View | nn.Module | str, question: str) -> AnsweringView:
    """The model, which can be asked this.

    Raises:
        BadInput: it does not answer in words, or the question is empty.

    Warns:
        WhylightWarning: the question has words that the model does not know.
    """
    check_text(question, "the question")
    if not question.strip():
        raise BadInput("the question is empty: ask something")
    view = load(view) if isinstance(view, str) else wrap(view)
    if not isinstance(view, AnsweringView):
        raise BadInput(f"{view.name} does not answer in words: explain it with whylight.explain")
    if unknown := view.unknown_words(question):
        said = ", ".join(map(repr, unknown))
        warnings.warn(f"{view.name} does not know {said}: its answer means little", WhylightWarning, stacklevel=3)
    return view


def read_pictures(picture: PictureLike | Sequence[PictureLike] | None) -> list[Image.Image]:
    """All pictures of a question."""
    if picture is None:
        return []
    several: Sequence[Any] = picture if isinstance(picture, (list, tuple)) else [picture]
    return [read_picture(each) for each in several]


def _targets(forced: Forced, words: Sequence[str | int] | None, rather_than: str | None) -> list[NamedWords]:
    """What is explained, by name."""
    if rather_than is not None:
        return [_rather(forced, words, rather_than)]
    if words is None:
        words = [number for number, word in enumerate(forced.answer.words) if word.places]
    found = [_named(forced, wanted) for wanted in words]
    if not found:
        raise BadInput(f"the answer {forced.answer.text!r} holds no word to explain")
    return found


def _named(forced: Forced, wanted: str | int) -> NamedWords:
    """A phrase of the answer, or one of its words by number."""
    said = forced.answer
    if isinstance(wanted, str):
        span = said.find(wanted)
        return NamedWords(wanted, span, forced.target(said.places(span)))
    if not 0 <= wanted < len(said.words):
        raise BadInput(f"the answer {said.text!r} has no word {wanted}: it has {len(said.words)}, counted from 0")
    word = said.words[wanted]
    if not word.places:
        raise BadInput(f"{word.text!r} of the answer is no token of its own: name the words around it")
    return NamedWords(word.text, word.span, forced.target(word.places))


def _rather(forced: Forced, words: Sequence[str | int] | None, rather_than: str) -> NamedWords:
    """The first token in which the word and the other one differ."""
    if words is not None and len(words) != 1:
        raise BadInput(f"rather_than explains one word or phrase, not {len(words)}: name one in words")
    wanted = _named(forced, words[0] if words else forced.answer.text)
    places = [row + 1 for row in wanted.target.rows]
    before = forced.view.tokenizer.decode(forced.run.ids[0, : places[0]].tolist()) if places[0] else ""
    other = answer_ids(forced.view.tokenizer, before, rather_than)
    for place, token in zip(places, other, strict=False):
        if int(forced.run.ids[0, place]) != token:
            return NamedWords(wanted.name, wanted.span, forced.target([place], [token]))
    raise BadInput(
        f"{wanted.name!r} and {rather_than!r} begin with the same tokens: nothing speaks for one rather than"
    )

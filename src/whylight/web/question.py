"""What is asked of a picture, from a request to the words of :meth:`whylight.Session.explain`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from whylight.errors import BadInput, WhylightError
from whylight.web.context import Context, method_options
from whylight.web.kinds import scores_of
from whylight.web.refusal import Refusal
from whylight.web.schemas import AskPicture, Question
from whylight.web.shelf import Served

if TYPE_CHECKING:
    from whylight.pictures.explanation import Explanation
    from whylight.pictures.session import Session


def question(context: Context, served: Served, asked: Question, targets: Sequence[str | int]) -> dict[str, Any]:
    """Targets, likeness, and what else :meth:`whylight.Session.explain` takes of them.

    Raises:
        BadInput: too many, too long, or what does not go together.
        Refusal: a class that the model does not have (404), or a picture that is not kept (410).
    """
    of_targets = asked.rather_than is not None or bool(asked.without)
    if asked.like is not None and of_targets:
        raise BadInput("rather_than and without are said of targets: leave them out beside like")
    _check_size(context, [*targets, *asked.without, *([] if asked.rather_than is None else [asked.rather_than])])
    how: dict[str, Any] = {"targets": _targets(served, asked, list(targets)), "negative": asked.negative}
    how["without"] = asked.without
    if asked.like is not None:
        how |= {"like": context.other_picture(served, asked), "patch": asked.like.patch}
    return how


def explained(context: Context, served: Served, session: Session, asked: AskPicture) -> Explanation:
    """The explanation that is asked for, of the session's picture.

    Raises:
        BadInput, Refusal: as :func:`question` does, or what :meth:`whylight.Session.explain` refuses.
    """
    options = method_options(asked.method, asked.options)
    how = question(context, served, asked, asked.targets)
    _check_words(context, asked)
    return session.explain(**how, method=asked.method, words=asked.words, **options)


def unit_of(served: Served, asked: Question) -> str:
    """What the scores of its answer are."""
    return scores_of(served.view) if asked.rather_than is None else "difference"


def _check_words(context: Context, asked: AskPicture) -> None:
    """Refuse words that would take longer than a question may.

    Raises:
        BadInput: too many of them, or words of what is no prompt as it is.
    """
    from whylight.pictures.phrases import phrases_of
    from whylight.pictures.shapley import values_asked

    if not asked.words:
        return
    if asked.rather_than is not None or asked.like is not None:
        raise BadInput("words are of prompts as they are: leave rather_than and like out")
    most = context.limits.word_maps if asked.method == "legrad" else context.limits.word_maps_anew
    if sum(values_asked(len(phrases_of(each).parts)) for each in asked.targets if isinstance(each, str)) > most:
        raise BadInput(
            f"words take a map for every set of them, and at most {most} are taken at once by {asked.method}: ask with "
            "fewer words, or group some in parentheses, such as (a red ring) and (a star)"
        )


def _check_size(context: Context, said: Sequence[str | int]) -> None:
    limits = context.limits
    if len(said) > limits.prompts:
        raise BadInput(f"at most {limits.prompts} prompts at once")
    if any(isinstance(each, str) and len(each) > limits.prompt_characters for each in said):
        raise BadInput(f"a prompt has at most {limits.prompt_characters} characters")


def _targets(served: Served, asked: Question, targets: list[str | int]) -> Any:
    """All prompts, all classes, differences of them, or None.

    Raises:
        Refusal: a class that the model does not have (404).
    """
    from whylight.models.targets import difference
    from whylight.pictures.prompts_and_classes import name_targets

    wanted: Any = targets or None
    if asked.rather_than is not None:
        if not targets:
            raise BadInput("rather_than tells targets apart: name at least one")
        if asked.without:
            raise BadInput("without is of prompts as they are: leave rather_than out")
        wanted = difference(targets, [asked.rather_than] * len(targets))
    named = [*targets, asked.rather_than or ""]
    if not targets or not served.view.classifies or not all(isinstance(each, str) for each in named):
        return wanted
    try:
        return name_targets(served.view, wanted)
    except WhylightError as error:
        raise Refusal(404, "unknown_class", str(error)) from None

"""Routes: words of prompts and of texts, coloured and taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from whylight.errors import BadInput
from whylight.web.about_maps import RANDOM_ORDERS, swept
from whylight.web.context import Context
from whylight.web.kinds import asks, reads, scores_of
from whylight.web.schemas import AskText, EraseText, EraseWords, Words
from whylight.web.shelf import Served

if TYPE_CHECKING:
    from whylight.models.view import View
    from whylight.text import TextExplanation


def routes(context: Context) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["words"])

    @router.post("/words")
    async def words(request: Request, asked: Words) -> Response:
        """The words of a prompt that made it match the picture, by the text tower."""
        return await context.answer(request, asked.model, lambda served: _of_prompt(context, served, asked))

    @router.post("/words/erase")
    async def erase_words(request: Request, asked: EraseWords) -> Response:
        """The score of a prompt with a share of its words taken out: those of most relevance, and random ones."""

        def work(served: Served) -> Any:
            session = context.session(served, asked)
            return _swept(_with_text_tower(served), asked.prompt, asked, session.output)

        return await context.answer(request, asked.model, work)

    @router.post("/text")
    async def text(request: Request, asked: AskText) -> Response:
        """The words of a text that a text classifier rested on, with their places in the text."""
        return await context.answer(request, asked.model, lambda served: _of_text(context, served, asked))

    @router.post("/text/erase")
    async def erase_text(request: Request, asked: EraseText) -> Response:
        """The score of a class with a share of the text's words taken out: those of most relevance, and random ones."""
        return await context.answer(
            request, asked.model, lambda served: _swept(_text_model(served), asked.text, asked, [asked.target])
        )

    return router


def _of_prompt(context: Context, served: Served, asked: Words) -> dict[str, Any]:
    from whylight.text import explain_text

    if len(asked.prompt) > context.limits.prompt_characters:
        raise BadInput(f"a prompt has at most {context.limits.prompt_characters} characters")
    session = context.session(served, asked)
    return _told(served, explain_text(_with_text_tower(served), asked.prompt, session.output, asked.method))


def _of_text(context: Context, served: Served, asked: AskText) -> dict[str, Any]:
    from whylight.text import explain_text

    if max(len(asked.text), len(asked.pair or "")) > context.limits.text_characters:
        raise BadInput(f"a text has at most {context.limits.text_characters} characters")
    targets: Any = asked.targets or None
    text = asked.text if asked.pair is None else (asked.text, asked.pair)
    return _told(served, explain_text(_text_model(served), text, targets, asked.method))


def _with_text_tower(served: Served) -> View:
    if served.view.classifies:
        raise BadInput(f"{served.name} has no text tower: its classes have no words to look at")
    return served.view


def _text_model(served: Served) -> View:
    if reads(served.view) == "pictures" or asks(served.view) != "classes":
        raise BadInput(f"{served.name} is no text classifier: choose one that is")
    return served.view


def _told(served: Served, found: TextExplanation) -> dict[str, Any]:
    """All of it; a score is called so whatever it is, and what it is stands beside the targets."""
    told = found.to_dict()
    for row in told["targets"]:
        row["score"] = row.pop(found.score_name)
    return told | {"scores": scores_of(served.view)}


def _swept(view: View, text: str, asked: EraseWords | EraseText, targets: Any) -> dict[str, Any]:
    from whylight.evaluation.baselines import baseline
    from whylight.evaluation.erasing import text_scores, words_erased
    from whylight.pictures.prompts_and_classes import name_targets

    target = name_targets(view.text, targets)
    orders = [baseline("random", (1, len(asked.values)), f"order {n}")[0].tolist() for n in range(RANDOM_ORDERS)]
    texts = [words_erased(text, order, asked.share) for order in (asked.values, *orders)]
    scores = text_scores(view, texts, target)
    return swept(asked.share, scores, target.names[0], scores_of(view)) | {"text": texts[0]}

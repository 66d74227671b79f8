"""Routes: words of prompts and of texts, coloured and taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from whylight.errors import BadInput
from whylight.web.context import Context, as_json
from whylight.web.schemas import AskText, EraseText, EraseWords, Words
from whylight.web.shelf import Served

if TYPE_CHECKING:
    from whylight.text import TextExplanation

RANDOM_ORDERS = 4


def routes(context: Context) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["words"])

    @router.post("/words")
    async def words(request: Request, asked: Words) -> Response:
        """The words of a prompt that made it match the picture, by the text tower."""
        served = context.shelf.find(asked.model)
        return await context.turn(request, served, lambda: as_json(_of_prompt(context, served, asked).to_dict()))

    @router.post("/words/erase")
    async def erase_words(request: Request, asked: EraseWords) -> Response:
        """The score of a prompt with a share of its words taken out: those of most relevance, and random ones."""
        served = context.shelf.find(asked.model)

        def answer() -> Response:
            from whylight.pictures.prompts_and_classes import name_targets

            explained = _of_prompt(context, served, asked)
            target = name_targets(served.view.text, context.session(served, asked).output)
            return as_json(_swept(served, explained, target, asked.share, asked.least))

        return await context.turn(request, served, answer)

    @router.post("/text")
    async def text(request: Request, asked: AskText) -> Response:
        """The words of a text that a text classifier rested on, with their places in the text."""
        served = context.shelf.find(asked.model)
        return await context.turn(request, served, lambda: as_json(_of_text(context, served, asked).to_dict()))

    @router.post("/text/erase")
    async def erase_text(request: Request, asked: EraseText) -> Response:
        """The score of a class with a share of the text's words taken out: those of most relevance, and random ones."""
        served = context.shelf.find(asked.model)

        def answer() -> Response:
            from whylight.pictures.prompts_and_classes import name_targets

            explained = _of_text(context, served, asked)
            target = name_targets(served.view.text, explained.targets[:1])
            return as_json(_swept(served, explained, target, asked.share, asked.least))

        return await context.turn(request, served, answer)

    return router


def _of_prompt(context: Context, served: Served, asked: Words) -> TextExplanation:
    from whylight.text import explain_text

    if len(asked.prompt) > context.limits.prompt_characters:
        raise BadInput(f"a prompt has at most {context.limits.prompt_characters} characters")
    session = context.session(served, asked)
    if served.view.classifies:
        raise BadInput(f"{served.name} has no text tower: its classes have no words to look at")
    return explain_text(served.view, asked.prompt, session.output, asked.method)


def _of_text(context: Context, served: Served, asked: AskText) -> TextExplanation:
    from whylight.text import explain_text

    if len(asked.text) > context.limits.text_characters:
        raise BadInput(f"a text has at most {context.limits.text_characters} characters")
    if served.view.preprocessing is not None:
        raise BadInput(f"{served.name} reads pictures: choose a text classifier")
    targets: Any = asked.targets or None
    return explain_text(served.view, asked.text, targets, asked.method)


def _swept(served: Served, explained: TextExplanation, target: Any, share: float, least: bool) -> dict[str, Any]:
    from whylight.evaluation.baselines import baseline
    from whylight.evaluation.erasing import text_scores, words_erased

    relevance = explained.word_relevance[0].nan_to_num()
    own = (-relevance if least else relevance).tolist()
    orders = [baseline("random", (1, len(own)), f"order {n}")[0].tolist() for n in range(RANDOM_ORDERS)]
    texts = [words_erased(explained.text, order, share) for order in (own, *orders)]
    scores = text_scores(served.view, texts, target)
    return {
        "share": share,
        "score": float(scores[0]),
        "random": float(scores[1:].mean()),
        "score_name": explained.score_name,
        "random_orders": RANDOM_ORDERS,
        "text": texts[0],
        "target": explained.targets[0],
    }

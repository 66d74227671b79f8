"""Routes: questions to models that answer in words; the answer comes word by word, and then its maps."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response

from whylight.errors import BadInput
from whylight.web.about_files import file_answer
from whylight.web.context import Context
from whylight.web.kinds import asks
from whylight.web.numbers import encoded, finite
from whylight.web.schemas import AskQuestion
from whylight.web.shelf import Served
from whylight.web.telling import Tell

if TYPE_CHECKING:
    from PIL import Image

    from whylight.answers import Answer

SAMPLED = 128
"""Longer side of the map of a picture that the model saw on several tiles."""


def routes(context: Context) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["answers"])

    @router.post("/ask", response_class=Response)
    async def ask(request: Request, asked: AskQuestion) -> Response:
        """Lines of JSON as they come: {"unknown": words of the question that the model does not know}, if any;
        {"said": the text so far}; once {"answer": ...}, what holds for all words; {"words": [...]}, the next words with
        their maps; {"done": {"seconds": ...}}. What goes wrong on the way is a last line {"error": ..., "code": ...}.
        Who closes the connection ends the answer."""
        served = context.shelf.find(asked.model)
        return await context.told(request, served, lambda tell: _ask(context, served, asked, tell))

    @router.post("/ask/save/{form}", response_class=Response)
    async def save(
        request: Request, form: Literal["png", "json", "html", "safetensors"], asked: AskQuestion
    ) -> Response:
        """What Answer.save writes: the figure, a self-contained page, all numbers as JSON, or the maps."""
        from whylight.answers import ask

        served = context.shelf.find(asked.model)

        def answer() -> Response:
            found = ask(served.view, _picture(context, served, asked), asked.question, **_how(asked))
            return file_answer(found.to_bytes(form), form)

        return await context.turn(request, served, answer)

    return router


def _ask(context: Context, served: Served, asked: AskQuestion, tell: Tell) -> None:
    from whylight.answers import ask

    begin, number = time.perf_counter(), 0

    def hear(part: str | Answer) -> None:
        nonlocal number
        if isinstance(part, str):
            return tell({"said": part})
        facts = part.to_dict()
        words = facts.pop("words")
        if number == 0:
            size = [part.picture.height, part.picture.width] if part.picture else None
            tell({"answer": facts | {"picture_size": size}})
        tell({"words": [word | _map(part, i, asked) for i, word in enumerate(words)]})
        number += len(words)

    picture = _picture(context, served, asked)
    if unknown := served.view.unknown_words(asked.question):
        tell({"unknown": unknown})
    ask(served.view, picture, asked.question, heard=hear, **_how(asked))
    tell({"done": {"seconds": round(time.perf_counter() - begin, 4), "words": number}})


def _picture(context: Context, served: Served, asked: AskQuestion) -> Image.Image | None:
    """The picture asked about; none where none is named.

    Raises:
        BadInput: the model does not answer questions.
    """
    if asks(served.view) != "questions":
        raise BadInput(f"{served.name} does not answer in words: offer one that does (--model scenes-answers)")
    return None if asked.picture is None and asked.scene is None else context.picture(asked)[0].shown()


def _how(asked: AskQuestion) -> dict[str, Any]:
    """What whylight.ask takes beside picture and question; of options the method's own alone."""
    from whylight.methods.answering.catalog import find_answer_method

    options = find_answer_method(asked.method).check_options(asked.options)
    named = asked.model_dump(include={"answer", "rather_than", "method", "longest"})
    return named | {"words": asked.words or None} | options


def _map(part: Answer, word: int, asked: AskQuestion) -> dict[str, Any]:
    """Where a word stands in the text, and its relevance on the picture: the tokens' own grid, or of several tiles the
    density that they add up to."""
    start, end = part.spans[word]
    placed: dict[str, Any] = {"start": start, "end": end}
    if part.picture is None:
        return placed
    width, height = part.picture.size
    if len(part.grids[0]) == 1:
        grid = part.grids[0][0]
        values = part.relevance[word, grid.positions()]
        top, left, bottom, right = grid.frame
    else:
        values = part.density(0, SAMPLED)[word]
        top, left, bottom, right = 0, 0, 1, 1
    return placed | {
        "grid": list(values.shape),
        "seen_left_top_right_bottom": finite([left * width, top * height, right * width, bottom * height]),
        "relevance": encoded(values, asked.numbers),
    }

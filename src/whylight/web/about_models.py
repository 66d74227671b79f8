"""Routes: which models there are, and what each can be asked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from whylight.errors import BadInput
from whylight.web.context import Context
from whylight.web.kinds import BUNDLED, asks, classes_of, reads, scores_of
from whylight.web.schemas import Offer, OfPicture
from whylight.web.shelf import Served

if TYPE_CHECKING:
    from whylight.methods.registry import Method
    from whylight.models.view import View

TOP = 5


def routes(context: Context) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["models"])

    @router.get("/models")
    async def models() -> dict[str, Any]:
        """The models that are offered, how far each is loaded, and what those that are ready can do."""
        limits = {"upload_bytes": context.limits.upload_bytes, "pixels": context.limits.pixels}
        states = [_state(served) for served in context.shelf]
        return {"models": states, "allow_loading": context.shelf.allow_loading, "limits": limits}

    @router.post("/models")
    async def load_model(offer: Offer) -> dict[str, Any]:
        """Load a model (one that is offered; others where the server allows it), and say what it can do."""
        served = context.shelf.add(offer.name)
        await served.ready()
        return _state(served)

    @router.get("/methods")
    def methods() -> dict[str, Any]:
        """All methods, with what they do, where they come from, and the options of each; those for answers apart."""
        from whylight.methods import find_method, methods
        from whylight.methods.answering.catalog import answer_methods, find_answer_method

        return {
            "methods": [_method(find_method(name)) for name in _first("legrad", methods())],
            "answer_methods": [_method(find_answer_method(name)) for name in _first("keyflow", answer_methods())],
        }

    @router.get("/classes")
    async def classes(model: str | None = None) -> dict[str, Any]:
        """Names of a classifier's classes, in the order of their numbers; numbers where it knows no names."""
        served = context.shelf.find(model)
        await served.ready()
        if asks(served.view) != "classes":
            return {"classes": []}
        view = classes_of(served.view)
        return {"classes": view.class_names or [str(number) for number in range(view.class_count or 0)]}

    @router.post("/predict")
    async def predict(request: Request, asked: OfPicture) -> Response:
        """The classes of a picture with the greatest scores."""
        return await context.answer(request, asked.model, lambda served: _predicted(context, served, asked))

    return router


def _predicted(context: Context, served: Served, asked: OfPicture) -> dict[str, Any]:
    from whylight.models.scores import as_scores

    session = context.session(served, asked)
    if not served.view.classifies:
        raise BadInput(f"{served.name} predicts no classes: ask with prompts")
    scores = as_scores(session.output[0], served.view.scores)
    best = scores.topk(min(TOP, len(scores)))
    names = served.view.class_names or [str(number) for number in range(len(scores))]
    pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
    top = [{"index": index, "name": names[index], "score": score} for index, score in pairs]
    return {"scores": served.view.scores, "top": top}


def _first(name: str, names: Iterable[str]) -> list[str]:
    """In the order of the alphabet behind one."""
    return sorted(names, key=lambda each: (each != name, each))


def _method(method: Method) -> dict[str, Any]:
    about = {"name": method.name, "summary": method.summary, "citation": method.citation}
    return about | {"options": [*method.options]}


def _state(served: Served) -> dict[str, Any]:
    state: dict[str, Any] = {"name": served.name, "state": served.state, "waiting": served.line.waiting}
    if served.name in BUNDLED:
        state["asks"] = BUNDLED[served.name]
    if served.state == "loading":
        state["loading_seconds"] = round(served.loading_seconds, 1)
    elif served.state == "failed":
        state["error"] = served.error
    elif served.state == "ready":
        state |= _facts(served.view)
    return state


def _facts(view: View) -> dict[str, Any]:
    parameters = list(view.module.parameters())
    facts: dict[str, Any] = {
        "reads": reads(view),
        "asks": asks(view),
        "scores": None if asks(view) == "questions" else scores_of(view),
        "family": view.family,
        "parameters": sum(parameter.numel() for parameter in parameters),
        "bytes": sum(parameter.nbytes for parameter in parameters),
        "device": str(view.parameter.device),
        "precision": str(view.parameter.dtype).removeprefix("torch."),
        "words": list(getattr(getattr(view, "tokenizer", None), "words", ())),
    }
    if view.preprocessing is not None:
        (height, width), (down, across) = view.preprocessing.size, view.preprocessing.patch
        facts |= {"input_size": [height, width], "grid": [height // down, width // across]}
    return facts

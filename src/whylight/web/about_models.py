"""Routes: which models there are, and what each can be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from whylight.errors import BadInput
from whylight.models.scores import as_scores
from whylight.web.context import Context, as_json
from whylight.web.schemas import Offer, OfPicture
from whylight.web.shelf import Served

if TYPE_CHECKING:
    from whylight.models.view import View

TOP = 5


def routes(context: Context) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["models"])

    @router.get("/models")
    async def models() -> dict[str, Any]:
        """The models that are offered, how far each is loaded, and what those that are ready can do."""
        return {"models": [_state(served) for served in context.shelf], "allow_loading": context.shelf.allow_loading}

    @router.post("/models")
    async def load_model(offer: Offer) -> dict[str, Any]:
        """Load a model (one that is offered; others where the server allows it), and say what it can do."""
        served = context.shelf.add(offer.name)
        await served.ready()
        return _state(served)

    @router.get("/methods")
    def methods() -> dict[str, Any]:
        """All methods, with what they do, where they come from, and the options of each."""
        from whylight.methods import find_method, methods

        found = [find_method(name) for name in sorted(methods(), key=lambda name: (name != "legrad", name))]
        return {
            "methods": [
                {"name": each.name, "summary": each.summary, "citation": each.citation, "options": [*each.options]}
                for each in found
            ]
        }

    @router.get("/classes")
    async def classes(model: str | None = None) -> dict[str, Any]:
        """Names of a classifier's classes, in the order of their numbers; numbers where it knows no names."""
        served = context.shelf.find(model)
        await served.ready()
        view = served.view.text if served.view.preprocessing is None else served.view
        names = view.class_names or [str(number) for number in range(view.class_count or 0)]
        return {"classes": names if view.classifies else []}

    @router.post("/predict")
    async def predict(request: Request, asked: OfPicture) -> Response:
        """The most probable classes of a picture."""
        served = context.shelf.find(asked.model)

        def answer() -> Response:
            session = context.session(served, asked)
            if not served.view.classifies:
                raise BadInput(f"{served.name} predicts no classes: ask with prompts")
            probabilities = as_scores(session.output[0], served.view.scores)
            best = probabilities.topk(min(TOP, len(probabilities)))
            names = served.view.class_names or [str(number) for number in range(len(probabilities))]
            pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
            return as_json({"top": [{"index": i, "name": names[i], "probability": p} for i, p in pairs]})

        return await context.turn(request, served, answer)

    return router


def _state(served: Served) -> dict[str, Any]:
    state: dict[str, Any] = {"name": served.name, "state": served.state, "waiting": served.line.waiting}
    if served.state == "loading":
        state["loading_seconds"] = round(served.loading_seconds, 1)
    elif served.state == "failed":
        state["error"] = served.error
    elif served.state == "ready":
        state |= _facts(served.view)
    return state


def _facts(view: View) -> dict[str, Any]:
    parameters = list(view.module.parameters())
    reads_text = view.preprocessing is None
    facts: dict[str, Any] = {
        "reads": "text" if reads_text else "pictures",
        "asks": "classes" if (view.text if reads_text else view).classifies else "prompts",
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

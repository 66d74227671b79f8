"""Routes: maps of a picture, what one patch attends to, and whether the maps are true."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from whylight.errors import BadInput, WhylightError
from whylight.web.context import Context, method_options
from whylight.web.kinds import scores_of
from whylight.web.numbers import encoded, finite
from whylight.web.refusal import Refusal
from whylight.web.schemas import AskPatch, AskPicture, Erase, Explain
from whylight.web.shelf import Served

if TYPE_CHECKING:
    from torch import Tensor

    from whylight.pictures.explanation import Explanation

RANDOM_ORDERS = 4


def routes(context: Context) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["maps"])

    @router.post("/explain")
    async def explain(request: Request, asked: Explain) -> Response:
        """Raw relevance of every patch for every target, unnormalised, or of every layer."""
        return await context.answer(request, asked.model, lambda served: _explained(context, served, asked))

    @router.post("/patch")
    async def patch(request: Request, asked: AskPatch) -> Response:
        """What one layer makes of a patch: the attention of each head, and the cosine with every other patch."""
        return await context.answer(request, asked.model, lambda served: _patch(context, served, asked))

    @router.post("/erase")
    async def erase(request: Request, asked: Erase) -> Response:
        """The score of a target with a share of the patches black: those of the highest values, and random ones."""
        return await context.answer(request, asked.model, lambda served: _erased(context, served, asked))

    return router


def _explained(context: Context, served: Served, asked: Explain) -> dict[str, Any]:
    session = context.session(served, asked)
    options = method_options(asked.method, asked.options)
    layers = None
    if asked.layers:
        if asked.method != "legrad":
            raise BadInput("layers are apart in legrad only")
        whole, layers = session.explain_by_layer(targets_of(context, served, asked), **options)
    else:
        whole = session.explain(targets_of(context, served, asked), asked.method, **options)
    seconds = served.forward_seconds(session.look.pixels)
    return _facts(whole, layers, asked) | {"scores": scores_of(served.view), "forward_seconds": seconds}


def _patch(context: Context, served: Served, asked: AskPatch) -> dict[str, Any]:
    from whylight.pictures.patches import patch_of

    seen = patch_of(context.session(served, asked).look, asked.layer, asked.row, asked.column)
    return {
        "grid": list(seen.likeness.shape),
        "attention": finite(seen.attention.flatten(1).tolist()),
        "elsewhere": finite(seen.elsewhere.tolist()),
        "likeness": finite(seen.likeness.flatten().tolist()),
    }


def _erased(context: Context, served: Served, asked: Erase) -> dict[str, Any]:
    import torch

    from whylight.evaluation.baselines import baseline
    from whylight.evaluation.erasing import scores_when_erased
    from whylight.pictures.prompts_and_classes import name_targets

    session = context.session(served, asked)
    if len({len(row) for row in asked.grid}) != 1:
        raise BadInput("the rows of a grid are equally long")
    own = torch.tensor(asked.grid).nan_to_num()
    shape = (own.shape[0], own.shape[1])
    orders = [own, *(baseline("random", shape, f"order {number}") for number in range(RANDOM_ORDERS))]
    target = name_targets(served.view, [asked.target])  # type: ignore[arg-type]
    scores = scores_when_erased(session.look, torch.stack(orders), target, asked.share)
    return swept(asked.share, scores, target.names[0], scores_of(served.view))


def swept(share: float, scores: Tensor, target: str, unit: str) -> dict[str, Any]:
    """A point of a sweep: the score with what an order puts first taken away, and the mean over random orders."""
    return {
        "share": share,
        "score": float(scores[0]),
        "random": float(scores[1:].mean()),
        "random_orders": len(scores) - 1,
        "target": target,
        "scores": unit,
    }


def targets_of(context: Context, served: Served, asked: AskPicture) -> Any:
    """Targets as :meth:`whylight.Session.explain` takes them: all prompts, all classes, or None.

    Raises:
        BadInput: too many, or too long.
        Refusal: a class that the model does not have (404).
    """
    limits, targets = context.limits, asked.targets
    if len(targets) > limits.prompts:
        raise BadInput(f"at most {limits.prompts} prompts at once")
    if any(isinstance(each, str) and len(each) > limits.prompt_characters for each in targets):
        raise BadInput(f"a prompt has at most {limits.prompt_characters} characters")
    if not targets:
        return None
    if served.view.classifies and all(isinstance(each, str) for each in targets):
        from whylight.pictures.prompts_and_classes import name_targets

        try:
            return name_targets(served.view, targets)  # type: ignore[arg-type]
        except WhylightError as error:
            raise Refusal(404, "unknown_class", str(error)) from None
    return targets


def _facts(whole: Explanation, layers: Tensor | None, asked: Explain) -> dict[str, Any]:
    facts = whole.facts()
    rows = []
    for index, name in enumerate(whole.targets):
        row: dict[str, Any] = {"name": name, "score": whole.scores[index], "logit": whole.logits[index]}
        if layers is None:
            row["relevance"] = encoded(whole.relevance[index], asked.numbers)
        else:
            row["layers"] = encoded(layers[index], asked.numbers)
        rows.append(row)
    facts |= {"targets": rows, "numbers": asked.numbers}
    return facts if layers is None else facts | {"layers": layers.shape[1]}

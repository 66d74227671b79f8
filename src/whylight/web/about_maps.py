"""Routes: maps of a picture, what one patch attends to, and whether the maps are true."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from whylight.errors import BadInput
from whylight.web.context import Context, method_options
from whylight.web.numbers import encoded, finite
from whylight.web.question import explained, question, unit_of
from whylight.web.schemas import AskPatch, Erase, Explain
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
    session, layers = context.session(served, asked), None
    if asked.layers:
        options = method_options(asked.method, asked.options)
        how = question(context, served, asked, asked.targets)
        if asked.method != "legrad" or asked.words:
            raise BadInput("layers are apart in legrad only, and of whole prompts")
        whole, layers = session.explain_by_layer(**how, **options)
    else:
        whole = explained(context, served, session, asked)
    seconds = served.forward_seconds(session.look.pixels)
    return _facts(whole, layers, asked) | {"scores": unit_of(served, asked), "forward_seconds": seconds}


def _patch(context: Context, served: Served, asked: AskPatch) -> dict[str, Any]:
    from whylight.pictures.patches import patch_of

    look = context.session(served, asked).look
    seen = patch_of(look, asked.layer, asked.row, asked.column)
    return {
        "grid": list(seen.likeness.shape),
        "picture_size": [look.picture.height, look.picture.width],
        "seen_left_top_right_bottom": list(look.frame.box),
        "attention": finite(seen.attention.flatten(1).tolist()),
        "elsewhere": finite(seen.elsewhere.tolist()),
        "likeness": finite(seen.likeness.flatten().tolist()),
    }


def _erased(context: Context, served: Served, asked: Erase) -> dict[str, Any]:
    import torch

    from whylight.evaluation.baselines import baseline
    from whylight.evaluation.erasing import scores_when_erased

    session = context.session(served, asked)
    if len({len(row) for row in asked.grid}) != 1:
        raise BadInput("the rows of a grid are equally long")
    own = torch.tensor(asked.grid).nan_to_num()
    shape = (own.shape[0], own.shape[1])
    orders = [own, *(baseline("random", shape, f"order {number}") for number in range(RANDOM_ORDERS))]
    how = question(context, served, asked, [] if asked.target is None else [asked.target])
    target = session.named_targets(**how)
    scores = scores_when_erased(session.look, torch.stack(orders), target, asked.share)
    return swept(asked.share, scores, target.names[0], unit_of(served, asked))


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


def _facts(whole: Explanation, layers: Tensor | None, asked: Explain) -> dict[str, Any]:
    facts = whole.facts()
    rows = []
    for index, name in enumerate(whole.targets):
        row: dict[str, Any] = {"name": name, "score": whole.scores[index], "logit": whole.logits[index]}
        if layers is None:
            row["relevance"] = encoded(whole.relevance[index], asked.numbers)
        else:
            row["layers"] = encoded(layers[index], asked.numbers)
        rows.append(row | _words(whole, index, asked))
    facts |= {"targets": rows, "numbers": asked.numbers}
    return facts if layers is None else facts | {"layers": layers.shape[1]}


def _words(whole: Explanation, index: int, asked: Explain) -> dict[str, Any]:
    """What each word of a prompt adds, where that is asked."""
    if not whole.words:
        return {}
    shares, told = whole.words[index], whole.words[index].to_dict()
    for word, relevance in zip(told["words"], shares.beyond_rounding, strict=True):
        word["relevance"] = encoded(relevance, asked.numbers)
    told["no_word"]["relevance"] = encoded(shares.no_word, asked.numbers)
    return told

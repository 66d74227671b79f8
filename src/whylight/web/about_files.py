"""Routes: an explanation to take along, as a figure, arrays, JSON or a page."""

from __future__ import annotations

import json
from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response

from whylight.web.context import Context
from whylight.web.question import explained
from whylight.web.schemas import AskPicture

_TYPES = {
    "png": "image/png",
    "npz": "application/octet-stream",
    "json": "application/json",
    "html": "text/html; charset=utf-8",
    "safetensors": "application/octet-stream",
}


def routes(context: Context) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["files"])

    @router.post("/save/{form}", response_class=Response)
    async def save(request: Request, form: Literal["png", "npz", "json", "html"], asked: AskPicture) -> Response:
        """What Explanation.save writes: the figure, the arrays, everything as JSON; or a self-contained page."""
        served = context.shelf.find(asked.model)

        def answer() -> Response:
            result = explained(context, served, context.session(served, asked), asked)
            if form == "json":
                data = json.dumps(result.to_dict(), ensure_ascii=False, allow_nan=False).encode()
            else:
                data = result.to_bytes(form)
            return file_answer(data, form)

        return await context.turn(request, served, answer)

    return router


def file_answer(data: bytes, form: str) -> Response:
    """A file to be saved, named after its form."""
    headers = {"Content-Disposition": f'attachment; filename="whylight.{form}"'}
    return Response(data, media_type=_TYPES[form], headers=headers)

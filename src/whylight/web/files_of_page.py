"""The page's own files, read once: what is not among them is not there, whatever a request names."""

from __future__ import annotations

import hashlib
from importlib.resources import files

from fastapi import APIRouter, Request
from fastapi.responses import Response

_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


def routes() -> APIRouter:
    router = APIRouter(include_in_schema=False)
    held = {each.name: each.read_bytes() for each in (files("whylight.web") / "page").iterdir() if "." in each.name}

    @router.get("/")
    def index(request: Request) -> Response:
        return _answer(request, "index.html", held["index.html"])

    for name, data in held.items():

        @router.get(f"/{name}")
        def file(request: Request, name: str = name, data: bytes = data) -> Response:
            return _answer(request, name, data)

    return router


def _answer(request: Request, name: str, data: bytes) -> Response:
    mark = f'"{hashlib.sha256(data).hexdigest()[:16]}"'
    headers = {"ETag": mark, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == mark:
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=_TYPES.get(name.rpartition(".")[2], "text/plain"), headers=headers)

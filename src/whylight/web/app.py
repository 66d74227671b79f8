"""The server: one FastAPI app out of models, a door, and routes by subject."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from whylight.errors import WhylightError, WhylightWarning
from whylight.web import (
    about_answers,
    about_files,
    about_maps,
    about_models,
    about_pictures,
    about_words,
    files_of_page,
)
from whylight.web.context import Context
from whylight.web.guard import Door, Guard
from whylight.web.limits import Limits
from whylight.web.refusal import on_http_error, on_whylight_error, on_wrong_shape
from whylight.web.shelf import Shelf
from whylight.web.uploads import Uploads

if TYPE_CHECKING:
    from torch import nn

    from whylight.models.view import View


def app(
    views: View | nn.Module | Sequence[View | nn.Module] | Mapping[str, Any],
    *,
    door: Door | None = None,
    limits: Limits | None = None,
    allow_loading: bool = False,
) -> FastAPI:
    """The web app over models that are served, for uvicorn or another ASGI server.

    Args:
        views: a model, several, or models by the name under which they are offered. What stands for a model is a view,
            a live model, or a function that loads one when it is first asked for.
        door: host names, token; default: this machine only.
        limits: how much a request may ask for.
        allow_loading: whether the page may load models by name that are not among ``views``.

    Raises:
        BadInput: no model.
    """
    # What Whylight warns of, the page says itself; a server that runs for weeks must not keep a note of each.
    # A warning names who asked outside this package: for work of a line that is the pool's own module.
    asked_from = r"whylight\.web\.|concurrent\.futures\.thread"
    warnings.filterwarnings("ignore", category=WhylightWarning, module=asked_from)
    limits = limits or Limits()
    shelf = Shelf(_loaders(views), limits, allow_loading)
    context = Context(shelf, Uploads(limits.picture_bytes), limits)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        first = asyncio.create_task(_load_first(shelf))
        yield
        first.cancel()

    server = FastAPI(
        title="Whylight", docs_url=None, redoc_url=None, openapi_url="/api/openapi.json", lifespan=lifespan
    )
    for routes in (about_models, about_pictures, about_maps, about_words, about_answers, about_files):
        server.include_router(routes.routes(context))
    server.include_router(files_of_page.routes())
    server.add_exception_handler(WhylightError, on_whylight_error)
    server.add_exception_handler(RequestValidationError, on_wrong_shape)
    server.add_exception_handler(HTTPException, on_http_error)
    server.add_middleware(Guard, door=door or Door(), limits=limits)
    return server


async def _load_first(shelf: Shelf) -> None:
    """The first model is loaded while the page is opened; what goes wrong stands in its state."""
    with suppress(WhylightError):
        await shelf.find(None).ready()


def _loaders(views: Any) -> dict[str, Callable[[], View]]:
    if isinstance(views, Mapping) and all(map(_loads, views.values())):
        return dict(views)  # nothing heavy is imported before the page is there
    from whylight.models.wrap import wrap

    if isinstance(views, Mapping):
        return {name: each if _loads(each) else partial(wrap, each) for name, each in views.items()}
    named: dict[str, Callable[[], View]] = {}
    for view in map(wrap, views if isinstance(views, (list, tuple)) else [views]):
        name, number = view.name, 1
        while name in named:
            number += 1
            name = f"{view.name} ({number})"
        named[name] = partial(wrap, view)
    return named


def _loads(each: Any) -> bool:
    """Whether it is a function that loads a model; live models can be called as well."""
    return callable(each) and not hasattr(each, "parameters")

"""What all routes share: models, pictures, bounds, and the way from a request to its turn."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from fastapi import Request
from fastapi.responses import Response

from whylight.errors import BadInput, WhylightError
from whylight.web.limits import Limits
from whylight.web.refusal import Refusal
from whylight.web.schemas import OfPicture
from whylight.web.shelf import Served, Shelf
from whylight.web.uploads import Uploads

if TYPE_CHECKING:
    from PIL import Image

    from whylight.pictures.session import Session

Answer = TypeVar("Answer")
SCENE_SIZE = 384
"""Scenes are drawn finer than the bundled models read them, so that they look sharp."""
SCENES_KEPT = 64
_log = logging.getLogger("whylight.web")


def method_options(method: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """A method's own options as they are asked for; nothing else that an explanation can be asked for.

    Raises:
        UnknownName: no such method or option.
        BadInput: of another type than the option's.
    """
    from whylight.methods import find_method

    return find_method(method).check_options(options)


@dataclass(frozen=True)
class Context:
    shelf: Shelf
    uploads: Uploads
    limits: Limits

    async def turn(self, request: Request, served: Served, work: Callable[[], Answer]) -> Answer:
        """Do the work when it is this client's turn; not at all where the client has gone.

        Raises:
            Refusal: the line is full, time is up, or the model failed (500, one line).
        """
        await served.ready()
        asked = asyncio.ensure_future(served.line.do(client_of(request), lambda: _in_one_line(work)))
        gone = asyncio.ensure_future(_gone(request))
        try:
            await asyncio.wait({asked, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not asked.done():
                raise Refusal(499, "gone", "the client has gone")
            return asked.result()
        finally:
            asked.cancel()
            gone.cancel()

    def session(self, served: Served, of: OfPicture) -> Session:
        """The recorded picture that a request is about, recorded anew where it was dropped."""
        if served.view.preprocessing is None:
            raise BadInput(f"{served.name} reads texts, not pictures")
        if (of.picture is None) == (of.scene is None):
            raise BadInput("name a picture that was sent before, or a scene's seed")
        if of.picture is not None:
            picture, known_as = self.uploads.find(of.picture), of.picture
        else:
            assert of.scene is not None
            picture, known_as = scene_picture(of.scene, SCENE_SIZE), f"scene {of.scene}"
        return served.sessions.record(picture, size=of.size, known_as=known_as)


@lru_cache(SCENES_KEPT)
def scene_picture(seed: int, size: int) -> Image.Image:
    """A scene's picture; the last ones are kept, for drawing takes longer than asking."""
    from PIL import Image

    from whylight.scenes import draw_scene

    return Image.fromarray(draw_scene(seed, size).picture)


def client_of(request: Request) -> str:
    """Who asks: the address, and the name that each page gives itself."""
    address = request.client.host if request.client else ""
    return f"{address} {request.headers.get('x-whylight-client', '')[:40]}"


def as_json(value: Any) -> Response:
    """An answer, made into bytes where it is called: in the model's thread."""
    data = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    return Response(data, media_type="application/json")


async def _gone(request: Request) -> None:
    while not await request.is_disconnected():
        await asyncio.sleep(0.1)


def _in_one_line(work: Callable[[], Answer]) -> Answer:
    try:
        return work()
    except WhylightError:
        raise
    except Exception as error:
        _log.exception("the model failed")
        line = str(error).strip().partition("\n")[0][:300]
        raise Refusal(500, "model_failed", f"the model failed: {type(error).__name__}: {line}") from error

"""What all routes share: models, pictures, bounds, and the way from a request to its turn."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from fastapi import Request
from fastapi.responses import Response

from whylight.errors import BadInput, WhylightError
from whylight.web.kinds import asks
from whylight.web.limits import Limits
from whylight.web.refusal import Refusal
from whylight.web.schemas import OfPicture, OtherPicture, Question, Shown
from whylight.web.shelf import Served, Shelf
from whylight.web.telling import Gone, Tell, Telling, Told, as_line, unless_gone
from whylight.web.uploads import Upload, Uploads

if TYPE_CHECKING:
    from PIL import Image

    from whylight.models.raster import Raster
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
        return await unless_gone(request, await self._in_line(request, served, work))

    async def answer(self, request: Request, model: str | None, work: Callable[[Served], Any]) -> Response:
        """What the work finds of the model of that name, as JSON, when it is this client's turn."""
        served = self.shelf.find(model)
        return await self.turn(request, served, lambda: as_json(work(served)))

    async def told(self, request: Request, served: Served, work: Callable[[Tell], None]) -> Response:
        """The same for work that tells what it finds on its way: a line of JSON each, sent as soon as it is told.

        What is refused before anything was told is refused as everywhere; what goes wrong later is the last line.
        """
        telling = Telling()
        asked = await self._in_line(request, served, lambda: work(telling))
        asked.add_done_callback(telling.end)
        try:
            first = await unless_gone(request, asyncio.ensure_future(telling.next()))
        except BaseException:
            telling.give_up()
            asked.cancel()
            raise
        if first is None:  # the work ended, or was refused, without a word
            asked.result()
        return Told(telling, first, asked)

    async def _in_line(self, request: Request, served: Served, work: Callable[[], Answer]) -> asyncio.Future[Answer]:
        await served.ready()
        return asyncio.ensure_future(served.line.do(client_of(request), lambda: _in_one_line(work)))

    def session(self, served: Served, of: OfPicture) -> Session:
        """The recorded picture that a request is about, recorded anew where it was dropped."""
        if asks(served.view) == "questions":
            raise BadInput(f"{served.name} answers questions: ask it with a question (POST /api/ask)")
        if served.view.preprocessing is None:
            raise BadInput(f"{served.name} reads texts, not pictures")
        seen, known_as = self.picture(of)
        return served.sessions.record(seen.picture, size=of.size, known_as=known_as, value_range=seen.value_range)

    def other_picture(self, served: Served, asked: Question) -> Image.Image | Raster:
        """The picture that another one is to be like, in a range of its own where either has one."""
        from whylight.pictures.read_raster import read_raster

        assert asked.like is not None
        own, other = self.picture(asked)[0], self.picture(asked.like)[0]
        if own.value_range is None and other.value_range is None:
            return other.picture
        return read_raster(other.picture, served.view.channels, other.value_range or (0, 255))

    def picture(self, of: Shown | OtherPicture) -> tuple[Upload, str]:
        """The picture that a request names, and a name that it alone has."""
        if (of.picture is None) == (of.scene is None):
            raise BadInput("name a picture that was sent before, or a scene's seed")
        if of.picture is not None:
            return self.uploads.find(of.picture), of.picture
        assert of.scene is not None
        return Upload(scene_picture(of.scene, SCENE_SIZE)), f"scene {of.scene}"


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
    return Response(as_line(value), media_type="application/json")


def _in_one_line(work: Callable[[], Answer]) -> Answer:
    try:
        return work()
    except (WhylightError, Gone):
        raise
    except Exception as error:
        _log.exception("the model failed")
        line = str(error).strip().partition("\n")[0][:300]
        raise Refusal(500, "model_failed", f"the model failed: {type(error).__name__}: {line}") from error

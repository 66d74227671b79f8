"""Routes: pictures that are sent, and scenes that are drawn."""

from __future__ import annotations

import asyncio
import io
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from whylight.errors import BadInput
from whylight.web.context import SCENE_SIZE, Context, scene_picture
from whylight.web.schemas import MOST_SEED, PictureName
from whylight.web.uploads import Upload, decode

_THUMBNAIL, _LONGEST = 144, 2048
Seed = Annotated[int, Path(ge=0, le=MOST_SEED)]
Sent = Annotated[PictureName, Path()]


def routes(context: Context) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["pictures"])
    decoding = asyncio.Semaphore(2)

    @router.post("/pictures", openapi_extra={"requestBody": {"content": {"image/*": {}}, "required": True}})
    async def send_picture(request: Request, black: float | None = None, white: float | None = None) -> dict[str, Any]:
        """Send a picture, the bytes of its file as the body. Questions take its name as "picture". Of a picture of more
        than 8 bits that does not say so (422, "value_range"): which of its values are black and white."""
        if (black is None) != (white is None):
            raise BadInput("black and white go together: say both")
        between = None if black is None or white is None else (black, white)
        data = await request.body()
        async with decoding:
            upload = await asyncio.to_thread(decode, data, context.limits, between)
        name = context.uploads.keep(data, upload)
        return {"picture": name, "width": upload.picture.width, "height": upload.picture.height}

    @router.get("/pictures/{name}/picture.png", response_class=Response)
    async def sent_picture(name: Sent) -> Response:
        """A picture that was sent as it is seen, at most 2048 pixels on the longer side."""
        upload = context.uploads.find(name)
        async with decoding:
            data = await asyncio.to_thread(_seen, upload)
        return Response(data, media_type="image/png", headers={"Cache-Control": "private, max-age=86400"})

    @router.get("/scenes")
    def gallery() -> dict[str, Any]:
        """Seeds of scenes that show well what a map should find."""
        from whylight.scenes import EXAMPLE_SEEDS

        return {"scenes": [_about(seed) for seed in EXAMPLE_SEEDS]}

    @router.get("/scenes/{seed}")
    def scene(seed: Seed) -> dict[str, Any]:
        """What is in a scene: its objects as prompts, and the box of each in pixels (left, top, right, bottom)."""
        return _about(seed)

    @router.get("/scenes/{seed}/picture.png", response_class=Response)
    def picture_of_scene(seed: Seed, small: bool = False) -> Response:
        """The picture of a scene."""
        buffer = io.BytesIO()
        scene_picture(seed, _THUMBNAIL if small else SCENE_SIZE).save(buffer, "PNG")
        return Response(buffer.getvalue(), media_type="image/png", headers={"Cache-Control": "private, max-age=86400"})

    return router


def _seen(upload: Upload) -> bytes:
    picture, buffer = upload.shown().copy(), io.BytesIO()
    picture.thumbnail((_LONGEST, _LONGEST))
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def _about(seed: int) -> dict[str, Any]:
    from whylight.scenes import draw_scene, phrase

    scene = draw_scene(seed, SCENE_SIZE)
    objects = [
        {"prompt": phrase(o.kind, o.color, o.texture), "box": list(o.box)}
        | {"kind": o.kind, "color": o.color, "texture": o.texture}
        for o in scene.objects
    ]
    return {"seed": seed, "caption": scene.caption, "objects": objects, "width": SCENE_SIZE, "height": SCENE_SIZE}

"""Routes: pictures that are sent, and scenes that are drawn."""

from __future__ import annotations

import asyncio
import io
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from whylight.web.context import SCENE_SIZE, Context, scene_picture
from whylight.web.schemas import MOST_SEED
from whylight.web.uploads import decode

_THUMBNAIL = 144
Seed = Annotated[int, Path(ge=0, le=MOST_SEED)]


def routes(context: Context) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["pictures"])
    decoding = asyncio.Semaphore(2)

    @router.post("/pictures", openapi_extra={"requestBody": {"content": {"image/*": {}}, "required": True}})
    async def send_picture(request: Request) -> dict[str, Any]:
        """Send a picture, the bytes of its file as the body. Questions take its name as "picture"."""
        data = await request.body()
        async with decoding:
            picture = await asyncio.to_thread(decode, data, context.limits)
        name = context.uploads.keep(data, picture)
        return {"picture": name, "width": picture.width, "height": picture.height}

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


def _about(seed: int) -> dict[str, Any]:
    from whylight.scenes import draw_scene, phrase

    scene = draw_scene(seed, SCENE_SIZE)
    objects = [
        {"prompt": phrase(o.kind, o.color, o.texture), "box": list(o.box)}
        | {"kind": o.kind, "color": o.color, "texture": o.texture}
        for o in scene.objects
    ]
    return {"seed": seed, "caption": scene.caption, "objects": objects, "width": SCENE_SIZE, "height": SCENE_SIZE}

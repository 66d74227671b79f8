"""What a command line asks about: pictures (or a bundled scene), prompts, an input size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from whylight.cli.files import find_pictures
from whylight.errors import BadInput

if TYPE_CHECKING:
    from whylight.models.view import View
    from whylight.pictures.prompts_and_classes import NamedTargets
    from whylight.pictures.read import PictureLike

_SCENE_SIZE = 384
"""Scenes are drawn finer than the bundled models read them (96 pixels), so that figures are sharp."""


def pictures_and_targets(
    view: View,
    names: Sequence[str] | None,
    prompts: Sequence[str] | None,
    *,
    words: bool = False,
    without: Sequence[str] | None = None,
) -> tuple[dict[str, PictureLike], NamedTargets | None]:
    """Pictures by name, and targets, encoded once for all of them; None for what a classifier predicts.

    Where no picture is named there is one: a bundled scene, and its objects are the prompts if there are none.

    Args:
        words, without: as for :func:`whylight.explain`.

    Raises:
        BadInput: no prompt for a model that needs one.
        UnknownName: no such class.
    """
    from whylight.pictures.name_prompts import name_prompts
    from whylight.pictures.prompts_and_classes import name_targets

    pictures: dict[str, PictureLike] = {str(path): path for path in find_pictures(names or ())}
    wanted = list(prompts or ())
    if not pictures:
        from whylight.scenes import EXAMPLE_SEEDS, draw_scene, phrase

        scene = draw_scene(EXAMPLE_SEEDS[0], _SCENE_SIZE)
        pictures = {f"scene-{scene.seed}": scene.picture}
        if not wanted and not view.classifies:
            wanted = list(dict.fromkeys(phrase(item.kind, item.color, item.texture) for item in scene.objects))
    if words or without:
        return pictures, name_prompts(view, wanted, words=words, without=list(without or ()))
    if wanted:
        return pictures, name_targets(view, wanted)
    if not view.classifies:
        raise BadInput(f'{view.name} predicts no class: say what to look for, e.g. -p "a cat" -p "a dog"')
    return pictures, None


def parse_size(text: str | None) -> int | tuple[int, int] | None:
    """An input size: "448", or "HEIGHTxWIDTH" such as "336x448".

    Raises:
        BadInput: anything else.
    """
    if text is None:
        return None
    parts = text.lower().split("x")
    if len(parts) > 2 or not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise BadInput(f"--size is a number of pixels, or HEIGHTxWIDTH, not {text!r}")
    sides = [int(part) for part in parts]
    return sides[0] if len(sides) == 1 else (sides[0], sides[1])

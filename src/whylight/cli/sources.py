"""What a command line asks about: pictures (or a bundled scene), prompts, an input size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from whylight.cli.files import find_pictures
from whylight.errors import BadInput

if TYPE_CHECKING:
    from whylight.models.view import View
    from whylight.pictures.look import InputSize
    from whylight.pictures.prompts_and_classes import NamedTargets
    from whylight.pictures.read import PictureLike

_SCENE_SIZE = 384
"""Scenes are drawn finer than the bundled models read them (96 pixels), so that figures are sharp."""


@dataclass(frozen=True)
class Wish:
    """What is asked about every picture.

    Attributes:
        prompts: or class names, or numbers of classes.
        rather_than: another prompt or class, from which each is told apart.
        like, patch: a picture, or a patch of it as "ROW,COLUMN", that pictures may be like.
        negative: what speaks against it.
        words, without: as for :func:`whylight.explain`.
    """

    prompts: Sequence[str] | None = None
    rather_than: str | None = None
    like: str | None = None
    patch: str | None = None
    negative: bool = False
    words: bool = False
    without: Sequence[str] = ()

    @property
    def nothing(self) -> bool:
        """Whether nothing is said of what to look for."""
        return not self.prompts and self.rather_than is None and self.like is None and self.patch is None

    @property
    def plain(self) -> bool:
        """Whether it is no more than prompts."""
        return self == Wish(self.prompts)

    def targets(
        self, view: View, size: InputSize | None = None, value_range: tuple[float, float] | None = None
    ) -> NamedTargets | None:
        """Encoded once for all pictures; None where no prompt is named.

        Raises:
            BadInput: wishes that do not go together, or what :func:`whylight.explain` refuses.
            UnknownName: no such class.
        """
        from whylight.pictures.asked_of_all import asked_of_all

        if self.words and self.negative:
            raise BadInput("--words tells what words add: leave out --negative beside --words")
        named = asked_of_all(
            view,
            list(self.prompts or ()),
            self.rather_than,
            self.like,
            parse_patch(self.patch),
            words=self.words,
            without=self.without,
            size=size,
            value_range=value_range,
        )
        return named.against() if named is not None and self.negative else named


def pictures_and_targets(
    view: View,
    names: Sequence[str] | None,
    wish: Wish,
    size: InputSize | None = None,
    value_range: tuple[float, float] | None = None,
) -> tuple[dict[str, PictureLike], NamedTargets | None]:
    """Pictures by name, and targets, encoded once for all of them; None for what a classifier predicts.

    Where no picture is named there is one: a bundled scene, and its objects are the prompts if there are none.

    Raises:
        BadInput: no prompt for a model that needs one.
        UnknownName: no such class.
    """
    pictures: dict[str, PictureLike] = {str(path): path for path in find_pictures(names or ())}
    if not pictures:
        pictures, objects = _scene()
        if wish.nothing and not view.classifies:
            wish = replace(wish, prompts=objects)
    targets = wish.targets(view, size, value_range)
    if targets is None and not view.classifies:
        from whylight.pictures.prompts_and_classes import nothing_to_look_for

        raise nothing_to_look_for(view)
    return pictures, targets


def one_picture(name: str | None) -> tuple[str, PictureLike]:
    """The one picture that is named, with its name; a bundled scene where none is.

    Raises:
        BadInput: several.
    """
    pictures = _scene()[0] if name is None else {str(path): path for path in find_pictures([name])}
    if len(pictures) > 1:
        raise BadInput(f"one picture is wanted, and {name} holds {len(pictures)}")
    return next(iter(pictures.items()))


def _scene() -> tuple[dict[str, PictureLike], list[str]]:
    """A bundled scene, and its objects in words."""
    from whylight.scenes import EXAMPLE_SEEDS, draw_scene, phrase

    scene = draw_scene(EXAMPLE_SEEDS[0], _SCENE_SIZE)
    said = dict.fromkeys(phrase(item.kind, item.color, item.texture) for item in scene.objects)
    return {f"scene-{scene.seed}": scene.picture}, list(said)


def parse_patch(text: str | None) -> tuple[int, int] | None:
    """A patch: "ROW,COLUMN", counted from 0.

    Raises:
        BadInput: anything else.
    """
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 2 or not all(part.isdecimal() for part in parts):
        raise BadInput(f"a patch is ROW,COLUMN, counted from 0, such as 3,4; not {text!r}")
    return int(parts[0]), int(parts[1])


def number_or_word(text: str) -> int | str:
    """A head: its number, or "mean", "max"."""
    return int(text) if text.removeprefix("-").isdecimal() else text


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

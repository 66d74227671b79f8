"""What is asked of every picture alike: prompts or classes, their words, each of them rather than another or without
others, likeness to a picture."""

from __future__ import annotations

from collections.abc import Sequence

from whylight.errors import BadInput
from whylight.models.preprocessing import Fit
from whylight.models.targets import difference
from whylight.models.view import View
from whylight.pictures.like import like_picture
from whylight.pictures.look import InputSize
from whylight.pictures.name_prompts import name_prompts
from whylight.pictures.prompts_and_classes import NamedTargets, name_targets
from whylight.pictures.read import PictureLike
from whylight.pictures.read_raster import ValueRange


def check_asked(
    prompts: Sequence[str],
    rather_than: str | None,
    like: PictureLike | None,
    patch: tuple[int, int] | None,
    *,
    words: bool = False,
    without: Sequence[str] = (),
) -> None:
    """Refuse what does not go together; needs no model.

    Raises:
        BadInput: likeness beside prompts, nothing that is to be told apart, or prompts that are taken apart or cleaned
            while they are told apart from others.
    """
    if (words or without) and (like is not None or rather_than is not None):
        raise BadInput("--words and --without are about prompts as they are: leave --rather-than and --like out")
    if (like is not None or patch is not None) and (prompts or rather_than is not None):
        raise BadInput("--like stands instead of prompts: instead of --prompt and --rather-than")
    if rather_than is not None and not prompts:
        raise BadInput('--rather-than tells prompts apart: say from what, e.g. -p "a cat" --rather-than "a dog"')


def asked_of_all(
    view: View,
    prompts: Sequence[str],
    rather_than: str | None = None,
    like: PictureLike | None = None,
    patch: tuple[int, int] | None = None,
    *,
    words: bool = False,
    without: Sequence[str] = (),
    size: InputSize | None = None,
    fit: Fit | None = None,
    value_range: ValueRange | None = None,
) -> NamedTargets | None:
    """Targets, encoded once for all pictures; None where nothing is named.

    Args:
        prompts: or class names, or numbers of classes.
        rather_than: another one, from which each is told apart.
        like, patch: a picture, or a patch of it, that pictures may be like.
        words, without: as for :func:`whylight.explain`.
        size, fit, value_range: as for the pictures that are explained.

    Raises:
        BadInput: as :func:`check_asked` does, or what :func:`whylight.explain` refuses.
        UnknownName: no such class.
    """
    check_asked(prompts, rather_than, like, patch, words=words, without=without)
    if words or without:
        return name_prompts(view, list(prompts), words=words, without=list(without))
    if like is not None or patch is not None:
        return like_picture(view, None, like, patch, size=size, fit=fit, value_range=value_range)
    if rather_than is not None:
        return name_targets(view, difference(prompts, [rather_than] * len(prompts)))
    return name_targets(view, list(prompts)) if prompts else None

"""What is said about scenes: whole captions, and phrases for single objects."""

from __future__ import annotations

from collections.abc import Sequence

Attributes = tuple[str, str, str]
"""An object's texture, colour and kind."""


def describe(objects: Sequence[Attributes], ground: str | None = None) -> str:
    """The caption of a scene: "a striped red circle and a plain blue star on a grey ground"."""
    parts = [phrase(texture=texture, color=color, kind=kind) for texture, color, kind in objects]
    said = " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))
    return said if ground is None else f"{said} on a {ground} ground"


def phrase(kind: str | None = None, color: str | None = None, texture: str | None = None) -> str:
    """The phrase for an object of which some things are named: "a dotted green heart", "a star", "something red"."""
    if kind is None:
        return " ".join(filter(None, ["something", texture, color]))
    words = " ".join(filter(None, [texture, color, kind]))
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"

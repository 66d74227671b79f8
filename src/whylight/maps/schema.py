"""Columns of the rows that ``whylight run`` writes; docs/scale.md describes each."""

from __future__ import annotations

from typing import Literal

Stored = Literal["float16", "float32"]

OK = "ok"
NOT_FINITE = "not-finite"

COLUMNS = {
    "key": "string",
    "source": "string",
    "target": "string",
    "method": "string",
    "score": "float64",
    "logit": "float64",
    "grid_height": "int32",
    "grid_width": "int32",
    "scale": "float32",
    "picture_height": "int32",
    "picture_width": "int32",
    "input_height": "int32",
    "input_width": "int32",
    "left": "float64",
    "top": "float64",
    "right": "float64",
    "bottom": "float64",
    "status": "string",
    "error": "string",
}
AUDIT = {"inside": "float64", "pointing": "bool", "ap": "float64", "area": "float64"}


def columns_of(stored: Stored, kept: tuple[str, ...], audited: bool) -> dict[str, str]:
    """All columns of a run.

    Args:
        stored: the type that relevance is stored in.
        kept: columns of the input that go along, as text.
        audited: whether masks or boxes are there.
    """
    lists = {"float16": "list<float16>", "float32": "list<float>"}
    return COLUMNS | {"relevance": lists[stored]} | dict.fromkeys(kept, "string") | (AUDIT if audited else {})

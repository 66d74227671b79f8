"""Types of a row's columns, and rows as an Arrow table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from whylight.errors import need

_FIXED = re.compile(r"(float16|float32)\[(\d+)\]")


def table_of(rows: Sequence[dict[str, Any]], columns: dict[str, str]) -> Any:
    """Rows as a ``pyarrow.Table``; values that a row leaves out are null.

    Args:
        columns: name of each column to its type: string, bool, int32, float32, float64, list<float>, list<float16>,
            list<bool>, or "float16[n]" and "float32[n]" for lists of one length.
    """
    arrow = need("pyarrow", "run")
    fields, arrays = [], []
    for name, kind in columns.items():
        type_ = _type(arrow, kind)
        fields.append(arrow.field(name, type_))
        values = [row.get(name) for row in rows]
        if kind == "list<float16>":  # Arrow takes no Python numbers for these
            values = [None if value is None else np.asarray(value, dtype=np.float16) for value in values]
        arrays.append(_fixed(arrow, values, type_) if _FIXED.fullmatch(kind) else arrow.array(values, type=type_))
    return arrow.Table.from_arrays(arrays, schema=arrow.schema(fields))


def _type(arrow: Any, kind: str) -> Any:
    if found := _FIXED.fullmatch(kind):
        return arrow.list_(getattr(arrow, found[1])(), int(found[2]))
    return {
        "string": arrow.string(),
        "bool": arrow.bool_(),
        "int32": arrow.int32(),
        "float32": arrow.float32(),
        "float64": arrow.float64(),
        "list<float>": arrow.list_(arrow.float32()),
        "list<float16>": arrow.list_(arrow.float16()),
        "list<bool>": arrow.list_(arrow.bool_()),
    }[kind]


def _fixed(arrow: Any, values: list[Any], type_: Any) -> Any:
    """Lists of one length from arrays, without a Python number for each value."""
    length = type_.list_size
    flat = np.zeros((len(values), length), dtype=type_.value_type.to_pandas_dtype())
    for row, value in enumerate(values):
        if value is not None:
            flat[row] = value
    missing = np.array([value is None for value in values], dtype=bool)
    inside = arrow.array(flat.reshape(-1), type=type_.value_type)
    return arrow.FixedSizeListArray.from_arrays(inside, type=type_, mask=arrow.array(missing, type=arrow.bool_()))

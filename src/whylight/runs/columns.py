"""Types of a row's columns, and rows as an Arrow table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from whylight.errors import need


def table_of(rows: Sequence[dict[str, Any]], columns: dict[str, str]) -> Any:
    """Rows as a ``pyarrow.Table``; values that a row leaves out are null.

    Args:
        columns: name of each column to its type: string, bool, int32, float32, float64, list<float>, list<float16> or
            list<bool>. Lists have any length, also where all have one: Parquet stores them alike, and one of Arrow's
            fixed lengths whose value is missing cannot be read before pyarrow 26.
    """
    arrow = need("pyarrow", "run")
    fields, arrays = [], []
    for name, kind in columns.items():
        type_ = _type(arrow, kind)
        fields.append(arrow.field(name, type_))
        values = [row.get(name) for row in rows]
        if kind == "list<float16>":  # Arrow takes no Python numbers for these
            values = [None if value is None else np.asarray(value, dtype=np.float16) for value in values]
        arrays.append(arrow.array(values, type=type_))
    return arrow.Table.from_arrays(arrays, schema=arrow.schema(fields))


def _type(arrow: Any, kind: str) -> Any:
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

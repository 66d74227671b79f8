"""Raw grids as JSON."""

from __future__ import annotations

import base64
import math
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from torch import Tensor

Encoding = Literal["list", "base64"]


def encoded(values: Tensor, encoding: Encoding) -> Any:
    """A grid's numbers, nested as its shape; or the bytes of its float32 numbers, row by row, as base64.

    NaN and infinity, which JSON does not have, become null, and 0 in base64.
    """
    values = values.float()
    if encoding == "base64":
        return base64.b64encode(values.nan_to_num(0, 0, 0).contiguous().numpy().astype("<f4").tobytes()).decode()
    return finite(values.tolist())


def finite(value: Any) -> Any:
    """The same with None for what JSON does not have."""
    if isinstance(value, list):
        return [finite(each) for each in value]
    return value if math.isfinite(value) else None

"""JSON that others wrote, read so that there is one kind of error."""

from __future__ import annotations

import json
from typing import Any


def from_json(text: str | bytes) -> Any:
    """What a text of JSON holds.

    Raises:
        json.JSONDecodeError: it is none, or nested too deeply to be read.
        UnicodeDecodeError: the bytes are no UTF-8, UTF-16 or UTF-32.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise json.JSONDecodeError("nested too deeply", "", 0) from None

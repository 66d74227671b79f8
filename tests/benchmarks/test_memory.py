"""The memory benchmark's table and its line; and that a process's high-water mark is read."""

from __future__ import annotations

import sys

import pytest
from memory import MB, held, high_water_mark, line_through, table


def test_line() -> None:
    slope, start, distance = line_through([(0, 1), (1, 3), (2, 5), (3, 7)])
    assert (slope, start, distance) == pytest.approx((2, 1, 0))
    assert line_through([(0, 0), (1, 3), (2, 0)])[2] == pytest.approx(2)


def test_table_names_what_is_over() -> None:
    cells = [
        {"model": "vit_base_patch16_224", "method": "legrad", "size": size, "tokens": tokens, "megabytes": tokens / 2}
        for size, tokens in ((224, 197), (448, 785), (896, 3137))
    ]
    over = {**cells[0], "model": "vit_large_patch14_clip_224", "size": 1036, "tokens": 5477, "megabytes": 2500.0}
    text = table([{**cell, "torch": "2"} for cell in (*cells, over)])
    assert "| vit_base_patch16_224 | 896 | 3,137 | 1,568 |" in text
    assert "| legrad | 500 | 0 | 0 MB |" in text
    assert "Within 2,000 MB: not legrad on vit_large_patch14_clip_224 at 1036 px." in text


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_high_water_mark() -> None:
    before = held()
    taken = bytearray(50 * MB)
    taken[::4096] = b"1" * len(taken[::4096])
    del taken
    assert 45 * MB < high_water_mark() - before < 80 * MB

"""What happens to files: flipped bits, cuts, stretches that are lost, doubled, blank or another file's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

_HEAD = 256
"""Bytes at the beginning that are hit as often as all the others: headers."""
_EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1)


@dataclass(frozen=True)
class Damaged:
    """A file that something happened to.

    Attributes:
        how: "flip", "cut", "lost", "doubled", "blank", "extreme" or "spliced".
        touched: (start, stop) of the bytes that are not what they were; everything from the start on where bytes moved.
    """

    data: bytes
    how: str
    touched: tuple[int, int]


def damaged(data: bytes, random: Random, others: Sequence[bytes] = ()) -> Damaged:
    """One thing happens to a file; others lend their parts."""
    how = random.choice([flipped, flipped, cut, lost, doubled, blank, extreme, *([spliced] if others else [])])
    return how(data, random, random.choice(others)) if how is spliced else how(data, random)


def place(data: bytes, random: Random) -> int:
    """A byte, in the head as often as in the rest."""
    return random.randrange(min(len(data), _HEAD) if random.random() < 0.5 else len(data))


def flipped(data: bytes, random: Random, bits: int | None = None) -> Damaged:
    """Some bits, mostly one, within a few bytes of one another."""
    start = place(data, random)
    changed = bytearray(data)
    touched = set()
    for _ in range(bits or random.choice([1, 1, 1, 2, 8])):
        at = min(len(data) - 1, start + random.randrange(8))
        changed[at] ^= 1 << random.randrange(8)
        touched.add(at)
    return Damaged(bytes(changed), "flip", (min(touched), max(touched) + 1))


def cut(data: bytes, random: Random) -> Damaged:
    end = random.choice([place(data, random), len(data) - 1 - random.randrange(min(32, len(data)))])
    return Damaged(data[:end], "cut", (end, len(data)))


def lost(data: bytes, random: Random) -> Damaged:
    start = place(data, random)
    return Damaged(data[:start] + data[start + _length(random) :], "lost", (start, len(data)))


def doubled(data: bytes, random: Random) -> Damaged:
    start = place(data, random)
    again = data[start : start + _length(random)]
    return Damaged(data[:start] + again + data[start:], "doubled", (start, len(data) + len(again)))


def blank(data: bytes, random: Random) -> Damaged:
    start = place(data, random)
    stop = min(len(data), start + _length(random))
    filling = random.choice([b"\0", b"\xff", b" "]) * (stop - start)
    return Damaged(data[:start] + filling + data[stop:], "blank", (start, stop))


def extreme(data: bytes, random: Random) -> Damaged:
    """A number where none was expected: the least, the greatest, the first that is negative."""
    width = random.choice([1, 2, 4, 8])
    number = random.choice(_EXTREMES) % 2 ** (8 * width)
    start = min(place(data, random), max(0, len(data) - width))
    bytes_ = number.to_bytes(width, random.choice(["little", "big"]))
    return Damaged(data[:start] + bytes_ + data[start + width :], "extreme", (start, start + width))


def spliced(data: bytes, random: Random, other: bytes) -> Damaged:
    """The beginning of one file on the rest of another."""
    start = place(data, random)
    after = random.choice([start, place(other, random)])
    return Damaged(data[:start] + other[after:], "spliced", (start, max(len(data), start + len(other))))


def _length(random: Random) -> int:
    return random.choice([1, 2, 3, 4, 16, 64, 512, 4096])

"""Texts too long for a model, of which it is trained on another stretch each time."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from torch.utils.data import Dataset


class Stretches(Dataset[dict[str, Any]]):
    """Texts with labels; of one that is too long, a stretch that begins anywhere, drawn anew whenever it is asked for.

    Args:
        tokenizer: puts one special piece before and one behind a text.
        longest: pieces of a stretch, special ones included.
        seed: what is drawn follows from it and the order in which texts are asked for.
    """

    def __init__(self, tokenizer: Any, texts: Sequence[str], labels: Sequence[int], longest: int, seed: int) -> None:
        whole = tokenizer(list(texts), verbose=False)
        self._rows = [{name: whole[name][i] for name in whole} for i in range(len(texts))]
        self._labels = labels
        self._longest = longest
        self._draw = random.Random(seed)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        row = self._rows[index]
        room = self._longest - 2
        first = 1 + self._draw.randint(0, max(0, len(row["input_ids"]) - self._longest))
        cut = {name: [values[0], *values[first:-1][:room], values[-1]] for name, values in row.items()}
        return cut | {"label": self._labels[index]}

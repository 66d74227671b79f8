"""A run of maps without its relevance, as reports read it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from whylight.maps.read import find_map
from whylight.maps.schema import AUDIT, OK
from whylight.maps.settings import MapSettings
from whylight.pictures.explanation import Explanation
from whylight.runs.folder import RunFolder, folder_of
from whylight.runs.manifest import read, settings_of
from whylight.runs.store import read_rows, say_strangers


@dataclass(frozen=True)
class MapRun:
    """A run of maps without its relevance.

    Attributes:
        columns: each an array as long as there are rows; "shard" among them.
        statuses: how many pictures ended how.
    """

    folder: RunFolder
    settings: MapSettings
    columns: dict[str, npt.NDArray[Any]]
    statuses: Counter[str]

    @property
    def audited(self) -> bool:
        return "inside" in self.columns

    def of_method(self, method: str) -> npt.NDArray[np.int64]:
        """Rows of one method that have a map."""
        return np.flatnonzero((self.columns["method"] == method) & (self.columns["status"] == OK))

    def shown(self, index: int) -> Explanation | None:
        """The explanation of one row, with its picture."""
        key, target, method = (self.columns[name][index] for name in ("key", "target", "method"))
        return find_map(self.folder, self.settings, int(self.columns["shard"][index]), key, target, method)


def is_map_run(folder: Path) -> bool:
    """Whether a run's folder holds maps and not a benchmark."""
    return bool(read(folder)["settings"].get("kind") == "maps")


def load_run(place: Path | str) -> MapRun:
    """Everything about a run but the maps themselves.

    Raises:
        BadInput: no folder of such a run, or nothing is stored in it.
    """
    folder = folder_of(place)
    settings = settings_of(folder, MapSettings)
    names = ["key", "source", "target", "method", "score", "logit", "status", "error", *settings.keep]
    names += list(AUDIT) if settings.inside or settings.boxes else []
    say_strangers(folder)
    table = read_rows(folder, names, numbered=True)
    columns = {name: table.column(name).to_numpy() for name in table.column_names}
    pictures: dict[str, str] = {}
    for key, status in zip(columns["key"], columns["status"], strict=True):
        if pictures.get(key, OK) == OK:
            pictures[key] = status
    return MapRun(folder, settings, columns, Counter(pictures.values()))

"""What every reader gives: a picture, and what is to be found in it."""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image

from whylight.errors import WhylightError, one_line

Mask = npt.NDArray[np.int8]
"""(height, width): 1 on the object, 0 off it, -1 where it does not count."""


class Unusable(Exception):
    """One picture that cannot be used, with the reason: it is skipped, named and counted; the run goes on."""

    def __init__(self, reason: str) -> None:
        super().__init__(one_line(reason))


@dataclass(frozen=True)
class Points:
    """Labelled points: x and y in [0, 1] of the picture's width and height, and whether the class is there."""

    x: npt.NDArray[np.float32]
    y: npt.NDArray[np.float32]
    yes: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Region:
    """One class in one picture, and where it is.

    Attributes:
        label: the data set's own name of the class (a WordNet id, "/m/01yrx", "dog").
        mask: (height, width) of the picture; None where the data set has none.
        box: left, top, right, bottom in pixels, right and bottom excluded.
        points: labelled points.
    """

    label: str
    mask: Mask | None = None
    box: tuple[float, float, float, float] | None = None
    points: Points | None = None


@dataclass(frozen=True)
class Sample:
    """A picture (RGB) with a name that is unique in its data set, and its regions."""

    name: str
    picture: Image.Image
    regions: tuple[Region, ...]


Read = TypeVar("Read")


class DataSet(ABC, Generic[Read]):
    """A data set: what it holds by number, and the names of its classes.

    Attributes:
        name: what to call it.
        classes: the data set's name of each class to its name in words, in a fixed order; the zero-shot head is made
            of these.
        names: name of each sample, in order.
    """

    name: str
    classes: dict[str, str]
    names: Sequence[str]

    def __len__(self) -> int:
        return len(self.names)

    @abstractmethod
    def read(self, index: int) -> Read:
        """What has a number.

        Raises:
            Unusable: it cannot be used.
        """

    @abstractmethod
    def fingerprint(self) -> str:
        """A digest that changes when the data do."""


def read_one(source: DataSet[Read], index: int) -> Read:
    """What has a number, where whatever a decoder or a record raises is a reason to skip it.

    Raises:
        Unusable: it cannot be used.
        WhylightError: nothing of the data set can: a package is missing, the file that holds all of it is broken.
    """
    try:
        return source.read(index)
    except (Unusable, WhylightError):
        raise
    except MemoryError:
        raise Unusable("it does not fit into memory") from None
    except Exception as error:  # one record never ends a run
        said = " ".join(str(error).split())
        raise Unusable(f"it does not read: {type(error).__name__}: {said}") from None


class Source(DataSet[Sample]):
    """A data set of pictures.

    Attributes:
        template: the prompt that fits its classes' names; None where the benchmark's does.
    """

    template: str | None = None

    def absent(self, sample: Sample) -> str | None:
        """A class that a picture does not hold, which follows from its name; None where it holds all."""
        here = {region.label for region in sample.regions}
        others = [label for label in self.classes if label not in here]
        return others[zlib.crc32(sample.name.encode()) % len(others)] if others else None

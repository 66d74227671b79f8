"""Sessions of one model, as many as fit a size."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any

from PIL import Image
from torch import nn

from whylight.errors import BadInput
from whylight.methods.registry import find_method
from whylight.models.load import load
from whylight.models.preprocessing import Fit
from whylight.models.raster import Raster
from whylight.models.view import View
from whylight.models.weights import stamp
from whylight.models.wrap import wrap
from whylight.pictures.look import InputSize, look, read_for
from whylight.pictures.prompt_memory import PromptMemory
from whylight.pictures.read import PictureLike
from whylight.pictures.read_raster import ValueRange
from whylight.pictures.session import Session
from whylight.runs.type_hints import check_types


class Sessions:
    """Recorded pictures of one model, at most ``capacity_bytes`` of them; who was asked for longest ago goes first.

    All sessions share the prompts that were encoded. Threads may share one cache.

    Args:
        view: as for :func:`whylight.explain`.
        capacity_bytes: the sum of the sessions' ``nbytes`` never exceeds it once a picture was recorded.

    Attributes:
        nbytes: how much the sessions hold now.
    """

    def __init__(self, view: View | nn.Module | str, capacity_bytes: int) -> None:
        check_types("Sessions", {"capacity_bytes": capacity_bytes}, Sessions.__init__)
        if capacity_bytes <= 0:
            raise BadInput(f"capacity_bytes must be positive, not {capacity_bytes}")
        self.view = load(view) if isinstance(view, str) else wrap(view)
        self.capacity_bytes = capacity_bytes
        self._prompts = PromptMemory(self.view)
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, Session] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def nbytes(self) -> int:
        with self._lock:
            return self._sum()

    def record(
        self,
        picture: PictureLike,
        *,
        size: InputSize | None = None,
        fit: Fit | None = None,
        large: bool = False,
        value_range: ValueRange | None = None,
        known_as: str | None = None,
        **options: Any,
    ) -> Session:
        """The session of a picture: the one that is kept, or a new one; arguments as for :func:`whylight.record`.

        Pictures are the same where their pixels are. A session larger than the whole capacity is handed out and not
        kept.

        Args:
            known_as: a name that this picture alone has, by which it is found without a look at its pixels.
        """
        options = find_method("legrad").check_options(options)
        seen: dict[str, Any] = {"size": size, "fit": fit, "large": large, "value_range": value_range}
        check_types("record", seen, look)
        image: PictureLike | Raster = picture
        if known_as is None:
            image = read_for(self.view.channels, picture, value_range)
            known: Hashable = _digest(image)
        else:
            known = known_as
        weights = stamp(self.view.module.parameters())
        key = (known, size, fit, value_range, tuple(sorted(options.items())), weights)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        session = Session(look(self.view, image, **seen), self._prompts, **options)
        with self._lock:
            if session.nbytes <= self.capacity_bytes:
                self._kept[key] = session
                self._kept.move_to_end(key)
            while self._sum() > self.capacity_bytes:
                self._kept.popitem(last=False)
        return session

    def _sum(self) -> int:
        return sum(session.nbytes for session in self._kept.values())


def _digest(picture: Image.Image | Raster) -> tuple[tuple[int, int], bytes]:
    return picture.size, hashlib.blake2b(picture.tobytes(), digest_size=16).digest()

"""The models that a server offers: loaded when they are wanted, each with its line and its recorded pictures."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from whylight.errors import BadInput, WhylightError
from whylight.web.limits import Limits
from whylight.web.line import Line
from whylight.web.refusal import Refusal

if TYPE_CHECKING:
    from whylight.models.view import View
    from whylight.pictures.session_cache import Sessions

_PART = r"\w[\w.-]*"
_NAMED = re.compile(rf"scenes[\w-]*|(openclip|timm|hf|torchvision):(hf-hub:)?{_PART}(/{_PART})?")
"""Names, which are no ways to a place: nothing begins with a dot or a slash, and one slash is all."""

State = Literal["waiting", "loading", "ready", "failed"]


class Served:
    """One model of the shelf.

    Attributes:
        line: who is next.
        error: why it could not be loaded.
    """

    def __init__(self, name: str, load: Callable[[], View], limits: Limits) -> None:
        self.name, self.line = name, Line(limits, name)
        self._load, self._limits = load, limits
        self._view: View | None = None
        self._sessions: Sessions | None = None
        self._since: float | None = None
        self._loading: asyncio.Future[None] | None = None
        self._forward_seconds: dict[tuple[int, int], float] = {}
        self.error: str | None = None

    @property
    def state(self) -> State:
        if self.error is not None:
            return "failed"
        if self._view is not None:
            return "ready"
        return "waiting" if self._since is None else "loading"

    @property
    def loading_seconds(self) -> float:
        return 0.0 if self._since is None or self._view is not None else time.monotonic() - self._since

    @property
    def view(self) -> View:
        """The model, once it is ready."""
        assert self._view is not None
        return self._view

    @property
    def sessions(self) -> Sessions:
        assert self._sessions is not None
        return self._sessions

    async def ready(self) -> None:
        """Wait until it is loaded; the first to ask begins it, and who asks after it failed begins it anew.

        Raises:
            WhylightError: it cannot be loaded.
            Refusal: it takes longer than a question may (503): ask again.
        """
        if self._view is not None:
            return
        if self._loading is None:
            self._since, self.error = time.monotonic(), None
            self._loading = asyncio.ensure_future(self._load_in_line())
            self._loading.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            await asyncio.wait_for(asyncio.shield(self._loading), self._limits.seconds)
        except asyncio.TimeoutError:
            raise Refusal(503, "loading", f"{self.name} is still being loaded: ask again", 1) from None

    async def _load_in_line(self) -> None:
        try:
            await self.line.do("loading", self._load_now, in_time=False)
        except WhylightError as error:
            self.error, self._loading = str(error), None
            raise
        except Exception as error:
            said = str(error).strip().partition("\n")[0][:300]
            self.error, self._loading = f"{self.name} could not be loaded: {type(error).__name__}: {said}", None
            raise BadInput(self.error) from error

    def _load_now(self) -> None:
        from whylight.models.wrap import wrap
        from whylight.pictures.session_cache import Sessions

        view = wrap(self._load())
        view.check_ready()
        view.unknown_words("")  # one that answers and lacks its tokenizer says so now
        if view.preprocessing is not None:
            self._sessions = Sessions(view, self._limits.session_bytes)
        self._view = view

    def forward_seconds(self, pixels: Any) -> float:
        """How long one plain pass takes for pixels of this size, measured once: the quickest of three."""
        import torch

        size = (pixels.shape[-2], pixels.shape[-1])
        if size not in self._forward_seconds:
            times = []
            with torch.no_grad():
                for _ in range(3):
                    begin = time.perf_counter()
                    self.view.output(pixels)
                    times.append(time.perf_counter() - begin)
            self._forward_seconds[size] = min(times)
        return self._forward_seconds[size]


class Shelf:
    """All models of a server, by name, in the order in which they were given."""

    def __init__(self, loaders: Mapping[str, Callable[[], View]], limits: Limits, allow_loading: bool = False) -> None:
        if not loaders:
            raise BadInput("no model is named: there is nothing to serve")
        self._limits, self.allow_loading = limits, allow_loading
        self._models = {name: Served(name, load, limits) for name, load in loaders.items()}

    def __iter__(self) -> Any:
        return iter(self._models.values())

    def find(self, name: str | None) -> Served:
        """A model by name; the first where none is named.

        Raises:
            Refusal: it is not on offer (404).
        """
        if name is None:
            return next(iter(self._models.values()))
        if name not in self._models:
            raise Refusal(404, "unknown_model", f"{name!r} is not on offer here: {', '.join(self._models)}")
        return self._models[name]

    def add(self, name: str) -> Served:
        """Put one more model on the shelf.

        Raises:
            Refusal: loading is not allowed here (403), or a folder is named (403).
        """
        if name in self._models:
            return self._models[name]
        if not self.allow_loading:
            raise Refusal(403, "no_loading", "other models can be loaded where the server runs with --allow-loading")
        if not _NAMED.fullmatch(name) or any(Path(part).exists() for part in _places(name)):
            raise Refusal(
                403,
                "no_folders",
                "models are named openclip:NAME/TAG, timm:NAME or hf:ID; folders are named on the command line",
            )
        self._models[name] = Served(name, lambda: _load(name), self._limits)
        return self._models[name]


def _places(name: str) -> tuple[str, str]:
    """What libraries would read as a file or folder of this machine, if there were one."""
    named = name.partition(":")[2]
    return named or ".nothing", named.partition("/")[2] or ".nothing"


def _load(name: str) -> View:
    from whylight.models.load import load

    return load(name)

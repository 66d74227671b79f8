"""A sample decoded to what the model reads, or to why it cannot be: no exception leaves here."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from PIL import Image, UnidentifiedImageError
from torch import Tensor

from whylight.errors import BadInput
from whylight.maps.inside import Inside
from whylight.models.preprocessing import Fit, Frame, Preprocessing
from whylight.models.raster import Raster
from whylight.pictures.cost import LESS_OR_LARGE, MOST_TOKENS, in_tokens, too_many
from whylight.pictures.look import InputSize, read_for, resized_for
from whylight.pictures.read_raster import ValueRange
from whylight.runs.inputs.places import read_bytes
from whylight.runs.inputs.sample import Problem, Sample


@dataclass(frozen=True)
class Failed:
    """A picture that has no map.

    Attributes:
        kept: columns of the input that go along.
    """

    key: str
    source: str
    problem: Problem
    kept: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Decoded:
    """A picture, ready for the model.

    Attributes:
        pixels: (3, height, width) as the model reads them.
        frame: which part of the picture they show.
        prompts: asked of this picture alone; None where all are asked the same.
        kept: columns of the input that go along.
        label: where relevance should be; see :meth:`whylight.maps.inside.Inside.label`.
        picture: as it was decoded, where overlays are wanted.
    """

    key: str
    source: str
    pixels: Tensor
    frame: Frame
    prompts: tuple[str, ...] | None
    kept: Mapping[str, str]
    label: Tensor | None = None
    picture: Image.Image | None = None

    @property
    def batch_with(self) -> tuple[int, ...]:
        """Pictures of one size with equally many prompts go together."""
        return (*self.pixels.shape[-2:], -1 if self.prompts is None else len(self.prompts))


@dataclass(frozen=True)
class Decode:
    """How samples are decoded; it travels to other processes.

    Attributes:
        size, fit, large: as for :func:`whylight.explain`.
        prompts: where a picture's own prompts are: a column, "txt" or "json:NAME"; None where all are asked the same.
        keep: columns that go along.
        inside: where relevance should be.
        pictures: the pictures themselves are wanted too.
        value_range: black and white, where pictures are no 8 bits.
    """

    preprocessing: Preprocessing
    size: InputSize | None = None
    fit: Fit | None = None
    prompts: str | None = None
    keep: tuple[str, ...] = ()
    inside: Inside | None = None
    pictures: bool = False
    large: bool = False
    value_range: ValueRange | None = None

    def __call__(self, sample: Sample) -> Decoded | Failed:
        kept = {name: "" if (v := find_field(sample.fields, name)) is None else str(v) for name in self.keep}
        problem = sample.problem
        if problem is None:
            try:
                return self._decoded(sample, kept)
            except _Unusable as error:
                problem = error.problem
            except BadInput as error:
                problem = Problem("bad-input", str(error))
            except Exception as error:  # one picture never ends a run
                problem = Problem("unexpected", f"{type(error).__name__}: {error}")
        return Failed(sample.key, sample.source, problem, kept)

    def _decoded(self, sample: Sample, kept: dict[str, str]) -> Decoded:
        prompts = None if self.prompts is None else _prompts(find_field(sample.fields, self.prompts), self.prompts)
        picture = _picture(sample, self._read)
        prepared = resized_for(self.preprocessing, picture, self.size, self.fit)
        if too_many(self.preprocessing, prepared.size) and not self.large:
            costs = f"{in_tokens(self.preprocessing, prepared.size)}, more than {MOST_TOKENS:,}: {LESS_OR_LARGE}"
            raise _Unusable("too-large", f"{sample.source}: {costs}")
        pixels, frame = prepared(picture)
        height, width = pixels.shape[-2:]
        label = None
        if self.inside is not None:
            down, across = self.preprocessing.patch
            seen = (height - height % down, width - width % across)
            label = self.inside.label(sample.key, sample.fields, frame, seen)
        shown = None
        if self.pictures:
            shown = picture.shown() if isinstance(picture, Raster) else picture
        return Decoded(sample.key, sample.source, pixels, frame, prompts, kept, label, shown)

    def _read(self, picture: Image.Image) -> Image.Image | Raster:
        return read_for(self.preprocessing.channels, picture, self.value_range)


def lost(sample: Sample, status: str, error: str) -> Failed:
    """What stands for a sample whose decoding never came back."""
    return Failed(sample.key, sample.source, Problem(status, error))


def find_field(fields: Mapping[str, Any], name: str) -> Any:
    """A column, or "json:NAME" in a sidecar or column of JSON; None where it is not there."""
    outer, colon, inner = name.partition(":")
    value = fields.get(name if not colon else outer)
    return value.get(inner) if colon and isinstance(value, Mapping) else None if colon else value


class _Unusable(Exception):
    def __init__(self, status: str, error: str) -> None:
        super().__init__(error)
        self.problem = Problem(status, error)


def _prompts(value: Any, name: str) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [value]
    found = tuple(str(prompt).strip() for prompt in value if str(prompt).strip()) if value is not None else ()
    if not found:
        raise _Unusable("no-prompt", f"{name} holds no prompt")
    return tuple(dict.fromkeys(found))


def _picture(sample: Sample, read: Callable[[Image.Image], Image.Image | Raster]) -> Image.Image | Raster:
    data = sample.data
    if data is None:
        try:
            data = read_bytes(sample.source)
        except FileNotFoundError:
            raise _Unusable("missing-file", f"{sample.source}: there is no such file") from None
        except OSError as error:
            raise _Unusable("unreadable-file", f"{sample.source} cannot be read: {error}") from None
    if not data:
        raise _Unusable("empty-file", f"{sample.source} is empty")
    try:
        return read(Image.open(io.BytesIO(data)))
    except UnidentifiedImageError:
        raise _Unusable("no-picture-format", f"{sample.source} is no picture, or of an unknown format") from None
    except Image.DecompressionBombError as error:
        raise _Unusable("too-large", f"{sample.source}: {error}") from None
    except (BadInput, OSError, SyntaxError, ValueError) as error:
        said = str(error).removeprefix("the picture ")
        raise _Unusable("damaged-picture", f"{sample.source} {said}") from None

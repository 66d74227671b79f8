"""``whylight explain --video``: a video, or a folder of frames, in; a video of the maps over it out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whylight.cli.files import find_pictures
from whylight.cli.printing import print_error, print_json, print_table, progress
from whylight.errors import BadInput, need_installed, visible

if TYPE_CHECKING:
    from PIL.Image import Image

    from whylight.cli.sources import Wish
    from whylight.models.view import View
    from whylight.pictures.series import Still
    from whylight.pictures.video import Video

PICTURES_PER_SECOND = 12


@dataclass
class Stills:
    """Pictures as the frames of a series, in the order of their names; those that cannot be read are left out."""

    paths: Sequence[Path]
    value_range: tuple[float, float] | None
    channels: int
    unread: dict[str, str] = field(default_factory=dict)
    problem = None

    def __len__(self) -> int:
        return len(self.paths)

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        from whylight.pictures.look import read_for

        for path in self.paths:
            if path.name in self.unread:
                continue
            try:
                picture = read_for(self.channels, path, self.value_range)
            except BadInput as error:
                self.unread[path.name] = str(error)
                print_error(f"skipped: {error}")
                continue
            yield path.name, picture


def explain_video(
    view: View,
    names: Sequence[str],
    wish: Wish,
    method: str,
    options: Mapping[str, Any],
    out: Path,
    *,
    every: int,
    fps: float | None,
    size: int | tuple[int, int] | None,
    large: bool,
    value_range: tuple[float, float] | None,
    as_json: bool,
) -> bool:
    """Explain all frames, then draw them on one scale; only what was explained is kept in between.

    Returns:
        Whether every frame could be read.

    Raises:
        BadInput: no frame, several videos, or nothing to look for.
    """
    from whylight.pictures.prompts_and_classes import nothing_to_look_for
    from whylight.pictures.series import explain_series

    need_installed("av", extra="video")
    targets = wish.targets(view, size, value_range)
    if targets is None and not view.classifies:
        raise nothing_to_look_for(view)
    frames, rate = _frames(names, every, value_range, view.channels)
    rate = rate if fps is None else Fraction(fps).limit_denominator(1001)
    how: dict[str, Any] = {"size": size, "large": large, "value_range": value_range}
    negative = wish.negative and targets is None
    with progress(max(4, len(frames))) as bar:
        explained = explain_series(view, frames, targets, method, negative=negative, **how, **options)
        stills = list(bar.track(explained, total=len(frames) or None, description="explaining"))
        if not stills:
            raise BadInput("no frame could be read: there is nothing to explain")
        _write(out, frames, stills, rate, bar)
    if frames.problem:
        print_error(frames.problem)
    if as_json:
        records = [{"frame": still.name, "targets": _records(still)} for still in stills]
        print_json({"video": str(out), "model": view.name, "method": method, "frames": records})
    else:
        print_table(("frames", "prompt", stills[0].score_name, "video"), _rows(stills, out))
    return not frames.problem and not getattr(frames, "unread", None)


def _frames(
    names: Sequence[str], every: int, value_range: tuple[float, float] | None, channels: int
) -> tuple[Video | Stills, Fraction]:
    from whylight.pictures.video import Video, is_video

    videos = [name for name in names if is_video(name)]
    if videos and len(names) > 1:
        raise BadInput(f"one video at a time, or pictures: {', '.join(names[:3])}")
    if videos:
        video = Video(Path(videos[0]), every)
        return video, video.rate
    return Stills(find_pictures(names)[::every], value_range, channels), Fraction(PICTURES_PER_SECOND)


def _write(out: Path, frames: Video | Stills, stills: Sequence[Still], rate: Fraction, bar: Any) -> None:
    from whylight.models.raster import Raster
    from whylight.pictures.film import film_frame, tile_size
    from whylight.pictures.series import one_scale
    from whylight.pictures.video import VideoWriter

    scale = one_scale(stills)
    size: tuple[int, int] | None = None
    with VideoWriter(out, rate) as film:
        again = zip(stills, frames, strict=False)
        for still, (_, seen) in bar.track(again, total=len(stills), description="drawing"):
            picture: Image = seen.shown() if isinstance(seen, Raster) else seen
            size = size or tile_size(picture, 1 + len(still.targets))
            film.add(film_frame(still, picture, scale.maps(still), size))


def _records(still: Still) -> list[dict[str, Any]]:
    rows = zip(still.targets, still.scores, still.logits, still.relevance.tolist(), strict=True)
    return [{"name": n, still.score_name: s, "logit": g, "relevance": r} for n, s, g, r in rows]


def _rows(stills: Sequence[Still], out: Path) -> list[tuple[str, ...]]:
    """One row a target: of predicted classes, one for all."""
    names = stills[0].targets if len({still.targets for still in stills}) == 1 else ("what is predicted",)
    rows: list[tuple[str, ...]] = []
    for index, name in enumerate(names):
        scores = [still.scores[index] for still in stills]
        rows.append((str(len(stills)), name, f"{min(scores):.3f} to {max(scores):.3f}", visible(str(out))))
    return rows

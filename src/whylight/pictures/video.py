"""Videos, through PyAV: frames read one after the other, and written as they come."""

from __future__ import annotations

import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

from PIL import Image

from whylight.errors import BadInput, need
from whylight.runs.files import home_opened, make_folder, reason

VIDEO_ENDINGS = {".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".wmv", ".flv", ".ogv"}
_ENCODERS = ("libx264", "libopenh264", "mpeg4")
_QUALITY = {"libx264": {"crf": "18", "preset": "veryfast"}}


def is_video(path: str | os.PathLike[str]) -> bool:
    return Path(path).suffix.lower() in VIDEO_ENDINGS


class Video:
    """A video's frames, decoded when they are reached, and again each time that they are gone through.

    Args:
        path: of the file.
        every: only each so-many-th frame, from the first on.

    Attributes:
        rate: frames of it per second, as shown: the file's own divided by ``every``.
        problem: where the file ended too early, one line that says so; set once it was gone through.

    Raises:
        BadInput: there is no such file, or it holds no video.
        MissingExtra: PyAV is not installed.
    """

    def __init__(self, path: Path, every: int = 1) -> None:
        self.path, self.every = path, every
        self.problem: str | None = None
        with self._container() as container:
            stream = container.streams.video[0]
            self.announced = stream.frames
            self.rate = Fraction(stream.average_rate or 25) / every
            self.count = -(-stream.frames // every) or None

    def __len__(self) -> int:
        """How many frames it says it has; 0 where it does not say."""
        return self.count or 0

    def __iter__(self) -> Iterator[tuple[str, Image.Image]]:
        """Name and picture (upright, RGB) of each frame.

        Raises:
            BadInput: not one frame can be decoded.
        """
        number = -1
        self.problem = None
        try:
            with self._container() as container:
                # Frames decoded in threads of their own end in a deadlock where somebody listens to PyAV's log, as
                # torchvision does: a thread that logs waits for the interpreter, which waits for it to close the file.
                container.streams.video[0].thread_type = "SLICE"
                for number, frame in enumerate(container.decode(video=0)):
                    if number % self.every == 0:
                        yield f"{self.path.name} {number}", _upright(frame)
        except self._errors() as error:
            self._ended(number + 1, _said(error))
        else:
            if number + 1 < self.announced:
                self._ended(number + 1, f"it was to have {self.announced}")

    def _ended(self, frames: int, why: str) -> None:
        if frames == 0:
            raise BadInput(f"{self.path} cannot be read: no frame of it decodes ({why})")
        if why.startswith("it was") and self.announced - frames <= 2:
            return  # counts of containers are off by a frame or two
        self.problem = f"{self.path} is damaged: it ends after {frames} frames ({why})"

    def _container(self) -> Any:
        av = need("av", "video")
        try:
            mode = home_opened(self.path).stat()
            container = av.open(str(home_opened(self.path)))
        except FileNotFoundError:
            raise BadInput(f"{self.path}: there is no such file") from None
        except (OSError, ValueError) as error:
            empty = " (the file is empty)" if self.path.exists() and not mode.st_size else ""
            raise BadInput(f"{self.path} cannot be read as a video: {_said(error)}{empty}") from None
        if not container.streams.video:
            container.close()
            raise BadInput(
                f"{self.path} holds no video, only {', '.join(s.type for s in container.streams) or 'nothing'}"
            )
        return container

    @staticmethod
    def _errors() -> tuple[type[Exception], ...]:
        return (need("av", "video").error.FFmpegError, OSError, ValueError)


class VideoWriter:
    """A video being written beside its place, and put there once it is whole.

    Args:
        path: where; its ending says the container (.mp4, .mkv, .mov, .webm).
        rate: frames per second.

    Raises:
        BadInput: an ending of no video, or a place that cannot be written to.
        MissingExtra: PyAV is not installed.
    """

    def __init__(self, path: Path, rate: Fraction) -> None:
        self._av = need("av", "video")
        if not is_video(path):
            raise BadInput(f"{path.name}: a video is written as one of {', '.join(sorted(VIDEO_ENDINGS))}")
        self.path, self.rate = home_opened(path), rate
        make_folder(self.path.parent)
        self._beside = self.path.with_name(f".{self.path.stem}.{os.getpid()}{self.path.suffix}")
        self._container: Any = None
        self._stream: Any = None

    def __enter__(self) -> VideoWriter:
        try:
            self._container = self._av.open(str(self._beside), mode="w")
        except (OSError, ValueError) as error:
            raise BadInput(f"{self.path} cannot be written: {_said(error)}") from None
        return self

    def add(self, picture: Image.Image) -> None:
        """One more frame, RGB; all are of the first one's size, whose odd sides lose a pixel."""
        if self._stream is None:
            self._stream = self._new_stream(picture.width // 2 * 2, picture.height // 2 * 2)
        picture = picture.crop((0, 0, self._stream.width, self._stream.height))
        for packet in self._stream.encode(self._av.VideoFrame.from_image(picture)):
            self._container.mux(packet)

    def _new_stream(self, width: int, height: int) -> Any:
        known = self._av.codecs_available
        encoder = "libvpx-vp9" if self.path.suffix.lower() == ".webm" else next(e for e in _ENCODERS if e in known)
        stream = self._container.add_stream(encoder, rate=self.rate, options=_QUALITY.get(encoder, {}))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        if encoder == "mpeg4":
            stream.bit_rate = 12 * width * height
        return stream

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and self._stream is not None:
                for packet in self._stream.encode():
                    self._container.mux(packet)
            self._container.close()
            if kind is None and self._stream is not None:
                os.replace(self._beside, self.path)
        finally:
            self._beside.unlink(missing_ok=True)


def _upright(frame: Any) -> Image.Image:
    picture: Image.Image = frame.to_image()
    turn = int(frame.rotation) % 360
    return picture.rotate(turn, expand=True) if turn else picture


def _said(error: Exception) -> str:
    said = getattr(error, "strerror", None) or reason(error)
    return " ".join(str(said).split())

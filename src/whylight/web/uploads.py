"""Pictures that browsers sent: looked at before they are decoded, kept within a size."""

from __future__ import annotations

import hashlib
import io
import threading
import warnings
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from whylight.errors import BadInput
from whylight.web.limits import Limits
from whylight.web.refusal import Refusal

if TYPE_CHECKING:
    from PIL import Image

    from whylight.pictures.read_raster import ValueRange

FORMATS = {
    "JPEG": (b"\xff\xd8\xff",),
    "PNG": (b"\x89PNG\r\n\x1a\n",),
    "GIF": (b"GIF87a", b"GIF89a"),
    "BMP": (b"BM",),
    "WEBP": (b"RIFF",),
    "TIFF": (b"II*\x00", b"MM\x00*"),
}
"""Which formats are taken, and how their files begin. What a request says about its type is not looked at."""


@dataclass(frozen=True)
class Upload:
    """A picture that was sent, upright.

    Attributes:
        picture: RGB of 8 bits; in its own values where they need a range.
        value_range: what is black and white in it.
    """

    picture: Image.Image
    value_range: ValueRange | None = None

    @property
    def nbytes(self) -> int:
        mode = self.picture.mode
        deep = 2 if mode.startswith("I;16") else 4 if mode in ("I", "F") else 1
        return self.picture.width * self.picture.height * len(self.picture.getbands()) * deep

    def shown(self) -> Image.Image:
        """RGB of 8 bits, for people."""
        from whylight.pictures.read_raster import read_raster

        return self.picture if self.value_range is None else read_raster(self.picture, 3, self.value_range).shown()


def decode(data: bytes, limits: Limits, value_range: ValueRange | None = None) -> Upload:
    """The upright picture in a file's bytes.

    Args:
        value_range: what is black and white in it, where its values do not say so.

    Raises:
        Refusal: no picture of a format that is taken (415), too many pixels (413), or values that need a range (422,
            "value_range").
        BadInput: a broken file, or a range that is none.
    """
    from PIL import Image, UnidentifiedImageError

    format = next((name for name, beginnings in FORMATS.items() if data.startswith(beginnings)), None)
    if format is None:
        known = ", ".join(FORMATS)
        raise Refusal(415, "no_picture", f"this is no picture of a known format: {known} are taken")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            with Image.open(io.BytesIO(data), formats=[format]) as opened:
                if opened.width * opened.height > limits.pixels:
                    most = f"at most {limits.pixels / 1e6:.1f} million pixels are taken"
                    raise Refusal(
                        413, "too_many_pixels", f"{most}, and this picture has {opened.width} x {opened.height}"
                    )
                return _in_range(opened, value_range) if value_range is not None else _plain(opened)
        except Image.DecompressionBombError:
            raise Refusal(
                413, "too_many_pixels", f"at most {limits.pixels / 1e6:.1f} million pixels are taken"
            ) from None
        except UnidentifiedImageError:
            raise BadInput(f"this picture cannot be read: it begins as {format} and does not go on so") from None
        except (OSError, SyntaxError, ValueError) as error:
            raise BadInput(f"this picture cannot be read: {error}") from None


def _plain(opened: Image.Image) -> Upload:
    from whylight.pictures.read import read_picture

    deep = opened.mode.startswith(("I", "F"))
    try:
        return Upload(read_picture(opened))
    except BadInput as error:
        said, needs_range, _ = str(error).partition(": give value_range")
        if not (deep and needs_range):
            raise
        hint = "say what is black and what is white (?black=0&white=4095)"
        raise Refusal(422, "value_range", f"{said}: {hint}") from None


def _in_range(opened: Image.Image, value_range: ValueRange) -> Upload:
    from whylight.pictures.read import upright
    from whylight.pictures.read_raster import read_raster

    picture = upright(opened, "this picture")
    if not picture.mode.startswith(("I", "F")):
        picture = picture.convert("RGB")
    read_raster(picture, 3, value_range)  # says now what is wrong with it
    return Upload(picture.copy(), value_range)


class Uploads:
    """Decoded pictures by the digest of their files, at most ``capacity_bytes``; the oldest go first."""

    def __init__(self, capacity_bytes: int) -> None:
        self._capacity = capacity_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Upload] = OrderedDict()
        self._held = 0

    def keep(self, data: bytes, upload: Upload) -> str:
        """Keep the picture of a file, and its name: the file's, with the range that it was sent with."""
        ranged = b"" if upload.value_range is None else repr(upload.value_range).encode()
        name = hashlib.sha256(data + ranged).hexdigest()[:32]
        with self._lock:
            if name not in self._kept:
                self._kept[name] = upload
                self._held += upload.nbytes
            self._kept.move_to_end(name)
            while self._held > self._capacity and len(self._kept) > 1:
                self._held -= self._kept.popitem(last=False)[1].nbytes
        return name

    def find(self, name: str) -> Upload:
        """The picture of that name.

        Raises:
            Refusal: it is not kept any more (410): send it again.
        """
        with self._lock:
            if name not in self._kept:
                raise Refusal(410, "picture_gone", "the server does not hold this picture any more: send it again")
            self._kept.move_to_end(name)
            return self._kept[name]

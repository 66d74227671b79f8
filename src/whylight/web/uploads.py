"""Pictures that browsers sent: looked at before they are decoded, kept within a size."""

from __future__ import annotations

import hashlib
import io
import threading
import warnings
from collections import OrderedDict
from typing import TYPE_CHECKING

from whylight.errors import BadInput
from whylight.web.limits import Limits
from whylight.web.refusal import Refusal

if TYPE_CHECKING:
    from PIL import Image

FORMATS = {
    "JPEG": (b"\xff\xd8\xff",),
    "PNG": (b"\x89PNG\r\n\x1a\n",),
    "GIF": (b"GIF87a", b"GIF89a"),
    "BMP": (b"BM",),
    "WEBP": (b"RIFF",),
    "TIFF": (b"II*\x00", b"MM\x00*"),
}
"""Which formats are taken, and how their files begin. What a request says about its type is not looked at."""


def decode(data: bytes, limits: Limits) -> Image.Image:
    """The upright picture in a file's bytes.

    Raises:
        Refusal: no picture of a format that is taken (415), or too many pixels (413).
        BadInput: a broken file.
    """
    from PIL import Image, UnidentifiedImageError

    from whylight.pictures.read import read_picture

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
                return read_picture(opened)
        except Image.DecompressionBombError:
            raise Refusal(
                413, "too_many_pixels", f"at most {limits.pixels / 1e6:.1f} million pixels are taken"
            ) from None
        except UnidentifiedImageError:
            raise BadInput(f"this picture cannot be read: it begins as {format} and does not go on so") from None
        except (OSError, SyntaxError, ValueError) as error:
            raise BadInput(f"this picture cannot be read: {error}") from None


class Uploads:
    """Decoded pictures by the digest of their files, at most ``capacity_bytes``; the oldest go first."""

    def __init__(self, capacity_bytes: int) -> None:
        self._capacity = capacity_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Image.Image] = OrderedDict()
        self._held = 0

    def keep(self, data: bytes, picture: Image.Image) -> str:
        """Keep a picture, and its name."""
        name = hashlib.sha256(data).hexdigest()[:32]
        with self._lock:
            if name not in self._kept:
                self._kept[name] = picture
                self._held += _bytes(picture)
            self._kept.move_to_end(name)
            while self._held > self._capacity and len(self._kept) > 1:
                self._held -= _bytes(self._kept.popitem(last=False)[1])
        return name

    def find(self, name: str) -> Image.Image:
        """The picture of that name.

        Raises:
            Refusal: it is not kept any more (410): send it again.
        """
        with self._lock:
            if name not in self._kept:
                raise Refusal(410, "picture_gone", "the server does not hold this picture any more: send it again")
            self._kept.move_to_end(name)
            return self._kept[name]


def _bytes(picture: Image.Image) -> int:
    return 3 * picture.width * picture.height

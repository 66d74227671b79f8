"""Files of pictures: twenty formats, damaged, of absurd sizes, or with additions that change no pixel.

Wrong is: two roads into the house that see different pixels in one file; a map that is not finite or not in [0, 1]; a
map that differs though an addition changed no pixel; a file that was cut, whose missing pixels were made up.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
import torch
from PIL import Image, ImageOps, PngImagePlugin

import whylight
from fuzzing.damage import damaged
from fuzzing.trial import Attempt, check
from whylight.errors import BadInput
from whylight.maps.decoded import Decode, Decoded
from whylight.pictures.read import read_picture
from whylight.runs.inputs.sample import Sample
from whylight.scenes import draw_scene

_FORMATS = (
    *(("png", mode) for mode in ("RGB", "RGBA", "P", "L", "LA", "1", "I;16")),
    *(("jpg", mode) for mode in ("RGB", "L", "CMYK")),
    *(("gif", "P"), ("webp", "RGB"), ("webp", "RGBA"), ("bmp", "RGB"), ("bmp", "P"), ("ppm", "RGB"), ("pgm", "L")),
    *(("tif", "RGB"), ("tif", "CMYK"), ("tif", "I;16"), ("tif", "F"), ("tga", "RGBA"), ("ico", "RGBA"), ("pcx", "P")),
    *(("sgi", "RGB"), ("jp2", "RGB"), ("dds", "RGBA"), ("im", "RGB"), ("icns", "RGBA"), ("avif", "RGB"), ("msp", "1")),
)
_LARGEST = 512 * 512


def prepare(folder: Path) -> Attempt:
    view = whylight.load("scenes")
    pictures = {f"{mode}.{ending}": data for ending, mode in _FORMATS if (data := _file(ending, mode))}
    assert len(pictures) > 20
    whole = {name: np.asarray(read_picture(_written(folder / name, data))) for name, data in pictures.items()}
    maps = {name: _relevance(view, folder / name) for name in pictures}
    decode = Decode(view.preprocessing)
    bombs = _bombs()

    def attempt(random: Random, here: Path) -> str | None:
        name = random.choice(list(pictures))
        ending = name.rpartition(".")[2]
        kind = random.random()
        if kind < 0.12 and ending in _ADDITIONS:
            path = _written(here / f"picture.{ending}", _ADDITIONS[ending](pictures[name], random))
            check(np.array_equal(np.asarray(read_picture(path)), whole[name]), f"{name}: an addition changed pixels")
            check(torch.equal(_relevance(view, path), maps[name]), f"{name}: an addition changed the map")
            return None
        if kind < 0.2:
            path = _written(here / "picture.png", random.choice(bombs)(random))
        else:
            change = damaged(pictures[name], random, list(pictures.values()))
            path = _written(here / f"picture.{random.choice([ending, ending, 'jpg', 'PNG'])}", change.data)
            if change.how == "cut":
                _check_cut(path, whole[name], f"{name} cut at {change.touched[0]}")
        return _explained(view, decode, path)

    return attempt


def _explained(view: whylight.View, decode: Decode, path: Path) -> str | None:
    """Both roads in: a file that is asked about, and one in a run."""
    row = decode(Sample("key", str(path)))
    try:
        picture = read_picture(path)
    except BadInput as error:
        check(not isinstance(row, Decoded), f"explain refuses it ({error}), and a run reads it")
        return str(error)
    if not isinstance(row, Decoded):
        check(False, f"explain reads it, and a run says {row.problem.error}")
        raise AssertionError
    check(picture.mode == "RGB" and 0 not in picture.size, f"it is read as {picture.mode}, {picture.size}")
    if picture.width * picture.height > _LARGEST:
        return None
    pixels, frame = view.preprocessing(picture) if view.preprocessing else (None, None)
    check(pixels is not None and torch.equal(pixels, row.pixels) and frame == row.frame, "a run reads other pixels")
    found = whylight.explain(view, picture, ["a red star"])
    check(bool(torch.isfinite(found.relevance).all()), "relevance is not finite")
    check(found.maps.shape == (1, picture.height, picture.width), f"the map is {tuple(found.maps.shape)}")
    check(bool(((found.maps >= 0) & (found.maps <= 1)).all()), "the map is not in [0, 1]")
    check(abs(found.scores[0]) <= 1, f"the cosine is {found.scores[0]}")
    return None


def _check_cut(path: Path, whole: np.ndarray, what: str) -> None:
    """What is left of a picture is refused, or all of its pixels were there."""
    try:
        read = np.asarray(read_picture(path))
    except BadInput:
        return
    check(read.shape == whole.shape and np.array_equal(read, whole), f"{what} is read, with pixels that it had not")


def _relevance(view: whylight.View, path: Path) -> torch.Tensor:
    return whylight.explain(view, path, ["a red star"]).relevance


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def _file(ending: str, mode: str) -> bytes | None:
    """A small picture of a mode; None where this Pillow does not write the format."""
    picture = Image.fromarray(draw_scene(10**9, 48).picture).resize((56, 40))
    if mode == "I;16":
        picture = Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257)
    elif mode == "F":
        picture = Image.fromarray(np.asarray(picture.convert("L"), np.float32) / 255)
    else:
        picture = picture.convert(mode)
    if ending in ("ico", "icns"):
        picture = picture.resize((64, 64))
    content = io.BytesIO()
    kinds = Image.registered_extensions()
    if kinds.get(f".{ending}") not in Image.SAVE:
        return None
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = {"exif": exif} if ending == "jpg" else {}
    picture.save(content, kinds[f".{ending}"], **turned)
    return content.getvalue()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _text_in_png(data: bytes, random: Random) -> bytes:
    return data[:33] + _chunk(b"tEXt", b"Comment\0" + random.randbytes(random.randrange(200))) + data[33:]


def _comment_in_jpeg(data: bytes, random: Random) -> bytes:
    comment = random.randbytes(random.randrange(200))
    return data[:2] + b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment + data[2:]


def _behind(data: bytes, random: Random) -> bytes:
    return data + random.randbytes(random.randrange(1, 200))


_ADDITIONS: dict[str, Callable[[bytes, Random], bytes]] = {
    "png": _text_in_png,
    "jpg": _comment_in_jpeg,
    **dict.fromkeys(("gif", "bmp", "tif", "webp"), _behind),
}


def _bombs() -> list[Callable[[Random], bytes]]:
    """Small files that claim to be huge, or that unpack to much."""
    nothing = zlib.compress(bytes(20_000_000))

    def vast(random: Random) -> bytes:
        sides = random.choice([(2**31 - 1, 1), (65_000, 65_000), (20_000, 9_500), (0, 0), (1, 2**31 - 1), (30_000, 1)])
        head = _chunk(
            b"IHDR", struct.pack(">IIBBBBB", *sides, random.choice([1, 8, 16]), random.choice([0, 2, 3]), 0, 0, 0)
        )
        return b"\x89PNG\r\n\x1a\n" + head + _chunk(b"IDAT", nothing[:2000]) + _chunk(b"IEND", b"")

    def texts(random: Random) -> bytes:
        content = io.BytesIO()
        told = PngImagePlugin.PngInfo()
        for number in range(random.choice([1, 5, 40])):
            told.add_text(f"k{number}", "x" * random.choice([10, 1_000_000, 3_000_000]), zip=True)
        Image.new("RGB", (16, 16)).save(content, "PNG", pnginfo=told)
        return content.getvalue()

    def thin(random: Random) -> bytes:
        content = io.BytesIO()
        sides = random.choice([(8_000, 1), (1, 8_000), (3, 4_000)])
        ImageOps.invert(Image.new("L", sides)).save(content, "PNG")
        return content.getvalue()

    return [vast, texts, thin]

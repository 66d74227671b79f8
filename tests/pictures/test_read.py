"""Pictures of every kind come in upright, RGB and 8 bits, or are refused in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from whylight.errors import BadInput
from whylight.pictures.read import read_picture

RAMP = np.linspace(0, 255, 12 * 8).reshape(8, 12).astype(np.uint8)
COLORED = np.stack([RAMP, RAMP[::-1], RAMP[:, ::-1]], axis=-1)


def array(picture: Image.Image) -> np.ndarray:
    assert picture.mode == "RGB"
    return np.asarray(picture)


def test_arrays_tensors_and_files_of_one_picture_are_the_same(tmp_path: Path) -> None:
    Image.fromarray(COLORED).save(tmp_path / "a.png")
    forms = [
        Image.fromarray(COLORED),
        COLORED,
        COLORED.astype(np.float32) / 255,
        COLORED.astype(np.float64) / 255,
        torch.from_numpy(COLORED).permute(2, 0, 1),
        torch.from_numpy(COLORED).permute(2, 0, 1) / 255,
        (torch.from_numpy(COLORED).permute(2, 0, 1) / 255).requires_grad_(),
        tmp_path / "a.png",
        str(tmp_path / "a.png"),
    ]
    for form in forms:
        np.testing.assert_array_equal(array(read_picture(form)), COLORED)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "CMYK", "YCbCr", "1", "PA", "RGBa", "LAB", "HSV"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    picture = Image.new(mode, (12, 8))
    assert read_picture(picture).mode == "RGB"
    assert read_picture(picture).size == (12, 8)


def test_cmyk_and_palette_files_keep_their_colours(tmp_path: Path) -> None:
    red = Image.new("RGB", (16, 16), (200, 30, 40))
    red.convert("CMYK").save(tmp_path / "a.jpg", quality=100)
    red.convert("P", palette=Image.Palette.ADAPTIVE).save(tmp_path / "a.png")
    for name in ("a.jpg", "a.png"):
        assert np.abs(array(read_picture(tmp_path / name)).astype(int) - (200, 30, 40)).max() < 8


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32])
def test_sixteen_bits_become_eight(tmp_path: Path, dtype: type) -> None:
    deep = RAMP.astype(dtype) * 257
    picture = Image.fromarray(deep)
    picture.save(tmp_path / "a.tif")
    for source in (picture, tmp_path / "a.tif"):
        np.testing.assert_array_equal(array(read_picture(source))[..., 0], RAMP)
    Image.fromarray(RAMP.astype(np.uint16) * 257).save(tmp_path / "a.png")
    np.testing.assert_array_equal(array(read_picture(tmp_path / "a.png"))[..., 1], RAMP)


def test_the_first_frame_of_an_animation_counts(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (10, 10), color) for color in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert array(read_picture(tmp_path / "a.gif"))[5, 5].tolist() == [255, 0, 0]


def test_colours_that_stand_at_the_end_of_a_file_are_missed(tmp_path: Path) -> None:
    for mode in ("P", "L"):
        whole = Image.fromarray(COLORED).convert(mode)
        whole.save(tmp_path / "a.pcx")
        np.testing.assert_array_equal(array(read_picture(tmp_path / "a.pcx")), array(whole.convert("RGB")))
    Image.fromarray(COLORED).convert("P").save(tmp_path / "a.pcx")
    (tmp_path / "a.pcx").write_bytes((tmp_path / "a.pcx").read_bytes()[:-100])
    with pytest.raises(BadInput, match="its palette is missing, the file is cut"):
        read_picture(tmp_path / "a.pcx")


def test_transparent_pictures_lie_on_white(tmp_path: Path) -> None:
    Image.new("RGBA", (10, 10), (0, 0, 0, 0)).save(tmp_path / "a.png")
    assert (array(read_picture(tmp_path / "a.png")) == 255).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_turns_a_picture_upright(tmp_path: Path, orientation: int) -> None:
    turns = {
        1: [], 2: [Image.Transpose.FLIP_LEFT_RIGHT], 3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM], 5: [Image.Transpose.TRANSPOSE], 6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE], 8: [Image.Transpose.ROTATE_270],
    }  # fmt: skip
    stored = Image.fromarray(COLORED)
    for turn in turns[orientation]:
        stored = stored.transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(array(read_picture(tmp_path / "a.png")), COLORED)


def test_files_that_are_no_pictures_are_named(tmp_path: Path) -> None:
    whole = tmp_path / "whole.jpg"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(whole)
    (tmp_path / "truncated.jpg").write_bytes(whole.read_bytes()[:700])
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "folder.png").mkdir()
    said = {"truncated.jpg": "truncated", "empty.png": "empty", "text.png": "no picture", "folder.png": "folder"}
    for name, reason in {**said, "missing.png": "no such file"}.items():
        with pytest.raises(BadInput, match=reason) as caught:
            read_picture(tmp_path / name)
        assert name in str(caught.value)


def test_an_address_is_not_looked_up() -> None:
    with pytest.raises(BadInput, match=r"example\.org/a\.png: an address is not looked up here, fetch it first"):
        read_picture("https://example.org/a.png")


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((8, 8), np.uint8),
        np.zeros((3, 8, 8), np.uint8),
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((0, 8, 3), np.uint8),
        np.zeros((8, 8, 3), np.int64),
        np.full((8, 8, 3), 2.0),
        np.full((8, 8, 3), -1.0),
        np.full((8, 8, 3), np.nan),
        torch.zeros(8, 8, 3),
        torch.zeros(1, 3, 8, 8),
        torch.randn(3, 8, 8, generator=torch.Generator().manual_seed(0)),
        17,
        None,
    ],
    ids=lambda wrong: str(getattr(wrong, "shape", wrong)),
)
def test_what_is_no_picture_is_refused(wrong: object) -> None:
    with pytest.raises(BadInput, match="picture"):
        read_picture(wrong)  # type: ignore[arg-type]

"""Videos read and written, and frames explained in batches on one scale."""

from __future__ import annotations

import struct
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from small_views import classifier, dual_encoder

import whylight
from whylight.errors import BadInput
from whylight.models.preprocessing import place_in_picture
from whylight.models.targets import difference
from whylight.pictures.film import film_frame, tile_size
from whylight.pictures.prompts_and_classes import name_targets
from whylight.pictures.series import explain_series, one_scale
from whylight.pictures.video import Video, VideoWriter

pytest.importorskip("av")

SIZE = (64, 48)


def drawn(number: int, size: tuple[int, int] = SIZE) -> Image.Image:
    """A bright square that walks over a ground; its place says which frame it is."""
    picture = np.full((size[1], size[0], 3), 40, np.uint8)
    left = 4 * number % (size[0] - 12)
    picture[10:26, left : left + 16] = (220, 60 + 3 * number % 150, 30)
    return Image.fromarray(picture)


def written(path: Path, count: int = 12, rate: int = 10) -> Path:
    with VideoWriter(path, Fraction(rate)) as film:
        for number in range(count):
            film.add(drawn(number))
    return path


@pytest.mark.parametrize("ending", ["mp4", "mkv", "mov"])
def test_what_is_written_is_read_again(tmp_path: Path, ending: str) -> None:
    video = Video(written(tmp_path / f"a.{ending}"))
    assert video.rate == 10
    frames = list(video)
    assert [name for name, _ in frames] == [f"a.{ending} {number}" for number in range(12)]
    for number, (_, picture) in enumerate(frames):
        difference_ = np.abs(np.asarray(picture).astype(int) - np.asarray(drawn(number)).astype(int))
        assert picture.size == SIZE
        assert np.median(difference_) < 6
    assert list(tmp_path.iterdir()) == [tmp_path / f"a.{ending}"]
    assert video.problem is None


def test_every_third_frame_at_a_third_of_the_rate(tmp_path: Path) -> None:
    video = Video(written(tmp_path / "a.mp4"), every=3)
    assert (len(video), video.rate) == (4, Fraction(10, 3))
    assert [name for name, _ in video] == ["a.mp4 0", "a.mp4 3", "a.mp4 6", "a.mp4 9"]
    assert len(list(video)) == 4  # it can be gone through again


def test_frames_are_decoded_when_they_are_reached(tmp_path: Path) -> None:
    frames = iter(Video(written(tmp_path / "a.mp4", 40)))
    assert next(frames)[0] == "a.mp4 0"
    frames.close()  # type: ignore[attr-defined]


def test_closing_early_waits_for_no_thread_that_logs(tmp_path: Path) -> None:
    path = written(tmp_path / "a.mp4", 40)
    code = f"""
import av.logging
from pathlib import Path
from whylight.pictures.video import Video
av.logging.set_level(av.logging.DEBUG)
for _ in range(40):
    frames = iter(Video(Path({str(path)!r})))
    next(frames)
    frames.close()
"""
    run = subprocess.run([sys.executable, "-c", code], timeout=120, capture_output=True, check=False)
    assert run.returncode == 0, run.stderr


def test_broken_videos_are_one_line(tmp_path: Path) -> None:
    whole = written(tmp_path / "whole.mp4", 60).read_bytes()
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    for name in ("empty.mp4", "text.mp4", "cut.mp4", "missing.mp4"):
        with pytest.raises(BadInput, match=name) as error:
            Video(tmp_path / name)
        assert "\n" not in str(error.value)


def test_a_video_that_ends_early_keeps_what_it_has(tmp_path: Path) -> None:
    whole = written(tmp_path / "whole.mkv", 60)
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * 0.6)])
    video = Video(cut)
    frames = list(video)
    assert 0 < len(frames) < 60
    # A container that says how many frames it holds is found out.
    video.announced = 60
    list(video)
    assert f"ends after {len(frames)} frames" in (video.problem or "")


def test_a_film_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with VideoWriter(tmp_path / "a.mp4", Fraction(10)) as film:
            film.add(drawn(0))
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(BadInput, match=r"a\.txt: a video is written as one of"):
        VideoWriter(tmp_path / "a.txt", Fraction(10))


@pytest.mark.parametrize("kind", ["prompts", "difference", "predicted", "against"])
def test_a_batch_of_frames_is_each_frame_alone(kind: str) -> None:
    view = classifier() if kind in ("predicted", "against") else dual_encoder()
    targets = None
    if kind == "prompts":
        targets = name_targets(view, ["a red star", "a blue ring"])
    elif kind == "difference":
        targets = name_targets(view, difference("a red star", "a blue ring"))
    sizes = [SIZE] * 4 + [(48, 64)] * 2 + [SIZE]
    frames = [(str(number), drawn(number, size)) for number, size in enumerate(sizes)]
    stills = list(explain_series(view, frames, targets, "chefercam", negative=kind == "against", batch=3))
    assert [still.name for still in stills] == [name for name, _ in frames]
    for still, (_, picture) in zip(stills, frames, strict=True):
        alone = whylight.explain(view, picture, targets, "chefercam", negative=kind == "against")
        torch.testing.assert_close(still.relevance, alone.relevance, rtol=1e-4, atol=1e-7)
        assert (still.targets, still.frame, still.score_name) == (alone.targets, alone.frame, alone.score_name)
        assert still.scores == pytest.approx(alone.scores, abs=1e-5)
        assert still.logits == pytest.approx(alone.logits, abs=1e-4)


def test_one_scale_holds_all_frames() -> None:
    view = dual_encoder()
    targets = name_targets(view, ["a red star", "a blue ring"])
    stills = list(explain_series(view, [(str(n), drawn(n)) for n in range(5)], targets, size=(48, 64), fit="squash"))
    scale = one_scale(stills)
    every = torch.stack([still.relevance for still in stills]).double()
    for target in range(2):
        low, high = every[:, target].min(), every[:, target].max()
        for still in stills:
            expected = (place_in_picture(still.relevance.double(), still.frame)[target] - low) / (high - low)
            np.testing.assert_allclose(scale.maps(still)[target], expected.clamp(0, 1).numpy(), atol=1e-4)
    assert max(scale.maps(still)[0].max() for still in stills) > 0.8
    assert sum(float(scale.maps(still)[0].max()) > 0.999 for still in stills) <= 1  # not each by itself


def test_a_frame_of_the_film_has_a_tile_for_the_picture_and_each_target() -> None:
    view = dual_encoder()
    targets = name_targets(view, ["a red star", "a blue ring"])
    (still,) = explain_series(view, [("frame 0", drawn(0))], targets)
    size = tile_size(drawn(0), 3)
    assert size == SIZE
    film = film_frame(still, drawn(0), one_scale([still]).maps(still), size)
    assert film.width == 3 * (SIZE[0] + 4) + 4
    head = film.height - SIZE[1] - 4
    np.testing.assert_array_equal(np.asarray(film)[head : head + SIZE[1], 4 : 4 + SIZE[0]], np.asarray(drawn(0)))
    wide = tile_size(Image.new("RGB", (4000, 1000)), 2)
    assert wide == (480, 120)
    assert film_frame(still, drawn(0, (48, 64)), np.zeros((2, 64, 48), np.float32), size).size == film.size


@pytest.mark.parametrize(("matrix", "turns"), [((0, 1, -1, 0), -1), ((-1, 0, 0, -1), 2), ((0, -1, 1, 0), 1)])
def test_telephones_that_were_held_upright_are_shown_upright(
    tmp_path: Path, matrix: tuple[int, ...], turns: int
) -> None:
    """Their files say by a matrix how to turn each frame, in 16.16 fixed point."""
    stored = written(tmp_path / "a.mp4", 3).read_bytes()
    one = 1 << 16
    whole = struct.pack(">9i", one, 0, 0, 0, one, 0, 0, 0, 1 << 30)
    a, b, c, d = (one * number for number in matrix)
    turned = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    place = stored.index(whole, stored.index(b"tkhd"))
    (tmp_path / "a.mp4").write_bytes(stored[:place] + turned + stored[place + len(whole) :])
    for number, (_, picture) in enumerate(Video(tmp_path / "a.mp4")):
        expected = np.rot90(np.asarray(drawn(number)), turns)
        assert np.asarray(picture).shape == expected.shape
        assert np.median(np.abs(np.asarray(picture).astype(int) - expected.astype(int))) < 6

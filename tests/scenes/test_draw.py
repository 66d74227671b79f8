"""Scenes follow from their seed, and masks and captions say exactly what is in the picture."""

from __future__ import annotations

import numpy as np
import pytest

from whylight.scenes import EXAMPLE_SEEDS, FIRST_EVALUATION_SEED, draw, draw_scene, phrase, scenes
from whylight.scenes.draw import COLORS, TEXTURES
from whylight.scenes.shapes import KINDS

SOME = list(scenes(FIRST_EVALUATION_SEED, 60))


def test_there_is_enough_variety():
    assert len(KINDS) >= 10
    assert len(COLORS) == 8
    assert len(TEXTURES) == 3
    assert {o.kind for s in SOME for o in s.objects} == set(KINDS)
    assert {len(s.objects) for s in SOME} == {1, 2, 3, 4, 5}


def test_a_seed_gives_the_same_scene_again():
    first, again, other = draw_scene(7), draw_scene(7), draw_scene(8)
    assert np.array_equal(first.picture, again.picture)
    assert first.caption == again.caption
    assert not np.array_equal(first.picture, other.picture)


def test_scenes_are_those_of_their_seeds():
    for scene, seed in zip(scenes(20, 3, objects=(2, 2)), (20, 21, 22), strict=True):
        assert scene.seed == seed
        assert np.array_equal(scene.picture, draw_scene(seed, objects=(2, 2)).picture)
        assert len(scene.objects) == 2


def test_visible_masks_are_disjoint_and_fill_their_boxes():
    for scene in SOME:
        assert scene.picture.shape == (96, 96, 3)
        assert scene.picture.dtype == np.uint8
        assert sum(o.mask.astype(int) for o in scene.objects).max() == 1
        for o in scene.objects:
            left, top, right, bottom = o.box
            assert o.mask[top:bottom, left:right].sum() == o.mask.sum() > 60
            window = o.mask[top:bottom, left:right]
            assert window[0].any()
            assert window[-1].any()
            assert window[:, 0].any()
            assert window[:, -1].any()


def test_colours_lie_where_the_masks_say():
    """The inner pixels of a plain object have its colour, and no pixel of the ground has."""
    checked = 0
    for scene in SOME:
        anything = np.any([o.mask for o in scene.objects], axis=0)
        for o in scene.objects:
            if o.texture != "plain":
                continue
            difference = np.abs(scene.picture.astype(float) - COLORS[o.color]).max(-1)
            m = np.pad(o.mask, 1)
            inner = m[1:-1, 1:-1] & m[:-2, 1:-1] & m[2:, 1:-1] & m[1:-1, :-2] & m[1:-1, 2:]
            assert difference[inner].max() < 40
            assert scene.picture[inner].std(0).max() < 6
            assert (difference[~anything] < 15).mean() < 0.02
            checked += 1
    assert checked > 20


def test_every_object_stays_visible_though_some_overlap():
    """The whole of an object is known from the layout; at least 0.6 of it is in the visible mask."""
    shares = []
    for scene in SOME:
        random = np.random.default_rng(scene.seed)
        placed = draw._layout(random, int(random.integers(1, 6)))
        for item, seen in zip(placed, scene.objects, strict=True):
            owner = np.full((96, 96), -1, dtype=np.int8)
            draw._paint(np.zeros((96, 96, 3), np.float32), owner, item, 0)
            shares.append(seen.mask.sum() / (owner == 0).sum())
    assert min(shares) >= draw.LEAST_VISIBLE
    assert sum(share < 1 for share in shares) > 5


def test_the_same_seed_at_another_size_is_the_same_scene():
    small, large = draw_scene(EXAMPLE_SEEDS[0]), draw_scene(EXAMPLE_SEEDS[0], size=384)
    assert small.caption == large.caption
    assert large.picture.shape == (384, 384, 3)
    for a, b in zip(small.objects, large.objects, strict=True):
        reduced = b.mask.reshape(96, 4, 96, 4).mean((1, 3)) > 0.5
        assert (reduced & a.mask).sum() / (reduced | a.mask).sum() > 0.9
    reduced = large.picture.reshape(96, 4, 96, 4, 3).mean((1, 3))
    assert np.abs(reduced - small.picture).mean() < 8


def test_the_caption_names_every_object_and_the_ground():
    for scene in SOME:
        for o in scene.objects:
            assert f"{o.texture} {o.color} {o.kind}" in scene.caption
        assert scene.caption.endswith(f"on a {scene.ground} ground")
        assert scene.caption.count(" and ") == (len(scene.objects) > 1)


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"kind": "star", "color": "red"}, "a red star"),
        ({"kind": "star"}, "a star"),
        ({"kind": "arrow"}, "an arrow"),
        ({"kind": "ring", "color": "orange"}, "an orange ring"),
        ({"color": "red"}, "something red"),
        ({"kind": "heart", "color": "green", "texture": "dotted"}, "a dotted green heart"),
        ({"texture": "striped"}, "something striped"),
    ],
)
def test_phrases(named, said):
    assert phrase(**named) == said


def test_examples_are_evaluation_scenes_of_two_to_four_objects():
    for seed in EXAMPLE_SEEDS:
        assert seed >= FIRST_EVALUATION_SEED
        assert 2 <= len(draw_scene(seed).objects) <= 4

"""Training goes on where it was stopped, and what it is told about pictures is true."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from whylight.scenes.album import GROUND, Album, Canvas
from whylight.scenes.architecture import build
from whylight.scenes.draw import COLORS, TEXTURES, draw_scene
from whylight.scenes.encoding import encode_pictures, encode_texts
from whylight.scenes.lessons import Phrases, captions
from whylight.scenes.losses import wrong_places
from whylight.scenes.plan import CLOSE_UP, NEAR, Plan, Stage
from whylight.scenes.shapes import KINDS
from whylight.scenes.train import Training
from whylight.scenes.vocabulary import SceneTokenizer

SCENES = 24
STAGES = (
    Stage(CLOSE_UP, SCENES, 1, 4, texts=False),
    Stage(NEAR, SCENES, 1, 4),
    Stage(Canvas(), SCENES, 2, 4, places=True, again=0.5),
)
TINY: dict[str, Plan] = {
    "scenes": Plan(STAGES, warm_up=2, words=1, fall=5),
    "scenes-siglip": Plan((Stage(Canvas(), SCENES, 4, 4, places=True),), warm_up=2, words=1),
}


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("album")
    for canvas in (CLOSE_UP, NEAR, Canvas()):
        Album(folder / "album", SCENES, canvas)
    return folder


def test_the_album_holds_the_scenes_of_training_seeds(album: Path):
    drawn = Album(album / "album", SCENES, Canvas())
    pictures = drawn.pictures(np.array([3, 17]))
    for picture, seed in zip(pictures, (3, 17), strict=True):
        scene = draw_scene(seed)
        assert np.array_equal(picture, scene.picture)
        told = [tuple(names) for names in drawn.objects[seed] if names[0] >= 0]
        colors = list(COLORS)
        assert told == [(TEXTURES.index(o.texture), colors.index(o.color), KINDS.index(o.kind)) for o in scene.objects]


def test_the_album_says_what_each_patch_shows(album: Path):
    drawn = Album(album / "album", SCENES, Canvas())
    for seed in range(SCENES):
        shares = [o.mask.reshape(12, 8, 12, 8).mean((1, 3)) for o in draw_scene(seed).objects]
        for (row, column), place in np.ndenumerate(drawn.places[seed]):
            here = [share[row, column] for share in shares]
            if place >= 0:
                assert here[place] >= 0.5
            else:
                assert place == GROUND
                assert max(here) < 0.5
    assert {GROUND, 0, 1} <= set(drawn.places.ravel().tolist())


def test_mirrored_pictures_have_mirrored_places(album: Path):
    training = Training("scenes", TINY["scenes"], album)
    drawn = Album(album / "album", SCENES, Canvas())
    mirrored = torch.tensor([True, False])
    places = training.batches.places(drawn.places[:2], mirrored, drawn.objects[:2], layer=0)
    assert np.array_equal(places.shown[0].reshape(12, 12), drawn.places[0][:, ::-1])
    assert np.array_equal(places.shown[1].reshape(12, 12), drawn.places[1])
    assert places.truth.shape == (2, 5, len(training.batches.phrases))


def test_a_patch_is_right_where_it_says_only_what_it_shows():
    """Two patches of one object of which phrase 0 is true, and one of ground."""
    shown = torch.tensor([[0, 0, GROUND]])
    truth = torch.zeros(1, 5, 2)
    truth[0, 0, 0] = 1
    right = torch.tensor([[[9.0, -9], [9, -9], [-9, -9]]])
    assert wrong_places(right, shown, truth) < 1e-3
    for patch in range(3):
        wrong = right.clone()
        wrong[0, patch] *= -1
        assert wrong_places(wrong, shown, truth) > 0.4


@pytest.mark.parametrize("name", ["scenes", "scenes-siglip"])
def test_a_stopped_training_ends_with_the_same_weights(name: str, album: Path, tmp_path: Path):
    for folder, pauses in (("straight", [4]), ("stopped", [2, 4])):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "album").symlink_to(album / "album")
        for pause in pauses:
            training = Training(name, TINY[name], tmp_path / folder)
            assert training.step == (pause - 2 if len(pauses) == 2 else 0)
            while training.step < pause:
                training.advance()
            training.save()
    straight, stopped = (load_file(tmp_path / f / f"{name}.safetensors") for f in ("straight", "stopped"))
    assert straight.keys() == stopped.keys()
    assert all(torch.equal(straight[key], stopped[key]) for key in straight)


def test_another_plan_does_not_go_on_from_a_checkpoint(album: Path, tmp_path: Path):
    (tmp_path / "album").symlink_to(album / "album")
    Training("scenes", TINY["scenes"], tmp_path).save()
    with pytest.raises(SystemExit, match="another plan"):
        Training("scenes", replace(TINY["scenes"], rate=1e-4), tmp_path)


def test_the_sibling_starts_from_the_first_model(album: Path, tmp_path: Path):
    (tmp_path / "album").symlink_to(album / "album")
    first = Training("scenes", TINY["scenes"], tmp_path)
    first.save()
    sibling = Training(
        "scenes-siglip", TINY["scenes-siglip"], tmp_path, start=tmp_path / "scenes.safetensors"
    ).learner.model.eval()
    model = first.learner.model.eval()
    texts = SceneTokenizer()(["a red star", "a blue ring"])
    with torch.no_grad():
        assert (encode_texts(sibling, texts) - encode_texts(model, texts)).abs().max() < 1e-2
        expected = model.visual.transformer.resblocks[0](torch.ones(1, 5, 192))
        assert (sibling.visual.trunk.blocks[0](torch.ones(1, 5, 192)) - expected).abs().max() < 1e-2


@pytest.mark.parametrize("name", ["scenes", "scenes-siglip"])
def test_the_forward_passes_of_training_are_the_models_own(name: str):
    model = build(name).eval()
    texts = SceneTokenizer()(["a red star", "a striped blue ring and a red star on a grey ground"])
    pixels = torch.rand(2, 3, 96, 96)
    with torch.no_grad():
        assert (encode_texts(model, texts) - model.encode_text(texts, normalize=True)).abs().max() < 1e-5
        assert (encode_pictures(model, pixels)[0][0] - model.encode_image(pixels, normalize=True)).abs().max() < 1e-5


def test_phrases_are_true_exactly_where_an_object_fits():
    phrases, tokenizer = Phrases(), SceneTokenizer()
    objects = np.full((1, 5, 3), -1, dtype=np.int8)
    objects[0, 0] = TEXTURES.index("striped"), 0, KINDS.index("star")
    objects[0, 1] = TEXTURES.index("plain"), list(COLORS).index("blue"), KINDS.index("ring")
    truth = phrases.truth(objects)[0]
    assert truth.sum() == 2 * 7
    for words, true in zip(map(tokenizer.decode, phrases.tokens(np.random.default_rng(0))), truth, strict=True):
        said = set(words.split()) - {"a", "an", "the", "something", "object", "shape"}
        assert true == (said <= {"striped", "red", "star"} or said <= {"plain", "blue", "ring"}), words


def test_altered_captions_are_false():
    random = np.random.default_rng(0)
    objects = np.full((30, 5, 3), -1, dtype=np.int8)
    objects[:, :3] = np.stack([random.integers(n, size=(30, 3)) for n in (len(TEXTURES), len(COLORS), len(KINDS))], -1)
    for true, *altered in captions(objects, random.integers(4, size=30), random, altered=3):
        for other in altered:
            assert sorted(_parts(other)) != sorted(_parts(true))
            assert len(true.split()) == len(other.split())


def _parts(caption: str) -> list[str]:
    for prefix in ("a picture of ", "a photo of ", "there is "):
        caption = caption.removeprefix(prefix)
    return [part.removeprefix("an ").removeprefix("a ") for part in caption.replace(" and ", ", ").split(", ")]

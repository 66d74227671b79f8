"""Sessions within a size: what is kept, what goes first, what is shared."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from PIL import Image
from small_views import dual_encoder

import whylight
from whylight.errors import BadInput
from whylight.models.view import View
from whylight.pictures import prompt_memory
from whylight.pictures.prompt_memory import PromptMemory
from whylight.scenes import draw_scene

PICTURES = [draw_scene(10**9 + index, 48).picture for index in range(4)]


@pytest.fixture(scope="module")
def view() -> View:
    return dual_encoder()


@pytest.fixture
def runs(view: View) -> Iterator[list[int]]:
    """Grows with every picture that goes through the model."""
    counted: list[int] = []
    handle = view.module.visual.conv1.register_forward_hook(lambda *_: counted.append(1))
    yield counted
    handle.remove()


def sessions_for(view: View, count: float) -> whylight.Sessions:
    return whylight.Sessions(view, int(count * whylight.record(view, PICTURES[0]).nbytes))


def test_a_picture_that_is_kept_does_not_run_again(view: View, runs: list[int]) -> None:
    sessions = sessions_for(view, 3)
    runs.clear()
    first = sessions.record(PICTURES[0])
    assert sessions.record(PICTURES[0].copy()) is first
    assert sessions.record(Image.fromarray(PICTURES[0])) is first
    assert len(runs) == 1
    assert sessions.record(PICTURES[0], size=64) is not first
    assert sessions.record(PICTURES[0], pooling="patches") is not first
    changed = PICTURES[0].copy()
    changed[0, 0, 0] ^= 1
    assert sessions.record(changed) is not first


def test_who_was_asked_for_longest_ago_goes_first(view: View, runs: list[int]) -> None:
    sessions = sessions_for(view, 2.5)
    first, second = sessions.record(PICTURES[0]), sessions.record(PICTURES[1])
    assert sessions.record(PICTURES[0]) is first
    third = sessions.record(PICTURES[2])
    assert len(sessions) == 2
    assert sessions.nbytes == first.nbytes + third.nbytes <= sessions.capacity_bytes
    runs.clear()
    assert sessions.record(PICTURES[0]) is first
    assert not runs
    assert sessions.record(PICTURES[1]) is not second
    assert runs
    assert second.explain("a red star").maps.shape == (1, 48, 48)  # who holds a dropped session may go on asking


def test_what_does_not_fit_is_handed_out_and_not_kept(view: View) -> None:
    sessions = sessions_for(view, 0.5)
    assert sessions.record(PICTURES[0]).explain("a red star").targets == ("a red star",)
    assert len(sessions) == sessions.nbytes == 0
    kept = sessions_for(view, 1.5)
    small = kept.record(PICTURES[0])
    kept.record(np.tile(PICTURES[1], (200, 200, 1)))
    assert kept.record(PICTURES[0]) is small


def test_changed_weights_are_recorded_anew() -> None:
    view = dual_encoder()
    sessions = sessions_for(view, 3)
    first = sessions.record(PICTURES[0])
    before = first.explain("a red star")
    with torch.no_grad():
        view.module.text_projection.mul_(-1)
    after = sessions.record(PICTURES[0]).explain("a red star")
    assert after.scores[0] == pytest.approx(-before.scores[0])


def test_prompts_are_shared_and_bounded(view: View, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[str] = []
    encode_text = view.encode_text
    monkeypatch.setattr(view, "encode_text", lambda prompts: (encoded.extend(prompts), encode_text(prompts))[1])
    sessions = sessions_for(view, 3)
    for picture in PICTURES[:2]:
        sessions.record(picture).explain(["a red star", "a blue ring"])
    assert encoded == ["a red star", "a blue ring"]
    monkeypatch.setattr(prompt_memory, "PROMPTS", 2)
    memory = PromptMemory(view)
    for prompt in ("a red star", "a blue ring", "a red star", "a green cross"):
        memory.encode([prompt])
    encoded.clear()
    torch.testing.assert_close(memory.encode(["a red star", "a blue ring"]), encode_text(["a red star", "a blue ring"]))
    assert encoded == ["a blue ring"]


def test_threads_may_share_a_cache(view: View) -> None:
    sessions = sessions_for(view, 2.5)
    expected = [whylight.explain(view, picture, "a red star").relevance for picture in PICTURES]
    failures: list[int] = []

    def ask(start: int) -> None:
        for turn in range(8):
            index = (start + turn) % len(PICTURES)
            found = sessions.record(PICTURES[index]).explain("a red star").relevance
            if not torch.allclose(found, expected[index], rtol=1e-4):
                failures.append(index)

    threads = [threading.Thread(target=ask, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert 0 < sessions.nbytes <= sessions.capacity_bytes


def test_a_size_is_needed(view: View) -> None:
    with pytest.raises(BadInput, match="positive"):
        whylight.Sessions(view, 0)


def test_a_name_spares_the_look_at_the_pixels(view: View, runs: list[int]) -> None:
    sessions = sessions_for(view, 3)
    first = sessions.record(PICTURES[0], known_as="one")
    assert sessions.record(PICTURES[0], known_as="one") is first
    assert sessions.record(PICTURES[0], known_as="two") is not first
    assert sessions.record(PICTURES[0], known_as="one", size=64) is not first

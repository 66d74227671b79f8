"""A session gives the explanations that `explain` gives, and runs the picture's encoder once."""

from __future__ import annotations

import threading
import warnings
from typing import Any

import open_clip
import pytest
import timm
import torch
from open_clip.model import CLIPVisionCfg, CustomTextCLIP
from small_views import PATCH, classifier, dual_encoder

import whylight
from whylight.errors import BadInput, UnknownName, WhylightWarning
from whylight.models.view import View
from whylight.pictures.explanation import Explanation
from whylight.scenes import draw_scene
from whylight.scenes.vocabulary import CONTEXT_LENGTH, VOCABULARY_SIZE, SceneTokenizer

PICTURE = draw_scene(10**9 + 3, 48).picture
TEXT = {"context_length": CONTEXT_LENGTH, "vocab_size": VOCABULARY_SIZE, "width": 16, "heads": 2, "layers": 1}
VISION = {"image_size": 32, "patch_size": PATCH, "width": 32, "head_width": 8, "layers": 2}


def siglip() -> View:
    torch.manual_seed(0)
    model = CustomTextCLIP(16, CLIPVisionCfg(image_size=32), TEXT)
    model.visual = open_clip.timm_model.TimmModel("vit_tiny_patch16_224", 16, image_size=32, pool="", proj="linear")
    trunk = {"img_size": 32, "patch_size": PATCH, "embed_dim": 24, "depth": 2, "num_heads": 2, "num_classes": 0}
    model.visual.trunk = timm.models.VisionTransformer(**trunk, class_token=False, global_pool="map")
    model.visual.head = torch.nn.Linear(24, 16)
    return whylight.wrap(model.eval(), tokenizer=SceneTokenizer(), name="small siglip")


def coca() -> View:
    torch.manual_seed(0)
    pooler = {"attentional_pool": True, "attn_pooler_heads": 2, "attn_pooler_queries": 4}
    model = open_clip.CLIP(16, vision_cfg=VISION | pooler, text_cfg=TEXT)
    return whylight.wrap(model.eval(), tokenizer=SceneTokenizer(), name="small coca")


DUAL = {"openclip": dual_encoder, "siglip": siglip, "coca": coca}


def in_double(view: View) -> View:
    view.module.double()
    return view


def same(one: Explanation, other: Explanation) -> None:
    torch.testing.assert_close(one.relevance, other.relevance, rtol=1e-10, atol=0)
    torch.testing.assert_close(one.maps, other.maps, rtol=0, atol=1e-6)
    assert one.scores == pytest.approx(other.scores, rel=1e-10)
    assert one.logits == pytest.approx(other.logits, rel=1e-10)
    for name in ("targets", "score_name", "frame", "model", "method", "options", "input_size", "versions", "grid"):
        assert getattr(one, name) == getattr(other, name), name
    assert one.picture.tobytes() == other.picture.tobytes()


@pytest.mark.parametrize("build", DUAL.values(), ids=DUAL.keys())
def test_prompts(build: Any) -> None:
    view = in_double(build())
    session = view.record(PICTURE)
    for prompts in ("a red star", ["a blue ring", "a red star"]):
        for options in ({}, {"start_layer": -1, "centered": True}, {"score": "dot"}):
            same(session.explain(prompts, **options), whylight.explain(view, PICTURE, prompts, **options))


def test_classes_and_the_prediction() -> None:
    view = in_double(classifier())
    session = whylight.record(view.module, PICTURE)
    for targets in (None, "tabby", [0, 3], 2):
        same(session.explain(targets), whylight.explain(view.module, PICTURE, targets))


def test_embeddings_sizes_and_options_of_recording() -> None:
    view = in_double(dual_encoder())
    embedding = torch.randn(2, 16, dtype=torch.float64)
    recorded: dict[str, Any] = {"size": (32, 48), "fit": "pad", "pooling": "class_token"}
    session = whylight.record(view, PICTURE, **recorded)
    same(session.explain(embedding), whylight.explain(view, PICTURE, embedding, **recorded))


def test_empty_prompt_correction() -> None:
    view = in_double(siglip())
    session = view.record(PICTURE)
    expected = whylight.explain(view, PICTURE, "a red star", empty_prompt_correction=True)
    same(session.explain("a red star", empty_prompt_correction=True), expected)


@pytest.mark.parametrize("build", DUAL.values(), ids=DUAL.keys())
def test_the_picture_is_encoded_once_and_each_prompt_once(build: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    view = build()
    visual = view.visual
    stem = visual.conv1 if view.trunk is None else view.trunk.patch_embed
    blocks = visual.transformer.resblocks if view.trunk is None else view.trunk.blocks
    calls = {"stem": 0, "block": 0}
    handles = [
        module.register_forward_hook(lambda *_, name=name: calls.__setitem__(name, calls[name] + 1))
        for name, module in (("stem", stem), ("block", blocks[0]))
    ]
    encoded: list[str] = []
    encode_text = view.encode_text
    monkeypatch.setattr(view, "encode_text", lambda prompts: (encoded.extend(prompts), encode_text(prompts))[1])
    session = view.record(PICTURE)
    assert calls == {"stem": 1, "block": 1}
    for prompts in ("a red star", ["a red star", "a blue ring"], ["a blue ring", "a dotted heart", "a blue ring"]):
        session.explain(prompts, start_layer=1)
    assert calls == {"stem": 1, "block": 1}
    assert encoded == ["a red star", "a blue ring", "a dotted heart"]
    session.explain("a red star", "rollout")
    assert calls["stem"] == 2  # another method runs the model again
    for handle in handles:
        handle.remove()


def test_other_methods_are_answered_too() -> None:
    view = in_double(dual_encoder())
    session = view.record(PICTURE)
    expected = whylight.explain(view, PICTURE, "a red star", "chefercam", start_layer=1)
    same(session.explain("a red star", "chefercam", start_layer=1), expected)


def test_bytes_are_those_of_the_recording_the_pixels_and_the_picture() -> None:
    session = dual_encoder().record(PICTURE)
    assert session.nbytes == session._recording.nbytes + 3 * 32 * 32 * 4 + PICTURE.size
    assert f"{session.nbytes / 1e6:.1f} MB" in repr(session)
    larger = dual_encoder().record(PICTURE, size=64)
    assert larger._recording.nbytes > 3 * session._recording.nbytes


def test_threads_may_ask_one_session() -> None:
    view = in_double(dual_encoder())
    session = view.record(PICTURE)
    prompts = ["a red star", "a blue ring", "a dotted heart", "a green cross"]
    results: dict[str, list[Explanation]] = {prompt: [] for prompt in prompts}
    threads = [
        threading.Thread(target=lambda prompt=prompt: results[prompt].extend(session.explain(prompt) for _ in range(4)))
        for prompt in prompts
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for prompt in prompts:
        expected = whylight.explain(view, PICTURE, prompt)
        assert len(results[prompt]) == 4
        for result in results[prompt]:
            same(result, expected)


def test_warnings_point_at_who_asked() -> None:
    session = dual_encoder().record(PICTURE)
    for _ in range(2):  # a remembered prompt is as unknown as it was
        with pytest.warns(WhylightWarning, match="zebra") as caught:
            session.explain("a red zebra")
        assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        session.explain("a red star")


def test_what_is_refused() -> None:
    view = dual_encoder()
    session = view.record(PICTURE)

    def refused(error: type[Exception], said: str, *arguments: Any, **options: Any) -> None:
        with pytest.raises(error, match=said):
            session.explain(*arguments, **options)

    refused(BadInput, "when a picture is recorded", "a star", pooling="patches")
    refused(BadInput, "no graph", "a star", create_graph=True)
    refused(UnknownName, "start_layer", "a star", start_layr=1)
    refused(BadInput, "cosine", "a star", score="euclid")
    refused(UnknownName, "legrad", "a star", "legrat")
    refused(BadInput, "empty", " ")
    refused(BadInput, "predicts no class")
    refused(BadInput, "7 dimensions", torch.zeros(1, 7))
    with pytest.raises(BadInput, match="no such file"):
        view.record("nowhere.jpg")
    with pytest.raises(BadInput, match="ask with it"):
        view.record(PICTURE, start_layer=1)
    view.module.float()
    view.module.to(torch.float64)
    refused(BadInput, "record again", "a star")


def test_a_session_takes_the_old_name_of_an_option() -> None:
    view = dual_encoder()
    session = view.record(draw_scene(3, 32).picture)
    with pytest.warns(DeprecationWarning, match="centred is called centered"):
        old = session.explain("a red star", centred=True)
    assert torch.equal(old.relevance, session.explain("a red star", centered=True).relevance)

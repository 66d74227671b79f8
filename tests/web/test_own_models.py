"""Fine-tuned models out of folders, offered as the command line names them and opened on the page."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import open_clip
import pytest
import timm
import torch
import transformers
from PIL import Image
from safetensors.torch import save_file
from timm.models import save_for_hf
from zoo.openclip_models import TEXT, VISION
from zoo.text_classifier import tokenizer
from zoo.transformers_models import BERT, VIT

import whylight
from whylight.scenes import EXAMPLE_SEEDS, draw_scene

pytest.importorskip("playwright")
from playwright.sync_api import expect

SCENE = Image.fromarray(draw_scene(EXAMPLE_SEEDS[0], 384).picture)
NAMES = {0: "healthy", 1: "rust", 2: "blight"}
FEELINGS = {0: "bad", 1: "good"}


def of_openclip(folder: Path) -> str:
    shape = {"embed_dim": 16, "vision_cfg": VISION, "text_cfg": TEXT | {"vocab_size": 49408}}
    model = open_clip.CLIP(**shape)
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": shape, "preprocess_cfg": {}}))
    save_file(
        {name: value.contiguous() for name, value in model.state_dict().items()}, folder / "open_clip_model.safetensors"
    )
    return f"openclip:local-dir:{folder}"


def named(classes: dict[int, str]) -> dict[str, Any]:
    return {"num_labels": len(classes), "id2label": classes, "label2id": {name: i for i, name in classes.items()}}


def of_timm(folder: Path) -> str:
    shape = {"img_size": 32, "patch_size": 8, "depth": 2, "embed_dim": 24, "num_heads": 2}
    model = timm.create_model("vit_tiny_patch16_224", num_classes=3, **shape)
    save_for_hf(model, folder, model_config={"label_names": list(NAMES.values())}, model_args=shape)
    return f"timm:local-dir:{folder}"


def of_transformers(folder: Path) -> str:
    config = transformers.ViTConfig(**VIT | named(NAMES))
    transformers.ViTForImageClassification(config).save_pretrained(folder)
    transformers.ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
    return f"hf:local-dir:{folder}"


def of_texts(folder: Path) -> str:
    config = transformers.BertConfig(**BERT | named(FEELINGS))
    transformers.BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return f"hf:local-dir:{folder}"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    """The address that the command prints, and the folders as it was given them."""
    torch.manual_seed(0)
    names = {}
    for make in (of_timm, of_openclip, of_transformers, of_texts):
        folder = tmp_path_factory.mktemp("own") / make.__name__
        folder.mkdir()
        names[make.__name__] = make(folder)
    command = [sys.executable, "-m", "whylight", "web", "--port", "0"]
    for name in names.values():
        command += ["--model", name]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield process.stdout.readline().strip().rstrip("/"), names
    process.terminate()
    assert process.wait(30) in (0, -15)
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()


@pytest.mark.parametrize("kind", ["of_timm", "of_transformers"])
def test_a_classifier_of_pictures(served: tuple[str, dict[str, str]], browser: Any, kind: str) -> None:
    address, names = served
    page = browser.new_page()
    page.goto(f"{address}/#scene={EXAMPLE_SEEDS[0]}")
    page.locator("#model").select_option(names[kind])
    expect(page.locator("#class-names option")).to_have_count(3, timeout=60_000)
    page.get_by_label("Class 1", exact=True).fill("rust")
    expected = whylight.explain(names[kind], SCENE, "rust")
    expect(page.locator(".score").first).to_have_text(f"{100 * expected.scores[0]:.1f} %")
    expect(page.locator("#cells figcaption")).to_have_text("rust")
    page.close()


def test_a_dual_encoder(served: tuple[str, dict[str, str]], browser: Any) -> None:
    address, names = served
    page = browser.new_page()
    page.goto(f"{address}/#scene={EXAMPLE_SEEDS[0]}&model={names['of_openclip']}&p=a+red+ring")
    expected = whylight.explain(names["of_openclip"], SCENE, "a red ring")
    expect(page.locator(".score").first).to_have_text(f"{expected.scores[0]:.3f}", timeout=60_000)
    page.close()


def test_a_classifier_of_texts(served: tuple[str, dict[str, str]], browser: Any) -> None:
    address, names = served
    page = browser.new_page()
    page.goto(f"{address}/#model={names['of_texts']}")
    expect(page.locator("#text-class option")).to_have_text(["the predicted one", "bad", "good"], timeout=60_000)
    page.locator("#text").fill("the film was good")
    expect(page.locator("#text-score")).to_have_text(re.compile(r"(good|bad): \d+\.\d %"))
    expected = whylight.explain_text(names["of_texts"], "the film was good")
    expect(page.locator("#text-score")).to_have_text(f"{expected.targets[0]}: {100 * expected.scores[0]:.1f} %")
    page.close()

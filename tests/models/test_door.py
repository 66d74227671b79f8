"""What lies in a model's folder is never run, whoever opens it and whatever is typed."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import open_clip
import pytest
import timm
import torch
import transformers
from zoo.openclip_models import TEXT, VISION
from zoo.text_classifier import tokenizer

import whylight
from whylight.errors import WhylightError
from whylight.models.door import careful

CODE = """
import pathlib
pathlib.Path(__file__).with_name("ran").touch()
from transformers import {base}

class Own({base}):
    {body}
"""
OWN = {
    "config.json": ("AutoConfig", "PretrainedConfig", 'model_type = "own"'),
    "tokenizer_config.json": ("AutoTokenizer", "PreTrainedTokenizerFast", "pass"),
    "preprocessor_config.json": ("AutoImageProcessor", "ViTImageProcessor", "pass"),
}


@pytest.fixture(autouse=True)
def modules_of_folders_in_a_folder_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.setattr(sys, "path", list(sys.path))


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who answers every question with yes."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n" * 20))


def vit_folder(folder: Path) -> Path:
    torch.manual_seed(0)
    config = transformers.ViTConfig(
        hidden_size=24, num_hidden_layers=1, num_attention_heads=2, intermediate_size=24, image_size=32, num_labels=2
    )
    transformers.ViTForImageClassification(config).save_pretrained(folder)
    transformers.ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return folder


def with_code(folder: Path, file: str, known_type: bool) -> Path:
    """The same, but one of its configurations wants its class out of the folder's own code."""
    auto, base, body = OWN[file]
    (folder / "own.py").write_text(CODE.format(base=base, body=body))
    said = json.loads((folder / file).read_text())
    said["auto_map"] = {auto: ["own.Own", None] if auto == "AutoTokenizer" else "own.Own"}
    if not known_type:
        said |= {"model_type": "own", "tokenizer_class": "Own", "image_processor_type": "Own"}
    (folder / file).write_text(json.dumps(said))
    return folder


def ran(folder: Path) -> bool:
    return any(folder.parent.rglob("ran"))


@pytest.mark.parametrize("known_type", [True, False])
@pytest.mark.parametrize("file", OWN)
def test_code_of_a_folder_is_refused_without_asking(
    file: str, known_type: bool, tmp_path: Path, eager: None, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = with_code(vit_folder(tmp_path / "model"), file, known_type)
    with pytest.raises(WhylightError, match="auto_map") as error:
        whylight.load(f"hf:local-dir:{folder}")
    assert not ran(folder)
    assert "\n" not in str(error.value)
    assert "trust_remote_code" not in str(error.value)
    assert capsys.readouterr().out == ""


def test_what_the_guard_refuses_would_run_without_it(
    tmp_path: Path, eager: None, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = with_code(vit_folder(tmp_path / "model"), "config.json", known_type=False)
    with careful(), pytest.raises(ValueError, match="trust_remote_code"):
        transformers.AutoConfig.from_pretrained(folder)
    assert not ran(folder)
    assert capsys.readouterr().out == ""
    transformers.AutoConfig.from_pretrained(folder)  # which reads the "y"
    assert ran(folder)


def openclip_folder(folder: Path, text: dict[str, Any]) -> Path:
    folder.mkdir()
    config = {"model_cfg": {"embed_dim": 16, "vision_cfg": VISION, "text_cfg": text}, "preprocess_cfg": {}}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    return folder


@pytest.mark.parametrize("place", ["text tower", "tokenizer"])
def test_openclip_folders_cannot_name_code_elsewhere(
    place: str, tmp_path: Path, eager: None, capsys: pytest.CaptureFixture[str]
) -> None:
    file = "config.json" if place == "text tower" else "tokenizer_config.json"
    other = with_code(vit_folder(tmp_path / "other"), file, known_type=False)
    if place == "text tower":
        text: dict[str, Any] = {"hf_model_name": str(other), "hf_tokenizer_name": str(other)}
        folder = openclip_folder(tmp_path / "clip", text)
        with pytest.raises(WhylightError, match="never runs") as error:
            whylight.load(f"openclip:local-dir:{folder}")
    else:
        from whylight.models.openclip.tokenizer import named_tokenizer

        text = TEXT | {"hf_tokenizer_name": "x", "tokenizer_kwargs": {"trust_remote_code": True}}
        (other / "open_clip_config.json").write_text(
            json.dumps({"model_cfg": {"embed_dim": 16, "vision_cfg": VISION, "text_cfg": text}})
        )
        with pytest.raises(WhylightError, match="auto_map"):
            whylight.load(f"openclip:local-dir:{other}")
        with pytest.raises(WhylightError, match="never runs") as error:
            named_tokenizer(f"local-dir:{other}")(["a cat"])
    assert "trust_remote_code" not in str(error.value)
    assert not ran(other)
    assert capsys.readouterr().out == ""


class Trap:
    """Makes a folder when it is unpickled without care."""

    def __init__(self, sprung: Path) -> None:
        self.sprung = str(sprung)

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return (os.mkdir, (self.sprung,))


@pytest.mark.parametrize("switch", [None, "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "TORCH_FORCE_WEIGHTS_ONLY_LOAD"])
def test_a_library_that_unpickles_anything_gets_weights_only(
    switch: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As timm 1.0.25 and older do with folders."""
    file = tmp_path / "pytorch_model.bin"
    torch.save({"weight": Trap(tmp_path / "sprung")}, file)
    if switch is not None:
        monkeypatch.setenv(switch, "1")
    before = dict(os.environ)
    monkeypatch.setattr(timm, "create_model", lambda *_, **__: torch.load(file, weights_only=False))
    with pytest.raises(WhylightError, match="more than weights") as error:
        whylight.load(f"timm:local-dir:{tmp_path}")
    assert not (tmp_path / "sprung").exists()
    assert "weights_only" not in str(error.value)
    assert dict(os.environ) == before


def test_what_is_set_is_set_back_after_a_failure(tmp_path: Path) -> None:
    from transformers import dynamic_module_utils

    before = (sys.stdin, sys.stdout, dynamic_module_utils.TIME_OUT_REMOTE_CODE, dict(os.environ))
    with pytest.raises(WhylightError):
        whylight.load(f"hf:local-dir:{tmp_path / 'none'}")
    assert (sys.stdin, sys.stdout, dynamic_module_utils.TIME_OUT_REMOTE_CODE, dict(os.environ)) == before


@pytest.mark.parametrize(
    ("file", "content"),
    [("preprocessor_config.json", "{broken"), ("preprocessor_config.json", "[]"), ("tokenizer.json", "{broken")],
)
def test_what_is_there_but_broken_is_named(file: str, content: str, tmp_path: Path) -> None:
    folder = vit_folder(tmp_path / "model")
    (folder / file).write_text(content)
    with pytest.raises(WhylightError, match=r"image processor|tokenizer") as error:
        whylight.load(f"hf:local-dir:{folder}")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("file", OWN)
def test_code_of_a_model_on_the_hub_is_refused_like_a_folder_s(
    file: str, tmp_path: Path, eager: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As it lies in the hub's cache; its class is a known one, so that the library would load it without a word."""
    place = tmp_path / "cache" / "models--some--model"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text("0" * 40)
    folder = vit_folder(place / "snapshots" / ("0" * 40))
    for cache in ("huggingface_hub.constants.HF_HUB_CACHE", "transformers.utils.hub.TRANSFORMERS_CACHE"):  # 5, 4.57
        monkeypatch.setattr(cache, str(tmp_path / "cache"), raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert whylight.load("hf:some/model").classifies
    with_code(folder, file, known_type=True)
    with pytest.raises(WhylightError, match=f"^some/model: {file} names Python code .*auto_map") as error:
        whylight.load("hf:some/model")
    assert not ran(folder)
    assert "\n" not in str(error.value)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("family", ["timm", "openclip"])
def test_pickled_weights_that_are_damaged_by_their_own_checksums_are_refused(family: str, tmp_path: Path) -> None:
    """Torch reads such a file without a word, and the model answers something else."""
    if family == "timm":
        name, small = "vit_tiny_patch16_224", {"img_size": 32, "depth": 1}
        said: dict[str, Any] = {"architecture": name, "num_classes": 3, "model_args": small, "pretrained_cfg": {}}
        (tmp_path / "config.json").write_text(json.dumps(said))
        file, model = tmp_path / "pytorch_model.bin", timm.create_model(name, num_classes=3, **small)
    else:
        said = {"model_cfg": {"embed_dim": 16, "vision_cfg": VISION, "text_cfg": TEXT}, "preprocess_cfg": {}}
        (tmp_path / "open_clip_config.json").write_text(json.dumps(said))
        file, model = tmp_path / "open_clip_pytorch_model.bin", open_clip.CLIP(16, vision_cfg=VISION, text_cfg=TEXT)
    torch.save(model.state_dict(), file)
    whylight.load(f"{family}:local-dir:{tmp_path}")
    data = bytearray(file.read_bytes())
    weight = next(iter(model.parameters())).detach().numpy().tobytes()
    data[data.find(weight) + 5] ^= 0x10
    file.write_bytes(data)
    torch.load(file, weights_only=True)
    with pytest.raises(WhylightError, match="damaged, as its own checksums say"):
        whylight.load(f"{family}:local-dir:{tmp_path}")

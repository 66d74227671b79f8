"""Model folders whose configurations or weights are wrong, and names that would need a network: one line each."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import open_clip
import pytest
import timm
import torch
import transformers
from PIL import Image
from safetensors.torch import save_file

import whylight
from whylight.errors import BadInput, WhylightError
from whylight.models import network
from whylight.models.network import local_where_unreachable, reachable

VISION = {"image_size": 32, "patch_size": 8, "width": 32, "head_width": 8, "layers": 2}
TEXT = {"context_length": 8, "vocab_size": 50, "width": 16, "heads": 2, "layers": 1}
SMALL = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}


def hf_folder(folder: Path) -> None:
    config = transformers.ViTConfig(**SMALL, image_size=32, patch_size=8, num_labels=3)
    transformers.ViTForImageClassification(config).save_pretrained(folder)


def openclip_folder(folder: Path) -> None:
    folder.mkdir()
    model = open_clip.CLIP(16, vision_cfg=VISION, text_cfg=TEXT)
    save_file(
        {key: value.contiguous() for key, value in model.state_dict().items()}, folder / "open_clip_model.safetensors"
    )
    said = {"model_cfg": {"embed_dim": 16, "vision_cfg": VISION, "text_cfg": TEXT}, "preprocess_cfg": {}}
    (folder / "open_clip_config.json").write_text(json.dumps(said))


def timm_folder(folder: Path) -> None:
    folder.mkdir()
    arguments = {"img_size": 32, "depth": 1}
    model = timm.create_model("vit_tiny_patch16_224", num_classes=3, **arguments)
    save_file(model.state_dict(), folder / "model.safetensors")
    said = {"architecture": "vit_tiny_patch16_224", "num_classes": 3, "model_args": arguments, "pretrained_cfg": {}}
    (folder / "config.json").write_text(json.dumps(said))


FOLDERS: dict[str, tuple[Callable[[Path], None], str]] = {
    "hf": (hf_folder, "config.json"),
    "openclip": (openclip_folder, "open_clip_config.json"),
    "timm": (timm_folder, "config.json"),
}
WRONG: list[tuple[str, str, Any, str]] = [
    ("hf", "hidden_size", "24", "'hidden_size'|argument 'size'"),  # transformers from 5 on, 4.57
    ("hf", "hidden_size", 48, r"classifier.weight(: \[3, 24\] instead of \[3, 48\])?,"),
    ("hf", "num_hidden_layers", 3, "lacks 16 of the weights"),
    ("hf", "hidden_act", "nonsense", "nonsense"),
    ("hf", "num_attention_heads", -2, "num_attention_heads=-2"),
    ("hf", "image_size", [32], "IndexError"),
    ("hf", "patch_size", 0, "ZeroDivisionError"),
    ("hf", "id2label", ["a"], "AttributeError|id2label should be a dictionary"),
    ("hf", "architectures", 1.5, "architectures of its configuration is 1.5, not a list of classes"),
    ("openclip", "model_cfg", ["a"], "TypeError"),
    ("openclip", "model_cfg.text_cfg", ["a"], "TypeError|AttributeError"),
    ("openclip", "model_cfg.embed_dim", 8, r"2 of another shape \(text_projection: \[16, 16\] instead of \[16, 8\]"),
    ("openclip", "model_cfg.vision_cfg.layers", 3, r"12 missing \(visual\.transformer\.resblocks\.2\.ln_1\.weight"),
    ("openclip", "model_cfg.vision_cfg.layers", 1, r"12 unknown to it \(visual\.transformer\.resblocks\.1"),
    ("openclip", "model_cfg.vision_cfg.width", "a", "TypeError"),
    ("openclip", "preprocess_cfg.mean", 3, "its preprocessing"),
    ("openclip", "preprocess_cfg.std", [0, 0, 0], "std not zero"),
    ("openclip", "preprocess_cfg.resize_mode", "x", "its preprocessing"),
    ("timm", "architecture", 3, "AttributeError"),
    ("timm", "num_classes", 4, r"head.weight: \[3, 192\] instead of \[4, 192\]"),
    ("timm", "pretrained_cfg.mean", "x", "its preprocessing"),
    ("timm", "pretrained_cfg.interpolation", "x", "unknown interpolation 'x'"),
    ("timm", "pretrained_cfg.crop_pct", "x", "numbers"),
]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    torch.manual_seed(0)
    made = {family: tmp_path_factory.mktemp("models") / family for family in FOLDERS}
    for family, (make, _) in FOLDERS.items():
        make(made[family])
    return made


@pytest.mark.parametrize(("family", "place", "value", "said"), WRONG, ids=lambda value: str(value)[:30])
def test_what_is_wrong_is_one_line(folders: dict[str, Path], family: str, place: str, value: Any, said: str) -> None:
    file = folders[family] / FOLDERS[family][1]
    before = file.read_text()
    content = inner = json.loads(before)
    *path, last = place.split(".")
    for step in path:
        inner = inner[step]
    inner[last] = value
    file.write_text(json.dumps(content))
    try:
        with pytest.raises(WhylightError, match=said) as error:
            whylight.load(f"{family}:local-dir:{folders[family]}")
    finally:
        file.write_text(before)
    assert len(str(error.value).splitlines()) == 1


PROCESSOR = {"image_processor_type": "ViTImageProcessor", "size": {"height": 32, "width": 32}}
PROCESSORS = ["", "{", "[]", "3", "null", "true", '"x"', "[{}]"]
PROCESSORS += [
    json.dumps(PROCESSOR | {name: value})
    for name, values in {
        "size": [
            3,
            None,
            "x",
            [1],
            {"height": "a", "width": 2},
            {"height": 0, "width": 0},
            {"height": 10**9, "width": 9},
        ],
        "image_mean": [None, "x", [1], [0.5, "a", 1]],
        "image_std": [[0, 0, 0], 3],
        "resample": ["x", 99, None],
        "do_resize": ["no"],
        "do_rescale": ["x"],
        "rescale_factor": ["x", None, 0, True],
        "do_center_crop": [True],
        "image_processor_type": [3, "Nonsense"],
    }.items()
    for value in values
]


@pytest.mark.parametrize("content", PROCESSORS)
def test_an_image_processor_that_is_none_is_one_line(content: str, folders: dict[str, Path]) -> None:
    file = folders["hf"] / "preprocessor_config.json"
    file.write_text(content)
    try:
        with pytest.raises(WhylightError) as error:
            whylight.explain(f"hf:local-dir:{folders['hf']}", Image.new("RGB", (40, 40)), 1)
    finally:
        file.unlink()
    assert len(str(error.value).splitlines()) == 1
    assert "local-dir" in str(error.value)


@pytest.mark.parametrize("family", FOLDERS)
def test_the_folders_are_right_otherwise(folders: dict[str, Path], family: str) -> None:
    view = whylight.load(f"{family}:local-dir:{folders[family]}")
    asked = 1 if view.classifies else torch.ones(1, 16)
    assert whylight.explain(view, Image.new("RGB", (40, 40), "red"), asked).relevance.isfinite().all()


@pytest.mark.parametrize("name", ["timm:vit_tiny_patch16_224", "hf:nobody/nothing", "openclip:ViT-B-32/openai"])
def test_without_a_network_there_is_one_line_and_no_retry(name: str, tmp_path: Path) -> None:
    environment = {**os.environ, "HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path)}
    for switch in ("HF_HUB_OFFLINE", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        environment.pop(switch, None)
    program = (
        f"from whylight.cli.main import main; main(['explain', '-m', {name!r}, '-p', 'a', '--out', {str(tmp_path)!r}])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "it is not on this machine, and the Hugging Face Hub cannot be reached" in line


@pytest.mark.parametrize(
    ("command", "prefix"),
    [
        *((command, "hf:") for command in ("explain", "compare", "run", "ask", "benchmark")),
        ("explain", "timm:hf-hub:"),
        ("explain", "openclip:hf-hub:"),
    ],
)
def test_a_model_of_the_hub_that_cannot_be_had_is_said_before_torch_is_imported(
    command: str, prefix: str, tmp_path: Path
) -> None:
    words = {"run": ["p", "--out", "m"], "ask": ["p", "q"], "benchmark": ["scenes-points"]}.get(command, [])
    program = (
        f"import sys\nfrom whylight.cli.main import main\n"
        f"try:\n    main({[command, *words, '--model', f'{prefix}nobody/nothing']!r})\n"
        "finally:\n    assert not {'torch', 'transformers', 'timm', 'open_clip'} & sys.modules.keys()"
    )
    environment = {**os.environ, "HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path)}
    for switch in ("HF_HUB_OFFLINE", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        environment.pop(switch, None)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, cwd=tmp_path
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("cannot load nobody/nothing: it is not on this machine")


def test_an_endpoint_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A socket that listens and whose queue is full: what is sent there is neither taken nor refused."""
    from huggingface_hub import constants

    monkeypatch.setattr(network, "SECONDS", 0.2)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        port = listening.getsockname()[1]
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{port}")
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        with pytest.raises(BadInput, match="cannot load nobody/nothing: it is not on this machine"):
            network.refuse_unreachable("hf:nobody/nothing")
        for each in waiting:
            each.close()


def test_a_wish_for_no_network_holds_when_it_comes_late(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with local_where_unreachable():
        assert constants.HF_HUB_OFFLINE
    assert not constants.HF_HUB_OFFLINE


def test_switches_are_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert not reachable(constants.ENDPOINT)
    with local_where_unreachable():
        assert constants.HF_HUB_OFFLINE
    assert not constants.HF_HUB_OFFLINE

"""Small model folders of the three libraries, and what independent readers find in their weights."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import open_clip
import timm
import torch
import transformers
from safetensors.torch import save_file

_VISION = {"image_size": 32, "patch_size": 8, "width": 16, "head_width": 8, "layers": 1}
_TEXT = {"context_length": 8, "vocab_size": 40, "width": 16, "heads": 2, "layers": 1}
_TIMM = {"img_size": 32, "patch_size": 8, "embed_dim": 24, "depth": 1, "num_heads": 2}
_HF = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
NUMPY = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "U8": "u1", "I8": "i1"}
"""What safetensors' types are called in NumPy, which has no BF16 and no F8."""


def openclip_folder(folder: Path) -> None:
    said = {"model_cfg": {"embed_dim": 16, "vision_cfg": _VISION, "text_cfg": _TEXT}, "preprocess_cfg": {}}
    (folder / "open_clip_config.json").write_text(json.dumps(said))
    model = open_clip.CLIP(16, vision_cfg=_VISION, text_cfg=_TEXT)
    save_file(_random(model), folder / "open_clip_model.safetensors")


def timm_folder(folder: Path) -> None:
    cfg = {"mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic", "crop_pct": 0.9, "input_size": [3, 32, 32]}
    name = "vit_tiny_patch16_224"
    said = {"architecture": name, "num_classes": 3, "model_args": _TIMM, "pretrained_cfg": cfg}
    (folder / "config.json").write_text(json.dumps(said))
    save_file(_random(timm.create_model(name, num_classes=3, **_TIMM)), folder / "model.safetensors")


def hf_folder(folder: Path) -> None:
    config = transformers.ViTConfig(**_HF, image_size=32, patch_size=8, num_labels=3)
    model = transformers.ViTForImageClassification(config)
    _random(model)
    model.save_pretrained(folder)
    size = {"height": 32, "width": 32}
    said = {"image_processor_type": "ViTImageProcessor", "size": size, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    said |= {"do_normalize": True, "do_resize": True, "do_rescale": True, "resample": 2}
    (folder / "preprocessor_config.json").write_text(json.dumps(said))


FOLDERS: dict[str, Callable[[Path], None]] = {"openclip": openclip_folder, "timm": timm_folder, "hf": hf_folder}


def made(folder: Path) -> dict[str, Path]:
    """One folder for each library."""
    torch.manual_seed(0)
    for family, make in FOLDERS.items():
        (folder / family).mkdir()
        make(folder / family)
    return {family: folder / family for family in FOLDERS}


def stored(data: bytes) -> dict[str, npt.NDArray[Any]]:
    """The tensors of a safetensors file, read by its documented layout and nothing else."""
    length = int.from_bytes(data[:8], "little")
    head, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    found = {}
    for name, told in head.items():
        if name != "__metadata__":
            start, stop = told["data_offsets"]
            found[name] = np.frombuffer(body[start:stop], NUMPY[told["dtype"]]).reshape(told["shape"])
    return found


def parts(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Head and body of a safetensors file."""
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def joined(head: Mapping[str, Any], body: bytes) -> bytes:
    text = json.dumps(head).encode()
    return len(text).to_bytes(8, "little") + text + body


def _random(model: Any) -> dict[str, torch.Tensor]:
    """All weights random, so that no two tensors are alike."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.1)
    return {name: value.contiguous() for name, value in model.state_dict().items()}

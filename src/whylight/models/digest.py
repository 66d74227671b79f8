"""A digest of everything about a model that its maps depend on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from whylight.models.view import View

_PROBES = ("a photo of a cat.", "Ein Ähren-Öl, 3 kg!", "日本語 🦊", "red striped star  on grass\n")
"""Texts that tell tokenizers apart which do not show their vocabulary."""


def model_digest(view: View) -> str:
    """Changes with any weight or buffer, with the layers and their settings (activation, epsilon, pooling), the
    configuration, the preprocessing, the tokenizer, and the logit scale and bias.

    The device does not matter; the dtype does, since maps depend on it.
    """
    digest = hashlib.sha256()
    for part in _parts(view):
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()[:32]


def _parts(view: View) -> Iterator[bytes | memoryview]:
    module = view.module
    yield f"{view.family} {view.pooling} {view.classifies} {view.scores}".encode()
    tensors = dict(module.state_dict(keep_vars=True)) | dict(module.named_buffers())
    for name, value in sorted(tensors.items()):
        yield f"{name} {tuple(value.shape)} {value.dtype}".encode()
        yield _content(value)
    for name, layer in module.named_modules():
        yield f"{name} {type(layer).__qualname__} {_settings(layer)}".encode()
    yield _told(getattr(module, "config", None))
    yield repr(view.preprocessing).encode()
    yield _told(getattr(view.preprocessing, "processor", None))
    yield from _tokenizer(getattr(view, "tokenizer", None))
    yield f"{_number(view.logit_scale)!r} {_number(view.logit_bias)!r}".encode()


def _content(value: Tensor) -> memoryview:
    """All bytes of a tensor."""
    flat = value.detach().cpu().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().data if flat.numel() else memoryview(b"")


def _settings(layer: nn.Module) -> dict[str, object]:
    """What a layer computes by beside its weights: its plain attributes and the names of functions that it calls."""
    found: dict[str, object] = {}
    for name, value in sorted(vars(layer).items()):
        if name.startswith("_") or name == "training":
            continue
        if isinstance(value, (bool, int, float, str, type(None))):
            found[name] = value
        elif isinstance(value, (tuple, list)) and all(isinstance(x, (bool, int, float, str)) for x in value):
            found[name] = list(value)
        elif callable(value) and not isinstance(value, nn.Module):
            found[name] = getattr(value, "__qualname__", type(value).__qualname__)
    return found


def _told(thing: Any) -> bytes:
    """A configuration or an image processor of transformers by what it says of itself."""
    told = getattr(thing, "to_dict", None)
    if told is None:
        return b""
    said = {k: v for k, v in told().items() if k not in ("_name_or_path", "transformers_version", "_commit_hash")}
    return json.dumps(said, sort_keys=True, default=str).encode()


def _tokenizer(tokenizer: Any) -> Iterator[bytes]:
    """Its vocabulary where it shows one, and what it makes of some texts."""
    if tokenizer is None:
        return
    words = getattr(tokenizer, "get_vocab", None)
    shown = getattr(tokenizer, "encoder", None) or getattr(tokenizer, "words", ())
    vocabulary: Any = words() if callable(words) else shown
    pairs = vocabulary.items() if isinstance(vocabulary, dict) else enumerate(vocabulary)
    yield repr(sorted((str(a), str(b)) for a, b in pairs)).encode()
    try:
        made = tokenizer(list(_PROBES))
        ids = made if isinstance(made, Tensor) else made["input_ids"]
        yield repr(ids.tolist() if isinstance(ids, Tensor) else ids).encode()
    except Exception as error:  # one that has to be fetched first and cannot be
        yield type(error).__name__.encode()


def _number(value: Tensor | float) -> object:
    return value.flatten().double().tolist() if isinstance(value, Tensor) else value

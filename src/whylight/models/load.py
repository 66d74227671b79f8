"""Loading a model by name, by its own library's loader."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import torch

from whylight.errors import BadInput
from whylight.models import names
from whylight.models.door import careful
from whylight.models.network import local_where_unreachable

if TYPE_CHECKING:
    from whylight.models.view import View

PRECISIONS = {
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "float64": torch.float64,
    "fp32": torch.float32,
    "fp16": torch.float16,
    "bf16": torch.bfloat16,
    "fp64": torch.float64,
}


def load(name: str, *, device: str | torch.device | None = None, precision: str | torch.dtype | None = None) -> View:
    """A model by name, in evaluation mode. Weights are read from safetensors or with ``weights_only=True``, and code
    that comes with a model is never run (:mod:`whylight.models.door`).

    Args:
        name: "scenes", "scenes-siglip" or "scenes-answers" (bundled), "openclip:NAME/TAG", "timm:NAME",
            "torchvision:NAME" or "torchvision:NAME/WEIGHTS" (the weights' name or a file), "hf:ID", or
            "openclip:local-dir:PATH", "timm:local-dir:PATH", "hf:local-dir:PATH" for a folder.
        device: where to put it; default: the CPU.
        precision: "float32" (default), "bfloat16", "float16" or "float64" (also "fp32", ...).

    Raises:
        UnknownName: no such model, with near misses.
        UnsupportedModel: a model that cannot be explained.
        WhylightError: its library could not load it (no network, no such folder, ...), in one line.
    """
    if not isinstance(name, str):
        raise BadInput(f'a model\'s name is a string such as "scenes", not {type(name).__name__}')
    dtype = _dtype(precision)
    by_name = ":" in name and "local-dir:" not in name
    with careful(), local_where_unreachable() if by_name else nullcontext():
        view = _load(name)
    view.module.eval().to(device=_device(device), dtype=dtype)
    return view


def _load(name: str) -> View:
    family, _, identifier = name.partition(":")
    if name == "scenes-answers":
        from whylight.models.transformers.answering.bundled import load_scenes_answers

        return load_scenes_answers()
    if name in names.BUNDLED:
        from whylight.models.openclip.load import load_bundled

        return load_bundled(name)
    if family == "openclip" and identifier:
        from whylight.models.openclip.load import load_openclip

        return load_openclip(identifier)
    if family == "timm" and identifier:
        from whylight.models.timm.load import load_timm

        return load_timm(identifier)
    if family == "torchvision" and identifier:
        from whylight.models.torchvision.load import load_torchvision

        return load_torchvision(identifier)
    if family == "hf" and identifier:
        from whylight.models.transformers import load_transformers

        return load_transformers(identifier)
    raise names.unknown(name)


def _dtype(precision: str | torch.dtype | None) -> torch.dtype | None:
    if precision is None or precision in PRECISIONS.values():
        return precision  # type: ignore[return-value]
    if not isinstance(precision, str) or precision not in PRECISIONS:
        raise BadInput(f"unknown precision {precision!r}: {', '.join(PRECISIONS)}")
    return PRECISIONS[precision]


def _device(device: str | torch.device | None) -> torch.device | None:
    """The device, where this machine has it."""
    if device is None:
        return None
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, TypeError, ValueError) as error:
        raise BadInput(f"device {str(device)!r} cannot be used here: {str(error).partition(chr(10))[0]}") from None
    return torch.device(device)

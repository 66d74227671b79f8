"""Loading torchvision models by name, with weights of torchvision's own or of a file."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any
from urllib.error import URLError

import torch
from torch import Tensor

from whylight.errors import BadInput, UnknownName
from whylight.models import names
from whylight.models.preprocessing import Preprocessing
from whylight.models.torchvision.view import TorchvisionView, refusal
from whylight.runs.files import home_opened

_VIT = "torchvision.models.vision_transformer"


def load_torchvision(identifier: str) -> TorchvisionView:
    """A model by "NAME" (its best weights) or "NAME/TAG", TAG being the name of weights or a path to a file, in
    evaluation mode. Pictures are prepared as the weights' own ``transforms`` do.

    Raises:
        UnknownName: no such name or weights, with near misses.
        UnsupportedModel: no vision transformer.
        WhylightError: the weights could not be had or do not fit.
    """
    from torchvision import models

    name = f"torchvision:{identifier}"
    architecture, _, tag = identifier.partition("/")
    if architecture not in models.list_models():
        raise names.unknown(name)
    builder = models.get_model_builder(architecture)
    if builder.__module__ != _VIT:
        raise refusal(name, builder.__module__)
    known = models.get_model_weights(architecture)
    file = home_opened(Path(tag))
    try:
        if tag and file.is_file():
            state = _state(file, name)
            module = builder(weights=None, **_sizes(state, name))
            module.load_state_dict(state)
            weights = known.DEFAULT
        else:
            weights = _named(known, architecture, tag)
            module = builder(weights=weights, progress=False)
    except URLError as error:
        here = "its weights are not on this machine, and download.pytorch.org cannot be reached"
        file_too = f"a file can be given: torchvision:{architecture}/PATH"
        raise BadInput(f"could not load {name}: {here} ({error.reason}); {file_too}") from error
    except Exception as error:
        raise names.failure(name, error) from error
    own = preprocessing_of(weights.transforms(), module.patch_size)
    fits = own.size == (module.image_size, module.image_size)
    return TorchvisionView(module.eval(), name, own if fits else None)


def _named(known: Any, architecture: str, tag: str) -> Any:
    if not tag:
        return known.DEFAULT
    there = known.__members__
    if tag.upper() not in there:
        near = difflib.get_close_matches(tag.upper(), there, n=1)
        meant = f" Did you mean {near[0]}?" if near else ""
        raise UnknownName(f"torchvision:{architecture} has no weights {tag!r}.{meant} There are: {', '.join(there)}")
    return known[tag.upper()]


def _state(file: Path, name: str) -> dict[str, Tensor]:
    """The weights in a file: safetensors, or pickled ones of which weights alone are read."""
    if file.suffix == ".safetensors":
        from safetensors.torch import load_file

        loaded: dict[str, Tensor] = load_file(file)
        return loaded
    state: Any = torch.load(file, map_location="cpu", weights_only=True)
    if isinstance(state, dict) and isinstance(state.get("model"), dict):  # as torchvision's training script writes them
        state = state["model"]
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise BadInput(f"{name}: the file holds no weights by name (a model's state_dict)")
    return state


def _sizes(state: dict[str, Tensor], name: str) -> dict[str, int]:
    """How large a picture, and how many classes, the weights are for."""
    try:
        positions, patch = state["encoder.pos_embedding"], state["conv_proj.weight"]
        classes = state["heads.head.weight"]
    except KeyError as missing:
        raise BadInput(f"{name}: the file holds no weights of a VisionTransformer of torchvision ({missing})") from None
    side = round((positions.shape[1] - 1) ** 0.5)
    return {"image_size": side * patch.shape[-1], "num_classes": len(classes)}


def preprocessing_of(preset: Any, patch: int) -> Preprocessing:
    """torchvision's preset of transforms, in our words."""
    (size,), (before,) = preset.crop_size, preset.resize_size
    return Preprocessing(
        size=(size, size),
        mean=tuple(preset.mean),
        std=tuple(preset.std),
        interpolation=preset.interpolation.value,
        crop_fraction=size / before,
        patch=(patch, patch),
    )

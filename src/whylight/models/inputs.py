"""What a model can be given: checked once, in front of all methods."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from whylight.errors import BadInput
from whylight.models.view import View

PRECISIONS = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
"""Types of numbers that models and pictures are computed in."""


def check_inputs(view: object, inputs: object) -> tuple[torch.device, int]:
    """The device of the inputs and how many there are, once they are of a kind that models take.

    Raises:
        BadInput: anything but a dense (batch, channels, H, W) tensor with the model's channels, or a mapping of
            (batch, tokens) ids; or no view.
    """
    if not isinstance(view, View):
        kind = view.__name__ if isinstance(view, type) else type(view).__name__
        raise BadInput(f"a view is needed, not {kind}: whylight.wrap(model) or whylight.load(name)")
    if isinstance(inputs, Tensor):
        return _pictures(view, inputs)
    if not isinstance(inputs, Mapping):
        raise BadInput(
            "inputs are one tensor of pictures (batch, channels, height, width), or a mapping with input_ids, "
            f"not {type(inputs).__name__} (torch.stack makes one tensor of several)"
        )
    if "pixel_values" in inputs and "input_ids" not in inputs:
        raise BadInput(
            f"pictures are one tensor (batch, {view.channels}, height, width), as view.preprocessing makes them, "
            "not what a processor of transformers returns"
        )
    if "input_ids" not in inputs:
        raise BadInput("text inputs need input_ids (and attention_mask)")
    for name, value in inputs.items():
        if not isinstance(value, Tensor) or value.dim() != 2 or value.is_floating_point() or not _dense(value):
            raise BadInput(f"{name} must be a tensor of whole numbers, (batch, tokens)")
        if value.shape != inputs["input_ids"].shape:
            raise BadInput(f"{name} is {tuple(value.shape)}, input_ids are {tuple(inputs['input_ids'].shape)}")
    ids: Tensor = inputs["input_ids"]
    if 0 in ids.shape:
        raise BadInput("the batch holds no text")
    return ids.device, len(ids)


def _pictures(view: View, pixels: Tensor) -> tuple[torch.device, int]:
    shape = f"(batch, {view.channels}, height, width)"
    if not _dense(pixels) or pixels.dtype not in PRECISIONS or pixels.dim() != 4 or pixels.shape[1] != view.channels:
        kind = "" if _dense(pixels) else f" {str(pixels.layout).removeprefix('torch.')}"
        raise BadInput(f"pictures must be a floating {shape} tensor, not{kind} {tuple(pixels.shape)} {pixels.dtype}")
    if 0 in pixels.shape:
        raise BadInput(f"the batch holds no picture, or pictures without pixels: {tuple(pixels.shape)}")
    return pixels.device, len(pixels)


def _dense(tensor: Tensor) -> bool:
    return tensor.layout == torch.strided and not (tensor.is_quantized or tensor.is_meta or tensor.is_nested)


def check_text(text: object, what: str) -> None:
    """Refuse what is no text: another type, or a string with halves of characters (surrogates) that stand alone.

    Args:
        what: how the line begins: "a prompt", "the text".

    Raises:
        BadInput: naming what there is instead.
    """
    if not isinstance(text, str):
        raise BadInput(f"{what} is one string, not {type(text).__name__}")
    alone = next((place for place, letter in enumerate(text) if "\ud800" <= letter <= "\udfff"), None)
    if alone is not None:
        raise BadInput(f"{what} is no Unicode text: character {alone} is {text[alone]!r}, half of a character")


def check_ids(ids: Tensor | None, count: int, name: str, what: str) -> None:
    """Refuse ids that the model has no embedding for.

    Args:
        count: how many embeddings there are.
        name: the model's.
        what: the ids' name: "input_ids", "token_type_ids".

    Raises:
        BadInput: saying which ids there are.
    """
    if ids is None or not ids.numel():
        return
    least, greatest = int(ids.min()), int(ids.max())
    if least < 0 or greatest >= count:
        wrong = least if least < 0 else greatest
        raise BadInput(f"{name} has no {what} {wrong}: it has {count}, numbered from 0")

"""The front of all methods: raw relevance of every token for every target."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from whylight.attention.call import at_least_float32
from whylight.errors import BadInput
from whylight.methods.legrad.recording import RECORDED, LegradRecording
from whylight.methods.registry import find_method
from whylight.models.inputs import check_inputs
from whylight.models.targets import Negative, TargetsLike, as_targets
from whylight.models.view import Inputs, View


def relevance(
    view: View,
    inputs: Inputs,
    targets: TargetsLike,
    method: str = "legrad",
    *,
    negative: bool = False,
    **options: Any,
) -> Tensor:
    """What each token contributes to each target, by one method.

    Works under ``torch.no_grad()`` and ``torch.inference_mode()``, changes nothing in the model, and gives row i of a
    batch what picture i alone would get.

    Args:
        view: from :func:`whylight.wrap` or :func:`whylight.load`.
        inputs: (batch, channels, H, W) pixels, normalised as the model wants them; for text a mapping with
            ``input_ids`` and ``attention_mask``.
        targets: (targets, dim) embeddings, or class indices: an int, a list, or one list per picture;
            :func:`whylight.difference` of two of them; or a function of the model's output (batch, dim), logits or
            embeddings before they are normalised, that gives one value for each row, (batch,). Several of them in a
            list.
        method: a name out of :func:`whylight.methods`.
        negative: explain minus the score: what speaks against the targets.
        **options: the method's own (``whylight.methods.find_method(name).options``). Every method that asks for
            gradients takes ``libra=True`` (:mod:`whylight.propagation.libra`).

    Returns:
        (batch, targets, tokens), unnormalised, prefix tokens (class, registers) dropped, in the model's dtype but at
        least float32, on the inputs' device, detached (unless ``create_graph=True`` was asked for). Methods that go
        down to pixels give (batch, targets, H, W).

    Raises:
        UnknownName: no such method or option.
        BadInput: inputs or targets that do not fit the model.
        UnsupportedModel: the model hides its attention or is in training mode.
    """
    chosen = find_method(method)
    options = chosen.check_options(options)
    device, batch = check_inputs(view, inputs)
    view.check_ready()
    asked = Negative(targets) if negative else targets
    with torch.inference_mode(False), torch.enable_grad():
        placed = view.place(_without_inference(inputs))
        result = chosen(view, placed, as_targets(view, asked, batch), **options)
    result = at_least_float32(result if options.get("create_graph") else result.detach())
    return result.to(device)


def record_legrad(view: View, inputs: Inputs, *, targets: int | None = None, **options: Any) -> LegradRecording:
    """Run the model once, and keep what LeGrad needs for any targets that come later.

    ``record_legrad(view, inputs).relevance(targets)`` is ``relevance(view, inputs, targets)`` for the cost of the
    targets alone.

    Args:
        view, inputs: as for :func:`relevance`.
        targets: how many will be asked in all, where that is known; another number costs more time or memory than it
            must, and is answered as well.
        **options: LeGrad's ``pooling``, ``readout``, ``libra`` and ``road``; its others are for each question.

    Raises:
        UnknownName, BadInput, UnsupportedModel: as :func:`relevance` does.
    """
    legrad = find_method("legrad")
    options = legrad.check_options(options)
    for option in options.keys() - set(RECORDED):
        raise BadInput(f"{option} is no option of a recording: ask with it, after recording")
    device, _ = check_inputs(view, inputs)
    view.check_ready()
    legrad.check_view(view)
    with torch.inference_mode(False), torch.enable_grad():
        return LegradRecording(view, view.place(_without_inference(inputs)), device, targets=targets, **options)


def _without_inference(inputs: Inputs) -> Inputs:
    """Tensors made under inference mode cannot take part in a backward pass: copy those."""
    if isinstance(inputs, Tensor):
        return inputs.clone() if inputs.is_inference() else inputs
    return {name: value.clone() if value.is_inference() else value for name, value in inputs.items()}

"""What a model answers by itself, and how likely the words of an answer are."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from whylight.attention.call import at_least_float32
from whylight.errors import BadInput
from whylight.models.transformers.answering.view import AnsweringView

_STATE = "rope_deltas"


@torch.no_grad()
def generate(
    view: AnsweringView,
    inputs: Mapping[str, Tensor],
    longest: int,
    heard: Callable[[list[int]], None] | None = None,
) -> tuple[list[int], bool]:
    """The greedy answer's token numbers, without the end token; whether it was cut for length.

    What generation notes on the model (Qwen-VL's position offsets) is put back.

    Args:
        heard: called with the numbers so far after each token; what it raises ends the generation.
    """
    model: Any = view.module
    core = getattr(model, "model", model)
    before = getattr(core, _STATE, None)
    given: dict[str, Any] = dict(inputs)
    if view.sees:
        given["suppress_tokens"] = [model.config.image_token_id]
    length = inputs["input_ids"].shape[1]
    if heard is not None:
        given["stopping_criteria"] = _listening(length, heard)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = model.generate(**given, max_new_tokens=longest, do_sample=False, num_beams=1)
    finally:
        if hasattr(core, _STATE):
            setattr(core, _STATE, before)
    ids = _behind(made, length)
    ends = _ends(model)
    cut = not ids or ids[-1] not in ends
    while ids and ids[-1] in ends:
        ids.pop()
    if not ids:
        raise BadInput(f"{view.name} answers nothing to this: give the answer to explain (answer=...)")
    return ids, cut and len(ids) >= longest


def _listening(length: int, heard: Callable[[list[int]], None]) -> Any:
    """Criteria of transformers' that never stop by themselves, and are asked after every token."""
    from transformers import StoppingCriteriaList

    def listen(sequence: Tensor, scores: Any, **more: Any) -> Tensor:
        heard(_behind(sequence, length))
        return torch.zeros(len(sequence), dtype=torch.bool, device=sequence.device)

    return StoppingCriteriaList([listen])


def _behind(sequence: Tensor, length: int) -> list[int]:
    """Token numbers behind the prompt; a model that is handed embeddings gives them alone."""
    ids: list[int] = sequence[0, length:].tolist() if sequence.shape[1] > length else sequence[0].tolist()
    return ids


def _ends(model: Any) -> set[int]:
    ends = model.generation_config.eos_token_id
    return set(ends if isinstance(ends, (list, tuple)) else [ends])


@torch.no_grad()
def log_probabilities(run: Any, tokens: Tensor) -> Tensor:
    """Of each token of the forced answer, (answer,), float32 or more; ``tokens`` left the last layer."""
    length = run.tokens.shape[1] - run.answer
    logits = at_least_float32(run.head(tokens[0, length - 1 : -1]))
    return logits.log_softmax(-1).gather(1, run.ids[0, length:, None])[:, 0]

"""What a model answers by itself, and how likely the words of an answer are."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from itertools import takewhile
from typing import Any

import torch
from torch import Tensor

from whylight.attention.call import at_least_float32
from whylight.errors import BadInput
from whylight.models.transformers.answering.prompts import stacked
from whylight.models.transformers.answering.view import AnsweringView

_STATE = "rope_deltas"


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

    Raises:
        BadInput: the model answers nothing.
    """
    given: dict[str, Any] = dict(inputs)
    if heard is not None:
        given["stopping_criteria"] = _listening(inputs["input_ids"].shape[1], heard)
    (row,) = _generated(view, given, longest)
    return _finished(view, row, longest)


def generate_together(
    view: AnsweringView, rows: Sequence[Mapping[str, Tensor]], longest: int
) -> list[tuple[list[int], bool]]:
    """The same of several questions in one batch, each as :func:`generate` has it alone.

    Args:
        rows: all with the same entries.
    """
    model: Any = view.module
    pad = view.tokenizer.pad_token_id
    made = _generated(view, stacked(rows, min(_ends(model)) if pad is None else pad), longest)
    return [_finished(view, row, longest) for row in made]


@torch.no_grad()
def _generated(view: AnsweringView, given: dict[str, Any], longest: int) -> list[list[int]]:
    """Token numbers behind each prompt, to the end of the longest answer."""
    model: Any = view.module
    core = getattr(model, "model", model)
    before = getattr(core, _STATE, None)
    if view.sees:
        own = model.generation_config.suppress_tokens or []
        given["suppress_tokens"] = [*own, model.config.image_token_id]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = model.generate(**given, max_new_tokens=longest, do_sample=False, num_beams=1)
    finally:
        if hasattr(core, _STATE):
            setattr(core, _STATE, before)
    return _behind(made, given["input_ids"].shape[1])


def _finished(view: AnsweringView, ids: list[int], longest: int) -> tuple[list[int], bool]:
    ends = _ends(view.module)
    said = list(takewhile(lambda token: token not in ends, ids))
    if not said:
        raise BadInput(f"{view.name} answers nothing to this: give the answer to explain (answer=...)")
    return said, len(said) >= longest


def _listening(length: int, heard: Callable[[list[int]], None]) -> Any:
    """Criteria of transformers' that never stop by themselves, and are asked after every token."""
    from transformers import StoppingCriteriaList

    def listen(sequence: Tensor, scores: Any, **more: Any) -> Tensor:
        heard(_behind(sequence, length)[0])
        return torch.zeros(len(sequence), dtype=torch.bool, device=sequence.device)

    return StoppingCriteriaList([listen])


def _behind(sequence: Tensor, length: int) -> list[list[int]]:
    """Token numbers behind the prompts; a model that is handed embeddings gives them alone."""
    ids: list[list[int]] = (sequence[:, length:] if sequence.shape[1] > length else sequence).tolist()
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

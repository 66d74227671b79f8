"""A question and its pictures as the model's own processor makes inputs of them, and answers behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from whylight.errors import BadInput, first_line
from whylight.models.transformers.answering.families import Family

_KEPT = (
    "input_ids",
    "attention_mask",
    "pixel_values",
    "image_sizes",
    "image_grid_thw",
    "pixel_attention_mask",
    "batch_num_images",
    "mm_token_type_ids",
)


def prompt_of(processor: Any, question: str, pictures: int) -> str:
    """The question in the model's chat template; where it has none, the question is the whole prompt."""
    tokenizer = getattr(processor, "tokenizer", processor)
    if not (getattr(processor, "chat_template", None) or getattr(tokenizer, "chat_template", None)):
        return question
    text: Any = [{"type": "image"}] * pictures + [{"type": "text", "text": question}]
    if processor is tokenizer:
        text = question
    asked = [{"role": "user", "content": text}]
    prompt: str = processor.apply_chat_template(asked, add_generation_prompt=True, tokenize=False)
    return prompt


def inputs_of(
    processor: Any, family: Family | None, prompt: str, pictures: Sequence[Image.Image], **options: Any
) -> dict[str, Tensor]:
    """Inputs of one question, a batch of one.

    Raises:
        BadInput: prompt and pictures do not fit each other; the processor's own words.
    """
    tokenizer = getattr(processor, "tokenizer", processor)
    begins = getattr(tokenizer, "bos_token", None)
    if begins and prompt.startswith(begins):  # the template has put it there already
        options = {**options, "add_special_tokens": False}
    try:
        if family is None:
            made = tokenizer([prompt], return_tensors="pt", **options)
        else:
            given: Any = [list(pictures)] if family.nested or len(pictures) > 1 else list(pictures)
            shown = {"images": given} if pictures else {}
            made = processor(text=[prompt], return_tensors="pt", **shown, **options)
    except (ValueError, IndexError, TypeError, StopIteration) as error:
        said = f"the processor cannot use this prompt with {len(pictures)} pictures: {first_line(error)}"
        raise BadInput(said) from None
    kept = {name: made[name] for name in _KEPT if name in made}
    if family is not None and family.types:
        types = made.get("token_type_ids") if hasattr(made, "get") else None
        kept["token_type_ids"] = torch.zeros_like(kept["input_ids"]) if types is None else types
    return kept


def stacked(rows: Sequence[Mapping[str, Tensor]], pad: int) -> dict[str, Tensor]:
    """Questions of a batch of one each as one batch, padded on the left as generation needs it.

    Args:
        rows: all with the same entries. Pictures follow each other; what a row has fewer tiles of is filled with zeros,
            as the processors do it.
        pad: the padding's token number.
    """
    longest = max(row["input_ids"].shape[1] for row in rows)
    made = {}
    for name in rows[0]:
        parts = [row[name] for row in rows]
        if name in _OF_TOKENS:
            fill = pad if name == "input_ids" else 0
            parts = [F.pad(part, (longest - part.shape[1], 0), value=fill) for part in parts]
        made[name] = torch.cat(_of_one_shape(parts))
    masks = [row.get("attention_mask", torch.ones_like(row["input_ids"])) for row in rows]
    made["attention_mask"] = torch.cat([F.pad(mask, (longest - mask.shape[1], 0)) for mask in masks])
    return made


_OF_TOKENS = ("input_ids", "attention_mask", "token_type_ids", "mm_token_type_ids")


def _of_one_shape(parts: Sequence[Tensor]) -> list[Tensor]:
    """Filled with zeros at the ends of all dimensions but the first."""
    shape = [max(sizes) for sizes in zip(*(part.shape[1:] for part in parts), strict=True)]
    gaps = ([(0, most - size) for most, size in zip(shape, part.shape[1:], strict=True)] for part in parts)
    flat = ([end for gap in reversed(each) for end in gap] for each in gaps)
    return [F.pad(part, gap) for part, gap in zip(parts, flat, strict=True)]


def with_answer(inputs: Mapping[str, Tensor], answer: Tensor, family: Family | None) -> dict[str, Tensor]:
    """The same inputs with an answer's token numbers (batch, tokens) behind them."""
    more = dict(inputs)
    more["input_ids"] = torch.cat([inputs["input_ids"], answer], 1)
    if "attention_mask" in inputs:
        more["attention_mask"] = torch.cat([inputs["attention_mask"], torch.ones_like(answer)], 1)
    for name in ("token_type_ids", "mm_token_type_ids"):
        if name in inputs:
            value = family.answer_type if family is not None and name == "token_type_ids" else 0
            more[name] = torch.cat([inputs[name], torch.full_like(answer, value)], 1)
    return more

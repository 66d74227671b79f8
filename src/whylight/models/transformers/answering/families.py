"""The families, by the type that a configuration names: where their pictures' tokens lie, and how they are asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from whylight.models.picture_grid import Grid
from whylight.models.transformers.answering.grid import Asked
from whylight.models.transformers.answering.layouts.canvas import internvl
from whylight.models.transformers.answering.layouts.crops import gemma3
from whylight.models.transformers.answering.layouts.merged import qwen
from whylight.models.transformers.answering.layouts.named_tiles import idefics3
from whylight.models.transformers.answering.layouts.newlines import llava_next, llava_onevision
from whylight.models.transformers.answering.layouts.square import llava, paligemma

Layout = Callable[[Asked, int, Sequence[int]], tuple[list[Grid], int]]


@dataclass(frozen=True)
class Family:
    """One family.

    Attributes:
        layout: a picture's grids.
        model: the class of transformers to load.
        nested: its processor takes pictures as a list for each question.
        types: its forward pass needs ``token_type_ids``.
        answer_type: their value for the tokens of an answer.
    """

    layout: Layout
    model: str
    nested: bool = False
    types: bool = False
    answer_type: int = 0


FAMILIES: dict[str, Family] = {
    "llava": Family(llava, "LlavaForConditionalGeneration"),
    "llava_next": Family(llava_next, "LlavaNextForConditionalGeneration"),
    "llava_onevision": Family(llava_onevision, "LlavaOnevisionForConditionalGeneration"),
    "qwen2_vl": Family(qwen, "Qwen2VLForConditionalGeneration"),
    "qwen2_5_vl": Family(qwen, "Qwen2_5_VLForConditionalGeneration"),
    "qwen3_vl": Family(qwen, "Qwen3VLForConditionalGeneration"),
    "smolvlm": Family(idefics3, "SmolVLMForConditionalGeneration", nested=True),
    "idefics3": Family(idefics3, "Idefics3ForConditionalGeneration", nested=True),
    "paligemma": Family(paligemma, "PaliGemmaForConditionalGeneration", types=True, answer_type=1),
    "gemma3": Family(gemma3, "Gemma3ForConditionalGeneration", nested=True, types=True),
    "internvl": Family(internvl, "InternVLForConditionalGeneration"),
}

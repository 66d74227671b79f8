"""What methods and questions see of a model that answers in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from whylight.errors import BadInput, UnsupportedModel
from whylight.models.answering_pass import AnsweringPass
from whylight.models.picture_grid import Grid
from whylight.models.transformers.answering.driving import PictureFeatures, begin, look_again, picture_features
from whylight.models.transformers.answering.families import FAMILIES
from whylight.models.transformers.answering.grid import Asked
from whylight.models.transformers.answering.parts import parts_of
from whylight.models.transformers.answering.prompts import inputs_of, prompt_of, with_answer
from whylight.models.view import Inputs, View


class AnsweringView(View):
    """A model of transformers that answers in words, about pictures or about text alone.

    Its output is the logits of the word that follows. Questions are asked through :func:`whylight.ask`.
    """

    family = "transformers"
    pooling = "class_token"
    classifies = True
    preprocessing = None
    front_door = "whylight.ask"

    def __init__(self, module: nn.Module, name: str, processor: Any) -> None:
        """
        Args:
            processor: the model's own, whose chat template, tokenizer and image processor are used; for a language
                model without pictures its tokenizer.

        Raises:
            UnsupportedModel: see :func:`~whylight.models.transformers.answering.parts.parts_of`.
        """
        self.module = module
        self.name = name
        self.parts = parts_of(module, tuple(FAMILIES))
        self.kind = FAMILIES.get(self.parts.kind)
        self._processor = processor

    @property
    def processor(self) -> Any:
        if self._processor is None:
            raise BadInput(f"{self.name} needs its processor: whylight.wrap(model, processor=processor)")
        return self._processor

    @property
    def tokenizer(self) -> Any:
        return getattr(self.processor, "tokenizer", self.processor)

    @property
    def sees(self) -> bool:
        """Whether it takes pictures."""
        return self.kind is not None

    @property
    def class_count(self) -> int:
        return int(self.parts.model.lm_head.weight.shape[0])

    def image_tokens(self, ids: Tensor) -> Tensor:
        """Where a prompt's picture tokens are: boolean, shaped as ``ids``."""
        if not self.sees:
            return torch.zeros_like(ids, dtype=torch.bool)
        where: Tensor = ids == self.parts.model.config.image_token_id
        return where

    def begin(self, inputs: Inputs, pictures: PictureFeatures | None = None, answer: int = 0) -> AnsweringPass:
        """Embed a batch of questions.

        Args:
            inputs: as :meth:`inputs` makes them.
            pictures: from :meth:`picture_features`, where they were computed before.
            answer: how many tokens at the end are a forced answer: none of them is the picture's, whatever it says.
        """
        if isinstance(inputs, Tensor):
            raise BadInput(f"{self.name} answers questions: ask with whylight.ask(view, picture, question)")
        image = self.image_tokens(inputs["input_ids"])
        if answer:
            image[:, -answer:] = False
        look = partial(look_again, self.parts, inputs) if "pixel_values" in inputs else None
        return replace(begin(self.parts, inputs, image, pictures), answer=answer, look=look)

    def picture_features(self, inputs: Mapping[str, Tensor]) -> PictureFeatures | None:
        """What the language model sees of the pictures; None without any."""
        return picture_features(self.parts, inputs) if "pixel_values" in inputs else None

    def unknown_words(self, prompt: str) -> list[str]:
        unknown = self.tokenizer.unk_token_id
        if unknown is None:
            return []
        words = dict.fromkeys(prompt.split())
        found = [word for word in words if unknown in self.tokenizer(word, add_special_tokens=False)["input_ids"]]
        return [word.strip(".,;:!?\"'()") for word in found]

    def prompt(self, question: str, pictures: int) -> str:
        """The question in the model's chat template; where it has none, the question itself."""
        return prompt_of(self.processor, question, pictures)

    def inputs(self, question: str, pictures: Sequence[Image.Image], **options: Any) -> dict[str, Tensor]:
        """A question and its pictures as a batch of one, through the model's own processor.

        Args:
            question: goes through the chat template; where the model has none it is the whole prompt, with a
                placeholder for each picture.
            **options: of the processor's call.

        Raises:
            BadInput: pictures for a model without eyes, or a prompt that they do not fit.
        """
        if pictures and not self.sees:
            raise BadInput(f"{self.name} takes no pictures: ask it with None in the picture's place")
        prompt = self.prompt(question, len(pictures))
        made = inputs_of(self.processor, self.kind, prompt, pictures, **options)
        seen = int(self.image_tokens(made["input_ids"]).sum())
        if bool(seen) != bool(pictures):
            raise BadInput(
                f"the prompt holds {'a' if seen else 'no'} place for a picture, and {len(pictures)} were given"
                + (
                    ""
                    if seen
                    else ": this model has no chat template, so the prompt must name it, as its processor does"
                )
            )
        return made

    def with_answer(self, inputs: Mapping[str, Tensor], answer: Tensor) -> dict[str, Tensor]:
        """The same with an answer's token numbers (batch, tokens) behind."""
        return with_answer(inputs, answer, self.kind)

    def layout(self, inputs: Mapping[str, Tensor], sizes: Sequence[tuple[int, int]], row: int = 0) -> list[list[Grid]]:
        """Where the tokens of each picture lie, in one row of a batch.

        Args:
            inputs: whose picture entries are this row's alone where there are several rows of them.
            sizes: (height, width) of each of its pictures.

        Raises:
            UnsupportedModel: the tokens are not as many as the pictures' sizes say.
        """
        ids = inputs["input_ids"][row]
        rest = self.image_tokens(ids).nonzero()[:, 0].tolist()
        if self.kind is None:
            return []
        asked = Asked(self.module.config, self.processor, ids.tolist(), inputs, sizes)
        found: list[list[Grid]] = []
        for index in range(len(sizes)):
            grids, used = self.kind.layout(asked, index, rest)
            found.append(grids)
            rest = rest[used:]
        if rest:
            raise UnsupportedModel(f"{self.name}: {len(rest)} picture tokens are left over")
        return found

    def place(self, inputs: Inputs) -> Inputs:
        """On the model's device, pixels in its dtype."""
        like = self.parameter
        if isinstance(inputs, Tensor):
            return inputs.to(like.device, like.dtype)
        return {
            name: value.to(like.device, like.dtype) if value.is_floating_point() else value.to(like.device)
            for name, value in inputs.items()
        }

    @property
    def text(self) -> AnsweringView:
        return self

    def encode_text(self, prompts: Sequence[str]) -> Tensor:
        raise BadInput(f"{self.name} answers questions: ask with whylight.ask(view, picture, question)")

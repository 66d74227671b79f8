"""Models of transformers as views: one for pictures, one for texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from whylight.errors import BadInput, UnsupportedModel
from whylight.models.cut_prompts import warn_of_cuts
from whylight.models.heads import outputs_of
from whylight.models.inputs import check_ids
from whylight.models.known_tokenizer import known_tokenizer
from whylight.models.pre_norm import PreNormBlock, pre_norm_blocks
from whylight.models.preprocessing import Preprocessing
from whylight.models.scores import Scores, usual_scores
from whylight.models.transformers.architectures import Architecture, Begin
from whylight.models.transformers.blocks import layers_of, picture_tower
from whylight.models.transformers.cross_encoder import cross_encoder_scores
from whylight.models.transformers.pre_norm import parts_of
from whylight.models.transformers.preprocessing import vision_config
from whylight.models.view import Inputs, Pass, View


class _TransformersModel(View):
    """What pictures' and texts' views of a module share: the scale and bias of its logits, and its classes."""

    family = "transformers"

    def __init__(self, module: Any, name: str, tokenizer: Any) -> None:
        self.module = module
        self.name = name
        self.tokenizer = tokenizer
        self._config: Any = module.config
        bare = isinstance(getattr(module, "classifier", None), nn.Identity)
        self.classifies = "Classification" in _library_class(module) and self._config.num_labels > 0 and not bare

    @property
    def logit_scale(self) -> Tensor | float:
        scale = getattr(self.module, "logit_scale", None)
        return 1.0 if scale is None else scale.detach().exp()

    @property
    def logit_bias(self) -> Tensor | float:
        bias = getattr(self.module, "logit_bias", None)
        return 0.0 if bias is None else bias.detach()

    @property
    def class_count(self) -> int | None:
        if not self.classifies:
            return None
        heads = (getattr(self.module, name, None) for name in ("classifier", "cls_classifier"))
        head = next((head for head in heads if head is not None), None)
        return outputs_of(head, int(self._config.num_labels)) or int(self._config.num_labels)

    @property
    def scores(self) -> Scores:
        if self._scores is not None:
            return self._scores
        told = cross_encoder_scores(self._config) if self.class_count == 1 else None
        return told or usual_scores(self.class_count, getattr(self._config, "problem_type", None))

    @scores.setter
    def scores(self, scores: Scores) -> None:
        self._scores = scores

    @property
    def class_names(self) -> list[str] | None:
        if not self.classifies or self.class_count != self._config.num_labels:
            return None
        names = self._config.id2label
        if not all(index in names for index in range(self._config.num_labels)):
            return None
        return [str(names[index]) for index in range(self._config.num_labels)]


class TransformersView(_TransformersModel):
    """A picture model of transformers: a dual encoder, a classifier, or features.

    Args:
        module: the model.
        architecture: how its class is driven.
        preprocessing: how a picture becomes pixels.
        tokenizer: the model's tokenizer; None where it is not known.
    """

    def __init__(
        self, module: Any, architecture: Architecture, name: str, preprocessing: Preprocessing, tokenizer: Any = None
    ) -> None:
        super().__init__(module, name, tokenizer)
        self.architecture = architecture
        self.pooling = architecture.pooling
        self.windowed = architecture.windowed
        self.preprocessing = preprocessing

    @property
    def channels(self) -> int:
        return int(getattr(vision_config(self._config), "num_channels", 3))

    @property
    def text(self) -> View:
        if self.architecture.text is None:
            return super().text
        return TransformersTextView(self.module, self.architecture.text, f"{self.name} (text)", self.tokenizer)

    def pre_norm_blocks(self) -> list[PreNormBlock] | None:
        return pre_norm_blocks(layers_of(picture_tower(self.module)), parts_of)

    def begin(self, inputs: Inputs) -> Pass:
        if not isinstance(inputs, Tensor):
            raise BadInput(f"{self.name} takes pixels (batch, 3, H, W)")
        return self.architecture.begin(self.module, inputs)

    def encode_text(self, prompts: Sequence[str]) -> Tensor:
        if self.architecture.text is None:
            return super().encode_text(prompts)
        text = TransformersTextView(self.module, self.architecture.text, self.name, self.tokenizer)
        # Outside inference mode, so that gradients of a score against these embeddings can be asked for.
        with torch.inference_mode(False), torch.no_grad():
            warn_of_cuts(self.name, prompts, lambda texts: text.tokenize(texts)["input_ids"], text.longest)
            return F.normalize(text.output(text.tokenize(prompts)), dim=-1)


class TransformersTextView(_TransformersModel):
    """A text classifier of transformers, or the text tower of a dual encoder, whose targets are picture embeddings.

    Inputs are mappings with ``input_ids`` and optionally ``attention_mask`` and ``token_type_ids``, (batch, tokens).
    Relevance covers every token, special ones included.
    """

    preprocessing = None

    def __init__(
        self, module: Any, begin: Begin, name: str, tokenizer: Any = None, *, written_out: bool = False
    ) -> None:
        super().__init__(module, name, tokenizer)
        self._begin = begin
        self._written_out = written_out
        self.pooling = "mean" if getattr(self._config, "classifier_pooling", "cls") == "mean" else "class_token"

    @property
    def text(self) -> View:
        return self

    @property
    def longest(self) -> int:
        """How many tokens the model can read."""
        config = _text_config(self.module)
        # RoBERTa and MPNet count their positions from behind the padding id.
        behind_padding = hasattr(self.module, "roberta") or hasattr(self.module, "mpnet")
        reserved = config.pad_token_id + 1 if behind_padding else 0
        return int(config.max_position_embeddings) - reserved

    def begin(self, inputs: Inputs) -> Pass:
        if isinstance(inputs, Tensor) or "input_ids" not in inputs or inputs["input_ids"].dim() != 2:
            raise BadInput(f"{self.name} takes a mapping with input_ids (and attention_mask), (batch, tokens) each")
        tokens = inputs["input_ids"].shape[1]
        if tokens > self.longest:
            raise BadInput(
                f"{self.name} reads at most {self.longest} tokens, not {tokens}: cut the text, or use windows"
            )
        if not self._written_out and getattr(_text_config(self.module), "_attn_implementation", "sdpa") == "eager":
            # Attention written out by hand would add the boolean mask instead of applying it.
            raise UnsupportedModel(
                f'{self.name} has its attention written out: load it with attn_implementation="sdpa"'
            )
        config = _text_config(self.module)
        check_ids(inputs["input_ids"], config.vocab_size, self.name, "input_ids")
        if types := getattr(config, "type_vocab_size", 0):
            check_ids(inputs.get("token_type_ids"), types, self.name, "token_type_ids")
        return self._begin(self.module, inputs)

    def tokenize(self, texts: Sequence[str] | Sequence[tuple[str, str]]) -> dict[str, Tensor]:
        """Texts, or pairs, as inputs on the model's device, padded as the model was trained, cut to what it can read.

        Raises:
            BadInput: no tokenizer is known.
        """
        tokenizer = known_tokenizer(self.tokenizer, self.name)
        # SigLIP was trained on texts of full length, and sees their padding.
        encoded = tokenizer(
            list(texts),
            padding="max_length" if self._is_siglip else True,
            truncation=True,
            max_length=self.longest,
            return_tensors="pt",
        )
        return self.as_inputs(encoded)

    def as_inputs(self, encoded: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Of what the tokenizer made, on the model's device, what the model takes."""
        kept = ["input_ids"] if self._is_siglip else ["input_ids", "attention_mask"]
        # Tokenizers may tell sentences apart that the model does not.
        if not self._is_siglip and getattr(_text_config(self.module), "type_vocab_size", 0) > 1:
            kept.append("token_type_ids")
        return {name: encoded[name].to(self.parameter.device) for name in kept if name in encoded}

    @property
    def _is_siglip(self) -> bool:
        return bool(_text_config(self.module).model_type.startswith("siglip"))


def _library_class(module: Any) -> str:
    """The name of the class of transformers that the module is of, or that its own class was derived from."""
    return next(cls.__name__ for cls in type(module).__mro__ if cls.__module__.startswith("transformers."))


def _text_config(module: Any) -> Any:
    return getattr(module.config, "text_config", None) or module.config

"""A text tower of transformers inside an OpenCLIP dual encoder (BiomedCLIP, roberta-ViT and their kin) as a view."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from whylight.errors import BadInput, UnsupportedModel
from whylight.models.inputs import check_ids
from whylight.models.openclip.text import OpenClipTextView
from whylight.models.openclip.tokenizer import Tokenizer
from whylight.models.readout_token import first_row
from whylight.models.transformers.blocks import drive, layers_of
from whylight.models.transformers.masks import mean_of_real, padding_mask
from whylight.models.view import Inputs, Pass

_DRIVEN = ("bert", "roberta", "xlm-roberta", "camembert")
_POOLERS = ("ClsPooler", "ClsLastHiddenStatePooler", "MeanPooler")


def is_hf_text_tower(tower: Any) -> bool:
    """Whether OpenCLIP took the text tower from transformers."""
    return type(tower).__name__ == "HFTextEncoder"


class HFTextView(OpenClipTextView):
    """A text tower of transformers. Inputs are mappings with ``input_ids`` (batch, tokens), padded.

    Raises:
        UnsupportedModel: it is no BERT or RoBERTa, or pools by the maximum.
    """

    def __init__(self, module: Any, tokenizer: Tokenizer | None, name: str) -> None:
        self.model = module
        self.module = module
        self.name = name
        self.tokenizer = tokenizer
        self.tower = module.text
        pooler = type(self.tower.pooler).__name__
        kind = self.tower.config.model_type
        if kind not in _DRIVEN or pooler not in _POOLERS:
            raise UnsupportedModel(
                f"{name}: its text tower is a {kind} of transformers read by a {pooler}; of those "
                f"{', '.join(_DRIVEN)} are supported, read at the first token or by the mean"
            )
        self.pooling = "mean" if pooler == "MeanPooler" else "class_token"

    @property
    def parameter(self) -> Tensor:
        weight: Tensor = self.tower.transformer.get_input_embeddings().weight
        return weight

    @property
    def longest(self) -> int:
        config = self.tower.config
        reserved = 0 if config.model_type == "bert" else config.pad_token_id + 1  # positions begin behind it
        return int(config.max_position_embeddings) - reserved

    def begin(self, inputs: Inputs) -> Pass:
        if isinstance(inputs, Tensor) or "input_ids" not in inputs or inputs["input_ids"].dim() != 2:
            raise BadInput(f"{self.name} takes a mapping with input_ids, (batch, tokens)")
        ids = inputs["input_ids"]
        if ids.shape[1] > self.longest:
            raise BadInput(f"{self.name} reads at most {self.longest} tokens, not {ids.shape[1]}: cut the text")
        check_ids(ids, self.tower.config.vocab_size, self.name, "input_ids")
        tokens = self.tower.transformer.embeddings(input_ids=ids)
        real: Tensor | None = ids != self.tower.config.pad_token_id
        real = None if bool(real.all()) else real  # type: ignore[union-attr]
        mean = self.pooling == "mean"
        return Pass(
            tokens=tokens,
            blocks=[drive(layer, padding_mask(real)) for layer in layers_of(self.tower.transformer)],
            readout=lambda tokens: self._head(mean_of_real(tokens, real) if mean else tokens[:, 0]),
            head=self._head,
            prefix=0,
            grid=None,
            mask=real,
            readout_row=None if mean else first_row(tokens),
        )

    def _head(self, pooled: Tensor) -> Tensor:
        own = getattr(self.tower.transformer, "pooler", None)
        if type(self.tower.pooler).__name__ == "ClsPooler" and self.tower.pooler.use_pooler_output and own is not None:
            pooled = own(pooled[:, None])
        embedding: Tensor = self.tower.proj(pooled)
        return embedding

"""BERT, RoBERTa and DistilBERT classifiers in transformers: the first token is read out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from whylight.models.readout_token import first_row
from whylight.models.transformers.blocks import drive, layers_of
from whylight.models.transformers.masks import padding_mask, real_tokens
from whylight.models.view import Block, Pass


def begin_bert(module: Any, inputs: Mapping[str, Tensor]) -> Pass:
    """A pass through a BERT classifier: pooler (dense, tanh) and classifier."""
    tower = module.bert
    tokens = tower.embeddings(input_ids=inputs["input_ids"], token_type_ids=inputs.get("token_type_ids"))
    return _pass(tokens, inputs, tower, lambda pooled: module.classifier(tower.pooler(pooled[:, None])))


def begin_roberta(module: Any, inputs: Mapping[str, Tensor]) -> Pass:
    """A pass through a RoBERTa classifier, whose positions come from the ids and the padding id."""
    tower = module.roberta
    tokens = tower.embeddings(input_ids=inputs["input_ids"], token_type_ids=inputs.get("token_type_ids"))
    return _pass(tokens, inputs, tower, lambda pooled: module.classifier(pooled[:, None]))


def begin_distilbert(module: Any, inputs: Mapping[str, Tensor]) -> Pass:
    """A pass through a DistilBERT classifier, which has no token types."""
    tokens = module.distilbert.embeddings(inputs["input_ids"])
    return _pass(
        tokens,
        inputs,
        module.distilbert,
        lambda pooled: module.classifier(module.pre_classifier(pooled).relu()),
    )


def _pass(tokens: Tensor, inputs: Mapping[str, Tensor], tower: Any, head: Block) -> Pass:
    real = real_tokens(inputs)
    return Pass(
        tokens=tokens,
        blocks=[drive(layer, padding_mask(real)) for layer in layers_of(tower)],
        readout=lambda tokens: head(tokens[:, 0]),
        head=head,
        prefix=0,
        grid=None,
        mask=real,
        readout_row=first_row(tokens),
    )

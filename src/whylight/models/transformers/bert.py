"""BERT, RoBERTa, DistilBERT, ELECTRA and ALBERT classifiers in transformers: the first token is read out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from whylight.models.readout_token import first_row
from whylight.models.sizes import shadow
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


def begin_electra(module: Any, inputs: Mapping[str, Tensor]) -> Pass:
    """A pass through an ELECTRA classifier, whose embeddings may be narrower than its layers."""
    tower = module.electra
    tokens = tower.embeddings(input_ids=inputs["input_ids"], token_type_ids=inputs.get("token_type_ids"))
    if hasattr(tower, "embeddings_project"):
        tokens = tower.embeddings_project(tokens)
    return _pass(tokens, inputs, tower, lambda pooled: module.classifier(pooled[:, None]))


def begin_albert(module: Any, inputs: Mapping[str, Tensor]) -> Pass:
    """A pass through an ALBERT classifier, whose layers share parameters: each group runs several times in a row.

    Its usual activation, GELU by tanh, is written out in elementary functions, for which relevance propagation has no
    rule. A shadow of the layers, of the same parameters, calls torch's own function of that name instead.
    """
    tower, config = module.albert, module.config
    tokens = tower.embeddings(inputs["input_ids"], token_type_ids=inputs.get("token_type_ids"))
    runs = config.num_hidden_layers / config.num_hidden_groups
    shadows = shadow(tower.encoder.albert_layer_groups)
    for part in shadows.modules():
        if type(getattr(part, "activation", None)).__name__ == "NewGELUActivation":
            part.activation = nn.GELU("tanh")
    groups = [shadows[int(i / runs)] for i in range(config.num_hidden_layers)]
    return _pass(
        tower.encoder.embedding_hidden_mapping_in(tokens),
        inputs,
        [layer for group in groups for layer in group.albert_layers],
        lambda pooled: module.classifier(tower.pooler_activation(tower.pooler(pooled))),
    )


def _pass(tokens: Tensor, inputs: Mapping[str, Tensor], tower: Any, head: Block) -> Pass:
    real = real_tokens(inputs)
    layers = tower if isinstance(tower, list) else layers_of(tower)
    return first_token_pass(tokens, [drive(layer, padding_mask(real)) for layer in layers], head, real)


def first_token_pass(tokens: Tensor, blocks: list[Block], head: Block, real: Tensor | None) -> Pass:
    """A pass of a text that is read at its first token, of which ``real`` (batch, tokens) are no padding."""
    return Pass(
        tokens=tokens,
        blocks=blocks,
        readout=lambda tokens: head(tokens[:, 0]),
        head=head,
        prefix=0,
        grid=None,
        mask=real,
        readout_row=first_row(tokens),
    )

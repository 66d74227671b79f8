"""The text tower of an OpenCLIP dual encoder as a view: texts in, picture embeddings as targets."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from whylight.errors import BadInput, UnsupportedModel
from whylight.models.inputs import check_ids
from whylight.models.known_tokenizer import known_tokenizer
from whylight.models.openclip.tokenizer import Tokenizer
from whylight.models.readout_token import first_row, tokens_at, up_to
from whylight.models.view import Inputs, Pass, Pooling, View


class OpenClipTextView(View):
    """A text tower. Inputs are mappings with ``input_ids`` (batch, context length), as OpenCLIP's tokenizers give them.

    Relevance covers every token, special ones included; CoCa's tower appends a class token of its own as the last one.

    Args:
        module: the dual encoder.
        tokenizer: prompts to token ids; None where it is not known.

    Raises:
        UnsupportedModel: the text tower is a model of another library.
    """

    family = "openclip"
    pooling: Pooling = "class_token"
    classifies = False
    preprocessing = None

    def __init__(self, module: Any, tokenizer: Tokenizer | None, name: str) -> None:
        self.model = module
        self.module = module
        self.name = name
        self.tokenizer = tokenizer
        self.tower = getattr(module, "text", module)
        pooled = getattr(self.tower, "pool_type", getattr(self.tower, "text_pool_type", "none"))
        if pooled == "none":
            raise UnsupportedModel(
                f"{name}: its text tower is a {type(self.tower).__name__} that reads out no one token; OpenCLIP's own "
                "text towers are supported (first, last, end of text)"
            )
        self.reads = pooled

    @property
    def parameter(self) -> Tensor:
        weight: Tensor = self.tower.token_embedding.weight
        return weight

    @property
    def logit_scale(self) -> Tensor | float:
        scale: Tensor = self.model.logit_scale
        return scale.detach().exp()

    @property
    def logit_bias(self) -> Tensor | float:
        bias: Tensor | None = getattr(self.module, "logit_bias", None)
        return 0.0 if bias is None else bias.detach()

    @property
    def text(self) -> View:
        return self

    @property
    def longest(self) -> int:
        """How many tokens the model reads: all texts have this length."""
        return int(self.tower.context_length)

    def tokenize(self, texts: Sequence[str]) -> dict[str, Tensor]:
        """Texts as inputs on the model's device.

        Raises:
            BadInput: no tokenizer is known.
        """
        tokenizer = known_tokenizer(self.tokenizer, self.name)
        return {"input_ids": tokenizer(list(texts)).to(self.parameter.device)}

    def begin(self, inputs: Inputs) -> Pass:
        if isinstance(inputs, Tensor) or "input_ids" not in inputs or inputs["input_ids"].dim() != 2:
            raise BadInput(f"{self.name} takes a mapping with input_ids, (batch, context length)")
        ids = inputs["input_ids"]
        if ids.shape[1] != self.longest:
            raise BadInput(f"{self.name} takes texts of exactly {self.longest} token ids, padded, not {ids.shape[1]}")
        check_ids(ids, self.tower.token_embedding.num_embeddings, self.name, "input_ids")
        tokens, mask = self._embed(ids)
        row = self._row(ids, tokens)
        return Pass(
            tokens=tokens,
            blocks=[partial(block, attn_mask=mask) for block in self.tower.transformer.resblocks],
            readout=lambda tokens: self._head(tokens_at(tokens, row)),
            head=self._head,
            prefix=0,
            grid=None,
            mask=self._real(ids, row, tokens),
            readout_row=row,
        )

    def _embed(self, ids: Tensor) -> tuple[Tensor, Tensor | None]:
        """Tokens, and the additive attention mask that every block takes."""
        if hasattr(self.tower, "_embeds"):
            embedded: tuple[Tensor, Tensor | None] = self.tower._embeds(ids)
            return embedded
        dtype = self.tower.transformer.get_cast_dtype()
        tokens = self.tower.token_embedding(ids).to(dtype) + self.tower.positional_embedding.to(dtype)
        return tokens, self.tower.attn_mask

    def _row(self, ids: Tensor, tokens: Tensor) -> Tensor:
        """(batch,) which token is read out."""
        if self._appends_class_token or self.reads == "last":
            return first_row(tokens) + tokens.shape[1] - 1
        if self.reads == "first":
            return first_row(tokens)
        if self.reads == "argmax":
            return ids.argmax(-1)
        end: int = getattr(self.tower, "eos_id", getattr(self.tower, "text_eos_id", -1))
        return (ids == end).int().argmax(-1)

    def _real(self, ids: Tensor, row: Tensor, tokens: Tensor) -> Tensor | None:
        """What the token that is read out can see: under a causal mask nothing behind it, elsewhere padding too,
        unless the tower masks it."""
        if self._appends_class_token:
            return torch.cat([ids != self.tower.pad_id, torch.ones_like(ids[:, :1], dtype=torch.bool)], dim=1)
        if self.tower.attn_mask is not None:
            return up_to(row, None, tokens)
        return ids != self.tower.pad_id if getattr(self.tower, "use_pad_mask", False) else None

    @property
    def _appends_class_token(self) -> bool:
        return getattr(self.tower, "cls_emb", None) is not None

    def _head(self, pooled: Tensor) -> Tensor:
        output: Tensor = self.tower.ln_final(pooled)
        projection = self.tower.text_projection
        if projection is not None:
            output = projection(output) if isinstance(projection, nn.Module) else output @ projection
        return output

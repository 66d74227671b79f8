"""Prompts to token ids: an OpenCLIP module does not say which tokenizer it was trained with."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from torch import Tensor

from whylight.errors import BadInput
from whylight.models.door import careful
from whylight.models.failures import telling_line
from whylight.models.network import local_where_unreachable

Tokenizer = Callable[[list[str]], Tensor]
"""Prompts to token ids, (prompts, context length)."""

CLIP_VOCABULARY = 49408


def infer_tokenizer(model: Any) -> Tokenizer | None:
    """CLIP's own tokenizer, where the size of the vocabulary is CLIP's; None elsewhere."""
    text = getattr(model, "text", model)
    if getattr(text, "vocab_size", None) != CLIP_VOCABULARY:
        return None
    from open_clip import SimpleTokenizer

    tokenizer: Tokenizer = SimpleTokenizer(context_length=text.context_length)
    return tokenizer


def named_tokenizer(name: str) -> Tokenizer:
    """OpenCLIP's tokenizer for a model name, fetched at the first prompt (some come from a hub).

    Raises:
        BadInput: at the first prompt, where it cannot be had.
    """

    @cache
    def tokenizer() -> Tokenizer:
        import open_clip

        try:
            with careful(), local_where_unreachable():
                text = (open_clip.get_model_config(name) or {}).get("text_cfg", {})
                # A configuration's own `tokenizer_kwargs` could ask for a folder's code to be run.
                no_code = {"trust_remote_code": False} if text.get("hf_tokenizer_name") else {}
                found: Tokenizer = open_clip.get_tokenizer(name, **no_code)
        except Exception as error:
            line = telling_line(error)
            raise BadInput(f"no tokenizer for {name}: {line}. Give embeddings instead of prompts") from error
        return found

    return lambda prompts: tokenizer()(prompts)

"""Where the parts of a model that answers in words are, and which models are refused, with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from whylight.errors import UnsupportedModel

TEXT_ONLY = ("llama", "qwen2", "qwen3", "mistral")
"""Types of language models without pictures that are driven as they are."""

_TOWERS = {"llava": ("clip_vision_model", "siglip_vision_model", "vit"), "llava_next": ("clip_vision_model",)}
_REFUSED = {
    "blip-2": "a few learned queries stand for the picture, so no token of the language model has a place on it",
    "instructblip": "a few learned queries stand for the picture, so no token of the language model has a place on it",
    "mllama": "its picture is read by cross-attention and has no tokens in the sequence",
    "florence2": "it is an encoder-decoder, whose tower attends in windows and over channels",
    "idefics2": "a few learned queries stand for the picture (perceiver), so no token has a place on it",
}


@dataclass(frozen=True)
class Parts:
    """A model's parts.

    Attributes:
        kind: the model's type, as its configuration says.
        model: the whole.
        core: what has ``get_image_features``.
        language: has ``layers``, ``norm`` and ``rotary_emb``.
    """

    kind: str
    model: Any
    core: Any
    language: Any

    def embed(self, ids: Tensor) -> Tensor:
        """Token numbers to what enters the first decoder layer."""
        tokens: Tensor = self.model.get_input_embeddings()(ids)
        return tokens

    def logits(self, tokens: Tensor) -> Tensor:
        """Tokens (..., width) that left the last decoder layer to logits (..., words)."""
        logits: Tensor = self.model.lm_head(self.language.norm(tokens))
        cap = getattr(self.language.config, "final_logit_softcapping", None)
        return logits if cap is None else torch.tanh(logits / cap) * cap


def parts_of(model: Any, families: tuple[str, ...]) -> Parts:
    """The parts of a model of one of the families, or of a language model without pictures.

    Raises:
        UnsupportedModel: another model, or one whose attention or tower cannot be followed; the line says why.
    """
    config = model.config
    kind = config.model_type
    refuse(config)
    if kind not in (*families, *TEXT_ONLY):
        raise UnsupportedModel(f"{kind} is not supported. Models that answer in words: {', '.join(families)}")
    core = getattr(model, "model", None)
    if core is None or not hasattr(model, "lm_head"):
        raise UnsupportedModel(f"{type(model).__name__} has no language model head: load it as the whole model")
    language = core if kind in TEXT_ONLY else getattr(core, "language_model", None) or core.text_model
    attention = language.config._attn_implementation  # the top configuration may say something else
    if attention != "sdpa":
        raise UnsupportedModel(
            f"the language model of {kind} runs {attention} attention, which hides its maps: load it with "
            'attn_implementation="sdpa"'
        )
    return Parts(kind, model, core, language)


def refuse(config: Any) -> None:
    """Refuse by configuration what cannot be explained.

    Raises:
        UnsupportedModel: with the reason.
    """
    kind = config.model_type
    tower = getattr(getattr(config, "vision_config", None), "model_type", None)
    reason = _REFUSED.get(kind)
    if reason is None and hasattr(config, "qformer_config"):
        reason = _REFUSED["blip-2"]
    if reason is None and tower == "pixtral":
        reason = "its Pixtral tower packs pictures of any shape, which is not followed yet"
    if reason is None and kind == "paligemma" and config.text_config.model_type != "gemma":
        reason = "PaliGemma 2 runs eager attention, which hides its maps, and has no other in transformers 5"
    if reason is None and kind in _TOWERS and tower not in _TOWERS[kind]:
        reason = f"its tower is a {tower}, whose tokens have not been tried"
    if reason is not None:
        raise UnsupportedModel(f"{kind} is not supported: {reason}")

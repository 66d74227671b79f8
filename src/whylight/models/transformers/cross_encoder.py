"""What sentence-transformers notes in the configuration of a cross-encoder: what becomes of its one logit."""

from __future__ import annotations

from typing import Any

from whylight.models.scores import Scores

_ACTIVATIONS: dict[str, Scores] = {"Sigmoid": "sigmoid", "Identity": "raw"}


def cross_encoder_scores(config: Any) -> Scores | None:
    """The activation that a cross-encoder's folder names; None where it names none, or another.

    Releases from 4 on write ``sentence_transformers: {"activation_fn": ...}``, older ones
    ``sbert_ce_default_activation_function``; both are dotted names of a class of torch, which is not imported.
    """
    noted = getattr(config, "sentence_transformers", None)
    named = noted.get("activation_fn") if isinstance(noted, dict) else None
    named = named or getattr(config, "sbert_ce_default_activation_function", None)
    return _ACTIVATIONS.get(str(named).rpartition(".")[2])

"""Recognising a live module of transformers."""

from __future__ import annotations

import re
from typing import Any

from torch import nn

from whylight.errors import UnsupportedModel
from whylight.models.failures import read_from_configuration
from whylight.models.transformers.answering.families import FAMILIES
from whylight.models.transformers.answering.parts import TEXT_ONLY, refuse
from whylight.models.transformers.answering.view import AnsweringView
from whylight.models.transformers.architectures import PICTURES, TEXTS, UNSEEN, supported
from whylight.models.transformers.preprocessing import from_image_processor, usual_preprocessing
from whylight.models.transformers.view import TransformersTextView, TransformersView
from whylight.models.view import View


def wrap_transformers(
    module: nn.Module,
    name: str | None = None,
    tokenizer: Any = None,
    image_processor: Any = None,
    processor: Any = None,
) -> View | None:
    """A view of a transformers model, also a fine-tuned or derived one; the model stays as it is.

    Args:
        module: the model.
        name: what to call it in results; default: where it was loaded from, or its class.
        tokenizer: its tokenizer, needed for prompts and texts.
        image_processor: its image processor; default: the preprocessing that its family usually has.
        processor: of a model that answers in words.

    Returns:
        None where the module is none of transformers.

    Raises:
        UnsupportedModel: a class of transformers that is not supported; the line lists those that are.
    """
    classes = [cls.__name__ for cls in type(module).__mro__ if cls.__module__.startswith("transformers.")]
    if not classes:
        return None
    config: Any = module.config
    name = name or getattr(config, "_name_or_path", "") or type(module).__name__
    for found in classes:
        if found in TEXTS:
            return TransformersTextView(module, TEXTS[found].begin, name, tokenizer)
        if found in PICTURES:
            with read_from_configuration(name, "its preprocessing"):
                preprocessing = (
                    from_image_processor(image_processor, config) if image_processor else usual_preprocessing(config)
                )
            return TransformersView(module, PICTURES[found], name, preprocessing, tokenizer)
    refuse(config)
    if config.model_type in (*FAMILIES, *TEXT_ONLY) and hasattr(module, "lm_head"):
        return AnsweringView(module, name, processor or tokenizer)
    kin = re.split("For|Model", classes[0])[0]
    if kin in UNSEEN:
        raise UnsupportedModel(
            f"transformers' {classes[0]} is not supported, because its attention is written out in transformers "
            f"(position biases inside it), not fused, and cannot be seen. Supported: {supported()}"
        )
    near = [known for known in (*PICTURES, *TEXTS) if known.startswith((f"{kin}For", f"{kin}Model"))]
    meant = f" Close to it: {' and '.join(near)}." if near else ""
    raise UnsupportedModel(f"transformers' {classes[0]} is not supported.{meant} Supported: {supported()}")

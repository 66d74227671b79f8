"""Recognising a live module of transformers."""

from __future__ import annotations

import re
from typing import Any

from torch import nn

from whylight.errors import UnsupportedModel
from whylight.models.failures import read_from_configuration
from whylight.models.inside import part_that_works
from whylight.models.preprocessing import Preprocessing
from whylight.models.reasons import why_not
from whylight.models.transformers.answering.families import FAMILIES
from whylight.models.transformers.answering.parts import TEXT_ONLY, refuse
from whylight.models.transformers.answering.view import AnsweringView
from whylight.models.transformers.architectures import PICTURES, TEXTS, supported
from whylight.models.transformers.naflex import naflex_preprocessing
from whylight.models.transformers.preprocessing import from_image_processor, usual_preprocessing
from whylight.models.transformers.timm_wrapper import WRAPPERS, TimmWrapperView
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
            kind = TEXTS[found]
            return TransformersTextView(module, kind.begin, name, tokenizer, written_out=kind.written_out)
        if found in PICTURES:
            with read_from_configuration(name, "its preprocessing"):
                preprocessing = _preprocessing(found, image_processor, config)
            return TransformersView(module, PICTURES[found], name, preprocessing, tokenizer)
        if found in WRAPPERS:
            return TimmWrapperView(module, name)
    _refuse(module)
    if config.model_type in (*FAMILIES, *TEXT_ONLY) and hasattr(module, "lm_head"):
        return AnsweringView(module, name, processor or tokenizer)
    kin = re.split("For|Model", classes[0])[0]
    near = [known for known in (*PICTURES, *TEXTS) if known.startswith((f"{kin}For", f"{kin}Model"))]
    meant = f" Close to it: {' and '.join(near)}." if near else ""
    reason = why_not(config.model_type)
    because = (f": it {reason}" if reason else "") + part_that_works(module)
    raise UnsupportedModel(f"transformers' {classes[0]} is not supported{because}.{meant} Supported: {supported()}")


def _refuse(module: Any) -> None:
    """Refuse what cannot be explained as a model that answers in words, naming a part that can be explained."""
    try:
        refuse(module.config)
    except UnsupportedModel as error:
        raise UnsupportedModel(f"{error}{part_that_works(module)}") from None


def _preprocessing(kind: str, image_processor: Any, config: Any) -> Preprocessing:
    if kind.startswith("Siglip2"):
        return naflex_preprocessing(image_processor, config)
    return from_image_processor(image_processor, config) if image_processor else usual_preprocessing(config)

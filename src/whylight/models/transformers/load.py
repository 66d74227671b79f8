"""Loading a model of transformers by name or from a folder, with its own image processor and tokenizer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from whylight.errors import BadInput, MissingExtra, UnsupportedModel
from whylight.models.door import CONFIGURATIONS, configurations_in, refuse_code
from whylight.models.failures import NOT_HERE, WRITTEN_OUT, telling_line
from whylight.models.reasons import why_not
from whylight.models.transformers.answering.families import FAMILIES
from whylight.models.transformers.answering.parts import TEXT_ONLY, refuse
from whylight.models.transformers.architectures import MODEL_TYPES, PICTURES, TEXTS, supported
from whylight.models.transformers.beside import image_processor_beside, on_hub, processor_beside, tokenizer_beside
from whylight.models.transformers.timm_wrapper import WRAPPERS
from whylight.models.transformers.wrap import wrap_transformers
from whylight.models.view import View
from whylight.runs.files import home_opened
from whylight.scenes.answers import TOWER

LOCAL = "local-dir:"


def load_transformers(identifier: str) -> View:
    """A model by its name on the Hugging Face Hub, or from a folder.

    Weights are read from safetensors only, in float32, with fused attention.

    Args:
        identifier: "openai/clip-vit-base-patch16", or "local-dir:PATH" for a folder with ``config.json`` and
            ``*.safetensors``, as ``save_pretrained`` writes it.

    Raises:
        MissingExtra: transformers is not installed.
        BadInput: no such folder or model, no safetensors in it, weights that do not fit, or no network.
        UnsupportedModel: a model of another kind.
    """
    try:
        import transformers
    except ImportError:
        raise MissingExtra("transformers", "transformers") from None

    source = _source(identifier)
    config = _attempt(identifier, transformers.AutoConfig.from_pretrained, source, trust_remote_code=False)
    if hasattr(config, TOWER) and Path(source).is_dir():
        from whylight.models.transformers.answering.bundled import load_scenes_answers

        trained: View = _attempt(identifier, load_scenes_answers, Path(source), f"hf:{identifier}")
        return trained
    kind = _class_name(config, identifier)
    _check_heads(config, identifier)
    module, loaded = _attempt(
        identifier,
        getattr(transformers, kind).from_pretrained,
        source,
        trust_remote_code=False,
        use_safetensors=True,
        dtype=torch.float32,
        output_loading_info=True,
        ignore_mismatched_sizes=True,  # told below, by name
        **_attention(kind),
    )
    _check_weights(module, set(loaded["missing_keys"]), identifier)
    _check_shapes(loaded["mismatched_keys"], identifier)
    if hasattr(module, "lm_head"):
        processor = processor_beside(transformers, source, identifier)
        return wrap_transformers(module.eval(), name=f"hf:{identifier}", processor=processor)  # type: ignore[return-value]
    return wrap_transformers(
        module.eval(),
        name=f"hf:{identifier}",
        tokenizer=tokenizer_beside(transformers, source, identifier),
        image_processor=image_processor_beside(transformers, source, identifier, module),
    )  # type: ignore[return-value]


def _source(identifier: str) -> str:
    """What ``from_pretrained`` takes; its configurations are looked into before it does."""
    if not identifier.startswith(LOCAL):
        refuse_code((Path(file) for name in CONFIGURATIONS if (file := on_hub(identifier, name))), identifier)
        return identifier
    folder = home_opened(Path(identifier.removeprefix(LOCAL)))
    if not folder.is_dir():
        raise BadInput(f"no such folder: {folder}")
    if not (folder / "config.json").is_file():
        raise BadInput(f"{folder} holds no config.json: a folder that save_pretrained wrote is needed")
    if not any(folder.glob("*.safetensors")):
        raise BadInput(
            f"{folder} holds no *.safetensors weights: save them with save_pretrained(safe_serialization=True)"
        )
    refuse_code(configurations_in(folder), f"{LOCAL}{folder}")
    return str(folder)


def _class_name(config: Any, identifier: str) -> str:
    said = getattr(config, "architectures", None) or []
    if not isinstance(said, list):
        raise BadInput(f"{identifier}: architectures of its configuration is {said!r}, not a list of classes")
    named = [name for name in said if isinstance(name, str)]
    for name in named:
        if name in PICTURES or name in TEXTS or name in WRAPPERS:
            return name
    if config.model_type == "timm_wrapper":
        return WRAPPERS[0] if config.num_labels else WRAPPERS[1]
    refuse(config)
    if config.model_type in FAMILIES:
        return FAMILIES[config.model_type].model
    if config.model_type in TEXT_ONLY and all(name.endswith("ForCausalLM") for name in named):
        return "AutoModelForCausalLM"
    if config.model_type in MODEL_TYPES:
        return MODEL_TYPES[config.model_type]
    kind = ", ".join(named) or config.model_type
    reason = why_not(config.model_type)
    because = f": it {reason}" if reason else ""
    raise UnsupportedModel(f"{identifier} is a {kind}, which is not supported{because}. Supported: {supported()}")


def _attention(kind: str) -> dict[str, str]:
    """Which implementation of attention is asked for: the fused one but where none is, or where it is not looked at,
    and a release may not have it."""
    if kind in WRAPPERS or (kind in PICTURES and PICTURES[kind].windowed):
        return {}
    return {"attn_implementation": "eager" if kind in TEXTS and TEXTS[kind].written_out else "sdpa"}


def _check_heads(config: Any, identifier: str) -> None:
    """Refuse a number of heads that transformers builds a model of, and that fails when the model is used."""
    for part in (config, getattr(config, "vision_config", None), getattr(config, "text_config", None)):
        heads = getattr(part, "num_attention_heads", None)
        if isinstance(heads, int) and heads < 1:
            raise BadInput(f"cannot load {identifier}: its configuration says num_attention_heads={heads}")


def _check_weights(module: Any, missing: set[str], identifier: str) -> None:
    """Refuse random weights, but for a pooler that the checkpoint never had: the model is used without it."""
    if missing and all(name.startswith("pooler.") for name in missing):
        module.pooler = None
    elif missing:
        names = ", ".join(sorted(missing)[:3])
        raise BadInput(f"{identifier} lacks {len(missing)} of the weights of {type(module).__name__} ({names}, ...)")


def _check_shapes(mismatched: Iterable[str | tuple[str, Any, Any]], identifier: str) -> None:
    """Refuse weights of other shapes than the configuration says, which transformers tells from 5 on."""
    wrong = sorted(
        each if isinstance(each, str) else f"{each[0]}: {list(each[1])} instead of {list(each[2])}"
        for each in mismatched
    )
    if wrong:
        some = ", ".join(wrong[:3]) + (", ..." if len(wrong) > 3 else "")
        raise BadInput(f"{len(wrong)} of the weights of {identifier} have another shape than it says ({some})")


def _attempt(identifier: str, load: Any, *arguments: Any, **options: Any) -> Any:
    """What transformers loads, its errors as one line."""
    try:
        with _quiet():
            return load(*arguments, **options)
    except Exception as error:  # configurations of wrong types raise whatever the code that reads them does
        reason = telling_line(error)
        where = (
            ""
            if reason in (NOT_HERE, WRITTEN_OUT)
            else " (no such model, no readable safetensors in it, or no network)"
        )
        raise BadInput(f"cannot load {identifier}{where}: {reason}") from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Without transformers' own tables and bars: what matters of them is raised."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()

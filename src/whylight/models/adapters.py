"""Models inside a wrapper of PEFT: adapters (LoRA and its kin) lie in the layers, so the model inside is the whole."""

from __future__ import annotations

import warnings
from typing import Any
from weakref import WeakSet

from torch import nn

from whylight.errors import UnsupportedModel, WhylightWarning

_SPOKEN_OF: WeakSet[nn.Module] = WeakSet()


def without_peft(module: nn.Module) -> nn.Module:
    """The model that PEFT put adapters into, with them in it; any other module as it is.

    Raises:
        UnsupportedModel: adapters that are no part of the layers (prompt tuning), which the model inside would lose.
    """
    if not type(module).__module__.startswith("peft."):
        return module
    wrapper: Any = module
    config: Any = getattr(wrapper, "active_peft_config", None)
    if getattr(config, "is_prompt_learning", False):
        kind = str(getattr(config.peft_type, "value", config.peft_type))
        raise UnsupportedModel(f"PEFT's {kind} puts tokens before the model's own: adapters in layers are supported")
    tuner = getattr(wrapper, "base_model", wrapper)
    inner: nn.Module = getattr(tuner, "model", tuner)
    return inner


def warn_of_adapters(module: nn.Module, name: str) -> None:
    """Say, once for each model, that rules for layers see an adapter as layers of its own.

    Warns:
        WhylightWarning: adapters are there that are not merged into their layers.
    """
    if module in _SPOKEN_OF or not (adapted := [where for where, part in module.named_modules() if _adds(part)]):
        return
    _SPOKEN_OF.add(module)
    warnings.warn(
        f"{name}: relevance propagation goes through {adapted[0]} and its adapter apart ({len(adapted)} such layers): "
        "the maps differ from those of the merged model, so merge_and_unload() first to explain each layer as one",
        WhylightWarning,
        stacklevel=2,
    )


def _adds(part: nn.Module) -> bool:
    """Whether it is a layer of PEFT whose adapters are computed beside it."""
    kinds = type(part).__mro__
    if not any(kind.__name__ == "BaseTunerLayer" and kind.__module__.startswith("peft.") for kind in kinds):
        return False
    layer: Any = part
    return not layer.merged and not layer.disable_adapters

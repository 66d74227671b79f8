"""Models inside a wrapper of PEFT: adapters (LoRA and its kin) lie in the layers, so the model inside is the whole."""

from __future__ import annotations

from typing import Any

from torch import nn

from whylight.errors import UnsupportedModel


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

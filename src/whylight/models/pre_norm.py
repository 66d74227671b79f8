"""Pre-norm transformer blocks, the shape that nearly every vision transformer has."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Literal

from torch import Tensor, nn

Activation = Literal["gelu", "gelu_tanh", "quick_gelu"]


@dataclass(frozen=True)
class PreNormBlock:
    """The parts of  x₁ = x + λ₁ W_O O,  x₂ = x₁ + λ₂ W₂ act(W₁ norm(x₁) + b₁) + biases.

    Attributes:
        attention_out: W_O, from concatenated heads to tokens.
        norm: the layer norm before the MLP.
        first, second: W₁ (hidden x width) and W₂ (width x hidden) with their biases.
        activation: the MLP's.
        attention_scale, mlp_scale: layer scale λ₁, λ₂ (width,), or None.
    """

    attention_out: nn.Linear
    norm: nn.LayerNorm
    first: nn.Linear
    second: nn.Linear
    activation: Activation
    attention_scale: Tensor | None = None
    mlp_scale: Tensor | None = None


@dataclass(frozen=True)
class PartPaths:
    """Where a family's block keeps its parts: dotted paths of attributes from the block.

    A layer scale may be absent from the module that its path leads to: an identity stands there then.
    """

    attention_out: str
    norm: str
    first: str
    second: str
    activation: str
    attention_scale: str
    mlp_scale: str

    def read(self, block: Any) -> PreNormBlock | None:
        """The block's parts; None where its activation is none of those with a known derivative."""
        names = (self.attention_out, self.norm, self.first, self.second)
        activation = activation_of(attrgetter(self.activation)(block))
        if activation is None:
            return None
        scales = []
        for path in (self.attention_scale, self.mlp_scale):
            module, _, name = path.rpartition(".")
            scales.append(getattr(attrgetter(module)(block), name, None))
        return PreNormBlock(*attrgetter(*names)(block), activation, *scales)


def pre_norm_blocks(blocks: Iterable[Any], parts_of: Callable[[Any], PreNormBlock | None]) -> list[PreNormBlock] | None:
    """The parts of every block; None where one is of another shape."""
    found = []
    for block in blocks:
        parts = parts_of(block)
        if parts is None or not is_plain(parts):
            return None
        found.append(parts)
    return found


def activation_of(module: Any) -> Activation | None:
    """Which of the activations with a known derivative a module is."""
    kind = type(module).__name__
    if kind in ("QuickGELU", "QuickGELUActivation"):
        return "quick_gelu"
    if isinstance(module, nn.GELU) or kind == "GELU":
        return "gelu_tanh" if getattr(module, "approximate", "none") == "tanh" else "gelu"
    if kind in ("GELUTanh", "GELUTanhActivation"):
        return "gelu_tanh"
    return "gelu" if kind == "GELUActivation" else None


def is_plain(parts: PreNormBlock) -> bool:
    """Linear layers that are exactly that (no quantisation, no adapters), a norm with weight and bias, one dtype."""
    linear = (parts.attention_out, parts.first, parts.second)
    norm = parts.norm
    return (
        all(isinstance(module, nn.Linear) and type(module).forward is nn.Linear.forward for module in linear)
        and isinstance(norm, nn.LayerNorm)
        and norm.weight is not None
        and norm.bias is not None
        and len({module.weight.dtype for module in (*linear, norm)}) == 1
    )

"""Making a small model's every parameter matter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import nn

AnyModule = TypeVar("AnyModule", bound=nn.Module)


def perturbed(model: AnyModule, seed: int = 0) -> AnyModule:
    """The model in float64 and evaluation mode, noise on every parameter (layer scales, biases, class tokens, ...)."""
    generator = torch.Generator().manual_seed(seed)
    model.double().eval()
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.running_mean.add_(0.1 * torch.randn(module.running_mean.shape, generator=generator).double())
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            parameter.add_(noise, alpha=0.1 if parameter.dim() > 1 else 0.3)
    return model


@contextmanager
def made_in_float64() -> Iterator[None]:
    """For libraries that make tensors in torch's default type, whatever the model's is."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def pictures(size: tuple[int, int] = (32, 32), seed: int = 1) -> torch.Tensor:
    """A batch of two, (2, 3, H, W)."""
    return torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)

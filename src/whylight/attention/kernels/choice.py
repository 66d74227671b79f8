"""Where the kernels stand in for the tiles."""

from __future__ import annotations

import importlib.metadata
import os
import re
from functools import cache

import torch
from torch import Tensor

from whylight.attention.call import AttentionCall

_WIDEST_HEAD = {torch.float16: 128, torch.bfloat16: 128, torch.float32: 64}
"""The widest heads whose tiles fit the registers and the shared memory of a GPU, by dtype."""


def usable(call: AttentionCall, *tensors: Tensor) -> bool:
    """Whether the kernels compute reductions of this call and these tensors: its dtype's, or float32.

    They do on CUDA GPUs from compute capability 8.0 on, and on any device where ``TRITON_INTERPRET=1`` runs Triton's
    interpreter. Tiles run instead without Triton, for masked and causal calls (texts, which are short), for dtypes and
    heads not in :data:`_WIDEST_HEAD`, and where the result itself is to be differentiated.
    """
    value = call.value
    inputs = (call.query, call.key, value, *tensors)
    widest = torch.float32 if any(tensor.dtype == torch.float32 for tensor in tensors) else value.dtype
    return (
        call.mask is None
        and not call.is_causal
        and value.dtype in _WIDEST_HEAD
        and value.shape[-1] <= _WIDEST_HEAD[widest]
        and all(tensor.dtype in (value.dtype, torch.float32) and tensor.device == value.device for tensor in inputs)
        and not (torch.is_grad_enabled() and any(tensor.requires_grad for tensor in inputs))
        and (_interpreted(value.dtype) or _capable(value.device))
        and _installed()
    )


@cache
def _installed() -> bool:
    """Triton 3.3 or newer, the first whose kernels take tuples of strides."""
    try:
        version = importlib.metadata.version("triton")
    except importlib.metadata.PackageNotFoundError:
        return False
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2]) >= (3, 3)


def _interpreted(dtype: torch.dtype) -> bool:
    """The interpreter multiplies with numpy, which knows no bfloat16."""
    return os.environ.get("TRITON_INTERPRET") == "1" and dtype != torch.bfloat16


@cache
def _capable(device: torch.device) -> bool:
    return device.type == "cuda" and torch.version.hip is None and torch.cuda.get_device_capability(device) >= (8, 0)

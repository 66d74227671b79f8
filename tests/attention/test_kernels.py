"""The Triton kernels: where they are chosen, what they compute, and that they compile for GPUs that are not here."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from whylight.attention import AttentionCall, kernels, record_attention
from whylight.attention.kernels import choice

WITHOUT_TRITON = "Triton comes with torch on Linux only; the kernels need 3.3, which torch 2.7 was the first to bring"


def call_of(dtype: torch.dtype = torch.float32, tokens: int = 20, width: int = 64) -> AttentionCall:
    query, key, value = torch.randn(1, tokens, 3, 2, width, dtype=dtype).permute(2, 0, 3, 1, 4)
    with record_attention() as calls, torch.no_grad():
        F.scaled_dot_product_attention(query, key, value)
    return calls[0]


@pytest.mark.parametrize("where", ["interpreter", "cuda"])
def test_kernels_against_tiles(where: str) -> None:
    pytest.importorskip("triton", "3.3", reason=WITHOUT_TRITON)
    if where == "cuda" and not choice._capable(torch.device("cuda" if torch.cuda.is_available() else "cpu")):
        pytest.skip("needs a CUDA GPU of compute capability 8.0 or more")
    environment = {**os.environ, "TRITON_INTERPRET": "1" if where == "interpreter" else "0"}
    inner = Path(__file__).with_name("kernels_against_tiles.py")
    options = ["-x", "-o", "addopts=--import-mode=importlib", "-p", "no:cacheprovider", "-p", "no:xdist"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(inner)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert re.search(r"[1-9]\d* passed", run.stdout), run.stdout


class TestChoice:
    @pytest.fixture(autouse=True)
    def _triton_runs_here(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(choice, "_capable", lambda device: True)
        monkeypatch.setattr(choice, "_installed", lambda: True)

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
    def test_plain_calls(self, dtype: torch.dtype) -> None:
        call = call_of(dtype)
        assert kernels.usable(call, call.value)
        assert kernels.usable(call, call.value.float())

    def test_tiles_differentiate(self) -> None:
        call = call_of()
        gradient = torch.randn(call.output.shape, requires_grad=True)
        assert not kernels.usable(call, gradient)
        with torch.no_grad():
            assert kernels.usable(call, gradient)

    def test_tiles_know_masks(self) -> None:
        call = call_of()
        assert not kernels.usable(replace(call, is_causal=True))
        assert not kernels.usable(replace(call, mask=torch.ones(20, 20, dtype=torch.bool)))

    def test_tiles_take_float64_and_wide_heads(self) -> None:
        assert not kernels.usable(call_of(torch.float64))
        assert not kernels.usable(call_of(torch.float32, width=80))
        assert kernels.usable(call_of(torch.bfloat16, width=80))
        assert not kernels.usable(call_of(torch.bfloat16, width=80), call_of(torch.float32, width=80).value)
        assert not kernels.usable(call_of(torch.bfloat16, width=160))

    def test_tiles_run_without_triton(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(choice, "_installed", lambda: False)
        assert not kernels.usable(call_of())


def test_tiles_run_on_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    assert not kernels.usable(call_of())


SHARED_MEMORY = {80: 163 * 1024, 89: 99 * 1024, 90: 227 * 1024}
"""What one block may take, by compute capability (CUDA C++ Programming Guide, "Technical Specifications")."""


@pytest.mark.parametrize("capability", SHARED_MEMORY)
@pytest.mark.parametrize(("dtype", "width"), [(torch.bfloat16, 64), (torch.bfloat16, 104), (torch.float32, 64)])
def test_kernels_compile_for_gpus(
    capability: int, dtype: torch.dtype, width: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("triton", "3.3", reason=WITHOUT_TRITON)
    from triton import knobs

    from whylight.attention.kernels import gradient_relevance, log_sum_exp, row_products

    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    if knobs.runtime.interpret:
        pytest.skip("Triton interprets in this process")
    launched: list[Any] = []
    for module, name in (
        (gradient_relevance, "_sum_over_queries"),
        (log_sum_exp, "_of_rows"),
        (row_products, "_sum_over_queries"),
    ):
        monkeypatch.setattr(module, name, _Launches(getattr(module, name), launched))
    call = call_of(dtype, 40, width)
    gradient = torch.zeros_like(call.output)
    gradient_relevance.mean_positive_gradient(call.value, gradient)
    factors = (gradient,) if dtype == torch.float32 else (gradient, gradient)
    row_products.row_products(call.query, call.key, call.value, 0.1, torch.ones(1, 40), factors)
    assert len(launched) == 3
    for kernel, arguments, options in launched:
        compiled = _compile(kernel, arguments, options, capability)
        assert compiled.asm["cubin"]
        assert compiled.metadata.shared <= SHARED_MEMORY[capability]


class _Launches:
    """Stands in for a kernel and remembers how it was launched."""

    def __init__(self, kernel: Any, launched: list[Any]) -> None:
        self.kernel, self.launched = kernel, launched

    def __getitem__(self, grid: Any) -> Any:
        def launch(*arguments: Any, **options: Any) -> None:
            self.launched.append((self.kernel, arguments, options))

        return launch


def _compile(kernel: Any, arguments: tuple[Any, ...], options: dict[str, Any], capability: int) -> Any:
    """The kernel as Triton would compile it for these arguments on a GPU of this compute capability."""
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource, compile

    signature: dict[str, Any] = {}
    constants: dict[Any, Any] = {}
    attributes: dict[Any, Any] = {}

    def type_of(argument: Any, path: tuple[int, ...]) -> Any:
        if isinstance(argument, tuple):
            return tuple(type_of(each, (*path, index)) for index, each in enumerate(argument))
        if isinstance(argument, torch.Tensor):
            attributes[path] = [["tt.divisibility", 16]]
            return "*" + {torch.float16: "fp16", torch.bfloat16: "bf16", torch.float32: "fp32"}[argument.dtype]
        if isinstance(argument, float):
            return "fp32"
        if argument == 1:
            constants[path] = 1
            return "constexpr"
        if argument % 16 == 0:
            attributes[path] = [["tt.divisibility", 16]]
        return "i32"

    settings = {name: value for name, value in options.items() if name.startswith("num_")}
    for index, name in enumerate(kernel.arg_names):
        if name in options:
            constants[index,], signature[name] = options[name], "constexpr"
        else:
            signature[name] = type_of(arguments[index], (index,))
    source = ASTSource(kernel, signature, constants, attributes)
    return compile(source, target=GPUTarget("cuda", capability, 32), options=settings)

"""Products by oneDNN are the products that torch makes, and are made where oneDNN has a part in it."""

import pytest
import torch

from whylight.methods.legrad.matrix_product import matrix_product, packed

ONEDNN = torch.backends.mkldnn.is_available()


def numbers(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("shape", [(1, 96), (7, 96), (2, 5, 96), (1, 1, 96), (3, 1, 4, 96)])
@pytest.mark.parametrize("lay", [lambda matrix: matrix, packed], ids=["as it is", "packed"])
def test_it_is_the_product(shape, lay):
    x, matrix = numbers(*shape), numbers(96, 33)
    found = matrix_product(x, lay(matrix))
    assert found.shape == (*shape[:-1], 33)
    torch.testing.assert_close(found.double(), x.double() @ matrix.double(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("lay", [lambda matrix: matrix, packed], ids=["as it is", "packed"])
def test_strides_do_not_matter(lay):
    x = numbers(5, 2, 192).transpose(0, 1)[..., ::2]
    matrix = numbers(33, 192).T[::2]
    found = matrix_product(x, lay(matrix))
    torch.testing.assert_close(found, x @ matrix, rtol=1e-5, atol=1e-5)
    spread = x[:1].expand(4, -1, -1)
    torch.testing.assert_close(matrix_product(spread, lay(matrix)), spread @ matrix, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_other_precisions_are_multiplied_by_torch(dtype):
    x, matrix = numbers(7, 96).to(dtype), numbers(96, 33).to(dtype)
    assert packed(matrix) is matrix
    assert torch.equal(matrix_product(x, matrix), x @ matrix)


@pytest.mark.skipif(not ONEDNN, reason="this torch was built without oneDNN")
def test_onednn_is_used_in_float32_unless_it_is_switched_off(monkeypatch):
    x, matrix = numbers(7, 96), numbers(96, 33)
    assert packed(matrix).is_mkldnn
    with torch.profiler.profile() as profile:
        matrix_product(x, matrix)
    assert "mkldnn::_linear_pointwise" in {event.key for event in profile.key_averages()}
    monkeypatch.setattr(torch.backends.mkldnn, "enabled", False)
    assert packed(matrix) is matrix
    assert torch.equal(matrix_product(x, matrix), x @ matrix)


def test_a_parameter_takes_no_graph_along():
    weight = torch.nn.Parameter(numbers(96, 33))
    with torch.no_grad():
        assert not matrix_product(numbers(7, 96), weight).requires_grad
        assert not matrix_product(numbers(7, 96), packed(weight)).requires_grad

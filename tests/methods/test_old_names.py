"""Options by the names that the documentation gave them once."""

from __future__ import annotations

import pytest
import torch
from small_views import dual_encoder

from whylight.methods import relevance


@pytest.mark.parametrize(
    ("method", "old", "new"),
    [("legrad", "centred", "centered"), ("transformer_attribution", "normalise_rows", "normalize_rows")],
)
def test_the_old_name_of_an_option_does_what_the_new_one_does(method: str, old: str, new: str) -> None:
    view, pixels, target = dual_encoder(), torch.randn(1, 3, 32, 32), torch.randn(1, 16)
    with pytest.warns(DeprecationWarning, match=f"{old} is called {new}"):
        by_old_name = relevance(view, pixels, target, method=method, **{old: True})
    torch.testing.assert_close(by_old_name, relevance(view, pixels, target, method=method, **{new: True}))
    assert not torch.equal(by_old_name, relevance(view, pixels, target, method=method))

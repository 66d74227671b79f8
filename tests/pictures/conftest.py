"""Small random models that tests of pictures ask."""

from __future__ import annotations

import pytest
from small_views import classifier, dual_encoder

from whylight.models.view import View


@pytest.fixture(scope="module")
def classes() -> View:
    return classifier()


@pytest.fixture(scope="module")
def clip() -> View:
    return dual_encoder()

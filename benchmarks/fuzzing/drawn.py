"""Values that hypothesis thinks of: texts of any script and none, numbers at the edges, structures of JSON.

Hypothesis draws on the constants of the imported modules, too: other code may get other values for the same numbers.
"""

from __future__ import annotations

import warnings
from functools import cache
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

_POOLS, _POOL = 4, 50

texts = st.text(st.characters(exclude_categories=()), max_size=60)
"""Any characters, unassigned ones and lone surrogates among them."""
numbers = st.one_of(st.integers(), st.floats(), st.sampled_from([2**31, -(2**63), 2**64, 10**400, 1e308, 5e-324, -0.0]))
plain = st.one_of(st.none(), st.booleans(), numbers, texts)
json_like = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=8
)


def drawn(strategy: st.SearchStrategy[Any], random: Random) -> Any:
    """A value of a strategy that follows from the random numbers alone."""
    return random.choice(_pool(strategy, random.randrange(_POOLS)))


@cache
def _pool(strategy: st.SearchStrategy[Any], number: int) -> list[Any]:
    found: list[Any] = []

    @seed(number)
    @settings(
        max_examples=_POOL,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(value: Any) -> None:
        found.append(value)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        collect()
    return found

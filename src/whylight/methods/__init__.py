"""Explanation methods: one short file each. Importing this package registers them all."""

from whylight.methods import legrad as _legrad  # noqa: F401
from whylight.methods.registry import Method, find_method, method, methods
from whylight.methods.relevance import relevance

__all__ = ["Method", "find_method", "method", "methods", "relevance"]

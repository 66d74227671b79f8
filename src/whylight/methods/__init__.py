"""Explanation methods: one short file each. Importing this package registers them all."""

from whylight.methods import clip_surgery as _clip_surgery  # noqa: F401
from whylight.methods import decomposition as _decomposition  # noqa: F401
from whylight.methods import grad_eclip as _grad_eclip  # noqa: F401
from whylight.methods import legrad as _legrad  # noqa: F401
from whylight.methods.registry import Method, find_method, method, methods
from whylight.methods.relevance import relevance

__all__ = ["Method", "find_method", "method", "methods", "relevance"]

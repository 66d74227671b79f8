"""Explanation methods: one short file each. Importing this package registers them all."""

import sys

from whylight.methods import attention_cam as _attention_cam  # noqa: F401
from whylight.methods import beyond_intuition as _beyond_intuition  # noqa: F401
from whylight.methods import chefercam as _chefercam  # noqa: F401
from whylight.methods import clip_surgery as _clip_surgery  # noqa: F401
from whylight.methods import decomposition as _decomposition  # noqa: F401
from whylight.methods import gem as _gem  # noqa: F401
from whylight.methods import grad_eclip as _grad_eclip  # noqa: F401
from whylight.methods import gradcam as _gradcam  # noqa: F401
from whylight.methods import input_gradient as _input_gradient  # noqa: F401
from whylight.methods import integrated_gradients as _integrated_gradients  # noqa: F401
from whylight.methods import keyflow as _keyflow  # noqa: F401
from whylight.methods import lrp as _lrp  # noqa: F401
from whylight.methods import partial_lrp as _partial_lrp  # noqa: F401
from whylight.methods import raw_attention as _raw_attention  # noqa: F401
from whylight.methods import relevance_rollout as _relevance_rollout  # noqa: F401
from whylight.methods import rollout as _rollout  # noqa: F401
from whylight.methods import token_tm as _token_tm  # noqa: F401
from whylight.methods import transformer_attribution as _transformer_attribution  # noqa: F401
from whylight.methods.callable_package import CallablePackage
from whylight.methods.legrad import legrad as _legrad  # noqa: F401
from whylight.methods.registry import Method, find_method, method, methods
from whylight.methods.relevance import record_legrad, relevance

__all__ = ["Method", "find_method", "method", "methods", "record_legrad", "relevance"]

sys.modules[__name__].__class__ = CallablePackage

"""The reductions as Triton kernels: nothing of tokens x tokens goes to memory, sums are float32.

Chosen by the reductions themselves where :func:`usable` says so; everywhere else their tiles in plain torch run.
"""

from whylight.attention.kernels.choice import usable

__all__ = ["usable"]

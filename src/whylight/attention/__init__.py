"""Attention as a model computes it: recorded where it happens, reduced in tiles."""

from whylight.attention.call import AttentionCall
from whylight.attention.recording import record_attention
from whylight.attention.reductions import gradient_relevance

__all__ = ["AttentionCall", "gradient_relevance", "record_attention"]

"""Attention as a model computes it: recorded where it happens, reduced in tiles."""

from whylight.attention.call import AttentionCall
from whylight.attention.projection import OutputProjection, output_projection
from whylight.attention.recording import record_attention
from whylight.attention.reductions import gradient_relevance
from whylight.attention.replacing import ReplaceAttention
from whylight.attention.residual import ResidualStream

__all__ = [
    "AttentionCall",
    "OutputProjection",
    "ReplaceAttention",
    "ResidualStream",
    "gradient_relevance",
    "output_projection",
    "record_attention",
]

"""Views of models: one folder per family."""

from whylight.models.view import AttentionPool, Inputs, Pass, View

__all__ = ["AttentionPool", "Inputs", "Pass", "View"]

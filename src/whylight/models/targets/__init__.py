"""What is explained: scalar functions of a model's output, as people give them and as methods see them."""

from whylight.models.targets.given import Difference, Negative, TargetsLike, as_targets, as_values, difference
from whylight.models.targets.kinds import Score, Targets
from whylight.models.targets.own import Own

__all__ = [
    "Difference",
    "Negative",
    "Own",
    "Score",
    "Targets",
    "TargetsLike",
    "as_targets",
    "as_values",
    "difference",
]

"""Relevance propagation over untouched models: a mode, the rules, and one file per rule set."""

from whylight.propagation.baseline import BASELINE
from whylight.propagation.conservative import CONSERVATIVE
from whylight.propagation.functions import propagation
from whylight.propagation.ruled import Flow
from whylight.propagation.rules import Rules

RULE_SETS = {rules.name: rules for rules in (BASELINE, CONSERVATIVE)}

__all__ = ["BASELINE", "CONSERVATIVE", "RULE_SETS", "Flow", "Rules", "propagation"]

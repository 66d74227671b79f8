"""The part of planning that is special to texts."""

from __future__ import annotations

from collections.abc import Sequence

from whylight.evaluation.benchmarks.catalog import NamedText
from whylight.evaluation.benchmarks.text_rows import TextRows
from whylight.evaluation.benchmarks.wanted import Wanted
from whylight.evaluation.data.movie_reviews import MovieReviews
from whylight.evaluation.method_choices import Choice, with_head
from whylight.models.view import View


def plan_texts(wanted: Wanted, named: NamedText, view: View, chosen: Sequence[Choice]) -> tuple[MovieReviews, TextRows]:
    """The data set, and what makes rows of its texts; of the baselines noise is left, as words have no centre.

    Raises:
        UnsupportedModel: the model is no text classifier.
        BadInput: the data do not read, or the model's classes are not those of the data.
    """
    assert wanted.data is not None, "checked by the front"
    choices = [choice for choice in with_head(chosen, None) if choice.method != "centre"]
    return named.open(wanted.data), TextRows(view, choices)

"""What a model is asked for, and what its scores are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from whylight.models.scores import Scores
    from whylight.models.view import View

Asks = Literal["prompts", "classes", "questions"]
BUNDLED: dict[str, Asks] = {"scenes": "prompts", "scenes-siglip": "prompts", "scenes-answers": "questions"}
"""Of models that are not loaded yet: what their names promise."""


def asks(view: View) -> Asks:
    """Prompts of a dual encoder, classes of a classifier, or questions that are answered in words."""
    from whylight.models.transformers.answering.view import AnsweringView

    if isinstance(view, AnsweringView):
        return "questions"
    return "classes" if classes_of(view).classifies else "prompts"


def reads(view: View) -> Literal["pictures", "text"]:
    return "pictures" if view.preprocessing is not None or getattr(view, "sees", False) else "text"


def classes_of(view: View) -> View:
    """The view that knows the classes: of a model that reads texts, its text view."""
    return view.text if view.preprocessing is None else view


def scores_of(view: View) -> Scores | Literal["cosine"]:
    """What a score is: a cosine, a probability among all classes or of one label alone, or a value as it is."""
    knows = classes_of(view)
    return knows.scores if knows.classifies else "cosine"

"""The bundled model that answers in words."""

from __future__ import annotations

from whylight.models.transformers.answering.view import AnsweringView
from whylight.scenes.answers.architecture import processor
from whylight.scenes.answers.load import load_answers


def load_scenes_answers() -> AnsweringView:
    """``scenes-answers`` in evaluation mode and float32.

    Raises:
        MissingExtra: transformers is not installed.
    """
    return AnsweringView(load_answers(), "scenes-answers", processor())

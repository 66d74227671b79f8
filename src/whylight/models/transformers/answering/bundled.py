"""The bundled model that answers in words, and others that ``whylight train scenes-answers`` made."""

from __future__ import annotations

from pathlib import Path

from whylight.models.transformers.answering.view import AnsweringView
from whylight.scenes.answers import TOWER
from whylight.scenes.answers.architecture import FOLDER, processor
from whylight.scenes.answers.load import load_answers


def load_scenes_answers(folder: Path = FOLDER, name: str = "scenes-answers") -> AnsweringView:
    """``scenes-answers``, or what its training wrote to a folder, in evaluation mode and float32.

    Raises:
        MissingExtra: transformers is not installed.
        WhylightError: the weights are not there, or it is no such folder.
    """
    model = load_answers(folder)
    return AnsweringView(model, name, processor(getattr(model.config, TOWER)))

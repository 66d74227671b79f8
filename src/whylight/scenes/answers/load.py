"""Load ``scenes-answers``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from whylight.errors import WhylightError
from whylight.scenes.answers.architecture import FOLDER, build


def load_answers(folder: Path = FOLDER) -> Any:
    """The model in evaluation mode and float32, an unmodified ``LlavaForConditionalGeneration``.

    Args:
        folder: with ``model.safetensors``, as training writes it.

    Raises:
        MissingExtra: transformers is not installed.
        WhylightError: the weights are not there.
    """
    path = folder / "model.safetensors"
    if not path.exists():
        raise WhylightError(
            "the weights of scenes-answers are missing; make them: whylight train scenes-answers -o DIR"
        )
    model = build()
    model.load_state_dict({key: value.float() for key, value in load_file(path).items()})
    return model

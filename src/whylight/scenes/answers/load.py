"""Load ``scenes-answers``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from whylight.errors import WhylightError, need
from whylight.scenes.answers.architecture import FOLDER, take_tower
from whylight.scenes.load import load_scenes


def load_answers(folder: Path = FOLDER) -> Any:
    """The model in evaluation mode and float32, an unmodified ``LlavaForConditionalGeneration``.

    Its picture tower is that of ``scenes``, so the bundled folder holds the other weights alone.

    Args:
        folder: as training writes it.

    Raises:
        MissingExtra: transformers is not installed.
        WhylightError: the weights are not there.
    """
    transformers = need("transformers", "transformers")
    if not (folder / "model.safetensors").exists():
        raise WhylightError(
            "the weights of scenes-answers are missing; make them: whylight train scenes-answers -o DIR"
        )
    with _quietly(transformers.utils.logging):
        model = transformers.LlavaForConditionalGeneration.from_pretrained(
            folder, use_safetensors=True, local_files_only=True, attn_implementation="sdpa", dtype=torch.float32
        )
    take_tower(model, load_scenes("scenes")[0].state_dict())
    return model.eval()


@contextmanager
def _quietly(logging: Any) -> Iterator[None]:
    """No bar for a second's work, and no word on the tower, which comes from elsewhere."""
    shown, verbosity = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if shown:
            logging.enable_progress_bar()

"""Load ``scenes-answers``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from whylight.errors import WhylightError, need
from whylight.scenes.answers.architecture import FOLDER


def load_answers(folder: Path = FOLDER) -> Any:
    """The model in evaluation mode and float32, an unmodified ``LlavaForConditionalGeneration``.

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
    with _without_progress(transformers.utils.logging):
        model = transformers.LlavaForConditionalGeneration.from_pretrained(
            folder, use_safetensors=True, local_files_only=True, attn_implementation="sdpa", dtype=torch.float32
        )
    return model.eval()


@contextmanager
def _without_progress(logging: Any) -> Iterator[None]:
    """No bar for a second's work."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()

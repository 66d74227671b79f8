"""Load ``scenes-answers``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from whylight.errors import BadInput, WhylightError, need
from whylight.scenes.answers import TOWER
from whylight.scenes.answers.architecture import FOLDER
from whylight.scenes.answers.towers import TOWERS, take_tower


def load_answers(folder: Path = FOLDER) -> Any:
    """The model in evaluation mode and float32, an unmodified ``LlavaForConditionalGeneration``.

    Its picture tower is a bundled model's, which its configuration names; the folder holds the other weights alone.

    Args:
        folder: as training writes it.

    Raises:
        MissingExtra: transformers is not installed.
        WhylightError: the weights are not there, or it is no such folder.
    """
    transformers = need("transformers", "transformers")
    if not (folder / "model.safetensors").exists():
        raise WhylightError(
            "the weights of scenes-answers are missing; make them: whylight train scenes-answers -o DIR"
        )
    with _quietly(transformers.utils.logging):
        model, loaded = transformers.LlavaForConditionalGeneration.from_pretrained(
            folder,
            use_safetensors=True,
            local_files_only=True,
            attn_implementation="sdpa",
            dtype=torch.float32,
            output_loading_info=True,
        )
    tower = getattr(model.config, TOWER, None)
    lacking = [name for name in loaded["missing_keys"] if not name.startswith("model.vision_tower.")]
    if tower not in TOWERS or lacking:
        raise BadInput(f"{folder} is no folder that whylight train scenes-answers wrote")
    take_tower(model, tower)
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

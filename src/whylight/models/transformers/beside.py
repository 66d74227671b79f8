"""What lies beside the weights of a model of transformers, in its folder or on the hub: processors, a tokenizer."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from whylight.errors import BadInput, WhylightWarning
from whylight.models.failures import telling_line
from whylight.models.transformers.architectures import PICTURES
from whylight.runs.from_json import from_json

_PROCESSOR_FILES = ("preprocessor_config.json", "processor_config.json")
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "spiece.model")


def image_processor_beside(transformers: Any, source: str, identifier: str, module: Any) -> Any:
    """The image processor of a model that reads pictures; None where there is none, with a warning.

    Raises:
        BadInput: there is one, but it does not load.
    """
    if type(module).__name__ not in PICTURES:
        return None
    try:
        processor = _beside(transformers.AutoImageProcessor, source, _PROCESSOR_FILES)
        if processor is not None:
            _keep_nulls(processor, source)
    except Exception as error:
        raise BadInput(
            f"{identifier}: its image processor does not load ({telling_line(error)}): mend or remove "
            f"{' or '.join(_PROCESSOR_FILES)}"
        ) from error
    if processor is None:
        said = f"{source} has no image processor: pictures are prepared as usual for such models"
        warnings.warn(said, WhylightWarning, stacklevel=3)
    return processor


def processor_beside(transformers: Any, source: str, identifier: str) -> Any:
    """The processor of a model that answers in words; None where there is none.

    Raises:
        BadInput: there is one, but it does not load.
    """
    try:
        return _beside(transformers.AutoProcessor, source, (*_PROCESSOR_FILES, *_TOKENIZER_FILES))
    except Exception as error:
        raise BadInput(f"{identifier}: its processor does not load ({telling_line(error)})") from error


def tokenizer_beside(transformers: Any, source: str, identifier: str) -> Any:
    """The tokenizer; None, with a warning, where a package that it needs is not installed.

    Raises:
        BadInput: there is one, but it does not load.
    """
    try:
        return _beside(transformers.AutoTokenizer, source, _TOKENIZER_FILES)
    except ImportError as error:
        said = f"{identifier} is without its tokenizer, so it takes no prompts: {telling_line(error)}"
        warnings.warn(said, WhylightWarning, stacklevel=4)
        return None
    except Exception as error:
        raise BadInput(f"{identifier}: its tokenizer does not load ({telling_line(error)})") from error


def on_hub(identifier: str, file: str) -> str | None:
    """Where a file of a model on the hub lies here, fetched where it was not; None where the model has no such file,
    or nobody can tell."""
    from transformers.utils import cached_file

    missing_is_none: dict[str, Any] = {
        f"_raise_exceptions_for_{what}": False for what in ("missing_entries", "connection_errors", "gated_repo")
    }
    try:
        found: str | None = cached_file(identifier, file, **missing_is_none)
    except Exception:  # no such model: whoever loads it says so
        return None
    return found


def _beside(auto: Any, source: str, files: tuple[str, ...]) -> Any:
    """The processor or tokenizer from the same place; None where there is none.

    Raises:
        Exception: there is one, but it does not load.
    """
    if not _has_any(source, files):
        return None
    return auto.from_pretrained(source, trust_remote_code=False)


def _has_any(source: str, files: tuple[str, ...]) -> bool:
    folder = Path(source)
    if folder.is_dir():
        return any((folder / file).is_file() for file in files)
    return any(on_hub(source, file) is not None for file in files)


def _keep_nulls(processor: Any, source: str) -> None:
    """Where the file of an image processor says null, transformers before 5 puts a default of its own in silence:
    another size or other means than the model's. Null stays null, and is refused as it is from 5 on."""
    where = Path(source) / _PROCESSOR_FILES[0] if Path(source).is_dir() else on_hub(source, _PROCESSOR_FILES[0])
    if where is None or not Path(where).is_file():
        return
    said = from_json(Path(where).read_bytes())
    for name in ("size", "image_mean", "image_std"):
        if said.get(name, ...) is None:
            setattr(processor, name, None)

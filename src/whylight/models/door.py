"""The one door through which models come in: whatever library opens it, nothing of the model is run or asked about.

Libraries change how careful they are from one version to the next (timm up to 1.0.25 unpickles a folder's weights), and
an OpenCLIP folder may name a tokenizer or a text tower whose code lies in yet another folder. So care is not left to
them: all loading happens inside :func:`careful`.
"""

from __future__ import annotations

import io
import os
import sys
import threading
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

from whylight.errors import BadInput
from whylight.runs.from_json import from_json

_ONE_AT_A_TIME = threading.RLock()
_ONLY_WEIGHTS, _MORE_THAN_WEIGHTS = "TORCH_FORCE_WEIGHTS_ONLY_LOAD", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"
"""torch's own switches over every ``torch.load`` of the process, whoever calls it and with whatever argument."""
CONFIGURATIONS = (
    "config.json",
    "tokenizer_config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "video_preprocessor_config.json",
)
"""Files of transformers that may name code."""

_PICKLED = (".bin", ".pt", ".pth", ".ckpt")


@contextmanager
def careful() -> Iterator[None]:
    """While a library loads a model: pickled files give weights only, no question is asked or answered, and standard
    output stays empty. One model at a time; what is set is set back."""
    with _ONE_AT_A_TIME, _weights_only(), _no_questions(), redirect_stdout(sys.stderr):
        yield


def refuse_code(files: Iterable[Path], name: str) -> None:
    """Refuse a model that wants code of its own to be run for configuration, model, tokenizer or image processor.

    Args:
        files: its configurations; those that are not there are passed over.

    Raises:
        BadInput: one of them has an ``auto_map``.
    """
    for file in files:
        try:
            said = from_json(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):  # not there; or broken, which its reader says better
            continue
        if isinstance(said, dict) and said.get("auto_map"):
            raise BadInput(f"{name}: {file.name} {_WANTS_CODE}")


def configurations_in(folder: Path) -> list[Path]:
    """Where a folder's configurations would lie."""
    return [folder / file for file in CONFIGURATIONS]


def refuse_damaged(place: Path, name: str) -> None:
    """Refuse pickled weights whose file says by its own checksums that it is damaged: torch does not look at those.

    Args:
        place: a file, or the folder that holds it.

    Raises:
        BadInput: naming the file.
    """
    for file in [place] if place.is_file() else sorted(place.glob("*")):
        if file.suffix in _PICKLED and zipfile.is_zipfile(file) and not _is_whole(file):
            raise BadInput(f"{name}: {file.name} is damaged, as its own checksums say: fetch it anew")


def _is_whole(file: Path) -> bool:
    try:
        with zipfile.ZipFile(file) as archive:
            return archive.testzip() is None
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError):
        return False


_WANTS_CODE = "names Python code in the model's folder (auto_map), which Whylight never runs"


@contextmanager
def _weights_only() -> Iterator[None]:
    before = {name: os.environ.pop(name, None) for name in (_ONLY_WEIGHTS, _MORE_THAN_WEIGHTS)}
    os.environ[_ONLY_WEIGHTS] = "1"
    try:
        yield
    finally:
        os.environ.pop(_ONLY_WEIGHTS, None)
        os.environ.update({name: value for name, value in before.items() if value is not None})


@contextmanager
def _no_questions() -> Iterator[None]:
    """transformers asks on standard input whether to run a folder's code, unless it is given no time to."""
    dynamic = sys.modules.get("transformers.dynamic_module_utils")
    stdin, seconds = sys.stdin, getattr(dynamic, "TIME_OUT_REMOTE_CODE", None)
    sys.stdin = io.StringIO()
    if seconds is not None:
        dynamic.TIME_OUT_REMOTE_CODE = 0  # type: ignore[union-attr]
    try:
        yield
    finally:
        sys.stdin = stdin
        if seconds is not None:
            dynamic.TIME_OUT_REMOTE_CODE = seconds  # type: ignore[union-attr]

"""Why a library could not load a model, in the one line of its message that says so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from whylight.errors import BadInput, WhylightError

_SHOWN = 3
"""Names of weights in a message; the others are counted."""
_SHAPES = re.compile(r"size mismatch for (\S+): .*?torch\.Size\((\[.*?\])\).*?torch\.Size\((\[.*?\])\)")
_MISSING, _UNEXPECTED = (re.compile(rf"{kind} key\(s\) in state_dict: (.*)") for kind in ("Missing", "Unexpected"))
_NOT_HERE = ("LocalEntryNotFoundError", "OfflineModeIsEnabled")
_OF_READERS = (KeyError, IndexError, AttributeError, TypeError, ArithmeticError)
"""What code raises that reads a configuration of other types than it expects."""
WRITTEN_OUT = (
    "the installed transformers writes its attention out, so that no map can be taken from it: from 5 on it does not"
)
NOT_HERE = "it is not on this machine, and the Hugging Face Hub cannot be reached"


def telling_line(error: BaseException) -> str:
    """What is wrong, where the library's first line may be a heading ("Error(s) in loading state_dict for CLIP:")."""
    if any(type(each).__name__ in _NOT_HERE for each in chain(error)):
        return NOT_HERE
    if refused := _refused(" ".join(str(each) for each in chain(error))):
        return refused
    text = str(error).strip()
    if "state_dict" in text and (weights := _weights(text)):
        return weights
    if isinstance(error, _OF_READERS):
        kind = type(error).__name__
        return f"a value in its configuration is not what its library takes ({kind}: {' '.join(text.split())})"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    line, *others = lines
    return f"{line} {others[0]}" if line.endswith(":") and others else line


@contextmanager
def read_from_configuration(name: str, what: str) -> Iterator[None]:
    """Values of a configuration on their way into something of ours: whatever they break on is one line.

    Raises:
        BadInput: naming what could not be made of them.
    """
    try:
        yield
    except WhylightError as error:
        raise BadInput(f"{name}: {error}") from None
    except (ValueError, *_OF_READERS) as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise BadInput(f"{name}: {what} cannot be read from its configuration ({said})") from None


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and those that it came from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _refused(text: str) -> str:
    """What :mod:`whylight.models.door` did not let in: the libraries' own messages advise to be less careful."""
    if "does not support an attention implementation through" in text:
        return WRITTEN_OUT
    if "trust_remote_code" in text:
        return "it needs Python code that comes with the model, which Whylight never runs"
    if "weights_only" in text or "WeightsUnpickler" in text:
        return "its file holds more than weights, so it is not read: save the weights as *.safetensors"
    return ""


def _weights(text: str) -> str:
    """How the weights of a file differ from the model's: how many are missing, too many, of other shapes, and which."""
    said = []
    for pattern, what in ((_MISSING, "missing"), (_UNEXPECTED, "unknown to it")):
        names = re.findall(r'"([^"]+)"', found.group(1)) if (found := pattern.search(text)) else []
        if names:
            said.append(f"{len(names)} {what} ({_some(names)})")
    shapes = [f"{name}: {here} instead of {there}" for name, here, there in _SHAPES.findall(text)]
    if shapes:
        said.append(f"{len(shapes)} of another shape ({_some(shapes)})")
    return f"the weights do not fit the model: {', '.join(said)}" if said else ""


def _some(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")

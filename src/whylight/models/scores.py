"""What a classifier's outputs mean: one class of many, labels that each hold or not, or values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from torch import Tensor

from whylight.errors import BadInput, UnsupportedModel

Scores = Literal["softmax", "sigmoid", "raw"]
ScoreName = Literal["cosine", "probability", "value", "difference"]
_BY_PROBLEM: dict[str, Scores] = {"regression": "raw", "multi_label_classification": "sigmoid"}


def usual_scores(outputs: int | None, problem_type: str | None = None) -> Scores:
    """How outputs are read where nobody says: as transformers' own pipelines do, and a single logit as yes or no."""
    return _BY_PROBLEM.get(problem_type or "", "sigmoid" if outputs == 1 else "softmax")


def checked_scores(scores: str) -> Scores:
    """The same string.

    Raises:
        BadInput: another word.
    """
    if scores not in ("softmax", "sigmoid", "raw"):
        raise BadInput(f"scores={scores!r} must be one of softmax, sigmoid, raw")
    return scores  # type: ignore[return-value]


def check_rows(name: str, output: object) -> None:
    """Refuse what is not one row of numbers for each input, as a head that was replaced by hand may give it.

    Raises:
        UnsupportedModel: several tensors, or one of other dimensions.
    """
    if not isinstance(output, Tensor) or output.dim() != 2:
        given = str(tuple(output.shape)) if isinstance(output, Tensor) else f"a {type(output).__name__}"
        raise UnsupportedModel(f"{name} gives {given}, where a map is of one tensor (batch, classes or dimensions)")


def check_finite(name: str, output: Tensor, weights: Iterable[tuple[str, Tensor]] = ()) -> None:
    """Refuse what a model gives of no number: its maps would say nothing, and look as if the picture did.

    Raises:
        UnsupportedModel: NaN or infinity in the output; the first of the weights that holds some is named. Or no rows.
    """
    check_rows(name, output)
    if bool(output.isfinite().all()):
        return
    for weight, values in weights:
        if values.is_floating_point() and not bool(values.isfinite().all()):
            raise UnsupportedModel(f"{name} has values that are not finite in its weights ({weight}): load it anew")
    raise UnsupportedModel(f'{name} gives NaN or infinity for this: with halves, take precision="float32"')


def check_says_classes(name: str, scores: Scores) -> None:
    """Refuse to call answers right or wrong where they are values.

    Raises:
        UnsupportedModel: the model is one of regression.
    """
    if scores == "raw":
        raise UnsupportedModel(f"{name} gives values, no classes, so that nothing it says is right or wrong")


def says(logits: Tensor, classes: Tensor, scores: Scores) -> Tensor:
    """Whether logits (batch, classes) say that each row's class (batch,) is there: (batch,) bool.

    Of many classes it is the likeliest one; of labels that each hold or not it is likelier than not.
    """
    if scores == "softmax":
        return logits.argmax(-1) == classes
    return as_scores(logits, scores).gather(1, classes[:, None])[:, 0] > 0.5


def as_scores(logits: Tensor, scores: Scores) -> Tensor:
    """Logits (batch, classes) as probabilities, or as they are, in float32 at least."""
    logits = logits.double() if logits.dtype.itemsize == 8 else logits.float()
    if scores == "raw":
        return logits
    return logits.sigmoid() if scores == "sigmoid" else logits.softmax(-1)


def said_score(name: ScoreName, score: float, logit: float) -> str:
    """A score in words, as captions have it."""
    said: dict[ScoreName, str] = {
        "probability": f"probability {score:.1%}",
        "value": f"value {score:.3f}",
        "difference": f"difference of logits {score:.2f}",
        "cosine": f"cosine {score:.3f} · logit {logit:.2f}",
    }
    return said[name]

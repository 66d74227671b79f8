"""TextSpan: what an attention head does, in words.

Gandelsman et al., "Interpreting CLIP's Image Representation via Text-Based Decomposition", ICLR 2024, algorithm 1. C
holds a head's contribution to the embeddings of many pictures (one row each), R candidate texts' embeddings, projected
to the span of C's rows. Then, again and again: take the text t along which C varies most,

    t = argmax over rows r of R of  variance over pictures of C r

and remove its direction from C and from R.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from whylight.errors import BadInput, UnsupportedModel
from whylight.methods.decomposition import split_output
from whylight.models.view import View


@dataclass(frozen=True)
class TextDirection:
    """One thing that a head does.

    Attributes:
        text: the candidate that names it.
        share: how much of the head's variance over the pictures lies along it and along no text before it, in [0, 1].
    """

    text: str
    share: float


def text_span(
    view: View, batches: Iterable[Tensor], texts: Sequence[str], layer: int, head: int, count: int = 5
) -> list[TextDirection]:
    """Name what one attention head tells apart in pictures; see :func:`whylight.text_span`.

    Args:
        batches: of pixels (pictures, 3, H, W), normalised as the model wants them; two pictures or more in all.
    """
    view.check_ready()
    if not texts or not 0 < count <= len(texts):
        raise BadInput(f"count {count} must be between 1 and the number of texts, {len(texts)}")
    if view.classifies:
        raise UnsupportedModel(f"{view.name} is a classifier: text_span is defined for dual encoders")
    with torch.inference_mode(False), torch.no_grad():
        outputs = torch.cat([_head_outputs(view, pixels, layer, head) for pixels in batches])
        picked, shares = greedy_directions(outputs, view.encode_text(texts).to(outputs), count)
    return [TextDirection(texts[index], share) for index, share in zip(picked, shares, strict=True)]


def greedy_directions(
    outputs: Tensor, texts: Tensor, count: int, rank: int | None = None
) -> tuple[list[int], list[float]]:
    """The texts along whose directions a head's outputs vary most, each after those before it (algorithm 1).

    Args:
        outputs: C, (pictures, dim), floating.
        texts: R, (texts, dim).
        rank: span the rows of C by this many singular directions. Default: as many as are numerically there.

    Returns:
        Indices of texts, at most ``count``, and for each the share of C's variance along its new direction.
    """
    outputs, texts = outputs.double(), texts.double()
    values, basis = torch.linalg.svd(outputs, full_matrices=False)[1:]
    basis = basis[: int((values > values[0] * 1e-6).sum())][:rank]
    outputs, texts = outputs @ basis.T, texts @ basis.T
    total = outputs.var(0).sum()
    picked: list[int] = []
    shares: list[float] = []
    for _ in range(min(count, len(basis))):
        index = int((outputs @ texts.T).var(0).argmax())
        direction = texts[index] / texts[index].norm()
        picked.append(index)
        shares.append(float((outputs @ direction).var() / total))
        outputs = outputs - torch.outer(outputs @ direction, direction)
        texts = texts - torch.outer(texts @ direction, direction)
    return picked, shares


def _head_outputs(view: View, pixels: Tensor, layer: int, head: int) -> Tensor:
    """What a head adds to each picture's normalised embedding, (pictures, dim)."""
    split = split_output(view, view.place(pixels))
    layers, heads = len(split.attentions), split.attentions[0].values.shape[1]
    if not (-layers <= layer < layers and -heads <= head < heads):
        raise BadInput(f"layer {layer}, head {head}: the model has {layers} layers of {heads} heads, numbered from 0")
    return split.attention(layer, split.every_direction())[:, :, head].sum(1)

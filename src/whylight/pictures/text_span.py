"""What an attention head does, in words: TextSpan over pictures of any kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from whylight.errors import BadInput
from whylight.methods.decomposition.text_span import TextDirection
from whylight.methods.decomposition.text_span import text_span as text_span_of_pixels
from whylight.models.view import View
from whylight.pictures.read import PictureLike, read_picture
from whylight.runs.type_hints import check_types

PICTURES_AT_A_TIME = 16


def text_span(
    view: View,
    pictures: Tensor | Sequence[PictureLike],
    texts: Sequence[str],
    layer: int,
    head: int,
    count: int = 5,
) -> list[TextDirection]:
    """Name what one attention head tells apart in these pictures, by greedy text directions.

    Args:
        view: a dual encoder that reads its picture embedding from a class token.
        pictures: (pictures, 3, H, W) pixels, normalised as the model wants them, or pictures and paths. The more, and
            the more varied, the better: a head's outputs span at most one dimension a picture.
        texts: candidate descriptions.
        layer, head: which one; negative counts from the end.
        count: how many directions to name.

    Returns:
        ``count`` directions in the order in which they were picked; fewer where the head varies along fewer.

    Raises:
        BadInput: no such layer or head, too few pictures or texts, a picture that cannot be read, or no text tower.
        UnsupportedModel: the embedding is not read from one token.
    """
    asked = {"pictures": pictures, "texts": texts, "layer": layer, "head": head, "count": count}
    check_types("text_span", asked, text_span)
    if len(pictures) < 2:
        raise BadInput("text_span needs at least two pictures: what a head does shows in how its output varies")
    return text_span_of_pixels(view, _batches(view, pictures), texts, layer, head, count)


def _batches(view: View, pictures: Tensor | Sequence[PictureLike]) -> Iterator[Tensor]:
    if isinstance(pictures, Tensor):
        yield from pictures.split(PICTURES_AT_A_TIME)
        return
    if view.preprocessing is None:
        raise BadInput(f"{view.name} takes texts: text_span is defined for picture towers")
    for start in range(0, len(pictures), PICTURES_AT_A_TIME):
        opened = [read_picture(picture) for picture in pictures[start : start + PICTURES_AT_A_TIME]]
        yield torch.stack([view.preprocessing(picture)[0] for picture in opened])

"""Likeness of a picture's tokens, and relevance spread along it: the last two steps of keyflow.

Where the language model is given one token for each patch of the tower, W is made of the tower's keys; where patches
are merged or lie on tiles, of the language model's own keys at the picture's tokens.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from whylight.attention import AttentionCall
from whylight.attention.call import at_least_float32
from whylight.models.answering_pass import AnsweringPass
from whylight.models.view import View
from whylight.passes.answer_pass import picture_keys
from whylight.passes.key_likeness import KeyLikeness
from whylight.passes.tower_pass import one_key_each


def picture_likeness(view: View, run: AnsweringPass, tower: Sequence[AttentionCall]) -> KeyLikeness:
    """W of the picture's tokens, in the order in which they stand in the sequence.

    Args:
        tower: attention calls of the picture's way through the tower.
    """
    count = int(run.image[0].sum())
    if len(run.pictures) == 1 and len(run.pictures[0]) == 1 and one_key_each(tower, count):
        return _likeness([call.key[..., call.keys - count :, :] for call in tower])
    return _likeness(picture_keys(view, run))


def spread(relevance: Tensor, run: AnsweringPass, likeness: KeyLikeness) -> Tensor:
    """max(W r - mean of W r, 0) at the picture's tokens, (words, tokens); those of the text stay."""
    image = run.image[0]
    result = relevance.clone()
    result[:, image] = likeness.above_mean(relevance[None][..., image])[0].to(result)
    return result


@torch.no_grad()
def _likeness(keys: list[Tensor]) -> KeyLikeness:
    found = [at_least_float32(key.detach()).contiguous() for key in keys]
    return KeyLikeness(found, [None] * len(found), None)

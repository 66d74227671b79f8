"""Token Activation Map: what the picture's tokens would say themselves, less what earlier words explain.

Li et al., "Token Activation Map to Visually Explain Multimodal LLMs", arXiv 2506.23270, ICCV 2025.

    a_j(c) = max(h_j · W_c, 0),    h_j the last hidden state after the final norm, W the head
    m = a(c) at the picture's tokens,    I = Σ over earlier text tokens i with another word of w_i m_i(c_i)
    s = max(m - α I, 0),    α = m · I / I · I,    w_i = a_i(c) / (Σ a(c) + 1e-8)

then picture and text activations are scaled to [0, 1] together, and a rank Gaussian filter is laid over the picture's.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from whylight.attention.call import at_least_float32
from whylight.methods.answering.registry import answer_method
from whylight.models.answering_pass import AnsweringPass
from whylight.models.view import View
from whylight.passes.answer_pass import AnswerPass, Words, answer_pass


@answer_method(
    "tam",
    summary="what the picture's tokens would say themselves, less what earlier words explain, filtered; no gradients",
    citation="Li et al., ICCV 2025, arXiv 2506.23270",
    gradient=False,
)
@torch.no_grad()
def tam(view: View, run: AnsweringPass, words: Sequence[Words]) -> Tensor:
    """(words, tokens), in [0, 1]; of a word of several tokens the sum."""
    driven = answer_pass(view, run, -1)
    hidden, head = _spoken(driven)
    picture = driven.picture.nonzero()[:, 0]
    result = hidden.new_zeros(len(words), driven.tokens)
    for index, word in enumerate(words):
        for row, token in zip(word.rows, word.ids, strict=True):
            text, classes, said = _text(driven, Words((row,), (token,)), hidden, head)
            seen, own = activations(hidden, head, picture, text, classes, said)
            both = torch.cat([seen, own[:-1]])
            scale = (both.max() - both.min()).clamp(min=torch.finfo(both.dtype).tiny)
            part = hidden.new_zeros(driven.tokens)
            part[picture], part[text[:-1]] = (seen - both.min()) / scale, (own[:-1] - both.min()) / scale
            result[index] += _filtered(run, part)
    return result


@answer_method(
    "logit_lens",
    summary="how strongly each token's last state says the word itself",
    citation="as the first step of TAM",
    gradient=False,
)
@torch.no_grad()
def logit_lens(view: View, run: AnsweringPass, words: Sequence[Words]) -> Tensor:
    """(words, tokens), non-negative; of a word of several tokens the sum."""
    hidden, head = _spoken(answer_pass(view, run, -1))
    return torch.stack([(hidden @ head[list(word.ids)].T).relu().sum(-1) for word in words])


def activations(
    hidden: Tensor, head: Tensor, picture: Tensor, text: Tensor, classes: Tensor, said: Tensor
) -> tuple[Tensor, Tensor]:
    """Of the last text token's class: the picture's activations after causal inference, and the text's.

    Args:
        hidden: (tokens, width), after the final norm.
        head: (words, width).
        picture: positions of the picture's tokens.
        text: positions of the text tokens that count, the last of them the one whose word is explained.
        classes: of each of these, the class that its own map is for.
        said: of each, the word that it stands for: repetitions of the explained word do not count.

    Returns:
        (picture tokens,) and (text tokens,).
    """
    own = (hidden[text] @ head[classes[-1]]).relu()
    seen = (hidden[picture] @ head[classes[-1]]).relu()
    weights = own / (own.sum() + 1e-8) * (said != said[-1])
    interference = (hidden[picture] @ head[classes].T).relu() @ weights
    strength = interference @ interference
    if strength > 0:
        seen = (seen - seen @ interference / strength * interference).relu()
    return seen, own


def rank_gaussian(grid: Tensor) -> Tensor:
    """Each 3 x 3 window's sorted values weighted by a Gaussian over their rank, (rows, columns); for two rows or more.

    The Gaussian is as wide as the window's standard deviation over its mean: quiet windows give their median.
    """
    windows = F.pad(grid[None, None], (1, 1, 1, 1), mode="reflect")[0, 0].unfold(0, 3, 1).unfold(1, 3, 1)
    ranked = windows.flatten(-2).sort(-1).values
    mean = ranked.mean(-1, keepdim=True)
    width = ranked.std(-1, keepdim=True, unbiased=False) / mean
    rank = torch.arange(-4, 5, device=grid.device, dtype=grid.dtype)
    weights = torch.exp(-rank.square() / (2 * width.square()).clamp(min=1e-12))
    smooth = (ranked * weights).sum(-1) / weights.sum(-1)
    return smooth.masked_fill(mean[..., 0] <= 0, 0.0).nan_to_num(0.0)


def _spoken(driven: AnswerPass) -> tuple[Tensor, Tensor]:
    """What every token would say: its last state behind the final norm, (tokens, width), and the head's matrix."""
    return at_least_float32(driven.run.norm(driven.leaving[0])), at_least_float32(driven.run.vocabulary)


def _text(driven: AnswerPass, word: Words, hidden: Tensor, head: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Text positions up to the predicting one; their own classes; their words. In the answer each row stands for the
    word that it predicts, before it for its own; the first one for what it would say."""
    ids = driven.run.ids[0]
    text = driven.telling(word)[0].nonzero()[:, 0]
    begins = driven.tokens - driven.run.answer - 1
    said = torch.where(text >= begins, ids[(text + 1).clamp(max=len(ids) - 1)], ids[text])
    classes = said.clone()
    classes[0] = (hidden[text[0]] @ head.T).argmax()
    classes[-1] = said[-1] = word.ids[0]
    return text, classes, said


def _filtered(run: AnsweringPass, values: Tensor) -> Tensor:
    """The filter over every grid that is large enough for its windows."""
    for grid in run.grids:
        if min(grid.rows, grid.columns) > 1:
            places = grid.positions().to(values.device)
            values[places] = rank_gaussian(values[places])
    return values

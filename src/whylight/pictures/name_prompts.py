"""Prompts in particular: whose words are asked for, or that are cleaned of other prompts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from whylight.errors import BadInput
from whylight.models.inputs import check_text
from whylight.models.view import View
from whylight.pictures.cleaned import LEAST, cleaned
from whylight.pictures.phrases import phrases_of
from whylight.pictures.prompts_and_classes import Encode, ExplainTargets, NamedTargets, name_targets, predicted
from whylight.runs.type_hints import check_types


def asked_targets(
    view: View,
    output: Tensor,
    targets: ExplainTargets | None,
    encode: Encode | None = None,
    *,
    negative: bool = False,
    words: bool = False,
    without: str | Sequence[str] = (),
) -> NamedTargets:
    """What is asked about an output (1, dim): targets in any of the accepted forms; None for the class it predicts.

    Args:
        negative: what speaks against them.
        words, without: see :func:`name_prompts`.

    Raises:
        BadInput: words of what is negative, or what :func:`name_prompts` refuses.
    """
    check_types("explain", {"negative": negative, "words": words, "without": without}, asked_targets)
    if words and negative:
        raise BadInput("words=True tells what words add: leave negative=True out")
    if words or len(without):
        named = name_prompts(view, targets, encode, words=words, without=without)
    else:
        named = predicted(view, output) if targets is None else name_targets(view, targets, encode)
    return named.against() if negative else named


def name_prompts(
    view: View,
    targets: ExplainTargets | None,
    encode: Encode | None = None,
    *,
    words: bool = False,
    without: str | Sequence[str] = (),
) -> NamedTargets:
    """Prompts with their names, encoded once, and what else is wanted of them.

    Args:
        targets: one prompt or several.
        encode: what encodes prompts; default: the view.
        words: each prompt as the parts whose shares are asked for; parentheses group words to phrases.
        without: other prompts, of which the embeddings are cleaned (:mod:`whylight.pictures.cleaned`).

    Raises:
        BadInput: no prompts, both wanted together, or a prompt of which ``without`` leaves nothing.
    """
    wanted = "words=True is" if words else "without= is"
    if view.classifies:
        raise BadInput(f"{wanted} for prompts, and {view.name} is a classifier: its targets are classes")
    prompts = [targets] if isinstance(targets, str) else targets
    if not isinstance(prompts, (list, tuple)) or not prompts or not all(isinstance(one, str) for one in prompts):
        raise BadInput(f'{wanted} for prompts: name at least one, e.g. "a cat" (-p "a cat")')
    if words and len(without):
        raise BadInput("words=True takes prompts apart as they are: leave without= out")
    if words:
        phrases = tuple(phrases_of(_checked(prompt)) for prompt in prompts)
        return replace(name_targets(view, [one.prompt for one in phrases], encode), phrases=phrases)
    named = name_targets(view, list(prompts), encode)
    return _cleaned(named, name_targets(view, [without] if isinstance(without, str) else list(without), encode))


def _checked(prompt: object) -> str:
    check_text(prompt, "a prompt")
    return str(prompt)


@torch.no_grad()
def _cleaned(named: NamedTargets, others: NamedTargets) -> NamedTargets:
    values, left = cleaned(torch.as_tensor(named.values), torch.as_tensor(others.values))
    said = ", ".join(others.names)
    for name, rest in zip(named.names, left.tolist(), strict=True):
        if rest < LEAST:
            raise BadInput(f"nothing is left of {name!r} without {said}: they say the same to this model")
    return NamedTargets(values, tuple(f"{name} without {said}" for name in named.names))

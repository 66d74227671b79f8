"""Words of a forced answer, explained some at a time: what they share is done once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import torch
from PIL import Image, ImageFilter
from torch import Tensor

from whylight.answers.answer import Answer
from whylight.answers.forcing import Forced
from whylight.answers.generating import log_probabilities
from whylight.answers.shares import shares, text_relevance
from whylight.answers.spreading import picture_likeness, spread
from whylight.methods.registry import Method
from whylight.models.words import Span
from whylight.passes.answer_pass import Words, leaving_tokens
from whylight.passes.key_likeness import KeyLikeness
from whylight.passes.layers import run_blocks
from whylight.passes.sharing import Passes, shared_passes
from whylight.versions import versions


@dataclass(frozen=True)
class NamedWords:
    """What is explained: a word or phrase of the answer, where it stands in its text, and its tokens."""

    name: str
    span: Span
    target: Words


@dataclass(frozen=True)
class Explaining:
    """An answer whose words can be explained. The language model is driven over it once, whatever is asked of it, and
    once more with the pictures blurred away; passes stay until this is let go.

    Attributes:
        forced: the question with the answer behind it.
        pictures, question, rather_than, free, cut: as :class:`Answer` has them.
        method, options: what explains.
        smooth: spread relevance among the picture's tokens whose keys are alike.
    """

    forced: Forced
    pictures: tuple[Image.Image, ...]
    question: str
    rather_than: str | None
    free: bool
    cut: bool
    method: Method
    options: Mapping[str, Any]
    smooth: bool
    _passes: Passes = field(default_factory=dict, init=False, repr=False)

    def answer(self, named: Sequence[NamedWords]) -> Answer:
        """The answer, these words of it explained."""
        forced, targets = self.forced, [each.target for each in named]
        with gradients(), shared_passes(self._passes):
            raw = self.method.explain(forced.view, forced.run, targets, **self.options).detach()
            shown = spread(raw, forced.run, self._likeness) if self.smooth and self.pictures else raw
            seen, blind = (_of_targets(each, forced, targets) for each in (self._seen, self._blind))
        context = [*forced.prompt.words, *forced.answer.words]
        return Answer(
            question=self.question,
            text=forced.answer.text,
            words=tuple(each.name for each in named),
            spans=tuple(each.span for each in named),
            pictures=self.pictures,
            grids=tuple(map(tuple, forced.run.pictures)),
            relevance=shown.float().cpu(),
            context=tuple(word.text for word in context),
            asked=len(forced.prompt.words),
            text_relevance=text_relevance(
                raw.cpu(), [word.places for word in context], [max(target.rows) + 1 for target in targets]
            ),
            picture_share=shares(raw, forced.run.image[0]).cpu(),
            probabilities=seen.exp(),
            from_picture=seen - blind,
            rather_than=self.rather_than,
            free=self.free,
            cut=self.cut,
            model=forced.view.name,
            method=self.method.name,
            options=self.options,
            versions=versions(forced.view.family),
        )

    @cached_property
    def _likeness(self) -> KeyLikeness:
        return picture_likeness(self.forced.view, self.forced.run, self.forced.tower)

    @cached_property
    def _seen(self) -> Tensor:
        """log p of every token of the answer, (answer,)."""
        run = self.forced.run
        return log_probabilities(run, leaving_tokens(self.forced.view, run)).cpu()

    @cached_property
    @torch.no_grad()
    def _blind(self) -> Tensor:
        """The same where the pictures are blurred away; NaN without a picture."""
        if not self.pictures:
            return torch.full_like(self._seen, torch.nan)
        view, run = self.forced.view, self.forced.run
        inputs: dict[str, Tensor] = dict(view.place(view.inputs(self.question, [_blurred(p) for p in self.pictures])))
        more = view.with_answer(inputs, run.ids[:, self.forced.begins :])
        blurred = view.begin(more, answer=run.answer)
        return log_probabilities(blurred, run_blocks(blurred, blurred.tokens)).cpu()


def joined(parts: Sequence[Answer]) -> Answer:
    """One answer out of several that hold different words of it."""
    tensors = ("relevance", "text_relevance", "picture_share", "probabilities", "from_picture")
    together: dict[str, Any] = {name: torch.cat([getattr(part, name) for part in parts]) for name in tensors}
    for name in ("words", "spans"):
        together[name] = tuple(each for part in parts for each in getattr(part, name))
    return replace(parts[0], **together)


@contextmanager
def gradients() -> Iterator[None]:
    """Gradients are computed, whatever mode the caller is in."""
    with torch.inference_mode(False), torch.enable_grad():
        yield


def _of_targets(each: Tensor, forced: Forced, targets: Sequence[Words]) -> Tensor:
    """Sums over the tokens of every target, (targets,)."""
    return torch.stack([each[[row + 1 - forced.begins for row in target.rows]].sum() for target in targets])


def _blurred(picture: Image.Image) -> Image.Image:
    """Nothing but its large shades, of the same shape."""
    small = picture.resize((8, 8)).filter(ImageFilter.GaussianBlur(4))
    return small.resize(picture.size, Image.Resampling.BICUBIC)

"""A picture recorded once, and asked about any number of times."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from whylight.errors import BadInput
from whylight.methods import record_legrad, relevance
from whylight.methods.legrad.recording import RECORDED
from whylight.methods.registry import find_method
from whylight.models.load import load
from whylight.models.preprocessing import Fit
from whylight.models.raster import Raster
from whylight.models.targets import TargetsLike
from whylight.models.view import Inputs, View
from whylight.models.wrap import wrap
from whylight.passes.key_likeness import KeyLikeness, record_key_likeness
from whylight.pictures.explain import Question, Relevance, question
from whylight.pictures.explanation import Explanation
from whylight.pictures.like import like_picture
from whylight.pictures.look import InputSize, Look, look
from whylight.pictures.name_prompts import asked_targets
from whylight.pictures.prompt_memory import PromptMemory
from whylight.pictures.prompts_and_classes import ExplainTargets, NamedTargets
from whylight.pictures.read import PictureLike
from whylight.pictures.read_raster import ValueRange


def record(
    view: View | nn.Module | str,
    picture: PictureLike,
    *,
    size: InputSize | None = None,
    fit: Fit | None = None,
    large: bool = False,
    value_range: ValueRange | None = None,
    **options: Any,
) -> Session:
    """Run a model over a picture once, so that each prompt that follows costs what it adds.

    Args:
        view, picture, size, fit, large, value_range: as for :func:`whylight.explain`.
        **options: LeGrad's ``pooling``, ``readout``, ``libra`` and ``road``, for all that is asked. Its others are for
            each question.

    Raises:
        UnknownName, BadInput, UnsupportedModel: as :func:`whylight.explain` does.
    """
    view = load(view) if isinstance(view, str) else wrap(view)
    seen = look(view, picture, size=size, fit=fit, large=large, value_range=value_range)
    return Session(seen, PromptMemory(view), **options)


View.record = record


class Session:
    """What later prompts need of one picture. Threads may ask one session at once.

    Attributes:
        view: the model.
        picture: upright, RGB.
        look: the picture as the model looks at it.
    """

    def __init__(self, seen: Look, prompts: PromptMemory, **options: Any) -> None:
        self.look, self._prompts, self._options = seen, prompts, options
        self._recording = record_legrad(seen.view, seen.pixels, **options)
        self._likeness: KeyLikeness | None = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        size = f"{self.picture.width} x {self.picture.height}"
        return f"Session({self.view.name}, picture of {size}, {self.nbytes / 1e6:.1f} MB)"

    @property
    def view(self) -> View:
        return self.look.view

    @property
    def picture(self) -> Image.Image:
        return self.look.picture

    @property
    def output(self) -> Tensor:
        """The model's own output for the picture: an embedding before normalisation, or logits, (1, dim)."""
        return self._recording.output

    @property
    def nbytes(self) -> int:
        """How much it holds, in bytes, picture and pixels included, the model left out.

        The first smooth map adds the keys of all layers.
        """
        width, height = self.picture.size
        keys = 0 if self._likeness is None else self._likeness.nbytes
        return self._recording.nbytes + keys + self.look.pixels.nbytes + width * height * len(self.picture.getbands())

    def explain(
        self,
        targets: ExplainTargets | None = None,
        method: str = "legrad",
        *,
        like: PictureLike | Raster | None = None,
        patch: tuple[int, int] | None = None,
        negative: bool = False,
        words: bool = False,
        words_seed: int = 0,
        without: str | Sequence[str] = (),
        **options: Any,
    ) -> Explanation:
        """What :func:`whylight.explain` gives for this picture, without the picture's way through the model.

        Args:
            targets, like, patch, negative: as for :func:`whylight.explain`. Prompts that were asked before are not
                encoded again.
            method: "legrad" is answered from the recording. Every other method runs the model again.
            words, words_seed, without: as for :func:`whylight.explain`.
            **options: the method's own; LeGrad's ``pooling``, ``readout``, ``libra`` and ``road`` were chosen when
                recording.

        Raises:
            UnknownName, BadInput, UnsupportedModel: as :func:`whylight.explain` does, and for weights that have changed
                since the recording.
        """
        if method == "legrad":
            options = self._options | _checked(options)
        self._recording.check_weights()
        named = self.named_targets(targets, like, patch, negative=negative, words=words, without=without)
        return self._ask(named).answer(method, words_seed=words_seed, **options)

    def explain_by_layer(
        self,
        targets: ExplainTargets | None = None,
        *,
        like: PictureLike | Raster | None = None,
        patch: tuple[int, int] | None = None,
        negative: bool = False,
        without: str | Sequence[str] = (),
        **options: Any,
    ) -> tuple[Explanation, Tensor]:
        """LeGrad's explanation, and what each layer adds to it: (targets, layers, rows, columns), summing to it.

        Args:
            targets, like, patch, negative, without: as for :meth:`explain`.
            **options: LeGrad's ``score`` and ``centered``.

        Raises:
            UnknownName, BadInput, UnsupportedModel: as :meth:`explain` does.
        """
        options = _checked(options)
        if beyond := options.keys() - {"score", "centered"}:
            raise BadInput(f"{beyond.pop()} is for the sum over layers: explain(..., method='legrad') takes it")
        layers: list[Tensor] = []

        def summed(view: View, inputs: Inputs, targets: TargetsLike, *, method: str, **options: Any) -> Tensor:
            asked = {name: value for name, value in options.items() if name not in RECORDED}
            layers.append(self._recording.relevance_by_layer(targets, **asked))
            return layers[0].sum(1)

        self._recording.check_weights()
        named = self.named_targets(targets, like, patch, negative=negative, without=without)
        whole = self._ask(named, summed).answer("legrad", **self._options | options)
        parts = [self.look.on_grid(part).cpu() for part in layers[0][0]]
        by_layer = torch.stack(parts, dim=1)
        return replace(whole, layers=by_layer), by_layer

    def named_targets(
        self,
        targets: ExplainTargets | None = None,
        like: PictureLike | Raster | None = None,
        patch: tuple[int, int] | None = None,
        **of_prompts: Any,
    ) -> NamedTargets:
        """What :meth:`explain` explains when it is asked with these arguments: encoded, and with their names.

        Args:
            targets, like, patch: as for :meth:`explain`.
            **of_prompts: its ``negative``, ``words`` and ``without``.

        Raises:
            UnknownName, BadInput: as :meth:`explain` does.
        """
        if like is not None or patch is not None:
            targets = like_picture(self.view, targets, like, patch, **self.look.how)
        return asked_targets(self.view, self.output, targets, self._prompts.encode, **of_prompts)

    def _ask(self, targets: NamedTargets, relevance: Relevance | None = None) -> Question:
        return question(self.look, self.output, targets, relevance or self._relevance)

    def _relevance(self, view: View, inputs: Inputs, targets: TargetsLike, *, method: str, **options: Any) -> Tensor:
        if method != "legrad":
            return relevance(view, inputs, targets, method, **options)
        smooth = options.pop("smooth", False)
        maps = self._recording.relevance(targets, **{k: v for k, v in options.items() if k not in RECORDED})
        return self._key_likeness(inputs).above_mean(maps) if smooth else maps

    def _key_likeness(self, inputs: Inputs) -> KeyLikeness:
        """Made when a smooth map is first asked for, by one more pass, and kept."""
        with self._lock:
            if self._likeness is None:
                self._likeness = record_key_likeness(self.view, self.view.place(inputs))
            return self._likeness


def _checked(options: dict[str, Any]) -> dict[str, Any]:
    """LeGrad's options that can be chosen for one question."""
    options = find_method("legrad").check_options(options)
    for option in options:
        if option in RECORDED:
            raise BadInput(f"{option} is chosen when a picture is recorded: view.record(picture, {option}=...)")
    if options.pop("create_graph", False):
        raise BadInput("a recording holds no graph of its picture: whylight.relevance(..., create_graph=True)")
    return options

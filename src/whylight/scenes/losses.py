"""What a model in training gets wrong: phrases of pictures and of their patches, whole captions."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from whylight.scenes.architecture import ModelName, build
from whylight.scenes.encoding import encode_pictures, encode_texts


@dataclass(frozen=True)
class Places:
    """What patches are told.

    Attributes:
        shown: (batch, patches), the number of an object, or GROUND.
        truth: (batch, 5, phrases), of each object.
        layer: which layer is asked beside the last.
    """

    shown: Tensor
    truth: Tensor
    layer: int


@dataclass(frozen=True)
class Batch:
    """Pictures of one step.

    Attributes:
        pixels: (batch, 3, H, W), normalised.
        corner: as for :func:`whylight.scenes.encoding.encode_pictures`.
        truth: (batch, phrases), 0 or 1.
        said: (2 x batch, words) tokens: all true captions, then the altered ones; None in stages without texts.
        places: what patches are told; None: phrases are asked of all patches together.
    """

    pixels: Tensor
    corner: tuple[int, int]
    truth: Tensor
    said: Tensor | None
    places: Places | None


class Learner(nn.Module):
    """A model, and the scales and biases of the losses that are not part of it."""

    def __init__(self, name: ModelName) -> None:
        super().__init__()
        self.model = build(name)
        self.phrase_scale = nn.Parameter(torch.tensor(math.log(12.0)))
        self.phrase_bias = nn.Parameter(torch.tensor([-5.0, -5.0, -10.0]))

    def loss(self, batch: Batch, named: Tensor) -> tuple[Tensor, dict[str, float]]:
        """The loss of a batch, and its parts.

        Args:
            named: (phrases, dim), the phrases' embeddings.
        """
        truth, places = batch.truth, batch.places
        layers = [-1] if places is None else [-1, places.layer]
        last, *inner = encode_pictures(self.model, batch.pixels, batch.corner, layers)
        parts = self._phrases(last, named, truth, places)
        loss = parts["own"] + 0.5 * parts["mean"] + parts["patches"]
        for reading in inner:
            of_layer = self._phrases(reading, named, truth, places)
            parts["inner patches"] = of_layer["patches"]
            loss = loss + 0.5 * (of_layer["own"] + 0.5 * of_layer["mean"] + of_layer["patches"])
        own = last[0]
        if batch.said is not None:
            parts["captions"] = self._contrast(own @ encode_texts(self.model, batch.said).T)
            loss = loss + parts["captions"]
        return loss, {key: value.item() for key, value in parts.items()}

    def _phrases(
        self, reading: tuple[Tensor, Tensor, Tensor], named: Tensor, truth: Tensor, places: Places | None
    ) -> dict[str, Tensor]:
        """What phrases say of the model's own embedding, of the mean over tokens, and of patches."""
        own, mean, patches = (self.phrase_scale.exp() * part @ named.T for part in reading)
        patches = patches + self.phrase_bias[2]
        return {
            "own": _wrong(own + self.phrase_bias[0], truth).mean(),
            "mean": _wrong(mean + self.phrase_bias[1], truth).mean(),
            "patches": _wrong(patches.logsumexp(1), truth).mean()
            if places is None
            else wrong_places(patches, places.shown, places.truth),
        }

    def _contrast(self, cosines: Tensor) -> Tensor:
        logits = self.model.logit_scale.exp().clamp(max=100) * cosines
        count = len(cosines)
        right = torch.arange(count)
        if self.model.logit_bias is None:
            pictures, texts = F.cross_entropy(logits, right), F.cross_entropy(logits[:, :count].T, right)
            return (pictures + texts) / 2
        signs = torch.full_like(logits, -1.0)
        signs[right, right] = 1.0
        return -F.logsigmoid(signs * (logits + self.model.logit_bias)).sum() / count


def _wrong(logits: Tensor, truth: Tensor) -> Tensor:
    """(..., phrases) to (...): the sigmoid loss, a tenth of its sum over phrases."""
    return F.binary_cross_entropy_with_logits(logits, truth, reduction="none").sum(-1) / 10


def wrong_places(logits: Tensor, shown: Tensor, truth: Tensor) -> Tensor:
    """The loss of (batch, patches, phrases): half of it from objects' patches, half from others, of which no phrase is
    true."""
    on_object = shown >= 0
    rows = torch.arange(len(truth))[:, None].expand_as(shown)
    of_objects = _wrong(logits[on_object], truth[rows[on_object], shown[on_object]])
    ground = logits[~on_object]
    return (of_objects.mean() + _wrong(ground, torch.zeros_like(ground)).mean()) / 2

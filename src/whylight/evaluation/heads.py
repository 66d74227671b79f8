"""The classes a model chooses among: its own logits, or a zero-shot head made of class names and prompt templates."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from whylight.attention.call import at_least_float32
from whylight.errors import BadInput
from whylight.evaluation.data.wordnet import imagenet_names
from whylight.models.scores import Scores, says
from whylight.models.view import View

PHOTO = "a photo of a {}"
"""LeGrad's prompt (arXiv 2404.03214)."""
_TEXTS_AT_ONCE = 256


class Head:
    """What turns the labels of a data set into targets, and outputs into predictions.

    Args:
        view: a classifier, or a dual encoder.
        classes: label to its name in words; a dual encoder chooses among all of these.
        templates: prompts with ``{}`` for the name; the class is their mean (dual encoders only).

    Attributes:
        embeddings: (classes, dim) of a dual encoder's classes, L2-normalised; None for classifiers.

    Raises:
        BadInput: a template without ``{}``.
    """

    def __init__(self, view: View, classes: dict[str, str], templates: Sequence[str] = (PHOTO,)) -> None:
        if any("{}" not in template for template in templates):
            raise BadInput("a prompt template needs {} where the class name goes")
        self.view = view
        self.templates = tuple(templates)
        self._texts: dict[str, Tensor] = {}
        self.embeddings: Tensor | None = None
        self._words = classes
        self._labels = _labels(view) if view.classifies else list(classes)
        self._index = {label: index for index, label in enumerate(self._labels)}
        if not view.classifies:
            self.embeddings = self._encode(list(classes.values()))

    @property
    def scores(self) -> Scores:
        """What logits become: a dual encoder chooses one class of many."""
        return self.view.scores if self.view.classifies else "softmax"

    def index(self, label: str) -> int | None:
        """The number of a class, where it is one that the model chooses among."""
        return self._index.get(label)

    def label(self, index: int) -> str:
        return self._labels[index]

    def name(self, label: str) -> str:
        """A class in words."""
        return self._words.get(label, label)

    @torch.no_grad()
    def predict(self, pixels: Tensor) -> Tensor:
        """Classes (batch,) that the model chooses for pixels (batch, 3, height, width)."""
        output = self.view.output(pixels)
        if self.embeddings is None:
            return output.argmax(-1)
        return (F.normalize(output.float(), dim=-1) @ self.embeddings.float().T).argmax(-1)

    @torch.no_grad()
    def says(self, pixels: Tensor, classes: Tensor) -> Tensor:
        """Whether the model says of pixels (batch, 3, height, width) that each one's class (batch,) is there."""
        if self.embeddings is not None:
            return self.predict(pixels) == classes
        return says(self.view.output(pixels), classes, self.view.scores)

    def logits(self, output: Tensor) -> Tensor:
        """The model's logits of its classes, (batch, classes), at least float32; a dual encoder's scale and bias
        included."""
        output = at_least_float32(output)
        if self.embeddings is None:
            return output
        cosines = F.normalize(output, dim=-1) @ self.embeddings.to(output).T
        return cosines * self.view.logit_scale + self.view.logit_bias

    def targets(self, labels: Sequence[Sequence[str]]) -> Tensor:
        """Targets for :func:`whylight.methods.relevance`, the same number of labels for each picture.

        Returns:
            (batch, targets) class indices, or (batch, targets, dim) embeddings. Labels of a dual encoder may be outside
            the head: they are read as names.
        """
        if self.view.classifies:
            return torch.tensor([[self._index[label] for label in row] for row in labels])
        return torch.stack([torch.stack([self._text(label) for label in row]) for row in labels])

    def knows(self, label: str) -> bool:
        """Whether the label can be a target."""
        return not self.view.classifies or label in self._index

    def _text(self, label: str) -> Tensor:
        index = self._index.get(label)
        if index is not None and self.embeddings is not None:
            return self.embeddings[index]
        if label not in self._texts:
            self._texts[label] = self._encode([self._words.get(label, label)])[0]
        return self._texts[label]

    @torch.no_grad()
    def _encode(self, names: list[str]) -> Tensor:
        prompts = [template.replace("{}", name) for name in names for template in self.templates]
        parts = [self.view.encode_text(prompts[i : i + _TEXTS_AT_ONCE]) for i in range(0, len(prompts), _TEXTS_AT_ONCE)]
        each = torch.cat(parts).unflatten(0, (len(names), len(self.templates)))
        return F.normalize(F.normalize(each, dim=-1).mean(1), dim=-1)


def _labels(view: View) -> list[str]:
    """A classifier's classes by the names that data sets use: WordNet ids where they are known."""
    count = view.class_count
    written = (getattr(view.module, "pretrained_cfg", None) or {}).get("label_names")
    if isinstance(written, list) and len(written) == count:
        return [str(label) for label in written]
    if count == len(imagenet_names()):
        return list(imagenet_names())
    return list(view.class_names or map(str, range(count or 0)))

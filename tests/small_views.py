"""Small random models as views, and a method whose maps are known beforehand: how bright each patch is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import open_clip
import timm
import torch
import torch.nn.functional as F
from torch import Tensor

import whylight
from whylight.methods import registry
from whylight.models.targets import Targets
from whylight.models.view import Inputs, View
from whylight.scenes.vocabulary import CONTEXT_LENGTH, VOCABULARY_SIZE, SceneTokenizer

PATCH = 8
CLASS_NAMES = ["tench, Tinca tinca", "tiger cat", "tabby, tabby cat", "red_star", "lamp"]


def classifier(img_size: int | tuple[int, int] = 32) -> View:
    """A timm classifier of five named classes, whose own preprocessing crops (crop_pct 0.9)."""
    torch.manual_seed(0)
    model = timm.models.VisionTransformer(
        img_size=img_size, patch_size=PATCH, embed_dim=24, depth=2, num_heads=2, num_classes=5
    )
    model.pretrained_cfg = {"label_names": CLASS_NAMES, "crop_pct": 0.9, "mean": (0.0,) * 3, "std": (1.0,) * 3}
    return whylight.wrap(model.eval(), name="small classifier")


def regression() -> View:
    """The same, whose outputs are values and no probabilities."""
    view = classifier()
    view.scores = "raw"
    view.name = "small regression"
    return view


def dual_encoder() -> View:
    """An OpenCLIP model that knows the words of the bundled models, 32 pixels, whose own preprocessing crops."""
    torch.manual_seed(0)
    vision = {"image_size": 32, "patch_size": PATCH, "width": 32, "head_width": 8, "layers": 2}
    text = {"context_length": CONTEXT_LENGTH, "vocab_size": VOCABULARY_SIZE, "width": 16, "heads": 2, "layers": 1}
    model = open_clip.CLIP(16, vision_cfg=vision, text_cfg=text)
    return whylight.wrap(model.eval(), tokenizer=SceneTokenizer(), name="small clip")


@contextmanager
def brightness() -> Iterator[None]:
    """For as long as it lasts there are methods "brightness" (a patch's mean) and "pixel_brightness"."""

    def patches(view: View, inputs: Inputs, targets: Targets) -> Tensor:
        assert isinstance(inputs, Tensor)
        return F.avg_pool2d(inputs.mean(1), PATCH).flatten(1)[:, None].expand(-1, len(targets), -1)

    def pixels(view: View, inputs: Inputs, targets: Targets) -> Tensor:
        assert isinstance(inputs, Tensor)
        return inputs.mean(1, keepdim=True).expand(-1, len(targets), -1, -1)

    before = dict(registry._METHODS)
    for name, function in (("brightness", patches), ("pixel_brightness", pixels)):
        registry.method(name, summary="how bright", citation="none")(function)
    try:
        yield
    finally:
        registry._METHODS.clear()
        registry._METHODS.update(before)

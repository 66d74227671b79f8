"""Recognising a live model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from torch import nn
from torch._dynamo import OptimizedModule
from torch.optim.swa_utils import AveragedModel

from whylight.errors import BadInput, UnsupportedModel
from whylight.models.adapters import without_peft
from whylight.models.inside import libraries, part_that_works
from whylight.models.scores import Scores, checked_scores
from whylight.models.view import View

SUPPORTED = (
    "OpenCLIP dual encoders and picture towers with a vision transformer, timm's VisionTransformer, Eva, Beit, Swin, "
    "torchvision's VisionTransformer, and transformers' CLIP, SigLIP, ViT, DeiT, DINO, Swin, BERT and DeBERTa families"
)


def wrap(
    module: nn.Module | View,
    *,
    tokenizer: Any = None,
    processor: Any = None,
    name: str | None = None,
    scores: Scores | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> View:
    """A live model as a view; the model stays as it is.

    Args:
        module: a model of OpenCLIP, timm, torchvision or transformers, also a fine-tuned one, a subclass, or one inside
            ``torch.compile``, ``DataParallel``, ``DistributedDataParallel`` or PEFT. A view is returned as it is.
        tokenizer: prompts to token ids (OpenCLIP), or the model's tokenizer (transformers). OpenCLIP models with CLIP's
            vocabulary need none.
        processor: of a model that answers in words (transformers): its own, with chat template and tokenizer.
        name: what to call the model in results.
        scores: what a classifier's logits mean: "softmax", "sigmoid" or "raw". Default: what its configuration and the
            number of its outputs say.
        mean, std: of each channel of its pictures, for values in [0, 1]. Default: what its configuration says.

    Raises:
        BadInput: no model, or not as many means as deviations.
        UnsupportedModel: a model of no such family, or of an architecture without one constant grid of patch tokens.
    """
    view = module if isinstance(module, View) else _view(module, tokenizer, processor, name)
    if scores is not None:
        view.scores = checked_scores(scores)
    if mean is not None or std is not None:
        if view.preprocessing is None or mean is None or std is None:
            raise BadInput(f"mean and std go together, for models that read pictures: {mean}, {std}, {view.name}")
        if len(mean) != view.channels:
            raise BadInput(f"{view.name} reads {view.channels} channels, and the mean is of {len(mean)}")
        view.preprocessing = replace(view.preprocessing, mean=tuple(mean), std=tuple(std))
    return view


def _view(module: nn.Module, tokenizer: Any, processor: Any, name: str | None) -> View:
    if not isinstance(module, nn.Module):
        kind = f"the class {module.__name__}" if isinstance(module, type) else type(module).__name__
        raise BadInput(f"a model is needed (a torch.nn.Module, or its name for whylight.load), not {kind}")
    module = without_peft(_unwrapped(module))
    homes = libraries(module)
    if "open_clip" in homes:
        from whylight.models.openclip.view import OpenClipView

        return OpenClipView(module, tokenizer, name)
    if "timm" in homes:
        from whylight.models.timm.view import TimmView

        return TimmView(module, name)
    if "torchvision" in homes:
        from whylight.models.torchvision.view import TorchvisionView

        return TorchvisionView(module, name)
    if "transformers" in homes:
        from whylight.models.transformers import wrap_transformers

        view = wrap_transformers(module, name=name, tokenizer=tokenizer, processor=processor)
        if view is not None:
            return view
    raise UnsupportedModel(f"{type(module).__name__} is not supported{part_that_works(module)}. Supported: {SUPPORTED}")


def _unwrapped(module: nn.Module) -> nn.Module:
    """The model inside a compiled, parallel or averaging wrapper. No other: one of one's own may do more."""
    while True:
        if isinstance(module, (nn.DataParallel, nn.parallel.DistributedDataParallel, AveragedModel)):
            module = module.module
        elif isinstance(module, OptimizedModule):
            module = module._orig_mod
        else:
            return module

"""Which of timm's architectures can be driven, and why the others cannot."""

from __future__ import annotations

from typing import Any

from whylight.errors import UnsupportedModel
from whylight.models.inside import part_that_works
from whylight.models.reasons import why_not

SUPPORTED = (
    "VisionTransformer (ViT, DeiT, DINOv2, SigLIP), Eva (EVA, EVA-02, DINOv3, PE-Core, rotary ViT), Beit, and Swin for "
    "GradCAM and gradients of the input"
)

_DRIVEN = {"VisionTransformer", "Eva", "Beit", "SwinTransformer"}


def check_trunk(trunk: Any, name: str) -> None:
    """Refuse a live timm model that is not a vision transformer of one constant grid of tokens.

    Raises:
        UnsupportedModel: naming the architecture, the reason and what is supported.
    """
    kinds = {kind.__name__ for kind in type(trunk).__mro__ if kind.__module__.startswith("timm.")}
    if not _DRIVEN & kinds:
        raise _refusal(name, type(trunk).__name__, type(trunk).__module__, part_that_works(trunk))
    if trunk.global_pool == "prr":
        raise UnsupportedModel(f'{name}: pooling "prr" has no query that reads the tokens')


def check_architecture(architecture: str, name: str) -> None:
    """The same by timm's name of an architecture, before any weights are fetched; unknown names pass."""
    from timm.models import is_model, model_entrypoint

    if not is_model(architecture):
        return
    module = model_entrypoint(architecture).__module__
    known = {"beit", "deit", "eva", "vision_transformer", "vision_transformer_hybrid", "vitamin", "swin_transformer"}
    if module.startswith("timm.models.") and module.rpartition(".")[2] not in known:
        raise _refusal(name, architecture, module)


def _refusal(name: str, kind: str, module: str, part: str = "") -> UnsupportedModel:
    reason = why_not(module) or "is of no family that Whylight knows how to drive"
    return UnsupportedModel(
        f"{name}: {kind} is not supported, because it {reason}{part}. Of timm there are: {SUPPORTED}"
    )

"""Names of a timm classifier's classes."""

from __future__ import annotations

from functools import cache
from typing import Any


def class_names(model: Any, count: int) -> list[str] | None:
    """In the order of the logits: from the weights' own configuration, or ImageNet's where the number of classes fits.

    A model whose head was replaced keeps the old names only where their number still fits.
    """
    config = getattr(model, "pretrained_cfg", None) or {}
    labels = config.get("label_names")
    if isinstance(labels, (list, tuple, dict)) and labels and len(labels) == count:
        if isinstance(labels, dict):
            if not all(str(key).isdecimal() for key in labels):
                return None
            labels = [labels[key] for key in sorted(labels, key=int)]
        descriptions = config.get("label_descriptions") or {}
        return [str(descriptions.get(label, label)) for label in labels]
    names = _imagenet_names(count)
    return None if names is None else list(names)


@cache  # timm reads a file for them
def _imagenet_names(count: int) -> tuple[str, ...] | None:
    from timm.data import ImageNetInfo, infer_imagenet_subset

    subset = infer_imagenet_subset({"num_classes": count})
    if subset is None:
        return None
    info = ImageNetInfo(subset)
    return tuple(info.index_to_description(index) for index in range(count))

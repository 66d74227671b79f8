"""WordNet ids, ImageNet's names of classes, and what they are called in words."""

from __future__ import annotations

import re
from functools import cache

_ID = re.compile(r"n\d{8}")


def leading_id(text: str) -> str | None:
    """The WordNet id that a file or folder name begins with."""
    found = _ID.match(text)
    return found.group() if found else None


@cache
def imagenet_names() -> dict[str, str]:
    """ImageNet's 1,000 classes, in the order of every classifier: WordNet id to the name that CLIP's prompts use."""
    from open_clip import IMAGENET_CLASSNAMES
    from timm.data import ImageNetInfo

    return dict(zip(ImageNetInfo("imagenet-1k").label_names(), IMAGENET_CLASSNAMES, strict=True))


def in_words(identifier: str) -> str:
    """A WordNet id in words: CLIP's name for it, else WordNet's first, else the id."""
    return imagenet_names().get(identifier) or _lemmas().get(identifier, identifier).split(",")[0]


@cache
def _lemmas() -> dict[str, str]:
    from timm.data import ImageNetInfo

    return {str(k): str(v) for k, v in ImageNetInfo("imagenet-22k").label_descriptions(as_dict=True).items()}

"""Names of models: which there are, and what an unknown one may have meant."""

from __future__ import annotations

import difflib

from whylight.errors import UnknownName, WhylightError
from whylight.models.failures import telling_line

BUNDLED = ("scenes", "scenes-siglip", "scenes-answers")
FORMS = (
    "scenes, scenes-siglip, scenes-answers (bundled), openclip:NAME/TAG, timm:NAME, torchvision:NAME, hf:ID, "
    "or a folder: openclip:local-dir:PATH, timm:local-dir:PATH, hf:local-dir:PATH"
)


def openclip_names() -> list[str]:
    """Every "openclip:NAME/TAG" that OpenCLIP has weights for."""
    import open_clip

    return [f"openclip:{name}/{tag}" for name, tag in open_clip.list_pretrained()]


def timm_names() -> list[str]:
    """Every "timm:NAME" that timm knows, with the tags of its weights."""
    import timm

    return [f"timm:{name}" for name in (*timm.list_models(), *timm.list_pretrained())]


def torchvision_names() -> list[str]:
    """Every "torchvision:NAME" of a vision transformer, alone and with the names of its weights."""
    from torchvision import models

    found = []
    for name in models.list_models(module=models, include="vit_*"):
        found += [f"torchvision:{name}", *(f"torchvision:{name}/{tag}" for tag in models.get_model_weights(name))]
    return found


def unknown(name: str) -> UnknownName:
    """The error for a name that is none, with near misses among all names."""
    family = name.partition(":")[0]
    known = [*BUNDLED]
    sources = {"openclip": openclip_names, "timm": timm_names, "torchvision": torchvision_names}
    for source in [sources[family]] if family in sources else sources.values():
        known += source()
    return UnknownName(f"unknown model {name!r}.{near(name, known)} Models are named {FORMS}")


def near(name: str, known: list[str]) -> str:
    """A question after up to three near names, the family's prefix forgiven; empty where none is near."""
    bare = {candidate.partition(":")[2] or candidate: candidate for candidate in known}
    found = difflib.get_close_matches(name.partition(":")[2] or name, bare, n=3, cutoff=0.6)
    return f" Did you mean {' or '.join(bare[match] for match in found)}?" if found else ""


def failure(name: str, error: Exception) -> WhylightError:
    """The one line for a library's failure to load a model that it knows."""
    return error if isinstance(error, WhylightError) else WhylightError(f"could not load {name}: {telling_line(error)}")

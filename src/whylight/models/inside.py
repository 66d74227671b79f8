"""The part of a larger model that can be explained, where the whole cannot."""

from __future__ import annotations

from torch import nn

_WHOLE = {"CLIP", "CustomTextCLIP", "CoCa", "VisionTransformer", "Eva", "Beit", "SwinTransformer"}
_LIBRARIES = {"open_clip", "timm", "torchvision", "transformers"}


def libraries(module: nn.Module) -> set[str]:
    """The packages that the module's class and its bases come from: no library is imported to find out."""
    return {kind.__module__.partition(".")[0] for kind in type(module).__mro__}


def part_that_works(module: nn.Module) -> str:
    """How a message goes on: ", but its part .vision_tower (CLIPVisionModel) is: wrap that"; empty where none is.

    Parts that see pictures come first.
    """
    found: dict[str, str] = {}
    for path, part in module.named_modules():
        if path and (kind := _kind(part)):
            found.setdefault(kind, f", but its part .{path} ({type(part).__name__}) is: wrap that")
    return found.get("picture", found.get("text", ""))


def _kind(part: nn.Module) -> str:
    """What a part that is supported sees: "picture" or "text"; empty for others."""
    home = libraries(part) & _LIBRARIES
    if not home:
        return ""
    names = {kind.__name__ for kind in type(part).__mro__}
    if home != {"transformers"}:
        return "picture" if names & _WHOLE else ""
    from whylight.models.transformers.architectures import PICTURES, TEXTS

    return "picture" if names & set(PICTURES) else "text" if names & set(TEXTS) else ""

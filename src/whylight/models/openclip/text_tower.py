"""The text tower of transformers that an OpenCLIP folder names (BiomedCLIP and its kin), before it is loaded."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class NamedTextTower:
    """A text tower that is a model of transformers.

    Attributes:
        source: the name under which its configuration is fetched.
        overrides: what ``open_clip.create_model`` is told beside the folder's own configuration.
    """

    source: str
    overrides: dict[str, Any]


def named_text_tower(folder: Path) -> NamedTextTower | None:
    """The text tower that the folder's configuration names; None where it is OpenCLIP's own.

    OpenCLIP fetches that tower's configuration from the hub. Where the folder holds it (``config.json``, of a kind that
    OpenCLIP knows as a text tower), it is taken from there. Its weights are among the folder's own.
    """
    from open_clip.hf_configs import arch_dict

    text: Any = _read(folder / "open_clip_config.json")
    for part in ("model_cfg", "text_cfg"):  # whoever loads the model says better what is wrong with them
        text = text.get(part) if isinstance(text, dict) else None
    if not isinstance(text, dict) or "hf_model_name" not in text:
        return None
    here = _read(folder / "config.json").get("model_type") in arch_dict
    own = {"hf_model_name": str(folder), "hf_model_pretrained": False}
    return NamedTextTower(str(text["hf_model_name"]), {"text_cfg": text | own} if here else {})


def _read(file: Path) -> dict[str, Any]:
    """What a file of JSON says; nothing where it is not there, or broken, which its reader says better."""
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}

"""Loading OpenCLIP models by OpenCLIP's own loader."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any, cast

from whylight.errors import BadInput, UnknownName, UnsupportedModel
from whylight.models import names
from whylight.models.door import configurations_in, refuse_code, refuse_damaged
from whylight.models.failures import NOT_HERE, telling_line
from whylight.models.network import local_where_unreachable
from whylight.models.openclip.text_tower import named_text_tower
from whylight.models.openclip.tokenizer import named_tokenizer
from whylight.models.openclip.view import OpenClipView
from whylight.models.timm.supported import check_architecture


def load_openclip(identifier: str) -> OpenClipView:
    """A model by "NAME/TAG" (TAG may also be a path to weights), "hf-hub:ID" or "local-dir:PATH", in evaluation mode.

    Raises:
        UnknownName: no such name or tag, with near misses.
        UnsupportedModel: its picture tower is no vision transformer.
        WhylightError: OpenCLIP could not load it.
    """
    import open_clip

    name, tower = f"openclip:{identifier}", None
    if identifier.startswith(("local-dir:", "hf-hub:")):
        architecture, tag = identifier, None
        if identifier.startswith("local-dir:"):
            folder = Path(identifier.removeprefix("local-dir:"))
            refuse_code(configurations_in(folder), name)
            refuse_damaged(folder, name)
            tower = named_text_tower(folder)
    else:
        architecture, _, tag = identifier.partition("/")
        _check_name(name, architecture, tag)
        refuse_damaged(Path(tag), name)
    told = {} if tower is None else tower.overrides
    try:
        with local_where_unreachable() if tower is not None else nullcontext():
            model = open_clip.create_model(architecture, tag, require_pretrained=True, weights_only=True, **told)
    except Exception as error:
        if tower is not None and telling_line(error) == NOT_HERE:
            where = f"the configuration of its text tower, {tower.source}: put that config.json into the folder"
            raise BadInput(f"could not load {name}: {NOT_HERE}, for {where}") from error
        raise names.failure(name, error) from error
    return OpenClipView(model.eval(), named_tokenizer(architecture), name)


def load_bundled(name: str) -> OpenClipView:
    """A model of :mod:`whylight.scenes`, in evaluation mode."""
    from whylight.scenes.architecture import ModelName
    from whylight.scenes.load import load_scenes

    model, _, tokenizer = load_scenes(cast(ModelName, name))
    return OpenClipView(model, tokenizer, name)


def _check_name(name: str, architecture: str, tag: str) -> None:
    """Refuse unknown and unsupported models before anything is fetched."""
    import open_clip

    config: dict[str, Any] | None = open_clip.get_model_config(architecture)
    if config is None:
        raise names.unknown(name)
    tags = open_clip.list_pretrained_tags_by_model(architecture)
    if tag.lower() not in tags and not Path(tag).is_file():
        there = ", ".join(tags) or "none, but a path to weights can be given"
        raise UnknownName(f"{name} names no weights. openclip:{architecture}/TAG, of which there are: {there}")
    vision = config["vision_cfg"]
    if "timm_model_name" in vision:
        check_architecture(vision["timm_model_name"], name)
    elif not isinstance(vision.get("layers"), int):
        raise UnsupportedModel(f"{name}: its picture tower is a ResNet; towers with a vision transformer are supported")

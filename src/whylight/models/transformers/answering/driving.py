"""A language model as embed, decoder layers and head, its picture's tokens put in; nothing is written to the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from whylight.attention import AttentionCall, record_attention
from whylight.models.answering_pass import AnsweringPass, RowBlock
from whylight.models.transformers.answering.masks import masks_of
from whylight.models.transformers.answering.parts import Parts
from whylight.models.transformers.answering.releases import OLD, image_features, rotary_tables, scale_tokens
from whylight.models.view import Block

_OF_PICTURES = ("image_sizes", "image_grid_thw", "pixel_attention_mask", "batch_num_images")


def begin(
    parts: Parts, inputs: Mapping[str, Tensor], image: Tensor, pictures: PictureFeatures | None = None
) -> AnsweringPass:
    """One batch of questions on its way through the language model.

    Args:
        inputs: as the processor makes them, padded left or right.
        image: (batch, tokens), True at the picture's tokens.
        pictures: their features, where they were computed before.

    Returns:
        A pass whose output is the logits that follow each row's last real token, (batch, words).
    """
    ids = inputs["input_ids"]
    language, config = parts.language, parts.language.config
    tokens = parts.embed(ids.masked_fill(image, 0))  # the image token's number may lie outside the table
    deep: list[Tensor] = []
    if pictures is None and "pixel_values" in inputs:
        pictures = picture_features(parts, inputs)
    if pictures is not None:
        features, deep = pictures
        tokens = tokens.masked_scatter(image[..., None], features.to(tokens.dtype))
    tokens = scale_tokens(language, tokens)
    positions, text_positions = _positions(parts, inputs)
    types = [*(getattr(config, "layer_types", None) or ["full_attention"] * len(language.layers))]
    masks = masks_of(parts.kind, config, inputs, set(types))
    tables = rotary_tables(language, tokens, positions, set(types))

    def given_to(index: int) -> dict[str, Any]:
        return {"attention_mask": masks[types[index]], "position_ids": text_positions, **tables[types[index]]}

    def block(index: int, layer: Any) -> Block:
        given = given_to(index)

        def call(x: Tensor) -> Tensor:
            made = _tokens(layer(x, **given))
            if index < len(deep):  # Qwen3-VL: features of early tower blocks enter after the first decoder layers
                made = made.masked_scatter(image[..., None], made[image] + deep[index].to(made.dtype))
            return made

        return call

    def of_rows(index: int, layer: Any) -> RowBlock:
        def call(x: Tensor, rows: Tensor) -> Tensor:
            return _tokens(layer(x, **_at_rows(given_to(index), rows)))

        return call

    real = inputs.get("attention_mask")
    real = None if real is None or bool(real.all()) else real.bool()
    row = _last(ids, real)
    rows = torch.arange(len(ids), device=ids.device)
    return AnsweringPass(
        tokens=tokens,
        blocks=[block(i, layer) for i, layer in enumerate(language.layers)],
        readout=lambda x: parts.logits(x[rows, row]),
        head=parts.logits,
        prefix=0,
        grid=None,
        mask=real,
        readout_row=row,
        image=image,
        row_blocks=[of_rows(i, layer) for i, layer in enumerate(language.layers)],
        norm=language.norm,
        vocabulary=parts.model.lm_head.weight,
        ids=ids,
    )


def _tokens(made: Any) -> Tensor:
    """What a layer returns: tokens, or before transformers 5 a tuple that begins with them."""
    tokens: Tensor = made[0] if isinstance(made, tuple) else made
    return tokens


def _at_rows(given: dict[str, Any], rows: Tensor) -> dict[str, Any]:
    """What a layer is given, of some rows alone: its attention is replaced, so no mask is needed."""
    cut: dict[str, Any] = {"attention_mask": None}
    for name, value in given.items():
        if name.startswith("position_embeddings"):
            cut[name] = tuple(table[..., rows, :] for table in value)
        elif name == "position_ids":
            cut[name] = None if value is None else value[..., rows]
    return cut


PictureFeatures = tuple[Tensor, list[Tensor]]


def picture_features(parts: Parts, inputs: Mapping[str, Tensor]) -> PictureFeatures:
    """What the tower and its projector make of the pictures: all that the language model sees of them."""
    given = {name: inputs[name] for name in _OF_PICTURES if name in inputs}
    return image_features(parts.core, inputs["pixel_values"], given)


def look_again(parts: Parts, inputs: Mapping[str, Tensor]) -> tuple[Tensor, list[AttentionCall]]:
    """The pictures' tokens as they enter the sequence, with their graph, and the tower's attention."""
    pixels = inputs["pixel_values"].detach().requires_grad_()
    with record_attention() as calls:
        features, _ = picture_features(parts, {**inputs, "pixel_values": pixels})
    return scale_tokens(parts.language, features), calls


def _last(ids: Tensor, real: Tensor | None) -> Tensor:
    """Index of each row's last real token, (batch,)."""
    at = torch.arange(ids.shape[1], device=ids.device).expand_as(ids)
    return (at if real is None else at.masked_fill(~real, 0)).amax(1)


def _positions(parts: Parts, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor | None]:
    """Positions for the rotary tables, and those that layers are told: padding is not counted."""
    ids, padding = inputs["input_ids"], inputs.get("attention_mask")
    if parts.kind.startswith("qwen") and "vl" in parts.kind:
        if "image_grid_thw" in inputs:
            kinds = {} if OLD else {"mm_token_type_ids": inputs["mm_token_type_ids"]}
            grids = inputs["image_grid_thw"]
            positions, _ = parts.core.get_rope_index(ids, image_grid_thw=grids, attention_mask=padding, **kinds)
            return positions, None
        flat = _counted(ids, padding)
        return flat[None].expand(3, *flat.shape), None
    positions = _counted(ids, padding) + (parts.kind == "paligemma")
    return positions, positions


def _counted(ids: Tensor, padding: Tensor | None) -> Tensor:
    if padding is None or bool(padding.all()):
        return torch.arange(ids.shape[1], device=ids.device)[None]
    return (padding.long().cumsum(1) - 1).clamp(min=0)

"""Raw attention and rollout of one layer and one head, against maps that are written out from the weights."""

from __future__ import annotations

from typing import Any

import pytest
import timm
import torch
from torch import Tensor
from zoo.explained import VIEWS

import whylight
from whylight.attention import record_attention
from whylight.errors import BadInput
from whylight.methods import relevance
from whylight.models.view import View

KINDS = ("timm class token", "timm mean", "timm rotary", "timm map", "timm map beside class token", "openclip coca")


def maps_of(view: View, inputs: Any) -> list[Tensor]:
    """The whole map of every block, (batch, heads, tokens, tokens)."""
    run = view.begin(view.place(inputs))
    tokens, maps = run.tokens, []
    for block in run.blocks:
        with torch.no_grad(), record_attention() as calls:
            tokens = block(tokens)
        query, key, mask = calls[0].query, calls[0].key, calls[0].mask
        scores = query @ key.mT * calls[0].scale
        if mask is not None:
            scores = scores.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else scores + mask
        maps.append(scores.softmax(-1))
    return maps


def read(view: View, maps: Tensor, inputs: Any) -> Tensor:
    """What the output reads of (batch, ..., tokens, tokens): the class token's row, or the mean over patch rows."""
    run = view.begin(view.place(inputs))
    rows = maps[..., 0, :] if view.pooling == "class_token" else maps[..., run.prefix :, :].mean(-2)
    return rows[..., run.prefix :]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layer", [0, 1, -1])
def test_raw_attention_of_a_layer(kind: str, layer: int) -> None:
    view, inputs, targets = VIEWS[kind]()
    maps = maps_of(view, inputs)[layer]
    expected = {"mean": maps.mean(1), "max": maps.amax(1), 1: maps[:, 1], -1: maps[:, -1]}
    for head, whole in expected.items():
        found = relevance(view, inputs, targets, "raw_attention", layer=layer, head=head)
        assert found.shape[1] == len(targets)
        torch.testing.assert_close(found[:, 0], read(view, whole, inputs))
        assert found.eq(found[:, :1]).all()
    every = relevance(view, inputs, targets, "raw_attention", layer=layer, head="all")
    torch.testing.assert_close(every, read(view, maps, inputs))
    assert every.shape[1] == maps.shape[1]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "map" not in kind and "coca" not in kind])
def test_without_a_layer_it_is_the_last_one_s(kind: str) -> None:
    view, inputs, targets = VIEWS[kind]()
    for method in ("raw_attention", "rollout"):
        for head in ("mean", "max", 0, "all"):
            last = relevance(view, inputs, targets, method, layer=-1, head=head)
            torch.testing.assert_close(relevance(view, inputs, targets, method, head=head), last)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("start", "layer"), [(0, -1), (1, 1), (0, 1)])
def test_rollout_between_two_layers(kind: str, start: int, layer: int) -> None:
    view, inputs, targets = VIEWS[kind]()
    maps = maps_of(view, inputs)
    chosen = maps[start : layer + 1 if layer >= 0 else None]
    eye = torch.eye(maps[0].shape[-1], dtype=torch.float64)

    def rolled(parts: list[Tensor]) -> Tensor:
        product = eye.expand_as(parts[0])
        for part in parts:
            product = (part + eye) / (part + eye).sum(-1, keepdim=True) @ product
        return read(view, product, inputs)

    options = {"start_layer": start, "layer": layer}
    for head, whole in {
        "mean": [part.mean(1) for part in chosen],
        "max": [part.amax(1) for part in chosen],
        2: [part[:, 2 % part.shape[1]] for part in chosen],
    }.items():
        if head == 2 and maps[0].shape[1] < 3:
            continue
        found = relevance(view, inputs, targets, "rollout", head=head, **options)
        torch.testing.assert_close(found[:, 0], rolled(whole))
    torch.testing.assert_close(relevance(view, inputs, targets, "rollout", head="all", **options), rolled(chosen))


@pytest.mark.parametrize("kind", ["timm map", "openclip coca"])
def test_the_pooler_s_own_heads(kind: str) -> None:
    view, inputs, targets = VIEWS[kind]()
    for method in ("raw_attention", "rollout"):
        if method == "rollout" and kind == "openclip coca":  # two heads in the pooler, three in the blocks
            with pytest.raises(BadInput, match=r"2 in its pooler and 3 in its blocks"):
                relevance(view, inputs, targets, method, head="all")
            continue
        every = relevance(view, inputs, targets, method, head="all")
        mean = relevance(view, inputs, targets, method)
        if method == "raw_attention":
            torch.testing.assert_close(every.mean(1), mean[:, 0])
        for head in range(every.shape[1]):
            one = relevance(view, inputs, targets, method, head=head)
            torch.testing.assert_close(every[:, head], one[:, 0])


def test_tiles_of_a_few_rows_are_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    view, inputs, targets = VIEWS["timm mean"]()
    whole = [relevance(view, inputs, targets, m, head=h) for m in ("raw_attention", "rollout") for h in ("max", "all")]
    monkeypatch.setattr("whylight.attention.tiles.TILE_BYTES", {"cpu": 1000, "cuda": 1000})
    tiled = [relevance(view, inputs, targets, m, head=h) for m in ("raw_attention", "rollout") for h in ("max", "all")]
    torch.testing.assert_close(tiled, whole)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_lower_precisions_and_rows_of_a_batch(dtype: torch.dtype) -> None:
    view, inputs, targets = VIEWS["timm class token"]()
    for method in ("raw_attention", "rollout"):
        for head in ("max", 1, "all"):
            exact = relevance(view, inputs, targets, method, layer=1, head=head)
            alone = relevance(view, inputs[1:], targets, method, layer=1, head=head)
            torch.testing.assert_close(alone, exact[1:])
            view.module.to(dtype)
            low = relevance(view, inputs, targets, method, layer=1, head=head)
            assert low.dtype == torch.float32
            torch.testing.assert_close(low.double(), exact, rtol=0.1 if dtype == torch.bfloat16 else 1e-4, atol=0.02)
            view.module.double()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"head": 3}, "head 3 is outside a layer of 3 heads"),
        ({"head": "median"}, "must be a whole number or one of mean, max, all"),
        ({"layer": 3}, "outside a model of 3 layers"),
        ({"layer": 0, "start_layer": 1}, "comes before start_layer"),
    ],
)
def test_what_is_not_there_is_one_line(options: dict[str, Any], said: str) -> None:
    view, inputs, _ = VIEWS["timm class token"]()
    with pytest.raises(BadInput, match=said):
        relevance(view, inputs, 0, "rollout", **options)


def test_head_all_is_not_taken_for_targets() -> None:
    model = timm.models.VisionTransformer(32, 8, embed_dim=24, depth=2, num_heads=2, num_classes=4).eval()
    picture = torch.rand(3, 32, 32)
    with pytest.raises(BadInput, match=r"whylight\.attention"):
        whylight.explain(model, picture, [0, 1], "rollout", head="all")
    assert whylight.explain(model, picture, [0, 1], "rollout", head="max").relevance.shape == (2, 4, 4)

"""GEM against the published code's values, and on every kind of dual encoder."""

from __future__ import annotations

import open_clip
import pytest
import torch
from open_clip.transformer import VisionTransformer
from oracle_files import read_oracle, relative_difference
from torch.nn.functional import normalize
from zoo.explained import VIEWS

from whylight.errors import BadInput, UnsupportedModel
from whylight.methods import relevance
from whylight.models.openclip.view import OpenClipView


@pytest.mark.parametrize("iterations", [1, 2])
def test_maps_agree_with_the_reference(iterations: int) -> None:
    oracle = read_oracle("gem")
    tower = VisionTransformer(**oracle.meta["open_clip_vision"], act_layer=open_clip.model.QuickGELU)
    tower.double().eval().load_state_dict(oracle.state)
    view = OpenClipView(tower)
    assert relative_difference(view.output(oracle["image"]).detach(), oracle["expected.embedding"]) < 1e-10
    maps = relevance(view, oracle["image"], oracle["text_features"], "gem", iterations=iterations)
    expected = oracle[f"expected.similarity.iterations_{iterations}"].flatten(2)
    assert relative_difference(maps, expected) < 1e-10


@pytest.mark.parametrize("kind", ["openclip coca", "timm map", "transformers siglip"])
def test_pooled_towers(kind: str) -> None:
    """What the pooler makes of one patch; the length of a prompt changes nothing."""
    view, inputs, targets = VIEWS[kind]()
    maps = relevance(view, inputs, targets, "gem")
    run = view.begin(inputs)
    assert maps.shape == (2, len(targets), run.tokens.shape[1] - run.prefix)
    assert maps.abs().max() <= 1
    unit = normalize(torch.as_tensor(targets), dim=-1)
    torch.testing.assert_close(relevance(view, inputs, unit * 7, "gem"), maps)


def test_what_it_is_not_defined_for() -> None:
    view, inputs, targets = VIEWS["timm class token"]()
    with pytest.raises(UnsupportedModel, match="is a classifier: gem"):
        relevance(view, inputs, targets, "gem")
    view, inputs, targets = VIEWS["openclip text"]()
    with pytest.raises(UnsupportedModel, match="reads text: gem is defined for pictures"):
        relevance(view, inputs, targets, "gem")
    view, inputs, targets = VIEWS["openclip class token"]()
    with pytest.raises(BadInput, match="must not be negative"):
        relevance(view, inputs, targets, "gem", iterations=-1)
    with pytest.raises(BadInput, match="outside a model"):
        relevance(view, inputs, targets, "gem", start_layer=99)

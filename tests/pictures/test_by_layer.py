"""LeGrad by layer sums to LeGrad, and one patch's attention and likeness are those of the whole map."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from small_views import classifier, dual_encoder

from whylight.attention import record_attention
from whylight.errors import BadInput
from whylight.pictures.patches import patch_of
from whylight.scenes import draw_scene

PICTURE = draw_scene(10**9 + 3, 48).picture


@pytest.mark.parametrize("build", [dual_encoder, classifier])
@pytest.mark.parametrize("recorded", [{}, {"road": "general"}, {"pooling": "class_token"}])
def test_layers_sum_to_the_whole_and_each_is_the_layer(build, recorded) -> None:  # type: ignore[no-untyped-def]
    view = build()
    view.module.double()
    session = view.record(PICTURE, **recorded)
    targets = [0, 3] if view.classifies else ["a red star", "a blue ring"]
    for options in ({}, {"centered": True}):
        whole, layers = session.explain_by_layer(targets, **options)
        assert layers.shape == (2, 2, 4, 4)
        torch.testing.assert_close(layers.sum(1), whole.relevance, rtol=1e-12, atol=0)
        expected = session.explain(targets, **options)
        torch.testing.assert_close(whole.relevance, expected.relevance, rtol=1e-10, atol=0)
        assert whole.scores == expected.scores
        last = session.explain(targets, start_layer=-1, **options)
        torch.testing.assert_close(layers[:, 1], last.relevance, rtol=1e-10, atol=0)


def test_what_is_for_the_sum_is_refused() -> None:
    session = dual_encoder().record(PICTURE)
    with pytest.raises(BadInput, match="start_layer is for the sum"):
        session.explain_by_layer("a red star", start_layer=1)


def test_a_patch_is_a_row_of_the_whole_map() -> None:
    view = dual_encoder()
    view.module.double()
    look = view.record(PICTURE).look
    run = view.begin(view.place(look.pixels))
    with torch.no_grad(), record_attention() as calls:
        tokens = [run.tokens]
        for block in run.blocks:
            tokens.append(block(tokens[-1]))
    for layer in (0, 1, -1):
        patch = patch_of(look, layer, 2, 3)
        row = calls[layer].attention()[0, :, 1 + 2 * 4 + 3].float()
        torch.testing.assert_close(patch.attention.flatten(1), row[:, 1:])
        torch.testing.assert_close(patch.elsewhere, row[:, 0])
        after = tokens[layer + 1 if layer >= 0 else layer][0, 1:]
        expected = F.cosine_similarity(after, after[2 * 4 + 3], dim=-1).float()
        torch.testing.assert_close(patch.likeness.flatten(), expected)
        assert patch.likeness[2, 3] == pytest.approx(1)


def test_no_such_patch_or_layer() -> None:
    look = dual_encoder().record(PICTURE).look
    with pytest.raises(BadInput, match="no patch"):
        patch_of(look, 0, 4, 0)
    with pytest.raises(BadInput, match="outside a model of 2 layers"):
        patch_of(look, 2, 0, 0)

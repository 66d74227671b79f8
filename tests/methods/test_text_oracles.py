"""Methods made of attention maps and their gradients, on texts, against the values of independent implementations."""

from __future__ import annotations

import pytest
import torch
from oracle_files import relative_difference
from oracle_models import bert_oracle, openai_clip_oracle

from whylight.methods import relevance
from whylight.passes.layers import run_blocks


def test_bert_agrees_with_its_oracle() -> None:
    view, inputs, oracle = bert_oracle("bert")
    assert relative_difference(view.output(inputs), oracle["expected.logits"]) < 1e-12


def test_raw_attention_of_bert() -> None:
    view, inputs, oracle = bert_oracle("bert")
    maps = relevance(view, inputs, [0], "raw_attention")
    assert relative_difference(maps[:, 0], oracle["expected.raw_attention_last_layer"]) < 1e-8


def test_rollout_of_bert() -> None:
    view, inputs, oracle = bert_oracle("bert")
    maps = relevance(view, inputs, [0], "rollout")
    assert relative_difference(maps[:, 0], oracle["expected.rollout.start_layer_0"]) < 1e-8


def test_attention_cam_of_bert() -> None:
    view, inputs, oracle = bert_oracle("bert")
    maps = relevance(view, inputs, [0, 1], "attention_cam")
    for target in range(2):
        expected = oracle[f"expected.attention_gradcam.class_{target}"]  # min-maxed before its first entry became zero
        assert relative_difference(maps[:, target] / maps[:, target].max(), expected / expected.max()) < 1e-8


@pytest.mark.parametrize("start_layer", [-1, 0, 1])
def test_chefercam_of_clip_texts(start_layer: int) -> None:
    view, oracle = openai_clip_oracle("clip_chefercam")
    tokens = oracle["tokens"]
    picture = view.module.encode_image(oracle["image"])
    maps = relevance(view.text, {"input_ids": tokens}, picture, "chefercam", start_layer=start_layer)
    whole = oracle[f"expected.text.start_layer_{start_layer}"]
    read = whole[torch.arange(2), tokens.argmax(-1)]
    assert relative_difference(maps[:, 0].double(), read) < 1e-4


def test_integrated_gradients_of_a_text_add_up_to_the_logit() -> None:
    view, inputs, _ = bert_oracle("bert")
    run = view.begin(inputs)
    with torch.no_grad():
        nothing = run.readout(run_blocks(run, torch.zeros_like(run.tokens)))
        change = view.output(inputs) - nothing
    maps = relevance(view, inputs, [0, 1], "integrated_gradients", steps=100)
    assert relative_difference(maps.sum(-1), change) < 1e-3

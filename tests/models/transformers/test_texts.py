"""Text models of transformers: equal to their own forward, with and without padding, alone and in batches."""

from __future__ import annotations

import contextlib
import copy
from dataclasses import replace
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor
from zoo.transformers_models import (
    BERT,
    PICTURES,
    TEXTS,
    build,
    check_driven_forward,
    deberta_config,
    in_its_type,
    own_output,
    targets_for,
    text_inputs,
)

from whylight.attention import record_attention
from whylight.errors import BadInput, UnsupportedModel
from whylight.methods import relevance
from whylight.models.transformers import wrap_transformers
from whylight.models.transformers.view import TransformersTextView

LAST_POSITION = {"siglip_text", "siglip2_text"}
"""Read at the last position, padding or not: a padded text is not the text alone, in the model itself."""
CLASSIFIERS = ["bert", "roberta", "xlm_roberta", "camembert", "albert", "distilbert", *({"electra"} & TEXTS.keys())]
CLASSIFIERS += ["modernbert", "deberta", "deberta_v2", "deberta_v3", "mpnet"]
WRITTEN_OUT = {"deberta", "deberta_v2", "deberta_v3", "mpnet"}
"""By transformers itself; driven through the fused function all the same."""
MEAN = {"modernbert_mean"}
"""Read at all tokens."""


def built(name: str) -> tuple[TransformersTextView, dict[str, Tensor]]:
    module, inputs = TEXTS[name]()
    view = wrap_transformers(module)
    assert isinstance(view, TransformersTextView)
    return view, inputs


def masks(inputs: dict[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """The same texts with padding masked, with every token real, and without a mask."""
    ids = inputs["input_ids"]
    return {
        "padding": inputs,
        "all ones": {"input_ids": ids, "attention_mask": torch.ones_like(ids)},
        "none": {"input_ids": ids},
    }


@pytest.mark.parametrize("mask", ["padding", "all ones", "none"])
@pytest.mark.parametrize("name", TEXTS)
def test_the_driven_forward_is_the_models_own(name: str, mask: str) -> None:
    view, inputs = built(name)
    check_driven_forward(view, masks(inputs)[mask], attentions=2)


def test_token_types_count() -> None:
    view, inputs = built("bert")
    typed = inputs | {"token_type_ids": torch.tensor([[0, 0, 0, 1, 1, 1, 1], [0, 0, 1, 1, 0, 0, 0]])}
    with torch.no_grad():
        assert (view.output(typed) - own_output(view.module, typed)).abs().max() < 1e-10
        assert (view.output(typed) - view.output(inputs)).abs().max() > 1e-3


@pytest.mark.parametrize("name", [name for name in TEXTS if name not in LAST_POSITION])
def test_a_padded_text_is_the_text_alone(name: str) -> None:
    view, inputs = built(name)
    targets = targets_for(view, view.output(inputs).shape[1], [2, 0])
    together = relevance(view, inputs, targets)
    lengths = inputs["attention_mask"].sum(1).tolist()
    for row, length in enumerate(lengths):
        single = {key: value[row : row + 1, :length] for key, value in inputs.items()}
        assert (view.output(single) - view.output(inputs)[row]).abs().max() < 1e-12
        alone = relevance(view, single, targets)
        assert (together[row, :, :length] - alone[0]).abs().max() < 1e-12
        assert (alone > 0).any(-1).all()


@pytest.mark.parametrize("name", TEXTS)
def test_padding_has_no_relevance(name: str) -> None:
    view, inputs = built(name)
    targets = targets_for(view, view.output(inputs).shape[1], [2, 0])
    result = relevance(view, inputs, targets)
    padding = inputs["attention_mask"] == 0
    assert result.shape == (2, 2, 7)
    assert (result.transpose(1, 2)[padding] == 0).all()
    assert (result[0] > 0).any(-1).all()


@pytest.mark.parametrize("name", [name for name in TEXTS if name not in MEAN])
def test_the_row_that_is_read_out_decides_alone(name: str) -> None:
    view, inputs = built(name)
    run = view.begin(inputs)
    assert run.readout_row is not None
    tokens = run.tokens.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(run.readout(tokens).sum(), tokens)
    rows = gradient.abs().sum(-1).argmax(-1)
    assert torch.equal(rows, run.readout_row)
    assert torch.equal((gradient != 0).any(-1).sum(-1), torch.ones(2, dtype=torch.long))
    expected = [6, 6] if name in LAST_POSITION else [6, 3] if "clip" in name or "owl" in name else [0, 0]
    assert run.readout_row.tolist() == expected


@pytest.mark.parametrize("name", MEAN)
def test_a_mean_leaves_padding_out(name: str) -> None:
    view, inputs = built(name)
    assert view.pooling == "mean"
    run = view.begin(inputs)
    assert run.readout_row is None
    tokens = run.tokens.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(run.readout(tokens).sum(), tokens)
    assert torch.equal((gradient != 0).any(-1), inputs["attention_mask"].bool())
    everywhere = run.tokens[:, :1].expand_as(run.tokens)
    assert (run.head(run.tokens[:, 0]) - run.readout(everywhere)).abs().max() < 1e-12


@pytest.mark.parametrize("name", [name for name in TEXTS if name not in MEAN])
def test_the_head_takes_what_is_read_out(name: str) -> None:
    view, inputs = built(name)
    run = view.begin(inputs)
    assert run.readout_row is not None
    pooled = run.tokens[torch.arange(2), run.readout_row]
    assert (run.head(pooled) - run.readout(run.tokens)).abs().max() < 1e-12


def test_nothing_behind_the_end_of_text_counts() -> None:
    """Without a mask too: what stands behind the end cannot be seen, so it is no token to average."""
    view, inputs = built("clip_text")
    targets = targets_for(view, 16, [2, 0])
    masked = relevance(view, inputs, targets)
    bare = relevance(view, {"input_ids": inputs["input_ids"]}, targets)
    assert (masked - bare).abs().max() < 1e-12


@pytest.mark.parametrize("name", ["clip", "siglip"])
def test_a_dual_encoder_offers_its_text_tower(name: str) -> None:
    module, pictures = PICTURES[name]()
    view = wrap_transformers(module)
    assert view is not None
    ids = {"input_ids": torch.tensor([[37, 5, 9, 11, 38], [37, 4, 8, 12, 38]])}
    with torch.no_grad():
        assert (view.text.output(ids) - own_output(module, ids)).abs().max() < 1e-10
        embeddings = view.output(pictures)
        with in_its_type():
            own = module(**ids, pixel_values=pictures).logits_per_text
        cosine = torch.nn.functional.cosine_similarity(view.text.output(ids)[:, None], embeddings[None], dim=-1)
    assert (cosine * view.text.logit_scale + view.text.logit_bias - own).abs().max() < 1e-12
    assert relevance(view.text, ids, embeddings).shape == (2, 2, 5)
    assert view.text.text.module is module


def test_texts_that_do_not_fit_are_refused() -> None:
    view, _ = built("roberta")
    assert view.longest == BERT["max_position_embeddings"] - 2
    with pytest.raises(BadInput, match="at most 18 tokens, not 19"):
        view.output({"input_ids": torch.full((1, 19), 5)})
    view.output({"input_ids": torch.full((1, 18), 5)})
    with pytest.raises(BadInput, match="input_ids"):
        view.begin(torch.zeros(1, 3, 8, 8))
    with pytest.raises(BadInput, match="input_ids"):
        view.begin({"input_ids": torch.ones(3, dtype=torch.long)})


def with_eager_attention(module: Any) -> Any:
    """The same model, made with attention that is written out; in transformers 4 it can only be made so."""
    config = copy.deepcopy(module.config)
    config._attn_implementation = "eager"
    other = type(module)(config).to(next(module.parameters()).dtype).eval()
    other.load_state_dict(module.state_dict())
    return other


@pytest.mark.parametrize("name", [name for name in TEXTS if name not in WRITTEN_OUT])
def test_hidden_attention_is_refused(name: str) -> None:
    module, inputs = TEXTS[name]()
    view = wrap_transformers(with_eager_attention(module))
    assert view is not None
    for asked in (lambda: view.output(inputs), lambda: relevance(view, inputs, targets_for(view, 16, [0]))):
        with pytest.raises(UnsupportedModel, match='attn_implementation="sdpa"'):
            asked()


@pytest.mark.parametrize("name", [name for name in TEXTS if name not in WRITTEN_OUT])
def test_a_model_that_is_told_to_write_its_attention_out_is_refused_or_does_not(name: str) -> None:
    """transformers 4 cannot change BERT's and its kin's once they are made: they stay as they were, as the maps do."""
    module, inputs = TEXTS[name]()
    view = wrap_transformers(module)
    assert view is not None
    targets = targets_for(view, view.output(inputs).shape[1], [0])
    expected = relevance(view, inputs, targets)
    module.set_attn_implementation("eager")
    if transformers.__version__.startswith("4."):
        with contextlib.suppress(UnsupportedModel):
            assert torch.equal(relevance(view, inputs, targets), expected)
    else:
        with pytest.raises(UnsupportedModel, match='attn_implementation="sdpa"'):
            relevance(view, inputs, targets)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_class_names_come_from_the_configuration(name: str) -> None:
    view, _ = built(name)
    view.module.config.id2label = {0: "bad", 1: "so", 2: "good"}
    assert view.class_names == ["bad", "so", "good"]
    assert built("clip_text")[0].class_names is None


@pytest.mark.parametrize(
    ("name", "wrong", "said"),
    [
        ("xlm_roberta", {"token_type_ids": 2}, "has no token_type_ids 2: it has 2"),
        ("bert", {"token_type_ids": 2}, "has no token_type_ids 2: it has 2"),
        ("bert", {"input_ids": 10**6}, "has no input_ids 1000000"),
        ("clip_text", {"input_ids": -1}, "has no input_ids -1"),
    ],
)
def test_ids_that_a_model_has_no_embedding_for(name: str, wrong: dict[str, int], said: str) -> None:
    view, inputs = built(name)
    for key, value in wrong.items():
        inputs = inputs | {key: torch.full_like(inputs["input_ids"], value)}
    with pytest.raises(BadInput, match=said):
        relevance(view, inputs, targets_for(view, 24, [2, 0]))


@pytest.mark.parametrize("grouping", [{"num_hidden_groups": 1}, {"num_hidden_groups": 2, "inner_group_num": 2}])
def test_alberts_layers_share_parameters_and_are_all_driven(grouping: dict[str, int]) -> None:
    config = transformers.AlbertConfig(**BERT | {"embedding_size": 16, "num_hidden_layers": 4} | grouping)
    module = build("AlbertForSequenceClassification", config)
    view, inputs = wrap_transformers(module), text_inputs()
    assert view is not None
    with torch.no_grad():
        assert (view.output(inputs) - own_output(module, inputs)).abs().max() < 1e-10
    assert len(view.begin(inputs).blocks) == 4 * grouping.get("inner_group_num", 1)
    assert relevance(view, inputs, [0, 2]).shape == (2, 2, 7)


@pytest.mark.parametrize("name", ["deberta", "deberta_v3", "mpnet"])
def test_positions_are_part_of_the_map_that_is_seen(name: str) -> None:
    """The map of the recorded call is the one that transformers itself returns, position terms included."""
    view, inputs = built(name)
    inputs = {"input_ids": inputs["input_ids"]}
    with torch.no_grad():
        own = view.module(**inputs, output_attentions=True).attentions
        with record_attention() as calls:
            view.output(inputs)
    for call, expected in zip(calls, own, strict=True):
        assert (call.attention() - expected).abs().max() < 1e-12
        assert (replace(call, mask=None).attention() - expected).abs().max() > 1e-3


def test_a_local_layer_sees_its_window_and_a_global_one_all() -> None:
    view, inputs = built("modernbert")
    with torch.no_grad(), record_attention() as calls:
        view.output({"input_ids": inputs["input_ids"]})
    places = torch.arange(7)
    near = (places[:, None] - places).abs() <= 2
    seen_by_all, seen_near = (call.attention() > 0 for call in calls)
    assert seen_by_all.all()
    assert torch.equal(seen_near, near.expand_as(seen_near))


def test_heads_that_are_mixed_are_refused() -> None:
    module = build("DebertaForSequenceClassification", deberta_config("Deberta", talking_head=True))
    view = wrap_transformers(module)
    assert view is not None
    with pytest.raises(UnsupportedModel, match="talking_head"):
        view.output(text_inputs())


def test_metaclips_end_of_text_truly_is_two() -> None:
    """CLIP's old configurations say 2 and mean the largest id; MetaCLIP 2 says 2 and means it."""
    view, inputs = built("metaclip2_text")
    assert inputs["input_ids"].max() > 2
    assert view.begin(inputs).readout_row.tolist() == [6, 3]  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["modernbert", "deberta_v3", "mpnet"])
def test_how_much_a_model_reads(name: str) -> None:
    view, _ = built(name)
    longest = 18 if name == "mpnet" else 20
    assert view.longest == longest
    ids = torch.full((1, longest), 5)
    with torch.no_grad():
        assert (view.output({"input_ids": ids}) - own_output(view.module, {"input_ids": ids})).abs().max() < 1e-10
    with pytest.raises(BadInput, match=f"reads at most {longest} tokens"):
        view.output({"input_ids": torch.full((1, longest + 1), 5)})

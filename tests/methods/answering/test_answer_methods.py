"""Methods for answers against autograd through eager attention maps, and against their formulas written out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from oracle_files import relative_difference
from torch import Tensor
from zoo.answering_models import QUESTION, answering_model, rough_picture

import whylight
from whylight.answers.forcing import Forced, force
from whylight.attention import ReplaceAttention, record_attention
from whylight.attention.arguments import AttentionArguments
from whylight.methods.answering.catalog import answer_methods, find_answer_method
from whylight.models.transformers.answering.releases import OLD
from whylight.passes.answer_pass import Words

FAMILIES = ("llava", "qwen3_vl", "gemma3", "paligemma", "smolvlm")
EAGER = 2e-6
"""Eager softmax is computed in float32, whatever the model's precision. Before transformers 5 PaliGemma's own mask lets
the question see a forced answer, so its own maps are no truth there."""


def forced(family: str, answer: str = "red big circle") -> Forced:
    model, processor, prompt = answering_model(family)
    view = whylight.wrap(model, processor=processor)
    return force(view, [rough_picture(80, 120)], prompt.format(QUESTION), answer)[0]


def words(given: Forced) -> list[Words]:
    """Each word, and the whole answer as one target."""
    each = [word.places for word in given.answer.words]
    return [given.target(places) for places in (*each, [place for places in each for place in places])]


def explained(given: Forced, method: str, **options: object) -> Tensor:
    return find_answer_method(method).explain(given.view, given.run, words(given), **options).detach()


def log_odds(logits: Tensor, word: Words) -> Tensor:
    """From probabilities: log p - log(1 - p)."""
    p = logits[list(word.rows)].softmax(-1)[torch.arange(len(word.rows)), list(word.ids)]
    return (p.log() - torch.log1p(-p)).sum()


def eager(given: Forced) -> tuple[Tensor, Sequence[Tensor]]:
    """The model's own logits and maps."""
    model = given.view.module
    model.set_attn_implementation("eager")
    own = model(**given.inputs, use_cache=False, output_attentions=True)
    layers = len(given.run.blocks)
    return own.logits[0], own.attentions[-layers:]


@pytest.mark.parametrize("family", [name for name in FAMILIES if not (OLD and name == "paligemma")])
def test_chefercam_of_eager_maps(family: str) -> None:
    given = forced(family)
    product = explained(given, "chefercam")
    raw, rolled = explained(given, "raw_attention"), explained(given, "rollout")
    logits, maps = eager(given)
    for index, word in enumerate(words(given)):
        gradients = torch.autograd.grad(log_odds(logits, word), maps, retain_graph=True)
        evidence = [(a * g).clamp(min=0)[0].mean(0) for a, g in zip(maps, gradients, strict=True)]
        identity = torch.eye(len(logits), dtype=logits.dtype)
        whole, means = identity, identity
        for each, attention in zip(evidence, maps, strict=True):
            whole = (identity + each) @ whole
            means = (identity + attention[0].mean(0)) / 2 @ means
        expected = (whole - identity)[list(word.rows)].mean(0)
        assert relative_difference(product[index], expected) < EAGER
        assert relative_difference(raw[index], maps[-1][0].mean(0)[list(word.rows)].mean(0)) < EAGER
        expected = means[list(word.rows)].mean(0)
        expected[list(word.rows)] = 0
        assert relative_difference(rolled[index], expected) < EAGER


@pytest.mark.parametrize("family", FAMILIES)
def test_keyflow_of_values_that_only_the_question_and_the_answer_look_at(family: str) -> None:
    """By autograd: what a change of a layer's values does through the rows from the question on alone."""
    given = forced(family)
    found = explained(given, "keyflow")
    begun = int(given.run.image[0].nonzero()[-1]) + 1
    values: list[Tensor] = []
    changes: list[Tensor] = []

    def attend(*args: Any, **kwargs: Any) -> Tensor:
        of = AttentionArguments(*args, **kwargs).ungrouped()
        values.append(of.value.detach())
        changes.append(torch.zeros_like(of.value, requires_grad=True))
        changed = replace(of, value=of.value + changes[-1])
        return torch.cat([of.attend()[..., :begun, :], changed.attend()[..., begun:, :]], dim=-2)

    tokens = given.run.tokens.detach()
    with ReplaceAttention(attend):
        for block in given.run.blocks:
            tokens = block(tokens)
    for index, word in enumerate(words(given)):
        gradients = torch.autograd.grad(log_odds(given.run.head(tokens)[0], word), changes, retain_graph=True)
        expected = torch.zeros_like(found[index])
        for value, gradient in zip(values, gradients, strict=True):
            cosine = F.cosine_similarity(value, gradient, dim=-1, eps=0).nan_to_num()
            length = value.square().sum(-1).sqrt() * gradient.square().sum(-1).sqrt()
            expected += (length * (cosine + 0.5)).clamp(min=0)[0].mean(0)
        assert relative_difference(found[index], expected) < 1e-9


@pytest.mark.parametrize("centered", [True, False])
@pytest.mark.parametrize("family", FAMILIES)
def test_legrad_of_whole_blocks(family: str, centered: bool) -> None:
    given = forced(family)
    found = explained(given, "legrad", centered=centered)
    for index, word in enumerate(words(given)):
        expected = torch.zeros_like(found[index])
        tokens = given.run.tokens.detach()
        for block in given.run.blocks:
            with record_attention() as calls:
                tokens = block(tokens.detach())
            (gradient,) = torch.autograd.grad(log_odds(given.run.head(tokens)[0], word), calls[-1].output)
            of_map = calls[-1].map_gradient(gradient)[0]
            allowed = calls[-1].allowed()
            shown = torch.ones_like(of_map) if allowed is None else allowed.expand_as(of_map[None])[0].to(of_map)
            if centered:
                of_map = (of_map - of_map.sum(-1, keepdim=True) / shown.sum(-1, keepdim=True)) * shown
            expected += of_map.clamp(min=0).mean(0)[list(word.rows)].sum(0)
        assert relative_difference(found[index], expected) < 1e-9


@pytest.mark.parametrize(
    ("method", "budget"), [("chefercam", "chefercam.GRADIENT_BYTES"), ("legrad", "legrad.LOGIT_BYTES")]
)
def test_what_does_not_fit_at_once_goes_in_parts(method: str, budget: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = forced("llava")
    whole = explained(given, method)
    monkeypatch.setattr(f"whylight.methods.answering.{budget}", 1)
    assert relative_difference(explained(given, method), whole) <= 1e-12


def test_words_together_are_words_apart() -> None:
    given = forced("llava")
    for method in answer_methods():
        together = explained(given, method)
        for index, word in enumerate(words(given)):
            alone = find_answer_method(method).explain(given.view, given.run, [word]).detach()
            assert (alone[0] - together[index]).abs().max() <= 1e-9 * together[index].abs().max(), method


def test_no_word_owes_anything_to_what_comes_later() -> None:
    given = forced("llava")
    for method in answer_methods():
        found = explained(given, method)
        for index, word in enumerate(words(given)):
            if method != "logit_lens":
                assert float(found[index, max(word.rows) + 1 :].abs().sum()) == 0, method


def test_input_gradient_is_autograd_at_the_embeddings() -> None:
    given = forced("qwen3_vl")
    tokens = given.run.tokens.detach().requires_grad_()
    leaving = tokens
    for block in given.run.blocks:
        leaving = block(leaving)
    signed, length = explained(given, "input_gradient"), explained(given, "gradient_norm")
    for index, word in enumerate(words(given)):
        score = log_odds(given.run.head(leaving)[0], word)
        (gradient,) = torch.autograd.grad(score, tokens, retain_graph=True)
        assert relative_difference(signed[index], (gradient * tokens).sum(-1)[0]) < 1e-9
        assert relative_difference(length[index], gradient[0].square().sum(-1).sqrt()) < 1e-9


def test_rather_than_is_a_difference_of_logits() -> None:
    given = forced("llava")
    logits = torch.randn(3, 128, dtype=torch.float64)
    word = Words((4, 5, 6), (60, 61, 62), (70, 71, 72))
    assert float(word.score(logits)) == pytest.approx(
        float(logits[0, 60] - logits[0, 70] + logits[1, 61] - logits[1, 71] + logits[2, 62] - logits[2, 72])
    )
    assert len(given.answer.words) == 3


def test_start_layer_leaves_earlier_layers_out() -> None:
    given = forced("llava")
    whole, last = explained(given, "keyflow"), explained(given, "keyflow", start_layer=-1)
    assert float((whole - last).min()) > -1e-12
    assert float((whole - last).max()) > 0
    with pytest.raises(whylight.WhylightError, match="layer"):
        explained(given, "keyflow", start_layer=7)


def eager_tower(given: Forced) -> tuple[Tensor, Sequence[Tensor]]:
    """Logits of the sequence, the picture going through LLaVA's tower in eager attention, and the maps of the tower."""
    model, picture = given.view.module, given.run.image[0]
    model.model.vision_tower.set_attn_implementation("eager")
    seen = model.model.vision_tower(
        given.inputs["pixel_values"].requires_grad_(), output_attentions=True, output_hidden_states=True
    )
    features = model.model.multi_modal_projector(seen.hidden_states[-2][:, 1:])
    tokens = given.run.tokens.detach().clone()
    tokens[:, picture] = features
    for block in given.run.blocks:
        tokens = block(tokens)
    return given.run.head(tokens)[0], seen.attentions[:-1]  # LLaVA reads what enters the last block


def test_chefercam_and_rollout_go_on_through_the_tower() -> None:
    given = forced("llava")
    picture = given.run.image[0]
    plain, through = explained(given, "chefercam"), explained(given, "chefercam", tower=True)
    rolled, through_rolled = explained(given, "rollout"), explained(given, "rollout", tower=True)
    logits, maps = eager_tower(given)
    identity = torch.eye(maps[0].shape[-1], dtype=maps[0].dtype)
    for index, word in enumerate(words(given)):
        gradients = torch.autograd.grad(log_odds(logits, word), maps, retain_graph=True)
        whole = means = identity
        for a, g in zip(maps, gradients, strict=True):
            whole = (identity + (a * g).clamp(min=0)[0].mean(0)) @ whole
            means = (identity + a[0].mean(0)) / 2 @ means
        assert relative_difference(through[index, picture], plain[index, picture] @ whole[1:, 1:]) < EAGER
        assert relative_difference(through_rolled[index, picture], rolled[index, picture] @ means[1:, 1:]) < EAGER
        assert torch.equal(through[index, ~picture], plain[index, ~picture])
    with pytest.raises(whylight.WhylightError, match="leave start_layer out"):
        explained(given, "chefercam", tower=True, start_layer=1)


@pytest.mark.parametrize("family", ["qwen2_vl", "llava_next", "gemma3"])
def test_towers_whose_tokens_are_no_patches_are_refused(family: str) -> None:
    given = forced(family)
    with pytest.raises(whylight.WhylightError, match="one token of the language model for each patch") as caught:
        explained(given, "rollout", tower=True)
    assert "\n" not in str(caught.value)

"""Keyflow step by step against its oracle, and against a second, slow derivation with whole maps."""

from __future__ import annotations

import pytest
import timm
import torch
from oracle_files import read_oracle, relative_difference
from torch import Tensor
from zoo.explained import VIEWS

from whylight.attention import ReplaceAttention
from whylight.errors import BadInput
from whylight.methods import relevance
from whylight.methods.keyflow import ORDER, for_and_against
from whylight.models.openclip.view import OpenClipView
from whylight.models.targets import as_targets
from whylight.models.timm.view import TimmView
from whylight.models.view import View
from whylight.passes import full_pass as full_pass_module
from whylight.passes.full_pass import full_pass
from whylight.passes.key_likeness import key_likeness, record_key_likeness
from whylight.passes.logit_gradients import score_gradients
from whylight.propagation.libra import libra_gradients

ORACLE = read_oracle("keyflow")
POOLINGS = ["openclip class token", "openclip average", "openclip coca", "timm mean", "timm map", "transformers dinov2"]
TEXTS = ["openclip text", "transformers bert", "transformers clip text"]


def model(kind: str) -> tuple[View, object]:
    """One of the oracle's three models in float64, and its targets."""
    from open_clip.transformer import VisionTransformer

    settings, state = ORACLE.meta[kind], {k.removeprefix(f"{kind}.state."): v for k, v in ORACLE.tensors.items()}
    ((name, arguments),) = [(k, v) for k, v in settings.items() if k != "classes"]
    built = timm.models.VisionTransformer(**arguments) if name.startswith("timm") else VisionTransformer(**arguments)
    built.double().eval().load_state_dict({k: v for k, v in state.items() if k in built.state_dict()})
    view = TimmView(built) if name.startswith("timm") else OpenClipView(built)
    return view, settings.get("classes", ORACLE.tensors.get(f"{kind}.text_features"))


@pytest.mark.parametrize("kind", ["classifier", "pooler", "clip"])
def test_every_step_is_the_oracles(kind: str) -> None:
    view, targets = model(kind)
    image = ORACLE["image"]
    with libra_gradients():
        full = full_pass(view, image)
    (gradients,) = score_gradients(full, as_targets(view, targets, 2).scores)
    calls: list = []
    p, n = for_and_against(full, gradients, calls)
    expected = ORACLE[f"{kind}.expected.for_and_against"]
    assert relative_difference(torch.stack([p, n], 2).transpose(0, 1), expected) < 1e-8
    evidence = (p * p / (p + n)).transpose(0, 1)
    assert relative_difference(evidence, ORACLE[f"{kind}.expected.evidence"]) < 1e-8
    likeness = key_likeness(full.run, calls)
    w = likeness.spread(torch.eye(16, dtype=torch.float64).expand(2, -1, -1)).mT
    assert relative_difference(w, ORACLE[f"{kind}.expected.likeness"]) < 1e-8
    assert relative_difference(likeness.spread(evidence), ORACLE[f"{kind}.expected.spread"]) < 1e-8
    maps = relevance(view, image, targets, "keyflow")
    assert relative_difference(maps, ORACLE[f"{kind}.expected.relevance"]) < 1e-8


@pytest.mark.parametrize("kind", [*POOLINGS, *TEXTS])
def test_it_is_its_formula_written_out(kind: str) -> None:
    view, inputs, targets = VIEWS[kind]()
    expected = written_out(view, inputs, targets, sharpness=2.0, power=1.5)
    maps = relevance(view, inputs, targets, "keyflow", sharpness=2.0, power=1.5)
    assert relative_difference(maps, expected) < 1e-10


@pytest.mark.parametrize("kind", [*POOLINGS, *TEXTS])
def test_what_is_not_above_the_mean_is_as_good_as_zero_and_keeps_its_order(kind: str) -> None:
    view, inputs, targets = VIEWS[kind]()
    plain = relevance(view, inputs, targets, "chefercam")
    likeness = record_key_likeness(view, inputs)
    spread, clipped = likeness.spread(plain), likeness.above_mean(plain)
    ordered = likeness.above_mean(plain, order=ORDER)
    real = torch.ones_like(spread, dtype=torch.bool) if likeness.real is None else likeness.real[:, None]
    rows = (maps.flatten(0, 1) for maps in (spread, clipped, ordered, real.expand_as(spread)))
    for w_r, zeros, kept, here in zip(*rows, strict=True):
        assert torch.equal(w_r[here].argsort(), kept[here].argsort())
        assert zeros.count_nonzero() == (w_r[here] > w_r[here].mean()).sum() < here.sum()
        assert kept.count_nonzero() == here.sum() - 1
        assert (kept - zeros).abs().max() < 1e-10 * kept.max()


@pytest.mark.parametrize("kind", [*POOLINGS, *TEXTS])
def test_blocks_that_run_again_do_so_under_the_same_rules(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    view, inputs, targets = VIEWS[kind]()
    by_graph = relevance(view, inputs, targets, "keyflow")
    monkeypatch.setitem(full_pass_module.GRAPH_BYTES, "cpu", 0)
    assert relative_difference(relevance(view, inputs, targets, "keyflow"), by_graph) < 1e-10


@pytest.mark.parametrize("options", [{"sharpness": 0.0}, {"power": -1.0}, {"sharpness": float("nan")}])
def test_options_are_positive(options: dict[str, float]) -> None:
    view, inputs, targets = VIEWS["timm class token"]()
    with pytest.raises(BadInput, match="must be positive"):
        relevance(view, inputs, targets, "keyflow", **options)


def written_out(view: View, inputs, targets, sharpness: float, power: float) -> Tensor:
    """With tokens x tokens maps as leaves of a graph under LibraGrad's rules, and W as a matrix."""
    maps: list[Tensor] = []
    keys: list[Tensor] = []
    allowed: list[Tensor] = []

    def attend(query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False):
        scores = query @ key.mT * (query.shape[-1] ** -0.5 if scale is None else scale)
        may = torch.ones_like(scores, dtype=torch.bool)
        if is_causal:
            may = may.tril()
        if attn_mask is not None:
            may = may & (attn_mask if attn_mask.dtype == torch.bool else attn_mask > -1e30)
        attention = scores.masked_fill(~may, -torch.inf).softmax(-1).detach().requires_grad_()
        maps.append(attention)
        keys.append(key.detach())
        allowed.append(may)
        return (attention * may) @ value

    with torch.no_grad():
        run = view.begin(inputs)
    with libra_gradients(), ReplaceAttention(attend):
        tokens = run.tokens
        for block in run.blocks:
            tokens = block(tokens)
        output = run.readout(tokens)

    leaf = output.detach().requires_grad_()
    scores = as_targets(view, targets, len(output)).scores(leaf).sum(0)
    results = []
    for score in scores:
        (seed,) = torch.autograd.grad(score, leaf, retain_graph=True)
        gradients = torch.autograd.grad(output, maps, seed, retain_graph=True)
        p, n = (
            read_out(run, [(sign * a * g).clamp(min=0).mean(1).detach() for a, g in zip(maps, gradients, strict=True)])
            for sign in (1, -1)
        )
        results.append((p**2 / (p + n)).nan_to_num(0.0))
    r = torch.stack(results, 1)
    real = torch.ones(len(r), r.shape[-1], dtype=torch.bool)
    if run.mask is not None:
        real &= run.mask[:, run.prefix :]
    if run.grid is None:
        real[torch.arange(len(real)), run.readout_row] = False
    r = r * real[:, None]
    rows = []
    for picture in range(len(r)):
        of_picture = real[picture]
        parts = []
        for key, may in zip(keys[: len(run.blocks)], allowed, strict=False):
            k = key[picture, :, run.prefix :]
            logits = sharpness * k @ k.mT / k[:, of_picture].pow(2).sum(-1).mean(-1)[:, None, None]
            where = may[picture][..., run.prefix :, run.prefix :] & of_picture
            parts.append(logits.masked_fill(~where, -torch.inf).softmax(-1).nan_to_num(0.0).mean(0))
        spread = r[picture] @ torch.stack(parts).mean(0).T
        mean = spread[:, of_picture].mean(-1, keepdim=True)
        rows.append((spread - mean).clamp(min=0) ** power * of_picture)
    return torch.stack(rows)


def read_out(run, matrices: list[Tensor]) -> Tensor:
    """The pooled row of the product of all blocks' I + M, patches only."""
    identity = torch.eye(run.tokens.shape[1], dtype=torch.float64)
    product = identity.expand(len(matrices[0]), -1, -1)
    for matrix in matrices[: len(run.blocks)]:
        product = (matrix + identity) @ product
    if run.attention_pool is not None:
        rows = matrices[-1][:, run.attention_pool.rows].mean(1)
        rows = torch.cat([rows.new_zeros(len(rows), product.shape[-1] - rows.shape[-1]), rows], 1)
        return (rows[:, None] @ product)[:, 0, run.prefix :]
    if run.readout_row is not None:
        return product[torch.arange(len(product)), run.readout_row][:, run.prefix :]
    return product[:, run.prefix :].mean(1)[:, run.prefix :]

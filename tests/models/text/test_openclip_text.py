"""OpenCLIP's text towers: equal to ``encode_text``, read at the right token, blind behind the end of a text."""

from __future__ import annotations

from collections.abc import Callable

import open_clip
import pytest
import torch
import torch.nn.functional as F
from open_clip.coca_model import CoCa
from open_clip.transformer import TextTransformer
from oracle_files import read_oracle, relative_difference
from torch import Tensor, nn
from zoo.own_attention import with_own_attention
from zoo.transformers_models import perturbed

from whylight.attention import record_attention
from whylight.errors import BadInput, UnsupportedModel
from whylight.methods import relevance
from whylight.models.openclip.view import OpenClipView

VISION = {"image_size": 32, "layers": 1, "width": 24, "head_width": 8, "patch_size": 8}
TEXT = {"context_length": 10, "vocab_size": 40, "width": 24, "heads": 3, "layers": 2}
END = 39


def clip(**text: object) -> nn.Module:
    return open_clip.CLIP(16, VISION, TEXT | text)


def custom(**text: object) -> nn.Module:
    return open_clip.CustomTextCLIP(16, VISION, TEXT | text, init_logit_bias=-10.0)


def padding_masked() -> nn.Module:
    """No configuration asks for it, the tower can."""
    model = custom(no_causal_mask=True)
    model.text = TextTransformer(
        10, 40, 24, 3, 2, output_dim=16, no_causal_mask=True, use_pad_mask=True, pool_type="eos", eos_id=END
    )
    return model


def coca(**text: object) -> nn.Module:
    decoder = {"context_length": 10, "vocab_size": 40, "width": 24, "heads": 3, "layers": 1}
    return CoCa(
        16, decoder, TEXT | {"embed_cls": True, "output_tokens": True} | text, VISION | {"attentional_pool": True}
    )


MODELS: dict[str, tuple[Callable[[], nn.Module], list[int]]] = {
    "largest id": (clip, [9, 4]),
    "end of text": (lambda: clip(pool_type="eos", eos_id=END), [9, 4]),
    "own tower": (custom, [9, 4]),
    "siglip": (lambda: custom(no_causal_mask=True, pool_type="last", proj_bias=True, pad_id=0), [9, 9]),
    "first": (lambda: custom(no_causal_mask=True, pool_type="first", proj_type="none"), [0, 0]),
    "padding masked": (padding_masked, [9, 4]),
    "coca": (coca, [10, 10]),
    "main branch": (lambda: with_own_attention(clip().double()), [9, 4]),
    "main branch, coca": (lambda: with_own_attention(coca().double()), [10, 10]),
}


def built(name: str) -> OpenClipView:
    torch.manual_seed(0)
    return OpenClipView(perturbed(MODELS[name][0]()))


def ids() -> Tensor:
    """Two texts: a full one, and one that ends at position 4 with zeros behind."""
    ids = torch.randint(1, END, (2, 10), generator=torch.Generator().manual_seed(3))
    ids[0, 9] = ids[1, 4] = END
    ids[1, 5:] = 0
    return ids


def pictures() -> Tensor:
    return torch.randn(3, 16, generator=torch.Generator().manual_seed(4), dtype=torch.float64)


@pytest.mark.parametrize("name", MODELS)
def test_the_driven_forward_is_the_models_own(name: str) -> None:
    view = built(name)
    with torch.no_grad():
        own = view.module.encode_text(ids(), normalize=False)
        assert (view.text.output({"input_ids": ids()}) - own).abs().max() < 1e-10
        with record_attention() as calls:
            recorded = view.text.output({"input_ids": ids()})
    assert (recorded - own).abs().max() < 1e-12
    assert len(calls) == 2


@pytest.mark.parametrize("build", [clip, coca])
@torch.no_grad()
def test_the_main_branchs_attention_gives_what_multi_head_attention_gave(build: Callable[[], nn.Module]) -> None:
    """So that what holds of models with it holds of that branch's models."""
    torch.manual_seed(0)
    model = perturbed(build())
    images = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    before = model.encode_text(ids()), model.encode_image(images)
    with_own_attention(model)
    for was, now in zip(before, (model.encode_text(ids()), model.encode_image(images)), strict=True):
        assert (was - now).abs().max() < 1e-12


@pytest.mark.parametrize("name", MODELS)
def test_the_row_that_is_read_out_decides_alone(name: str) -> None:
    run = built(name).text.begin({"input_ids": ids()})
    assert run.readout_row is not None
    assert run.readout_row.tolist() == MODELS[name][1]
    tokens = run.tokens.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(run.readout(tokens).sum(), tokens)
    assert torch.equal((gradient != 0).any(-1).nonzero()[:, 1], run.readout_row)
    pooled = tokens[torch.arange(2), run.readout_row]
    assert (run.head(pooled) - run.readout(tokens)).abs().max() < 1e-12


@pytest.mark.parametrize("name", ["largest id", "end of text", "own tower", "padding masked"])
def test_nothing_behind_the_end_of_text_has_relevance(name: str) -> None:
    maps = relevance(built(name).text, {"input_ids": ids()}, pictures())
    assert maps.shape == (2, 3, 10)
    assert (maps[1, :, 5:] == 0).all()
    assert (maps[1, :, :5] > 0).any(-1).all()
    assert (maps[0] > 0).any(-1).all()


@pytest.mark.parametrize("name", ["largest id", "end of text", "own tower"])
def test_what_stands_behind_the_end_changes_nothing(name: str) -> None:
    other = ids()
    other[1, 6:] = 7
    text = built(name).text
    maps = [relevance(text, {"input_ids": tokens}, pictures()) for tokens in (ids(), other)]
    assert (maps[0] - maps[1]).abs().max() < 1e-12


@pytest.mark.parametrize("name", MODELS)
def test_a_batch_is_its_texts_one_by_one(name: str) -> None:
    view = built(name).text
    dim = view.output({"input_ids": ids()}).shape[1]
    targets = torch.randn(2, dim, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    together = relevance(view, {"input_ids": ids()}, targets)
    alone = torch.cat([relevance(view, {"input_ids": row[None]}, targets) for row in ids()])
    assert (together - alone).abs().max() < 1e-12


def test_the_oracles_logits() -> None:
    """OpenAI's architecture in float32: picture and text embeddings together."""
    oracle = read_oracle("clip_chefercam")
    shape = oracle.meta["clip"]
    model = open_clip.CLIP(
        shape["embed_dim"],
        {
            "image_size": shape["image_resolution"],
            "layers": shape["vision_layers"],
            "width": shape["vision_width"],
            "patch_size": shape["vision_patch_size"],
        },
        {
            "context_length": shape["context_length"],
            "vocab_size": shape["vocab_size"],
            "width": shape["transformer_width"],
            "heads": shape["transformer_heads"],
            "layers": shape["transformer_layers"],
        },
        quick_gelu=True,
    )
    model.load_state_dict(oracle.state)
    view = OpenClipView(model.eval())
    with torch.no_grad():
        picture = F.normalize(view.output(oracle["image"]), dim=-1).expand(2, -1)
        text = F.normalize(view.text.output({"input_ids": oracle["tokens"]}), dim=-1)
        logits = picture @ text.T * view.text.logit_scale
    assert relative_difference(logits, oracle["expected.logits_per_image"]) < 1e-4


def test_logit_scale_and_bias_are_the_models() -> None:
    view = built("siglip")
    assert view.text.logit_scale == view.logit_scale
    assert view.text.logit_bias == view.logit_bias != 0


def test_what_does_not_fit_is_refused() -> None:
    view = built("largest id")
    with pytest.raises(BadInput, match="exactly 10 token ids"):
        view.text.output({"input_ids": ids()[:, :7]})
    with pytest.raises(BadInput, match="input_ids"):
        view.text.begin(torch.zeros(1, 3, 32, 32))
    with pytest.raises(BadInput, match="no text tower"):
        OpenClipView(view.module.visual).text  # noqa: B018
    view.module.text_pool_type = "none"
    with pytest.raises(UnsupportedModel, match="no one token"):
        view.text  # noqa: B018

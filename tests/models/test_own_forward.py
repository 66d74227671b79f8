"""Forward passes that were written over: what a view would leave out is refused, what changes nothing is not."""

from __future__ import annotations

import re
import types
from collections.abc import Callable
from typing import Any

import pytest
import torch
from timm.models.vision_transformer import VisionTransformer
from torch import nn
from zoo.answering_models import answering_model
from zoo.openclip_models import clip

import whylight
from whylight.errors import UnsupportedModel

PIXELS = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
SIZES = {"img_size": 32, "patch_size": 8, "embed_dim": 24, "depth": 2, "num_heads": 2, "num_classes": 3}


def built(kind: type = VisionTransformer) -> Any:
    torch.manual_seed(0)
    return kind(**SIZES).eval()


def maps(model: Any) -> torch.Tensor:
    return whylight.relevance(whylight.wrap(model), PIXELS, [1, 1])


class Louder(VisionTransformer):
    def forward(self, *given: Any, **how: Any) -> Any:
        return 3 * super().forward(*given, **how)


class OtherFeatures(VisionTransformer):
    def forward_features(self, *given: Any, **how: Any) -> Any:
        return super().forward_features(*given, **how).flip(1)


class OtherHead(VisionTransformer):
    def forward_head(self, *given: Any, **how: Any) -> Any:
        return 3 * super().forward_head(*given, **how)


class WithLoss(VisionTransformer):
    def forward(self, pixels: Any, labels: Any = None) -> Any:
        logits = super().forward(pixels)
        return logits if labels is None else (nn.functional.cross_entropy(logits, labels), logits)


@pytest.mark.parametrize(
    ("kind", "what"),
    [(Louder, "forward"), (OtherFeatures, "forward_features"), (OtherHead, "forward_head")],
)
def test_a_class_that_says_something_else_is_refused(kind: type, what: str) -> None:
    said = f"timm {kind.__name__} has its own {what} ({kind.__name__}), and says something else with it than its"
    with pytest.raises(UnsupportedModel, match=re.escape(said)):
        maps(built(kind))


def test_a_class_that_says_the_same_is_explained() -> None:
    assert torch.equal(maps(built(WithLoss)), maps(built()))


def test_what_was_set_on_a_model() -> None:
    same, other = built(), built()
    same.forward_features = types.MethodType(VisionTransformer.forward_features, same)
    assert torch.equal(maps(same), maps(built()))
    other.forward = lambda pixels: -VisionTransformer.forward(other, pixels)
    with pytest.raises(UnsupportedModel, match=r"has its own forward \(set on it\), and says something else"):
        maps(other)


def test_hooks_on_what_holds_the_blocks() -> None:
    seen, watched, changed = [], built(), built()
    watched.register_forward_hook(lambda module, given, output: seen.append(output))
    assert torch.equal(maps(watched), maps(built()))
    changed.register_forward_hook(lambda module, given, output: output + torch.arange(3))
    with pytest.raises(UnsupportedModel, match="has a forward hook, and says something else"):
        maps(changed)


def test_hooks_on_parts_take_effect() -> None:
    model = built()
    model.blocks[1].register_forward_hook(lambda module, given, output: 2 * output)
    view = whylight.wrap(model)
    assert torch.allclose(view.output(PIXELS), model(PIXELS), atol=1e-6)
    maps(model)


def test_it_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model, calls = built(WithLoss), []
    whole = VisionTransformer.forward_features
    monkeypatch.setattr(VisionTransformer, "forward_features", lambda *given, **how: calls.append(1) or whole(*given))
    view = whylight.wrap(model)
    for _ in range(3):
        whylight.relevance(view, PIXELS, [1, 1])
    assert len(calls) == 1


def write_over(part: nn.Module, method: str, change: Callable[[Any], Any]) -> None:
    """Give the part a class "Other", whose method changes what its library's gives."""
    kind = next(kind for kind in type(part).__mro__ if kind.__name__ != "Other")
    part.__class__ = type(
        "Other", (kind,), {method: lambda self, *given, **how: change(getattr(kind, method)(self, *given, **how))}
    )


def same(output: Any) -> Any:
    return output


def flipped(output: Any) -> Any:
    """The model's output with its numbers in another order."""
    for name in {"logits", "pooler_output"} & output.keys() or {"last_hidden_state"}:
        output[name] = output[name].flip(-1)
    return output


def test_openclip() -> None:
    model, pixels = clip()()
    targets = torch.ones(1, 16)
    expected = whylight.relevance(whylight.wrap(model), pixels, targets)
    write_over(model, "encode_image", lambda output: 2 * output)
    assert torch.equal(whylight.relevance(whylight.wrap(model), pixels, targets), expected), "of the same direction"
    write_over(model, "encode_image", lambda output: output.flip(1))
    with pytest.raises(UnsupportedModel, match=r"has its own encode_image \(Other\)"):
        whylight.relevance(whylight.wrap(model), pixels, targets)


@pytest.mark.parametrize("part", ["", "bert"])
def test_texts(part: str) -> None:
    transformers = pytest.importorskip("transformers")
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    torch.manual_seed(0)
    config = transformers.BertConfig(**sizes, vocab_size=40)
    model = transformers.BertForSequenceClassification(config).eval()
    words = {"input_ids": torch.tensor([[2, 7, 9, 3]]), "attention_mask": torch.ones(1, 4, dtype=torch.long)}
    expected = whylight.relevance(whylight.wrap(model), words, 1)
    write_over(model.get_submodule(part), "forward", same)
    assert torch.equal(whylight.relevance(whylight.wrap(model), words, 1), expected)
    write_over(model.get_submodule(part), "forward", flipped)
    where = r" on \.bert" if part else ""
    with pytest.raises(UnsupportedModel, match=rf"its own forward \(Other{where}\)"):
        whylight.relevance(whylight.wrap(model), words, 1)


@pytest.mark.parametrize("family", ["llava", "qwen2_5_vl", "gemma3", "smolvlm"])
@pytest.mark.parametrize("part", ["", "model"])
def test_models_that_answer_in_words(family: str, part: str) -> None:
    model, processor, _ = answering_model(family)
    write_over(model.get_submodule(part), "forward", same)
    whylight.wrap(model, processor=processor).check_ready()
    write_over(model.get_submodule(part), "forward", flipped)
    with pytest.raises(UnsupportedModel, match="its own forward"):
        whylight.wrap(model, processor=processor).check_ready()

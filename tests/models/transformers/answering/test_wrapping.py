"""Loading with its processor from a folder, and what is refused, with the reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers as hf
from zoo.answering_models import EYE, QUESTION, SIGLIP, TEXT, answering_model, rough_picture

import whylight
from whylight.models.transformers.answering.view import AnsweringView


def test_a_folder_with_its_processor(tmp_path: Path) -> None:
    model, processor, prompt = answering_model("llava", torch.float32)
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    view = whylight.load(f"hf:local-dir:{tmp_path}")
    assert isinstance(view, AnsweringView)
    picture, question = rough_picture(80, 120), prompt.format(QUESTION)
    inputs = whylight.wrap(model, processor=processor).inputs(question, [picture])
    assert torch.equal(view.inputs(question, [picture])["input_ids"], inputs["input_ids"])
    with torch.no_grad():
        expected = whylight.wrap(model, processor=processor).output(inputs)
        assert torch.allclose(view.output(inputs), expected, atol=1e-5)


REFUSED: dict[str, tuple[Any, str]] = {
    "blip2": (lambda: hf.Blip2Config(), "learned queries"),
    "mllama": (lambda: hf.MllamaConfig(), "cross-attention"),
    "idefics2": (lambda: hf.Idefics2Config(), "perceiver"),
    "pixtral": (lambda: hf.LlavaConfig(vision_config=hf.PixtralVisionConfig()), "Pixtral"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_the_reason(name: str, tmp_path: Path) -> None:
    make, reason = REFUSED[name]
    make().save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(whylight.WhylightError, match=reason):
        whylight.load(f"hf:local-dir:{tmp_path}")


def test_hidden_attention_is_refused() -> None:
    model, processor, _ = answering_model("llava", torch.float32)
    model.set_attn_implementation("eager")
    with pytest.raises(whylight.WhylightError, match=r"eager attention.*sdpa"):
        whylight.wrap(model, processor=processor)
    text = hf.Gemma2Config(**{**TEXT, "head_dim": 12}, query_pre_attn_scalar=12)
    config = hf.PaliGemmaConfig(
        vision_config=hf.SiglipVisionConfig(**SIGLIP), text_config=text, projection_dim=48, hidden_size=48
    )
    with pytest.raises(whylight.WhylightError, match="PaliGemma 2"):
        whylight.wrap(hf.PaliGemmaForConditionalGeneration(config).eval())
    assert EYE["patch_size"] == 14


def test_it_is_asked_and_not_explained() -> None:
    model, processor, _ = answering_model("llava", torch.float32)
    with pytest.raises(whylight.WhylightError, match=r"whylight\.ask"):
        whylight.explain(whylight.wrap(model, processor=processor), rough_picture(80, 120), ["a cat"])
    with pytest.raises(whylight.WhylightError, match=r"whylight\.ask"):
        whylight.explain_text(whylight.wrap(model, processor=processor), "a cat", 3)

"""Every family whose loading has a turn of its own, from a folder that ``save_pretrained`` wrote."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from zoo.swin_models import of_transformers
from zoo.transformers_models import PICTURES, TEXTS, build, own_output, pixels

import whylight
from whylight.errors import BadInput, UnsupportedModel
from whylight.models.transformers.answering.releases import OLD


def timm_wrapper() -> Any:
    small = {"img_size": 32, "patch_size": 8, "embed_dim": 24, "depth": 2, "num_heads": 3}
    config = transformers.TimmWrapperConfig(architecture="vit_tiny_patch16_224", model_args=small, num_labels=5)
    return build("TimmWrapperForImageClassification", config)


NAMES = ["siglip2", "metaclip2", "clipseg", "owlvit", "modernbert", "deberta_v3", "mpnet"]
BUILT = PICTURES | TEXTS
"""Without those whose attention the lowest transformers writes out."""
MODELS: dict[str, Callable[[], tuple[Any, Any]]] = {name: BUILT[name] for name in NAMES if name in BUILT}
MODELS |= {"swin": of_transformers, "timm wrapper": lambda: (timm_wrapper(), pixels())}


@pytest.mark.parametrize("name", MODELS)
def test_a_folder_is_the_model_that_was_saved(name: str, tmp_path: Path) -> None:
    module, inputs = MODELS[name]()
    module.float().save_pretrained(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no image processor beside it
        view = whylight.load(f"hf:local-dir:{tmp_path}")
    assert view.name == f"hf:local-dir:{tmp_path}"
    assert not view.module.training
    given = inputs.float() if isinstance(inputs, torch.Tensor) else inputs
    with torch.no_grad():
        assert (view.output(given) - own_output(module, given)).abs().max() < 1e-5


@pytest.mark.skipif(not OLD, reason="from transformers 5 on its attention can be seen")
def test_attention_that_is_written_out_before_transformers_5_is_one_line(tmp_path: Path) -> None:
    config = transformers.ElectraConfig(hidden_size=24, num_hidden_layers=1, num_attention_heads=2, vocab_size=9)
    transformers.ElectraForSequenceClassification(config).save_pretrained(tmp_path)
    with pytest.raises(
        BadInput, match=r"cannot load \S+: the installed transformers writes its attention out"
    ) as error:
        whylight.load(f"hf:local-dir:{tmp_path}")
    assert len(str(error.value).splitlines()) == 1


def test_a_folder_of_what_is_not_supported_says_why(tmp_path: Path) -> None:
    transformers.ConvNextConfig(architectures=["ConvNextForImageClassification"]).save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"not read")
    with pytest.raises(UnsupportedModel, match="ConvNextForImageClassification, which is not supported: it is made of"):
        whylight.load(f"hf:local-dir:{tmp_path}")

"""The models that oracle files hold, as views."""

from __future__ import annotations

import timm
import transformers
from open_clip.model import build_model_from_openai_state_dict
from oracle_files import Oracle, read_oracle
from torch import Tensor

from whylight.models.openclip.view import OpenClipView
from whylight.models.timm.view import TimmView
from whylight.models.transformers import wrap_transformers
from whylight.models.view import View


def timm_oracle(name: str, final_norm_eps: float = 1e-6) -> tuple[TimmView, Oracle]:
    """A timm classifier in float64."""
    oracle = read_oracle(name)
    model = timm.models.VisionTransformer(**oracle.meta["timm"]).double().eval()
    model.load_state_dict(oracle.state)
    model.norm.eps = final_norm_eps
    return TimmView(model), oracle


def openai_clip_oracle(name: str) -> tuple[OpenClipView, Oracle]:
    """A CLIP of OpenAI's architecture in float32."""
    oracle = read_oracle(name)
    model = build_model_from_openai_state_dict(dict(oracle.state)).float().eval()
    model.load_state_dict(oracle.state)  # again: building rounded the weights to half precision
    return OpenClipView(model), oracle


def bert_oracle(name: str) -> tuple[View, dict[str, Tensor], Oracle]:
    """A BERT classifier in float64 and its inputs."""
    oracle = read_oracle(name)
    config = transformers.BertConfig(**oracle.meta["bert_config"], attn_implementation="sdpa")
    model = transformers.BertForSequenceClassification(config).double().eval()
    model.load_state_dict(oracle.state, strict=False)
    view = wrap_transformers(model)
    assert view is not None
    return view, {key: oracle[key] for key in ("input_ids", "attention_mask")}, oracle

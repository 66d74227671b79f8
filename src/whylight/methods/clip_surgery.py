"""CLIP Surgery: values attend to values on a path of its own, and what all prompts have in common is taken out.

Li et al., "A Closer Look at the Explainability of Contrastive Language-Image Pre-training", arXiv 2304.05653, Pattern
Recognition 2025. The new path z' starts as a copy of the tokens z that enter the first of these layers, and skips MLPs:

    z' <- z' + W_O softmax(v vᵀ / √d) v + b,      v from the model's own, unchanged path z
    F_n = normalised output of token n: patches from z', the class token from z
    w_t = softmax over prompts t of 2 F_class · t, divided by its mean over prompts
    E_n(t) = w_t F_n · t - mean over prompts s of w_s F_n · s

and for one prompt alone E_n(t) = F_n · (t - e), with e the empty prompt. **A map depends on the prompts it is asked for
with**: several at once are not what each gives alone.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from whylight.attention import AttentionCall
from whylight.attention.call import at_least_float32
from whylight.errors import UnsupportedModel
from whylight.methods.registry import method
from whylight.models.readout_token import tokens_at
from whylight.models.targets import Targets
from whylight.models.view import Inputs, Pass, View
from whylight.passes.readout_position import readout_positions
from whylight.passes.second_path import second_path

TEMPERATURE = 2.0
"""Factor of the cosines from which prompts get their weights, as published."""


@method(
    "clip_surgery",
    summary="patch features from value-value attention, minus what all given prompts have in common",
    citation="Li et al., Pattern Recognition 2025, arXiv 2304.05653",
    gradient=False,
    company={},
)
def clip_surgery(
    view: View, inputs: Inputs, targets: Targets, *, start_layer: int = -6, empty_prompt: Tensor | None = None
) -> Tensor:
    """CLIP Surgery's similarity maps, (batch, targets, patches), of both signs. Depends on the set of targets.

    Defined for picture towers that give embeddings and read them from a class token.

    Args:
        start_layer: first layer of the new path; negative counts from the end, and models with fewer layers take all.
        empty_prompt: (dim,) embedding of the empty prompt, needed for one target. Default: ``view.encode_text([""])``.
    """
    if view.classifies:
        raise UnsupportedModel(f"{view.name} is a classifier: clip_surgery is defined for models that give embeddings")
    values = targets.embeddings("clip_surgery")
    with torch.no_grad():
        run = view.begin(inputs)
        features = F.normalize(dense_features(view, run, start_layer), dim=-1)
    prompts = F.normalize(values.to(features), dim=-1).expand(len(features), -1, -1)
    similarity = torch.einsum("bnd,btd->btn", features, prompts)
    if len(targets) == 1:
        empty = view.encode_text([""]) if empty_prompt is None else empty_prompt
        empty = F.normalize(empty.detach().to(features).reshape(-1), dim=-1)
        return similarity[..., 1:] - (features @ empty)[:, None, 1:]
    weights = (TEMPERATURE * similarity[..., :1]).softmax(1)
    weighted = similarity[..., 1:] * weights / weights.mean(1, keepdim=True)
    return weighted - weighted.mean(1, keepdim=True)


def dense_features(view: View, run: Pass, start_layer: int) -> Tensor:
    """An output for the class token and for every patch, (batch, 1 + patches, dim), at least float32.

    Raises:
        BadInput: there is no such layer.
        UnsupportedModel: the model has no class token that it reads.
    """
    rows = readout_positions(view, run, "clip_surgery")
    tokens, path = second_path(view, run, start_layer, _value_attention, "clip_surgery")
    both = torch.cat([tokens_at(tokens, rows)[:, None], path[:, run.prefix :]], dim=1)
    return at_least_float32(run.head(both.flatten(0, 1)).unflatten(0, both.shape[:2]))


def _value_attention(call: AttentionCall, read: Tensor) -> Tensor:
    """softmax(v vᵀ · scale) v, (batch, heads, tokens, head width)."""
    return F.scaled_dot_product_attention(call.value, call.value, call.value, scale=call.scale)

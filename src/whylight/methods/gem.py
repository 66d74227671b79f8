"""GEM: patches gathered by self-self attention on a path of their own, compared with the prompt.

Bousselham et al., "Grounding Everything: Emerging Localization Properties in Vision-Language Transformers",
arXiv 2312.00878, CVPR 2024. In the last blocks a second path z', which starts as a copy of the tokens z, skips MLPs.
With u = norm(z) of the model's own path, q, k, v its projections, and β = mean over tokens of |u| / √(head width),

    for p in q, k, v:   n times  p <- softmax(β p̂ p̂ᵀ) p̂  with p̂ = p / |p|,   then  O_p = softmax(β p̂ p̂ᵀ) v
    z' <- z' + W_O (O_q + O_k + O_v) / 3 + b
    E_n = cosine of the output for patch n of z' with the prompt; of any other target, its score of that output
"""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from whylight.attention import AttentionCall
from whylight.attention.call import at_least_float32
from whylight.errors import BadInput, UnsupportedModel
from whylight.methods.registry import method
from whylight.models.targets import Targets
from whylight.models.view import Inputs, View
from whylight.passes.patch_outputs import patch_outputs
from whylight.passes.second_path import second_path


@method(
    "gem",
    summary="cosine of the prompt with patches that self-self attention has gathered, on a path without MLPs",
    citation="Bousselham et al., CVPR 2024, arXiv 2312.00878",
    gradient=False,
)
def gem(view: View, inputs: Inputs, targets: Targets, *, iterations: int = 1, start_layer: int = -6) -> Tensor:
    """GEM's similarity maps, (batch, targets, patches), in [-1, 1].

    Defined for picture towers that give embeddings. Attention-pooled towers: what the pooler makes of a patch alone.

    Args:
        iterations: how often queries, keys and values are gathered before they weigh the values, 0 or more. The
            published code's default is 1, the paper speaks of 2.
        start_layer: first block of the second path; negative counts from the end; models with fewer layers take all.
    """
    if iterations < 0:
        raise BadInput(f"gem: iterations must not be negative, but are {iterations}")
    if view.classifies:
        raise UnsupportedModel(f"{view.name} is a classifier: gem is defined for models that give embeddings")
    with torch.no_grad():
        run = view.begin(inputs)
        _, path = second_path(view, run, start_layer, partial(_gathered, iterations), "gem")
        features = patch_outputs(run, path[:, run.prefix :])
        return targets.scores(features).transpose(1, 2)


def _gathered(iterations: int, call: AttentionCall, read: Tensor) -> Tensor:
    """(O_q + O_k + O_v) / 3, (batch, heads, tokens, head width)."""
    value = at_least_float32(call.value)
    beta = at_least_float32(read).norm(dim=-1).mean(-1)[:, None, None, None] / value.shape[-1] ** 0.5
    total = torch.zeros_like(value)
    for p in (call.query, call.key, call.value):
        p = F.normalize(at_least_float32(p), dim=-1)
        for _ in range(iterations):
            p = F.normalize(F.scaled_dot_product_attention(beta * p, p, p, scale=1.0), dim=-1)
        total += F.scaled_dot_product_attention(beta * p, p, value, scale=1.0)
    return total / 3

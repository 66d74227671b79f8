"""TextSpan's heat map: what each patch adds to the output, in the direction of the target.

Gandelsman et al., "Interpreting CLIP's Image Representation via Text-Based Decomposition", ICLR 2024, section 5.1:

    R_j = Σ_layers Σ_heads c_j,l,h · t,      c_j,l,h = J (a_l,h[j] v_l,h[j] W_l,h)  + constants

with c the split of the L2-normalised embedding (or of the logits) and t the target.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from whylight.attention.call import at_least_float32
from whylight.errors import BadInput
from whylight.methods.decomposition.split import split_output
from whylight.methods.registry import method
from whylight.models.targets import Targets
from whylight.models.view import Inputs, View
from whylight.passes.sharing import shared

Contrast = Literal["targets", "classes"]


@method(
    "decomposition",
    summary="each patch's exact share in the output, summed over heads and layers, in the direction of the target",
    citation="Gandelsman et al., ICLR 2024, arXiv 2310.05916 (TextSpan)",
    libra=False,
    company={"contrast": "targets"},
)
def decomposition(
    view: View,
    inputs: Inputs,
    targets: Targets,
    *,
    heads: Sequence[int] | int | None = None,
    layers: Sequence[int] | int | None = None,
    contrast: Contrast | Tensor | None = None,
) -> Tensor:
    """What patches add to target · output, (batch, targets, patches), of both signs.

    Defined for models that read their output from one token. Embeddings are split after L2 normalisation.

    Args:
        heads, layers: only these; layers may count from the end. Default: all.
        contrast: subtract the mean contribution to other directions: "targets" (all those given: the published heat map
            with all classes; a target then depends on its company), "classes" (all classes of a classifier), or
            (others, dim) embeddings.
    """
    split = shared(view, inputs, ("split",), lambda: split_output(view, inputs))
    chosen_layers = _chosen(layers, len(split.attentions), "layers")
    chosen_heads = _chosen(heads, split.attentions[0].values.shape[1], "heads")
    directions = split.directions(_directions(view, targets, split.readout.output, contrast))
    total = torch.zeros((), device=split.scale.device)
    for layer in chosen_layers:
        total = total + split.attention(layer, directions)[:, :, chosen_heads].sum(2)
    return total.transpose(1, 2)[..., split.prefix :]


def _chosen(option: Sequence[int] | int | None, count: int, name: str) -> list[int]:
    if option is None:
        return list(range(count))
    given = [option] if isinstance(option, int) else list(option)
    if not given or not all(-count <= index < count for index in given):
        raise BadInput(f"{name}={option}: the model has {count} {name}, numbered from 0")
    return [index % count for index in given]


def _directions(view: View, targets: Targets, output: Tensor, contrast: Contrast | Tensor | None) -> Tensor:
    """(batch, targets, dim) in the output."""
    dim = output.shape[-1]
    plain, weights = targets.terms("decomposition")
    values = weights.to(at_least_float32(output)) @ plain.directions(at_least_float32(output))
    if contrast is None:
        return values
    if isinstance(contrast, Tensor):
        if contrast.shape[-1] != dim:
            raise BadInput(f"contrast has {contrast.shape[-1]} dimensions, the model's output {dim}")
        return values - contrast.to(values).reshape(-1, dim).mean(0)
    if contrast == "classes":
        if not view.classifies:
            raise BadInput('contrast="classes" is for classifiers: give contrast="targets" or other embeddings')
        return values - 1 / dim
    return values - values.mean(-2, keepdim=True)

"""Integrated gradients, through captum.

Sundararajan et al., "Axiomatic Attribution for Deep Networks", arXiv 1703.01365, ICML 2017:

    attribution = (x - x₀) * integral over α from 0 to 1 of ∂logit/∂x at x₀ + α (x - x₀),    x₀ = 0
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor

from whylight.errors import BadInput, MissingExtra
from whylight.methods.registry import MOST_STEPS, method
from whylight.models.targets import Targets
from whylight.models.view import Inputs, View
from whylight.passes.layers import run_blocks

Quadrature = Literal["gausslegendre", "riemann_left", "riemann_right", "riemann_middle", "riemann_trapezoid"]


@method(
    "integrated_gradients",
    summary="input times its gradient, averaged on the way from a zero input, summed over channels",
    citation="Sundararajan et al., ICML 2017, arXiv 1703.01365, through captum",
    windows=True,
)
def integrated_gradients(
    view: View, inputs: Inputs, targets: Targets, *, steps: int = 20, quadrature: Quadrature = "gausslegendre"
) -> Tensor:
    """Integrated gradients per pixel, (batch, targets, H, W), signed; for texts per token, at the embedded tokens.

    Summed over pixels (with prefix tokens: over tokens) they are the logit minus the logit of the zero input, up to the
    error of the quadrature.

    Args:
        steps: points of the quadrature. Each is one forward and backward pass per target, of the batch as given.
        quadrature: as captum names them. Its trapezoid rule comes out a share 1/steps too small.

    Raises:
        MissingExtra: captum is not installed.
    """
    if not 2 <= steps <= MOST_STEPS:
        raise BadInput(f"steps must be 2 to {MOST_STEPS:,}, not {steps}")
    integrate = _captum()
    pictures = isinstance(inputs, Tensor)
    run = view.begin(inputs)
    explained = inputs if isinstance(inputs, Tensor) else run.tokens

    def logits(points: Tensor) -> Tensor:
        way = view.begin(points) if pictures else run
        return targets.logits(view, way.readout(run_blocks(way, way.tokens if pictures else points)))

    maps = []
    for target in range(len(targets)):
        attribution = integrate(logits).attribute(
            explained.detach().clone(),
            target=target,
            n_steps=steps,
            method=quadrature,
            internal_batch_size=len(explained),  # one step at a time: every call is the whole batch, in order
        )
        maps.append(attribution.detach().sum(1 if pictures else 2))
    return torch.stack(maps, dim=1)


def _captum() -> Any:
    try:
        from captum.attr import IntegratedGradients
    except ImportError:
        raise MissingExtra("captum", "captum") from None
    return IntegratedGradients

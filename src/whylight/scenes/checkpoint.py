"""What a training is written as and goes on from; and how the second model begins where the first ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn

from whylight.runs.files import write_file, written_aside
from whylight.scenes.plan import Plan


def save_checkpoint(path: Path, plan: Plan, step: int, learner: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Write the state after so many steps."""
    state: dict[str, Any] = {"step": step, "plan": repr(plan)}
    state |= {"learner": learner.state_dict(), "optimiser": optimizer.state_dict()}
    with written_aside(path) as file:
        torch.save(state, file)


def resume(path: Path, plan: Plan, learner: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    """Put learner and optimiser into the state that was written; the number of steps done.

    Raises:
        SystemExit: it was begun with another plan.
    """
    state = torch.load(path, weights_only=True)
    if state["plan"] != repr(plan):
        raise SystemExit(f"{path} was begun with another plan; remove it or choose another --out")
    learner.load_state_dict(state["learner"])
    optimizer.load_state_dict(state["optimiser"])
    step: int = state["step"]
    return step


def save_weights(path: Path, model: nn.Module) -> None:
    """Write the weights in half precision."""
    write_file(path, save({key: value.half().contiguous() for key, value in model.state_dict().items()}))


def start_from(model: Any, weights: dict[str, Tensor]) -> None:
    """Give ``scenes-siglip`` the patch embedding, positions, blocks, last norm and text tower of ``scenes``."""
    renamed = {"visual.trunk.pos_embed": weights["visual.positional_embedding"][None, 1:]}
    renamed["visual.trunk.patch_embed.proj.weight"] = weights["visual.conv1.weight"]
    pairs = {"ln_1": "norm1", "ln_2": "norm2", "attn.in_proj_": "attn.qkv.", "attn.out_proj": "attn.proj"}
    pairs |= {"mlp.c_fc": "mlp.fc1", "mlp.c_proj": "mlp.fc2", "visual.transformer.resblocks": "visual.trunk.blocks"}
    pairs |= {"visual.ln_post": "visual.trunk.norm"}
    for key, value in weights.items():
        if key.startswith(("visual.transformer", "visual.ln_post")):
            for old, new in pairs.items():
                key = key.replace(old, new)
            renamed[key] = value
        elif not key.startswith(("visual", "logit")):
            renamed[f"text.{key}"] = value
    _, unexpected = model.load_state_dict({key: value.float() for key, value in renamed.items()}, strict=False)
    assert not unexpected, unexpected
    with torch.no_grad():
        model.visual.trunk.patch_embed.proj.bias.zero_()

"""A forward pass that somebody wrote over. A view goes through the blocks by itself and calls none of the parts that
hold them: what the class of such a part, a hook on it, or an attribute set on it adds would be left out silently."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from whylight.errors import UnsupportedModel

_LIBRARIES = ("open_clip", "timm", "torchvision", "transformers")
_LISTS = ("blocks", "layer", "layers", "resblocks")
_PASSED_OVER = ("forward", "forward_features", "forward_head", "pool", "encode_image", "get_image_features")
_SET_BY_ACCELERATE = ("_hf_hook", "_original_forward")
_IDS = tuple(range(5, 13))


def check_own_forward(view: Any) -> None:
    """Hold a view against its model once, where somebody wrote over a forward pass: one noise picture, or a few tokens.

    Args:
        view: a :class:`whylight.models.view.View`, whose file has this one.

    Raises:
        UnsupportedModel: the model says something else than its blocks and head do.
    """
    found = next(_written_over(view.module), None)
    if found is None or not (view.classifies or view.preprocessing):
        return
    with torch.no_grad():
        inputs = view.place(_sample(view))
        own = _outputs(view, inputs)
        if _agree(view, view.output(inputs), own) and (view.pooling == "attention" or _head_agrees(view, inputs)):
            return
    raise UnsupportedModel(
        f"{view.name} has {found}, and says something else with it than its blocks and its head do, which are all that "
        "a map would be of: move what it adds into a part of the model (patch embedding, block, head), or take it out"
    )


def _written_over(module: nn.Module) -> Iterator[str]:
    """What was written over in the parts that hold blocks, in words."""
    for path, part in _holders(module):
        where = f" on .{path}" if path else ""
        kinds = type(part).__mro__
        ours = [kind for kind in kinds if kind.__module__.partition(".")[0] in _LIBRARIES]
        for method in _PASSED_OVER:
            kind = next((kind for kind in kinds if method in vars(kind)), nn.Module)
            if kind is not nn.Module and kind not in ours and any(hasattr(base, method) for base in ours):
                yield f"its own {method} ({kind.__name__}{where})"
            elif method in vars(part) and not any(name in vars(part) for name in _SET_BY_ACCELERATE):
                yield f"its own {method} (set{where or ' on it'})"
        if part._forward_hooks or part._forward_pre_hooks:
            yield f"a forward hook{where}"


def _holders(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The parts that hold the list of blocks, from the outside in; of blocks that hold lists again the outer counts."""
    lists: list[str] = []
    for path, part in module.named_modules():
        within = any(path.startswith(f"{outer}.") for outer in lists)
        if isinstance(part, (nn.ModuleList, nn.Sequential)) and path.rpartition(".")[2] in _LISTS and not within:
            lists.append(path)
    steps = {path[:at] for path in lists for at, sign in enumerate(path) if sign == "."} | ({""} if lists else set())
    for path in sorted(steps):
        yield path, module.get_submodule(path)


def _sample(view: Any) -> Tensor | dict[str, Tensor]:
    if view.preprocessing is None:
        picture = getattr(getattr(view.module, "config", None), "image_token_id", None)
        ids = torch.tensor([[number for number in _IDS if number != picture]])
        return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    noise = torch.Generator().manual_seed(0)
    return torch.randn(1, view.channels, *view.preprocessing.size, generator=noise)


def _outputs(view: Any, inputs: Any) -> list[Tensor]:
    """What the model itself gives, if it can be called like this."""
    calls = () if view.classifies else ("get_image_features", "encode_image")
    call: Any = next((getattr(view.module, name) for name in calls if hasattr(view.module, name)), view.module)
    try:
        given = call(**inputs) if isinstance(inputs, Mapping) else call(inputs)
    except Exception:  # it wants more than inputs
        return []
    if isinstance(given, Mapping):
        given = tuple(given.values())
    found = [each for each in (given if isinstance(given, (tuple, list)) else [given]) if isinstance(each, Tensor)]
    return [each[:, -1] if each.dim() == 3 else each for each in found]  # of words the one that follows


def _head_agrees(view: Any, inputs: Any) -> bool:
    """Whether tokens that are all the same are read as one of them is; the pooling, whatever it is, plays no part."""
    run = view.begin(inputs)
    token = run.tokens[:, -1:]
    return _agree(view, run.readout(token.expand_as(run.tokens)), [run.head(token[:, 0])])


def _agree(view: Any, expected: Tensor, found: list[Tensor]) -> bool:
    """Whether one is the same but for rounding; of an embedding only the direction counts."""
    rounding = 1e-3 if view.parameter.dtype in (torch.float32, torch.float64) else 3e-2
    same = [each for each in found if each.shape == expected.shape]
    vectors = [each.float() if view.classifies else F.normalize(each.float(), dim=-1) for each in (expected, *same)]
    return any(bool(torch.dist(vectors[0], each) <= rounding * each.norm()) for each in vectors[1:])

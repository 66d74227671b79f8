"""How large a tensor a computation makes."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter


class LargestTensor(TorchDispatchMode):
    """Remembers the most elements that any operation's result stands on, and the most bytes."""

    elements = 0
    size = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in tree_iter(result):
            if isinstance(tensor, Tensor):
                size = tensor.untyped_storage().nbytes()
                self.size = max(self.size, size)
                self.elements = max(self.elements, size // tensor.element_size())
        return result

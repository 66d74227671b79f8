"""Prompts that were encoded before are not encoded again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from whylight.models.view import View
from whylight.models.weights import stamp

PROMPTS = 1000
"""How many prompts are remembered; the one that was asked longest ago goes first."""


class PromptMemory:
    """The embeddings of a view's last prompts, as long as its weights stay what they are. Threads may share it."""

    def __init__(self, view: View) -> None:
        self.view = view
        self._lock = threading.Lock()
        self._stamp = stamp(view.module.parameters())
        self._known: OrderedDict[str, Tensor] = OrderedDict()

    def encode(self, prompts: Sequence[str]) -> Tensor:
        """What ``view.encode_text`` gives, (prompts, dim)."""
        now = stamp(self.view.module.parameters())
        with self._lock:
            if now != self._stamp:
                self._known.clear()
                self._stamp = now
            found = {prompt: self._known[prompt] for prompt in prompts if prompt in self._known}
        missing = [prompt for prompt in dict.fromkeys(prompts) if prompt not in found]
        if missing:
            found.update(zip(missing, self.view.encode_text(missing).unbind(), strict=True))
        with self._lock:
            if now == self._stamp:
                self._remember({prompt: found[prompt] for prompt in prompts})
        return torch.stack([found[prompt] for prompt in prompts])

    def _remember(self, embeddings: Mapping[str, Tensor]) -> None:
        for prompt, embedding in embeddings.items():
            self._known[prompt] = embedding
            self._known.move_to_end(prompt)
        while len(self._known) > PROMPTS:
            self._known.popitem(last=False)

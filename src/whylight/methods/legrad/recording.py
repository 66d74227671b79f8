"""LeGrad of one input for prompts that come later: the blocks run once, each prompt costs what it adds.

Where the closed form holds, what :mod:`whylight.methods.legrad.prepared` needs of each layer is kept: the MLP's
slopes, the values, and two tensors as large as the tokens. Where it is known beforehand that few targets will be asked,
nothing is prepared: one or two cost less so. Everywhere else the graph of each block, or of the attentional pooler at
each block, stays: a later prompt is one backward pass through it. Either way the encoder does not run again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import cached_property, reduce

import torch
from torch import Tensor

from whylight.errors import BadInput
from whylight.methods.legrad.autograd import GraphLayer, Readout, TokenPooling, graph_layers
from whylight.methods.legrad.driving import recorded_layers
from whylight.methods.legrad.layer_sum import Layer, parts_of_layers
from whylight.methods.legrad.legrad import (
    Road,
    closed_form_blocks,
    corrected,
    pooling_weights,
    published_pooling,
    published_score,
)
from whylight.methods.legrad.prepared import prepared_for, prepared_layers
from whylight.models.targets import Score, Targets, TargetsLike, as_targets
from whylight.models.view import Inputs, View
from whylight.models.weights import stamp
from whylight.passes.layers import layer_index
from whylight.propagation.libra import libra_gradients

RECORDED = ("pooling", "readout", "libra", "road")
"""LeGrad's options that are chosen when recording; its others are chosen for each question."""

FEW = 2
"""So many targets take five products with the tokens each; more take five and then four each, of what is prepared."""


class LegradRecording:
    """What later targets need of one batch of inputs; from :func:`whylight.methods.record_legrad`.

    Attributes:
        output: the model's own, (batch, dim).
        nbytes: what is held of the inputs, in bytes; neither the model nor what is prepared of its weights.
    """

    def __init__(
        self,
        view: View,
        inputs: Inputs,
        device: torch.device,
        *,
        pooling: TokenPooling | None = None,
        readout: Readout = "published",
        libra: bool = False,
        road: Road | None = None,
        targets: int | None = None,
    ) -> None:
        self._view, self._device, self._libra = view, device, libra
        self._weights_stamp = stamp(view.module.parameters())
        with _gradients(libra):
            run = view.begin(inputs)
            pooling = pooling or published_pooling(view)
            self._head, self._prefix, self._batch = run.head, run.prefix, len(run.tokens)
            self._default_score = published_score(run, readout)
            last_tokens: list[Tensor] = []

            def last_block(tokens: Tensor) -> Tensor:
                last_tokens.append(run.blocks[-1](tokens))
                return last_tokens[0]

            driven = replace(run, blocks=[*run.blocks[:-1], last_block])
            anatomy = closed_form_blocks(view, run, pooling, road)
            self._shares = run.tokens.new_empty(0) if anatomy is None else pooling_weights(run, pooling)
            self._closed: list[Layer] = []
            self._graphs: list[GraphLayer] = []
            if anatomy is not None:
                layers = recorded_layers(view, driven, anatomy, first=0, weights=self._shares, output=True)
                if targets is not None and targets <= FEW:
                    self._closed = [layer.kept() for layer in layers]
                else:
                    prepared = prepared_for(view, anatomy)
                    self._closed = list(prepared_layers(layers, prepared, self._shares, keep=targets is None))
            else:
                layers_with_graphs = graph_layers(view, driven, first=0, pooling=pooling, readout=readout)
                self._graphs = [layer.kept() for layer in layers_with_graphs]
            with torch.no_grad():
                self.output = run.readout(last_tokens[0].detach())
        held = [tensor for closed in self._closed for tensor in closed.tensors()]
        held += [tensor for graph in self._graphs for tensor in graph.tensors()]
        of_model = (*view.module.parameters(), *view.module.buffers())
        self.nbytes = held_bytes((self.output, self._shares, *held), but=of_model)

    def relevance(
        self,
        targets: TargetsLike,
        *,
        start_layer: int = 0,
        score: Score | None = None,
        centered: bool = False,
        empty_prompt_correction: bool = False,
    ) -> Tensor:
        """What :func:`whylight.relevance` gives for the same inputs: (batch, targets, patches), detached.

        Any number of threads may ask at once.

        Raises:
            BadInput: targets or options that do not fit, or weights of the model that have changed since.
        """
        self.check_weights()
        with torch.inference_mode(False), torch.enable_grad(), _gradients(self._libra):
            asked = as_targets(self._view, targets, self._batch)

            def ask(some: Targets) -> Tensor:
                return self._ask(some, start_layer, score or self._default_score, centered)

            if empty_prompt_correction:
                result = corrected(self._view, asked, ask, lambda: self._empty_prompt)
            else:
                result = ask(asked)
        return result.detach().to(self._device)

    def relevance_by_layer(self, targets: TargetsLike, *, score: Score | None = None, centered: bool = False) -> Tensor:
        """What each layer adds: (batch, layers, targets, patches); the sum over layers is :meth:`relevance`.

        Raises:
            BadInput: as :meth:`relevance` does.
        """
        self.check_weights()
        with torch.inference_mode(False), torch.enable_grad(), _gradients(self._libra):
            asked = as_targets(self._view, targets, self._batch)
            parts = list(self._parts(asked, 0, score or self._default_score, centered))
        return torch.stack(parts, dim=1).detach().to(self._device)

    def _ask(self, targets: Targets, start_layer: int, score: Score, centered: bool) -> Tensor:
        return reduce(Tensor.add_, self._parts(targets, start_layer, score, centered))

    def _parts(self, targets: Targets, start_layer: int, score: Score, centered: bool) -> Iterator[Tensor]:
        """E_l of one layer after the other, (batch, targets, patches)."""
        first = layer_index(start_layer, len(self._closed or self._graphs))
        if not self._closed:
            yield from (layer.relevance(targets, score, centered=centered) for layer in self._graphs[first:])
            return
        for part in parts_of_layers(
            [[*self._closed[first:]]], self._head, targets, score=score, weights=self._shares, centered=centered
        ):
            yield part.transpose(0, 1)[..., self._prefix :]

    @cached_property
    def _empty_prompt(self) -> Tensor:
        return self._view.encode_text([""])

    def check_weights(self) -> None:
        """Refuse to answer for a model that is no longer the one that was recorded."""
        if stamp(self._view.module.parameters()) != self._weights_stamp:
            raise BadInput(f"the weights of {self._view.name} have changed since the recording: record again")


def _gradients(libra: bool) -> AbstractContextManager[None]:
    return libra_gradients() if libra else nullcontext()


def held_bytes(tensors: Iterable[Tensor], but: Iterable[Tensor] = ()) -> int:
    """Bytes that tensors lie in, shared memory once, other tensors' memory not at all."""
    storages = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in tensors}
    for other in but:
        storages.pop(other.untyped_storage().data_ptr(), None)
    return sum(storages.values())

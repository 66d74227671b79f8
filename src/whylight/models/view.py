"""What every method sees of a model: embed, blocks and readout, and how a text or class becomes a target."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor, nn

from whylight.errors import BadInput, UnsupportedModel
from whylight.models.own_forward import check_own_forward
from whylight.models.pre_norm import PreNormBlock
from whylight.models.preprocessing import Preprocessing
from whylight.models.scores import ScoreName, Scores, usual_scores

Inputs = Tensor | Mapping[str, Tensor]
"""Pixels (batch, 3, H, W), or for text a mapping with input_ids and attention_mask (batch, tokens)."""

Block = Callable[[Tensor], Tensor]
Pooling = Literal["class_token", "mean", "attention"]


@dataclass(frozen=True)
class AttentionPool:
    """An attentional pooler (SigLIP, CoCa): learned queries that read all tokens, as a way from tokens to output.

    Attributes:
        published: tokens (batch, tokens, width) to output as LeGrad's published code computes it: without the final
            norm (SigLIP), without ``ln_post`` (CoCa).
        model: the same as the model itself computes it.
        rows: the pooler's queries that the output is read from.
        normalized: whether the published score L2-normalises the output (SigLIP yes, CoCa no).
        prefix: how many of the tokens it reads stand before the patches (CoCa reads the class token too, timm's pooler
            normally patches only).
    """

    published: Block
    model: Block
    rows: slice
    normalized: bool = True
    prefix: int = 0


@dataclass(frozen=True)
class Pass:
    """One input on its way through a model: everything that depends on the input.

    ``readout`` of the tokens after all ``blocks`` is the model's own output.

    Attributes:
        tokens: what enters the first block, (batch, tokens, width).
        blocks: each takes and returns tokens (batch, tokens, width).
        readout: tokens to the model's output, (batch, dim): an embedding before normalisation, or logits.
        head: one pooled vector per input (batch, width) to an output (batch, dim), through the model's final norm and
            projection or classifier.
        prefix: how many tokens stand before the patches (class token, distillation token, registers).
        grid: rows and columns of patches; None for text.
        mask: (batch, tokens), True for real tokens; None where all are.
        attention_pool: the pooler, where the model has one.
        readout_row: (batch,) index of the token that the output is read from: 0 for a class token, the end-of-text
            position or the last one for text towers; None where the model pools by mean or attention.
    """

    tokens: Tensor
    blocks: Sequence[Block]
    readout: Block
    head: Block
    prefix: int
    grid: tuple[int, int] | None
    mask: Tensor | None = None
    attention_pool: AttentionPool | None = None
    readout_row: Tensor | None = None


class View(ABC):
    """A model of one family, untouched, seen as embed, blocks and readout. Holds nothing but the model.

    Attributes:
        module: the model.
        family: "openclip", "timm", "torchvision" or "transformers".
        name: what to call the model in results.
        pooling: how the model itself pools: "class_token", "mean" (of patches or of all tokens) or "attention".
        classifies: the output holds logits of classes (targets are class indices), not an embedding.
        preprocessing: how a picture becomes pixels; None for text.
        windowed: attends in windows and merges its patches on the way, so that no map is over one grid from block to
            block (Swin): methods that read attention do not apply.
        front_door: what asks it, where it reads no pictures of its own.
        record: :func:`whylight.record` as a method; the front door puts it here (:mod:`whylight.pictures.session`).
    """

    record: Callable[..., Any]
    _scores: Scores | None = None
    _held = False
    module: nn.Module
    family: str
    name: str
    pooling: Pooling
    classifies: bool
    preprocessing: Preprocessing | None
    windowed: bool = False
    front_door: str = "whylight.explain_text"

    @abstractmethod
    def begin(self, inputs: Inputs) -> Pass:
        """Embed the inputs: (batch, 3, H, W) pixels in the model's dtype and on its device (see :meth:`place`).

        Any size: positions are interpolated for this pass only, as the model's library does it. Sides that are no
        multiple of the patch (other than the model's own size) are resized to the nearest multiple.
        """

    @property
    def parameter(self) -> Tensor:
        """A parameter whose device and dtype the inputs need."""
        return next(self.module.parameters())

    @property
    def channels(self) -> int:
        """Of the pictures that the model reads: 3 (RGB), 1 (grey), or any other number."""
        return 3

    @property
    def logit_scale(self) -> Tensor | float:
        """Factor from cosine to logit (dual encoders), already exponentiated; 1 elsewhere."""
        return 1.0

    @property
    def logit_bias(self) -> Tensor | float:
        """What is added to the scaled cosine (SigLIP); 0 elsewhere."""
        return 0.0

    @property
    def class_count(self) -> int | None:
        """How many classes there are, where the model classifies."""
        return None

    @property
    def scores(self) -> Scores:
        """What a classifier's logits become: "softmax" (one class of many), "sigmoid" (labels that each hold or not),
        or "raw" (values); as the model says, unless it is set."""
        return self._scores or usual_scores(self.class_count)

    @scores.setter
    def scores(self, scores: Scores) -> None:
        self._scores = scores

    @property
    def score_name(self) -> ScoreName:
        """What to call a score of a plain target: "cosine" (dual encoders), "probability", or "value"."""
        return "cosine" if not self.classifies else "value" if self.scores == "raw" else "probability"

    @property
    def class_names(self) -> list[str] | None:
        """Names of the classes in the order of the logits, where the model knows them."""
        return None

    def pre_norm_blocks(self) -> list[PreNormBlock] | None:
        """The parts of every block, where all blocks are plain pre-norm blocks; None elsewhere."""
        return None

    def encode_text(self, prompts: Sequence[str]) -> Tensor:
        """Prompts to target embeddings, (prompts, dim), L2-normalised.

        Raises:
            BadInput: the model has no text tower, or no tokenizer is known for it.
        """
        raise BadInput(f"{self.name} has no text tower: give class names, class indices or embeddings, not prompts")

    @property
    def text(self) -> View:
        """The text tower of a dual encoder as a view of its own, whose targets are picture embeddings.

        Raises:
            BadInput: the model has no text tower.
        """
        raise BadInput(f"{self.name} has no text tower")

    def unknown_words(self, prompt: str) -> list[str]:
        """Words of the prompt that the model has never seen, where its vocabulary is that small."""
        return []

    def place(self, inputs: Inputs) -> Inputs:
        """The inputs on the model's device, floating ones in its dtype."""
        like = self.parameter
        if isinstance(inputs, Tensor):
            return inputs.to(like.device, like.dtype)
        return {name: value.to(like.device) for name, value in inputs.items()}

    def output(self, inputs: Inputs) -> Tensor:
        """The model's own output by way of embed, blocks, readout: (batch, dim)."""
        run = self.begin(self.place(inputs))
        tokens = run.tokens
        for block in run.blocks:
            tokens = block(tokens)
        return run.readout(tokens)

    def integer_layer(self) -> str | None:
        """The name of a layer that was quantised to integers, where there is one: no gradient goes through it."""
        quantized = ("torch.ao.nn.quantized", "torch.nn.quantized")
        layers = self.module.named_modules()
        return next((str(name) for name, module in layers if type(module).__module__.startswith(quantized)), None)

    def check_ready(self) -> None:
        """Refuse a model in training mode, whose dropout would make every map another, and one without its weights.

        Raises:
            UnsupportedModel: in training mode, with weights on the meta device or in 8-bit floats, with parameters made
                under ``torch.inference_mode``, or with a forward pass of its own that says something else.
        """
        for name, weight in self.module.named_parameters():
            if weight.is_meta:
                raise UnsupportedModel(
                    f"{self.name} has no values for {name} (it is on the meta device): load it whole"
                )
            if weight.is_floating_point() and weight.itemsize == 1:
                raise UnsupportedModel(f"{self.name} has {name} in {weight.dtype}: convert it, model.float()")
        for name, part in self.module.named_modules():
            if part.training and (part is self.module or _heeds_training(part)):
                where = f" in its part .{name}" if name and not self.module.training else ""
                raise UnsupportedModel(f"{self.name} is in training mode{where}: call model.eval() first")
        if self.parameter.is_inference():
            raise UnsupportedModel(
                f"{self.name} was created under torch.inference_mode, so no gradient can be asked of it: "
                "create it outside"
            )
        if not self._held:
            check_own_forward(self)
            self._held = True


def _heeds_training(part: nn.Module) -> bool:
    """Whether a part may compute something else in training mode: any but torch's own that never look at it.

    A new head is in training mode until someone says otherwise, and so is a layer that was quantised.
    """
    if not type(part).__module__.startswith(("torch.nn.modules.", "torch.ao.nn.")):
        return True
    heeding = ("dropout", "batchnorm", "instancenorm", "rrelu", "multihead", "transformer", "rnn", "lstm", "gru")
    return any(word in kind.__name__.lower() for kind in type(part).__mro__ for word in heeding)

"""Train the bundled models: ``python -m whylight.scenes.train --out DIR [--model scenes|scenes-siglip]``.

Pictures are drawn ahead into ``DIR/album``; ``DIR/<model>.pt`` holds everything needed to go on, so that a run that was
stopped at any time is continued by the same command and ends with the same weights; ``DIR/<model>.safetensors`` is the
result. ``scenes`` is trained from nothing. ``scenes-siglip`` starts from the blocks and the text tower of
``DIR/scenes.safetensors`` and is trained more briefly.

The signal (``lessons.py``) is captions only: a contrastive loss over whole captions, each with altered ones that are
false, and a pairwise sigmoid loss over pictures x all phrases, which are known to be true or false. Phrases are asked
of the model's own embedding and of the mean over its tokens. Training begins with few objects and small pictures.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from whylight.scenes.album import Album
from whylight.scenes.architecture import ModelName, build, configuration
from whylight.scenes.encoding import encode_pictures, encode_texts
from whylight.scenes.lessons import Phrases, captions
from whylight.scenes.vocabulary import SceneTokenizer


@dataclass(frozen=True)
class Plan:
    """How a model is trained. ``small`` is the share of steps at 64 px; the rest is at 96 px."""

    steps: int
    small: float
    batch: int = 64
    rate: float = 1e-3
    altered: int = 1
    scenes: int = 80_000
    warm_up: int = 100
    seed: int = 0
    few: bool = True


PLANS: dict[ModelName, Plan] = {
    "scenes": Plan(steps=2400, small=0.6),
    "scenes-siglip": Plan(steps=600, small=0.0, rate=6e-4, seed=1, few=False),
}


class Learner(nn.Module):
    """A model, and the scales and biases of the losses that are not part of it."""

    def __init__(self, name: ModelName) -> None:
        super().__init__()
        self.model = build(name)
        self.phrase_scale = nn.Parameter(torch.tensor(math.log(12.0)))
        self.phrase_bias = nn.Parameter(torch.tensor(-5.0))

    def loss(self, pixels: Tensor, phrases: Tensor, truth: Tensor, said: Tensor) -> tuple[Tensor, dict[str, float]]:
        """The loss of a batch, and its parts.

        Args:
            pixels: (batch, 3, H, W), normalised.
            phrases: (phrases, words) tokens, and ``truth`` (batch, phrases), 0 or 1.
            said: (batch x (1 + altered), words) tokens: all true captions, then the altered ones.
        """
        own, mean = encode_pictures(self.model, pixels)
        named, texts = encode_texts(self.model, phrases), encode_texts(self.model, said)
        scale = self.phrase_scale.exp()
        parts = [
            F.binary_cross_entropy_with_logits(scale * picture @ named.T + self.phrase_bias, truth, reduction="sum")
            / (10 * len(pixels))
            for picture in (own, mean)
        ]
        contrast = self._contrast(own @ texts.T)
        loss = parts[0] + 0.5 * parts[1] + contrast
        return loss, {"phrases": parts[0].item(), "mean": parts[1].item(), "captions": contrast.item()}

    def _contrast(self, cosines: Tensor) -> Tensor:
        logits = self.model.logit_scale.exp().clamp(max=100) * cosines
        count = len(cosines)
        right = torch.arange(count)
        if self.model.logit_bias is None:
            pictures, texts = F.cross_entropy(logits, right), F.cross_entropy(logits[:, :count].T, right)
            return (pictures + texts) / 2
        signs = torch.full_like(logits, -1.0)
        signs[right, right] = 1.0
        return -F.logsigmoid(signs * (logits + self.model.logit_bias)).sum() / count


class Training:
    """One model's training, step by step; every step follows from the plan's seed and the step's number."""

    def __init__(self, name: ModelName, plan: Plan, out: Path, start: Path | None = None) -> None:
        self.name, self.plan, self.out = name, plan, out
        self.album = Album(out / "album", plan.scenes)
        self.phrases, self.tokenizer = Phrases(), SceneTokenizer()
        torch.manual_seed(plan.seed)
        self.learner = Learner(name)
        if start is not None:
            _start_from(self.learner.model, load_file(start))
        self.step = 0
        decayed = [p for p in self.learner.parameters() if p.ndim >= 2]
        others = [p for p in self.learner.parameters() if p.ndim < 2]
        groups = [{"params": decayed, "weight_decay": 0.05}, {"params": others, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=plan.rate, betas=(0.9, 0.98))
        said = configuration(name)["preprocess_cfg"]
        self._mean, self._std = (torch.tensor(said[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
        self._checkpoint = out / f"{name}.pt"
        if self._checkpoint.exists():
            self._resume()

    def advance(self) -> dict[str, float]:
        """One step of the optimiser; the parts of its loss."""
        plan = self.plan
        random = np.random.default_rng((plan.seed, self.step))
        pixels, phrases, truth, said = self._batch(random)
        for group in self.optimiser.param_groups:
            group["lr"] = plan.rate * self._pace()
        with torch.autocast("cpu", torch.bfloat16), sdpa_kernel(SDPBackend.MATH):
            loss, parts = self.learner.loss(pixels, phrases, truth, said)
        self.optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.learner.parameters(), 1.0)
        self.optimiser.step()
        self.step += 1
        return parts

    def save(self) -> None:
        """Write the checkpoint and the weights as they are now: aside first, then renamed."""
        state: dict[str, Any] = {"step": self.step, "plan": vars(self.plan)}
        state |= {"learner": self.learner.state_dict(), "optimiser": self.optimiser.state_dict()}
        aside = self._checkpoint.with_suffix(".pt.aside")
        torch.save(state, aside)
        aside.replace(self._checkpoint)
        weights = {key: value.half().contiguous() for key, value in self.learner.model.state_dict().items()}
        aside = self._checkpoint.with_suffix(".safetensors.aside")
        save_file(weights, aside)
        aside.replace(self._checkpoint.with_suffix(".safetensors"))

    def _resume(self) -> None:
        state = torch.load(self._checkpoint, weights_only=True)
        if state["plan"] != vars(self.plan):
            raise SystemExit(f"{self._checkpoint} was begun with another plan; remove it or choose another --out")
        self.learner.load_state_dict(state["learner"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step = state["step"]

    def _pace(self) -> float:
        """The share of the learning rate: a linear warm-up, then half a cosine."""
        done = (self.step - self.plan.warm_up) / max(1, self.plan.steps - self.plan.warm_up)
        return min(1.0, (self.step + 1) / self.plan.warm_up) * 0.5 * (1 + math.cos(math.pi * max(0.0, done)))

    def _batch(self, random: np.random.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        progress = self.step / self.plan.steps
        most = 2 if progress < 0.06 else 3 if progress < 0.15 else 5
        chosen = random.integers(len(self.album.counts), size=self.plan.batch * 4)
        if self.plan.few:
            chosen = chosen[self.album.counts[chosen] <= most]
        chosen = chosen[: self.plan.batch]
        objects, grounds = self.album.objects[chosen], self.album.grounds[chosen]
        pixels = torch.from_numpy(self.album.pictures(chosen)).permute(0, 3, 1, 2).float() / 255
        flipped = torch.from_numpy(random.random(len(chosen)) < 0.5)
        pixels = torch.where(flipped[:, None, None, None], pixels.flip(-1), pixels)
        if progress < self.plan.small:
            pixels = F.interpolate(pixels, size=(64, 64), mode="bilinear", antialias=True, align_corners=False)
        rows = captions(objects, grounds, random, self.plan.altered)
        said = self.tokenizer([row[column] for column in range(self.plan.altered + 1) for row in rows])
        truth = torch.from_numpy(self.phrases.truth(objects)).float()
        return (pixels - self._mean) / self._std, self.phrases.tokens(random), truth, said


def _start_from(model: Any, weights: dict[str, Tensor]) -> None:
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


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a bundled model on drawn scenes.")
    parser.add_argument("--out", type=Path, required=True, help="folder for pictures, checkpoint and weights")
    parser.add_argument("--model", choices=get_args(ModelName), default="scenes")
    parser.add_argument("--threads", type=int, default=2)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    start = chosen.out / "scenes.safetensors" if chosen.model == "scenes-siglip" else None
    training = Training(chosen.model, PLANS[chosen.model], chosen.out, start)
    began, first = time.monotonic(), training.step
    total = training.plan.steps
    while training.step < total:
        parts = training.advance()
        if training.step % 25 == 0 or training.step == total:
            left = (time.monotonic() - began) / (training.step - first) * (total - training.step) / 60
            figures = "  ".join(f"{key} {value:.3f}" for key, value in parts.items())
            print(f"{chosen.model}: step {training.step:,} of {total:,}, {left:.0f} min left  {figures}", flush=True)
        if training.step % 100 == 0 or training.step == total:
            training.save()


if __name__ == "__main__":
    main()

"""Train ``scenes-answers``: ``whylight train scenes-answers --out DIR``.

The tower of a bundled model stays as it is; a projector and a small Llama learn to answer. What the tower sees of the
training scenes is computed once into DIR; ``DIR/training.pt`` holds everything needed to go on, so that a run that was
stopped at any time is continued by the same command and ends with the same weights.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from whylight.errors import BadInput
from whylight.runs.files import written_aside, written_by_others
from whylight.scenes.answers.architecture import build
from whylight.scenes.answers.features import Features
from whylight.scenes.answers.lessons import ASKED, HARD, LAST, PREFIX, Lesson, lesson, questions_of
from whylight.scenes.answers.towers import take_tower
from whylight.scenes.architecture import ModelName

Told = Callable[[str, int, int, dict[str, float]], None]


@dataclass(frozen=True)
class Plan:
    """How it is trained: scenes of seeds 0, 1, ..., steps of ``batch`` scenes each.

    The learning rate rises to its peak in ``warm_up`` steps and falls along half a cosine that would end after ``fall``
    steps. At every turn it rises once more, to ``again`` of the peak, and stays; in the ``cool`` steps before a turn
    and before the end it falls on a line to zero. From step ``hard`` on questions are mostly whether something is
    there, and every scene is described; from step ``last`` on every second one, and it is asked more for what is not.
    """

    scenes: int = 10_000
    steps: int = 8600
    turns: tuple[int, ...] = (2100, 2700, 4700, 6200)
    hard: int = 2700
    last: int = 6200
    fall: int = 3600
    cool: int = 600
    again: float = 0.5
    batch: int = 8
    rate: float = 2e-3
    warm_up: int = 100
    seed: int = 0
    tower: ModelName = "scenes"


class Training:
    """The training, step by step; every step follows from the plan's seed and the step's number."""

    def __init__(self, out: Path, plan: Plan, told: Told) -> None:
        self.out, self.plan = out, plan
        torch.manual_seed(plan.seed)
        self.model = build(plan.tower)
        take_tower(self.model, plan.tower)
        self.features = Features(
            out / f"features-{plan.tower}",
            self.model,
            0,
            plan.scenes,
            lambda done, total: told("features", done, total, {}),
        )
        self.mean, self.deviation = self.features.mean_and_deviation()
        core = self.model.model
        self.learnt = nn.ModuleList([core.multi_modal_projector, core.language_model, self.model.lm_head])
        groups = [[p for p in self.learnt.parameters() if (p.ndim >= 2) == decayed] for decayed in (True, False)]
        decays = [{"params": group, "weight_decay": decay} for group, decay in zip(groups, (0.05, 0.0), strict=True)]
        self.optimizer = torch.optim.AdamW(decays, lr=plan.rate, betas=(0.9, 0.98))
        self.step = 0
        self._checkpoint = out / "training.pt"
        if self._checkpoint.exists():
            self._resume()

    def advance(self) -> dict[str, float]:
        """One step of the optimiser; its loss."""
        random = np.random.default_rng((self.plan.seed, self.step))
        chosen = random.integers(self.plan.scenes, size=self.plan.batch)
        stage = LAST if self.step >= self.plan.last else HARD if self.step >= self.plan.hard else ASKED
        taught = lesson([questions_of(self.features.objects[i], random, stage) for i in chosen], stage)
        for group in self.optimizer.param_groups:
            group["lr"] = self.plan.rate * self._pace()
        with torch.autocast("cpu", torch.bfloat16):
            logits = self._logits(self.features[chosen], taught)
        told = taught.targets >= 0
        losses = F.cross_entropy(logits.float(), taught.targets[told], reduction="none")
        loss = (losses * taught.weights[told]).sum() / taught.weights[told].sum()
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.learnt.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        right = (logits.argmax(-1) == taught.targets[told]).float().mean()
        return {"loss": loss.item(), "right": right.item()}

    def _logits(self, features: Tensor, taught: Lesson) -> Tensor:
        """Logits at the places where a token is asked for, (places, words)."""
        core = self.model.model
        seen = core.multi_modal_projector((features - self.mean) / self.deviation)
        text = core.language_model.embed_tokens(taught.ids[:, len(PREFIX) :])
        begun = core.language_model.embed_tokens(taught.ids[:, : len(PREFIX) - seen.shape[1]])
        x = torch.cat([begun, seen.to(begun), text], 1)
        table = core.language_model.rotary_emb(x, taught.positions)
        for layer in core.language_model.layers:
            x = layer(x, attention_mask=taught.mask, position_embeddings=table, position_ids=taught.positions)
            x = x[0] if isinstance(x, tuple) else x
        logits: Tensor = self.model.lm_head(core.language_model.norm(x[taught.targets >= 0]))
        return logits

    def save(self) -> None:
        """Write the checkpoint."""
        state: dict[str, Any] = {"step": self.step, "plan": repr(self.plan)}
        state |= {"learnt": self.learnt.state_dict(), "optimiser": self.optimizer.state_dict()}
        with written_aside(self._checkpoint) as file:
            torch.save(state, file)

    def write_model(self) -> Path:
        """The finished model, in half precision and without its tower, as a folder that ``load_answers`` reads: so
        the bundled one is written."""
        model = copy.deepcopy(self.model)
        model.model.vision_tower = nn.Identity()
        first = model.model.multi_modal_projector.linear_1
        with torch.no_grad():  # features are not standardised outside of training: the projector does it
            first.bias -= first.weight @ (self.mean / self.deviation)
            first.weight /= self.deviation
        folder = self.out / "model"
        with written_by_others(folder):
            model.half().save_pretrained(folder)
        return folder

    def _resume(self) -> None:
        state = torch.load(self._checkpoint, weights_only=True)
        if state["plan"] != repr(self.plan):
            raise BadInput(f"{self._checkpoint} was begun with another plan: remove it or choose another folder")
        self.learnt.load_state_dict(state["learnt"])
        self.optimizer.load_state_dict(state["optimiser"])
        self.step = state["step"]

    def _pace(self) -> float:
        """The share of the learning rate: see :class:`Plan`."""
        plan = self.plan
        begun = max((turn for turn in plan.turns if turn <= self.step), default=0)
        ends = min((turn for turn in plan.turns if turn > self.step), default=plan.steps)
        cooled = min(1.0, (ends - self.step) / max(1, plan.cool))
        risen = min(1.0, (self.step - begun + 1) / plan.warm_up)
        if begun:
            return plan.again * risen * cooled
        done = max(0, self.step - plan.warm_up) / max(1, plan.fall - plan.warm_up)
        return risen * 0.5 * (1 + math.cos(math.pi * done)) * cooled


def train(out: Path, plan: Plan, told: Told) -> Path:
    """Train to the end of the plan, from where an earlier run stopped; the folder of the model.

    Args:
        told: what is done ("features", "steps"), how much of it, of how much, and figures.
    """
    training = Training(out, plan, told)
    while training.step < plan.steps:
        figures = training.advance()
        if training.step % 25 == 0 or training.step == plan.steps:
            told("steps", training.step, plan.steps, figures)
        if training.step % 100 == 0 or training.step == plan.steps:
            training.save()
    return training.write_model()

"""What the bundled models are taught, stage by stage, and how fast."""

from __future__ import annotations

import math
from dataclasses import dataclass

from whylight.scenes.album import Canvas
from whylight.scenes.architecture import ModelName


@dataclass(frozen=True)
class Stage:
    """A part of training: on which canvas, how many steps of how many pictures; whether with the text tower (phrases
    and captions) or against fixed phrases; whether every patch is told what it shows, in one more layer at each step,
    or only that some patch does. ``again``: the share of its peak to which the learning rate rises once more at the
    stage's start, to fall over the stage's own length."""

    canvas: Canvas
    scenes: int
    steps: int
    batch: int
    texts: bool = True
    places: bool = False
    again: float = 0.0


@dataclass(frozen=True)
class Plan:
    """How a model is trained: stages, the peak of the learning rate, steps that spread the words out before, and over
    how many steps the rate falls where that is not all of them."""

    stages: tuple[Stage, ...]
    rate: float = 1e-3
    warm_up: int = 50
    seed: int = 0
    words: int = 100
    fall: int = 0

    @property
    def steps(self) -> int:
        return sum(stage.steps for stage in self.stages)

    def stage(self, step: int) -> tuple[Stage, int]:
        """The stage of a step, and the step it begins at."""
        begun = 0
        for stage in self.stages:
            if step < begun + stage.steps:
                return stage, begun
            begun += stage.steps
        raise IndexError(f"step {step} of {self.steps}")

    def learning_rate(self, step: int) -> float:
        """A linear warm-up, then half a cosine."""
        stage, begun = self.stage(step)
        peak, since, steps = (stage.again, step - begun, stage.steps) if stage.again else (1.0, step, self.fall)
        warm_up = min(1.0, (since + 1) / self.warm_up)
        done = (since - self.warm_up) / max(1, (steps or self.steps) - self.warm_up)
        return self.rate * (peak * warm_up * 0.5 * (1 + math.cos(math.pi * max(0.0, done))))


CLOSE_UP = Canvas(size=48, objects=(1, 1), zoom=2.0)
NEAR = Canvas(size=64, objects=(1, 2), zoom=1.5)
PLANS: dict[ModelName, Plan] = {
    "scenes": Plan(
        stages=(
            Stage(CLOSE_UP, scenes=40_000, steps=3000, batch=128, texts=False),
            Stage(NEAR, scenes=40_000, steps=1000, batch=64),
            Stage(Canvas(), scenes=80_000, steps=800, batch=48),
            Stage(Canvas(), scenes=80_000, steps=1500, batch=48, places=True, again=0.5),
        ),
        fall=6500,
    ),
    "scenes-siglip": Plan(
        stages=(Stage(Canvas(), scenes=80_000, steps=300, batch=48, places=True),), rate=6e-4, seed=1
    ),
}

"""What is measured: one cell is one peer, method, model, picture size, batch and number of targets."""

from __future__ import annotations

from dataclasses import dataclass

CLIPS = ("ViT-B-32", "ViT-B-16", "ViT-L-14")
"""OpenCLIP's names."""
CLASSIFIER = "vit_base_patch16_224"
"""timm's name; torchvision calls the same model vit_b_16."""
LARGEST_BATCH, MOST_PROMPTS = 8, 40
SIZES = (224, 448)
"""Pixels of the pictures' sides. Classifiers are measured at the first one only."""
STEPS = 20
"""Points of integrated gradients' quadrature, on both sides."""


@dataclass(frozen=True)
class Cell:
    """One comparison.

    Attributes:
        peer: the other library, a key of :data:`peers.environments.PEERS`.
        method: what both sides run.
        size: the pictures' sides in pixels.
        targets: prompts of a dual encoder, or classes.
    """

    peer: str
    method: str
    model: str
    size: int
    batch: int
    targets: int

    @property
    def name(self) -> str:
        return f"{self.peer}-{self.method}-{self.model}-{self.size}px-batch{self.batch}-targets{self.targets}"


def all_cells() -> list[Cell]:
    """Every cell, those with a goal first."""
    prompts = [(224, 1), (224, 8), (224, MOST_PROMPTS), (448, 1), (448, 8)]
    found = [Cell("legrad_torch", "legrad", model, size, 1, targets) for model in CLIPS for size, targets in prompts]
    for batch in (1, LARGEST_BATCH):
        found += [
            Cell("torchcam", "legrad", CLASSIFIER, 224, batch, 1),
            Cell("torchcam", "legrad", CLASSIFIER, 224, batch, 8),
            Cell("torchcam", "gradcam", CLASSIFIER, 224, batch, 1),
            Cell("grad-cam", "gradcam", CLASSIFIER, 224, batch, 1),
        ]
    found.append(Cell("captum", "integrated_gradients", CLASSIFIER, 224, 1, 1))
    found += [
        Cell("legrad_torch", "legrad", model, size, LARGEST_BATCH, targets)
        for model in CLIPS
        for size, targets in prompts
    ]
    return found


def chosen(parts: str) -> list[Cell]:
    """The cells whose names hold every one of the parts, which commas divide; all cells for an empty string."""
    wanted = [part for part in parts.split(",") if part]
    return [cell for cell in all_cells() if all(part in cell.name for part in wanted)]

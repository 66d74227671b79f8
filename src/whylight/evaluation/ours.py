"""All methods on all protocols: which benchmarks, on which models, with how many pictures, and what is compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from whylight.errors import WhylightError
from whylight.evaluation.benchmarks.planning import plan
from whylight.evaluation.benchmarks.wanted import Wanted
from whylight.methods import find_method, methods
from whylight.runs.progress import Progress, silent
from whylight.runs.run import execute

MODELS = ("scenes", "scenes-siglip")
PICTURES = 400
_TINY = "weights/vit_tiny_imagenet200"


@dataclass(frozen=True)
class Protocol:
    """A benchmark, and what of it is compared.

    Attributes:
        figures: names of its figures, each compared by itself.
        dear: it takes this many times fewer pictures.
        data: where its pictures are below the folder of photographs; "" for scenes.
    """

    benchmark: str
    figures: tuple[str, ...]
    dear: int = 1
    data: str = ""


ON_SCENES = (
    Protocol("scenes-segmentation", ("foreground_ap", "mean_iou_0.5")),
    Protocol("scenes-points", ("iou_per_class",)),
    Protocol("grid-pointing", ("share", "foreground_ap")),
    Protocol("scenes-own-object", ("auroc",)),
    Protocol("scenes-wrong-prompt", ("fall_0.5",)),
    Protocol("scenes-perturbation", ("negative_auc", "positive_auc"), dear=2),
    Protocol("scenes-faithfulness", ("srg", "saco"), dear=2),
    Protocol("scenes-randomized", ("correlation_half",), dear=2),
    Protocol("scenes-recognition", ("words", "whole")),
)
ON_PHOTOGRAPHS = (
    Protocol("davis-segmentation", ("foreground_ap", "mean_iou_0.5"), data="images/davis"),
    Protocol("imagenet-faithfulness", ("srg", "saco"), dear=10, data="images/imagenet_samples"),
    Protocol("imagenet-randomized", ("correlation_half",), dear=10, data="images/imagenet_samples"),
)


@dataclass(frozen=True)
class Job:
    """One run: a protocol on a model, and its folder."""

    protocol: Protocol
    model: str
    data: Path | None
    folder: Path


@dataclass(frozen=True)
class Everything:
    """What is run.

    Attributes:
        folder: one run for each protocol and model goes below it.
        photographs: a folder with ``images/davis``, ``images/imagenet_samples`` and
            ``weights/vit_tiny_imagenet200`` (a folder of timm's); None: scenes alone.
        limit: pictures of the cheap protocols.
        labels: methods between commas; default: all, with and without ``smooth``.
    """

    folder: Path
    photographs: Path | None = None
    limit: int = PICTURES
    labels: str | None = None
    batch_size: int = 16
    device: str | None = None

    def jobs(self) -> Iterator[Job]:
        """All runs, in order; photographs where they and their model are there."""
        for protocol in ON_SCENES:
            for model in MODELS:
                yield Job(protocol, model, None, self.folder / f"{protocol.benchmark}-{model}")
        if self.photographs is None:
            return
        for protocol in ON_PHOTOGRAPHS:
            data, weights = self.photographs / protocol.data, self.photographs / _TINY
            if data.is_dir() and weights.is_dir():
                model = f"timm:local-dir:{weights}"
                yield Job(protocol, model, data, self.folder / f"{protocol.benchmark}-vit-tiny")

    def run(self, job: Job, note: Callable[[str], None] = print, progress: Progress = silent) -> bool:
        """Do what is left of a run; whether it could be done."""
        wanted = Wanted(
            benchmark=job.protocol.benchmark,
            data=job.data,
            model=job.model,
            methods=self.labels or all_labels(),
            explain=None if job.data is not None else "target",
            limit=max(2, -(-self.limit // job.protocol.dear)),
            shard_size=16,
            batch_size=self.batch_size,
            device=self.device,
            leave_out=True,
        )
        try:
            planned = plan(wanted)
            for label, reason in planned.left_out.items():
                note(f"{job.folder.name}: without {label}: {reason}")
            execute(planned, job.folder, progress=progress)
        except WhylightError as error:
            note(f"not run: {job.folder.name}: {error}")
            return False
        return True


def all_labels() -> str:
    """Every method, and every one that can be smoothed once more so."""
    names = methods()
    return ",".join([*names, *(f"{name}:smooth=true" for name in names if find_method(name).smooth)])

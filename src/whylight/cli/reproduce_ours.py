"""``whylight reproduce ours``: all methods on all protocols, on the bundled models."""

from __future__ import annotations

import json
from pathlib import Path

from whylight.cli.progress import run_progress
from whylight.errors import BadInput
from whylight.evaluation.baselines import BASELINES
from whylight.evaluation.costs import costs_of
from whylight.evaluation.method_choices import parse_methods
from whylight.evaluation.ours import MODELS, PICTURES, Everything, all_labels
from whylight.models.load import load
from whylight.reports.ours import columns_of, into_page, write_ours
from whylight.runs.files import make_folder, write_file


def reproduce_ours(
    folder: Path,
    *,
    photographs: Path | None,
    page: Path | None,
    limit: int | None,
    batch: int,
    device: str | None,
) -> None:
    """Run what is left, and write the page; stopped at any moment and started again, it continues."""
    if photographs is not None and not photographs.is_dir():
        raise BadInput(f"{photographs} is no folder of photographs")
    make_folder(folder)  # now, and not after the last run
    everything = Everything(folder, photographs, limit or PICTURES, batch_size=batch, device=device)
    jobs = list(everything.jobs())
    for job in jobs:
        with run_progress(job.folder.name) as progress:
            everything.run(job, print, progress)
    columns = columns_of(jobs)
    if not columns:
        raise BadInput(f"{folder}: nothing could be run")
    page = page or folder / "ours.md"
    into_page(page, write_ours(columns, _costs(folder), page.parent / page.stem))
    print(f"written: {page}")


def _costs(folder: Path) -> dict[str, dict[str, float]]:
    """Forward passes of every method on every model; measured once for a folder."""
    path = folder / "costs.json"
    if not path.exists():
        choices = [choice for choice in parse_methods(all_labels()) if choice.method not in BASELINES]
        costs = {model: costs_of(load(model), choices) for model in MODELS}
        write_file(path, json.dumps(costs, indent=1) + "\n")
    read: dict[str, dict[str, float]] = json.loads(path.read_text(encoding="utf-8"))
    return read

"""Measure every table of docs/results.md on the bundled scenes and write them into it: python benchmarks/results.py

Runs lie in results/ and continue where they were stopped. `--limit` takes fewer scenes, `--only` one benchmark.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from whylight.batch.benchmarking import Wanted, execute, plan
from whylight.batch.plots import draw_curves, draw_figures, save
from whylight.batch.summary import Summary, summarise, write_summary
from whylight.batch.tables import markdown
from whylight.cli.progress import run_progress
from whylight.methods import methods

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "results.md"
BEGIN, END = "<!-- scenes: begin -->", "<!-- scenes: end -->"
MODELS = ("scenes", "scenes-siglip")
BENCHMARKS = ("scenes-segmentation", "scenes-points", "scenes-perturbation", "grid-pointing")
SLOW = ("integrated_gradients",)
"""Twenty passes for each class: left out of the tables unless --all."""
VARIANTS = ("legrad:start_layer=-2", "legrad:centred=true", "decomposition:contrast=head")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, default=1000)
    parser.add_argument("--only", choices=BENCHMARKS)
    parser.add_argument("--model", choices=MODELS)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--results", type=Path, default=ROOT / "results")
    parser.add_argument("--write-only", action="store_true", help="run nothing; write what is stored")
    wanted = parser.parse_args()
    chosen = ",".join([name for name in methods() if wanted.all or name not in SLOW] + list(VARIANTS))
    found: list[Summary] = []
    for name in BENCHMARKS if wanted.only is None else (wanted.only,):
        for model in MODELS if wanted.model is None else (wanted.model,):
            folder = wanted.results / f"{name}-{model}"
            if not wanted.write_only:
                measure(name, model, chosen, wanted.limit, folder)
            if (folder / "rows").is_dir():
                found.append(summarise(folder))
                write_summary(found[-1], markdown(found[-1], {}))
    if wanted.only is None and wanted.model is None:
        write(found)


def measure(name: str, model: str, chosen: str, limit: int, folder: Path) -> None:
    console = Console()
    refused: dict[str, str] = {}
    asked = Wanted(name, None, model, chosen, limit=limit, shard_size=20, batch_size=20)
    planned = plan(asked, leave_out=True, refused=refused)
    for label, reason in refused.items():
        console.print(f"left out: {label}: {reason}", highlight=False)
    with run_progress(console, f"{name}, {model}") as progress:
        execute(planned, folder, progress=progress)


def write(summaries: list[Summary]) -> None:
    """Put tables and pictures between the page's two marks."""
    parts = []
    for name in BENCHMARKS:
        runs = [summary for summary in summaries if summary.settings.benchmark == name]
        if not runs:
            continue
        folder = PAGE.parent / "results"
        folder.mkdir(exist_ok=True)
        parts += [markdown(run, {}).replace("# ", "### ", 1) for run in runs]
        save(draw_figures(runs), folder / f"{name}.png")
        parts.append(f"![{name}](results/{name}.png)\n")
        if name == "scenes-perturbation":
            save(draw_curves(runs[0]), folder / f"{name}-curves.png")
            parts.append(f"![curves](results/{name}-curves.png)\n")
    text = PAGE.read_text(encoding="utf-8")
    before, after = text[: text.index(BEGIN) + len(BEGIN)], text[text.index(END) :]
    PAGE.write_text(before + "\n\n" + "\n".join(parts) + "\n" + after, encoding="utf-8")


if __name__ == "__main__":
    main()

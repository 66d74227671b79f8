"""Measure the tables of docs/results/scenes.md on the bundled scenes, and write them into it.

    python benchmarks/scenes_tables.py

Each table is one console command, which the page shows above it. Runs lie in results/ and continue where they were
stopped. `--only` and `--model` choose tables, so that several processes can share the work; `--write-only` then writes
the page from what is stored.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from pathlib import Path

from whylight.errors import WhylightError
from whylight.evaluation.baselines import BASELINES
from whylight.methods import methods
from whylight.reports.curves import draw_curves
from whylight.reports.plots import draw_figures, save
from whylight.reports.summary import Summary, summarize, write_summary
from whylight.reports.tables import markdown

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "results" / "scenes.md"
BEGIN, END = "<!-- scenes: begin -->", "<!-- scenes: end -->"
MODELS = ("scenes", "scenes-siglip")
BENCHMARKS = ("scenes-segmentation", "scenes-points", "scenes-perturbation", "grid-pointing")
VARIANTS = ("legrad:start_layer=-2", "legrad:centered=true", "decomposition:contrast=head")
OF_A_CLASS_TOKEN = ("clip_surgery", "decomposition", "grad_eclip")
"""Methods that are defined for models which read one token; scenes-siglip pools by attention."""
DEAR = ("beyond_intuition", "integrated_gradients")
"""Twenty passes for each picture or class: a table of their own, on a twentieth of the scenes."""
ERASING = "scenes-perturbation"
CONSOLE = "from whylight.cli.main import main; main()"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, default=1000, help="scenes of a table; dear ones take a share of them")
    parser.add_argument("--only", choices=BENCHMARKS)
    parser.add_argument("--model", choices=MODELS)
    parser.add_argument("--results", type=Path, default=ROOT / "results")
    parser.add_argument("--write-only", action="store_true", help="run nothing; write what is stored")
    asked = parser.parse_args()
    folders = []
    for name in BENCHMARKS if asked.only is None else (asked.only,):
        for model in MODELS if asked.model is None else (asked.model,):
            for dear in (False, True):
                share = 20 if dear else 1
                labels = ",".join(DEAR) if dear else chosen(model)
                folder = asked.results / (f"{name}-{model}" + ("-dear" if dear else ""))
                if not asked.write_only:
                    failed = run(command_of(name, model, -(-asked.limit // share), folder, labels))
                    if failed:
                        return failed
                if (folder / "rows").is_dir():
                    folders.append(folder)
    if asked.only is None and asked.model is None:
        try:
            write([summarize(folder) for folder in folders])
        except WhylightError as error:
            print(error, file=sys.stderr)
            return 2
    return 0


def chosen(model: str) -> str:
    """All methods that the model can have, and variants of them."""
    names = [name for name in (*methods(), *VARIANTS) if name not in DEAR]
    return ",".join(name for name in names if model == "scenes" or name.split(":")[0] not in OF_A_CLASS_TOKEN)


def command_of(name: str, model: str, limit: int, folder: Path, labels: str) -> str:
    """The console command of a table, on two lines that can be copied."""
    out = folder.relative_to(ROOT) if folder.is_relative_to(ROOT) else folder
    return (
        f"whylight benchmark {name} --model {model} --limit {limit} --batch 20 --shard-size 20 --out {out} \\\n"
        f"        --methods {labels}"
    )


def run(command: str) -> int:
    """Run a console command; its errors are one line of its own."""
    words = shlex.split(command.replace("\\\n", ""))[1:]
    return subprocess.run([sys.executable, "-c", CONSOLE, *words], cwd=ROOT, check=False).returncode


def write(summaries: list[Summary]) -> None:
    """Put commands, tables and pictures between the page's two marks."""
    parts = []
    for name in BENCHMARKS:
        runs = [summary for summary in summaries if summary.settings.benchmark == name]
        for summary in runs:
            text = markdown(summary, {})
            write_summary(summary, text)
            title, _, table = text.partition("\n\n")
            labels = ",".join(label for label in summary.settings.methods if label not in BASELINES)
            command = command_of(name, summary.settings.model, summary.settings.pictures, summary.folder, labels)
            parts.append(f"#{title}\n\n    {command}\n\n{table}")
        parts += pictures(name, [summary for summary in runs if DEAR[0] not in summary.settings.methods])
    page = PAGE.read_text(encoding="utf-8")
    before, after = page[: page.index(BEGIN) + len(BEGIN)], page[page.index(END) :]
    PAGE.write_text(before + "\n\n" + "\n".join(parts) + "\n" + after, encoding="utf-8")


def pictures(name: str, runs: list[Summary]) -> list[str]:
    if not runs:
        return []
    save(draw_figures(runs), PAGE.parent / f"{name}.png")
    links = [f"![{name}]({name}.png)\n"]
    if name == ERASING:
        save(draw_curves(runs[0]), PAGE.parent / f"{name}-curves.png")
        links.append(f"![curves]({name}-curves.png)\n")
    return links


if __name__ == "__main__":
    sys.exit(main())

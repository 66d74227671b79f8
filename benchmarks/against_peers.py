"""Whylight and other libraries side by side, on the same weights, pictures and prompts: make bench

Sets up the peers from the package index in environments of their own (uv), measures what is not measured yet, and
writes benchmarks/results.md. Everything else lies in results/peers: a run that is stopped continues where it was.

    python benchmarks/against_peers.py --only legrad_torch,batch1-     # the cells whose names hold all of these parts
    python benchmarks/against_peers.py --list                           # all names, and which are measured
    python benchmarks/against_peers.py --write-only                     # measure nothing; write what is stored
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import torch
from peers import cells, environments, machine
from peers.material import material_for
from peers.measuring import Bounds, Record, measure
from peers.page import duration, lowest_ratio, page
from peers.process import Failed
from rich.console import Console

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "benchmarks" / "results.md"
STORE = ROOT / "results" / "peers"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="parts of cell names, comma-separated; a cell must hold all")
    parser.add_argument("--again", action="store_true", help="measure the chosen cells anew")
    parser.add_argument("--list", action="store_true", help="list the chosen cells; measure nothing")
    parser.add_argument("--write-only", action="store_true", help="measure nothing; write what is stored")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=5, help="at most so many rounds a cell")
    parser.add_argument("--seconds", type=float, default=40, help="after so many, no further round of a cell begins")
    parser.add_argument("--limit", type=float, default=240, help="seconds that one call may take")
    parser.add_argument("--memory", type=float, help="GB above the model for one process; default: 0.7 of what is free")
    parser.add_argument("--page", type=Path, default=PAGE)
    arguments = parser.parse_args()
    chosen = cells.chosen(arguments.only)
    console = Console(highlight=False)
    if not chosen:
        sys.exit(f"no cell has all of {arguments.only!r} in its name; --list lists them")
    if arguments.list:
        for cell in chosen:
            console.print(cell.name, "measured" if measured(cell) else "")
        return
    missing: dict[str, str] = {}
    if not arguments.write_only:
        memory = machine.available_bytes() * 0.7 if arguments.memory is None else arguments.memory * 2**30
        bounds = Bounds(arguments.threads, arguments.rounds, arguments.seconds, arguments.limit, int(memory))
        todo = [cell for cell in chosen if arguments.again or not measured(cell)]
        missing = measure_all(todo, bounds, console)
    records = [record for record in map(measured, cells.all_cells()) if record]
    commits = sorted({record["commit"] for record in records})
    arguments.page.write_text(page(records, missing, machine.machine(), " and ".join(commits)))
    console.print(f"{arguments.page}: {len(records)} of {len(cells.all_cells())} cells")


def measure_all(todo: list[cells.Cell], bounds: Bounds, console: Console) -> dict[str, str]:
    """Measure and store cells; the peers that could not be installed, and why."""
    missing: dict[str, str] = {}
    pythons: dict[str, str | Path] = {"whylight": sys.executable}
    for peer in dict.fromkeys(cell.peer for cell in todo):
        console.print(f"environment of {peer} ...")
        try:
            pythons[peer] = environments.python_of(peer, STORE / "environments")
        except environments.CannotInstall as why:
            missing[peer] = str(why)
            console.print(f"  could not be installed: {why}")
    commit = machine.commit(ROOT)
    todo = [cell for cell in todo if cell.peer in pythons]
    for number, cell in enumerate(todo, start=1):
        start = time.monotonic()
        try:
            record = measure(cell, material_for(cell.model, STORE / "material"), pythons, bounds, STORE / "logs")
        except Failed as failure:
            console.print(f"{number}/{len(todo)} {cell.name}: OUR SIDE FAILED, {failure}; see {STORE / 'logs'}")
            continue
        store(cell, {**record, "commit": commit, "machine": machine.machine()})
        took = time.monotonic() - start
        console.print(f"{number}/{len(todo)} {cell.name}: {told(record)}, {took:.0f} s", markup=False)
    return missing


def told(record: Record) -> str:
    """One line about a measured cell."""
    ratio = lowest_ratio(record)
    ours = duration(min(record["ours"]["seconds"]))
    if "peer" not in record:
        return f"ours {ours}, theirs {record['failed']}"
    return f"ours {ours}, {ratio or 0:.1f} times as fast, ranks {record['agreement']:.5f}"


def measured(cell: cells.Cell) -> Record | None:
    """What is stored of a cell, if it was measured on this machine with the torch that runs here."""
    path = path_of(cell)
    record: Record | None = json.loads(path.read_text()) if path.is_file() else None
    return record if record and record["machine"] == machine.machine() else None


def path_of(cell: cells.Cell) -> Path:
    return STORE / "cells" / f"{cell.name}.json"


def store(cell: cells.Cell, record: Record) -> None:
    """Written aside and renamed: a stored cell is whole."""
    path = path_of(cell)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".tmp")
    aside.write_text(json.dumps(record, indent=1))
    aside.replace(path)


if __name__ == "__main__":
    main()

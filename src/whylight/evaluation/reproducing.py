"""A published table, to be measured again: what it needs, and the runs that measure it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from whylight.errors import WhylightError
from whylight.evaluation.benchmarks.planning import plan
from whylight.evaluation.benchmarks.wanted import Wanted
from whylight.evaluation.published import PublishedTable
from whylight.runs.progress import Progress, silent
from whylight.runs.run import execute


@dataclass(frozen=True)
class Ran:
    """A model's run: its folder and the methods that were left out; or no folder, and the reason why nothing ran."""

    folder: Path | None
    left_out: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True)
class Reproduction:
    """A table, and how it is measured here.

    Attributes:
        data: the data set; None: nothing is run.
        folder: one run for every model goes below it.
        places: the table's name of weights to another that is here (a local folder).
        only: this model of the table alone.
        note, progress: told what is being done, and how far it is.
    """

    table: PublishedTable
    data: Path | None
    folder: Path
    places: Mapping[str, str] = field(default_factory=dict)
    limit: int | None = None
    batch_size: int = 16
    workers: int = 0
    device: str | None = None
    only: str | None = None
    note: Callable[[str], None] = lambda text: None
    progress: Progress = silent

    def run(self, model: str) -> Ran:
        """Run what is there; methods that cannot explain the model, and a model that does not load, say why."""
        if self.data is None or self.only not in (None, model):
            return Ran(None, reason="no data" if self.data is None else "not asked for")
        here = self.places.get(model, model)
        self.note(f"{self.table.name}: {here}")
        try:
            planned = plan(self._wanted(model, here))
            folder = self.folder / "".join(c if c.isalnum() or c in "-." else "-" for c in model)
            execute(planned, folder, workers=self.workers, progress=self.progress)
        except WhylightError as error:
            self.note(f"not run: {error}")
            return Ran(None, reason=str(error))
        return Ran(folder, planned.left_out)

    def _wanted(self, model: str, here: str) -> Wanted:
        return Wanted(
            benchmark=self.table.benchmark,
            data=self.data,
            model=here,
            methods=",".join(self.table.methods(model)),
            explain=explained(self.table),
            limit=self.limit,
            batch_size=self.batch_size,
            device=self.device,
            leave_out=True,
        )


def needs(table: PublishedTable) -> list[str]:
    """What must be there, one line each."""
    weights = [f"weights: {name}, {size}" for name, size in table.weights.items()]
    return [f"data: {table.data}", *weights]


def command(table: PublishedTable, model: str, methods: list[str], explained: str) -> str:
    """The command that measures a model's part of a table."""
    return (
        f"whylight benchmark {table.benchmark} --data PATH --model {model} --methods {','.join(methods)} "
        f"--explain {explained} --compare"
    )


def explained(table: PublishedTable) -> str:
    kinds = {one.explained for one in table.cells}
    return kinds.pop() if len(kinds) == 1 else "both"

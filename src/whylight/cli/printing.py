"""What commands print: results on stdout, notes and errors on stderr, each in one line."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress


def print_error(message: str) -> None:
    _line(message, "bold red")


def print_note(message: str) -> None:
    _line(message, "yellow")


def print_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """In place of :func:`warnings.showwarning`: what Whylight warns of, without the place in the code."""
    if Path(filename).is_relative_to(Path(__file__).parents[1]):
        print_note(f"note: {message}")


def print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, allow_nan=False, indent=1))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[str] = ()) -> None:
    """A table on stdout; columns named in ``numbers`` are aligned to the right."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)


def progress(count: int) -> Progress:
    """A progress bar on stderr that goes when it is done; silent for a few items and where nobody looks."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True, disable=count <= 3)


def _line(message: str, style: str) -> None:
    from rich.console import Console

    sys.stdout.flush()
    Console(stderr=True).print(" ".join(message.split()), style=style, markup=False, highlight=False, soft_wrap=True)

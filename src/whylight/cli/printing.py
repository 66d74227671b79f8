"""What commands print: results on stdout, notes and errors on stderr, each in one line."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from whylight.errors import WhylightWarning, visible

if TYPE_CHECKING:
    from rich.progress import Progress

_UNFOLDED = 10_000
"""Columns of a table that goes to a file or another program: nothing is folded."""


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
    if issubclass(category, WhylightWarning):
        print_note(f"note: {message}")


def ready_streams() -> None:
    """Make both streams take any text: what they cannot encode is escaped, and closed ones swallow it."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def print_json(value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=1)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(value, ensure_ascii=True, allow_nan=False, indent=1)
    print(text)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[str] = ()) -> None:
    """A table on stdout; columns named in ``numbers`` are aligned to the right."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if not console.is_terminal:
        console.width = _UNFOLDED
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(visible(cell)) for cell in row))
    console.print(table)


def print_lines(lines: Iterable[tuple[str, str, str]]) -> None:
    """One line each, however long: a name, what it is, where it comes from."""
    from rich.console import Console
    from rich.text import Text

    console, all_lines = Console(), list(lines)
    width = max(len(name) for name, _, _ in all_lines)
    for name, what, source in all_lines:
        line = Text.assemble((name.ljust(width), "bold"), "  ", what, "  ", (f"[{source}]", "dim"))
        console.print(line, soft_wrap=True)


def progress(count: int) -> Progress:
    """A progress bar on stderr that goes when it is done; silent for a few items and where nobody looks."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=count <= 3 or not console.is_terminal)


def _line(message: str, style: str) -> None:
    from rich.console import Console

    sys.stdout.flush()
    Console(stderr=True).print(
        visible(" ".join(message.split())), style=style, markup=False, highlight=False, soft_wrap=True
    )

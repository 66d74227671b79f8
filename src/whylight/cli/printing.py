"""What commands print: results on stdout, notes and errors on stderr, each in one line."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from whylight.errors import WhylightWarning, visible

if TYPE_CHECKING:
    from rich.console import Console
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


@contextlib.contextmanager
def clean_streams() -> Iterator[None]:
    """Both streams for as long as a command runs: nothing that is printed can do anything to a terminal, what they
    cannot encode is escaped, and closed ones swallow it."""
    cleaned = {}
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            stream = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
        cleaned[name] = _CleanStream(stream)
        setattr(sys, name, cleaned[name])
    try:
        yield
    finally:
        for name, clean in cleaned.items():
            if getattr(sys, name) is clean:
                setattr(sys, name, clean.behind)


class _CleanStream:
    """A stream that writes texts as :func:`whylight.errors.visible` has them."""

    def __init__(self, behind: TextIO) -> None:
        self.behind = behind

    def write(self, text: str) -> int:
        return self.behind.write(visible(text))

    def writelines(self, lines: Iterable[str]) -> None:
        self.behind.writelines(map(visible, lines))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.behind, name)


def terminal(*, stderr: bool = False) -> Console:
    """What prints tables, colors and progress: Rich's console, in which texts of others do nothing, neither by escape
    sequences nor by Rich's own marks. The only one: a console made elsewhere prints its colors as signs."""
    from rich.console import Console
    from rich.segment import Segment
    from rich.text import Text

    class Terminal(Console):
        def render_str(self, text: str, **options: Any) -> Text:  # before it is measured
            return super().render_str(visible(text), **options)

        def render(self, *things: Any, **options: Any) -> Iterable[Segment]:
            for segment in super().render(*things, **options):
                yield segment if segment.control else Segment(visible(segment.text), segment.style)

    stream: Any = sys.stderr if stderr else sys.stdout
    behind = stream.behind if isinstance(stream, _CleanStream) else stream
    return Terminal(file=behind, markup=False, highlight=False, emoji=False)


def print_json(value: Any) -> None:
    """What a program reads: nothing is lost, and what would move a terminal is escaped."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=1)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(value, ensure_ascii=True, allow_nan=False, indent=1)
    # Such characters stand in strings only.
    print("".join(c if shown == c else f"\\u{ord(c):04x}" for c, shown in zip(text, visible(text), strict=True)))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[str] = ()) -> None:
    """A table on stdout; columns named in ``numbers`` are aligned to the right."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    console = terminal()
    if not console.is_terminal:
        console.width = _UNFOLDED
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def print_lines(lines: Iterable[tuple[str, str, str]]) -> None:
    """One line each, however long: a name, what it is, where it comes from."""
    from rich.text import Text

    console, all_lines = terminal(), list(lines)
    width = max(len(name) for name, _, _ in all_lines)
    for name, what, source in all_lines:
        line = Text.assemble((name.ljust(width), "bold"), "  ", what, "  ", (f"[{source}]", "dim"))
        console.print(line, soft_wrap=True)


def progress(count: int) -> Progress:
    """A progress bar on stderr that goes when it is done; silent for a few items and where nobody looks."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = terminal(stderr=True)

    class Bar(Progress):
        def stop(self) -> None:
            if not self.disable:  # before 14.3 Rich ends one that was never shown with an empty line
                super().stop()

    return Bar(*columns, console=console, transient=True, disable=count <= 3 or not console.is_terminal)


def _line(message: str, style: str) -> None:
    sys.stdout.flush()
    terminal(stderr=True).print(" ".join(message.split()), style=style, soft_wrap=True)

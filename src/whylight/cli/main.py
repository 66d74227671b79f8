"""``whylight``: the commands, and what becomes of errors."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Annotated, Any, NoReturn

import typer

from whylight.cli.printing import clean_streams, print_error, print_warning
from whylight.errors import WhylightError, WhylightWarning

COMMANDS: dict[str, tuple[str, str]] = {
    "explain": ("whylight.cli.explain:explain", "Light up the places in pictures that each answer rests on."),
    "ask": ("whylight.cli.ask:ask", "Ask in words, and see where each word of the answer comes from."),
    "attention": ("whylight.cli.attention:attention", "Draw where a patch, or the output, looks, head by head."),
    "compare": ("whylight.cli.compare:compare", "Draw methods side by side on one picture, with times."),
    "run": ("whylight.cli.run:run", "Explain many pictures: a folder, a table, a crawl; on one machine or a cluster."),
    "web": ("whylight.cli.web:web", "Serve the web app: drop a picture, type, and see at once why."),
    "list": ("whylight.cli.list:list_names", "List models or methods, one line each."),
    "benchmark": ("whylight.cli.benchmark:benchmark", "Measure methods on a data set, by the papers' protocols."),
    "report": ("whylight.cli.report:report", "Put the figures of several runs side by side."),
    "train": ("whylight.cli.train:train", "Train a classifier that a benchmark needs."),
    "reproduce": ("whylight.cli.reproduce:reproduce", "Measure the rows of a published table again."),
}
"""Each command's function, as "module:name", and its line in the help. Only the module of the named one is imported."""


def build(named: str | None) -> typer.Typer:
    """The command line, of which one command can run."""
    app = typer.Typer(
        help="See why a vision transformer said what it said.",
        no_args_is_help=True,
        rich_markup_mode=None,  # rich's help costs more than half of the half second that --help may take
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    for name, (place, line) in COMMANDS.items():
        app.command(name, help=None if name == named else line)(_function(place) if name == named else _elsewhere)
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command line (default: this process's) and exit: 0 done, 1 something was skipped, 2 an error.

    Errors that Whylight raises on purpose are one red line on stderr; warnings are one yellow line each.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    named = next((word for word in words or _words_to_complete() if not word.startswith("-")), None)
    with clean_streams(), warnings.catch_warnings():
        warnings.simplefilter("always", WhylightWarning)
        warnings.showwarning = print_warning
        try:
            try:
                build(named)(words, prog_name="whylight")
            finally:
                sys.stdout.flush()  # what cannot be written is known while it can still be said
        except WhylightError as error:
            _stop(str(error))
        except BrokenPipeError:  # who read the output has had enough
            _stop(None, status=1)
        except OSError as error:
            _stop(f"{error.filename or 'the output'} cannot be read or written: {error.strerror or error}")
        except MemoryError:
            _stop("this does not fit into memory: smaller pictures, a smaller --size or fewer prompts do")


def _words_to_complete() -> list[str]:
    """Where a shell asks how a line could go on: the words of that line, without the program's name."""
    if "_WHYLIGHT_COMPLETE" not in os.environ:
        return []
    line = os.environ.get("_TYPER_COMPLETE_ARGS") or os.environ.get("COMP_WORDS", "")  # zsh, fish, PowerShell; bash
    return line.split()[1:]


def _stop(message: str | None, status: int = 2) -> NoReturn:
    """Exit with one line on stderr; what is left of an output that cannot be written goes nowhere."""
    try:
        sys.stdout.flush()
    except OSError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if message is not None:
        with contextlib.suppress(OSError):
            print_error(message)
    sys.exit(status)


def _function(place: str) -> Callable[..., Any]:
    module, _, name = place.partition(":")
    function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return function


def _elsewhere() -> None:
    """Stands for the commands that were not named."""


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(version("whylight"))
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version.")
    ] = False,
) -> None:
    """Options before any command."""

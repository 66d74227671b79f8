"""Nothing that a command prints can do anything to a terminal, whoever wrote it and whoever forgot to clean it."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path

import pytest
from command_line import Run
from PIL import Image
from rich.text import Text

from whylight.cli import printing
from whylight.cli.main import COMMANDS, main
from whylight.errors import visible
from whylight.scenes import draw_scene

EVIL = "e\x1b[2J\x9b31m\u202e[bold]x"
"""An escape sequence, a control character of eight bits, a turn of direction, and marks that Rich would follow."""
SEEN = visible(EVIL)
SOURCE = Path(printing.__file__).parents[1]


@pytest.fixture
def pictures(run: Run) -> Run:
    Image.fromarray(draw_scene(1000000043).picture).save(f"{EVIL}.png")
    return run


WORDS = [
    ("explain", f"{EVIL}.png", "-p", f"a {EVIL} star", "--model", "clip", "--out", EVIL),
    ("explain", "--text", f"the film {EVIL} was good", "--model", "words", "--out", EVIL),
    ("explain", f"no{EVIL}.png", "-p", "a", "--model", "clip"),
    ("explain", "--model", EVIL),
    ("explain", "--size", EVIL),
    ("explain", f"--{EVIL}"),
    ("compare", f"{EVIL}.png", "-p", "a star", "--model", "clip", "--methods", "legrad", "--out", EVIL),
    ("compare", f"{EVIL}.png", "--methods", EVIL),
    ("attention", f"{EVIL}.png", "--model", "clip", "--out", EVIL),
    ("attention", f"{EVIL}.png", "--query", EVIL),
    ("ask", f"{EVIL}.png", "What colour is the ring?", "--out", EVIL),
    ("ask", f"{EVIL}.png", "What colour is the ring?", "--answer", EVIL),
    ("run", f"{EVIL}.png", "-p", "a star", "--method", "raw_attention", "--out", EVIL),
    ("run", f"{EVIL}.png", "-p", "a star", "--engine", EVIL, "--out", EVIL),
    ("benchmark", "scenes-pointing", "--limit", "2", "--methods", "raw_attention", "--out", EVIL),
    ("benchmark", EVIL),
    ("report", EVIL),
    ("reproduce", "legrad-table2", "--data", EVIL, "--out", EVIL),
    ("reproduce", EVIL),
    ("train", "movie-reviews", "--data", EVIL, "--tiny", "--out", EVIL),
    ("web", "--host", "256.256.256.256", "--model", EVIL),
    ("list", EVIL),
    (EVIL,),
]


@pytest.mark.parametrize("words", WORDS, ids=lambda words: " ".join(words[:1]) if words[0] in COMMANDS else "none")
def test_what_others_wrote_is_shown_and_does_nothing(pictures: Run, words: tuple[str, ...]) -> None:
    outcome = pictures(*words)
    printed = outcome.out + outcome.err
    assert printed == visible(printed)
    assert "Traceback" not in printed
    if EVIL in words and outcome.status != 2:
        assert "[bold]x" in printed


def test_every_command_is_tried() -> None:
    assert {words[0] for words in WORDS} >= COMMANDS.keys()


def test_json_loses_nothing(pictures: Run) -> None:
    outcome = pictures("explain", f"{EVIL}.png", "-p", "a star", "--model", "clip", "--json")
    assert outcome.out == visible(outcome.out)
    assert json.loads(outcome.out)["pictures"][0]["picture"] == f"{EVIL}.png"


def test_a_print_that_forgets_is_cleaned(capsys: pytest.CaptureFixture[str]) -> None:
    with printing.clean_streams():
        print(EVIL)
        print(EVIL, file=sys.stderr)
        sys.stdout.writelines([EVIL, "\n"])
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == (f"{SEEN}\n{SEEN}\n", f"{SEEN}\n")
    print("\x1b", end="")
    assert capsys.readouterr().out == "\x1b", "streams are what they were"


def test_colors_are_the_terminal_s_own(monkeypatch: pytest.MonkeyPatch) -> None:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Screen()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys, "stdout", screen)
    with printing.clean_streams():
        printing.terminal().print(Text(EVIL, "red"))
        printing.print_table(("a",), [(EVIL,)])
    assert f"\x1b[31m{SEEN}\x1b[0m" in screen.getvalue()
    left = re.sub(r"\x1b\[[0-9;]*m", "", screen.getvalue())
    assert left == visible(left)
    assert left.count(SEEN) == 2


def test_there_is_one_console() -> None:
    """Whoever prints colors or progress asks for it; a second one would print what others wrote as it is."""
    makers = [path for path in SOURCE.rglob("*.py") if re.search(r"\bConsole\((?!\))|\bConsole\(\)", path.read_text())]
    assert [path.name for path in makers if path != Path(printing.__file__)] == []
    assert main.__module__ == "whylight.cli.main"

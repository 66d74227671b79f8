"""Help is instant: nothing heavy is imported for it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from whylight.cli.main import COMMANDS, main
from whylight.cli.methods import ANSWER_METHODS, METHODS

HEAVY = ("torch", "torchvision", "timm", "open_clip", "transformers", "matplotlib", "numpy", "PIL")


@pytest.mark.parametrize("words", [["--help"], ["--version"], *([name, "--help"] for name in COMMANDS)], ids=" ".join)
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    program = (
        "import sys\nfrom whylight.cli.main import main\n"
        f"try: main({words!r})\n"
        "except SystemExit as stopped: assert not stopped.code, stopped.code\n"
        f"print(*[name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip()
    assert done.stderr.split() == []


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    said = capsys.readouterr().out
    assert all(f"  {name} " in said for name in COMMANDS)


@pytest.mark.parametrize("words", [["explian"], ["explain", "--no-such-option"], ["list", "pictures"]], ids=" ".join)
def test_wrong_command_lines_exit_with_two(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2
    assert words[-1] in capsys.readouterr().err


def test_listing_methods_imports_nothing_heavy() -> None:
    program = (
        "import sys\nfrom whylight.cli.main import main\n"
        "try: main(['list', 'methods'])\n"
        "except SystemExit as stopped: assert not stopped.code, stopped.code\n"
        f"print(*[name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()
    assert done.stderr.split() == []


def test_the_table_of_methods_is_the_registry_s() -> None:
    from whylight.methods import find_method, methods
    from whylight.methods.answering.catalog import answer_methods, find_answer_method

    rows = [(find_method(name).name, find_method(name).summary, find_method(name).citation) for name in methods()]
    assert list(METHODS) == rows, "whylight/cli/methods.py needs the rows of the registry"
    answering = [find_answer_method(name) for name in answer_methods()]
    assert list(ANSWER_METHODS) == [(method.name, method.summary, method.citation) for method in answering]


def test_lists_have_one_line_each_with_a_citation(capsys: pytest.CaptureFixture[str]) -> None:
    from whylight.cli.list import OF_ANSWERS
    from whylight.methods import find_method, methods
    from whylight.methods.answering.catalog import answer_methods

    with pytest.raises(SystemExit):
        main(["list", "methods"])
    lines, of_answers = (part.splitlines() for part in capsys.readouterr().out.split(f"\n{OF_ANSWERS}\n"))
    assert [line.split()[0] for line in lines] == methods()
    assert [line.split()[0] for line in of_answers] == answer_methods()
    assert all(find_method(name).citation in line for name, line in zip(methods(), lines, strict=True))
    with pytest.raises(SystemExit):
        main(["list", "models"])
    listed = capsys.readouterr().out
    assert all(name in listed for name in ("scenes ", "scenes-siglip ", "openclip:", "timm:", "hf:"))


@pytest.mark.parametrize(
    ("line", "offered"),
    [("whylight rep", ["report", "reproduce"]), ("whylight explain --pre", ["--precision"]), ("whylight no --p", [])],
)
def test_shells_are_told_how_a_line_could_go_on(line: str, offered: list[str]) -> None:
    asked = {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" ")), "_WHYLIGHT_COMPLETE": "complete_bash"}
    command = [sys.executable, "-m", "whylight"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | asked)
    assert done.stdout.split() == offered
    asked = {"_TYPER_COMPLETE_ARGS": line, "_WHYLIGHT_COMPLETE": "complete_zsh"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | asked)
    assert all(word in done.stdout for word in offered)

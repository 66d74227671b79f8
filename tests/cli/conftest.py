"""Commands run in this process, in an empty folder, with small random models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from command_line import Outcome, Run
from small_views import classifier, dual_encoder
from zoo.text_classifier import text_classifier

from whylight.cli.main import main

SMALL = {"clip": dual_encoder, "classes": classifier, "words": text_classifier}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Run a command line; ``--model clip``, ``classes`` and ``words`` (a text classifier) are small random models."""
    from whylight.models.load import load

    def small(name: str, **options: Any) -> Any:
        return SMALL[name]() if name in SMALL else load(name, **options)

    monkeypatch.setattr("whylight.models.load.load", small)
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> Outcome:
        with pytest.raises(SystemExit) as stopped:
            main(words)
        printed = capsys.readouterr()
        return Outcome(int(stopped.value.code or 0), printed.out, printed.err)

    return run

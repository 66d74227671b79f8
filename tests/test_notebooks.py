"""notebooks/: their code runs, in this process and without a network, and what is stored shows as it should."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest

from whylight.methods import registry

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def cells(path: Path, kind: str) -> list[dict[str, Any]]:
    read = json.loads(path.read_text(encoding="utf-8"))
    return [cell for cell in read["cells"] if cell["cell_type"] == kind]


def shown(code: str, names: dict[str, Any], place: str) -> object:
    """Run a cell; the value of its last line, as a notebook shows it."""
    tree = ast.parse(code)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, place, "exec"), names)
    return None if last is None else eval(compile(ast.Expression(last.value), place, "eval"), names)


def test_there_are_five() -> None:
    assert len(NOTEBOOKS) == 5


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("IPython")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "_METHODS", dict(registry._METHODS))
    names: dict[str, Any] = {"__name__": "notebook"}
    kinds = []
    for cell in cells(path, "code"):
        value = shown("".join(cell["source"]), names, path.name)
        stored = [kind for output in cell["outputs"] for kind in output.get("data", {})]
        if value is not None:
            kinds += stored
            for kind in ("html", "png"):
                if f"text/{kind}" in stored or f"image/{kind}" in stored:
                    assert getattr(value, f"_repr_{kind}_")()
    assert kinds
    plt.close("all")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_is_stored(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text) < 1_500_000
    assert "**Needs** `pip install" in "".join(cells(path, "markdown")[0]["source"])
    code = cells(path, "code")
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1)), "run from top to bottom"
    outputs = [output for cell in code for output in cell["outputs"]]
    assert outputs
    assert not any(output["output_type"] == "error" for output in outputs)
    for word in ("site-packages", str(FOLDER.parent), "/home/", "/tmp/", "<script"):
        assert word not in text, word

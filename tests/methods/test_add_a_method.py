"""docs/add_a_method.md keeps its promise: its example, run as it stands, is a method like any other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from zoo.explained import VIEWS

from whylight.errors import UnknownName
from whylight.methods import find_method, methods, registry, relevance

PAGE = (Path(__file__).parents[2] / "docs" / "add_a_method.md").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def example(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's first block of code, forgotten again afterwards."""
    monkeypatch.setattr(registry, "_METHODS", dict(registry._METHODS))
    code = re.search(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    assert code is not None
    exec(compile(code[1], "docs/add_a_method.md", "exec", dont_inherit=True), {"__name__": "example"})


def test_it_is_listed_and_says_what_it_does() -> None:
    assert "value_norm" in methods()
    found = find_method("value_norm")
    assert found.options == {"layer": -1, "smooth": False}
    assert "value" in found.summary


@pytest.mark.parametrize("kind", VIEWS)
def test_it_runs_on_every_view(kind: str) -> None:
    view, inputs, targets = VIEWS[kind]()
    maps = relevance(view, inputs, targets, "value_norm")
    run = view.begin(inputs)
    assert maps.shape == (2, len(targets), run.tokens.shape[1] - run.prefix)
    assert not torch.equal(maps, relevance(view, inputs, targets, "value_norm", layer=0))


def test_its_options_are_checked() -> None:
    view, inputs, targets = VIEWS["timm class token"]()
    with pytest.raises(UnknownName, match="value_norm has no option 'layers'; it has: layer, smooth"):
        relevance(view, inputs, targets, "value_norm", layers=0)

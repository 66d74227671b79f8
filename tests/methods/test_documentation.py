"""docs/methods.md says something about every method, option by option."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from whylight.methods import find_method, methods

PAGE = (Path(__file__).parents[2] / "docs" / "methods.md").read_text(encoding="utf-8")
SECTIONS = {part.split("\n", 1)[0].strip(): part for part in PAGE.split("\n## ")[1:]}


@pytest.mark.parametrize("name", methods())
def test_every_method_has_a_section_that_names_its_options(name: str) -> None:
    section = SECTIONS[name]
    assert "\n    E" in section or "\n    s_l" in section or "E_n" in section or "E_j" in section  # its formula
    for option in set(find_method(name).options) - {"libra", "smooth"}:
        assert re.search(rf"`{option}\b", section), option


OPTIONS = ("`libra=True`", "`smooth=True`", "`words=True`", "`without=[...]`")


def test_no_section_is_about_a_method_that_is_gone() -> None:
    assert set(SECTIONS) - {*OPTIONS, "text_span", "What they light up"} == set(methods())

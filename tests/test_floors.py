"""The house: each room imports only rooms below it, and no two files import each other in a circle.

The floors are the table that CONTRIBUTING.md shows, from the top down. Rooms on one line do not import each other.
Imports inside functions and under TYPE_CHECKING count.
"""

from __future__ import annotations

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
SOURCE = REPOSITORY / "src"
PACKAGE = SOURCE / "whylight"
ROOT_FILES = {"__init__.py", "errors.py", "versions.py", "py.typed", "__main__.py"}
FAMILIES = {"openclip", "timm", "torchvision", "transformers"}


def floors() -> list[list[str]]:
    """Rooms from the top down; a line's first words that end in a slash, or that are files."""
    page = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
    block = page.split("    src/whylight/\n", 1)[1].split("\n\n", 1)[0]
    lines = (re.match(r" {6}((?:[a-z_]+(?:/|\.py)(?: +|$))+)", line) for line in block.split("\n"))
    return [[name.rstrip("/").removesuffix(".py") for name in line[1].split()] for line in lines if line]


def modules() -> dict[str, Path]:
    named = {}
    for path in PACKAGE.rglob("*.py"):
        name = ".".join(path.relative_to(SOURCE).with_suffix("").parts)
        named[name.removesuffix(".__init__")] = path
    return named


MODULES = modules()


def imports(path: Path) -> set[str]:
    """Modules of this package that a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports name their module in full"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.add(whole if whole in MODULES else node.module or "")
    return found & MODULES.keys()


IMPORTS = {name: imports(path) - {name} for name, path in MODULES.items()}


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else "__init__"


def test_the_packages_root_holds_folders_and_three_files() -> None:
    files = {path.name for path in PACKAGE.iterdir() if path.is_file()}
    assert files <= ROOT_FILES
    rooms = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert rooms | {"errors", "versions"} == {name for floor in floors() for name in floor}


@pytest.mark.parametrize("module", sorted(MODULES.keys() - {"whylight", "whylight.__main__"}))
def test_imports_point_down(module: str) -> None:
    height = {name: -number for number, floor in enumerate(floors()) for name in floor}
    here = room(module)
    for other in IMPORTS[module] - {"whylight"}:
        assert room(other) == here or height[room(other)] < height[here], f"{module} imports {other}"


def test_no_files_import_each_other_in_a_circle() -> None:
    TopologicalSorter(IMPORTS).prepare()  # raises CycleError, which names them


@pytest.mark.parametrize("room", ["attention", "propagation", "passes", "methods"])
def test_no_method_knows_a_model_family(room: str) -> None:
    for module, others in IMPORTS.items():
        if module.startswith(f"whylight.{room}"):
            assert not [o for o in others if o.startswith("whylight.models.") and o.split(".")[2] in FAMILIES], module


def test_late_imports_and_those_for_type_checkers_are_seen(tmp_path: Path) -> None:
    file = tmp_path / "some.py"
    file.write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from whylight.pictures import session\n"
        "def f():\n    import whylight.models.view\n    from whylight.cli.main import main\n"
    )
    assert imports(file) == {"whylight.pictures.session", "whylight.models.view", "whylight.cli.main"}

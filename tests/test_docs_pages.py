"""docs/: each page's code runs as it stands, in one place and without a network, and nothing public goes unsaid.

Blocks of Python of one page share their names, after those of `prelude`; blocks of `sh` are commands that run in this
process. In a comment before a block stands why it is not run, or what stands in for a model that would be downloaded.
"""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
import timm
import torch
from PIL import Image
from small_views import classifier

import whylight
import whylight.pictures.session  # gives views their method `record`, as whylight.load does
from whylight.cli.main import main
from whylight.methods import registry
from whylight.scenes import draw_scene

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md") if "_build" not in path.parts)
WITH_README = [ROOT / "README.md", *PAGES]
BLOCK = re.compile(r"(?:<!-- ([^>]*) -->\n)?```(python|sh)\n(.*?)```", re.DOTALL)
ELSEWHERE = {"add_a_method.md", "scale.md"}
"""Pages whose code other tests run (tests/methods/test_add_a_method.py), or that needs a run that is finished."""
INTERNAL = {"WhylightError", "Gone"}
"""The base of all, and what never leaves the web app."""
PICTURE = draw_scene(10**9 + 3)


def blocks(page: Path) -> list[tuple[str, str, str]]:
    """(comment, language, code) of each block of a page, in order."""
    return [(said or "", language, code) for said, language, code in BLOCK.findall(page.read_text(encoding="utf-8"))]


def has_code(page: Path) -> bool:
    return page.name not in ELSEWHERE and any(not said.startswith("not run") for said, _, _ in blocks(page))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with what the pages speak of (photo.jpg, photos/, masks/); small models stand in for downloads."""
    from whylight.models import load as loading

    monkeypatch.chdir(tmp_path)
    Image.fromarray(PICTURE.picture).save("photo.jpg")
    Image.fromarray(draw_scene(10**9 + 4).picture).save("other.jpg")
    Image.fromarray(PICTURE.picture[..., 0].astype(np.uint16) * 16).save("scan.tif")
    for folder in ("photos", "masks"):
        Path(folder).mkdir()
    for seed in (1, 2):
        scene = draw_scene(10**9 + seed)
        Image.fromarray(scene.picture).save(f"photos/{seed}.png")
        Image.fromarray(scene.objects[0].mask.astype(np.uint8) * 255).save(f"masks/{seed}.png")
    real = loading.load

    def load(name: str, **options: Any) -> whylight.View:
        if name.startswith("timm:"):
            return classifier(96)
        return real("scenes" if name.startswith("openclip:") else name)

    for module in ("whylight.models.load", "whylight.pictures.explain", "whylight.text.explain"):
        monkeypatch.setattr(f"{module}.load", load)
    monkeypatch.setattr(registry, "_METHODS", dict(registry._METHODS))
    monkeypatch.setitem(whylight.__dict__, "load", load)
    yield tmp_path
    plt.close("all")


def prelude() -> dict[str, Any]:
    """Names that pages take for granted."""
    view = whylight.load("scenes")
    pixels = torch.stack([view.preprocessing(Image.fromarray(PICTURE.picture))[0]] * 2)
    pictures = [Image.fromarray(draw_scene(seed, 96).picture) for seed in range(4)]
    return {
        "whylight": whylight,
        "torch": torch,
        "timm": timm,
        "view": view,
        "classifier": classifier(96),
        "pixels": pixels,
        "pictures": pictures,
        "texts": ["a star", "a ring", "a heart", "red", "blue", "dotted"],
        "targets": view.encode_text(["a red star", "a blue ring"]),
        "__name__": "page",
    }


@pytest.mark.parametrize("page", [p for p in WITH_README if has_code(p)], ids=lambda page: str(page.relative_to(ROOT)))
def test_the_code_of_a_page_runs(page: Path, place: Path) -> None:
    names = prelude()
    for said, language, code in blocks(page):
        if said.startswith("not run"):
            continue
        if language == "python":
            exec(compile(code, str(page.relative_to(ROOT)), "exec", dont_inherit=True), names)
        else:
            run_commands(code)


def run_commands(code: str) -> None:
    for line in code.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if not words:
            continue
        assert words[0] == "whylight", f"{line}: say why it is not run"
        with pytest.raises(SystemExit) as stopped:
            main(words[1:])
        assert not stopped.value.code, line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_what_is_not_run_or_stood_in_for_says_why(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.count("<!-- not run") == len(re.findall(r"<!-- not run: .+ -->\n```", text))
    for said, language, code in blocks(page):
        if not said.startswith("not run") and language == "python" and page.name not in {"methods.md", *ELSEWHERE}:
            downloaded = re.search(r'load\(\s*"(openclip|timm|hf):(?!local-dir)', code)
            assert not downloaded or said.startswith("stand-in: "), f"{page.name}: say what stands in"


def test_every_error_class_has_its_entry() -> None:
    page = (DOCS / "troubleshooting.md").read_text(encoding="utf-8")
    kinds = {"Exception", "UserWarning", "WhylightError"}
    found = set()
    for path in (ROOT / "src" / "whylight").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.ClassDef)
                and {base.id for base in node.bases if isinstance(base, ast.Name)} & kinds
            ):
                found.add(node.name)
    assert len(found) >= 8
    for name in found - {name for name in found if name.startswith("_")} - INTERNAL:
        assert re.search(rf"^## .*`{name}`", page, re.MULTILINE), f"docs/troubleshooting.md: an entry for {name}"


def test_every_public_name_is_in_the_api() -> None:
    page = (DOCS / "api.md").read_text(encoding="utf-8")
    for name in whylight.__all__:
        assert re.search(rf"whylight[\w.]*\.{name}\b", page), name


def test_every_page_is_in_the_navigation() -> None:
    listed = (DOCS / "index.md").read_text(encoding="utf-8")
    for page in PAGES:
        name = str(page.relative_to(DOCS).with_suffix(""))
        assert name == "index" or re.search(rf"^(?:.*<)?{re.escape(name)}>?$", listed, re.MULTILINE), name


def test_every_picture_has_a_text_and_is_there() -> None:
    for page in WITH_README:
        for text, place in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
            assert text, f"{page.name}: {place}"
            assert place.startswith("http") or (page.parent / place).exists(), f"{page.name}: {place}"


def test_every_extra_is_described() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8").split("[project.optional-dependencies]")[1]
    extras = re.findall(r"^(\w+) = \[", project.split("\n[", 1)[0], re.MULTILINE)
    page = (DOCS / "install.md").read_text(encoding="utf-8")
    assert len(extras) > 8
    assert [name for name in extras if f"`{name}`" not in page] == []

"""Methods of other packages: a wheel that names an entry point is installed, and its method is there."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

METHOD = """
import torch
from whylight.methods import method

@method("{name}", summary="the same everywhere", citation="nobody", gradient=False)
def even(view, inputs, targets):
    run = view.begin(inputs)
    return torch.ones(len(run.tokens), len(targets), run.tokens.shape[1] - run.prefix)
"""


def install(folder: Path, package: str, code: str) -> None:
    """A wheel of one module, built by hand as the format says, and installed by pip into a folder of its own."""
    wheel = folder / f"{package}-1.0-py3-none-any.whl"
    about = f"{package}-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr(f"{package}.py", code)
        file.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        file.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nGenerator: by hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{about}/entry_points.txt", f"[whylight.methods]\n{package} = {package}\n")
        file.writestr(f"{about}/RECORD", "")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target"]
    subprocess.run([*pip, str(folder / "site"), str(wheel)], check=True, capture_output=True)


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(folder / "site"), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [sys.executable, *command], env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=True
    )


EXPLAIN = """
import torch, whylight
view = whylight.load("scenes")
print(whylight.relevance(view, torch.zeros(1, 3, 96, 96), torch.ones(1, 64), "even").sum().item())
"""
LIST = "from whylight.cli.main import main; main(['list', 'methods'])"


def test_an_installed_method_is_listed_and_explains(tmp_path: Path) -> None:
    install(tmp_path, "even_method", METHOD.format(name="even"))
    listed = run(tmp_path, "-c", LIST).stdout
    assert "even" in [line.split()[0] for line in listed.splitlines() if line]
    assert "the same everywhere" in listed
    assert float(run(tmp_path, "-c", EXPLAIN).stdout) == 144


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import nothing_of_that_name", "broken_method adds no methods: ModuleNotFoundError: No module named"),
        (METHOD.format(name="legrad"), "broken_method adds no methods: BadInput: there is a method 'legrad' already"),
    ],
)
def test_a_package_that_fails_is_left_out_with_one_line(tmp_path: Path, code: str, said: str) -> None:
    install(tmp_path, "broken_method", code)
    done = run(tmp_path, "-c", LIST)
    assert "legrad" in done.stdout
    assert said in " ".join(done.stderr.split())

"""What ``import whylight`` offers, and what it costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import whylight


def run(code: str) -> str:
    """What a fresh interpreter prints."""
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def test_importing_whylight_imports_no_library() -> None:
    heavy = "{'torch', 'numpy', 'timm', 'open_clip', 'PIL', 'matplotlib'}"
    assert run(f"import sys, whylight; dir(whylight); print(sorted({heavy} & set(sys.modules)))") == "[]"


@pytest.mark.parametrize("name", whylight.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(whylight, name) is not None
    assert name in dir(whylight)


def test_other_names_are_not() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        whylight.nonsense  # noqa: B018


@pytest.mark.parametrize(
    "imports",
    [
        "import whylight",
        "import whylight.methods, whylight",
        "import whylight; whylight.relevance",
        "import whylight, whylight.methods.registry",
    ],
)
def test_methods_is_a_function_and_a_package(imports: str) -> None:
    assert run(f"{imports}; print('legrad' in whylight.methods(), whylight.methods.find_method('legrad').name)") == (
        "True legrad"
    )


def test_methods_can_be_imported_as_a_function() -> None:
    from whylight import methods

    assert methods() == sorted(methods())
    assert "legrad" in methods()

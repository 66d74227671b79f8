"""Build a release and try it as a stranger would: `make release`.

Builds wheel and sdist, checks what they say of themselves and what they hold, installs the wheel alone into a fresh
environment, and runs `whylight explain` and `whylight web` there. Nothing is uploaded.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
PACKAGE = ROOT / "src" / "whylight"
LARGEST = {".whl": 25e6, ".gz": 25e6}
"""Bytes: the bundled models are most of it."""
NEEDED = (
    "whylight/py.typed",
    "whylight/web/page/index.html",
    "whylight/scenes/weights/clip/open_clip_model.safetensors",
    "whylight/scenes/weights/answers/model.safetensors",
)
BESIDE = {"PKG-INFO", "README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff", "SECURITY.md", "pyproject.toml"}
BESIDE |= {".gitignore"}  # hatchling puts it into every sdist, so that a build from there leaves out the same


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build-only", action="store_true", help="Do not install the wheel (gigabytes of torch).")
    arguments = parser.parse_args()
    shutil.rmtree(DIST, ignore_errors=True)
    run(sys.executable, "-m", "build", "--outdir", str(DIST), str(ROOT))
    wheel, sdist = next(DIST.glob("*.whl")), next(DIST.glob("*.tar.gz"))
    run(sys.executable, "-m", "twine", "check", "--strict", str(wheel), str(sdist))
    run(str(Path(sys.executable).with_name("check-wheel-contents")), str(wheel))
    check_contents(wheel, sdist)
    for file in (wheel, sdist):
        size = file.stat().st_size
        print(f"{file.name}: {size / 1e6:.1f} MB")
        hold(size <= LARGEST[file.suffix], f"{file.name} is larger than {LARGEST[file.suffix] / 1e6:.0f} MB")
    if not arguments.build_only:
        with tempfile.TemporaryDirectory() as folder:
            try_wheel(wheel, Path(folder))
    print("release: all of it holds")


def check_contents(wheel: Path, sdist: Path) -> None:
    """Both hold every file of the package, and nothing beside it but what names the project."""
    tracked = {f"whylight/{path.relative_to(PACKAGE)}" for path in source_files()}
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    with tarfile.open(sdist) as archive:
        inside = {member.name.split("/", 1)[1] for member in archive.getmembers() if member.isfile()}
    same(held, tracked, wheel.name)
    same(inside, {f"src/{name}" for name in tracked} | BESIDE, sdist.name)
    missing = [name for name in NEEDED if name not in held]
    hold(not missing, f"{wheel.name} lacks {', '.join(missing)}")
    print(f"{wheel.name}: {len(held)} files of the package, nothing else")


def source_files() -> list[Path]:
    """The package's files that git knows; without git all but bytecode."""
    listed = subprocess.run(["git", "ls-files", "-z", str(PACKAGE)], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode == 0 and listed.stdout:
        return [ROOT / name for name in listed.stdout.split("\0") if name]
    return [path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts]


def same(held: set[str], wanted: set[str], name: str) -> None:
    hold(not wanted - held, f"{name} lacks {', '.join(sorted(wanted - held)[:5])}")
    hold(not held - wanted, f"{name} holds besides {', '.join(sorted(held - wanted)[:5])}")


def try_wheel(wheel: Path, folder: Path) -> None:
    """The wheel alone in a fresh environment: explain, completion, and the web app with its page."""
    venv.create(folder / "env", with_pip=True)
    bin_folder = folder / "env" / ("Scripts" if os.name == "nt" else "bin")
    python, whylight = str(bin_folder / "python"), str(bin_folder / "whylight")
    run(python, "-m", "pip", "install", "--quiet", str(wheel), cwd=folder)
    version = run(whylight, "--version", cwd=folder)
    hold(version == wheel.name.split("-")[1], f"the wheel is {wheel.name}, and says that it is {version}")
    hold(run(python, "-m", "whylight", "--version", cwd=folder) == version, "python -m whylight is another one")
    run(whylight, "explain", "--out", "out", cwd=folder)
    hold(any((folder / "out").glob("*.png")), "whylight explain wrote no figure")
    run(python, "-m", "pip", "install", "--quiet", f"{wheel}[web]", cwd=folder)
    ask_web(whylight, folder)


def ask_web(whylight: str, folder: Path) -> None:
    """The server gives its page, and a map of a picture that it draws itself."""
    with subprocess.Popen([whylight, "web", "--port", "0"], stdout=subprocess.PIPE, text=True, cwd=folder) as server:
        try:
            assert server.stdout is not None
            address = server.stdout.readline().strip()
            page = first_answer(address)
            hold(b"<title>" in page, "whylight web has no page")
            picture = fetched(f"{address}api/scenes/7/picture.png")
            name = json.loads(fetched(f"{address}api/pictures", picture, "image/png"))["picture"]
            asked = json.dumps({"picture": name, "targets": ["a red star"]}).encode()
            answer = json.loads(fetched(f"{address}api/explain", asked, "application/json"))
            hold(bool(answer), "whylight web gives no map")
            print(f"whylight web: a page of {len(page):,} bytes, and a map: {', '.join(answer)}")
        finally:
            server.terminate()


def first_answer(address: str) -> bytes:
    """The page, as soon as the server is there."""
    for _ in range(120):
        try:
            return fetched(address)
        except urllib.error.URLError:
            time.sleep(0.5)
    sys.exit("release: whylight web does not answer")


def fetched(address: str, body: bytes | None = None, kind: str = "") -> bytes:
    with urllib.request.urlopen(urllib.request.Request(address, body, {"Content-Type": kind}), timeout=120) as answer:
        return bytes(answer.read())


def run(*words: str, cwd: Path = ROOT) -> str:
    """What a command prints; its errors are shown, and end this."""
    print("$", *(word.replace(str(ROOT), ".") for word in words), flush=True)
    done = subprocess.run(words, cwd=cwd, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        print(done.stdout)
        sys.exit(f"release: {Path(words[0]).name} failed")
    return done.stdout.strip()


def hold(right: bool, otherwise: str) -> None:
    if not right:
        sys.exit(f"release: {otherwise}")


if __name__ == "__main__":
    main()

"""An environment for every peer, with the same torch as ours, from the package index that uv knows."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path

PEERS = {
    "legrad_torch": ("legrad_torch==1.1", "open_clip_torch==2.23.0", "timm=={timm}"),
    "torchcam": ("torchcam==0.5.0",),
    "grad-cam": ("grad-cam==1.5.7", "timm=={timm}"),
    "captum": ("captum==0.9.0", "timm=={timm}"),
}
"""What is installed for each peer. legrad_torch asks for OpenCLIP 2.23 at the newest: with current ones it explains
another embedding than the model's."""
EVERYWHERE = ("torch=={torch}", "torchvision=={torchvision}", "safetensors=={safetensors}", "numpy=={numpy}")


class CannotInstall(Exception):
    """A peer's environment could not be set up; the message is uv's last line."""


def python_of(peer: str, folder: Path) -> Path:
    """The interpreter of the peer's environment, which is set up if it is not there.

    Raises:
        CannotInstall: uv could not resolve, fetch or build what the peer needs.
    """
    environment = folder / peer
    python = environment / "bin" / "python"
    wanted = "\n".join(requirements(peer))
    stamp = environment / "installed.txt"
    if stamp.is_file() and stamp.read_text() == wanted:
        return python
    _uv("venv", "--quiet", "--clear", "--python", sys.executable, str(environment))
    _uv("pip", "install", "--quiet", "--python", str(python), *wanted.split("\n"))
    stamp.write_text(wanted)
    return python


def requirements(peer: str) -> list[str]:
    """What uv installs for a peer: the versions of the shared libraries are those that run here."""
    ours = {
        name: importlib.metadata.version(name).partition("+")[0]  # without "+cpu" or "+cu132"
        for name in ("torch", "torchvision", "safetensors", "numpy", "timm")
    }
    return [part.format_map(ours) for part in (*EVERYWHERE, *PEERS[peer])]


def _uv(*arguments: str) -> None:
    done = subprocess.run([sys.executable, "-m", "uv", *arguments], capture_output=True, text=True)
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()] or ["uv said nothing"]
        raise CannotInstall(lines[-1])

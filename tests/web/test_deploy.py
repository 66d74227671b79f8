"""What the Space's Dockerfile starts runs here, and answers under the name that a Space has."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import httpx

FOLDER = Path(__file__).parents[2] / "deploy" / "space"


def test_the_command_of_the_dockerfile_runs(tmp_path: Path) -> None:
    last = (FOLDER / "Dockerfile").read_text().strip().splitlines()[-1]
    shell, flag, line = json.loads(last.removeprefix("CMD "))
    port = re.search(r"app_port: (\d+)", (FOLDER / "README.md").read_text())
    assert port is not None
    assert f"--port {port[1]}" in line
    program = tmp_path / "whylight"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m whylight "$@"\n')
    program.chmod(0o755)
    line = line.replace(f"--port {port[1]}", "--port 0").replace("0.0.0.0", "127.0.0.2")
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "SPACE_HOST": "me-whylight.hf.space"}
    process = subprocess.Popen(
        [shell, flag, line], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        deadline = time.monotonic() + 20
        while True:
            try:
                page = httpx.get(address, headers={"host": "me-whylight.hf.space"})
                break
            except httpx.TransportError:
                assert time.monotonic() < deadline
        assert page.status_code == 200
        assert "frame-ancestors https://huggingface.co" in page.headers["content-security-policy"]
        assert httpx.get(address, headers={"host": "other.hf.space"}).status_code == 421
    finally:
        process.terminate()
        assert process.wait(30) in (0, -15)
        assert process.stderr is not None
        assert "everybody who reaches this machine" in process.stderr.read()

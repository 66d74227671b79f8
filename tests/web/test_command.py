"""``whylight web`` as a process, and the page's files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import httpx

from web.asking import SEED


def test_the_command_prints_its_address_and_ends_cleanly_with_answers_delivered() -> None:
    command = [sys.executable, "-c", "from whylight.cli.main import main; main()", "web", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ))
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        answers: list[httpx.Response] = []
        asked = {"scene": SEED, "targets": ["a plain red ring"], "method": "integrated_gradients"}
        assert "<title>Whylight" in httpx.get(address, timeout=10).text  # while the model is being loaded
        httpx.post(f"{address}api/models", json={"name": "scenes"}, timeout=120).raise_for_status()
        sent = threading.Event()

        def trace(event: str, _: object) -> None:
            if event == "http11.send_request_body.complete":
                sent.set()

        def ask() -> None:
            with httpx.Client(timeout=120) as client:
                answers.append(client.post(f"{address}api/explain", json=asked, extensions={"trace": trace}))

        thread = threading.Thread(target=ask)
        thread.start()
        assert sent.wait(60)
        time.sleep(0.15)  # the server reads it
        assert thread.is_alive(), "the question is being answered"
        process.send_signal(signal.SIGTERM)
        thread.join(120)
        assert answers[0].status_code == 200
        assert answers[0].json()["method"] == "integrated_gradients"
        assert process.wait(30) in (0, -signal.SIGTERM)
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
    finally:
        process.kill()


def test_a_port_that_is_taken_is_one_line(client: httpx.Client) -> None:
    command = [
        sys.executable,
        "-c",
        "from whylight.cli.main import main; main()",
        "web",
        "--port",
        str(client.base_url.port),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "cannot listen" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_the_wheel_has_the_page() -> None:
    from importlib.resources import files

    names = {each.name for each in (files("whylight.web") / "page").iterdir()}
    index = (files("whylight.web") / "page" / "index.html").read_text()
    assert {"index.html", "style.css", "main.js"} <= names
    assert "<script>" not in index
    assert " style=" not in index


def test_nothing_heavy_is_imported_before_the_page_is_there() -> None:
    line = (
        "import sys, whylight.cli.web, whylight.web; "
        "print(sorted({'torch', 'numpy', 'transformers', 'open_clip', 'timm'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == "[]"

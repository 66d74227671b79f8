"""One server and one browser for all tests of the page; skipped where there is no Chromium."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import uvicorn
from small_views import classifier, dual_encoder, regression
from zoo.text_classifier import text_classifier

import whylight
from web.asking import text_values
from whylight.web import Limits, app

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Serving:
    """A server on a thread of this process."""

    def __init__(self, application: Any) -> None:
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        self.server = uvicorn.Server(uvicorn.Config(application, log_level="error"))
        self.thread = threading.Thread(target=self.server.run, args=([listening],), daemon=True)
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(20)


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """Who asks a server of small models with narrow limits."""
    served = {"clip": dual_encoder(), "classes": classifier(), "values": regression()}
    served |= {"words": text_classifier(), "text values": text_values()}
    serving = Serving(
        app(served, limits=Limits(upload_bytes=200_000, pixels=500_000, seconds=20, picture_bytes=400_000))
    )
    with httpx.Client(base_url=serving.address, timeout=30) as client:
        yield client
    serving.stop()


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """The address of a server of the bundled models, small models of classes, of values and of texts."""
    models = {
        "scenes": whylight.load("scenes"),
        "classes": classifier(),
        "values": regression(),
        "words": text_classifier(),
        "scenes-answers": lambda: whylight.load("scenes-answers"),
    }
    serving = Serving(app(models))
    yield serving.address
    serving.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    playwright.expect.set_options(timeout=20_000)  # machines are busy while suites run
    with playwright.sync_playwright() as running:
        opened = running.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    """A page of its own, which must end without an error in its console."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened = context.new_page()
    said: list[str] = []
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("console", lambda line: said.append(line.text) if "Content Security" in line.text else None)
    elsewhere: list[str] = []
    opened.on(
        "request", lambda r: elsewhere.append(r.url) if not r.url.startswith((address, "blob:", "data:")) else None
    )
    yield opened
    context.close()
    assert not said
    assert not elsewhere, "the page asked another host"

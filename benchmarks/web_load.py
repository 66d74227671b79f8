"""The web app under load: many clients at once, each checking that the maps it gets are its own.

    python benchmarks/web_load.py                       # 1,000 requests of 50 clients, then memory over 5,000
    python benchmarks/web_load.py --model vit-b-16      # what the page adds to a session's own time, on a large model

Prints median and 99th percentile of the time to an answer, whether any was lost or mixed up, resident memory after 500
and after 5,000 requests, and the ratio of an answer over HTTP, as the page asks it, to the session's own.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import threading
import time
import warnings
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np
import psutil
import torch

import whylight
import whylight.errors
from whylight.models.view import View
from whylight.scenes import FIRST_EVALUATION_SEED, draw_scene
from whylight.scenes.draw import COLORS
from whylight.scenes.shapes import KINDS

SCENES = 5
PROMPTS = [f"a {color} {kind}" for color in COLORS for kind in KINDS]


@dataclass
class Tally:
    """What clients saw."""

    seconds: list[float] = field(default_factory=list)
    lost: int = 0
    mixed_up: int = 0
    asked_again: int = 0


def view_named(name: str) -> View:
    """The bundled model, or OpenCLIP's ViT-B/16 with random weights: times need no trained ones."""
    if name == "scenes":
        return whylight.load("scenes")
    import open_clip

    torch.manual_seed(0)
    return whylight.wrap(open_clip.create_model("ViT-B-16").eval(), name=name)


def serve(name: str) -> None:
    """The server's process: prints its address."""
    import socket

    import uvicorn

    from whylight.web import app

    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(app({name: view_named(name)}), log_level="error")).run([listening])


def expected_maps(view: View) -> dict[tuple[int, str], Any]:
    """What `whylight.explain` says of every scene and prompt."""
    expected = {}
    for seed in range(FIRST_EVALUATION_SEED, FIRST_EVALUATION_SEED + SCENES):
        result = whylight.explain(view, draw_scene(seed, 384).picture, PROMPTS)
        for prompt, relevance in zip(PROMPTS, result.relevance, strict=True):
            expected[seed, prompt] = relevance.numpy()
    return expected


def ask_all(address: str, expected: dict[tuple[int, str], Any], requests: int, clients: int) -> Tally:
    """So many requests, spread over clients that all begin at once."""
    tally, lock, start = Tally(), threading.Lock(), threading.Barrier(clients)
    questions = [list(expected)[(7 * n) % len(expected)] for n in range(requests)]

    def one(number: int) -> None:
        with httpx.Client(base_url=address, timeout=120, headers={"X-Whylight-Client": f"client {number}"}) as client:
            start.wait()
            for seed, prompt in questions[number::clients]:
                begin, again = time.perf_counter(), 0
                body = {"scene": seed, "targets": [prompt]}
                while (answer := client.post("/api/explain", json=body)).status_code == 429:
                    again += 1
                    time.sleep(float(answer.headers["retry-after"]))
                taken = time.perf_counter() - begin
                right = answer.status_code == 200 and np.allclose(
                    answer.json()["targets"][0]["relevance"], expected[seed, prompt], rtol=1e-3, atol=1e-9
                )
                with lock:
                    tally.seconds.append(taken)
                    tally.asked_again += again
                    tally.lost += answer.status_code != 200
                    tally.mixed_up += answer.status_code == 200 and not right

    threads = [threading.Thread(target=one, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return tally


def further_prompt(address: str, view: View, prompts: int) -> tuple[float, float]:
    """Median seconds of a further prompt by a session here, and as the page asks it; taken in turns."""
    seed = FIRST_EVALUATION_SEED
    session = whylight.record(view, draw_scene(seed, 384).picture)
    own, page = [], []
    with httpx.Client(base_url=address, timeout=120) as client:
        for number, prompt in enumerate((PROMPTS * 2)[: prompts + 3]):
            prompt = f"{prompt} {number}"
            begin = time.perf_counter()
            session.explain([prompt])
            middle = time.perf_counter()
            body = {"scene": seed, "targets": [prompt], "layers": True, "numbers": "base64"}
            client.post("/api/explain", json=body).raise_for_status().json()
            own.append(middle - begin)
            page.append(time.perf_counter() - middle)
    return statistics.median(own[3:]), statistics.median(page[3:])


def by_layer(view: View, prompts: int) -> tuple[float, float]:
    """Median seconds of a session's sum over layers, and of its layers apart; taken in turns."""
    session = whylight.record(view, draw_scene(FIRST_EVALUATION_SEED, 384).picture)
    whole, apart = [], []
    for prompt in (PROMPTS * 2)[: prompts + 3]:
        session.explain([prompt])  # the prompt is encoded
        begin = time.perf_counter()
        session.explain([prompt])
        middle = time.perf_counter()
        session.explain_by_layer([prompt])
        whole.append(middle - begin)
        apart.append(time.perf_counter() - middle)
    return statistics.median(whole[3:]), statistics.median(apart[3:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="scenes", choices=["scenes", "vit-b-16"])
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--more", type=int, default=5000, help="requests over which memory is watched; 0: none")
    parser.add_argument("--prompts", type=int, default=30, help="further prompts that are timed")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", whylight.errors.WhylightWarning)
    if arguments.serve:
        serve(arguments.serve)
        return
    process = subprocess.Popen(
        [sys.executable, __file__, "--serve", arguments.model], stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        view = view_named(arguments.model)
        own, page = further_prompt(address, view, arguments.prompts)
        show("further prompt, s", {"session": round(own, 4), "page": round(page, 4), "ratio": round(page / own, 2)})
        whole, apart = by_layer(view, arguments.prompts)
        show("layers, s", {"sum": round(whole, 4), "apart": round(apart, 4), "ratio": round(apart / whole, 2)})
        if arguments.model == "scenes":
            load(address, view, process.pid, arguments)
    finally:
        process.terminate()
        process.wait(60)


def load(address: str, view: View, server: int, arguments: argparse.Namespace) -> None:
    expected = expected_maps(view)
    memory = psutil.Process(server)
    tally = ask_all(address, expected, arguments.requests, arguments.clients)
    show(f"{arguments.clients} clients at once", of_tally(tally))
    if not arguments.more:
        return
    first = ask_all(address, expected, 500, 8)
    after_500 = memory.memory_info().rss
    rest = ask_all(address, expected, arguments.more - 500, 8)
    after_all = memory.memory_info().rss
    show("8 clients, the first 500", of_tally(first))
    show(f"8 clients, as many more as make {arguments.more}", of_tally(rest))
    figures = {"after 500": round(after_500 / 1e6, 1), f"after {arguments.more}": round(after_all / 1e6, 1)}
    show("server's memory, MB", figures | {"ratio": round(after_all / after_500, 3)})


def of_tally(tally: Tally) -> dict[str, float]:
    ordered = sorted(tally.seconds)
    return {
        "requests": len(ordered),
        "lost": tally.lost,
        "mixed up": tally.mixed_up,
        "told to wait": tally.asked_again,
        "median ms": round(1000 * statistics.median(ordered), 1),
        "p99 ms": round(1000 * ordered[int(0.99 * len(ordered))], 1),
    }


def show(name: str, figures: dict[str, float]) -> None:
    print(f"{name}: " + ", ".join(f"{key} {value}" for key, value in figures.items()), flush=True)


if __name__ == "__main__":
    main()

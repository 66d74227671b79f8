"""The worker's side: prepares kinds and tries inputs, as many as it is asked to; a script of its own."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])

MEMORY = 6 * 2**30
"""Bytes that it may take; what asks for more gets a MemoryError."""


def main() -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what libraries print is no reply
    from fuzzing.kinds import prepare
    from fuzzing.trial import trial

    with tempfile.TemporaryDirectory() as home:
        os.chdir(home)
        os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = f"{home}/drawn"
        os.mkdir("drawn")
        attempts = {}
        for line in sys.stdin:
            asked = json.loads(line)
            kind = asked["kind"]
            if kind not in attempts:
                seeds = Path(home) / f"seeds-{kind}"
                seeds.mkdir()
                attempts[kind] = prepare(kind, seeds)
            reply = {}
            if "number" in asked:
                folder = Path(home) / "input"
                folder.mkdir()
                reply = asdict(trial(kind, attempts[kind], asked["seed"], asked["number"], folder))
                with contextlib.suppress(OSError):
                    shutil.rmtree(folder)
            print(json.dumps(reply), file=replies)


if __name__ == "__main__":
    main()

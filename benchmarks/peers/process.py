"""The driver's side of a worker process: a request down its stdin, a reply up its stdout, with a time limit."""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any

WORKERS = Path(__file__).parent / "workers"


class Failed(Exception):
    """A worker could not do what it was asked; the message goes into the table."""


class Worker:
    """One process of ``workers/NAME.py`` or another script, ended at the end of the ``with`` block and after a failure.

    Args:
        python: the interpreter of the environment it runs in.
        script: the worker's file name without ".py", or its whole path without.
        threads: how many threads torch takes there.
        log: where its stderr goes.
    """

    def __init__(self, python: Path | str, script: str, *, threads: int, log: Path) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        quiet = {"PYTHONWARNINGS": "ignore", "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""}
        counts = {name: str(threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
        with log.open("wb") as errors:
            self.process = subprocess.Popen(
                [str(python), str(WORKERS / f"{script}.py")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, **quiet, **counts},
            )
        self.unread = b""

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()

    def ask(self, limit: float, **request: Any) -> dict[str, Any]:
        """The reply to one request.

        Args:
            limit: seconds to wait.

        Raises:
            Failed: no reply in time, an error in the worker, or its death.
        """
        self.send(**request)
        return self.reply(limit)

    def send(self, **request: Any) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # the reply says that it died

    def reply(self, limit: float) -> dict[str, Any]:
        """See :meth:`ask`."""
        reply: dict[str, Any] = json.loads(self._line(limit))
        if "error" in reply:
            self.process.kill()
            raise Failed(reply["error"])
        return reply

    def _line(self, limit: float) -> bytes:
        assert self.process.stdout is not None
        pipe, end = self.process.stdout.fileno(), time.monotonic() + limit
        while b"\n" not in self.unread:
            ready, _, _ = select.select([pipe], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                self.process.kill()
                raise Failed(f"over {limit:.0f} s")
            read = os.read(pipe, 65536)
            if not read:
                raise Failed(f"died with exit status {self.process.wait()}")
            self.unread += read
        line, _, self.unread = self.unread.partition(b"\n")
        return line

"""Command lines in processes of their own that start at once, and die where they are told to.

Started as a program this is the server: it imports everything once, and forks for each command that it reads. Each
command names its words, more environment variables, and where to die: ("batch", n) before the n-th batch is explained,
("writing", n) in the middle of the n-th file of rows, ("aside", n) when that file is whole but has not its name yet,
("stored", n) when it has. Death is SIGKILL.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
KILLED = -signal.SIGKILL


class Server:
    """Runs commands, several at a time, in a folder."""

    def __init__(self, folder: Path) -> None:
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=folder,
            env=environment,
            text=True,
        )

    def run(self, *commands: dict[str, Any]) -> list[int]:
        """Exit statuses of commands that run beside each other; of one that was killed the signal, negative."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(commands) + "\n")
        self._process.stdin.flush()
        statuses: list[int] = json.loads(self._process.stdout.readline())
        return statuses

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)


def serve() -> None:
    import pyarrow.parquet
    import torch

    import whylight.maps.planning
    import whylight.models.openclip.load
    import whylight.runs.run
    import whylight.scenes.load  # noqa: F401

    assert pyarrow.parquet
    torch.set_num_threads(1)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what commands print is no answer
    for line in sys.stdin:
        children = [_fork(command) for command in json.loads(line)]
        statuses = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        print(json.dumps(statuses), file=answers, flush=True)


def _fork(command: dict[str, Any]) -> int:
    child = os.fork()
    if child:
        return child
    status = 70
    try:
        os.environ.update(command.get("env", {}))
        if "die" in command:
            _arrange_death(*command["die"])
        from whylight.cli.main import main

        main(command["words"])
    except SystemExit as stopped:
        status = int(stopped.code or 0)
    finally:
        os._exit(status)


def _arrange_death(where: str, count: int) -> None:
    from whylight.maps.rows import MapRows
    from whylight.runs import files, folder
    from whylight.runs.folder import RunFolder

    left = [count]

    def die() -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    rows, store = MapRows.rows, RunFolder.write
    if where == "batch":
        MapRows.rows = lambda self, batch: (die(), rows(self, batch))[1]  # type: ignore[method-assign]
    elif where == "writing":

        def half(path: Path, content: bytes) -> Path:
            if path.suffix == ".parquet" and left[0] == 1:
                path.with_name(f".{path.name}.half").write_bytes(content[: len(content) // 2])
            if path.suffix == ".parquet":
                die()
            return files.write_file(path, content)

        folder.write_file = half  # type: ignore[assignment]
    elif where == "aside":

        def named(aside: Path, path: Path) -> None:
            if path.suffix == ".parquet":
                die()
            os.replace(aside, path)

        def whole(path: Path, content: bytes) -> Path:
            with files.written_aside(path, placed=named) as file:
                file.write(content)
            return path

        folder.write_file = whole  # type: ignore[assignment]
    else:
        assert where == "stored"

        def stored(self: RunFolder, name: str, content: bytes) -> None:
            store(self, name, content)
            if name.endswith(".parquet"):
                die()

        RunFolder.write = stored  # type: ignore[method-assign]


if __name__ == "__main__":
    serve()

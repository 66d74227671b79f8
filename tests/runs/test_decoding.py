"""Processes that decode: one that dies or hangs costs its sample at most, and none outlives its run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from runs.forked import KILLED

from whylight.runs.decoding import Crashing, DecodingProcesses, DecodingThread, Hanging

CHILD = """
import os, signal
from whylight.runs.decoding import DecodingProcesses

if __name__ == "__main__":
    decoder = DecodingProcesses(len, 1)
    assert decoder.result(decoder.submit("four"), 60) == 4
    print(*decoder.pids, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def decode(sample: object) -> object:
    if sample == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    if sample == "dies while it hands over":
        frame = sys._getframe()
        while frame.f_code.co_name != "_process_worker":
            frame = frame.f_back
        os.write(frame.f_locals["result_queue"]._writer.fileno(), b"\x00\x00\x10\x00the first bytes")
        os.kill(os.getpid(), signal.SIGKILL)
    if sample == "hangs":
        time.sleep(60)
    return sample


def test_a_sample_that_kills_its_process_is_named(tmp_path: Path) -> None:
    decoder = DecodingProcesses(decode, 1)
    tickets = [decoder.submit(sample) for sample in ("a", "dies", "b", "c")]
    assert decoder.result(tickets[0], 60) == "a"
    with pytest.raises(Crashing):
        decoder.result(tickets[1], 60)
    assert [decoder.result(ticket, 60) for ticket in tickets[2:]] == ["b", "c"]
    decoder.close()


def test_a_process_that_dies_in_the_middle_of_a_result_is_noticed() -> None:
    """The pool that waits for the rest of it says nothing, and would hold up all that it was given."""
    decoder = DecodingProcesses(decode, 1)
    tickets = [decoder.submit(sample) for sample in ("a", "dies while it hands over", "b", "c")]
    assert decoder.result(tickets[0], 60) == "a"
    with pytest.raises(Crashing):
        decoder.result(tickets[1], 60)
    assert [decoder.result(ticket, None) for ticket in tickets[2:]] == ["b", "c"]
    decoder.close()


def test_a_pool_that_waits_for_the_rest_of_a_result_does_not_hold_up_the_end() -> None:
    program = (
        "from runs import test_decoding as t\n"
        "if __name__ == '__main__':\n"
        "    t.test_a_process_that_dies_in_the_middle_of_a_result_is_noticed()"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", program], env=environment, timeout=60, check=True)


def test_a_hanging_process_costs_its_own_sample_alone() -> None:
    decoder = DecodingProcesses(decode, 1)
    tickets = [decoder.submit(sample) for sample in ("hangs", "b", "hangs", "c")]
    for ticket, expected in zip(tickets, ("", "b", "", "c"), strict=True):
        if expected:
            assert decoder.result(ticket, 30) == expected
        else:
            with pytest.raises(Hanging):
                decoder.result(ticket, 2)
    decoder.close()


def test_a_thread_that_hangs_is_replaced() -> None:
    decoder = DecodingThread(decode)
    tickets = [decoder.submit(sample) for sample in ("hangs", "b")]
    with pytest.raises(Hanging):
        decoder.result(tickets[0], 0.2)
    assert decoder.result(tickets[1], 5) == "b"
    decoder.close()


@pytest.mark.skipif(sys.platform != "linux", reason="a thread has no priority of its own")
def test_a_thread_beside_a_model_on_the_cpu_stands_back_behind_it() -> None:
    def priority(_: object) -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    ours = priority(None)
    for stands_back in (False, True):
        decoder = DecodingThread(priority, stands_back=stands_back)
        assert decoder.result(decoder.submit("a"), 5) == (max(ours, 10) if stands_back else ours)
        decoder.close()
    assert priority(None) == ours


def test_processes_end_with_the_run_that_is_killed(tmp_path: Path) -> None:
    (tmp_path / "child.py").write_text(CHILD)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    child = subprocess.run(
        [sys.executable, str(tmp_path / "child.py")], capture_output=True, text=True, env=environment, timeout=120
    )
    assert child.returncode == KILLED, child.stderr
    (worker,) = map(int, child.stdout.split())
    deadline = time.monotonic() + 20
    while Path(f"/proc/{worker}").exists() and "Z" not in Path(f"/proc/{worker}/stat").read_text().split(")")[1][:3]:
        assert time.monotonic() < deadline, "it lives on"
        time.sleep(0.1)

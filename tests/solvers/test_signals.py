"""Ctrl-C, SIGTERM and SIGKILL: the plan is kept, and no process or folder is left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from solvers.test_session import at_home, gone

#: Solves the toy with a fake, says when the solver is at work, and prints what came of it.
PROGRAM = """
import json, signal, sys
if not {ignored}:  # as it is where a run is started in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)
else:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
sys.path[:0] = {path}
from optimiser.solvers import registry
from optimiser.solvers.session import solve
from toy_result import toy
registry.register("fake", "solvers.fakes:{fake}")
def tell(item):
    if getattr(item, "objective", None) is not None:
        print("at work", flush=True)
result = solve(toy(), solver="fake", progress=tell, log={log!r})
print(json.dumps([result.status, result.objective_units, result.bound_units, result.interrupted]))
"""


@pytest.fixture
def start(tmp_path):
    """Start a solve with a fake, wait until it is at work; kill it in the end."""
    processes = []
    temporary = tmp_path / "temporary"
    temporary.mkdir()

    def begin(fake: str, *, ignored: bool = False) -> subprocess.Popen[str]:
        path = [str(Path(__file__).parents[1])]
        program = PROGRAM.format(path=path, fake=fake, log=str(tmp_path / "log"), ignored=ignored)
        process = subprocess.Popen(
            [sys.executable, "-c", program],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "TMPDIR": str(temporary)},
        )
        processes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "at work\n"
        return process

    yield begin
    for process in processes:
        process.kill()
        process.communicate()


def answer(process: subprocess.Popen[str]) -> Any:
    """What the program prints at its end."""
    out, _ = process.communicate(timeout=20)
    return json.loads(out.splitlines()[-1])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(("fake", "bound"), [("Waits", 2), ("Hangs", 1)])
def test_signal_keeps_the_plan_within_two_seconds(start, tmp_path, number, fake, bound):
    """Whether the solver listens or not, the plan and bound it had come back in time."""
    process = start(fake)
    time.sleep(0.3)
    began = time.monotonic()
    process.send_signal(number)
    assert answer(process) == ["feasible", at_home(), bound, True]
    assert time.monotonic() - began < 2.0 + 0.5  # its interpreter has to end, too
    assert process.returncode == 0
    assert list((tmp_path / "temporary").iterdir()) == []


def test_solver_is_asked_even_where_interrupts_are_ignored(start):
    """A run in the background, deaf to Ctrl-C, still gets its solver to stop at SIGTERM."""
    process = start("Waits", ignored=True)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert answer(process) == ["feasible", at_home(), 2, True]


def test_second_signal_does_not_wait(start):
    """Ctrl-C twice kills the solver at once, and still keeps the plan."""
    process = start("Hangs")
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert answer(process)[0] == "feasible"
    assert time.monotonic() - began < 1.0


def test_killed_parent_leaves_nothing(start, tmp_path):
    """After SIGKILL of the parent, its child, grandchild and folder go by themselves."""
    process = start("Hangs")
    log = tmp_path / "log"
    until = time.monotonic() + 10
    while len(log.read_text().split()) < 2 and time.monotonic() < until:
        time.sleep(0.05)
    child, grandchild = map(int, log.read_text().split())
    process.kill()
    assert gone(child, 3)
    assert gone(grandchild, 3)
    assert list((tmp_path / "temporary").iterdir()) == []

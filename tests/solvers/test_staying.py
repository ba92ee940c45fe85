"""Children that stay for the next solve: what they may, and what ends them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import optimiser as opt
from optimiser.solvers import process, registry
from optimiser.studies.generate import generate

TOY = Path(__file__).parents[2] / "instances" / "toy"
STAYING = [
    name for name in ("decomposition", "highs", "scip", "cp-sat", "cbc")
    if registry.get(name).availability().installed
]
pytestmark = pytest.mark.skipif(
    not Path("/proc/self/task").exists(), reason="children are listed by /proc, as on Linux"
)


@pytest.fixture(autouse=True)
def alone():
    """No child of an earlier test is there, and none is left."""
    process.release()
    yield
    process.release()


def children():
    """Processes of this process that run solvers, those that have ended left out."""
    found = set()
    for task in Path("/proc/self/task").iterdir():
        for pid in (task / "children").read_text().split():
            with contextlib.suppress(OSError):  # ended since
                if b"optimiser.solvers.child" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    found.add(int(pid))
    return found


def small(seed=0):
    """An instance that is solved at once."""
    return generate("regional", seed=seed, organisations=8, services=2, centres=3, co_operatives=4)


def told(result):
    """What must not hang on what a process has done before."""
    return (result.status, result.objective_units, result.bound_units, result.plan,
            [(p.objective, p.bound) for p in result.trace])  # fmt: skip


@pytest.mark.parametrize("solver", STAYING)
def test_the_next_solve_has_the_same_process_and_the_same_answer(solver):
    """The child stays; what it says of a problem is what a new one says."""
    instances = [small(seed) for seed in range(3)]
    fresh = []
    for instance in instances:
        fresh.append(told(opt.solve(instance, solver=solver, gap=0)))
        process.release()
    opt.solve(opt.read(TOY), solver=solver, gap=0)
    stayed = children()
    assert len(stayed) == 1
    for instance, want in zip(instances, fresh, strict=True):
        assert told(opt.solve(instance, solver=solver, gap=0)) == want
        assert children() == stayed


def test_what_is_cut_off_does_not_stay():
    """After its time limit, something may still run in a child: it goes."""
    instance = generate("everything", seed=0, organisations=40, services=4, centres=8,
                        co_operatives=12)  # fmt: skip
    result = opt.solve(instance, solver="decomposition", gap=0, time_limit=1.0)
    assert result.status in ("feasible", "unknown")
    assert not children()


def test_a_stayed_child_that_was_killed_is_replaced():
    """The next solve notices that it is gone, and starts another."""
    opt.solve(opt.read(TOY), solver="decomposition", gap=0)
    (pid,) = children()
    os.kill(pid, signal.SIGKILL)
    time.sleep(0.2)
    assert opt.solve(opt.read(TOY), solver="decomposition", gap=0).status == "optimal"
    assert pid not in children()


def test_another_environment_or_thread_count_is_another_child(monkeypatch):
    """A child serves solves that would have made one like it."""
    opt.solve(opt.read(TOY), solver="decomposition", gap=0)
    first = children()
    monkeypatch.setenv("SOMETHING_ELSE", "1")
    opt.solve(opt.read(TOY), solver="decomposition", gap=0)
    second = children()
    assert len(second) == 2
    assert first < second
    opt.solve(opt.read(TOY), solver="decomposition", gap=0, threads=2)
    assert len(children()) <= process.STAY


def test_each_solve_has_its_own_log_and_clock(tmp_path):
    """A stayed child writes to the log of the solve that it does, and counts its seconds."""
    for name in ("one", "two"):
        result = opt.solve(opt.read(TOY), solver="decomposition", gap=0, log=tmp_path / name)
        assert (tmp_path / name).read_text().strip()
        assert result.seconds["solver"] < result.seconds["total"]
    size = (tmp_path / "one").stat().st_size
    opt.solve(opt.read(TOY), solver="decomposition", gap=0)
    assert (tmp_path / "one").stat().st_size == size


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("solver", STAYING)
def test_an_interrupt_reaches_a_stayed_child(solver):
    """Ctrl-C ends the second solve of a process as it ends the first, with what it has."""
    code = (
        "import optimiser as opt\n"
        "opt.solve(opt.generate('regional', organisations=8, services=2, centres=3, "
        f"co_operatives=4), solver='{solver}', gap=0)\n"
        "print('now', flush=True)\n"
        "r = opt.solve(opt.generate('staircase', organisations=40, services=4, centres=8, "
        f"co_operatives=12), solver='{solver}', gap=0, time_limit=60, "
        "progress=lambda p: print('p', flush=True))\n"
        "print('end', r.interrupted, r.plan is not None, r.bound is not None, flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        line = run.stdout.readline()
        while line.strip() != "now":
            assert line
            line = run.stdout.readline()
        time.sleep(3.0)
        run.send_signal(signal.SIGINT)
        rest = run.stdout.read()
    assert run.returncode == 0
    end = rest.strip().splitlines()[-1]
    assert end.startswith("end True")
    if solver == "decomposition":  # others may not have a plan so soon
        assert end == "end True True True"


def test_none_outlives_its_parent():
    """A program that ends takes its stayed child along."""
    code = (
        "import optimiser as opt, os\n"
        "opt.solve(opt.generate('regional', organisations=8, services=2, centres=3, "
        "co_operatives=4), solver='decomposition', gap=0)\n"
        "from optimiser.solvers import process\n"
        "print(*[each.popen.pid for _, each in process._idle._stayed])\n"
        "os._exit(0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          timeout=120, check=True)  # fmt: skip
    pids = done.stdout.split()
    assert len(pids) == 1
    until = time.monotonic() + 10
    while Path(f"/proc/{pids[0]}").exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert not Path(f"/proc/{pids[0]}").exists()

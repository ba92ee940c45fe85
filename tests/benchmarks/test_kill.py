"""The runner killed at random moments: nothing that ended is lost or counted twice."""

from __future__ import annotations

import dataclasses
import random
import subprocess
import time
from pathlib import Path

import pytest
from conftest import remaining

from benchmarks.records import read_records

ROOT = Path(__file__).parents[2]


def table(path):
    """Return what a file of records says, but for times."""
    return {
        run.key: dataclasses.replace(
            run, session="", time=0.0, wall=0.0, seconds={}, peak_mib=0.0,
            trace=tuple((0.0, *point[1:]) for point in run.trace),
        )
        for run in read_records(path)[1]
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kills", "seeds"), [(6, 4), pytest.param(100, 60, marks=pytest.mark.long)]
)
def test_killed_and_resumed_is_the_same_as_uninterrupted(command, fakes, tmp_path, kills, seeds):
    """SIGKILL at random moments, resume, compare with a run that was left alone."""
    words = [*command, "run", "smoke", "--instances", "toy", "--jobs", "2", "--quiet",
             "--solvers", "fake-quick,fake-bound,fake-segfault",
             "--seeds", f"0-{seeds - 1}", "--out"]  # fmt: skip
    draws = random.Random(kills)
    killed, recorded, hits = tmp_path / "killed", {}, 0
    took = 0.0  # until the first run is recorded, however busy the machine is
    for _ in range(kills):
        began = time.monotonic()
        process = subprocess.Popen([*words, str(killed)], cwd=ROOT, stderr=subprocess.DEVNULL)
        if took:
            time.sleep(draws.uniform(0.0, 1.5 * took))
        else:
            while not killed.exists() or b'"kind":"run"' not in killed.read_bytes():
                time.sleep(0.01)
            took = time.monotonic() - began
        hits += process.poll() is None
        process.kill()
        process.wait()
        if killed.exists():
            now = table(killed)
            assert now.items() >= recorded.items()  # nothing is lost or changed
            recorded = now
        assert not remaining(fakes)
    assert hits >= kills / 2  # the rest found all done
    assert recorded
    assert subprocess.run([*words, str(killed)], cwd=ROOT, check=False).returncode == 1
    alone = tmp_path / "alone"
    assert subprocess.run([*words, str(alone)], cwd=ROOT, check=False).returncode == 1
    assert table(killed) == table(alone)
    assert len(table(killed)) == 3 * seeds
    sessions, runs = read_records(killed)
    assert len(killed.read_bytes().splitlines()) == len(sessions) + len(runs)

"""Runs on a real Dask scheduler with two worker processes, one of which is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cases import task
from heeding import heed_interrupts

pytest.importorskip("distributed", reason="dask.distributed, extra cluster, is not installed")

from benchmarks.cluster import Cluster
from benchmarks.limits import MARK
from benchmarks.processes import descendants
from benchmarks.records import read_records
from benchmarks.runner import run_missing
from optimiser.errors import FileError, UsageError

ROOT = __file__.partition("/tests/")[0]


class Dask:
    """A scheduler and its workers, as processes."""

    def __init__(self, folder, workers):
        self._folder = folder
        self._file = folder / "scheduler.json"
        self.scheduler = self._start("scheduler", "--port", "0", "--no-dashboard", "--no-show")
        until = time.monotonic() + 60
        while not self._file.exists() or not self._file.stat().st_size:
            assert time.monotonic() < until
            time.sleep(0.05)
        self.address = json.loads(self._file.read_text())["address"]
        self.workers = [self._start("worker", "--nthreads", "1", "--no-nanny", "--no-dashboard",
                                    "--local-directory", str(folder)) for _ in range(workers)]

    def _start(self, what, *words):
        log = (self._folder / f"{what}.log").open("ab")
        with log:
            return subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.dask_{what}",
                 "--scheduler-file", str(self._file), *words],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT,
                env={**os.environ, "PYTHONPATH": f"{ROOT}:{os.environ['PYTHONPATH']}",
                     "DASK_TEMPORARY_DIRECTORY": str(self._folder)},
            )  # fmt: skip

    def stop(self):
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()


@pytest.fixture
def dask(fakes, tmp_path):
    folder = tmp_path / "dask"
    folder.mkdir()
    found = Dask(folder, 2)
    yield found
    found.stop()


def at_work(worker, within=60.0):
    """Wait until a Dask worker has a run of ours as its child, and that a child of its own."""
    until = time.monotonic() + within
    while len([each for each in descendants(worker.pid) if _is_ours(each)]) < 2:
        assert time.monotonic() < until
        time.sleep(0.02)


def _is_ours(process):
    try:
        return MARK.encode() in Path(f"/proc/{process}/environ").read_bytes()
    except OSError:
        return False


def test_lost_worker_loses_no_finished_run(dask, tmp_path):
    """One of two workers is killed in mid-run: every run is recorded, once, and is what it is."""
    tasks = [task("fake-slow", seed=seed) for seed in range(3)] + [task("fake-segfault")]
    out = tmp_path / "records.jsonl"
    cluster = Cluster(dask.address)

    class Killing:
        """The cluster; a worker is killed as soon as it is at work."""

        start, running, jobs, stop = cluster.start, cluster.running, cluster.jobs, cluster.stop
        killed = False

        def check(self):
            cluster.check()
            if not self.killed:
                at_work(dask.workers[0])
                time.sleep(0.5)
                os.kill(dask.workers[0].pid, signal.SIGKILL)
                self.killed = True

    ended = run_missing(tasks, out, Killing(), cluster=dask.address, quiet=True)
    assert (len(ended.recorded), ended.missing, ended.refused) == (4, 0, {})
    sessions, runs = read_records(out)
    assert sessions[0].cluster == dask.address
    assert {run.key: run.failure for run in runs} == {
        each.key: "crashed" if each.solver == "fake-segfault" else "" for each in tasks
    }
    assert len(out.read_bytes().splitlines()) == 5
    assert all(run.node for run in runs)


def test_scheduler_that_goes_is_told_and_nothing_lost(dask, tmp_path):
    """Where the scheduler dies, the runner says so, and what had ended stays recorded."""
    cluster = Cluster(dask.address)
    out = tmp_path / "records.jsonl"

    class Killing:
        start, running, jobs, stop = cluster.start, cluster.running, cluster.jobs, cluster.stop
        killed = False

        def check(self):
            if not self.killed and len(out.read_bytes().splitlines()) > 1:
                dask.scheduler.kill()
                self.killed = True
            cluster.check()

    tasks = [task("fake-slow", seed=seed) for seed in range(5)]
    with pytest.raises(FileError, match="scheduler has gone"):
        run_missing(tasks, out, Killing(), cluster=dask.address, quiet=True)
    _, runs = read_records(out)
    assert 1 <= len(runs) < 5


def test_interrupt_ends_runs_on_the_cluster(dask, tmp_path, command):
    """Ctrl-C ends what the workers are at; nothing of it is recorded, and they serve on."""
    out = tmp_path / "records.jsonl"
    words = [*command, "run", "smoke", "--instances", "toy", "--solvers", "fake-slow", "--seeds",
             "0-3", "--cluster", dask.address, "--out", str(out)]  # fmt: skip
    runner = subprocess.Popen(
        words, stderr=subprocess.PIPE, text=True, cwd=ROOT, preexec_fn=heed_interrupts
    )
    for worker in dask.workers:
        at_work(worker)
    runner.send_signal(signal.SIGINT)
    said = runner.communicate(timeout=30)[1]
    assert runner.returncode == 130
    assert "The same command goes on from here" in said
    assert "Traceback" not in said
    _, runs = read_records(out)
    assert len(runs) < 4
    again = subprocess.run(words, stderr=subprocess.PIPE, text=True, cwd=ROOT, check=False)
    assert again.returncode == 0, again.stderr
    assert len(read_records(out)[1]) == 4


def test_no_scheduler_is_told(monkeypatch):
    """An address at which nobody answers is named."""
    monkeypatch.setattr("benchmarks.cluster.PATIENCE", 1)
    with pytest.raises(UsageError, match=r"No Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        Cluster("tcp://127.0.0.1:9")

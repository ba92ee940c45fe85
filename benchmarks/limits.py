"""One worker process, kept to its time and its memory together with all that it starts.

Time: `limit × 1.1 + 30 s` from the moment that the instance has been read, for which there is an
allowance of its own; a solver that is past its limit by 5 s has then long been killed by the
session in the worker. Memory: what all processes of the run hold together, looked at five times a
second. Where that is too much the solver is killed first, so that the worker can still tell what
had been found; then the worker, too.
"""

from __future__ import annotations

import json
import os
import secrets
import select
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from benchmarks import processes
from benchmarks.worker import FOLDER, failed
from optimiser.errors import FileError
from optimiser.solvers.process import how

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.suites import Task

#: The worker is killed at limit × FACTOR + SLACK seconds.
FACTOR, SLACK = 1.1, 30.0
#: Seconds that reading an instance may take.
READING: float = 600.0
#: Seconds that the worker has to tell what had been found, once its solver was killed.
GRACE: float = 30.0
#: Seconds that a worker without a record may take to end, before it is killed.
FAREWELL: Final = 2.0
#: Seconds between two looks at the memory, and whether to stop.
EVERY: Final = 0.2
#: Variable by which processes of a run are known, whoever their parents are.
MARK: Final = "OPTIMISER_BENCHMARK_RUN"
#: Characters of the worker's last words that are recorded.
_TAIL: Final = 600
_HOME: Final = str(Path(__file__).resolve().parent.parent)
#: Keeps the libraries' own threads to those that a run may use.
_THREADS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def run_task(
    task: Task, stopped: Callable[[], bool], cores: Sequence[int] = ()
) -> dict[str, Any] | None:
    """Run a task in a worker process.

    Parameters
    ----------
    task
        What is to be done.
    stopped
        Asked five times a second; once it says yes, everything ends.
    cores
        Numbers of the cores to keep to; none for all.

    Returns
    -------
    The record without its session, ``{"refused": why}`` where the task cannot be done at all (no
    such file, no such solver), or None if it was stopped.

    Raises
    ------
    FileError
        If the worker cannot be started.
    """
    try:
        with tempfile.TemporaryFile() as words:
            return _Worker(task, words, cores).run(stopped)
    except OSError as error:
        raise FileError(f"the run cannot be started: {error}") from error


def described(task: Task) -> dict[str, Any]:
    """Return what a record says of its task."""
    return {
        "key": task.key,
        "suite": task.suite,
        "set": task.case.set,
        "instance": task.case.instance,
        "solver": task.solver,
        "seed": task.seed,
        "threads": task.threads,
        "gap": task.gap,
        "limit": task.limit,
        "memory_mib": task.memory_mib,
        "best_known": task.case.best_known,
        "best_known_status": task.case.best_known_status,
    }


class _Worker:
    """The worker process, watched."""

    def __init__(self, task: Task, words: IO[bytes], cores: Sequence[int]) -> None:
        self._task = task
        self._words = words
        self._mark = secrets.token_hex(8)
        # The worker makes it, so that none stays should this process be killed before that.
        self._folder = Path(tempfile.gettempdir()) / f"benchmark-{self._mark}"
        self._began = time.monotonic()
        self._since = self._began
        self._known: dict[str, Any] = {}
        self._end: dict[str, Any] | None = None
        self._buffer = b""
        self._peak = 0.0
        self._excess = ""
        self._deadline = self._began + READING
        self._stage = "reading the instance"
        self._process = self._spawn(cores)

    def _spawn(self, cores: Sequence[int]) -> subprocess.Popen[bytes]:
        threads = str(self._task.threads)
        path = os.pathsep.join(filter(None, [_HOME, os.environ.get("PYTHONPATH", "")]))
        own = {"PYTHONPATH": path, FOLDER: str(self._folder), MARK: self._mark}
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "benchmarks.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._words,
            env={**os.environ, **dict.fromkeys(_THREADS, threads), **own},
            start_new_session=True,
        )
        if cores:
            # What it starts inherits this.
            os.sched_setaffinity(process.pid, cores)
        return process

    def run(self, stopped: Callable[[], bool]) -> dict[str, Any] | None:
        """Watch it to its end; see `run_task`."""
        lifeline = self._process.stdin
        assert lifeline is not None
        try:
            with lifeline:
                self._hand_over(lifeline)
                if not self._watch(stopped):
                    return None
                self._await_end()
        finally:
            processes.end_tree(self._process.pid, MARK, self._mark)
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process.wait()
            shutil.rmtree(self._folder, ignore_errors=True)
        if self._end is not None and self._end["message"] == "refused":
            return {"refused": self._end["text"]}
        return self._record()

    def _hand_over(self, lifeline: Any) -> None:
        try:
            lifeline.write(json.dumps(self._task.document()).encode() + b"\n")
            lifeline.flush()
        except BrokenPipeError:  # it has ended already; its last words say why
            pass

    def _watch(self, stopped: Callable[[], bool]) -> bool:
        """Read messages and keep limits until the worker has ended; False if told to stop."""
        assert self._process.stdout is not None
        channel = self._process.stdout.fileno()
        looked = 0.0
        while True:
            ready, _, _ = select.select([channel], [], [], EVERY)
            if ready and not self._read(channel):
                return True
            if stopped():
                return False
            now = time.monotonic()
            if now - looked >= EVERY:
                looked = now
                self._look()
            if now >= self._deadline:
                self._excess = self._excess or "hung"
                return True

    def _read(self, channel: int) -> bool:
        """Take what has come; False once nothing more will."""
        data = os.read(channel, 1 << 16)
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            message = json.loads(line)
            if message["message"] == "read":
                self._known = message["known"]
                self._stage = "the run"
                self._since = time.monotonic()
                self._deadline = self._since + self._task.limit * FACTOR + SLACK
            else:
                self._end = message
        return bool(data) and self._end is None

    def _look(self) -> None:
        """Measure memory; end the solver, or all, where that is too much."""
        below = processes.descendants(self._process.pid)
        held = processes.resident([self._process.pid, *below])
        self._peak = max(self._peak, held)
        if held <= self._task.memory_mib:
            return
        if self._excess or not below:
            self._deadline = 0.0  # the worker itself is too large
        else:
            self._deadline = min(self._deadline, time.monotonic() + GRACE)
            processes.end_descendants(self._process.pid)
        self._excess = "memory"

    def _await_end(self) -> None:
        """Let it end by itself, if it is about to, so that its exit code tells how it did."""
        if self._end is None and not self._excess:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(FAREWELL)

    def _record(self) -> dict[str, Any]:
        task, now = self._task, time.monotonic()
        record = described(task) | {"time": round(now - self._since, 4), **self._known}
        if self._end is not None:
            record |= self._end["record"]
        else:
            record |= failed(*self._failure())
        if self._excess == "memory":
            record |= failed("memory", self._too_much()) | {"status": record["status"]}
        record["wall"] = round(now - self._began, 4)
        record["peak_mib"] = round(max(self._peak, record.get("peak_mib", 0.0)), 1)
        return record

    def _failure(self) -> tuple[str, str]:
        """Say how the worker ended without a record."""
        self._words.seek(0)
        words = self._words.read()[-_TAIL:].decode(errors="replace").strip()
        last = f"; its last words: {words}" if words else ""
        if self._excess == "hung":
            return "hung", f"{self._stage} took too long and was killed{last}"
        return "crashed", f"{self._stage} {how(self._process.returncode)}{last}"

    def _too_much(self) -> str:
        return (
            f"{self._task.solver} and the run that it was part of held {self._peak:,.0f} MiB of "
            f"memory, more than {self._task.memory_mib:,}; it was killed"
        )

"""Runs what is missing, here or on a cluster, and records each run as it ends."""

from __future__ import annotations

import dataclasses
import queue
import secrets
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

from benchmarks import machine
from benchmarks.limits import run_task
from benchmarks.progress import Display
from benchmarks.records import RecordFile, Run, Session
from optimiser.errors import SolverError
from optimiser.solvers import registry
from optimiser.solvers.process import Interrupts

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

    from benchmarks.suites import Task

#: Seconds between two looks at whether to stop.
_EVERY: Final = 0.25

#: A task and what came of it: what `run_task` returned, or the exception it raised.
Finished = tuple["Task", "dict[str, Any] | Exception | None"]


class Executor(Protocol):
    """Where runs are done."""

    def start(self, tasks: Sequence[Task], finished: queue.SimpleQueue[Finished]) -> None:
        """Begin to run tasks; each is put in `finished` as it ends, from any thread."""
        ...

    def running(self) -> list[Task]:
        """Return the tasks under way, as far as that is known."""
        ...

    def jobs(self) -> int:
        """Return how many tasks run side by side."""
        ...

    def check(self) -> None:
        """Raise an `OptimiserError` if nothing more can come; called four times a second."""
        ...

    def stop(self) -> None:
        """End all that is under way and wait until it has ended; more than once is no fault."""
        ...


class Local:
    """Runs tasks on this machine, so many side by side.

    Parameters
    ----------
    jobs
        How many.
    pinned
        Whether each job keeps to cores of its own, as many as a run has threads.
    run
        Does one task; another may be given by tests.
    """

    def __init__(
        self, jobs: int, *, pinned: bool = False, run: Callable[..., Any] = run_task
    ) -> None:
        self._jobs = jobs
        self._pinned = pinned
        self._run = run
        self._stopped = threading.Event()
        self._running: dict[int, Task] = {}
        self._threads: list[threading.Thread] = []

    def start(self, tasks: Sequence[Task], finished: queue.SimpleQueue[Finished]) -> None:
        """Start a thread a job, which take tasks in order."""
        todo: queue.SimpleQueue[Task] = queue.SimpleQueue()
        for task in tasks:
            todo.put(task)
        for number in range(self._jobs):
            thread = threading.Thread(target=self._work, args=(number, todo, finished))
            self._threads.append(thread)
            thread.start()

    def running(self) -> list[Task]:
        """Return the tasks under way."""
        return list(self._running.copy().values())

    def jobs(self) -> int:
        """Return how many tasks run side by side."""
        return self._jobs

    def check(self) -> None:
        """Find nothing wrong: threads put in `finished` whatever goes wrong."""

    def stop(self) -> None:
        """End the workers and the threads."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _work(
        self,
        number: int,
        todo: queue.SimpleQueue[Task],
        finished: queue.SimpleQueue[Finished],
    ) -> None:
        while not self._stopped.is_set():
            try:
                task = todo.get_nowait()
            except queue.Empty:
                return
            self._running[number] = task
            outcome: dict[str, Any] | Exception | None
            try:
                outcome = self._run(task, self._stopped.is_set, self._cores(number, task))
            except Exception as error:
                outcome = error
            del self._running[number]
            finished.put((task, outcome))

    def _cores(self, number: int, task: Task) -> list[int]:
        """Return the cores of a job; none where it may use all."""
        every = machine.cores()
        if not self._pinned:
            return []
        first = number * task.threads
        return [every[(first + each) % len(every)] for each in range(task.threads)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a run of a suite ended.

    Parameters
    ----------
    recorded
        Runs that were recorded now.
    before
        Runs asked for that the file had already.
    missing
        How many were not done.
    refused
        Why tasks could not be done at all, by the name of the instance and solver.
    wrong
        All runs asked for, of now or before, with a wrong answer.
    interrupted
        Whether it was stopped from outside.
    """

    recorded: tuple[Run, ...]
    before: tuple[Run, ...]
    missing: int
    refused: dict[str, str]
    wrong: tuple[Run, ...]
    interrupted: bool


def run_missing(
    tasks: Sequence[Task],
    path: str | os.PathLike[str],
    executor: Executor,
    *,
    command: str = "",
    cluster: str | None = None,
    quiet: bool = False,
) -> Ended:
    """Run what the file of records does not hold yet.

    Ctrl-C and SIGTERM end it: what is under way is killed and not recorded.

    Parameters
    ----------
    tasks
        All that is asked for.
    path
        The file of records.
    executor
        Where to run.
    command, cluster
        For the record of this session.
    quiet
        Whether to show no progress.

    Raises
    ------
    UsageError
        If another runner writes to the file.
    FileError
        If the file cannot be written or a run cannot be started; what was recorded stays.
    """
    with RecordFile(path) as file:
        before = [file.runs[task.key] for task in tasks if task.key in file.runs]
        todo = [task for task in tasks if task.key not in file.runs]
        if not todo:
            return _ended([], before, 0, {}, interrupted=False)
        session = _session(todo, command, cluster, None if cluster else executor.jobs())
        note = _other_versions(file.sessions, session)
        file.append(session)
        display = Display(todo, before, jobs=executor.jobs, running=executor.running, quiet=quiet)
        with Interrupts() as interrupts, display:
            if note and not quiet:
                display.say(note)
            try:
                recorded, refused = _collect(todo, file, session, executor, display, interrupts)
            finally:
                executor.stop()
        missing = len(todo) - len(recorded) - len(refused)
        interrupted = bool(interrupts.count) and missing > 0
        return _ended(recorded, before, missing, refused, interrupted=interrupted)


def _collect(
    todo: Sequence[Task],
    file: RecordFile,
    session: Session,
    executor: Executor,
    display: Display,
    interrupts: Interrupts,
) -> tuple[list[Run], dict[str, str]]:
    """Record runs as they end, until all have or an interrupt comes."""
    finished: queue.SimpleQueue[Finished] = queue.SimpleQueue()
    recorded: list[Run] = []
    refused: dict[str, str] = {}
    waiting = len(todo)
    executor.start(todo, finished)
    while waiting and not interrupts.count:
        try:
            task, outcome = finished.get(timeout=_EVERY)
        except queue.Empty:
            executor.check()
            continue
        waiting -= 1
        if isinstance(outcome, Exception):
            raise outcome
        if outcome is None or outcome.get("interrupted"):
            continue
        if "refused" in outcome:
            refused[f"{task.case.instance}, {task.solver}"] = outcome["refused"]
            display.say(f"{task.case.instance} {task.solver}: {outcome['refused']}")
            continue
        run = Run(session=session.id, **_frozen(outcome))
        file.append(run)
        recorded.append(run)
        display.took(run)
    return recorded, refused


def _frozen(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record as it will be read back: only what a run has, lists as tuples."""
    known = {field.name for field in dataclasses.fields(Run)}
    given = {name: value for name, value in record.items() if name in known}
    for name in ("wrong", "reasons"):
        given[name] = tuple(given.get(name, ()))
    given["trace"] = tuple(tuple(point) for point in given.get("trace", ()))
    return given


def _ended(
    recorded: Sequence[Run],
    before: Sequence[Run],
    missing: int,
    refused: dict[str, str],
    *,
    interrupted: bool,
) -> Ended:
    wrong = tuple(run for run in (*before, *recorded) if run.wrong)
    return Ended(
        recorded=tuple(recorded), before=tuple(before), missing=missing, refused=refused,
        wrong=wrong, interrupted=interrupted,
    )  # fmt: skip


def _session(
    tasks: Sequence[Task], command: str, cluster: str | None, jobs: int | None
) -> Session:
    import os

    commit, dirty = machine.commit()
    return Session(
        id=secrets.token_hex(6),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=machine.machine(),
        versions=machine.versions(sorted({task.solver for task in tasks})),
        commit=commit,
        dirty=dirty,
        command=command,
        jobs=jobs,
        cluster=cluster,
        pid=os.getpid(),
    )


def _other_versions(earlier: Sequence[Session], now: Session) -> str:
    """Say which packages had other versions in earlier sessions of the file; '' if none."""
    found = {
        f"{name} was {version}, is {now.versions[name]}"
        for session in earlier
        for name, version in session.versions.items()
        if name in now.versions and now.versions[name] != version
    }
    if not found:
        return ""
    return f"Note: this file holds runs of other versions ({'; '.join(sorted(found))})."


def check_solvers(names: Sequence[str]) -> None:
    """Raise `UsageError` for a solver that there is not, `SolverError` for one not installed."""
    missing = []
    for name in names:
        found = registry.get(name).availability()
        if not found.installed:
            missing.append(f"The solver {name} is not installed: {found.remedy}.")
    if missing:
        raise SolverError("\n".join(missing))

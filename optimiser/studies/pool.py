"""Many solves side by side: in processes here or on a Dask cluster, kept as they end, resumed."""

from __future__ import annotations

import dataclasses
import queue
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from optimiser.errors import SolverError, UsageError
from optimiser.files.restoring import restore_result
from optimiser.files.studies import RESULTS, keep_result
from optimiser.solvers import registry
from optimiser.solvers.base import Options
from optimiser.solvers.process import Interrupts
from optimiser.solvers.result import Progress, Result, SolverFault
from optimiser.solvers.session import solve
from optimiser.studies.crew import Cluster, LostError, News, Processes, Stopped

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Sequence

    from optimiser.model.instance import Instance
    from optimiser.model.plan import Plan
    from optimiser.model.rows import Objective, SideRow
    from optimiser.solvers.base import Prices
    from optimiser.studies.crew import Call, Crew

    Tell = Callable[[Progress | str], object]

#: Seconds between two looks for an interrupt.
LOOK: Final = 0.2
#: Seconds between two pieces of news of a solve.
EVERY: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One solve.

    Parameters
    ----------
    name
        Name of its result; unique.
    instance, rows, objective
        What is solved.
    start
        A plan to start from; one that does not fit the instance is left out.
    prices
        What rules were worth in a similar solve; a result as `start` brings its own.
    """

    name: str
    instance: Instance
    rows: tuple[SideRow, ...] = ()
    objective: Objective | None = None
    start: Plan | Result | None = None
    prices: Prices | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How every solve of a study is done, and where.

    Parameters
    ----------
    solver, time_limit, gap, threads, seed
        As in `optimiser.solve`, for each solve.
    jobs
        Solves side by side on this machine.
    cluster
        Address of a Dask scheduler instead, or ''.
    keep
        Folder of the study, in which each result is saved as soon as it is there and from which
        what is there is taken; or None.
    """

    solver: str = "auto"
    time_limit: float | None = None
    gap: float = 1e-4
    threads: int = 1
    seed: int = 0
    jobs: int = 1
    cluster: str = ""
    keep: str | os.PathLike[str] | None = None

    def options(self) -> Options:
        """Return what a result of such a solve has as its options."""
        return Options(
            time_limit=self.time_limit, gap=self.gap, threads=self.threads, seed=self.seed
        )

    def document(self) -> dict[str, Any]:
        """Return what was asked, for JSON."""
        names = ("solver", "time_limit", "gap", "threads", "seed")
        return {name: getattr(self, name) for name in names}


@dataclass(slots=True, kw_only=True)
class Batch:
    """What came of many solves.

    Parameters
    ----------
    results
        By name, in the order of the tasks; a task that an interrupt prevented is missing.
    taken
        Names of those that were there already.
    interrupted
        Whether it was stopped by Ctrl-C or SIGTERM.
    """

    results: dict[str, Result] = field(default_factory=dict)
    taken: list[str] = field(default_factory=list)
    interrupted: bool = False


def solve_all(tasks: Sequence[Work], how: How, progress: Tell | None = None) -> Batch:
    """Solve every task, several at once if asked; Ctrl-C keeps what is done.

    A worker process that is lost only repeats the task that it was at; a task that loses three of
    them has a result of status ``error``.

    Parameters
    ----------
    tasks
        What to solve.
    how
        By whom, how long and where.
    progress
        Told a line per result, and the progress of one of the solves that run; in this thread.

    Raises
    ------
    UsageError
        A name is there twice, there is no such solver, or the cluster cannot be reached.
    SolverError
        The solver is not installed.
    FileError
        A result cannot be saved, or the scheduler of the cluster has gone.
    """
    names = [task.name for task in tasks]
    if len(set(names)) < len(names):
        raise UsageError("two solves of a study have one name")
    spec = registry.spec_of(how.solver)
    telling = _Telling(progress, len(tasks))
    batch = Batch()
    found = dict(_taken(tasks, how))
    batch.taken = list(found)
    telling.taken(len(found))
    left = [task for task in tasks if task.name not in found]

    def take(task: Work, result: Result) -> None:
        # It has come a long way, perhaps; the instance is here already.
        result = dataclasses.replace(result, instance=task.instance)
        found[task.name] = result
        batch.interrupted |= result.interrupted
        if how.keep is not None:
            keep_result(result, Path(how.keep), task.name)
        telling.solved(task.name, result)

    if how.cluster and left:
        _by_crew(Cluster(how.cluster), left, how, spec, take, telling, batch)
    elif how.jobs > 1 and len(left) > 1:
        _by_crew(Processes(how.jobs), left, how, spec, take, telling, batch)
    else:
        _one_by_one(left, how, spec, take, telling, batch)
    batch.results = {name: found[name] for name in names if name in found}
    return batch


class _Telling:
    """Tells how far many solves have got: a line for each, and the figures of one at a time."""

    def __init__(self, progress: Tell | None, count: int) -> None:
        self._tell: Tell = progress if progress is not None else _silent
        self._count = count
        self._done = 0
        self._began = time.monotonic()
        self._watched = ""
        self._last = 0.0

    def taken(self, count: int) -> None:
        """Say how many were there."""
        self._done += count
        if count:
            self._tell(f"{count} of {self._count} were solved before and are taken as they are")

    def solved(self, name: str, result: Result) -> None:
        """Say what came of one."""
        self._done += 1
        if name == self._watched:
            self._watched = ""
        gap = "" if result.gap is None else f", gap {result.gap:.2%}"
        self._tell(
            f"{self._done} of {self._count} solved after {time.monotonic() - self._began:.0f} s: "
            f"{name} {result.status}{gap}"
        )

    def __call__(self, name: str, news: Progress | str) -> None:
        """Take news of a solve."""
        if isinstance(news, str):
            return  # of many solves, nobody wants to know what was cleaned away
        self._watched = self._watched or name
        now = time.monotonic()
        if name == self._watched and now - self._last >= EVERY:
            self._last = now
            where = f"{name}, after {self._done} of {self._count}"
            self._tell(dataclasses.replace(news, phase=where, time=now - self._began))


def _silent(_: object) -> None:
    pass


def _taken(tasks: Sequence[Work], how: How) -> Iterator[tuple[str, Result]]:
    """Yield what an earlier run has left."""
    if how.keep is None:
        return
    for task in tasks:
        folder = Path(how.keep) / RESULTS / task.name
        if folder.is_dir():
            result = restore_result(folder, task.instance, rows=task.rows,
                                    objective=task.objective, solver=how.solver,
                                    options=how.options())  # fmt: skip
            if result is not None and result.status != "error":
                yield task.name, result


def solved(task: Work, how: How, spec: str, progress: Tell | None = None) -> Result:
    """Solve one task, in this process.

    Parameters
    ----------
    task, how
        What to solve, and how.
    spec
        The solver as the caller's registry has it, which a worker's may not know.
    progress
        As in `optimiser.solve`.
    """
    if how.solver not in (registry.AUTO, *registry.specs()) and ":" not in how.solver:
        registry.register(how.solver, spec)
    ask: dict[str, Any] = {
        "solver": how.solver, "time_limit": how.time_limit, "gap": how.gap,
        "threads": how.threads, "seed": how.seed, "rows": task.rows, "objective": task.objective,
        "progress": progress, "prices": task.prices,
    }  # fmt: skip
    try:
        return solve(task.instance, start=task.start, **ask)
    except UsageError:
        if task.start is None:
            raise
        return solve(task.instance, **ask)  # the start is of an instance with other rows


def _one_by_one(
    tasks: Sequence[Work],
    how: How,
    spec: str,
    take: Callable[[Work, Result], None],
    telling: _Telling,
    batch: Batch,
) -> None:
    """Solve in this process, until an interrupt."""
    for task in tasks:
        try:
            take(task, solved(task, how, spec, partial(telling, task.name)))
        except KeyboardInterrupt:  # between solves, or while one is prepared
            batch.interrupted = True
        if batch.interrupted:
            return


def _by_crew(
    crew: Crew,
    tasks: Sequence[Work],
    how: How,
    spec: str,
    take: Callable[[Work, Result], None],
    telling: _Telling,
    batch: Batch,
) -> None:
    """Take results as they come; on an interrupt, those of the solves that run, as far as they are.

    What comes late, after the interrupt, is taken as well.
    """
    by_name = {task.name: task for task in tasks}
    there = dataclasses.replace(how, keep=None, jobs=1, cluster="")

    def note(name: str, came: Any) -> None:
        if isinstance(came, LostError):
            came = _failed(by_name[name], how, str(came))
        if isinstance(came, BaseException):
            raise came
        take(by_name[name], came)

    calls = [(task.name, (solved, (task, there, spec))) for task in tasks]
    batch.interrupted |= _done_by(crew, calls, note, telling)


def _done_by(
    crew: Crew,
    calls: Sequence[tuple[str, Call]],
    note: Callable[[str, Any], None],
    tell: Callable[[str, Any], object],
) -> bool:
    """Have calls done; say whether it was interrupted. Whatever goes wrong, no worker stays."""
    waiting = {name for name, _ in calls}
    stopped = False
    try:
        with Interrupts() as interrupts:
            crew.start(calls)
            while waiting:
                if interrupts.count and not stopped:
                    stopped = True
                    crew.stop()
                try:
                    name, came = crew.done.get(timeout=LOOK)
                except queue.Empty:
                    crew.check()
                    continue
                if isinstance(came, News):
                    tell(name, came.content)
                    continue
                waiting.discard(name)
                if not isinstance(came, Stopped):
                    note(name, came)
    finally:
        crew.close()
    return stopped


def do_all(calls: Sequence[tuple[str, Call]], how: How) -> dict[str, Any]:
    """Have calls that are no solves done where the solves are; return their values by name.

    Each function gets one argument more, which is of no use here.

    Raises
    ------
    KeyboardInterrupt
        It was interrupted.
    SolverError
        Workers were lost again and again.
    """
    if (how.jobs <= 1 and not how.cluster) or len(calls) <= 1:
        return {name: function(*arguments, None) for name, (function, arguments) in calls}
    found: dict[str, Any] = {}

    def note(name: str, came: Any) -> None:
        if isinstance(came, LostError):
            raise SolverError(f"{name} was given up: {came}")
        if isinstance(came, BaseException):
            raise came
        found[name] = came

    crew: Crew = Cluster(how.cluster) if how.cluster else Processes(how.jobs)
    if _done_by(crew, calls, note, lambda name, news: None):
        raise KeyboardInterrupt
    return found


def _failed(task: Work, how: How, why: str) -> Result:
    """Return the result of a task that has lost its workers."""
    text = f"{task.name} was given up: {why} (for want of memory?)"
    return Result(
        status="error",
        instance=task.instance,
        options=how.options(),
        reasons=(text,),
        faults=(SolverFault(kind="crashed", text=text),),
        rows=task.rows,
        minimised=task.objective,
    )

"""Many solves side by side: in processes here or on a Dask cluster, kept as they end, resumed."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import time
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from optimiser.errors import SolverError, UsageError
from optimiser.files.restoring import restore_result
from optimiser.files.results import write_result
from optimiser.files.studies import RESULTS
from optimiser.solvers.base import Options
from optimiser.solvers.process import Interrupts
from optimiser.solvers.session import solve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from optimiser.model.instance import Instance
    from optimiser.model.plan import Plan
    from optimiser.model.rows import Objective, SideRow
    from optimiser.solvers.result import Progress, Result

    Tell = Callable[[Progress | str], object]

#: Seconds between two looks for an interrupt.
LOOK: Final = 0.2
#: Times that a task is tried whose worker was lost.
TRIES: Final = 3


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
    """

    name: str
    instance: Instance
    rows: tuple[SideRow, ...] = ()
    objective: Objective | None = None
    start: Plan | Result | None = None


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

    Parameters
    ----------
    tasks
        What to solve.
    how
        By whom, how long and where.
    progress
        Told a line per result, and the progress of solves that run in this process.

    Raises
    ------
    UsageError
        A name is there twice, or the cluster cannot be reached.
    SolverError
        The solver is not installed, or workers die again and again.
    FileError
        A result cannot be saved.
    """
    names = [task.name for task in tasks]
    if len(set(names)) < len(names):
        raise UsageError("two solves of a study have one name")
    tell: Tell = progress if progress is not None else _silent
    batch = Batch()
    found = dict(_taken(tasks, how))
    batch.taken = list(found)
    if found:
        tell(f"{len(found)} of {len(tasks)} were solved before and are taken as they are")
    left = [task for task in tasks if task.name not in found]
    began = time.monotonic()

    def take(name: str, result: Result) -> None:
        found[name] = result
        if how.keep is not None:
            write_result(result, Path(how.keep) / RESULTS / name)
        batch.interrupted |= result.interrupted
        gap = "" if result.gap is None else f", gap {result.gap:.2%}"
        tell(f"{len(found)} of {len(tasks)} solved after {time.monotonic() - began:.0f} s: "
             f"{name} {result.status}{gap}")  # fmt: skip

    if how.cluster:
        _on_cluster(left, how, take, batch)
    elif how.jobs > 1 and len(left) > 1:
        _in_processes(left, how, take, batch)
    else:
        for task in left:
            take(task.name, _solved(task, how, _figures_only(tell)))
            if batch.interrupted:
                break
    batch.results = {name: found[name] for name in names if name in found}
    return batch


def _figures_only(tell: Tell) -> Tell:
    """Return what tells the figures of a solve, but not its lines: there are many solves."""
    return lambda news: None if isinstance(news, str) else tell(news)


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
            if result is not None:
                yield task.name, result


def _solved(task: Work, how: How, progress: Tell | None = None) -> Result:
    """Solve one task, here."""
    ask: dict[str, Any] = {
        "solver": how.solver, "time_limit": how.time_limit, "gap": how.gap,
        "threads": how.threads, "seed": how.seed, "rows": task.rows, "objective": task.objective,
        "progress": progress,
    }  # fmt: skip
    try:
        return solve(task.instance, start=task.start, **ask)
    except UsageError:
        if task.start is None:
            raise
        return solve(task.instance, **ask)  # the start is of an instance with other rows


def _work(task: Work, how: How) -> Result:
    """Solve one task in a worker; the instance stays where it is."""
    return _solved(task, how)


def _prepare() -> None:
    """Keep Ctrl-C of a terminal away from a worker: the parent passes it on, once.

    A worker that just waits must not die of it; one that solves has `Interrupts` count it.
    """
    signal.signal(signal.SIGINT, lambda *_: None)
    with contextlib.suppress(OSError, AttributeError):
        os.setpgrp()


def _in_processes(
    tasks: Sequence[Work], how: How, take: Callable[[str, Result], None], batch: Batch
) -> None:
    from concurrent.futures.process import BrokenProcessPool

    todo = list(tasks)
    for _ in range(TRIES):
        done: set[str] = set()

        def note(name: str, result: Result, done: set[str] = done) -> None:
            done.add(name)
            take(name, result)

        try:
            with Interrupts() as interrupts:
                _once(todo, how, note, batch, interrupts)
        except BrokenProcessPool:
            todo = [task for task in todo if task.name not in done]
            continue
        return
    raise SolverError(
        f"worker processes were killed {TRIES} times (for want of memory?); what is done is kept. "
        "Use fewer --jobs and give the same command again."
    )


def _once(
    tasks: Sequence[Work],
    how: How,
    take: Callable[[str, Result], None],
    batch: Batch,
    interrupts: Interrupts,
) -> None:
    workers = min(how.jobs, len(tasks))
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_prepare)
    try:
        futures: dict[Future[Result], Work] = {pool.submit(_work, t, how): t for t in tasks}
        pids = [process.pid for process in pool._processes.values()]  # noqa: SLF001
        _gather(futures, take, batch, interrupts, lambda: _interrupt(pids))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _interrupt(pids: Sequence[int | None]) -> None:
    for pid in pids:
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)


def _gather(
    futures: dict[Future[Result], Work],
    take: Callable[[str, Result], None],
    batch: Batch,
    interrupts: Interrupts,
    stop: Callable[[], None],
) -> None:
    """Take results as they come; on an interrupt, those of the solves that run."""
    waiting = set(futures)
    while waiting:
        done, waiting = wait(waiting, timeout=LOOK, return_when=FIRST_COMPLETED)
        for future in done:
            if not future.cancelled():
                task = futures[future]
                take(task.name, dataclasses.replace(future.result(), instance=task.instance))
        if interrupts.count and not batch.interrupted:
            batch.interrupted = True
            for future in waiting:
                future.cancel()
            stop()
            waiting = {future for future in waiting if not future.cancelled()}


def _on_cluster(
    tasks: Sequence[Work], how: How, take: Callable[[str, Result], None], batch: Batch
) -> None:
    try:
        from distributed import Client
    except ImportError:
        raise SolverError(
            "Dask is not installed; install it with: pip install 'optimiser[cluster]'"
        ) from None
    try:
        client = Client(how.cluster, timeout=10)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, TimeoutError) as error:
        raise UsageError(
            f"No Dask scheduler answers at {how.cluster} ({error}). Start one with: dask scheduler"
        ) from None
    with client, Interrupts() as interrupts:
        executor = client.get_executor(pure=False, retries=TRIES)  # type: ignore[no-untyped-call]
        futures: dict[Future[Result], Work] = {executor.submit(_work, t, how): t for t in tasks}
        _gather(futures, take, batch, interrupts, lambda: None)

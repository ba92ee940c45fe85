"""Runs handed to a Dask scheduler: each a child of the Dask worker that takes it.

The Dask worker's machine must see this project, its environment, and the public files at the same
paths. How many runs go side by side the Dask workers say (``--nworkers``, ``--nthreads``).
A worker that is lost loses the runs it was at, which are done again elsewhere.
"""

from __future__ import annotations

import logging
import secrets
import threading
from typing import TYPE_CHECKING, Any, Final

from benchmarks.limits import run_task
from benchmarks.suites import Task
from optimiser.errors import FileError, SolverError, UsageError

if TYPE_CHECKING:
    import queue
    from collections.abc import Mapping, Sequence

    from benchmarks.runner import Finished

#: Seconds to wait for the scheduler.
PATIENCE: Final = 10
#: How often a run is handed out whose machines are lost, before it is recorded as lost.
TRIES: Final = 5

#: In a Dask worker: the runners that have told it to stop.
_stopped: set[str] = set()


def run_here(document: Mapping[str, Any], runner: str) -> dict[str, Any] | None:
    """In a Dask worker, do a task of a runner; return what `limits.run_task` returns."""
    return run_task(Task.of(document), lambda: runner in _stopped)


def stop_here(runner: str) -> None:
    """In a Dask worker, end the tasks of a runner."""
    _stopped.add(runner)


class Cluster:
    """Runs tasks on the workers of a Dask scheduler.

    Parameters
    ----------
    address
        Of the scheduler, such as ``tcp://node:8786``.

    Raises
    ------
    SolverError
        If dask.distributed is not installed.
    UsageError
        If no scheduler answers.
    """

    def __init__(self, address: str) -> None:
        try:
            import distributed
        except ImportError:
            raise SolverError(
                "--cluster needs dask.distributed; pip install 'optimiser[cluster]'"
            ) from None
        # What it has to say of a lost scheduler or worker is said here, in a sentence.
        for name in ("distributed", "distributed.client"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._runner = secrets.token_hex(6)
        try:
            self._client = distributed.Client(address, timeout=PATIENCE)
        except (OSError, ValueError) as error:
            raise UsageError(
                f"No Dask scheduler answers at {address} ({error}). Start one with: dask scheduler"
            ) from None
        self._lock = threading.Lock()
        self._under_way: dict[str, tuple[Any, Task]] = {}
        self._tries: dict[str, int] = {}
        self._finished: queue.SimpleQueue[Finished] | None = None
        self._stopping = False

    def start(self, tasks: Sequence[Task], finished: queue.SimpleQueue[Finished]) -> None:
        """Hand all tasks to the scheduler."""
        self._finished = finished
        for priority, task in enumerate(tasks):
            self._submit(task, -priority)

    def running(self) -> list[Task]:
        """Return nothing: where a task is, only the scheduler knows."""
        return []

    def jobs(self) -> int:
        """Return the number of threads of all Dask workers, at least 1."""
        try:
            return max(sum(self._client.nthreads().values()), 1)
        except (OSError, TypeError, AttributeError):  # the scheduler has gone
            return 1

    def check(self) -> None:
        """Raise `FileError` if the scheduler has gone."""
        if self._client.status != "running":
            raise _gone()

    def stop(self) -> None:
        """Tell every Dask worker to end what it does for this runner, and take leave."""
        with self._lock:
            if self._stopping:
                return
            self._stopping = True
            under_way = [future for future, _ in self._under_way.values()]
        try:
            if under_way:
                self._client.cancel(under_way, force=True)
                self._client.run(stop_here, self._runner, on_error="ignore")
        except (OSError, TimeoutError):
            pass  # what is unreachable cannot be told
        finally:
            self._client.close(timeout=PATIENCE)

    def _submit(self, task: Task, priority: int) -> None:
        self._tries[task.key] = self._tries.get(task.key, 0) + 1
        future = self._client.submit(
            run_here, task.document(), self._runner, pure=False, priority=priority,
            key=f"{task.key}#{self._runner}#{self._tries[task.key]}",
        )  # fmt: skip
        with self._lock:
            self._under_way[task.key] = (future, task)
        future.add_done_callback(lambda done: self._done(task, priority, done))

    def _done(self, task: Task, priority: int, future: Any) -> None:
        """Pass on what came of a task, in a thread of Dask's."""
        assert self._finished is not None
        with self._lock:
            if self._stopping:
                return
            self._under_way.pop(task.key, None)
        if future.status == "finished":
            self._finished.put((task, future.result()))
            return
        try:
            error = _error_of(future)
            if not _was_lost(error):
                self._finished.put((task, error))
            elif self._tries[task.key] < TRIES:
                self._submit(task, priority)
            else:
                self._finished.put((task, lost(task)))
        except Exception as error:
            self._finished.put((task, error))


def lost(task: Task) -> dict[str, Any]:
    """Return the record of a task whose machines were lost again and again."""
    from benchmarks.limits import described
    from benchmarks.worker import failed

    text = f"the machines that it was given to were lost, {TRIES} times"
    return described(task) | failed("lost", text) | {"time": task.limit, "wall": 0.0}


def _was_lost(error: Exception) -> bool:
    """Whether a run ended because its Dask worker did, not because of itself."""
    from distributed import KilledWorker

    return isinstance(error, KilledWorker)


def _error_of(future: Any) -> Exception:
    """Return why a future did not finish, as an error to show."""
    if future.status in ("cancelled", "lost"):
        return _gone()
    error = future.exception()
    if isinstance(error, ModuleNotFoundError):
        return UsageError(
            f"The Dask workers cannot import {error.name}: start them in this project's folder, "
            "in its environment."
        )
    return error if isinstance(error, Exception) else SolverError(str(error))


def _gone() -> FileError:
    return FileError(
        "The Dask scheduler has gone. What was recorded is safe; the same command goes on."
    )

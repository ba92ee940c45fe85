"""The child process: load the task, solve it, send events and the report; end when told to.

Run as ``python -m optimiser.solvers.child DESCRIPTOR FOLDER PARENT`` by `process`. Messages go to
the descriptor, each a length (8 bytes, big-endian) and a pickle. Standard input brings answers to
what the solver has the caller's executor do, and is the lifeline: it ends when the parent has
ended, however that came about, and then this process group ends too.

Loading a solver may take longer than a small problem. So where task and solver allow it, a child
whose solver has finished without leaving anything running says that it stays, and waits a while for
an order, which is another folder with a task. Anything out of the ordinary ends it as ever.
"""

from __future__ import annotations

import dataclasses
import os
import pickle
import queue
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from optimiser.errors import SolverError, UnsupportedError
from optimiser.solvers.base import Event, Options, Outcome
from optimiser.solvers.errands import Call, Desk, Order, Report, framed, heard

if TYPE_CHECKING:
    from optimiser.model.bundles import Bundle
    from optimiser.model.problem import Problem

#: File in the folder that holds the module search path, and then the task.
TASK: Final = "task.pickle"
#: Seconds that a solver waits until a plan it found is safely on its way.
DELIVERY: Final = 1.0
#: Seconds that a child which stays waits for an order.
IDLE: Final = 30.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What the child has to do.

    Parameters
    ----------
    spec
        The solver, as `registry.load` takes it.
    problem, options
        For `base.Solver.solve`.
    began
        Time of `time.monotonic`, which all processes share, from which the time limit counts.
    sent
        The same clock when the task was handed to the child.
    executor
        Whether the parent has an executor to give the solver's calls to.
    stay
        Whether the child may stay for another task.
    """

    spec: str
    problem: Problem | Bundle
    options: Options
    began: float
    sent: float
    executor: bool = False
    stay: bool = False


class _Writer:
    """Writes messages from a thread of its own, so that a signal cannot cut one short."""

    def __init__(self, descriptor: int) -> None:
        self._queue: queue.SimpleQueue[tuple[bytes, threading.Event]] = queue.SimpleQueue()
        self._file = os.fdopen(descriptor, "wb")
        threading.Thread(target=self._run, daemon=True).start()

    def send(self, message: Event | Report | Call, wait: float) -> None:
        """Queue one message, and wait at most so many seconds until it is written."""
        done = threading.Event()
        self._queue.put((framed(message), done))
        if wait:
            done.wait(wait)

    def emit(self, event: Event) -> None:
        """Send an event; one that has a plan survives a crash right after."""
        self.send(event, 0.0 if event.plan is None else DELIVERY)

    def _run(self) -> None:
        while True:
            data, done = self._queue.get()
            self._file.write(data)
            self._file.flush()
            done.set()


class _Post:
    """Reads standard input in a thread of its own: answers for the desk, and orders.

    Ends the process group, and removes the folder of the task, once the parent has ended.
    """

    def __init__(self, folder: str, parent: int) -> None:
        self.folder = folder
        self.desk: Desk | None = None
        self._parent = parent
        self._orders: queue.SimpleQueue[Order] = queue.SimpleQueue()
        threading.Thread(target=self._run, daemon=True).start()

    def order(self) -> Order | None:
        """Wait for the next order; None if none comes."""
        try:
            return self._orders.get(timeout=IDLE)
        except queue.Empty:
            return None

    def _run(self) -> None:
        for message in heard(self._parent):
            if isinstance(message, Order):
                self._orders.put(message)
            elif self.desk is not None:
                self.desk.hear(message)
        shutil.rmtree(self.folder, ignore_errors=True)
        os.killpg(os.getpgrp(), signal.SIGKILL)


def _solve(folder: str, writer: _Writer, desk: Desk) -> Report:
    from optimiser.solvers import registry

    with (Path(folder) / TASK).open("rb") as file:
        sys.path[:] = pickle.load(file)
        task: Task = pickle.load(file)
    solver = registry.load(task.spec)
    options = dataclasses.replace(task.options, executor=desk if task.executor else None)
    if options.time_limit is not None:
        left = options.time_limit - (time.monotonic() - task.began)
        options = dataclasses.replace(options, time_limit=max(left, 0.01))
    called = time.monotonic()
    threads = threading.active_count()
    problem: Any = task.problem  # `together` gives bundles only to solvers that take them
    outcome: Any = solver.solve(problem, options, writer.emit)
    seconds = {"start": called - task.sent, "solver": time.monotonic() - called}
    if not isinstance(outcome, Outcome):
        kind = type(outcome).__name__
        message = f"it returned a {kind} instead of an Outcome"
        return _failed(message, seconds)
    # What was left behind in a thread may still be at work.
    stays = (
        task.stay
        and solver.capabilities.stays
        and outcome.reason == "finished"
        and threading.active_count() <= threads
    )
    outcome = dataclasses.replace(outcome, seconds=outcome.seconds | seconds)
    return Report(outcome=outcome, stays=stays)


def _failed(message: str, seconds: dict[str, float] | None = None) -> Report:
    outcome = Outcome(reason="failed", message=message, seconds=seconds or {})
    return Report(outcome=outcome, stays=False)


def _work(folder: str, writer: _Writer, post: _Post) -> bool:
    """Solve the task in a folder and send what comes of it; say whether to stay."""
    post.folder = folder
    post.desk = desk = Desk(lambda call: writer.send(call, 0.0))
    try:
        # A parent in the background has SIGINT ignored, which children inherit; it asks by it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        report = _solve(folder, writer, desk)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    except KeyboardInterrupt:
        report = Report(outcome=Outcome(reason="interrupted"), stays=False)
    except UnsupportedError as error:
        outcome = Outcome(reason="unsupported", message=str(error))
        report = Report(outcome=outcome, stays=False)
    except SolverError as error:
        report = _failed(str(error))
    except Exception as error:
        traceback.print_exc()
        report = _failed(f"{type(error).__name__}: {error}")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdout.flush()
    sys.stderr.flush()
    writer.send(report, 60.0)
    return report.stays


def _turn_to(order: Order) -> None:
    """Have standard output, standard error and temporary files go where the next task has them."""
    for name, descriptor in ((order.log or os.devnull, 1), (f"{order.folder}/stderr", 2)):
        with Path(name).open("ab") as file:
            os.dup2(file.fileno(), descriptor)
    os.environ["TMPDIR"] = order.folder
    tempfile.tempdir = None


def main() -> None:
    """Solve the task in the folder given, and those that orders bring."""
    descriptor, folder, parent = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    writer = _Writer(descriptor)
    post = _Post(folder, parent)
    while _work(folder, writer, post):
        order = post.order()
        if order is None:
            break
        _turn_to(order)
        folder = order.folder
    # Some libraries crash or dawdle when they are torn down.
    os._exit(0)


if __name__ == "__main__":
    main()

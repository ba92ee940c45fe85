"""The child process: load the task, solve it, send events and the outcome; end when told to.

Run as ``python -m optimiser.solvers.child DESCRIPTOR FOLDER PARENT`` by `process`. Messages go to
the descriptor, each a length (8 bytes, big-endian) and a pickle. Standard input brings answers to
what the solver has the caller's executor do, and is the lifeline: it ends when the parent has
ended, however that came about, and then this process group ends too.
"""

from __future__ import annotations

import dataclasses
import os
import pickle
import queue
import select
import shutil
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from optimiser.errors import SolverError, UnsupportedError
from optimiser.solvers.base import Event, Options, Outcome
from optimiser.solvers.errands import Call, Desk, Frames, framed

if TYPE_CHECKING:
    from optimiser.model.bundles import Bundle
    from optimiser.model.problem import Problem

#: File in the folder that holds the module search path, and then the task.
TASK: Final = "task.pickle"
#: Seconds that a solver waits until a plan it found is safely on its way.
DELIVERY: Final = 1.0
#: Seconds between two looks whether the parent is still there.
LOOK: Final = 1.0


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
    """

    spec: str
    problem: Problem | Bundle
    options: Options
    began: float
    sent: float
    executor: bool = False


class _Writer:
    """Writes messages from a thread of its own, so that a signal cannot cut one short."""

    def __init__(self, descriptor: int) -> None:
        self._queue: queue.SimpleQueue[tuple[bytes, threading.Event]] = queue.SimpleQueue()
        self._file = os.fdopen(descriptor, "wb")
        threading.Thread(target=self._run, daemon=True).start()

    def send(self, message: Event | Outcome | Call, wait: float) -> None:
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


def _watch(folder: str, desk: Desk, parent: int) -> None:
    """Hand answers on; end the process group, and remove the folder, once the parent has ended."""
    frames = Frames()
    # Workers that the parent forked may hold its end of the pipe; so the parent is looked for, too.
    while os.getppid() == parent:
        if not select.select([0], [], [], LOOK)[0]:
            continue
        data = os.read(0, 1 << 20)
        if not data:
            break
        for answer in frames.feed(data):
            desk.hear(answer)
    shutil.rmtree(folder, ignore_errors=True)
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _solve(folder: str, writer: _Writer, desk: Desk) -> Outcome:
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
    problem: Any = task.problem  # `together` gives bundles only to solvers that take them
    outcome: Any = solver.solve(problem, options, writer.emit)
    seconds = {"start": called - task.sent, "solver": time.monotonic() - called}
    if not isinstance(outcome, Outcome):
        kind = type(outcome).__name__
        message = f"it returned a {kind} instead of an Outcome"
        return Outcome(reason="failed", message=message, seconds=seconds)
    return dataclasses.replace(outcome, seconds=outcome.seconds | seconds)


def main() -> None:
    """Solve the task in the folder given and send what comes of it."""
    descriptor, folder, parent = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    # A parent in the background has SIGINT ignored, which children inherit; the parent asks by it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    writer = _Writer(descriptor)
    desk = Desk(lambda call: writer.send(call, 0.0))
    threading.Thread(target=_watch, args=(folder, desk, parent), daemon=True).start()
    try:
        outcome = _solve(folder, writer, desk)
    except KeyboardInterrupt:
        outcome = Outcome(reason="interrupted")
    except UnsupportedError as error:
        outcome = Outcome(reason="unsupported", message=str(error))
    except SolverError as error:
        outcome = Outcome(reason="failed", message=str(error))
    except Exception as error:
        traceback.print_exc()
        outcome = Outcome(reason="failed", message=f"{type(error).__name__}: {error}")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    writer.send(outcome, 60.0)
    # Some libraries crash or dawdle when they are torn down.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()

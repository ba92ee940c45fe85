"""Where the solves of a study are done: by workers here, or by those of a Dask cluster.

A worker is a process of its own (`worker`), so that solves are interrupted as in a main thread, and
one that is lost takes nothing along but what it was at. On a cluster each task starts such a worker
below the Dask worker that has got it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import queue
import secrets
import select
import subprocess
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import optimiser.errors
from optimiser.errors import FileError, SolverError, UsageError
from optimiser.solvers.errands import Frames, framed
from optimiser.solvers.process import how as words_of
from optimiser.studies.worker import NEWS, RESULT, STOP, TASK

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    #: A function that pickles, and its arguments; it gets one more, which it tells news to.
    Call = tuple[Callable[..., Any], tuple[Any, ...]]

#: Seconds between two looks whether to stop.
LOOK: Final = 0.2
#: Seconds that a worker has to hand over what it has once it was told to stop.
GRACE: Final = 20.0
#: Seconds to wait for a Dask scheduler.
PATIENCE: Final = 10
#: How often a task is handed out whose workers are lost.
TRIES: Final = 3


class LostError(Exception):
    """A worker has ended before it was done, or it had to be ended."""


class Stopped(Exception):
    """A task was not begun, or could not be saved, since everything was to stop."""


@dataclass(frozen=True, slots=True)
class News:
    """What a call has told while it is under way."""

    content: Any


class Hand:
    """One worker process, from its parent's side; it does one call after the other."""

    def __init__(self) -> None:
        self._frames = Frames()
        home = Path(optimiser.errors.__file__).parents[1]
        path = os.pathsep.join(filter(None, [str(home), os.environ.get("PYTHONPATH", "")]))
        self._events, theirs = os.pipe()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "optimiser.studies.worker", str(theirs),
                 str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": path},
                pass_fds=[theirs],
                start_new_session=True,  # a terminal's Ctrl-C is for us, who pass it on once
            )  # fmt: skip
        except OSError as error:
            os.close(self._events)
            raise FileError(f"a worker cannot be started: {error}") from error
        finally:
            os.close(theirs)

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def do(
        self,
        call: Call,
        tell: Callable[[Any], object] | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Any:
        """Have a call done; once `stopped`, have it wound up.

        Raises
        ------
        LostError
            The worker is lost; this object is of no more use.
        """
        self._send(TASK, pickle.dumps((sys.path, pickle.dumps(call, pickle.HIGHEST_PROTOCOL))))
        end: float | None = None
        while True:
            if end is None and stopped():
                self._send(STOP, b"")
                end = time.monotonic() + GRACE
            if end is not None and time.monotonic() > end:
                self.close()
                raise LostError("did not stop when told to")
            if not select.select([self._events], [], [], LOOK)[0]:
                continue
            data = os.read(self._events, 1 << 20)
            if not data:
                code = self._process.wait()
                self.close()
                raise LostError(words_of(code))
            for word, content in self._frames.feed(data):
                if word == RESULT:
                    return content
                if word != NEWS:
                    raise content
                if tell is not None:
                    tell(content)

    def close(self) -> None:
        """End it."""
        if self._events < 0:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()  # what it has started ends with it
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        self._process.wait()
        os.close(self._events)
        self._events = -1

    def _send(self, word: str, load: bytes) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(framed((word, load)))
            self._process.stdin.flush()
        except OSError:  # it has ended, as its other pipe will tell
            return


class Crew(Protocol):
    """Those that do calls.

    What comes of each is put into `done` as (name, value or exception), after any (name, `News`).
    """

    done: queue.SimpleQueue[tuple[str, Any]]

    def start(self, calls: Sequence[tuple[str, Call]]) -> None:
        """Begin with all of them."""
        ...

    def check(self) -> None:
        """Raise if nothing can come any more."""
        ...

    def stop(self) -> None:
        """Begin nothing any more, and have what is under way wound up."""
        ...

    def close(self) -> None:
        """End everything at once."""
        ...


class Processes:
    """Workers on this machine.

    Parameters
    ----------
    jobs
        How many, at most.
    """

    def __init__(self, jobs: int) -> None:
        self.done: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._jobs = jobs
        self._todo: deque[tuple[str, Call]] = deque()
        self._stopping = False
        self._closing = False
        self._threads: list[threading.Thread] = []

    def start(self, calls: Sequence[tuple[str, Call]]) -> None:
        """Begin with all of them, each worker with one."""
        self._todo.extend(calls)
        for _ in range(min(self._jobs, len(calls))):
            self._threads.append(threading.Thread(target=self._run, daemon=True))
            self._threads[-1].start()

    def check(self) -> None:
        """Find nothing wrong: who is lost is replaced."""

    def stop(self) -> None:
        """Begin nothing any more, and interrupt the solves."""
        self._stopping = True

    def close(self) -> None:
        """End all workers."""
        self._stopping = self._closing = True
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        hand: Hand | None = None
        try:
            while True:
                try:
                    name, call = self._todo.popleft()
                except IndexError:
                    return
                hand = self._one(name, call, hand)
        finally:
            if hand is not None:
                hand.close()

    def _one(self, name: str, call: Call, hand: Hand | None) -> Hand | None:
        """Do one call, again with another worker if one is lost."""
        why = ""
        for _ in range(TRIES):
            if self._stopping:
                self.done.put((name, Stopped()))
                return hand
            try:
                hand = Hand() if hand is None else hand
                value = hand.do(call, lambda news: self.done.put((name, News(news))), self._told)
            except LostError as error:
                hand, why = None, str(error)
            except Exception as error:
                self.done.put((name, error))
                return hand
            else:
                self.done.put((name, value))
                return hand
        self.done.put((name, LostError(f"its worker {why}, {TRIES} times")))
        return hand

    def _told(self) -> bool:
        if self._closing:
            raise Stopped
        return self._stopping


#: In a Dask worker: runners that have told it to stop.
_stopped: set[str] = set()


def do_here(load: bytes, runner: str) -> bytes:
    """In a Dask worker, do a call by a worker process of its own; return the value's pickle."""
    if runner in _stopped:
        raise LostError("was told to stop")
    hand = Hand()
    try:
        value = hand.do(pickle.loads(load), None, lambda: runner in _stopped)
    finally:
        hand.close()
    return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)


def stop_here(runner: str) -> None:
    """In a Dask worker, have what it does for a runner wound up."""
    _stopped.add(runner)


class Cluster:
    """The workers of a Dask scheduler, which must have this package in their environment.

    How many tasks go side by side the Dask workers say (``--nworkers``, ``--nthreads``).

    Parameters
    ----------
    address
        Of the scheduler, such as ``tcp://node:8786``.

    Raises
    ------
    SolverError
        dask.distributed is not installed.
    UsageError
        No scheduler answers.
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
        self.done: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._runner = secrets.token_hex(6)
        self._lock = threading.Lock()
        self._under_way: dict[str, Any] = {}
        self._tries: dict[str, int] = {}
        self._stopping = False
        self._closed = False
        try:
            self._client: Any = distributed.Client(  # type: ignore[no-untyped-call]
                address, timeout=PATIENCE, set_as_default=False
            )
        except (OSError, ValueError) as error:
            raise UsageError(
                f"No Dask scheduler answers at {address} ({error}). Start one with: dask scheduler"
            ) from None

    def start(self, calls: Sequence[tuple[str, Call]]) -> None:
        """Hand all of them to the scheduler."""
        for priority, (name, call) in enumerate(calls):
            self._submit(name, pickle.dumps(call, pickle.HIGHEST_PROTOCOL), -priority)

    def check(self) -> None:
        """Raise FileError if the scheduler has gone."""
        if self._client.status != "running" and not self._closed:
            raise _gone()

    def stop(self) -> None:
        """Take back what has not begun, and have the rest wound up."""
        self._stopping = True
        with self._lock:
            futures = dict(self._under_way)
        with contextlib.suppress(OSError, TimeoutError, ValueError):
            at_work = {key for keys in self._client.processing().values() for key in keys}
            waiting = [name for name, future in futures.items() if future.key not in at_work]
            for name in waiting:
                with self._lock:
                    self._under_way.pop(name, None)
                self.done.put((name, Stopped()))
            self._client.cancel([futures[name] for name in waiting], force=True)
            self._client.run(stop_here, self._runner, on_error="ignore")

    def close(self) -> None:
        """Have everything wound up and take leave."""
        if self._closed:
            return
        self._closed = self._stopping = True
        with contextlib.suppress(OSError, TimeoutError, ValueError):
            if self._under_way and self._client.status == "running":
                self._client.cancel(list(self._under_way.values()), force=True)
                self._client.run(stop_here, self._runner, on_error="ignore")
        self._client.close(timeout=PATIENCE)

    def _submit(self, name: str, load: bytes, priority: int) -> None:
        import warnings

        self._tries[name] = self._tries.get(name, 0) + 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # instances may be large
            future = self._client.submit(
                do_here, load, self._runner, pure=False, priority=priority,
                key=f"{name}#{self._runner}#{self._tries[name]}",
            )  # fmt: skip
        with self._lock:
            self._under_way[name] = future
        future.add_done_callback(lambda ended: self._ended(name, load, priority, ended))

    def _ended(self, name: str, load: bytes, priority: int, future: Any) -> None:
        """Pass on what came of a task, in a thread of Dask's."""
        with self._lock:
            if self._closed or self._under_way.pop(name, None) is None:
                return
        try:
            if future.status == "finished":
                self.done.put((name, pickle.loads(future.result())))
                return
            if future.status in ("cancelled", "lost"):
                self.done.put((name, Stopped() if self._stopping else _gone()))
                return
            error = future.exception()
            if not _was_lost(error):
                self.done.put((name, _in_words(error)))
            elif self._stopping:
                self.done.put((name, Stopped()))
            elif self._tries[name] < TRIES:
                self._submit(name, load, priority)
            else:
                self.done.put((name, LostError(f"its workers were lost, {TRIES} times")))
        except Exception as error:
            self.done.put((name, error))


def _was_lost(error: Any) -> bool:
    """Whether a task ended because who was at it did, not because of itself."""
    from distributed import KilledWorker

    return isinstance(error, KilledWorker | LostError)


def _in_words(error: Any) -> Exception:
    if isinstance(error, ModuleNotFoundError):
        return UsageError(
            f"The Dask workers cannot import {error.name}: start them in the environment in which "
            "this package is installed."
        )
    return error if isinstance(error, Exception) else SolverError(str(error))


def _gone() -> FileError:
    return FileError(
        "The Dask scheduler has gone. With --out, what was solved is kept, and the same command "
        "goes on."
    )

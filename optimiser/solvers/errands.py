"""What parent and child say to each other, and calls that a solver has done elsewhere.

An executor belongs to the program that called `solve`, and cannot follow the solver into its
process. So the child has a `Desk`, an executor as the standard library knows them: it sends each
call to the parent, whose `Agent` submits it to the caller's executor and sends the answer back.
On the way calls and answers are bytes, so the parent need not import what they speak of.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import platform
import select
import struct
import threading
from collections import deque
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from optimiser.solvers.base import Outcome

#: Before each message between parent and child, its length in bytes.
HEADER: Final = struct.Struct(">Q")
#: Seconds between two looks whether the parent is still there.
LOOK: Final = 1.0


class Frames:
    """Cuts a stream of bytes into messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Any]:
        """Take what has come, and return the messages that it completes."""
        self._buffer += data
        while len(self._buffer) >= HEADER.size:
            (length,) = HEADER.unpack_from(self._buffer)
            stop = HEADER.size + length
            if len(self._buffer) < stop:
                return
            message = bytes(self._buffer[HEADER.size : stop])
            del self._buffer[:stop]
            yield pickle.loads(message)


def heard(parent: int) -> Iterator[Any]:
    """Return the messages that come on standard input, until the parent has ended.

    Workers that the parent forked may hold its end of the pipe; so it is looked for, too.
    """
    frames = Frames()
    while os.getppid() == parent:
        if not select.select([0], [], [], LOOK)[0]:
            continue
        data = os.read(0, 1 << 20)
        if not data:
            return
        yield from frames.feed(data)


def framed(message: Any) -> bytes:
    """Return a message as `Frames` takes it."""
    data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return HEADER.pack(len(data)) + data


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call for the executor: its number, and the pickle of function and arguments."""

    number: int
    load: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of a call: the pickle of its value, or what went wrong in words."""

    number: int
    load: bytes = b""
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Another task for a child that has stayed: the folder that it lies in, and the log or None."""

    folder: str
    log: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The last message of a task: its outcome, and whether the child stays for another."""

    outcome: Outcome
    stays: bool


class CallError(Exception):
    """The executor, or the call that it was given, has failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where a solve lives, by which a worker on the same machine sees when it has ended."""

    host: str
    folder: str

    def gone(self) -> bool:
        """Whether the solve is known to have ended; elsewhere nothing is known."""
        return self.host == platform.node() and not Path(self.folder).exists()


class _Here(threading.local):
    """The solve that this thread is at work for, if any."""

    site: Site | None = None


_here: Final = _Here()


def abandoned() -> bool:
    """Whether nobody waits for the call that this thread is at any more, as far as it can see."""
    return _here.site is not None and _here.site.gone()


def away() -> bool:
    """Whether this thread is no solve's own, but a worker's or another of a program's."""
    return _here.site is not None or threading.current_thread() is not threading.main_thread()


def perform(load: bytes, site: Site) -> bytes:
    """Do one call, in a worker of the executor; return the pickle of its value."""
    _here.site = site
    try:
        function, arguments = pickle.loads(load)
        value = function(*arguments)
        if abandoned():
            raise CallError(f"the solve has ended, or {site.folder} cannot be seen")
        return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    finally:
        _here.site = None


class Desk(Executor):
    """The child's side. Functions and arguments must pickle; futures cannot be cancelled.

    Parameters
    ----------
    send
        Sends a `Call` to the parent.
    """

    def __init__(self, send: Callable[[Call], object]) -> None:
        self._send = send
        self._lock = threading.Lock()
        self._count = 0
        self._open: dict[int, Future[Any]] = {}

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Have a function called elsewhere; the future raises `CallError` if that fails."""
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        load = pickle.dumps((partial(fn, **kwargs) if kwargs else fn, args),
                            pickle.HIGHEST_PROTOCOL)  # fmt: skip
        with self._lock:
            self._count += 1
            number = self._count
            self._open[number] = future
        self._send(Call(number=number, load=load))
        return future

    def hear(self, answer: Answer) -> None:
        """Take an answer of the parent, in any thread."""
        with self._lock:
            future = self._open.pop(answer.number)
        if answer.failure:
            future.set_exception(CallError(answer.failure))
            return
        try:
            value = pickle.loads(answer.load)
        except Exception as error:
            future.set_exception(CallError(_words(error)))
        else:
            future.set_result(value)


class Agent:
    """The parent's side: calls go to the caller's executor, answers are kept until asked for.

    Parameters
    ----------
    executor
        The caller's; it is neither shut down nor waited for.
    folder
        That goes when the solve has ended.

    Attributes
    ----------
    failure
        What went wrong first, in words; '' if nothing did.
    """

    def __init__(self, executor: Executor, folder: Path) -> None:
        self.failure = ""
        self._executor = executor
        self._site = Site(host=platform.node(), folder=str(folder))
        self._answers: deque[Answer] = deque()
        self._futures: dict[int, Future[bytes]] = {}
        self._lock = threading.Lock()
        self._closed = False
        self._wake, self._woken = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(self._woken, False)

    def fileno(self) -> int:
        """Descriptor that becomes readable when there are answers."""
        return self._wake

    def take(self, call: Call) -> None:
        """Submit a call."""
        try:
            future = self._executor.submit(perform, call.load, self._site)
        except Exception as error:  # shut down, broken, or whatever other makers raise
            self._keep(Answer(number=call.number, failure=_words(error)))
            return
        self._futures[call.number] = future
        future.add_done_callback(partial(self._done, call.number))

    def answers(self) -> list[Answer]:
        """Return the answers that have come."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake, 1 << 16)
        found = []
        while self._answers:
            answer = self._answers.popleft()
            self._futures.pop(answer.number, None)
            self.failure = self.failure or answer.failure
            found.append(answer)
        return found

    def close(self) -> None:
        """Take back what has not begun; answers that still come are dropped."""
        with self._lock:
            self._closed = True
            os.close(self._wake)
            os.close(self._woken)
        for future in self._futures.values():
            with contextlib.suppress(Exception):  # the executor may be in ruins
                future.cancel()

    def _done(self, number: int, future: Future[bytes]) -> None:
        """Keep what came of a call; called in a thread of the executor's."""
        try:
            answer = Answer(number=number, load=future.result(timeout=0))
        except BaseException as error:
            answer = Answer(number=number, failure=_words(error))
        self._keep(answer)

    def _keep(self, answer: Answer) -> None:
        with self._lock:
            if self._closed:
                return
            self._answers.append(answer)
            with contextlib.suppress(BlockingIOError):
                os.write(self._woken, b"!")


def _words(error: BaseException) -> str:
    text = str(error).strip()
    kind = type(error).__name__
    return f"{kind}: {text}" if text else kind

"""A child process for each solve, from the parent's side: spawn, stream, watch, stop, clean up.

Nothing that a solver does reaches further than its child: a crash, a hang, a banner on standard
output, a signal. Whatever happens, the process group ends and the folder goes. But for one case: a
child that says so after it has finished stays for the next solve, if that comes soon (`child`).
"""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import math
import os
import pickle
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Self

import optimiser.errors
from optimiser.errors import FileError
from optimiser.model.bundles import Bundle
from optimiser.solvers.base import Event, Outcome
from optimiser.solvers.child import IDLE, TASK, Task
from optimiser.solvers.errands import Agent, Call, Frames, Order, Report, framed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Executor
    from types import FrameType, TracebackType

#: Seconds past its limit at which a solver is asked to stop, and at which it is killed.
ASK, OVERRUN = 2.0, 5.0
#: Seconds that a solver has to end after it was interrupted.
GRACE: Final = 1.5
#: Seconds that its clock may stand still at most.
STANDS: Final = 120.0
#: Seconds that a child has to end by itself after its outcome.
FAREWELL: Final = 1.0
#: Characters of its standard error that are quoted.
TAIL: Final = 600
#: Children that stay at most, and option-bands of a problem up to which its child may.
STAY, LIGHT = 2, 200_000


#: What asks a solve to end; Windows has no SIGHUP.
_INTERRUPTS: Final = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a child ended: with an outcome, or with a failure in words; and who stopped it.

    Parameters
    ----------
    outcome
        What the solver said, or None.
    failure, kind
        What went wrong in words and as one of `result.FAILURES`; '' if nothing did.
    interrupted
        Whether it was asked to stop from outside.
    executor
        How the caller's executor failed, in words; '' if it did not.
    """

    outcome: Outcome | None = None
    failure: str = ""
    kind: str = ""
    interrupted: bool = False
    executor: str = ""


class Interrupts:
    """Ctrl-C, SIGTERM and SIGHUP, counted instead of raised, while a solve runs in the main thread.

    The third one raises KeyboardInterrupt, should anything hang in here. What was ignored before
    (as under nohup) stays ignored. In any other thread this does nothing. Processes that are forked
    meanwhile, as an executor's workers may be, are not affected.
    """

    def __init__(self) -> None:
        self.count = 0
        self._process = os.getpid()
        self._before: dict[int, Any] = {}
        self._wake, self._woken = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(self._woken, False)

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in _INTERRUPTS:
                before = signal.getsignal(number)
                if before not in (signal.SIG_IGN, None):
                    self._before[number] = before
                    signal.signal(number, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
        os.close(self._wake)
        os.close(self._woken)

    def fileno(self) -> int:
        """Descriptor that becomes readable at each interrupt."""
        return self._wake

    def drain(self) -> None:
        """Make the descriptor unreadable again."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake, 1024)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._process:
            signal.signal(number, self._before[number])
            os.kill(os.getpid(), number)
            return
        self.count += 1
        with contextlib.suppress(BlockingIOError):
            os.write(self._woken, b"!")
        if self.count > 2:
            raise KeyboardInterrupt


def run(
    task: Task,
    take: Callable[[Event], None],
    interrupts: Interrupts,
    executor: Executor | None = None,
) -> Ending:
    """Run a task in a child process to its end.

    Parameters
    ----------
    task
        What is to be solved, by whom.
    take
        Called with every event, in this thread.
    interrupts
        Entered; each asks the child to stop, which has `GRACE` seconds to do so.
    executor
        Does the calls that the solver has for it; None if there is none.

    Raises
    ------
    FileError
        If the log cannot be written, or there is no room for the task.
    """
    problem = task.problem
    copies = problem.copies if isinstance(problem, Bundle) else (problem,)
    stay = executor is None and sum(each.size("banded") for each in copies) <= LIGHT
    with _Child(dataclasses.replace(task, executor=executor is not None, stay=stay)) as child:
        if executor is None:
            return _Watch(child, task, take, interrupts).run()
        with contextlib.closing(Agent(executor, child.folder)) as agent:
            ending = _Watch(child, task, take, interrupts, agent).run()
            return dataclasses.replace(ending, executor=agent.failure)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Process:
    """A child process and the parent's ends of its pipes.

    Parameters
    ----------
    popen
        The process; its standard input takes answers and orders.
    events
        Descriptor that messages come from.
    kind
        What must be the same for a solve that it is to do.
    """

    popen: subprocess.Popen[bytes]
    events: int
    kind: tuple[Any, ...]

    @property
    def answers(self) -> int:
        """Descriptor that answers and orders go to."""
        assert self.popen.stdin is not None
        return self.popen.stdin.fileno()

    def end(self) -> None:
        """Kill whatever is left of the process group, and reap the child."""
        # The child is not reaped before, so that its number cannot have become another's.
        if self.popen.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.popen.pid, signal.SIGKILL)
        assert self.popen.stdin is not None
        if self.popen.stdin.closed:
            return
        with contextlib.suppress(OSError):
            self.popen.stdin.close()
        self.popen.wait()
        os.close(self.events)

    def has_ended(self) -> bool:
        """Say whether it has ended, without reaping it."""
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self.popen.pid, flags) is not None

    def takes(self, order: Order) -> bool:
        """Give it another task; say whether it was still there to take it."""
        try:
            return os.write(self.answers, framed(order)) > 0 and not self.has_ended()
        except OSError:
            return False


class _Idle:
    """Children that have stayed. Any thread may call it; a fork has none."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._stayed: list[tuple[float, _Process]] = []
        atexit.register(self.clear)

    def take(self, kind: tuple[Any, ...]) -> _Process | None:
        """Return one of a kind, which is then the caller's, or None."""
        with self._lock:
            if os.getpid() != self._process:
                self._process, self._stayed = os.getpid(), []
            # One that is about to go by itself is not relied on.
            until = time.monotonic() - IDLE / 2
            stale = [process for since, process in self._stayed if since < until]
            self._stayed = [each for each in self._stayed if each[0] >= until]
            found = next((each for each in self._stayed if each[1].kind == kind), None)
            if found is not None:
                self._stayed.remove(found)
        for process in stale:
            process.end()
        return None if found is None else found[1]

    def keep(self, process: _Process) -> None:
        """Keep one; the oldest goes if there are too many."""
        with self._lock:
            self._stayed.append((time.monotonic(), process))
            surplus = self._stayed[:-STAY]
            del self._stayed[:-STAY]
        for _, old in surplus:
            old.end()

    def clear(self) -> None:
        """End all."""
        if os.getpid() == self._process:
            with self._lock:
                stayed, self._stayed = self._stayed, []
            for _, process in stayed:
                process.end()


_idle: Final = _Idle()


def release() -> None:
    """End the children that have stayed; those of solves that run are not touched."""
    _idle.clear()


def _kind(task: Task) -> tuple[Any, ...]:
    """Return what a child has to have in common with a task to do it."""
    return (task.spec, task.options.threads, Path.cwd(), tuple(sys.path), dict(os.environ))


class _Child:
    """The child at one task, and its folder; leaving the context ends and removes both.

    Unless `stay` was called: then the process is kept.
    """

    def __init__(self, task: Task) -> None:
        self._stack = contextlib.ExitStack()
        self._stays = False
        with contextlib.ExitStack() as stack:
            try:
                self.folder = Path(stack.enter_context(_folder()))
                self._prepare(task, stack)
            except OSError as error:
                raise FileError(f"the solver cannot be started: {error}") from error
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def _prepare(self, task: Task, stack: contextlib.ExitStack) -> None:
        """Write the task, and have a child that has stayed do it, or another."""
        with (self.folder / TASK).open("wb") as file:
            pickle.dump(sys.path, file)
            pickle.dump(task, file, pickle.HIGHEST_PROTOCOL)
        log = task.options.log
        out: int | IO[bytes] = subprocess.DEVNULL
        if log is not None:
            try:
                out = stack.enter_context(_file(Path(log), "ab"))
            except OSError as refused:
                why = refused.strerror or refused
                raise FileError(f"{log} cannot be written: {why}") from refused
        error = stack.enter_context(_file(self.folder / "stderr", "wb"))
        kind = _kind(task)
        process = _idle.take(kind) if task.stay else None
        if process is not None and not process.takes(Order(folder=str(self.folder), log=log)):
            process.end()
            process = None
        self.process = self._spawn(kind, out, error) if process is None else process
        stack.callback(self.end)
        os.set_blocking(self.process.answers, False)

    def _spawn(self, kind: tuple[Any, ...], out: int | IO[bytes], error: IO[bytes]) -> _Process:
        events, their_end = os.pipe()
        home = Path(optimiser.errors.__file__).parents[1]
        path = os.pathsep.join(filter(None, [str(home), os.environ.get("PYTHONPATH", "")]))
        command = [sys.executable, "-P", "-m", "optimiser.solvers.child"]
        try:
            popen = subprocess.Popen(
                [*command, str(their_end), str(self.folder), str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=error,
                env={**os.environ, "PYTHONPATH": path, "TMPDIR": str(self.folder)},
                pass_fds=[their_end],
                start_new_session=True,
            )
        except BaseException:
            os.close(events)
            raise
        finally:
            os.close(their_end)
        return _Process(popen=popen, events=events, kind=kind)

    def stay(self) -> None:
        """Keep the process for another task."""
        self._stays = True

    def end(self) -> None:
        """End the process, unless it stays."""
        if self._stays:
            _idle.keep(self.process)
        else:
            self.process.end()

    def ask(self) -> None:
        """Interrupt it."""
        with contextlib.suppress(ProcessLookupError):
            self.process.popen.send_signal(signal.SIGINT)

    def complaint(self) -> str:
        """Return the end of its standard error."""
        text = (self.folder / "stderr").read_bytes()[-TAIL:].decode(errors="replace").strip()
        return f"; its last words: {text}" if text else ""


class _Watch:
    """Reads the child's messages, has its calls done, and decides when it has to end."""

    def __init__(
        self,
        child: _Child,
        task: Task,
        take: Callable[[Event], None],
        interrupts: Interrupts,
        agent: Agent | None = None,
    ) -> None:
        self._child = child
        self._take = take
        self._interrupts = interrupts
        self._agent = agent
        self._frames, self._answers = Frames(), bytearray()
        self._report: Report | None = None
        self._interrupted_at: float | None = None
        self._asked = False
        limit = task.options.time_limit
        self._limit = math.inf if limit is None else task.began + limit
        self._stood = 0.0
        self._stands_since: float | None = None

    def run(self) -> Ending:
        """Watch until the child has ended or has to be ended."""
        interrupted, agent = self._interrupts, self._agent
        events = self._child.process.events
        watched = [events, interrupted.fileno()]
        if agent is not None:
            watched.append(agent.fileno())
        while True:
            to_write = [self._child.process.answers] if self._answers else []
            ready, writable, _ = select.select(watched, to_write, [], self._pause())
            if agent is not None and agent.fileno() in ready:
                for answer in agent.answers():
                    self._answers += framed(answer)
            if writable:
                self._write()
            if interrupted.fileno() in ready:
                interrupted.drain()
            if events in ready and not self._read():
                return self._ended()
            now = time.monotonic()
            if interrupted.count and self._interrupted_at is None:
                self._interrupted_at = now
                self._child.ask()
            if interrupted.count > 1 or now >= (self._interrupted_at or now) + GRACE:
                return self._killed("did not stop when interrupted")
            limit = self._limit + self._standing(now)
            if now >= limit + ASK and not self._asked:
                self._asked = True
                self._child.ask()
            if now >= limit + OVERRUN:
                return self._killed("ran past its time limit and was killed")

    def _pause(self) -> float:
        """Seconds until something has to be decided."""
        now = time.monotonic()
        pause = 60.0
        if self._interrupted_at is not None:
            pause = self._interrupted_at + GRACE - now
        limit = self._limit + self._standing(now)
        pause = min(pause, limit + (OVERRUN if self._asked else ASK) - now)
        return max(pause, 0.0)

    def _standing(self, now: float) -> float:
        """Seconds for which the clock has stood still so far; see `base.Event`."""
        since = self._stands_since
        return min(self._stood + (0.0 if since is None else now - since), STANDS)

    def _stop_or_go(self, waits: bool) -> None:
        now = time.monotonic()
        self._stood = self._standing(now)
        self._stands_since = now if waits else None

    def _read(self) -> bool:
        """Take what has come; False once nothing more can come."""
        data = os.read(self._child.process.events, 1 << 20)
        for message in self._frames.feed(data):
            if isinstance(message, Event):
                if message.waits is not None:
                    self._stop_or_go(message.waits)
                self._take(message)
            elif isinstance(message, Call) and self._agent is not None:
                self._agent.take(message)
            elif isinstance(message, Report):
                self._report = message
        return bool(data) and self._report is None

    def _write(self) -> None:
        """Send as much of the answers as there is room for."""
        try:
            written = os.write(self._child.process.answers, bytes(self._answers[: 1 << 16]))
        except BlockingIOError:
            return
        except BrokenPipeError:  # the child has ended, as its other pipe will tell
            written = len(self._answers)
        del self._answers[:written]

    def _ended(self) -> Ending:
        interrupted = self._interrupted_at is not None
        report, process = self._report, self._child.process
        if report is not None and report.stays and not interrupted and not self._asked:
            self._child.stay()
            return Ending(outcome=report.outcome)
        until = time.monotonic() + FAREWELL
        while not process.has_ended() and time.monotonic() < until:
            time.sleep(0.005)
        gone = process.has_ended()
        self._child.end()
        if report is not None:
            return Ending(outcome=report.outcome, interrupted=interrupted)
        if not gone:
            return Ending(failure="closed its pipe and went on; it was killed", kind="crashed")
        if interrupted:
            return Ending(interrupted=True)
        words = how(process.popen.returncode) + self._child.complaint()
        return Ending(failure=words, kind="crashed")

    def _killed(self, why: str) -> Ending:
        self._child.end()
        if self._interrupted_at is not None:
            return Ending(interrupted=True)
        return Ending(failure=why + self._child.complaint(), kind="hung")


def how(code: int) -> str:
    """Say in words how a process ended that ended too early."""
    if code >= 0:
        return f"ended early with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    hint = ", as the system does when memory runs out" if name == "SIGKILL" else ""
    return f"was ended by {name}{hint}"


@contextlib.contextmanager
def _file(path: Path, mode: str) -> Iterator[IO[bytes]]:
    with path.open(mode) as file:
        yield file


@contextlib.contextmanager
def _folder() -> Iterator[str]:
    """Make a temporary folder and remove it, whatever a dying solver still writes into it."""
    folder = tempfile.mkdtemp(prefix="optimiser-")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)

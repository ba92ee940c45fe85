"""The file of records: one JSON object a line, appended whole, read back whatever happened.

A ``session`` line is written each time a runner opens the file, a ``run`` line when a run has
ended. A runner holds a lock on the file as long as it lives. A last line that a killed runner left
torn is ignored at reading and cut off when the file is next opened for appending.
"""

from __future__ import annotations

import dataclasses
import errno
import fcntl
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from benchmarks.record_types import refuse_odd_values
from optimiser.errors import FileError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: What can go wrong with a run, as `Run.failure`.
FAILURES: Final = {
    "crashed": "the solver's process, or the worker's, ended before its time",
    "hung": "it had to be killed: the solver 5 s past its limit, or the whole run by the runner",
    "overran": "it stopped two seconds or more past its limit",
    "memory": "it took more memory than it may",
    "unsupported": "the solver says that it cannot represent the problem",
    "failed": "the solver says that it failed, or what it says makes no sense",
    "lost": "the machines of the cluster that it ran on were lost again and again",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One opening of the file by a runner.

    Parameters
    ----------
    id
        Random text, which its runs bear.
    date
        UTC, ISO 8601.
    machine
        node, cpu, cores, memory_gib, system, python.
    versions
        By package; also of what a package embeds.
    commit, dirty
        Of the project's repository, '' outside one; and whether files differed from it.
    command
        The command line.
    jobs
        Runs side by side; on a cluster None.
    cluster
        Address of the scheduler, or None.
    pid
        The runner's process.
    """

    id: str
    date: str
    machine: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    commit: str = ""
    dirty: bool = False
    command: str = ""
    jobs: int | None = 1
    cluster: str | None = None
    pid: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run: an instance, a solver, a seed, and what came of it.

    Parameters
    ----------
    session
        Of the runner that recorded it.
    key
        What makes a run the same run; see `suites.Task`.
    suite, set, instance
        Suite, family or public set, and the instance's readable name.
    instance_hash, sizes, sourcing
        Of the instance as it was read: `Instance.hash`; pairs, options, providers, …; single or
        split. Empty if it was never read.
    solver, solver_version, seed, threads, gap, limit, memory_mib
        What ran and what was asked: limit in seconds, memory in MiB.
    status, interrupted
        As in `Result`.
    objective, bound, certified_bound
        In units of the last place of money, or None.
    money_decimals
        How many decimals these have.
    gap_reached
        (objective − bound) / |objective|, or None.
    solved
        Whether the plan was accepted and its gap is at most the one asked for, or infeasibility was
        shown, in time, and nothing was wrong.
    best_known, best_known_status
        Published value as a decimal text, or None; and what the publication calls it.
    failure, failure_text
        One of `FAILURES` or '', and a sentence.
    wrong
        Wrong answers, one sentence each.
    reasons
        As in `Result`.
    seconds
        read, compile, clean, start, build, hand over, solve, solver, check, total.
    time
        Seconds that count: clean + solver; of a run without an outcome, what had passed.
    wall
        Seconds of the whole process.
    peak_mib
        Most memory that the processes of the run held together.
    trace
        (seconds since the compiled problem less the start of the solver's process, objective or
        None, bound or None).
    plan
        The checked plan, as `plans.to_text` writes it, or ''.
    node
        Machine that it ran on.
    """

    session: str
    key: str
    suite: str
    set: str
    instance: str
    solver: str
    seed: int
    threads: int
    gap: float
    limit: float
    memory_mib: int
    status: str
    time: float
    wall: float
    solved: bool
    instance_hash: str = ""
    sizes: Mapping[str, int] = field(default_factory=dict)
    sourcing: str = ""
    solver_version: str = ""
    interrupted: bool = False
    objective: int | None = None
    bound: int | None = None
    certified_bound: int | None = None
    money_decimals: int = 2
    gap_reached: float | None = None
    best_known: str | None = None
    best_known_status: str = ""
    failure: str = ""
    failure_text: str = ""
    wrong: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    peak_mib: float = 0.0
    trace: tuple[tuple[float, int | None, int | None], ...] = ()
    plan: str = ""
    node: str = ""


def read_records(path: str | os.PathLike[str]) -> tuple[list[Session], list[Run]]:
    """Read a file of records.

    Returns
    -------
    The sessions, and the runs: of several with the same key the first.

    Raises
    ------
    FileError
        If there is no such file, or a line but a torn last one is no record.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise FileError(f"{path}: this cannot be read ({error.strerror}).") from None
    sessions: list[Session] = []
    runs: dict[str, Run] = {}
    for record in _records(content, str(path)):
        if isinstance(record, Session):
            sessions.append(record)
        else:
            runs.setdefault(record.key, record)
    return sessions, list(runs.values())


class RecordFile:
    """A file of records, open for appending and locked; use it as a context manager.

    Parameters
    ----------
    path
        The file; made, with the folders above it, if it is not there.

    Raises
    ------
    UsageError
        If another runner has it open.
    FileError
        If it cannot be written, or holds what is no record.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        except OSError as error:
            raise FileError(f"{path}: this cannot be written ({error.strerror}).") from None
        try:
            self._lock()
            content = _all_of(self._file)
            whole = content.rfind(b"\n") + 1
            self.sessions: list[Session] = []
            self.runs: dict[str, Run] = {}
            for record in _records(content[:whole], str(path)):
                self._take(record)
            if whole < len(content):
                os.ftruncate(self._file, whole)
        except BaseException:
            os.close(self._file)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        os.close(self._file)

    def append(self, record: Session | Run) -> None:
        """Append one record; when this returns, it has reached the disk.

        Raises
        ------
        FileError
            If there is no room; the file then ends with the record before.
        """
        kind = "session" if isinstance(record, Session) else "run"
        document = {"kind": kind, **dataclasses.asdict(record)}
        line = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        self._write(line.encode("utf-8", "replace") + b"\n")
        self._take(record)

    def _take(self, record: Session | Run) -> None:
        if isinstance(record, Session):
            self.sessions.append(record)
        else:
            self.runs.setdefault(record.key, record)

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise FileError(f"{self.path}: it cannot be locked ({error.strerror}).") from None
            sessions, _ = read_records(self.path)
            who = f" (process {sessions[-1].pid})" if sessions else ""
            raise UsageError(
                f"{self.path}: another runner{who} is writing to this file. Wait for it, stop it, "
                "or name another file with --out."
            ) from None

    def _write(self, line: bytes) -> None:
        before = os.fstat(self._file).st_size
        written = 0
        try:
            while written < len(line):
                written += os.write(self._file, line[written:])
            os.fsync(self._file)
        except OSError as error:
            os.ftruncate(self._file, before)
            raise FileError(
                f"{self.path}: the record could not be written ({error.strerror}). What was "
                "recorded before is safe; make room and run the same command again to go on."
            ) from None


def _all_of(file: int) -> bytes:
    parts = []
    offset = 0
    while part := os.pread(file, 1 << 20, offset):
        parts.append(part)
        offset += len(part)
    return b"".join(parts)


def _records(content: bytes, path: str) -> Iterator[Session | Run]:
    """Yield the records of all lines but a torn last one."""
    lines = content.split(b"\n")
    for number, line in enumerate(lines[:-1], start=1):
        try:
            yield _record(json.loads(line))
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
            raise FileError(
                f"{path}, line {number}: this is no record ({error}). Name a file that "
                "`python -m benchmarks run` has written, or delete this line."
            ) from None


def _record(document: Any) -> Session | Run:
    """Make a record of a document; names that are not known are left out."""
    kind = document["kind"]
    if kind not in ("session", "run"):
        raise ValueError(f"its kind is {kind!r}")
    make = Session if kind == "session" else Run
    known = {each.name for each in dataclasses.fields(make)}
    given = {name: value for name, value in document.items() if name in known}
    if make is Run:
        for name in ("wrong", "reasons"):
            given[name] = tuple(map(str, given.get(name, ())))
        given["trace"] = tuple((float(t), o, b) for t, o, b in given.get("trace", ()))
        given |= {name: float(given[name]) for name in ("time", "wall", "limit", "gap")}
    refuse_odd_values(make, given)
    return make(**given)

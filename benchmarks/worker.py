"""One run in a process of its own: ``python -m benchmarks.worker``, started by `limits`.

Standard input brings the task, a line of JSON, and is then the lifeline: it ends when whoever
started this process has ended, however that came about, and then everything that this process has
started ends too. Standard output takes messages, a line of JSON each: first what instance was read,
then the record, or what kept it from running.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.suites import Task
from optimiser.errors import InputError, InternalError, SolverError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from optimiser.model.instance import Instance
    from optimiser.solvers.result import Result

#: Names the folder for temporary files, which is made here, and goes when this process has to end.
FOLDER: Final = "TMPDIR"
#: The instance that a solver is loaded with, and the seconds that it has for it.
TINY, LOADING = "toy", 10.0
#: How often it is tried to remove that folder.
_TRIES: Final = 50
#: Decimals of seconds in a record.
_DECIMALS: Final = 4


def read_instance(source: Mapping[str, Any]) -> Instance:
    """Read or draw the instance of a `suites.Case`.

    Raises
    ------
    InputError
        If there is no such instance, or it has faults.
    """
    if "family" in source:
        from optimiser.studies.generate import generate

        return generate(source["family"], seed=source["seed"], **source["sizes"])
    if "named" in source:
        from optimiser.files.instances import read
        from optimiser.files.shipped import shipped

        return read(shipped()[source["named"]])
    from optimiser.files.public.reading import read_public

    return read_public(source["file"], source["reader"])


def identity(instance: Instance) -> dict[str, Any]:
    """Return what a record says of the instance itself."""
    sizes = {"pairs": len(instance["demand"])}
    for table in ("organisations", "services", "providers", "offers"):
        sizes[table] = len(instance[table])
    return {
        "instance_hash": instance.hash,
        "sizes": sizes,
        "sourcing": instance.settings.sourcing,
        "money_decimals": instance.settings.money_decimals,
    }


def outcome(task: Task, result: Result) -> dict[str, Any]:
    """Return what a record says of a result."""
    from benchmarks.plans import to_text
    from benchmarks.verdict import classify

    seconds = result.seconds
    solver = seconds.get("solver", seconds.get("solve", 0.0))
    taken = seconds.get("clean", 0.0) + solver
    # The trace counts from the call; a run's clock stands still while its process is started.
    before = seconds["compile"]
    start = seconds.get("start", 0.0)
    clean = seconds.get("clean", 0.0)
    trace: list[tuple[float, int | None, int | None]] = []
    for point in result.trace:
        at = min(max(point.time - before - start, min(point.time - before, clean), 0.0), taken)
        if not trace or trace[-1][1:] != (point.objective, point.bound):
            trace.append((round(at, _DECIMALS), point.objective, point.bound))
    return {
        "solver_version": result.solver_version,
        "status": result.status,
        "interrupted": result.interrupted,
        "objective": result.objective_units,
        "bound": result.bound_units,
        "certified_bound": result.certified_bound_units,
        "reasons": list(result.reasons),
        "seconds": {name: round(value, _DECIMALS) for name, value in seconds.items()},
        "time": round(taken, _DECIMALS),
        "trace": trace,
        "plan": "" if result.plan is None else to_text(result.plan, result.instance),
    } | classify(task, result, taken + start)


def failed(kind: str, text: str) -> dict[str, Any]:
    """Return what a record says of a run that gave no result."""
    return {"status": "error", "solved": False, "failure": kind, "failure_text": text}


def run(task: Task, tell: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Do one run and return its part of the record; `tell` takes what is known before."""
    from benchmarks.permute import permute
    from optimiser.model.compile import compile_problem
    from optimiser.solvers.session import solve

    _load(task)
    began = time.monotonic()
    instance = permute(read_instance(task.case.source), task.seed)
    read = round(time.monotonic() - began, _DECIMALS)
    known = identity(instance)
    tell({"message": "read", "known": {**known, "seconds": {"read": read}}})
    try:
        result = solve(instance, solver=task.solver, time_limit=task.limit, gap=task.gap,
                       threads=task.threads, seed=task.seed)  # fmt: skip
    except InternalError as error:
        return known | failed("failed", f"InternalError: {error}") | {"seconds": {"read": read}}
    except MemoryError:
        return known | failed("memory", "the run itself ran out of memory") | {
            "seconds": {"read": read}
        }
    # Counted afterwards, lest what is timed above finds its work half done.
    known["sizes"]["options"] = compile_problem(instance).options
    told = outcome(task, result)
    told["seconds"] = {"read": read, **told["seconds"]}
    return known | told | {"peak_mib": _peak()}


def _load(task: Task) -> None:
    """Have the solver loaded, its kernels too, before the clock runs: a tiny solve does it.

    So only where its process stays for the run. What goes wrong here goes wrong in the run as well,
    and is told of there.
    """
    from optimiser.files.instances import read
    from optimiser.files.shipped import shipped
    from optimiser.solvers import registry
    from optimiser.solvers.session import solve

    if not registry.get(task.solver).capabilities.stays:
        return
    with suppress(InternalError, InputError, SolverError):
        solve(read(shipped()[TINY]), solver=task.solver, time_limit=LOADING, threads=task.threads)


def _peak() -> float:
    """Most MiB that this process, or any that it has waited for, held by itself."""
    import resource

    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(each).ru_maxrss for each in who) / 1024


def _clear() -> None:
    """Remove the folder for temporary files; others may be clearing up in there."""
    folder = Path(os.environ[FOLDER])
    for _ in range(_TRIES):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.01)


def _watch(lifeline: int) -> None:
    """End all that was started here, and this process, once the lifeline has ended."""
    from benchmarks.processes import end_descendants

    while os.read(lifeline, 4096):
        pass
    end_descendants(os.getpid())
    _clear()
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Read the task, run it, write the record."""
    # The channel is ours alone: what a library prints goes to standard error.
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    lifeline = os.dup(0)
    line = b""
    while not line.endswith(b"\n"):
        part = os.read(lifeline, 1 << 16)
        if not part:
            return
        line += part
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    with suppress(OSError):  # without it, whatever needs it says so
        Path(os.environ[FOLDER]).mkdir(exist_ok=True)
    # Not before, lest it clears up first.
    threading.Thread(target=_watch, args=(lifeline,), daemon=True).start()
    task = Task.of(json.loads(line))

    def tell(message: dict[str, Any]) -> None:
        channel.write(json.dumps(message) + "\n")
        channel.flush()

    try:
        last = {"message": "done", "record": run(task, tell) | {"node": platform.node()}}
    except (InputError, SolverError, OSError) as error:  # none of them is the solver's doing
        last = {"message": "refused", "text": str(error)}
    finally:
        # Before the last word: whoever waits for that may be gone, and with it who would clear up.
        _clear()
    with suppress(BrokenPipeError):
        tell(last)
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()

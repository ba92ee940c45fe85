"""Runs and files of records as the runner would leave them, made by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.records import RecordFile, Run, Session

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def made_run(solver: str = "a", instance: str = "one", **changes: Any) -> Run:
    """Return a run solved at its limit's tenth unless told otherwise."""
    given: dict[str, Any] = {
        "session": "s", "suite": "made", "set": "family", "instance": instance, "solver": solver,
        "solver_version": "1.0", "seed": 0, "threads": 1, "gap": 1e-4, "limit": 60.0,
        "memory_mib": 1000, "status": "optimal", "time": 6.0, "wall": 7.0, "solved": True,
        "objective": 10_000, "bound": 10_000, "instance_hash": f"hash of {instance}",
        "sizes": {"pairs": 5, "options": 50}, "sourcing": "single",
    }  # fmt: skip
    given |= changes
    names = ("set", "instance", "solver", "seed", "threads", "gap", "limit", "memory_mib")
    given.setdefault("key", "|".join(str(given[name]) for name in names))
    return Run(**given)


def unsolved_run(solver: str = "a", instance: str = "one", **changes: Any) -> Run:
    """Return a run that stopped at its limit with a plan at a gap of 20 %."""
    return made_run(
        solver, instance,
        **{"solved": False, "status": "feasible", "time": 60.2, "bound": 8_000} | changes,
    )  # fmt: skip


def made_session(**changes: Any) -> Session:
    """Return a session."""
    given: dict[str, Any] = {
        "id": "s", "date": "2026-11-24T18:00:00+00:00", "commit": "0123456789abcdef",
        "machine": {"node": "vm", "cpu": "a processor", "cores": 2, "memory_gib": 24.0,
                    "system": "Linux", "python": "3.11.7"},
        "versions": {"highspy": "1.16.0", "HiGHS in highspy": "1.16.0"},
        "command": "python -m benchmarks run made",
    }  # fmt: skip
    return Session(**given | changes)


def write_records(path: Path, runs: Iterable[Run], session: Session | None = None) -> Path:
    """Write a file of records and return its path."""
    with RecordFile(path) as file:
        file.append(session or made_session())
        for run in runs:
            file.append(run)
    return path

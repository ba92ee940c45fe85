"""Tasks for tests: the toy, by any solver."""

from __future__ import annotations

import dataclasses
from typing import Any

from benchmarks.suites import Case, Task

TOY = Case(set="named", instance="toy", source={"named": "toy"})
#: The toy's best objective, and that of having everything in-house, in pence.
BEST, AT_HOME = 22_060_000, 25_120_000


def task(solver: str, case: Case = TOY, **changed: Any) -> Task:
    """Return a task with small limits."""
    given = Task(suite="test", case=case, solver=solver, seed=0, threads=1, gap=1e-4, limit=30.0,
                 memory_mib=2048)  # fmt: skip
    return dataclasses.replace(given, **changed)


def published(value: str, status: str = "optimal") -> Case:
    """Return the toy with a best known value."""
    return dataclasses.replace(TOY, best_known=value, best_known_status=status)

"""Exit codes, the same for every command."""

from __future__ import annotations

from typing import Final

SOLVED: Final = 0
FAULT: Final = 1
INPUT: Final = 2
STOPPED: Final = 3
INFEASIBLE: Final = 4
NO_PLAN: Final = 5
SOLVER: Final = 6
INTERRUPTED: Final = 130

_BY_STATUS: Final = {
    "optimal": SOLVED,
    "feasible": STOPPED,
    "infeasible": INFEASIBLE,
    "unknown": NO_PLAN,
    "error": SOLVER,
}


def of_status(status: str, *, interrupted: bool) -> int:
    """Return the exit code for a result's status."""
    # Who interrupts when the proof is complete has missed his moment: solved is solved.
    if interrupted and status in ("feasible", "unknown"):
        return INTERRUPTED
    return _BY_STATUS[status]

"""The general solver as the engine asks it: for so long, and not past an interrupt."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimiser.model.problem import Problem
    from optimiser.solvers.base import Event, Options, Outcome
    from optimiser.solvers.milp.highs import Highs

#: Seconds that it is given at least.
LEAST: Final = 0.01


def ask(
    highs: Highs,
    problem: Problem,
    options: Options,
    left: float,
    hear: Callable[[Event], None] = lambda _: None,
) -> Outcome:
    """Have a problem solved.

    Parameters
    ----------
    highs
        Holds the cutoff and the measure of work.
    problem, options
        As `base.Solver.solve` takes them; `left` stands for the time limit.
    left
        Seconds that are left; infinite without a limit.
    hear
        Takes events.

    Raises
    ------
    KeyboardInterrupt
        If it was interrupted.
    """
    limit = None if math.isinf(left) else max(left, LEAST)
    outcome = highs.solve(problem, dataclasses.replace(options, time_limit=limit), hear)
    if outcome.reason == "interrupted":
        raise KeyboardInterrupt
    return outcome

"""The solver `decomposition`: bound by multipliers, search among plans, proof on what is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimiser.solvers.base import Availability, Capabilities, Event, Options, Outcome
from optimiser.solvers.decomposition.ledger import Ledger
from optimiser.solvers.packages import availability

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimiser.model.problem import Problem


class Decomposition:
    """The engine that knows the structure of the problem; see `stages` for its order of work."""

    name = "decomposition"
    capabilities = Capabilities(incumbents=True, bounds=True, warm_start=True, threads=True,
                                seed=True, interrupt=True, executor=True, stays=True)  # fmt: skip

    def availability(self) -> Availability:
        """Say whether its compiler and the general solver that it ends with are installed."""
        for package in ("numba", "highspy"):
            found = availability(package)
            if not found.installed:
                return found
        return availability("optimiser")

    def solve(self, problem: Problem, options: Options, emit: Callable[[Event], None]) -> Outcome:
        """Solve `problem`; an interrupt ends it with the best plan and bound."""
        if np.any(problem.objective.get("cover", problem.size("cover"))):
            # What counts once for a set of options, as staff covered, has a price only in another
            # objective than money: none of our bounds and moves know it, a general solver does.
            from optimiser.solvers.milp.highs import Highs

            return Highs().solve(problem, options, emit)
        ledger = Ledger(options, emit)
        try:
            ledger.tell("loading kernels")
            from optimiser.solvers.decomposition.kernels import watched
            from optimiser.solvers.decomposition.stages import work

            with watched(ledger.tell, ledger.stand, ledger.go_on):
                reason = work(ledger, problem, options)
        except KeyboardInterrupt:
            reason = "interrupted"
        return ledger.outcome(reason)

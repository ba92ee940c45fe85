"""The order in which the engine bounds, searches, fixes and proves."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Final

import numpy as np

from optimiser.model.clean import clean, restrict
from optimiser.model.plan import Plan
from optimiser.solvers.decomposition.board import follows
from optimiser.solvers.decomposition.fixing import survivors
from optimiser.solvers.decomposition.relaxation import Ascent, Relaxation
from optimiser.solvers.decomposition.searching import Search, pulls
from optimiser.solvers.decomposition.services import Services
from optimiser.solvers.milp.formulation import Formulation
from optimiser.solvers.milp.highs import Highs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimiser.certificate.proof import Certificate
    from optimiser.model.problem import LinearRow, Problem
    from optimiser.solvers.base import Event, Options
    from optimiser.solvers.decomposition.ledger import Ledger

    Floats = NDArray[np.float64]

#: Steps of an ascent between two rounds of search; the share of the way to the best plan below
#: which a window of them is not worth going on, once their factor is short.
STEPS, WINDOW, STALL, SHORT = 600, 50, 0.01, 0.1
#: Iterations of a round of search, and factors of the temperature that rounds take in turn.
ROUND: Final = 4_000
HEATS: Final = (0.03, 0.1, 0.3, 1.0)
#: Rounds without a better plan, or a clearly better bound, after which the proof has its turn.
TIRED: Final = 4
#: Rounds for which a problem too large for the proof is searched on, if there is no time limit.
PATIENT: Final = 200
#: Option-bands up to which a general solver is given what is left.
SMALL: Final = 20_000
#: Nodes of each service's tree at a first try and later; what the first try has to close of the
#: gap; steps of the prices.
TRY, NODES, PAYS, PRICES = 60, 2_000, 0.1, 8
#: Columns of a service up to which its tree is worth its memory.
BRANCHED: Final = 20_000


def work(ledger: Ledger, problem: Problem, options: Options) -> str:
    """Bound, search and prove; return the reason of `base.Outcome`."""
    ledger.tell("building")
    formulation = Formulation(problem)
    choices = problem.home + np.bincount(problem.option_pair, minlength=problem.pairs)
    if not formulation.matrix.columns or not problem.size("band") or not choices.all():
        return _Proof(ledger, options).run(problem)
    run = _Run(ledger, formulation, options)
    if problem.split or not follows(problem):
        # What the search cannot follow is left to the general solver, after a bound.
        run.ascend()
        return _Proof(ledger, options).run(problem)
    return run.work()


class _Run:
    """One problem under single sourcing, from the first plan to the proof."""

    def __init__(self, ledger: Ledger, formulation: Formulation, options: Options) -> None:
        self._ledger, self._options = ledger, options
        self._problem, self._formulation = formulation.problem, formulation
        self._relaxation = Relaxation(formulation)
        self._ascent = Ascent(self._relaxation, self._relaxation.prices())
        #: Multipliers after the first ascent; later ones may bound less where nothing is fixed.
        self._first: Floats | None = None
        if not self._problem.split:  # costs are no whole numbers there
            ledger.certify = self._certificate

    def work(self) -> str:
        """Search and bound in turn; then prove, if what is left is small enough."""
        ledger, relaxation = self._ledger, self._relaxation
        ledger.tell("searching")
        search = Search(self._problem, pulls(relaxation, self._ascent.multipliers),
                        self._options.seed)  # fmt: skip
        if self._options.start is not None and search.start(search.choices(self._options.start)):
            self._offer(search)
        if search.start(search.choices(Plan.of(()))):
            self._offer(search)
        self.ascend()
        tired = rounds = 0
        while not ledger.enough():
            ledger.tell("searching")
            better = search.start(search.guide(self._ascent))
            better |= search.explore(ROUND, HEATS[rounds % len(HEATS)])
            if better:
                self._offer(search)
            before = ledger.bound
            self._fix()
            self.ascend()
            risen = ledger.bound - before > 0.02 * (ledger.objective - ledger.bound)
            tired = 0 if better or risen else tired + 1
            rounds += 1
            if tired >= TIRED and (self._left() <= SMALL or rounds >= PATIENT):
                return self._prove()
        return ledger.reason()

    def ascend(self) -> None:
        """Raise the bound until that gets slow."""
        ledger, ascent = self._ledger, self._ascent
        ledger.tell("bounding")
        for _ in range(0, STEPS, WINDOW):
            before = ascent.bound
            ascent.run(WINDOW, self._target(), stop=ledger.over)
            ledger.raise_bound(ascent.safe_bound)
            slow = ascent.bound - before < STALL * (self._target() - ascent.bound)
            # Steps that are still too long do not show yet what the ascent can do.
            if ledger.enough() or (slow and ascent.step < SHORT):
                break
        if self._first is None:
            self._first = ascent.multipliers.copy()

    def _certificate(self) -> Certificate | None:
        """Return the first multipliers and the present ones as grounds for the bound."""
        if self._first is None:
            return None
        points = [self._first]
        if not np.array_equal(self._first, self._ascent.multipliers):
            points.append(self._ascent.multipliers)
        return self._relaxation.certificate(points, self._ledger.cutoff())

    def _target(self) -> float:
        """Return what the ascent aims at: the best plan, or a little more than the bound."""
        if math.isfinite(self._ledger.objective):
            return self._ledger.objective
        bound = self._ascent.bound
        if not math.isfinite(bound):
            bound = self._ascent.look()
        return bound + 0.05 * abs(bound) + 1.0

    def _offer(self, search: Search) -> None:
        """Hand the search's best plan on, once the rows of the formulation have been checked."""
        plan = search.plan()
        objective = self._problem.evaluate(plan)
        vector = self._formulation.encode(plan)
        if objective is None or vector is None:
            return
        matrix = self._formulation.matrix
        activity = matrix.a @ vector
        if np.all(activity >= matrix.row_lower) and np.all(activity <= matrix.row_upper):
            self._ledger.offer(plan, float(objective))

    def _fix(self) -> None:
        """Drop what no plan that is wanted can use."""
        relaxation, ledger = self._relaxation, self._ledger
        if not math.isfinite(ledger.objective):
            return
        banded, home = survivors(relaxation, self._ascent.multipliers, ledger.cutoff())
        columns, problem, upper = relaxation.columns, relaxation.problem, relaxation.upper
        upper[columns.block("x")][~banded] = 0
        upper[columns.block("h")][~home[columns.home]] = 0
        alive = np.zeros(problem.size("band"), dtype=bool)
        alive[problem.banded_band[upper[columns.block("x")] > 0]] = True
        upper[columns.block("z")][~alive] = 0

    def _left(self) -> int:
        """Return how many option-bands are left."""
        relaxation = self._relaxation
        return int(np.count_nonzero(relaxation.upper[relaxation.columns.block("x")]))

    def _prove(self) -> str:
        """Take the services apart, then hand what is left to a general solver."""
        cuts = self._take_apart() if self._ledger.plan is not None else []
        if self._ledger.enough():
            return self._ledger.reason()
        relaxation, problem = self._relaxation, self._problem
        columns = relaxation.columns
        banded = relaxation.upper[columns.block("x")] > 0
        home = problem.home.copy()
        home[columns.home] = relaxation.upper[columns.block("h")] > 0
        problem = dataclasses.replace(problem, rows=(*problem.rows, *cuts))
        smaller, _ = clean(restrict(problem, banded, home))
        return _Proof(self._ledger, self._options).run(smaller)

    def _take_apart(self) -> list[LinearRow]:
        """Bound the services apart; return the rows that say so."""
        ledger, relaxation = self._ledger, self._relaxation
        count = len(np.unique(self._problem.pair_service))
        if relaxation.columns.sizes["x"] > BRANCHED * count:
            return []
        ledger.tell("bounding services apart")
        services = Services(relaxation, self._ascent.multipliers, self._options.seed)
        assert ledger.plan is not None
        vector = self._formulation.encode(ledger.plan)
        if vector is not None:
            services.learn(vector)
        gap = ledger.objective - ledger.bound
        cuts: list[LinearRow] = []
        # With one service there is nothing to share out: other prices would only move its tree.
        for number in range(PRICES if count > 1 else 1):
            before = services.bound
            services.step(ledger.objective, TRY if number == 0 else NODES, ledger.over)
            if services.bound > before:
                cuts = [service.cut() for service in services.services]
                ledger.raise_bound(min(services.bound, ledger.cutoff()))
            if ledger.enough() or not math.isfinite(services.bound):
                break
            # A tree that hardly moves the bound at first will not do so later.
            if number == 0 and services.bound - self._ascent.bound < PAYS * gap:
                break
        return cuts


class _Proof:
    """What is left, handed to a general solver."""

    def __init__(self, ledger: Ledger, options: Options) -> None:
        self._ledger, self._options = ledger, options

    def run(self, problem: Problem) -> str:
        """Solve a problem that holds every plan that is wanted; its answer counts for the whole."""
        ledger = self._ledger
        if ledger.over():
            return "limit"
        ledger.tell("proving")
        cutoff = ledger.cutoff()
        limit = None if math.isinf(ledger.left()) else max(ledger.left(), 0.01)
        options = dataclasses.replace(self._options, start=ledger.plan or self._options.start,
                                      time_limit=limit)  # fmt: skip

        def hear(event: Event) -> None:
            if event.plan is not None:
                self._offer(problem, event.plan, event.objective)
            if event.bound is not None:
                ledger.raise_bound(min(event.bound, cutoff))

        outcome = Highs().solve(problem, options, hear)
        if outcome.plan is not None:
            self._offer(problem, outcome.plan, outcome.objective)
        ledger.message = outcome.message
        if outcome.reason == "infeasible":
            if ledger.plan is None:
                return "infeasible"
            ledger.raise_bound(cutoff)
            return "finished"
        if outcome.bound is not None:
            ledger.raise_bound(min(outcome.bound, cutoff))
        return "finished" if ledger.done() else outcome.reason

    def _offer(self, problem: Problem, plan: Plan, claimed: float | None) -> None:
        objective = problem.evaluate(plan)
        found = claimed if objective is None else float(objective)
        if found is not None:
            self._ledger.offer(plan, found)

"""The order in which the engine bounds, searches, fixes and proves."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Final

import numpy as np

from optimiser.model.clean import clean, restrict, ways
from optimiser.model.plan import Plan
from optimiser.solvers.decomposition import split
from optimiser.solvers.decomposition.board import follows
from optimiser.solvers.decomposition.companion import Companion
from optimiser.solvers.decomposition.components import (
    combined,
    extracted,
    grouped_components,
    placed,
)
from optimiser.solvers.decomposition.crew import Crew
from optimiser.solvers.decomposition.fixing import lift, survivors
from optimiser.solvers.decomposition.general import ask
from optimiser.solvers.decomposition.prices import first_ascent, prices_of
from optimiser.solvers.decomposition.relaxation import STEPS, WINDOW, Relaxation
from optimiser.solvers.decomposition.searching import HEATS, Search, likely, pulls
from optimiser.solvers.decomposition.services import Services
from optimiser.solvers.milp.formulation import Formulation
from optimiser.solvers.milp.highs import Highs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimiser.certificate.proof import Certificate
    from optimiser.model.problem import LinearRow, Problem
    from optimiser.solvers.base import Event, Options
    from optimiser.solvers.decomposition.ledger import Ledger

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

#: Entries of priced rows times steps after which search has its turn all the same.
WORK: Final = 400_000_000
#: What seeds of searches side by side differ by.
APART: Final = 7_919
#: Rounds for which a problem too large for the proof is searched on, if there is no time limit.
PATIENT: Final = 200
#: Iterations of the first round of search, and by what they grow from one to the next.
BRIEF, GROW = 300, 2.0
#: Nodes of each tree and looks of the general solver (see `Highs`) at the first attempt at a proof,
#: and by what they grow.
NODES, LOOKS, MORE, AGAIN, MOST = 60, 20, 4.0, 16.0, 2e9
#: What services apart have to close of the gap to have their turn at the next attempt as well, and
#: attempts that they miss at most; proofs grow by `AGAIN` after one in vain, else by `MORE`.
WORTH, SKIPS = 0.1, 8
#: Steps of the prices without a better bound after which an attempt is over.
VAIN: Final = 5
#: Option-bands per pair in the first core, looks of the general solver that searches it, and how
#: many times as many must be left for it to be worth its while.
CORE, CORE_LOOKS, FEW = 3, 150, 3
#: Option-bands up to which the first attempt is worth its while, and comes first.
LIGHT: Final = 3_000
#: Option-bands up to which a general solver is given what is left.
SMALL: Final = 20_000
#: Rounds of search after which one that has found no plan begins anew where the average points,
#: and rounds that it goes on for once it has found one.
MEND, POLISH = 8, 2
#: Rounds in a row without a better plan after which a proof is attempted: where little is left or
#: capacity is tight, else; and by what the latter grow, since attempts get longer as well.
STALE, PERSIST, LONGER = 4, 40, 2.0
#: Rounds of search at most from one ascent to the next, and from one guided start to the next.
IDLE, SELDOM = 32, 64
#: What prices or an ascent have to close of the gap to be gone on with as often, and steps of the
#: prices at an attempt.
PAYS, PRICES = 0.02, 8
#: Most parts that what falls apart is proved in.
GROUPS: Final = 8
#: Columns of a service up to which its tree is worth its memory.
BRANCHED: Final = 20_000


def work(ledger: Ledger, problem: Problem, options: Options) -> str:
    """Bound, search and prove; return the reason of `base.Outcome`."""
    ledger.tell("building")
    formulation = Formulation(problem)
    some = ways(problem, np.ones(problem.size("banded"), dtype=bool), problem.home)
    if not formulation.matrix.columns or not problem.size("band") or not some.all():
        return _Proof(ledger, options).run(problem)
    if problem.split:
        return split.work(ledger, formulation, options, _Proof(ledger, options).run)
    run = _Run(ledger, formulation, options)
    if not follows(problem):
        # What the search cannot follow is left to the general solver, after a bound.
        run.ascend()
        return _Proof(ledger, options).run(problem)
    return run.work()


class _Backoff:
    """Whether it is time for something that is done the more seldom the longer it is in vain.

    Parameters
    ----------
    most
        Turns from one time to the next at most.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._pause, self._left = 1, 0

    def due(self) -> bool:
        """Say whether it is time; counts a turn."""
        self._left = max(self._left - 1, 0)
        return self._left == 0

    def tell(self, *, paid: bool) -> None:
        """Take whether it was worth it."""
        self._pause = 1 if paid else min(2 * self._pause, self._most)
        self._left = self._pause


class _Run:
    """One problem under single sourcing, from the first plan to the proof."""

    def __init__(self, ledger: Ledger, formulation: Formulation, options: Options) -> None:
        self._ledger, self._options = ledger, options
        self._problem, self._formulation = formulation.problem, formulation
        self._relaxation = Relaxation(formulation)
        #: How many services there are.
        self._count = len(np.unique(self._problem.pair_service))
        #: Whether providers are chosen for covers: then trees and cores bring plans as well.
        self._tight = len(self._relaxation.blocks.need) > 0
        self._ascent = first_ascent(self._relaxation, options.prices)
        #: Multipliers after the first ascent; later ones may bound less where nothing is fixed.
        self._first: Floats | None = None
        #: Least cutoff by which columns were dropped: what is left bounds only better plans.
        self._fixed = math.inf
        self._services: Services | None = None
        self._cuts: list[LinearRow] = []
        self._trees = self._cores = self._proofs = 0
        #: Looks of the general solver at the last proof, and how many times as many at the next.
        self._looks, self._more = float(LOOKS), AGAIN
        self._apart = _Backoff(SKIPS)
        ledger.certify = self._certificate
        ledger.price = lambda: prices_of(self._relaxation, self._ascent.multipliers)
        self._crew = Crew(options.executor, ledger.tell, ledger.left)

    def work(self) -> str:
        """Search and bound in turn; then prove, if what is left is small enough."""
        ledger, relaxation = self._ledger, self._relaxation
        ledger.tell("searching")
        search = Search(self._problem, pulls(relaxation, self._ascent.multipliers),
                        self._options.seed, ledger.over)  # fmt: skip
        if self._options.start is not None and search.start(search.choices(self._options.start)):
            self._offer(search)
        if ledger.plan is None and search.start(search.choices(Plan.of(()))):
            self._offer(search)
        companions = self._companions()
        try:
            self.ascend()
            return self._turns(search)
        finally:
            for companion in companions:
                companion.end()

    def _companions(self) -> list[Companion]:
        """Start a search beside this one for each further thread."""
        threads = self._options.threads
        if threads > 1:
            # They have the other threads; the general solver takes what it is given.
            self._options = dataclasses.replace(self._options, threads=1)
        found = []
        for number in range(1, threads):
            search = Search(self._problem, pulls(self._relaxation, self._ascent.multipliers),
                            self._options.seed + APART * number,
                            self._ledger.over)  # fmt: skip
            found.append(Companion(search, self._ledger, self._ascent, self._offer, HEATS))
            found[-1].start()
        return found

    def _turns(self, search: Search) -> str:
        """Search, bound and attempt proofs in turn until there is enough."""
        ledger = self._ledger
        rounds, ahead, stale, attempts, fresh = 0, 0, 0, 0, True
        climb, venture = _Backoff(IDLE), _Backoff(SELDOM)
        known = math.inf
        if self._options.hint is not None:
            if search.start(search.choices(self._options.hint)):
                self._offer(search)
            ahead = MEND
        while not ledger.enough():
            ledger.tell("searching")
            better = False
            if fresh and ahead == 0 and venture.due():
                # The best plan may have the wrong providers open: a guided one gets its chance, and
                # the time it takes to mend it.
                known = ledger.objective
                better = search.venture(self._ascent)
                ahead, fresh = MEND, False
            elif ahead == 0 and ledger.plan is not None and ledger.objective < search.value:
                search.start(search.choices(ledger.plan))
            iterations = search.usual
            if self._left() <= SMALL:
                iterations = min(round(BRIEF * GROW**rounds), iterations)
            heat = HEATS[rounds % len(HEATS)]
            better |= search.explore(iterations, heat, onward=ahead > 0, loose=ahead == 0)
            if better:
                self._offer(search)
            if ahead > 0:
                ahead = min(ahead, POLISH if search.keeps_rules else MEND) - 1
                if ahead == 0:
                    venture.tell(paid=ledger.objective < known)
            if climb.due():
                # Where the bound hardly rises, the search has more turns in a row.
                before = ledger.bound
                self._fix()
                self.ascend()
                fresh = True
                gap = ledger.objective - before
                climb.tell(paid=ledger.bound - before >= PAYS * gap)
            rounds += 1
            if ledger.enough():
                break
            stale = 0 if better else stale + 1
            if stale < STALE:
                continue  # while plans get better that fast, a proof can wait
            left = self._left()
            soon = self._tight or left <= LIGHT
            if (self._tight or left <= SMALL) and (soon or stale >= PERSIST * LONGER**attempts):
                reason = self._attempt(search)
                if reason is not None:
                    return reason
                stale, attempts = 0, attempts + 1
            elif left > SMALL and rounds >= PATIENT and math.isinf(ledger.left()):
                return self._prove(None)
        return ledger.reason()

    def ascend(self) -> None:
        """Raise the bound until that gets slow."""
        ledger, ascent = self._ledger, self._ascent
        ledger.tell("bounding")
        entries = max(len(self._relaxation.blocks.row_column), 1)
        for _ in range(0, max(min(STEPS, WORK // entries), WINDOW), WINDOW):
            more = ascent.window(ledger.objective, ledger.over)
            ledger.raise_bound(min(ascent.safe_bound, self._fixed))
            if ledger.enough() or not more:
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
        self._fixed = min(self._fixed, ledger.cutoff())
        self._narrow(survivors(relaxation, self._ascent.multipliers, self._fixed))

    def _narrow(self, useful: Bools) -> None:
        """Drop columns that are of no use, shape (columns,), and with them bands without any."""
        relaxation = self._relaxation
        columns, problem, upper = relaxation.columns, relaxation.problem, relaxation.upper
        for block in "xzh":
            upper[columns.block(block)][~useful[columns.block(block)]] = 0
        alive = np.zeros(problem.size("band"), dtype=bool)
        alive[problem.banded_band[upper[columns.block("x")] > 0]] = True
        upper[columns.block("z")][~alive] = 0

    def _left(self) -> int:
        """Return how many option-bands are left."""
        relaxation = self._relaxation
        return int(np.count_nonzero(relaxation.upper[relaxation.columns.block("x")]))

    def _attempt(self, search: Search) -> str | None:
        """Try to prove for a while, or to better the plan within a core of promising options.

        Returns the reason of `base.Outcome` if that was the end, or None.
        """
        ledger = self._ledger
        # What a general solver closes at once needs nothing else.
        if self._count > 1 or self._tight or self._proofs > 0 or self._left() > LIGHT:
            if self._apart.due():
                gap, before = ledger.objective - ledger.bound, ledger.bound
                self._take_apart(search)
                # Where capacity is tight, trees bring plans as well.
                paid = self._tight or ledger.bound - before >= WORTH * gap
                self._apart.tell(paid=paid)
                self._more = MORE if paid else AGAIN
            while not ledger.enough() and self._core():
                self._fix()
        if not ledger.enough() and self._core_size() is None and self._left() <= SMALL:
            if self._proofs > 0:
                self._looks = min(self._looks * self._more, MOST)
            self._proofs += 1
            reason = self._prove(round(self._looks))
            if reason != "limit":
                return reason
        return None

    def _prove(self, looks: int | None) -> str:
        """Hand what is left to a general solver; return the reason of `base.Outcome`."""
        ledger = self._ledger
        rest = self._rest()
        if rest is None:
            ledger.raise_bound(ledger.cutoff())
            return ledger.reason()
        proof = _Proof(ledger, self._options, looks)
        groups = grouped_components(rest, GROUPS)
        if groups.max() > 0:
            return proof.apart(rest, groups)
        if self._cuts:  # they tie the pairs of a service together, and so come in only now
            rest = self._rest(rows=self._cuts) or rest
        return proof.run(rest)

    def _core_size(self) -> int | None:
        """Return the option-bands of the next core; None if it is not much smaller than the rest.

        The first proof does without if little is left and capacity is not tight.
        """
        wanted = round(CORE * GROW**self._cores * self._problem.pairs)
        left = self._left()
        if left <= FEW * wanted or (self._proofs == 0 and left <= LIGHT and not self._tight):
            return None
        return wanted

    def _core(self) -> bool:
        """Search the next core; say whether it was searched to its end, so that a larger may."""
        wanted = self._core_size()
        if wanted is None:
            return False
        looks = round(CORE_LOOKS * GROW ** (0.5 * self._cores))
        self._cores += 1
        rest = self._rest(wanted)
        if rest is None:
            return True
        return _Proof(self._ledger, self._options, looks, whole=False).run(rest) != "limit"

    def _rest(self, wanted: int | None = None, rows: Sequence[LinearRow] = ()) -> Problem | None:
        """Return what is left of the problem, or the most promising option-bands of it.

        These are those that raise the bound least if they are used: the kernel of Guastaroba &
        Speranza 2014 (Eur. J. Oper. Res. 238), chosen by the Lagrangian instead of by the linear
        relaxation. None if a pair has nobody in it. `rows` are added.
        """
        relaxation, problem = self._relaxation, self._problem
        columns = relaxation.columns
        x = columns.block("x")
        banded = relaxation.upper[x] > 0
        if wanted is not None:
            rise, _ = lift(
                relaxation.blocks, relaxation.lower, relaxation.upper, self._ascent.multipliers
            )
            rise = np.where(banded, rise[x], np.inf)
            banded &= rise <= np.partition(rise, wanted)[wanted]
        home = problem.home.copy()
        home[columns.home] = relaxation.upper[columns.block("h")] > 0
        return self._part(banded, home, rows)

    def _part(self, banded: Bools, home: Bools, rows: Sequence[LinearRow] = ()) -> Problem | None:
        """Return the problem of some option-bands and pairs in-house; None if a pair has nobody."""
        if not ways(self._problem, banded, home).all():
            return None
        problem = dataclasses.replace(self._problem, rows=(*self._problem.rows, *rows))
        return clean(restrict(problem, banded, home))[0]

    def _take_apart(self, search: Search) -> None:
        """Bound the services apart, and search from the solutions that they have."""
        ledger, relaxation = self._ledger, self._relaxation
        count = self._count
        if ledger.plan is None or relaxation.columns.sizes["x"] > BRANCHED * count:
            return
        behind = self._services is not None and self._services.bound < ledger.bound
        if behind and count == 1 and not self._tight:
            return  # the general solver does better
        ledger.tell("bounding services apart")
        if self._services is None:
            self._services = Services(relaxation, self._ascent.multipliers, self._options.seed,
                                      ledger.deadline, self._crew)  # fmt: skip
        services = self._services
        nodes = round(NODES * MORE ** min(self._trees, 12))
        self._trees += 1
        vector = self._formulation.encode(ledger.plan)
        if vector is not None:
            services.learn(vector)
        # With one service there is nothing to share out: other prices would only move its tree.
        vain = 0
        for _ in range(PRICES if count > 1 else 1):
            before = services.bound
            services.step(ledger.objective, nodes, ledger.over, move=count > 1)
            vain = 0 if services.bound > before else vain + 1
            if services.bound > before:
                self._cuts = [service.cut() for service in services.services]
                ledger.raise_bound(min(services.bound, ledger.cutoff()))
            if not math.isfinite(services.bound):
                break
            x, home = (services.solution[relaxation.columns.block(block)] for block in "xh")
            if search.start(likely(self._problem, x, home)):
                self._offer(search)
            left = services.promised - services.bound
            slow = left < PAYS * (ledger.objective - services.bound)
            if ledger.enough() or slow or vain >= VAIN:
                break
        if count > 1 and math.isfinite(services.bound) and not ledger.enough():
            self._combine(services)
        self._fixed = min(self._fixed, ledger.cutoff())
        self._narrow(services.narrow(self._fixed, ledger.over))

    def _combine(self, services: Services) -> None:
        """Have a general solver put a plan together from what the services' solutions use."""
        columns = self._relaxation.columns
        useful = services.promising(self._ledger.cutoff())
        home = self._problem.home.copy()
        home[columns.home] = useful[columns.block("h")]
        rest = self._part(useful[columns.block("x")], home)
        if rest is not None:
            _Proof(self._ledger, self._options, CORE_LOOKS, whole=False).run(rest)


class _Proof:
    """What is left, handed to a general solver."""

    def __init__(
        self, ledger: Ledger, options: Options, looks: int | None = None, *, whole: bool = True
    ) -> None:
        self._ledger, self._options, self._looks = ledger, options, looks
        self._whole = whole

    def run(self, problem: Problem) -> str:
        """Solve a problem; if it holds every plan wanted its answer counts for the whole."""
        ledger = self._ledger
        if ledger.over():
            return "limit"
        ledger.tell("proving" if self._whole else "searching a core")
        cutoff = ledger.cutoff()
        options = dataclasses.replace(self._options, start=ledger.plan or self._options.start)

        def hear(event: Event) -> None:
            if event.plan is not None:
                self._offer(problem, event.plan, event.objective)
            if event.bound is not None and self._whole:
                ledger.raise_bound(min(event.bound, cutoff))

        highs = Highs(cutoff=cutoff, looks=self._looks)
        outcome = ask(highs, problem, options, ledger.left(), hear)
        if outcome.plan is not None:
            self._offer(problem, outcome.plan, outcome.objective)
        if not self._whole:
            return outcome.reason
        ledger.message = outcome.message
        if outcome.reason == "infeasible":
            return self._refuted(cutoff - problem.slack)
        if outcome.bound is not None:
            ledger.raise_bound(min(outcome.bound, cutoff))
        return "finished" if ledger.done() else outcome.reason

    def apart(self, problem: Problem, groups: Ints) -> str:
        """Solve a problem that falls apart, group by group; its answer counts for the whole.

        Parameters
        ----------
        problem
            Holds every plan wanted.
        groups
            Which group each pair is in, shape (pairs,); nothing ties pairs of different ones.
        """
        ledger = self._ledger
        cutoff = ledger.cutoff()
        count = int(groups.max()) + 1
        total = float(problem.objective.constant) + (count - 1) * problem.slack
        options = dataclasses.replace(self._options, start=None)
        found, finished = [], True
        for group in range(count):
            if ledger.over():
                return "limit"
            ledger.tell(f"proving part {group + 1} of {count}")
            mask = groups == group
            part = extracted(problem, mask)
            outcome = ask(Highs(looks=self._looks), part, options, ledger.left())
            if outcome.reason == "infeasible":
                return self._refuted(cutoff - problem.slack)
            if outcome.plan is None or outcome.bound is None:
                ledger.message = outcome.message
                return outcome.reason
            finished &= outcome.reason == "finished"
            total += outcome.bound
            found.append((mask, placed(outcome.plan, mask)))
        self._offer(problem, combined(Plan.of(()), found), None)
        ledger.raise_bound(min(total, cutoff))
        return "finished" if finished or ledger.done() else "limit"

    def _refuted(self, bound: float) -> str:
        """Say what it means that there is no plan below a bound."""
        if self._ledger.plan is None:
            return "infeasible"
        self._ledger.raise_bound(bound)
        return "finished"

    def _offer(self, problem: Problem, plan: Plan, claimed: float | None) -> None:
        objective = problem.evaluate(plan)
        found = claimed if objective is None else float(objective)
        if found is not None:
            self._ledger.offer(plan, found)

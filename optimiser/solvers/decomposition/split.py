"""Split sourcing: whole pairs are searched, flows made cheapest, offers branched on.

The Lagrangian bound (`relaxation`) has continuous knapsacks here, so it is the linear relaxation's
(Geoffrion 1974); as in Görtz & Klose 2012 (INFORMS J. Comput. 24) it serves to choose, to fix and
to branch. Plans come from four places: the cheapest flow through the bands that the averaged
minimiser likes best, or through those of a plan (`milp.flows`); the search for plans of whole
pairs, which follows every rule; a general solver on the few bands that the averaged minimiser uses
(kernel search: Guastaroba & Speranza 2014, EJOR 238); leaves of the tree. What is left is closed by
branch and bound on offers where nothing but pairs ties providers together, and by a general solver
otherwise.

Bounds speak of the linear form of the objective; the true one, rounded delivery by delivery, may be
lower by `Problem.slack`, and so is what is told of them.
"""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import numpy as np

from optimiser.model.clean import clean, restrict, ways
from optimiser.model.plan import Plan
from optimiser.model.problem import Linear
from optimiser.solvers.decomposition.board import follows
from optimiser.solvers.decomposition.fixing import survivors
from optimiser.solvers.decomposition.general import ask
from optimiser.solvers.decomposition.prices import first_ascent, prices_of
from optimiser.solvers.decomposition.relaxation import (
    CHUNK,
    STEPS,
    WINDOW,
    Relaxation,
)
from optimiser.solvers.decomposition.searching import HEATS, Search, pulls
from optimiser.solvers.decomposition.tree import NONE, Decision, Tree
from optimiser.solvers.milp import flows
from optimiser.solvers.milp.formulation import Formulation
from optimiser.solvers.milp.highs import Highs

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from optimiser.model.problem import LinearRow, Problem
    from optimiser.solvers.base import Event, Options, Outcome, Prices
    from optimiser.solvers.decomposition.ledger import Ledger
    from optimiser.solvers.decomposition.tree import Node

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

#: Option-bands up to which a general solver does all the work at once; a tenth of it where flows
#: are not whole by themselves.
TINY: Final = 1_000
#: Steps before the first plan is made of the average.
BRIEF: Final = 50
#: Sets of open bands that are tried at once, and shares of the average below which none is open.
TRIES, HARDLY = 6, 0.02
#: Part of an offer's room in which offers are counted: steps of multipliers are all of one length.
COUNTED: Final = 40.0
#: Sets of open bands in a row that a local search may try without a better plan.
SWAPS: Final = 15
#: Shares of the averaged minimiser from which on a band is in the kernel, in turn; looks of the
#: general solver at the first kernel, and by what they grow.
SHARES: Final = (0.2, 0.05, 0.01)
LOOKS, GROW = 60, 2
#: Most option-bands of a kernel, and the part of the time left that it may take.
KERNEL, KERNELS = 6_000, 0.3
#: Rounds of search before a kernel and the proof.
SEEKING: Final = 8
#: Option-bands up to which a general solver is given what is left.
SMALL: Final = 20_000
#: Relative distance from a limit at which floats do not tell on which side of it a row is.
CLOSE: Final = 1e-9
#: Nodes of the tree after which a general solver takes over, if what is left is small enough.
PATIENT: Final = 60
#: Nodes of the tree between two looks at the best plan.
NODES: Final = 10


def work(
    ledger: Ledger, formulation: Formulation, options: Options, prove: Callable[[Problem], str]
) -> str:
    """Bound, search and prove; return the reason of `base.Outcome`.

    Parameters
    ----------
    ledger
        Told of plans and bounds.
    formulation
        Of a problem under split sourcing in which every pair has somebody to go to.
    options
        As `base.Solver.solve` takes them.
    prove
        Solves, by a general solver, a problem that holds every plan that is wanted.
    """
    easy = flows.are_whole(formulation.problem)
    if formulation.problem.size("banded") <= (TINY if easy else TINY // 10):
        return prove(formulation.problem)
    return _Split(ledger, formulation, options, prove).work()


def whole_pairs(problem: Problem) -> Problem:
    """Return the same problem under single sourcing, at costs rounded to whole numbers.

    Each of its plans is one under split sourcing, at a cost that differs by roundings only.
    """
    cost = problem.objective
    by_kind = dict(cost.by_kind)
    for one, other in (("part", "use"), ("home", "home_use")):
        size = problem.size(one)
        total = cost.get(one, size).astype(np.float64) + cost.get(other, size)
        by_kind[one] = np.rint(total).astype(np.int64)
        by_kind.pop(other, None)
    by_kind["banded"] = np.rint(cost.get("banded", problem.size("banded"))).astype(np.int64)
    return dataclasses.replace(
        problem, split=False, slack=0.0, objective=Linear(constant=cost.constant, by_kind=by_kind)
    )


class _Split:
    """One problem under split sourcing, from the first plan to the proof."""

    def __init__(
        self,
        ledger: Ledger,
        formulation: Formulation,
        options: Options,
        prove: Callable[[Problem], str],
    ) -> None:
        self._ledger, self._options, self._prove = ledger, options, prove
        self._whole, self._formulation = formulation.problem, formulation
        #: What is left of the problem, and its relaxation.
        self._problem = self._whole
        self._relax(options.prices)
        ledger.price = lambda: prices_of(self._relaxation, self._ascent.multipliers)
        self._matter = formulation.contracts_matter
        self._watched = formulation.watched[0]
        self._exact = flows.are_whole(self._whole)

    def _relax(self, known: Prices | None) -> None:
        formulation = Formulation(self._problem, relaxed=True, counting=True)
        self._relaxation = _scaled(Relaxation(formulation))
        self._ascent = first_ascent(self._relaxation, known)

    def work(self) -> str:
        """Search and bound in turn; then prove."""
        ledger = self._ledger
        if self._options.start is not None:
            self._offer(self._options.start)
        plain = self._plain()
        search = None if plain else self._search()
        self._ascend(BRIEF)
        self._round()
        self._ascend(STEPS)
        self._round()
        rounds, stale = 0, False
        while not ledger.enough():
            if search is not None:
                ledger.tell("searching")
                better = search.venture(self._ascent)
                heat = HEATS[rounds % len(HEATS)]
                if search.value == math.inf:  # where rules are tight, guidance may mislead
                    heat = HEATS[-1]
                    better = search.start(search.choices(Plan.of(())))
                better |= search.explore(search.usual, heat)
                if better:
                    self._offer(search.plan(), polish=True)
            if ledger.enough():
                break
            seeking = search is not None and (rounds + 1) % SEEKING > 0
            if not seeking and (not plain or self._left() <= SMALL):
                turn, before = rounds // SEEKING if search is not None else rounds, ledger.objective
                self._kernel(SHARES[min(turn, len(SHARES) - 1)], LOOKS * GROW ** min(turn, 12))
                stale = ledger.objective >= before
            if not seeking and self._fix():
                search = self._search() if search is not None else None
                self._ascend(STEPS)
                self._round()
                self._fix()
            rounds += 1
            if seeking or ledger.enough():
                continue
            if self._left() <= SMALL or self._plain() or stale:
                return self._close()
        return ledger.reason()

    def _search(self) -> Search | None:
        """Return a search for plans of whole pairs, and offer its first one."""
        ledger = self._ledger
        if not follows(self._problem) or ledger.over():
            return None
        ledger.tell("searching")
        twin = whole_pairs(self._problem)
        search = Search(twin, pulls(self._relaxation, self._ascent.multipliers), self._options.seed)
        for plan in (ledger.plan, Plan.of(())):
            if plan is not None and search.start(search.choices(plan)):
                self._offer(search.plan())
        return search

    def _offer(self, plan: Plan, *, polish: bool = False) -> bool:
        """Offer a plan if it keeps all rows; say whether it does. `polish`: at its best flows."""
        formulation = self._formulation
        vector = formulation.encode(plan)
        if vector is None or not self._keeps(vector):
            return False
        if polish and self._exact:
            # Whatever costs nothing extra may be used as well.
            vector[formulation.columns.block("w")][~self._matter] = 1
            vector[formulation.columns.block("u")][~self._watched] = 1
            flowing = flows.cheapest(formulation.columns, formulation.matrix.cost, vector)
            if flowing is not None:
                self._offer(formulation.decode(flowing))
        matrix = formulation.matrix
        self._ledger.offer(plan, float(matrix.cost @ vector) + matrix.offset)
        return True

    def _keeps(self, vector: Floats) -> bool:
        """Whether all rows hold; policies and side rows, which may be rounded there, exactly."""
        matrix, rows = self._formulation.matrix, self._whole.rows
        activity = matrix.a @ vector
        inside = (activity >= matrix.row_lower) & (activity <= matrix.row_upper)
        first = matrix.rows - len(rows)
        return bool(np.all(inside[:first])) and all(self._holds(row, vector) for row in rows)

    def _holds(self, row: LinearRow, vector: Floats) -> bool:
        """Whether a policy or side row holds: in floats, and in fractions where that is close."""
        found = []
        total = size = 0.0
        for term in row.terms:
            at, above, below = self._formulation.columns.expand(
                term.kind, term.index, term.coefficient
            )
            some = np.flatnonzero(vector[at])
            amount = vector[at[some]]
            values = amount * above[some] / below[some] * float(term.factor)
            total, size = total + float(values.sum()), size + float(np.abs(values).sum())
            found.append((term.factor, amount, above[some], below[some]))
        limits = [limit for limit in (row.lower, row.upper) if limit is not None]
        exact: Fraction | float = total
        if any(abs(total - float(limit)) <= CLOSE * max(size, 1e-300) for limit in limits):
            exact = sum(
                (
                    factor * Fraction(round(x) * a, b)
                    for factor, amount, above, below in found
                    for x, a, b in zip(amount.tolist(), above.tolist(), below.tolist(), strict=True)
                ),
                Fraction(0),
            )
        return (row.lower is None or exact >= row.lower) and (
            row.upper is None or exact <= row.upper
        )

    def _round(self) -> None:
        """Offer the cheapest flows through the bands that the averaged minimiser likes best."""
        problem, formulation = self._problem, self._relaxation.formulation
        if not self._exact or self._ledger.enough():
            return
        columns = formulation.columns
        z = self._ascent.average[columns.block("z")]
        order = np.lexsort((-z, problem.band_offer))
        first = np.flatnonzero(np.diff(problem.band_offer[order], prepend=-1))
        best = order[first]  # of each offer
        share = np.bincount(problem.band_offer, z, minlength=len(best))
        ranked = best[np.argsort(-share[problem.band_offer[best]], kind="stable")]
        shares = share[problem.band_offer[ranked]]
        least = int(np.count_nonzero(shares > 0.5))
        if not problem.home.any():
            total = np.cumsum(np.minimum(problem.band_most[ranked], problem.pair_volume.sum()))
            enough = int(np.searchsorted(total, problem.pair_volume.sum())) + 1
            least = max(least, enough)
        ranked = ranked[: max(least, int(np.count_nonzero(shares >= HARDLY)))]
        sizes = np.unique(np.linspace(least, len(ranked), TRIES).astype(np.int64))
        for count in np.unique([*range(least, least + TRIES // 2), *sizes.tolist()]).tolist():
            if count <= len(ranked) and not self._ledger.enough():
                self._flow(ranked[:count])
        if self._plain():
            self._swap(ranked)

    def _flow(self, bands: Ints) -> None:
        """Offer the cheapest flows through these bands, at most one of each offer."""
        problem, formulation = self._problem, self._relaxation.formulation
        columns = formulation.columns
        # Contracts enter the price of a unit as if whole pairs were delivered under each alone.
        cost = formulation.matrix.cost
        contract = problem.objective.get("contract", problem.size("contract"))
        if contract.any():
            cost = cost.copy()
            each = contract[problem.option_contract] / problem.option_volume
            cost[columns.block("x")] += each[problem.banded_option]
        vector = np.zeros(columns.count)
        for block in ("u", "v", "w"):
            vector[columns.block(block)] = 1
        vector[columns.at("z", bands)] = 1
        found = flows.cheapest(columns, cost, vector)
        if found is not None:
            self._offer(formulation.decode(found), polish=bool(contract.any()))

    def _swap(self, ranked: Ints) -> None:
        """Close, open and exchange bands of the best plan while that makes it better."""
        ledger, formulation = self._ledger, self._relaxation.formulation
        volume, most = int(self._problem.pair_volume.sum()), self._problem.band_most
        tries = 0
        seen: set[tuple[int, ...]] = set()
        while tries < SWAPS and ledger.plan is not None and not ledger.enough():
            before = ledger.objective
            vector = formulation.encode(ledger.plan)
            if vector is None:
                return
            now = np.flatnonzero(vector[formulation.columns.block("z")] > 0.5).tolist()
            outside = [band for band in ranked.tolist() if band not in now]
            rank = {band: at for at, band in enumerate(ranked.tolist())}
            inside = sorted(now, key=lambda band: -rank.get(band, len(rank)))
            moves = [(out, into) for into in (None, *outside) for out in (None, *inside)]
            for out, into in moves[1:]:
                bands = {*now, into} - {out, None}
                key = tuple(sorted(band for band in bands if band is not None))
                total = sum(min(int(most[band]), volume) for band in key)
                offers = {int(self._problem.band_offer[band]) for band in key}
                if key in seen or len(offers) < len(key):
                    continue
                if total < volume and not self._problem.home.any():
                    continue
                seen.add(key)
                self._flow(np.array(key, dtype=np.int64))
                tries = 0 if ledger.objective < before else tries + 1
                if not 0 < tries < SWAPS or ledger.enough():
                    break
            if ledger.objective >= before:
                return

    def _ascend(self, steps: int) -> None:
        """Raise the bound until that gets slow."""
        ledger, ascent = self._ledger, self._ascent
        ledger.tell("bounding")
        while steps > 0:
            target = ascent.aim(ledger.objective)
            more = ascent.window(ledger.objective, ledger.over)
            self._raise(ascent.safe_bound + self._whole.slack)
            # A target that was only guessed and is reached took fewer steps.
            steps -= WINDOW if ascent.bound < target else CHUNK
            if ledger.enough() or not more:
                return

    def _raise(self, bound: float) -> None:
        """Tell a bound on the linear form over all plans better than the cutoff."""
        self._ledger.raise_bound(min(bound, self._ledger.cutoff()) - self._whole.slack)

    def _left(self) -> int:
        """Return how many option-bands are left."""
        return self._problem.size("banded")

    def _plain(self) -> bool:
        """Whether nothing but pairs ties providers together."""
        relaxation = self._relaxation
        pairs = len(relaxation.pair_rows)
        counts = int(np.count_nonzero(_counts(relaxation)))
        return pairs == self._problem.pairs and len(relaxation.rows) == pairs + counts

    def _fix(self) -> bool:
        """Drop what no plan that is wanted can use; say whether much has gone."""
        ledger, relaxation = self._ledger, self._relaxation
        cutoff = ledger.cutoff()
        if not math.isfinite(cutoff):
            return False
        columns = relaxation.columns
        useful = survivors(relaxation, self._ascent.multipliers, cutoff)
        banded, home = useful[columns.block("x")], self._problem.home.copy()
        home[columns.home] = useful[columns.block("h")]
        if np.count_nonzero(banded) > 0.9 * len(banded):
            return False
        if not ways(self._problem, banded, home).all():
            return False  # nothing better is left; the ascent will say so
        self._problem = clean(restrict(self._problem, banded, home))[0]
        self._relax(prices_of(relaxation, self._ascent.multipliers))
        return True

    def _general(
        self,
        problem: Problem,
        looks: int | None,
        hear: Callable[[Event], None],
        *,
        relaxed: bool,
        part: float = 1.0,
    ) -> Outcome:
        """Let a general solver look for plans better than the best, for a part of the time left."""
        ledger = self._ledger
        options = dataclasses.replace(self._options, start=ledger.plan)
        highs = Highs(cutoff=ledger.cutoff(), looks=looks, relaxed=relaxed)
        broken: list[Plan] = []

        def listen(event: Event) -> None:
            if event.plan is not None and not self._offer(event.plan):
                broken[:] = [event.plan]
            hear(event)

        outcome = ask(highs, problem, options, part * ledger.left(), listen)
        if outcome.plan is not None and not self._offer(outcome.plan):
            broken[:] = [outcome.plan]
        if broken and relaxed and not self._exact and not ledger.over():
            self._mend(problem, broken[0])
        return outcome

    def _mend(self, problem: Problem, plan: Plan) -> None:
        """Solve anew, in whole flows, what a plan uses whose rounded flows break a rule."""
        option = problem.option_of(plan.pair, plan.deliverer)
        used = np.zeros(problem.options, dtype=bool)
        used[option[option >= 0]] = True
        home = np.zeros(problem.pairs, dtype=bool)
        home[plan.pair[option < 0]] = True
        small = restrict(problem, used[problem.banded_option], home & problem.home)
        self._general(clean(small)[0], LOOKS, _deaf, relaxed=False)

    def _kernel(self, share: float, looks: int) -> None:
        """Solve what the averaged minimiser and the best plan use, for plans only."""
        ledger, problem = self._ledger, self._problem
        ledger.tell("kernel")
        z = self._ascent.average[self._relaxation.columns.block("z")]
        bands, vector = z >= share, None
        if ledger.plan is not None:
            vector = self._relaxation.formulation.encode(ledger.plan)
            if vector is not None:
                bands |= vector[self._relaxation.columns.block("z")] > 0.5
        banded = bands[problem.banded_band]
        if np.count_nonzero(banded) > KERNEL:
            # Of those bands what the average delivers, and the best plan.
            flow = self._ascent.average[self._relaxation.columns.block("x")]
            part = flow / np.maximum(problem.option_volume[problem.banded_option], 1)
            if vector is not None:
                part[vector[self._relaxation.columns.block("x")] > 0] = 1.0
            part[~banded] = 0.0
            banded = np.zeros(len(part), dtype=bool)
            banded[np.argsort(-part, kind="stable")[:KERNEL]] = True
            banded &= part > 0
        if not ways(problem, banded, problem.home).all() or ledger.over():
            return
        small = clean(restrict(problem, banded, problem.home))[0]
        self._general(small, looks, _deaf, relaxed=True, part=KERNELS)

    def _close(self) -> str:
        """Prove what is left."""
        ledger = self._ledger
        if self._plain():
            reason = self._branch()
            if reason is not None:
                return reason
        if not self._exact and not ledger.over():
            # A bound without whole flows first: it is got far faster, and may be enough.
            ledger.tell("proving")

            def hear(event: Event) -> None:
                if event.bound is not None:
                    self._raise(event.bound + self._problem.slack)

            outcome = self._general(self._problem, None, hear, relaxed=True)
            if outcome.reason == "infeasible":
                self._raise(math.inf)
            elif outcome.bound is not None:
                self._raise(outcome.bound + self._problem.slack)
            if ledger.plan is not None and (ledger.done() or ledger.over()):
                return ledger.reason()
        return self._prove(self._problem)

    def _branch(self) -> str | None:
        """Branch on offers; return the reason of the end, or None if that did not come to one."""
        ledger, relaxation = self._ledger, self._relaxation
        ledger.tell("branching")
        tree = _Offers(
            relaxation.blocks, relaxation.lower, relaxation.upper, self._ascent.multipliers.copy(),
            np.full(relaxation.columns.count, -1, dtype=np.int64), self._finish,
        )  # fmt: skip
        while not ledger.enough():
            target = self._ascent.aim(ledger.cutoff())
            closed = tree.run(target - relaxation.offset, NODES, ledger.over)
            self._raise(tree.bound + relaxation.offset)
            if tree.leaf is not None or (tree.nodes > PATIENT and self._left() <= SMALL):
                return None
            if closed and math.isfinite(ledger.cutoff()) and target <= ledger.cutoff():
                self._raise(ledger.cutoff())
                return "finished"
        return ledger.reason()

    def _finish(self, node: Node, target: float) -> float | None:
        """Return what the cheapest flow costs where all is decided, and offer it."""
        problem, relaxation = self._problem, self._relaxation
        columns, cost = relaxation.columns, relaxation.formulation.matrix.cost
        bands = np.flatnonzero(node.lower[columns.block("z")] > 0)
        banded = np.flatnonzero(
            (node.upper[columns.block("x")] > 0)
            & (node.lower[columns.block("z")][problem.banded_band] > 0)
        )
        home = np.arange(len(columns.home))
        found = flows.cheapest_flow(
            problem, cost[columns.at("x", banded)], banded, bands, cost[columns.at("h", home)],
            columns.home,
        )  # fmt: skip
        if found is None:
            return target
        vector = np.zeros(columns.count)
        vector[columns.at("x", banded)] = found[: len(banded)]
        vector[columns.at("h", home)] = found[len(banded) :]
        vector[columns.at("z", bands)] = 1
        vector[columns.at("y", np.unique(problem.offer_provider[problem.band_offer[bands]]))] = 1
        self._offer(relaxation.formulation.decode(vector))
        return min(float(cost @ vector), target)


class _Offers(Tree):
    """A tree that decides every offer and band before it is at its end."""

    def _decisions(self, node: Node) -> list[Decision]:
        found = super()._decisions(node)
        if found:
            return found
        m = self.blocks
        z0, bands = int(m.first[1]), len(m.lo)
        z = node.average[z0 : z0 + bands]
        can, must = node.work[z0 : z0 + bands] > 0, node.lower[z0 : z0 + bands] > 0
        for j in range(len(m.band_start) - 1):
            here = np.arange(m.band_start[j], m.band_start[j + 1])
            here = here[can[here]]
            share = float(z[here].sum())
            if len(here) and not must[here].any():
                found.append(Decision(share, (j, -1), ((NONE, here + z0), (here + z0, NONE))))
            elif len(here) > 1:
                most = int(here[int(np.argmax(z[here]))])
                sides = ((NONE, here[here != most] + z0), (NONE, np.array([most + z0])))
                found.append(Decision(share, (j, most), sides))
        return sorted(found, reverse=True)[:1]


def _counts(relaxation: Relaxation) -> Bools:
    """Return which priced rows count offers, shape (rows,)."""
    rows = np.zeros(relaxation.formulation.matrix.rows, dtype=bool)
    for what, start, stop in relaxation.formulation.blocks:
        rows[start:stop] = what == "count"
    return rows[relaxation.rows]


def _scaled(relaxation: Relaxation) -> Relaxation:
    """Hold rows that count offers in units of volume, so that steps suit them, too."""
    counts, problem, m = _counts(relaxation), relaxation.problem, relaxation.blocks
    if not counts.any():
        return relaxation
    room = np.minimum(problem.band_most, int(problem.pair_volume.sum())).astype(np.float64)
    factor = np.where(counts, max(float(room.mean()) / COUNTED, 1.0), 1.0)
    row = np.repeat(np.arange(len(m.low)), np.diff(m.row_start))
    relaxation.blocks = m._replace(
        row_value=m.row_value * factor[row],
        column_value=m.column_value * factor[m.column_row],
        low=m.low * factor,
        high=m.high * factor,
    )
    relaxation.scale = relaxation.scale / factor
    return relaxation


def _deaf(_: Event) -> None:
    """Take no notice."""

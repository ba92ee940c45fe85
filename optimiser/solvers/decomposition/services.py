"""Services apart: at given prices of all that ties them together, each is a problem of its own.

What ties them are contracts, providers' running costs, oversight, policies and links. The
relaxation's multipliers price all of that but the running costs, which are split over a provider's
offers here. Each service is then a single-source location problem with bands, small enough for
branch and bound, and the sum of their optima is a bound on the whole (Lagrangian decomposition:
Guignard & Kim 1987, Math. Prog. 39). Where prices go next is the `master`'s to say.
"""

from __future__ import annotations

import dataclasses
import math
import time
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from optimiser.model.clean import clean, restrict, ways
from optimiser.model.problem import Linear, LinearRow, Term
from optimiser.solvers.base import Options
from optimiser.solvers.decomposition import blocks as kernels
from optimiser.solvers.decomposition.blocks import Blocks
from optimiser.solvers.decomposition.crew import Crew, Job
from optimiser.solvers.decomposition.general import ask
from optimiser.solvers.decomposition.master import Master
from optimiser.solvers.decomposition.ranges import grouped, starts
from optimiser.solvers.decomposition.relaxation import covers
from optimiser.solvers.decomposition.searching import Search, likely, pull
from optimiser.solvers.decomposition.tree import Tree
from optimiser.solvers.milp.columns import Columns
from optimiser.solvers.milp.highs import Highs
from optimiser.solvers.milp.plans import encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from optimiser.model.plan import Plan
    from optimiser.model.problem import Problem
    from optimiser.solvers.decomposition.relaxation import Relaxation
    from optimiser.solvers.decomposition.tree import Node

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

#: Iterations of search for each service, at first and when prices have changed.
SEARCH, AGAIN = 3_000, 300
#: Factors of the temperature that rounds of search take in turn; few pairs hang on large offers.
HEATS: Final = (0.3, 1.0, 3.0, 10.0)
#: Nodes of a tree between two looks for a better solution.
CHUNK: Final = 60
#: Decisions on pairs before a general solver is asked to close a node, where it may have to do so
#: again, and looks at the clock (see `Highs`) that it has for it.
PAIRS, FINISH = 3, 100
#: Share of the columns that may be left for that.
PART: Final = 0.5
#: Costs nearer than this to whole ones are whole.
WHOLE: Final = 1e-6
#: Relative room between a service's best solution and its bound.
CLOSE: Final = 1e-6
#: Part of the way from the root's bound to the best solution that a tree looks at first, as a root
#: of it, and what it grows by.
HOPE: Final = 4.0
#: Relative error of long sums of floats.
ROOM: Final = 1e-11


class Service:
    """One service: its columns within the whole, its tree, and solutions found for it."""

    def __init__(
        self, relaxation: Relaxation, service: int, start: Floats, seed: int, deadline: float
    ) -> None:
        problem, columns = relaxation.problem, relaxation.columns
        self._service, self._start = service, columns.start
        self.offers = np.flatnonzero(problem.offer_service == service)
        bands = np.flatnonzero(problem.offer_service[problem.band_offer] == service)
        self.pairs = np.flatnonzero(problem.pair_service == service)
        options = np.flatnonzero(problem.pair_service[problem.option_pair] == service)
        in_option = np.zeros(problem.options, dtype=bool)
        in_option[options] = True
        x = np.flatnonzero(in_option[problem.banded_option])
        home = np.flatnonzero(problem.pair_service[columns.home] == service)
        self._sizes = (len(x), len(bands), len(self.offers), len(home))
        #: Columns of the whole that are the service's own: option-bands, bands, in-house.
        self.columns = np.concatenate(
            [columns.at("x", x), columns.at("z", bands), columns.at("h", home)]
        )
        count = sum(self._sizes)
        self.own = np.ones(count, dtype=bool)
        self.own[len(x) + len(bands) : len(x) + len(bands) + len(self.offers)] = False
        self._problem = _extract(problem, self.pairs, options, x, self.offers, bands)
        lower, upper = np.zeros(count), np.ones(count)
        lower[self.own] = relaxation.lower[self.columns]
        upper[self.own] = relaxation.upper[self.columns]
        blocks = _blocks(relaxation, self._problem, self._sizes, x, bands)
        choice = np.full(count, -1, dtype=np.int64)
        choice[: len(x)] = self._problem.banded_option
        self.deadline, self._looks = deadline, 0
        # Where other prices follow, what a general solver has closed would be to do again.
        again = len(np.unique(problem.pair_service)) > 1
        self.tree = Tree(blocks, lower, upper, start, choice, self._finish, PAIRS if again else 0)
        self._seed = seed
        self._heat = HEATS[0]
        self._hoped = 1.0 / HOPE**2
        #: Bound at the present prices.
        self._least = -math.inf
        self.pool: list[Floats] = []
        self._seen: set[bytes] = set()

    def costs(self, reduced: Floats, share: Floats) -> Floats:
        """Return costs of the own columns from those of columns of the whole and of offers."""
        cost = np.empty(len(self.own))
        cost[self.own] = reduced[self.columns]
        cost[~self.own] = share[self.offers]
        return cost

    def reprice(self, cost: Floats, iterations: int) -> None:
        """Take new costs, shape (own columns,), and search."""
        self.tree.reprice(cost)
        self._least = -math.inf
        self._prepare(cost)
        self._look(self.best(cost)[1] if self.pool else np.zeros(len(cost)), iterations)

    def _prepare(self, cost: Floats) -> None:
        """Make the search at these costs."""
        nx, nz, _, _ = self._sizes
        priced = _priced(self._problem, self._costs(np.rint(cost)))
        self._columns = Columns(priced)  # bands in force are the cheapest at these costs
        self._search = Search(priced, pull(priced, cost[:nx], cost[nx : nx + nz]), self._seed)

    def _finish(self, node: Node, target: float) -> float | None:
        """Let a general solver bound what is left at a node; learn what it finds on the way."""
        alive = np.count_nonzero(node.work)
        if self._looks <= 0 or alive > PART * np.count_nonzero(node.upper):
            return None
        nx, nz, _, nh = self._sizes
        band = node.work[nx : nx + nz] > 0
        banded = (node.work[:nx] > 0) & band[self._problem.banded_band]
        home = np.zeros(self._problem.pairs, dtype=bool)
        home[self._problem.home] = node.work[len(node.work) - nh :] > 0
        if not ways(self._problem, banded, home).all():
            return target
        fine, exact = self._exactly()
        problem, _ = clean(restrict(exact, banded, home))
        # Forced offers need not be used there, which can only lower the bound.
        highs = Highs(cutoff=target * fine, looks=min(FINISH, self._looks))
        options, left = Options(gap=0.0, seed=self._seed), self.deadline - time.monotonic()
        outcome = ask(highs, problem, options, left)
        # A vain try is charged in full, since others are likely to be as vain.
        self._looks -= highs.looked if outcome.reason in {"finished", "infeasible"} else FINISH
        if outcome.plan is not None:
            own = self._own(outcome.plan)
            if own is not None:
                self.learn(own)
        if outcome.reason == "infeasible":
            return target
        if outcome.reason != "finished" or outcome.bound is None:
            return None
        return min(outcome.bound / fine, target)

    def _exactly(self) -> tuple[float, Problem]:
        """Return what costs are multiplied with to be whole, and the problem at costs so rounded.

        They are rounded down, so that its bounds hold; by less than a thousandth of a place unless
        the sums get too large for that.
        """
        cost = self.tree.blocks.cost
        fine = 1.0
        if np.abs(cost - np.rint(cost)).max(initial=0.0) > WHOLE:
            fine = 1024.0 if float(np.abs(cost).sum()) < 1e11 else 1.0
        return fine, _priced(self._problem, self._costs(np.floor(cost * fine + WHOLE)))

    def _costs(self, cost: Floats) -> dict[str, Ints]:
        """Return whole costs of the columns, shape (own columns,), by kind of atom."""
        nx, nz, ny, _ = self._sizes
        whole = cost.astype(np.int64)
        home = np.zeros(self._problem.pairs, dtype=np.int64)
        home[self._problem.home] = whole[nx + nz + ny :]
        return {"banded": whole[:nx], "band": whole[nx : nx + nz],
                "provider": whole[nx + nz : nx + nz + ny], "home": home}  # fmt: skip

    def _look(self, vector: Floats, iterations: int) -> None:
        """Search from the choices that a vector, shape (own columns,), makes for the most part."""
        nx, _, _, nh = self._sizes
        self._search.start(likely(self._problem, vector[:nx], vector[len(vector) - nh :]))
        self._heat = HEATS[(HEATS.index(self._heat) + 1) % len(HEATS)]
        self._search.explore(iterations, self._heat)
        if math.isfinite(self._search.value):
            own = self._own(self._search.plan())
            assert own is not None
            self.learn(own)

    def _own(self, plan: Plan) -> Floats | None:
        """Return a plan of the service's own problem as a vector, shape (own columns,), or None."""
        x = encode(self._columns, plan)
        if x is None:
            return None
        return np.concatenate([x[self._columns.block(block)] for block in ("x", "z", "y", "h")])

    def learn(self, vector: Floats) -> None:
        """Keep a solution, shape (own columns,)."""
        key = np.flatnonzero(vector).tobytes()
        if key not in self._seen:
            self._seen.add(key)
            self.pool.append(vector)

    def learn_plan(self, encoded: Floats) -> None:
        """Keep a plan's part, given as a vector of the whole, shape (columns of the whole,)."""
        vector = np.zeros(len(self.own))
        vector[self.own] = encoded[self.columns]
        nx, nz, _, _ = self._sizes
        bands = vector[nx : nx + nz]
        first = self.tree.blocks.band_start
        some = np.diff(first) > 0
        used = np.zeros(len(self.offers))
        used[some] = np.add.reduceat(bands, first[:-1][some])
        vector[~self.own] = used
        self.learn(vector)

    def best(self, cost: Floats) -> tuple[float, Floats]:
        """Return the least cost of the solutions kept, and the solution."""
        values = [float(cost @ vector) for vector in self.pool]
        at = int(np.argmin(values))
        return values[at], self.pool[at]

    def cheaper(self, value: float) -> list[Floats]:
        """Return the solutions kept that cost less than `value` at the present costs."""
        cost = self.tree.blocks.cost
        return [vector for vector in self.pool if cost @ vector < value]

    def narrow(self, value: float, stop: Callable[[], bool]) -> Bools:
        """Drop what no solution that costs less than `value` at the present costs can use.

        Returns
        -------
        NDArray
            Whether one can use a column, shape (own columns,).
        """
        useful = self.tree.narrow(value, stop)
        # What providers cost is in the bands, as far as columns are dropped.
        useful[~self.own] = True
        self.pool = [v for v in self.pool if not np.any(v[~useful])] or self.pool
        return useful

    def bound(self, nodes: int, stop: Callable[[], bool]) -> float:
        """Return a lower bound, the best solution's cost where the tree was closed.

        Parameters
        ----------
        nodes
            Most nodes of the tree, in all, and looks of the general solver that closes some.
        stop
            Asked now and then.
        """
        self._least = max(self._bound(nodes, stop), self._least)
        return self._least

    def _bound(self, nodes: int, stop: Callable[[], bool]) -> float:
        cost = self.tree.blocks.cost
        until = self.tree.nodes + nodes
        self._looks = nodes // 2
        if not self.tree.nodes:
            self.tree.run(self.best(cost)[0], 1, stop)
        while True:
            value, _ = self.best(cost)
            whole = value - CLOSE * abs(value)
            target = min(whole, self._aim(value))
            closed = self.tree.run(target, CHUNK, stop)
            if closed and target < whole:
                self._hoped *= HOPE
                self.tree.reopen()  # what a lower target has closed
                if self.tree.nodes < until and not stop():
                    continue
                return target
            if closed or self.tree.nodes >= until or stop():
                return min(self.tree.bound, value)
            leaf = self.tree.leaf
            self._look(self.tree.plunge(target) if leaf is None else leaf.average, AGAIN)

    def _aim(self, value: float) -> float:
        """Return what the tree is to look for: less than the best solution where that may be poor.

        Nodes that only a poor solution leaves open are many, so that the tree looks for a far
        better one first, and if there is none for one that is not quite as good.
        """
        root = self.tree.root_bound
        if not len(self.tree.blocks.need) or not math.isfinite(root) or value <= root:
            return value
        return root + (value - root) * min(self._hoped, 1.0)

    def cut(self) -> LinearRow:
        """Return the row that the service's part costs at least its bound, at its present prices.

        Coefficients are rounded up and the bound down, so that it holds for every plan that the
        relaxation's bounds of columns leave in.
        """
        nx, nz, ny, _ = self._sizes
        cost = self.tree.blocks.cost.copy()
        value, _ = self.best(cost)
        first = self.tree.blocks.band_start
        owner = np.repeat(np.arange(ny), np.diff(first))
        bands = cost[nx : nx + nz] + cost[nx + nz : nx + nz + ny][owner]
        start = self._start
        terms = tuple(
            Term(kind=kind, index=index, coefficient=np.ceil(values).astype(np.int64))
            for kind, index, values in (
                ("banded", self.columns[:nx] - start["x"], cost[:nx]),
                ("band", self.columns[nx : nx + nz] - start["z"], bands),
                ("home", self.pairs[self._problem.home], cost[nx + nz + ny :]),
            )
            if len(index)
        )
        least = min(self._least, value)
        least = math.floor(least - 1e-9 * abs(least) - 1)
        return LinearRow(name=f"service_{self._service}", terms=terms, lower=Fraction(least))


class Services:
    """All services at common prices, and the way to better prices.

    Parameters
    ----------
    relaxation
        The whole; its bounds of columns count.
    multipliers
        Of its priced rows: where prices and services start, shape (rows,).
    seed
        Of the random numbers.
    deadline
        Time of `time.monotonic` at which to stop.
    crew
        Who bounds them; None for this process.

    Attributes
    ----------
    bound
        Best bound so far, offset included, in last places of money.
    promised
        What the master promised of the last prices; infinite before it has said anything.
    solution
        The services' best solutions at the last prices, shape (columns of the whole,); 0 in
        columns that are no service's.
    """

    def __init__(
        self, relaxation: Relaxation, multipliers: Floats, seed: int, deadline: float = math.inf,
        crew: Crew | None = None,
    ) -> None:
        self._relaxation, self._crew = relaxation, crew or Crew()
        self._deadline = deadline
        m, problem = relaxation.blocks, relaxation.problem
        reduced, x = np.empty(relaxation.columns.count), np.empty(relaxation.columns.count)
        values = np.empty(len(m.lo))
        kernels.evaluate(m, relaxation.lower, relaxation.upper, multipliers, reduced, x, values)
        self._provider = np.empty(len(m.band_start) - 1, dtype=np.int64)
        self._provider[m.offer] = np.repeat(np.arange(len(m.least)), np.diff(m.offer_start))
        self._share = self._first_share(reduced, values)
        self._prices = multipliers.copy()
        self._prices[relaxation.pair_rows] = 0.0
        pair = multipliers[relaxation.pair_rows] / relaxation.scale[relaxation.pair_rows]
        self.services = [
            Service(relaxation, s, pair[problem.pair_service == s], seed, deadline)
            for s in np.unique(problem.pair_service).tolist()
        ]
        apart = np.ones(relaxation.columns.count, dtype=bool)
        for service in self.services:
            apart[service.columns] = False
        for block in "yw":
            apart[relaxation.columns.block(block)] = False
        self._ties = np.flatnonzero(apart)
        self._master = Master(relaxation, self.services, self._provider, self._ties)
        #: The prices that the trees are at.
        self._at: Floats | None = None
        #: The bound there, and what each service has to do with it.
        self._value, self._bounds = -math.inf, [-math.inf] * len(self.services)
        self.bound, self.promised = -math.inf, math.inf
        self.solution = np.zeros(relaxation.columns.count)

    def _first_share(self, reduced: Floats, values: Floats) -> Floats:
        """Split running costs over offers in proportion to what these gain, shape (offers,)."""
        m = self._relaxation.blocks
        running = self._running(reduced)
        offers = len(self._provider)
        gain = np.zeros(offers)
        some = np.diff(m.band_start) > 0
        gain[some] = np.maximum(-np.minimum.reduceat(values, m.band_start[:-1][some]), 0.0)
        total = np.bincount(self._provider, gain, minlength=len(running))[self._provider]
        count = np.bincount(self._provider, minlength=len(running))[self._provider]
        part = np.where(total > 0, gain / np.maximum(total, 1e-300), 1.0 / np.maximum(count, 1))
        return part * np.maximum(running, 0.0)[self._provider]

    def _running(self, reduced: Floats) -> Floats:
        """Return what opening each provider costs, contracts included, shape (providers,)."""
        m, relaxation = self._relaxation.blocks, self._relaxation
        chosen = np.zeros(relaxation.columns.count)
        y0, w0 = int(m.first[2]), int(m.first[3])
        result, notes = np.empty(len(m.least)), kernels.scratch(m)
        for p in range(len(m.least)):
            result[p] = reduced[y0 + p] + kernels.members(
                m, relaxation.upper, reduced, chosen, p, w0, *notes
            )
        return result

    def learn(self, encoded: Floats) -> None:
        """Keep the parts of a plan of the whole, shape (columns,)."""
        for service in self.services:
            service.learn_plan(encoded)

    def step(
        self, target: float, nodes: int, stop: Callable[[], bool], *, move: bool = True
    ) -> None:
        """Bound all services at the next prices.

        Parameters
        ----------
        target
            An upper bound on the optimum, in last places of money.
        nodes
            Most nodes of each service's tree.
        stop
            Asked now and then.
        move
            Whether prices change; if not, the trees go on.
        """
        first = self._at is None
        prices, share = self._prices, self._share
        if move and not first:
            left = max(self._deadline - time.monotonic(), 0.0)
            found = self._master.next(prices, share, target, left)
            if found is not None:
                prices, share, self.promised = found
        before = self.bound
        value, solution = self._evaluate(prices, share, nodes, stop, first=first)
        self.solution = solution
        if move and not first:
            self._master.tell(before, self.promised, value)
        if value > before:
            self.bound, self._prices, self._share = value, prices, share

    def narrow(self, cutoff: float, stop: Callable[[], bool] = lambda: False) -> Bools:
        """Drop what no plan better than `cutoff` can use, in last places of money.

        A service cannot cost more than its bound and what is left between the bound on the whole
        and the cutoff, as the other services cost at least their bounds.

        Returns
        -------
        NDArray
            Whether such a plan can use a column, shape (columns of the whole,).
        """
        useful = np.ones(self._relaxation.columns.count, dtype=bool)
        room = cutoff - self._value
        if not math.isfinite(room):
            return useful
        room += ROOM * abs(cutoff) + 1.0
        for service, bound in zip(self.services, self._bounds, strict=True):
            useful[service.columns] = service.narrow(bound + room, stop)[service.own]
        return useful

    def promising(self, cutoff: float) -> Bools:
        """Return which columns the services' solutions use that may be part of a better plan.

        Parameters
        ----------
        cutoff
            Objective, in last places of money; plans from here on are not wanted.

        Returns
        -------
        NDArray
            Shape (columns of the whole,), False where columns are no service's.
        """
        used = np.zeros(self._relaxation.columns.count, dtype=bool)
        for service, bound in zip(self.services, self._bounds, strict=True):
            for vector in service.cheaper(bound + cutoff - self._value):
                used[service.columns] |= vector[service.own] > 0
        return used

    def _evaluate(
        self, prices: Floats, share: Floats, nodes: int, stop: Callable[[], bool], *, first: bool
    ) -> tuple[float, Floats]:
        """Return the bound at some prices, and the services' best solutions there."""
        same = prices is self._at
        self._at = prices
        relaxation, m = self._relaxation, self._relaxation.blocks
        reduced = np.empty(relaxation.columns.count)
        kernels.reduce_costs(m, prices, reduced)
        running = self._running(reduced)
        y0 = int(m.first[2])
        given = np.bincount(self._provider, share, minlength=len(running))
        must = relaxation.lower[y0 : y0 + len(running)] > 0
        opened = must | (running - given < 0)
        value = float(np.sum((running - given)[opened])) + relaxation.offset
        some = prices != 0
        limit = np.where(prices > 0, m.low, m.high)
        value += float(np.sum(prices[some] * limit[some]))
        ties = self._ties
        chosen = np.where(reduced[ties] < 0, relaxation.upper[ties], relaxation.lower[ties])
        value += float(np.sum(reduced[ties] * chosen))
        x = np.zeros(relaxation.columns.count)
        jobs = [
            Job(cost=None if same else service.costs(reduced, share),
                iterations=SEARCH if first else AGAIN, nodes=nodes)
            for service in self.services
        ]  # fmt: skip
        bounds = self._crew.bound(self.services, jobs, stop)
        if bounds is None:
            self._value = -math.inf
            return self._value, x
        self._bounds, self._value = bounds, value + sum(bounds)
        for service in self.services:
            vector = service.best(service.tree.blocks.cost)[1]
            x[service.columns] = vector[service.own]
        return self._value, x


def _blocks(
    relaxation: Relaxation, problem: Problem, sizes: tuple[int, int, int, int], x: Ints, bands: Ints
) -> Blocks:
    """Return the blocks of one extracted service: offers are providers, only pairs are priced."""
    m = relaxation.blocks
    nx, nz, ny, nh = sizes
    count = nx + nz + ny + nh
    row = np.concatenate([problem.option_pair[problem.banded_option], np.flatnonzero(problem.home)])
    column = np.concatenate([np.arange(nx), nx + nz + ny + np.arange(nh)])
    row_start, order = grouped(row, problem.pairs)
    item_start, item = grouped(problem.banded_band, nz)
    has = np.zeros(count, dtype=np.int64)
    has[column] = 1
    column_start = np.concatenate([[0], np.cumsum(has)]).astype(np.int64)
    whole = problem.pair_volume.astype(float) if problem.split else np.ones(problem.pairs)
    none = np.zeros(ny, dtype=np.int64)
    cover, cover_start, cover_provider, need = covers(problem, np.arange(ny), ny)
    return Blocks(
        cost=np.zeros(count),
        row_start=row_start,
        row_column=column[order].astype(np.int64),
        row_value=np.ones(len(column)),
        low=whole,
        high=whole.copy(),
        column_start=column_start,
        column_row=row.astype(np.int64),
        column_value=np.ones(len(column)),
        first=np.array([0, nx, nx + nz, count], dtype=np.int64),
        item_start=item_start,
        item=item,
        weight=m.weight[x],
        most=m.most[x],
        lo=m.lo[bands],
        hi=m.hi[bands],
        offer_start=np.arange(ny + 1),
        offer=np.arange(ny),
        band_start=starts(problem.band_offer, ny),
        contract_start=np.zeros(ny + 1, dtype=np.int64),
        contract=np.zeros(0, dtype=np.int64),
        least=none,
        members=none,
        outside=nx + nz + ny + np.arange(nh),
        cover=cover,
        cover_start=cover_start,
        cover_provider=cover_provider,
        need=need,
        exact=m.exact,
    )


def _extract(
    problem: Problem, pairs: Ints, options: Ints, x: Ints, offers: Ints, bands: Ints
) -> Problem:
    """Return one service as a problem of its own: each offer a provider, nothing else priced."""
    def renumbered(count: int, kept: Ints) -> Ints:
        place = np.full(count, -1, dtype=np.int64)
        place[kept] = np.arange(len(kept))
        return place

    pair_at = renumbered(problem.pairs, pairs)
    option_at = renumbered(problem.options, options)
    offer_at = renumbered(problem.size("offer"), offers)
    band_at = renumbered(problem.size("band"), bands)
    big = np.iinfo(np.int64).max
    none = np.zeros(0, dtype=np.int64)
    two = np.zeros((0, 2), dtype=np.int64)
    one = np.zeros(1, dtype=np.int64)
    providers = len(offers)
    return dataclasses.replace(
        problem,
        pair_organisation=problem.pair_organisation[pairs],
        pair_service=problem.pair_service[pairs],
        pair_volume=problem.pair_volume[pairs],
        pair_authority=np.zeros(len(pairs), dtype=np.int64),
        home=problem.home[pairs],
        option_pair=pair_at[problem.option_pair[options]],
        option_offer=offer_at[problem.option_offer[options]],
        option_contract=np.arange(len(options)),
        banded_option=option_at[problem.banded_option[x]],
        banded_band=band_at[problem.banded_band[x]],
        offer_row=problem.offer_row[offers],
        offer_provider=np.arange(providers),
        offer_service=problem.offer_service[offers],
        offer_capacity=problem.offer_capacity[offers],
        offer_minimum=problem.offer_minimum[offers],
        band_offer=offer_at[problem.band_offer[bands]],
        band_row=problem.band_row[bands],
        band_from=problem.band_from[bands],
        band_to=problem.band_to[bands],
        provider_row=np.arange(providers),
        provider_capacity=np.full(providers, big),
        provider_min_members=np.zeros(providers, dtype=np.int64),
        provider_max_members=np.full(providers, big),
        contract_organisation=problem.pair_organisation[problem.option_pair[options]],
        contract_provider=offer_at[problem.option_offer[options]],
        authority_officer_hours=one,
        authority_span=one,
        authority_max_officers=one + big,
        authority_max_contracts=one + big,
        hours=Linear(constant=0, by_kind={}),
        objective=Linear(constant=0, by_kind={}),
        together=two,
        apart=two,
        link=two,
        cover_start=one,
        cover_home=np.zeros(0, dtype=bool),
        cover_index=none,
        rows=(),
    )


def _priced(problem: Problem, by_kind: dict[str, Any]) -> Problem:
    return dataclasses.replace(problem, objective=Linear(constant=0, by_kind=by_kind))

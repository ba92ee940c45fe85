"""The Lagrangian relaxation: rows that tie providers together are priced, blocks are left.

The rows are those of the strong formulation (`milp.formulation`), so every rule of the model is in
it: pairs, contracts, oversight, links, covers, policies, side rows, provider capacities. What stays
in the blocks: bands and their volumes, "only where the provider is in use", members.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from optimiser.certificate.proof import Certificate, Stage
from optimiser.model.problem import UNLIMITED
from optimiser.solvers.decomposition import blocks
from optimiser.solvers.decomposition.blocks import Blocks
from optimiser.solvers.decomposition.ranges import grouped, starts
from optimiser.solvers.milp.facts import digits, multipliers
from optimiser.solvers.milp.formulation import rooms

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from optimiser.model.problem import Problem
    from optimiser.solvers.milp.formulation import Formulation

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

#: Blocks of rows that stay in the blocks of the relaxation.
INSIDE: Final = frozenset(
    {"band", "offer", "member", "most", "least", "max_members", "min_members", "room"}
)
#: Blocks of rows over many pairs whose prices tell what an hour, or a unit of a policy, is worth.
SHADOWED: Final = frozenset({"officers", "linear"})
#: Steps between two looks at the clock.
CHUNK: Final = 10
#: Steps of an ascent between two rounds of search, and of a window; the share of the way to the
#: best plan below which a window is not worth going on, once the steps' factor is short.
STEPS, WINDOW, STALL, SHORT = 600, 50, 0.01, 0.1
#: Euclidean norm, in those of the longest row of a pair, from which on a row is held shorter.
LONG: Final = 2.0
#: Relative error of long sums of floats.
NOISE: Final = 1e-13
#: Steps without a better bound after which steps shorten.
PATIENCE: Final = 10


class Relaxation:
    """Priced rows and blocks of one formulation.

    Parameters
    ----------
    formulation
        The strong formulation.

    Attributes
    ----------
    rows
        Indices of the priced rows within the matrix, shape (rows,).
    scale
        What `blocks` holds each priced row divided by, shape (rows,): its largest coefficient, and
        more if it is long (`LONG`).
    pair_rows
        Priced rows that are pairs', shape (pairs,).
    shadowed
        Which priced rows are of oversight, policies or side rows, shape (rows,).
    lower, upper
        Bounds of the columns, shape (columns,); branching and fixing narrow them.
    """

    def __init__(self, formulation: Formulation) -> None:
        matrix = formulation.matrix
        self.formulation = formulation
        self.problem, self.columns = formulation.problem, formulation.columns
        self.offset = matrix.offset
        priced = np.ones(matrix.rows, dtype=bool)
        pairs = np.zeros(matrix.rows, dtype=bool)
        shadowed = np.zeros(matrix.rows, dtype=bool)
        for what, start, stop in formulation.blocks:
            if what in INSIDE:
                priced[start:stop] = False
            pairs[start:stop] = what == "pair"
            shadowed[start:stop] = what in SHADOWED
        # A row without limits or entries says nothing.
        priced &= np.isfinite(matrix.row_lower) | np.isfinite(matrix.row_upper)
        priced &= np.diff(matrix.a.indptr) > 0
        self.rows = np.flatnonzero(priced)
        self.pair_rows = np.flatnonzero(pairs[self.rows])
        self.shadowed = shadowed[self.rows]
        self.lower, self.upper = matrix.lower.copy(), matrix.upper.copy()
        self.slices = {block: self.columns.block(block) for block in "xzyw"}
        self.blocks = self._blocks()

    def _blocks(self) -> Blocks:
        from scipy.sparse import csr_array

        problem, columns, matrix = self.problem, self.columns, self.formulation.matrix
        d = matrix.a[self.rows]
        count = np.diff(d.indptr)
        size = np.maximum.reduceat(np.abs(d.data), d.indptr[:-1]) if len(count) else np.ones(0)
        size = size * self._length(d.data / np.repeat(size, count), d.indptr)
        self.scale = size
        d = csr_array((d.data / np.repeat(size, count), d.indices, d.indptr), shape=d.shape)
        t = d.T.tocsr()
        bands, offers, providers = (problem.size(k) for k in ("band", "offer", "provider"))
        item_start, item = grouped(problem.banded_band, bands)
        offer_start, offer = grouped(problem.offer_provider, providers)
        matter = np.flatnonzero(self.formulation.contracts_matter)
        contract_start, contract = grouped(problem.contract_provider[matter], providers)
        contract = matter[contract]
        volume = problem.option_volume[problem.banded_option].astype(np.float64)
        hi = problem.band_most
        inside = np.zeros(columns.count, dtype=bool)
        for part in self.slices.values():
            inside[part] = True
        whole = np.int64
        cover, cover_start, cover_provider, need = covers(
            problem, problem.offer_provider, providers
        )
        return Blocks(
            cost=matrix.cost,
            row_start=d.indptr.astype(whole),
            row_column=d.indices.astype(whole),
            row_value=d.data,
            low=matrix.row_lower[self.rows] / size,
            high=matrix.row_upper[self.rows] / size,
            column_start=t.indptr.astype(whole),
            column_row=t.indices.astype(whole),
            column_value=t.data,
            first=np.array([columns.start[block] for block in "xzyw"], dtype=whole),
            item_start=item_start,
            item=item,
            weight=np.ones(len(item)) if problem.split else volume,
            most=self.upper[self.slices["x"]].copy(),
            lo=problem.band_least.astype(np.float64),
            hi=np.where(hi == UNLIMITED, np.inf, hi.astype(np.float64)),
            offer_start=offer_start,
            offer=offer,
            band_start=starts(problem.band_offer, offers),
            contract_start=contract_start,
            contract=contract,
            least=np.maximum(problem.provider_min_members, 0),
            members=problem.provider_max_members,
            outside=np.flatnonzero(~inside),
            cover=cover,
            cover_start=cover_start,
            cover_provider=cover_provider,
            need=need,
            exact=np.array([0 if problem.split else 1], dtype=whole),
        )

    def _length(self, value: Floats, first: Ints) -> Floats:
        """Return by what else to divide each priced row, its largest coefficient 1, shape (rows,).

        A row over many pairs, as a policy's, may be off by hundreds where a pair's is off by one.
        Steps are of one length for all, so it would have them all to itself: it is brought to the
        length of the pairs' rows.
        """
        length = np.sqrt(np.add.reduceat(value * value, first[:-1])) if len(value) else np.ones(0)
        pairs = length[self.pair_rows]
        if not len(pairs):
            return np.ones_like(length)
        return np.where(length > LONG * pairs.max(), length / pairs.mean(), 1.0)

    def prices(self) -> Floats:
        """Return multipliers to start from: what each pair costs at least in a full band."""
        problem, columns, b = self.problem, self.columns, self.blocks
        full = np.where(np.isfinite(b.hi), np.maximum(b.hi, 1.0), np.inf)
        x, z, h = (b.cost[columns.block(block)] for block in "xzh")
        each = x * b.most + (z / full)[problem.banded_band] * b.weight * b.most
        least = np.full(problem.pairs, np.inf)
        np.minimum.at(least, problem.option_pair[problem.banded_option], each)
        np.minimum.at(least, columns.home, h * self.upper[columns.block("h")])
        least[~np.isfinite(least)] = 0.0
        whole = problem.pair_volume if problem.split else 1
        result = np.zeros(len(self.rows))
        result[self.pair_rows] = (least / whole) * self.scale[self.pair_rows]
        return result


    def certificate(self, points: list[Floats], cutoff: float) -> Certificate:
        """Return multipliers in whole units, as the verifier takes them.

        Parameters
        ----------
        points
            Multipliers of the priced rows, shape (rows,) each; the best counts.
        cutoff
            Objective from which on plans are not wanted, in last places of money; may be infinite.
        """
        fine = digits(self.formulation, self.rows)
        return Certificate(
            stages=tuple(
                Stage(multipliers=multipliers(self.formulation, self.rows, p / self.scale, fine))
                for p in points
            ),
            cutoff=math.ceil(cutoff) if math.isfinite(cutoff) else None,
            digits=fine,
        )


class Ascent:
    """The best multipliers known for one set of bounds of the columns, and the way up from there.

    Parameters
    ----------
    relaxation
        What is evaluated; its bounds of columns as they are at each call of `run` count.
    multipliers
        Where to start, shape (rows,).

    Attributes
    ----------
    bound
        Lower bound on the objective at `multipliers`, offset included, in last places of money.
    average
        Average of the minimisers: nearly a solution of the convexified problem, shape (columns,).
    """

    def __init__(self, relaxation: Relaxation, multipliers: Floats) -> None:
        self.relaxation = relaxation
        self.multipliers = multipliers.copy()
        self.average = np.zeros(relaxation.columns.count)
        self.bound = -math.inf
        self.step = 1.0
        self._failures = 0
        self._steps = blocks.standing(relaxation.blocks, multipliers)

    @property
    def safe_bound(self) -> float:
        """The bound less what rounding may lower objectives by, and what sums of floats may err."""
        b = self.relaxation.blocks
        some = self.multipliers != 0
        limit = np.where(self.multipliers > 0, b.low, b.high)[some]
        noise = NOISE * float(np.sum(np.abs(self.multipliers[some] * limit)))
        return self.bound - self.relaxation.problem.slack - noise

    def window(self, objective: float, stop: Callable[[], bool]) -> bool:
        """Take `WINDOW` steps at most; say whether more of them are worth it.

        Parameters
        ----------
        objective
            Of the best plan known, in last places of money; infinite if there is none.
        stop
            Asked now and then.
        """
        before = self.bound
        self.run(WINDOW, self.aim(objective), stop=stop)
        slow = self.bound - before < STALL * (self.aim(objective) - self.bound)
        # Steps that are still too long do not show yet what the ascent can do.
        return not (slow and self.step < SHORT)

    def aim(self, objective: float) -> float:
        """Return what steps should aim at: the best plan, or a little more than the bound.

        Parameters
        ----------
        objective
            Of the best plan known, in last places of money; infinite if there is none.
        """
        if math.isfinite(objective):
            return objective
        bound = self.bound if math.isfinite(self.bound) else self.look()
        return bound + 0.05 * abs(bound) + 1.0

    def look(self) -> float:
        """Take no step; return the bound at the multipliers as they are."""
        self.run(CHUNK, -math.inf)
        return self.bound

    def run(
        self, iterations: int, target: float, *, stop: Callable[[], bool] = lambda: False
    ) -> None:
        """Take steps until the bound reaches `target` or `stop` says so.

        Parameters
        ----------
        iterations
            Most steps.
        target
            An upper bound on the optimum, in last places of money; steps aim at it.
        stop
            Asked now and then.
        """
        relax = self.relaxation
        for _ in range(0, iterations, CHUNK):
            value, self.step, self._failures = blocks.ascend(
                relax.blocks, relax.lower, relax.upper, self.multipliers, self.average,
                self.bound - relax.offset, self.step, self._failures, PATIENCE, CHUNK,
                target - relax.offset, self._steps,
            )  # fmt: skip
            self.bound = value + relax.offset
            if self.bound >= target or stop():
                return


def covers(problem: Problem, provider: Ints, providers: int) -> tuple[Ints, Ints, Ints, Floats]:
    """Return `cover`, `cover_start`, `cover_provider` and `need` of `Blocks`, one cover a service.

    None where a provider has offers of several services, which would have to be chosen together.

    Parameters
    ----------
    problem
        Its bands and pairs.
    provider
        Of each offer, shape (offers,).
    providers
        How many there are.
    """
    cover = np.full(providers, -1, dtype=np.int64)
    need: list[float] = []
    start, members = [0], []
    count = np.bincount(provider, minlength=providers)
    for _, bands, volume in rooms(problem):
        mine = provider[np.unique(problem.band_offer[bands])]
        if np.all(count[mine] == 1):
            cover[mine] = len(need)
            need.append(float(volume))
            members += mine.tolist()
            start.append(len(members))
    places = [np.array(part, dtype=np.int64) for part in (start, members)]
    return cover, places[0], places[1], np.array(need, dtype=np.float64)

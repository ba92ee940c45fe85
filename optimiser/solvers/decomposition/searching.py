"""The search on one problem under single sourcing: choices, boards and plans."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from optimiser.model.plan import BY_ITSELF, Plan
from optimiser.solvers.decomposition import board as boards
from optimiser.solvers.decomposition import search
from optimiser.solvers.decomposition.blocks import reduce_costs
from optimiser.solvers.decomposition.board import AT_HOME, NOBODY

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from optimiser.model.problem import Problem
    from optimiser.solvers.decomposition.board import Board
    from optimiser.solvers.decomposition.relaxation import Ascent, Relaxation

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

#: Iterations of a round of search at least, and pairs for each of them in a large problem.
ROUND, SPREAD = 4_000, 8
#: Pairs from which on a round goes from area to area, and iterations in each of them.
WIDE, AREA = 10_000, 500
#: Factors of the temperature that rounds take in turn.
HEATS: Final = (0.03, 0.1, 0.3, 1.0)
#: Share of the first temperature of a round that is the last.
COLD: Final = 0.01
#: Share of a loose round in which limits hold again, and factor of its temperature there.
STRICT, COOLER = 0.33, 0.3
#: Rounds without a plan after which penalties are doubled no more.
INSIST: Final = 20
#: Share of the average that a pair's choice has to have in a bold start.
BOLD: Final = 0.1
#: Options of a pair up to which a round has all its iterations.
USUAL: Final = 50
#: Rounds over all pairs in which each goes to its cheapest choice, and pairs looked at in them.
ROUNDS, DESCENT = 50, 1_000_000


class Search:
    """The plan under search and the best one found.

    Parameters
    ----------
    problem
        Under single sourcing.
    pulls
        How dear each option is to its offer per unit of volume, to begin with (negative: it wants
        it), shape (options,).
    seed
        Of the random numbers.
    stop
        Asked now and then whether to end early, if given.

    Attributes
    ----------
    best
        Choices of the best plan that keeps the rules, shape (pairs,); see `board`.
    value
        Its objective in last places of money; infinite if there is none yet.
    """

    def __init__(
        self, problem: Problem, pulls: Floats, seed: int, stop: Callable[[], bool] | None = None
    ) -> None:
        self._stop = stop
        self._problem = problem
        self._empty = boards.lay(self._problem)
        self._board = boards.copy(self._empty)
        #: What a unit of each policy and side row is worth; None: nothing, or not known.
        self._worth: Floats | None = None
        self._seed = seed
        self._constant = float(self._problem.objective.constant)
        self.best: Ints = np.full(self._problem.pairs, NOBODY, dtype=np.int64)
        self.value = math.inf
        #: Best plan since the last start, and its value as on the board.
        self._own, self._own_value = self.best, math.inf
        self._pulls = pulls
        self.rounds = self._seeds = 0

    @property
    def keeps_rules(self) -> bool:
        """Whether a plan that keeps the rules was found since the last start."""
        return self._own_value < math.inf

    @property
    def usual(self) -> int:
        """Iterations of a round: many enough that what a round costs besides does not count."""
        return max(ROUND, self._problem.pairs // SPREAD)

    def start(self, choice: Ints) -> bool:
        """Begin from choices, shape (pairs,), `NOBODY` where open; say whether it is better."""
        self._lay(choice)
        for _ in range(max(2, min(ROUNDS, DESCENT // max(len(choice), 1)))):
            if not search.descend(self._board) or (self._stop is not None and self._stop()):
                break
        self._own, self._own_value = self._board.pairs["choice"].copy(), math.inf
        if search.keeps_rules(self._board):
            self._own_value = _whole(self._board.total.sum())
        return self._take()

    def _lay(self, choice: Ints) -> None:
        """Lay the board anew, which also takes the errors of sums of floats off it."""
        self._board = boards.copy(self._empty)
        boards.assign(self._board, choice)

    def _take(self) -> bool:
        if self._own_value + self._constant < self.value:
            self.best, self.value = self._own.copy(), self._own_value + self._constant
            return True
        return False

    def explore(
        self, iterations: int, heat: float = 1.0, *, onward: bool = False, loose: bool = False
    ) -> bool:
        """Search on for a number of iterations; say whether a better plan was found.

        Parameters
        ----------
        iterations
            Ruins and recreations; fewer where pairs have more than `USUAL` options, since each of
            these is looked at.
        heat
            Factor of the temperature.
        onward
            Search on from what `start` has begun or the last round has left, and not from the best
            plan.
        loose
            Let policies and side rows be overstepped for most of the round, at what they are worth
            by the multipliers: where a limit binds, what uses it is exchanged more easily. Without
            effect where that is not known, or no plan is.
        """
        each = self._problem.options / max(self._problem.pairs, 1)
        iterations = max(1, round(iterations * min(1.0, USUAL / max(each, 1.0))))
        if not onward and self.value < math.inf:
            self._own, self._own_value = self.best.copy(), self.value - self._constant
        if self.value == math.inf and 0 < self.rounds <= INSIST:
            # What it takes to keep a rule may be dearer than the penalty for breaking it.
            boards.insist(self._empty)
            self._lay(self._board.pairs["choice"].copy())
        self.rounds += 1
        hot = heat * float(self._board.unit[1])
        if self.keeps_rules:
            boards.assign(self._board, self._own)
        if loose and self.keeps_rules and self._worth is not None:
            boards.loosen(self._board, self._worth)
            strict = round(STRICT * iterations)
            self._explore(iterations - strict, hot)
            iterations, hot = strict, hot * COOLER
            boards.tighten(self._board, self._empty)
        self._explore(iterations, hot)
        return self._take()

    def _explore(self, iterations: int, hot: float) -> None:
        """Search on from the board as it is, and keep the best plan since the last start."""
        found = self._own.copy()
        self._seeds += 1
        value = search.explore(
            self._board, self._pulls, (self._seed * 1_000_003 + self._seeds) % 2**32, iterations,
            AREA if self._problem.pairs >= WIDE else iterations, hot, hot * COLD, found,
            self._own_value,
        )  # fmt: skip
        if value < self._own_value:
            self._own, self._own_value = found, _whole(value)

    def venture(self, ascent: Ascent) -> bool:
        """Begin where the multipliers point; say whether that is better than the best plan.

        Offers are told what they want. Of the average, pairs get what has most of them, where that
        is over half, or whatever it is: the latter opens more offers. Begins with the cheaper one.
        """
        relaxation, problem = ascent.relaxation, self._problem
        self._pulls = pulls(relaxation, ascent.multipliers)
        self._shade(relaxation, ascent.multipliers)
        x, home = (ascent.average[relaxation.columns.block(block)] for block in "xh")
        if relaxation.problem.split:  # volumes there
            x = x / problem.option_volume[problem.banded_option]
            home = home / problem.pair_volume[problem.home]
        better = self.start(likely(problem, x, home))
        first = self._board, self._own, self._own_value
        better |= self.start(likely(problem, x, home, BOLD))
        if (first[2], first[0].total.sum()) <= (self._own_value, self._board.total.sum()):
            self._board, self._own, self._own_value = first
        return better

    def _shade(self, relaxation: Relaxation, multipliers: Floats) -> None:
        """Let the multipliers tell what an hour is worth, and a unit of a policy or side row.

        From the next start on: it is told to the board on which nothing is assigned.
        """
        if not relaxation.shadowed.any():
            return
        columns, problem = relaxation.columns, self._problem
        reduced = np.empty(columns.count)
        reduce_costs(
            relaxation.blocks, np.where(relaxation.shadowed, multipliers, 0.0), reduced
        )
        shadow = reduced - relaxation.blocks.cost
        x, h = shadow[columns.block("x")], shadow[columns.block("h")]
        w = shadow[columns.block("w")]
        if relaxation.problem.split:  # of a unit there
            x = x * problem.option_volume[problem.banded_option]
            h = h * problem.pair_volume[problem.home]
        worth = _worth(relaxation, multipliers, self._empty)
        self._worth = worth if worth.any() else None
        board = self._empty
        board.options["shadow"][problem.banded_option] = x
        board.pairs["home_shadow"][problem.home] = h
        board.contracts["shadow"][:] = w
        board.unit[2:] = 1.0

    def choices(self, plan: Plan) -> Ints:
        """Return a plan's choices; pairs that have none of the options are left open."""
        problem = self._problem
        option = problem.option_of(plan.pair, plan.deliverer)
        choice = np.full(problem.pairs, NOBODY, dtype=np.int64)
        given = np.where(option >= 0, option, NOBODY)
        at_home = (plan.deliverer == BY_ITSELF) & problem.home[plan.pair]
        choice[plan.pair] = np.where(at_home, AT_HOME, given)
        return choice

    def plan(self) -> Plan:
        """Return the best plan."""
        problem = self._problem
        rows = problem.provider_row[problem.option_provider]
        by = np.full(problem.pairs, BY_ITSELF, dtype=np.int64)
        served = self.best >= 0
        by[served] = rows[self.best[served]]
        return Plan.from_arrays(np.arange(problem.pairs), by, problem.pair_volume)


def _whole(value: float) -> float:
    """Round what a plan costs: what is besides whole numbers are the errors of sums of floats."""
    return float(round(value))


def _worth(relaxation: Relaxation, multipliers: Floats, board: Board) -> Floats:
    """Return what a unit of each policy and side row is worth on the board, shape (rows,).

    In last places of money; 0 where the multipliers say nothing.
    """
    b, matrix = relaxation.blocks, relaxation.formulation.matrix
    at = [start for what, start, _ in relaxation.formulation.blocks if what == "linear"]
    if len(at) != len(board.rows) or not at:
        return np.zeros(len(board.rows))
    # However the row is scaled there, its largest coefficient is worth the same here.
    worth = np.zeros(matrix.rows)
    worth[relaxation.rows] = np.abs(multipliers) * np.maximum.reduceat(
        np.abs(b.row_value), b.row_start[:-1]
    )
    size = np.zeros(len(at))
    np.maximum.at(size, board.entries["row"], np.abs(board.entries["value"]))
    result: Floats = np.where(size > 0, worth[at] / np.where(size > 0, size, 1.0), 0.0)
    return result


def likely(problem: Problem, x: Floats, home: Floats, least: float = 0.5) -> Ints:
    """Return the choices that have most of their pair; pairs without one are left open.

    Parameters
    ----------
    problem
        Under single sourcing.
    x, home
        Shares of option-bands, and of the pairs that may be delivered in-house.
    least
        Share that an option has to have more of.
    """
    share = np.bincount(problem.banded_option, x, minlength=problem.options)
    choice = np.full(problem.pairs, NOBODY, dtype=np.int64)
    some = np.flatnonzero(share > least)
    # The largest share comes last and stays.
    some = some[np.argsort(share[some], kind="stable")]
    choice[problem.option_pair[some]] = some
    choice[np.flatnonzero(problem.home)[home > 0.5]] = AT_HOME
    return choice


def pulls(relaxation: Relaxation, multipliers: Floats) -> Floats:
    """Return the least reduced cost of each option per unit of volume, shape (options,)."""
    problem = relaxation.problem
    reduced = np.empty(relaxation.columns.count)
    reduce_costs(relaxation.blocks, multipliers, reduced)
    x = reduced[relaxation.slices["x"]]
    if problem.split:  # a unit's there
        x = x * problem.option_volume[problem.banded_option]
    return pull(problem, x, reduced[relaxation.slices["z"]])


def pull(problem: Problem, x: Floats, z: Floats) -> Floats:
    """Return the same from the reduced costs of option-bands and bands."""
    fixed = np.maximum(z, 0.0) / np.maximum(problem.band_most, 1)
    each = x / problem.option_volume[problem.banded_option] + fixed[problem.banded_band]
    result = np.full(problem.options, np.inf)
    np.minimum.at(result, problem.banded_option, each)
    return result

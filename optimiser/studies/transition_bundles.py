"""The order of moves as a mixed-integer program: a copy of the problem for every year on the way.

Common variables say whether a pair has moved by a year (m, binary, never falling) and, for what
hangs on several pairs, whether it is due by then: the first of them (a ≥ each m, a ≤ Σ m) or the
last (a ≤ each m, a ≥ Σ m − n + 1). The copies' deliveries are tied to m; the last year is the
target, which needs no copy. Amounts are paid where m or a rises.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from math import gcd
from typing import TYPE_CHECKING, Any

import numpy as np

from optimiser.errors import InternalError
from optimiser.model.bundles import Bundle, Common, Entries, Ties
from optimiser.model.compile import compile_problem
from optimiser.model.plan import BY_ITSELF
from optimiser.model.problem import Linear

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from fractions import Fraction

    from numpy.typing import NDArray

    from optimiser.model.problem import Problem
    from optimiser.studies.payments import Payment
    from optimiser.studies.transitions import Transition

    Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What may be spent and moved in a year.

    Parameters
    ----------
    years
        Years within which all must have moved.
    budget
        Most one-off money of each year in last places, or None.
    moves
        Most pairs that move in a year, or None.
    """

    years: int
    budget: tuple[int, ...] | None = None
    moves: int | None = None


def ordered_bundle(transition: Transition, limits: Limits) -> Bundle:
    """Return the program whose optimum is the best order within limits.

    Its objective is `Transition.discounted` of the course.
    """
    making = _Making(transition, limits)
    making.paid()
    if limits.budget is not None:
        making.within(limits.budget)
    if limits.moves is not None:
        making.count(limits.moves)
    return making.bundle(discounted=True)


def budget_bundle(transition: Transition, limits: Limits) -> Bundle:
    """Return the program whose optimum is the least budget that is the same in every year."""
    making = _Making(transition, limits)
    # In units of a power of two, so that the solver's numbers are neither tiny nor huge.
    unit = 2.0 ** max(int(np.log2(max(transition.one_offs, 1))) - 10, 0)
    level = making.add(unit, 0.0, np.inf, "budget", integer=False)
    making.within([0] * limits.years, level=(level, unit))
    if limits.moves is not None:
        making.count(limits.moves)
    return making.bundle(discounted=False)


def moves_bundle(transition: Transition, limits: Limits) -> Bundle:
    """Return the program whose optimum is the least number of moves that will do every year."""
    making = _Making(transition, limits)
    level = making.add(1.0, 0.0, float(len(transition.movers)), "moves", integer=True)
    if limits.budget is not None:
        making.within(limits.budget)
    making.count(0, level=level)
    return making.bundle(discounted=False)


#: Coefficient of each common variable.
Terms = dict[int, float]


@dataclass(slots=True)
class _Making:
    transition: Transition
    limits: Limits
    cost: list[float] = field(default_factory=list)
    lower: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    integer: list[bool] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    ties: list[Ties] = field(default_factory=list)
    moved: list[Ints] = field(default_factory=list)
    #: Pairs, and whether the last of them counts -> variable of each year.
    due: dict[tuple[tuple[int, ...], bool], list[int]] = field(default_factory=dict)
    #: The same -> what is paid then, in last places.
    amounts: dict[tuple[tuple[int, ...], bool], int] = field(default_factory=dict)
    #: What is paid in each year whatever moves.
    fixed: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        movers, years = self.transition.movers, self.limits.years
        for year in range(1, years):
            self.moved.append(np.array(
                [self.add(0.0, 0.0, 1.0, f"moved_{q}_{year}", integer=True)
                 for q in movers.tolist()], dtype=np.int64))  # fmt: skip
        for year in range(1, years - 1):
            self._rows(f"stays_{year}", [(self.moved[year - 1], 1.0), (self.moved[year], -1.0)],
                       len(movers), upper=0.0)  # fmt: skip
        self.fixed = [0] * years
        for each in self.transition.payments:
            self._payment(each)

    def add(self, cost: float, lower: float, upper: float, name: str, *, integer: bool) -> int:
        """Add a common variable; return its place."""
        self.cost.append(cost)
        self.lower.append(lower)
        self.upper.append(upper)
        self.integer.append(integer)
        self.names.append(name)
        return len(self.cost) - 1

    def _rows(
        self, name: str, blocks: Sequence[tuple[Ints, float]], count: int,
        lower: float = -np.inf, upper: float = np.inf,
    ) -> None:  # fmt: skip
        """Add `count` rows, the i-th over the i-th variable of each block."""
        if not count:
            return
        row = np.arange(count)
        self.ties.append(Ties(
            name=name,
            entries=tuple(Entries(copy=-1, kind="", row=row, index=index,
                                  coefficient=np.full(count, value)) for index, value in blocks),
            lower=np.full(count, lower),
            upper=np.full(count, upper),
        ))  # fmt: skip

    def _row(
        self, name: str, terms: Mapping[int, float], lower: float = -np.inf, upper: float = np.inf
    ) -> None:
        index = np.array(list(terms), dtype=np.int64)
        self.ties.append(Ties(
            name=name,
            entries=(Entries(copy=-1, kind="", row=np.zeros_like(index), index=index,
                             coefficient=np.array(list(terms.values()), dtype=np.float64)),),
            lower=np.array([lower]),
            upper=np.array([upper]),
        ))  # fmt: skip

    def _payment(self, payment: Payment) -> None:
        if payment.fixed:
            self.fixed[payment.due(np.zeros(0, dtype=np.int64), self.limits.years) - 1] += (
                payment.amount
            )
            return
        pairs = tuple(sorted(payment.pairs))
        key = pairs, payment.at_end and len(pairs) > 1
        if key not in self.due:
            self.due[key] = self._due(pairs, last=key[1])
        self.amounts[key] = self.amounts.get(key, 0) + payment.amount

    def _due(self, pairs: tuple[int, ...], *, last: bool) -> list[int]:
        """Return the variables that say in each year whether the first or last pair has moved."""
        place = np.searchsorted(self.transition.movers, pairs)
        count = len(pairs)
        found = []
        for year, moved in enumerate(self.moved, start=1):
            own = moved[place]
            if count == 1:
                found.append(int(own[0]))
                continue
            name = f"{'last' if last else 'first'}_{len(self.due)}_{year}"
            due = self.add(0.0, 0.0, 1.0, name, integer=False)
            sign = -1.0 if last else 1.0
            each = np.full(count, due)
            self._rows(f"{name}_each", [(own, sign), (each, -sign)], count, upper=0.0)
            every = {int(m): -sign for m in own}
            self._row(f"{name}_all", {due: sign, **every}, upper=count - 1 if last else 0.0)
            found.append(due)
        return found

    def paid(self) -> None:
        """Charge all payments: of what is due by year t, the part that was not by t − 1."""
        rate, years = self._rate, self.limits.years
        at = [float(1 / rate ** (t - 1)) for t in range(1, years + 1)]
        constant = sum(amount * at[t] for t, amount in enumerate(self.fixed))
        for key, amount in self.amounts.items():
            constant += amount * at[-1]
            for t, variable in enumerate(self.due[key]):
                self.cost[variable] += amount * (at[t] - at[t + 1])
        last = float(self.transition.after / rate**years)
        self.add(constant + last, 1.0, 1.0, "constant", integer=False)

    @property
    def _rate(self) -> Fraction:
        return 1 + self.transition.instance.settings.discount_rate

    def within(
        self, budget: Sequence[int], level: tuple[int, float] | None = None
    ) -> None:
        """Keep to the budget of each year, or to a variable × a unit of money."""
        years = self.limits.years
        for year in range(1, years + 1):
            terms: dict[int, int] = {}
            room = budget[year - 1] - self.fixed[year - 1]
            for key, amount in self.amounts.items():
                variables = self.due[key]
                if year < years:
                    terms[variables[year - 1]] = terms.get(variables[year - 1], 0) + amount
                else:
                    room -= amount
                if year > 1:
                    before = variables[year - 2]
                    terms[before] = terms.get(before, 0) - amount
            if level is not None:
                # Scaled to the unit; who asks reckons the true amounts of what is found.
                variable, unit = level
                scaled = {v: a / unit for v, a in terms.items()} | {variable: -1.0}
                self._row(f"budget_{year}", scaled, upper=room / unit)
                continue
            # Small whole numbers, so that a solver's tolerance hides no money.
            step = gcd(*terms.values()) or 1
            self._row(f"budget_{year}", {v: a // step for v, a in terms.items()},
                      upper=room // step)  # fmt: skip

    def count(self, most: int, level: int | None = None) -> None:
        """Keep to the moves of each year, or to a variable."""
        years, movers = self.limits.years, len(self.transition.movers)
        for year in range(1, years + 1):
            terms: dict[int, float] = {}
            room = float(most)
            if year < years:
                terms |= dict.fromkeys(self.moved[year - 1].tolist(), 1.0)
            else:
                room -= movers
            if year > 1:
                terms |= dict.fromkeys(self.moved[year - 2].tolist(), -1.0)
            if level is not None:
                terms[level] = -1.0
            self._row(f"moves_{year}", terms, upper=room)

    def bundle(self, *, discounted: bool) -> Bundle:
        """Return copies and common variables tied together."""
        transition, years = self.transition, self.limits.years
        problem, stands = _year(transition)
        rate = self._rate
        weights = [float(1 / rate**t) if discounted else 0.0 for t in range(1, years)]
        if discounted and stands and weights:
            self.add(stands * sum(weights), 1.0, 1.0, "standing", integer=False)
        for copy, moved in enumerate(self.moved):
            self.ties += _deliveries(transition, problem, copy, moved)
        return Bundle(
            copies=(problem,) * (years - 1),
            weights=np.array(weights),
            common=Common(
                cost=np.array(self.cost),
                lower=np.array(self.lower),
                upper=np.array(self.upper),
                integer=np.array(self.integer, dtype=bool),
                names=tuple(self.names),
            ),
            ties=tuple(self.ties),
        )


def _year(transition: Transition) -> tuple[Problem, int]:
    """Return the problem of a year, and what it costs to have empty providers stand open in it."""
    problem = compile_problem(transition.way)
    costs = problem.objective.get("provider", problem.size("provider"))
    stands = np.isin(problem.provider_row, list(transition.standing))
    objective = Linear(
        constant=problem.objective.constant,
        by_kind={**problem.objective.by_kind, "provider": np.where(stands, 0, costs)},
    )
    return dataclasses.replace(problem, objective=objective), int(costs[stands].sum())


def _deliveries(
    transition: Transition, problem: Problem, copy: int, moved: Ints
) -> list[Ties]:
    """Tie a year's deliveries to who has moved: v · part = volume after · m + before · (1 − m)."""
    place = {int(q): int(m) for q, m in zip(transition.movers, moved, strict=True)}
    amounts: dict[tuple[int, int], list[int]] = {}
    for at, plan in enumerate((transition.start, transition.target)):
        for q, by, volume in zip(
            plan.pair.tolist(), plan.deliverer.tolist(), plan.volume.tolist(), strict=True
        ):
            if q in place:
                amounts.setdefault((q, by), [0, 0])[at] = volume
    ties = []
    for kind in ("part", "home"):
        chosen = [key for key in amounts if (key[1] == BY_ITSELF) == (kind == "home")]
        if not chosen:
            continue
        pair = np.array([q for q, _ in chosen], dtype=np.int64)
        by = np.array([p for _, p in chosen], dtype=np.int64)
        index = pair if kind == "home" else problem.option_of(pair, by)
        if np.any(index < 0):
            raise InternalError("a deliverer of a year on the way is no option of it")
        before, after = (np.array([amounts[key][at] for key in chosen]) for at in (0, 1))
        whole: Any = problem.pair_volume[pair]
        if not transition.instance.settings.split:
            before, after, whole = before // whole, after // whole, np.ones_like(whole)
        row = np.arange(len(chosen))
        ties.append(Ties(
            name=f"moved_{kind}_{copy + 1}",
            entries=(
                Entries(copy=copy, kind=kind, row=row, index=index, coefficient=whole),
                Entries(copy=-1, kind="", row=row,
                        index=np.array([place[int(q)] for q in pair], dtype=np.int64),
                        coefficient=before - after),
            ),
            lower=before.astype(np.float64),
            upper=before.astype(np.float64),
        ))  # fmt: skip
    return ties

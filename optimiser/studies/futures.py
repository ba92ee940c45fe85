"""Scenarios compiled together: bundles with one plan for all, or with openings in common."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from optimiser.model.bundles import Bundle, Common, Entries, Ties
from optimiser.model.check import check
from optimiser.model.clean import restrict
from optimiser.model.compile import compile_problem
from optimiser.model.plan import Plan
from optimiser.model.problem import Linear
from optimiser.studies.changes import Change, changed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    from numpy.typing import NDArray

    from optimiser.model.instance import Instance
    from optimiser.model.problem import Problem

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

#: Last places of money that one unit of a variable of money stands for: a power of two, so that
#: the solver's numbers are neither tiny nor huge.
UNIT: Final = 2.0**20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Futures:
    """The instances of several scenarios, compiled.

    Parameters
    ----------
    problems
        One per scenario.
    providers
        Rows of ``providers`` that may be open in some scenario, shape (providers,).
    opening
        What each of them costs in each scenario when it is open, over what it costs when it is not,
        in last places; shape (scenarios, providers).
    standing
        Rows of providers that cost less open than closed in every scenario.
    """

    problems: tuple[Problem, ...]
    providers: Ints
    opening: Ints
    standing: frozenset[int]

    @classmethod
    def of(cls, instances: Sequence[Instance]) -> Futures:
        """Compile the instances."""
        problems = tuple(compile_problem(each) for each in instances)
        providers = np.unique(np.concatenate([p.provider_row for p in problems]))
        opening = np.zeros((len(problems), len(providers)), dtype=np.int64)
        for k, (instance, problem) in enumerate(zip(instances, problems, strict=True)):
            costs = problem.objective.get("provider", problem.size("provider"))
            at = np.searchsorted(providers, problem.provider_row)
            opening[k, at] = costs
            known = np.zeros(len(providers), dtype=bool)
            known[at] = True
            for place in np.flatnonzero(~known).tolist():
                opening[k, place] = _opening(instance, int(providers[place]))
        cheaper = (opening < 0).all(axis=0)
        return cls(
            problems=problems,
            providers=providers,
            opening=opening,
            standing=frozenset(providers[cheaper].tolist()),
        )


def _opening(instance: Instance, row: int) -> int:
    """Return what it costs to have a provider open that has no option, as the checker reckons."""
    providers = instance["providers"]
    if providers["decision"][row] == "required":
        return 0
    key = str(providers.keys[row])
    change = Change(table="providers", where={"provider": (key,)}, set={"decision": "required"})
    nothing = Plan.of(())
    there = check(changed(instance, [change]), nothing).objective
    return there - check(instance, nothing).objective


def shared_bundle(
    futures: Futures,
    aim: str,
    shares: Sequence[Fraction],
    alpha: float,
    reference: Sequence[Fraction],
) -> Bundle:
    """Return the scenarios as copies in which every pair is delivered alike."""
    copies = _alike(futures.problems)
    first = copies[0]
    options, pairs = np.arange(first.options), np.flatnonzero(first.home)
    ties = []
    for k in range(1, len(copies)):
        for kind, index in (("part", options), ("home", pairs)):
            row = np.arange(len(index))
            one = np.ones(len(index))
            ties.append(
                Ties(
                    name=f"alike_{kind}_{k}",
                    entries=(
                        Entries(copy=k, kind=kind, row=row, index=index, coefficient=one),
                        Entries(copy=0, kind=kind, row=row, index=index, coefficient=-one),
                    ),
                    lower=np.zeros(len(index)),
                    upper=np.zeros(len(index)),
                )
            )
    nothing = np.zeros((len(copies), 0))
    return _aimed(copies, ties, _Columns(), nothing, aim, shares, alpha, reference)


def opened_bundle(
    futures: Futures,
    aim: str,
    shares: Sequence[Fraction],
    alpha: float,
    reference: Sequence[Fraction],
) -> Bundle:
    """Return the scenarios as copies that use only providers opened for all of them."""
    copies = []
    ties = []
    count = len(futures.providers)
    for k, problem in enumerate(futures.problems):
        kinds = {kind: v for kind, v in problem.objective.by_kind.items() if kind != "provider"}
        objective = Linear(constant=problem.objective.constant, by_kind=kinds)
        copies.append(dataclasses.replace(problem, objective=objective))
        own = np.arange(problem.size("provider"))
        place = np.searchsorted(futures.providers, problem.provider_row)
        one = np.ones(len(own))
        ties.append(
            Ties(
                name=f"opened_{k}",
                entries=(
                    Entries(copy=k, kind="provider", row=own, index=own, coefficient=one),
                    Entries(copy=-1, kind="", row=own, index=place, coefficient=-one),
                ),
                lower=np.full(len(own), -np.inf),
                upper=np.zeros(len(own)),
            )
        )
    columns = _Columns()
    for row in futures.providers.tolist():
        columns.add(0.0, 0.0, 1.0, f"open_{row}", integer=True)
    assert len(columns.cost) == count
    return _aimed(copies, ties, columns, futures.opening.astype(float), aim, shares, alpha,
                  reference)  # fmt: skip


class _Columns:
    """Common variables as they are gathered."""

    def __init__(self) -> None:
        self.cost: list[float] = []
        self.lower: list[float] = []
        self.upper: list[float] = []
        self.integer: list[bool] = []
        self.names: list[str] = []

    def add(
        self, cost: float, lower: float, upper: float, name: str, *, integer: bool = False
    ) -> int:
        """Add one; return its place."""
        self.cost.append(cost)
        self.lower.append(lower)
        self.upper.append(upper)
        self.integer.append(integer)
        self.names.append(name)
        return len(self.cost) - 1

    def common(self) -> Common:
        """Return them as data."""
        return Common(
            cost=np.array(self.cost),
            lower=np.array(self.lower),
            upper=np.array(self.upper),
            integer=np.array(self.integer, dtype=bool),
            names=tuple(self.names),
        )


def _aimed(
    copies: Sequence[Problem],
    ties: list[Ties],
    columns: _Columns,
    opening: Floats,
    aim: str,
    shares: Sequence[Fraction],
    alpha: float,
    reference: Sequence[Fraction],
) -> Bundle:
    """Add what is minimised: the mean, or the largest, or the mean of the worst 1 − alpha.

    Worst cost and regret are the least θ above all; CVaR is η + Σ p ξ / (1 − alpha) with ξ what
    lies above η (Rockafellar & Uryasev 2000, equation 17).
    """
    chances = [float(share) for share in shares]
    first = opening.shape[1]
    if aim == "expected":
        for place in range(first):
            columns.cost[place] = float(np.dot(chances, opening[:, place]))
        return Bundle(
            copies=tuple(copies),
            weights=np.array(chances),
            common=columns.common(),
            ties=tuple(ties),
        )
    tail = aim == "cvar" and alpha < 1
    level = columns.add(UNIT, -np.inf, np.inf, "level")
    for k, chance in enumerate(chances):
        above: list[Entries] = []
        if tail:
            excess = columns.add(UNIT * chance / (1 - alpha), 0.0, np.inf, f"excess_{k}")
            above = [_entry(-1, "", excess, -UNIT)]
        paid = np.flatnonzero(opening[k])
        upper = float(reference[k]) if aim == "regret" else 0.0
        ties.append(
            Ties(
                name=f"level_{k}",
                entries=(
                    _entry(k, "objective", 0, 1.0),
                    Entries(copy=-1, kind="", row=np.zeros_like(paid), index=paid,
                            coefficient=opening[k, paid]),
                    _entry(-1, "", level, -UNIT),
                    *above,
                ),
                lower=np.array([-np.inf]),
                upper=np.array([upper]),
            )
        )  # fmt: skip
    return Bundle(
        copies=tuple(copies),
        weights=np.zeros(len(copies)),
        common=columns.common(),
        ties=tuple(ties),
    )


def _entry(copy: int, kind: str, index: int, coefficient: float) -> Entries:
    nought: Any = np.zeros(1, dtype=np.int64)
    return Entries(copy=copy, kind=kind, row=nought, index=nought + index,
                   coefficient=np.array([coefficient]))  # fmt: skip


def _alike(problems: Sequence[Problem]) -> list[Problem]:
    """Leave in each problem only the ways that all have, so that they are numbered alike."""
    codes = [
        problem.option_pair << 32 | problem.provider_row[problem.option_provider]
        for problem in problems
    ]
    common, home = codes[0], problems[0].home
    for code, problem in zip(codes[1:], problems[1:], strict=True):
        common = np.intersect1d(common, code)
        home = home & problem.home
    return [
        restrict(problem, np.isin(code, common)[problem.banded_option], home)
        for code, problem in zip(codes, problems, strict=True)
    ]

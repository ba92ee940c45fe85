"""Copies of compiled problems that are decided together: scenarios, years.

A bundle is data, as a `problem.Problem` is: every general solver gets the same matrix of it, and
whoever asks checks each copy's plan by itself. The pairs of all copies are counted through, so that
one `plan.Plan` says what is done in every copy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from optimiser.model.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimiser.model.problem import Problem

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Common:
    """Variables that belong to no copy, such as openings decided before the copies part.

    Parameters
    ----------
    cost
        Shape (variables,), in last places of money.
    lower, upper
        Bounds, maybe infinite, shape (variables,).
    integer
        Which are whole, shape (variables,).
    names
        One each.
    """

    cost: Floats
    lower: Floats
    upper: Floats
    integer: NDArray[np.bool_]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.cost)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Entries:
    """Entries of rows that tie copies: coefficient × atom, or × a common variable.

    Parameters
    ----------
    copy
        Number of the copy, or −1 for common variables.
    kind
        Kind of atom as in `problem.KINDS`; ``objective`` stands for the copy's whole objective (one
        atom with index 0); '' for common variables.
    row, index, coefficient
        Row within the block, atom or variable, and value, each of shape (entries,).
    """

    copy: int
    kind: str
    row: Ints
    index: Ints
    coefficient: NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ties:
    """A block of rows lower ≤ Σ entries ≤ upper, shape (rows,) each, maybe infinite."""

    name: str
    entries: tuple[Entries, ...]
    lower: Floats
    upper: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bundle:
    """minimise Σ weight × objective of each copy + cost of common variables, subject to ties.

    Parameters
    ----------
    copies
        Problems, of one kind of sourcing.
    weights
        Of each copy's objective, not negative, shape (copies,).
    common
        Variables beyond those of the copies.
    ties
        Rows across copies.
    wanted
        For each copy, for each of its pairs, the common variable that says whether it is to be
        delivered (1) or left out (0), −1 where it always is; shape (pairs,) each. By default none
        may be left out.
    """

    copies: tuple[Problem, ...]
    weights: Floats
    common: Common
    ties: tuple[Ties, ...] = ()
    wanted: tuple[Ints, ...] = ()

    @property
    def starts(self) -> Ints:
        """First pair of each copy, and the number of pairs, shape (copies + 1,)."""
        return np.cumsum([0, *(problem.pairs for problem in self.copies)]).astype(np.int64)


def joined(bundle: Bundle, plans: Sequence[Plan]) -> Plan:
    """Return the plan of a bundle that does in each copy what its plan says."""
    starts = bundle.starts
    return Plan.from_arrays(
        np.concatenate([plan.pair + at for plan, at in zip(plans, starts, strict=False)]),
        np.concatenate([plan.deliverer for plan in plans]),
        np.concatenate([plan.volume for plan in plans]),
    )


def parted(bundle: Bundle, plan: Plan) -> tuple[Plan, ...]:
    """Return the plan of each copy."""
    starts = bundle.starts
    ends = np.searchsorted(plan.pair, starts)
    return tuple(
        Plan.from_arrays(plan.pair[low:high] - at, plan.deliverer[low:high], plan.volume[low:high])
        for at, low, high in zip(starts, ends[:-1], ends[1:], strict=False)
    )


def no_common() -> Common:
    """Return no variables beyond those of the copies."""
    nothing = np.zeros(0)
    return Common(
        cost=nothing, lower=nothing, upper=nothing, integer=nothing.astype(bool), names=()
    )

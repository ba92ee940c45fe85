"""Amounts known within limits: what a solve that stopped at a gap says of the true optimum."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optimiser.solvers.result import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A number between `low` and `high`, both included; None is no limit.

    Parameters
    ----------
    low, high
        In whatever unit the user of the interval says; exact.
    """

    low: Fraction | None
    high: Fraction | None

    @classmethod
    def of(cls, value: Fraction | int) -> Interval:
        """Return the interval of a number that is known."""
        return cls(low=Fraction(value), high=Fraction(value))

    @property
    def known(self) -> bool:
        """Whether the number is known exactly."""
        return self.low is not None and self.low == self.high

    @property
    def resolved(self) -> bool:
        """Whether the sign is known: an interval that holds 0 leaves a difference unresolved.

        A difference known to be exactly 0 is resolved, too.
        """
        if self.known:
            return True
        return (self.low is not None and self.low > 0) or (self.high is not None and self.high < 0)

    def __add__(self, other: Interval) -> Interval:
        return Interval(low=_sum(self.low, other.low), high=_sum(self.high, other.high))

    def __neg__(self) -> Interval:
        low, high = self.low, self.high
        return Interval(
            low=None if high is None else -high, high=None if low is None else -low
        )

    def __sub__(self, other: Interval) -> Interval:
        return self + -other

    def times(self, factor: Fraction | int) -> Interval:
        """Return the interval of the number times a factor."""
        ends = [None if end is None else end * Fraction(factor) for end in (self.low, self.high)]
        low, high = ends if factor >= 0 else ends[::-1]
        return Interval(low=low, high=high)


def _sum(one: Fraction | None, other: Fraction | None) -> Fraction | None:
    return None if one is None or other is None else one + other


def optimum(result: Result) -> Interval:
    """Return what a result says of the least objective, in last places of money.

    Its low end is the better of the bound that the solver claims and the certified one, its high
    end the objective of the checked plan. Without a plan there is no high end.
    """
    bounds = [b for b in (result.bound_units, result.certified_bound_units) if b is not None]
    high = result.objective_units
    return Interval(
        low=Fraction(max(bounds)) if bounds else None,
        high=None if high is None else Fraction(high),
    )

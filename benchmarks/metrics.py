"""The formulas of a comparison of solvers, one function each; nothing here knows a record.

Times are in seconds, objectives and bounds in units of the last place of money. "Solved" is said by
the caller: that our checker accepts the plan and our own gap is at most the one asked for.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: Shift (s) of the geometric mean where every limit is under a minute, and where one is not.
SHIFTS: Final = (1.0, 10.0)
#: Seconds below which times are told apart by the clock's noise alone; shorter ones are lifted
#: to it before ratios are taken.
SHORTEST: Final = 0.01
#: What PAR10 multiplies the limit of an unsolved run by.
PENALTY: Final = 10.0


def counted_time(time: float, limit: float, *, solved: bool) -> float:
    """Return the time (s) at which a run counts: its own, at most the limit; unsolved the limit."""
    return min(time, limit) if solved else limit


def shift_for(limits: Sequence[float]) -> float:
    """Return σ (s) for runs with these limits (s): 1 if all are under a minute, else 10."""
    short, long = SHIFTS
    return short if max(limits, default=0.0) < 60 else long


def shifted_geometric_mean(times: Sequence[float], shift: float) -> float | None:
    """Return exp(mean ln(t + σ)) − σ, in seconds; None of no times.

    Achterberg, Constraint Integer Programming (thesis, TU Berlin 2007), section A.3.
    """
    if not times:
        return None
    mean = math.fsum(math.log(time + shift) for time in times) / len(times)
    return max(math.exp(mean) - shift, 0.0)


def penalised_mean(times: Sequence[float | None], limits: Sequence[float]) -> float | None:
    """Return PAR10 in seconds: the mean, where an unsolved run (None) costs ten times its limit."""
    if not times:
        return None
    paid = [
        PENALTY * limit if time is None else min(time, limit)
        for time, limit in zip(times, limits, strict=True)
    ]
    return math.fsum(paid) / len(paid)


def mean(values: Sequence[float]) -> float | None:
    """Return the arithmetic mean; None of no values."""
    return math.fsum(values) / len(values) if values else None


def ratio(value: float | None, other: float | None) -> float | None:
    """Return value / other; None where either is missing or `other` is 0."""
    return None if value is None or not other else value / other


def capped_gap(objective: int | None, bound: int | None) -> float:
    """Return min((objective − bound) / |objective|, 1), at least 0; 1 without a plan or a bound."""
    if objective is None or bound is None:
        return 1.0
    if objective <= bound:
        return 0.0
    return 1.0 if objective == 0 else min((objective - bound) / abs(objective), 1.0)


def distance(value: float | None, best: float) -> float:
    """Return Berthold's gap of an objective or a bound to the best known objective, from 0 to 1.

    0 if both are 0, 1 if there is no value or the signs differ, else
    |best − value| / max(|best|, |value|). Berthold, Measuring the impact of primal heuristics,
    Operations Research Letters 41 (2013), section 2.
    """
    if value is None:
        return 1.0
    if value == best:
        return 0.0
    if value * best < 0:
        return 1.0
    return abs(best - value) / max(abs(best), abs(value))


def integral(
    steps: Sequence[tuple[float, float | None]], best: float, limit: float
) -> float:
    """Return ∫ of `distance` from 0 to the limit, in seconds: the primal or the dual integral.

    Parameters
    ----------
    steps
        Seconds since the compiled problem and the value that holds from then on, in order of
        time; before the first, and while the value is None, the distance is 1. The last holds to
        the limit, so that it does not pay to go on after the proof.
    best
        The best known objective.
    limit
        Where the integral ends, in seconds.
    """
    area, since, height = 0.0, 0.0, 1.0
    for time, value in steps:
        now = min(max(time, since), limit)
        area += height * (now - since)
        since, height = now, distance(value, best)
    return area + height * (limit - since)


def time_to_gap(
    trace: Sequence[tuple[float, int | None, int | None]], gap: float
) -> float | None:
    """Return the seconds at which a trace's gap is at most `gap` for the first time, or None.

    Parameters
    ----------
    trace
        Seconds, objective and bound that hold from then on.
    gap
        As a share of the objective, under 1.
    """
    return next(
        (time for time, objective, bound in trace if capped_gap(objective, bound) <= gap), None
    )


def power_law(points: Sequence[tuple[float, float]]) -> tuple[float, float] | None:
    """Return a and b of y = a xᵇ by least squares on the logarithms; None of fewer than two x.

    Parameters
    ----------
    points
        x and y, all above 0.
    """
    if len({x for x, _ in points}) < 2:
        return None
    logs = [(math.log(x), math.log(y)) for x, y in points]
    x0 = math.fsum(x for x, _ in logs) / len(logs)
    y0 = math.fsum(y for _, y in logs) / len(logs)
    slope = math.fsum((x - x0) * (y - y0) for x, y in logs) / math.fsum(
        (x - x0) ** 2 for x, _ in logs
    )
    return math.exp(y0 - slope * x0), slope


def profile_ratios(times: Mapping[str, Sequence[float | None]]) -> dict[str, list[float]]:
    """Return, for each solver and case, its time over the best time of all; ∞ if unsolved.

    Dolan and Moré, Benchmarking optimization software with performance profiles, Mathematical
    Programming 91 (2002). ρ(τ) of a solver is the share of its ratios that are at most τ, cases
    that nobody solves included.

    Parameters
    ----------
    times
        Solver -> seconds by case, None where unsolved; the cases of all are the same.
    """
    lifted = {
        name: [None if time is None else max(time, SHORTEST) for time in column]
        for name, column in times.items()
    }
    best = [
        min((time for time in row if time is not None), default=math.inf)
        for row in zip(*lifted.values(), strict=True)
    ]
    return {
        name: [
            math.inf if time is None else time / least
            for time, least in zip(column, best, strict=True)
        ]
        for name, column in lifted.items()
    }


def cumulative(values: Sequence[float]) -> list[tuple[float, int]]:
    """Return (value, how many are at most it) at each finite value, ascending."""
    counts: dict[float, int] = {}
    for count, value in enumerate(sorted(v for v in values if math.isfinite(v)), start=1):
        counts[value] = count
    return list(counts.items())

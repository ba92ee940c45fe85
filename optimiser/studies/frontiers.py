"""Frontiers: what each step of a measure costs, by limits on it (the ε-constraint method)."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from optimiser.errors import UsageError
from optimiser.studies.measures import Measure, measure_of
from optimiser.studies.pool import How, Work, solve_all

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import optimiser
    from optimiser.files.studies import Record
    from optimiser.model.instance import Instance
    from optimiser.solvers.result import Result
    from optimiser.studies.pool import Tell

#: Points of a frontier that is not to be complete.
POINTS: Final = 10
#: Solves that may be spent on finding how small the largest of several sums can be.
HALVINGS: Final = 6
#: Most points that a complete frontier may come to before it is given up.
MOST: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One point of a frontier.

    Parameters
    ----------
    name
        Name of its result.
    limit
        What the measure was limited to, or None; in the units of `Measure.value`.
    value
        What the measure is, exactly.
    result
        The plan of least objective within that limit, and its bound.
    """

    name: str
    limit: Fraction | None
    value: Fraction
    result: Result

    @property
    def objective(self) -> int:
        """Objective of the plan, in last places of money."""
        return self.result.objective_units or 0

    @property
    def bound(self) -> int | None:
        """No plan within the limit has a lower objective, in last places of money."""
        return self.result.bound_units


@dataclass(frozen=True, kw_only=True, eq=False)
class Frontier:
    """What came of trading cost off against a measure.

    Parameters
    ----------
    instance, measure
        What was studied.
    points
        Points that no other point dominates, from the cheapest on.
    complete
        Whether every point that no plan dominates is there, each proved: all solved to gap 0.
    solved
        Every solve by name, dominated ones among them.
    end
        What is known of the far end: ``proved`` (no plan goes further), ``found`` (none was).
    weighted
        Points found by weighting the measure, by name.
    """

    instance: Instance
    measure: Measure
    points: tuple[Point, ...]
    complete: bool
    solved: Mapping[str, Result]
    end: str
    weighted: tuple[Point, ...] = ()
    how: How
    interrupted: bool = False
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def knee(self) -> Point | None:
        """The point furthest below the straight line between the ends, both axes scaled to 1.

        Das 1999, "On characterizing the knee of the Pareto curve". None where no point lies below
        the line.
        """
        points = self.points
        if len(points) < 3:
            return None
        first, last = points[0], points[-1]
        width, height = last.value - first.value, last.objective - first.objective
        if not width or not height:
            return None
        depth = {
            p.name: (p.value - first.value) / width
            - Fraction(p.objective - first.objective, height)
            for p in points
        }
        best = max(points, key=lambda p: depth[p.name])
        return best if depth[best.name] > 0 else None

    @property
    def plot(self) -> optimiser.StudyPlots:
        """Figures, as `optimiser report` draws them."""
        import optimiser  # public names load lazily: nothing here knows who draws

        return optimiser.StudyPlots(self)

    def _repr_html_(self) -> str:
        table = self.record().tables["points"].frame().to_html(index=False)
        return str(table) + self.plot.html()

    def record(self) -> Record:
        """Return what is to be kept of it."""
        from optimiser.studies.frontier_tables import record

        return record(self)


def frontier(
    instance: Instance,
    measure: str = "hours",
    *,
    points: int | None = POINTS,
    weights: Sequence[Fraction] = (),
    how: How | None = None,
    progress: Tell | None = None,
) -> Frontier:
    """Find what each step of a measure costs.

    Parameters
    ----------
    instance
        What is studied.
    measure
        One of `measures.MEASURES`.
    points
        Limits, evenly spread between the cheapest plan and the furthest one; or None for the
        complete frontier: each limit is the last place beyond the value of the point before
        (Haimes, Lasdon & Wismer 1971), until no plan is left.
    weights
        Prices of a unit of the measure in currency: for each, the plan that costs least with the
        measure so priced is found, too. Such plans are on the frontier, but never all of it.
    how
        How each point is solved; with several jobs, limits are solved side by side.
    progress
        Called with lines and progress.

    Raises
    ------
    UsageError
        There is no such measure, or too few points.
    """
    if points is not None and points < 2:
        raise UsageError(f"points is {points}; give at least 2, or None for all")
    chosen = measure_of(instance, measure)
    if points is None and not chosen.step:
        raise UsageError(
            "Where pairs may be split, limits have no last place that all plans share: give a "
            "number of points."
        )
    working = _Working(instance, chosen, how or How(), progress)
    if points is None:
        working.every()
    else:
        working.spread(points)
    working.weigh(weights)
    return working.frontier(complete=points is None)


class _Working:
    """One frontier while it is found."""

    def __init__(
        self, instance: Instance, measure: Measure, how: How, progress: Tell | None
    ) -> None:
        self.instance, self.measure, self.how, self.progress = instance, measure, how, progress
        self.began = time.monotonic()
        self.solved: dict[str, Result] = {}
        self.found: list[Point] = []
        self.weighted: list[Point] = []
        self.end = "found"
        self.interrupted = False

    def solve(
        self,
        tasks: Sequence[tuple[str, Fraction | None]],
        start: Result | None,
        prices: Result | None = None,
    ) -> list[Point]:
        """Solve some limits; return the points that have a plan.

        They start from the plan of one result and the prices of another, by default the same.
        """
        known = start if prices is None else prices
        works = [
            Work(
                name=name,
                instance=self.instance,
                rows=() if limit is None else self.measure.rows(limit),
                start=None if start is None else start.plan,
                prices=None if known is None else known.prices,
            )
            for name, limit in tasks
        ]
        batch = solve_all(works, self.how, self.progress)
        self.interrupted |= batch.interrupted
        self.solved |= batch.results
        made = []
        for name, limit in tasks:
            result = batch.results.get(name)
            if result is not None and result.account is not None:
                value = self.measure.value(result.account)
                made.append(Point(name=name, limit=limit, value=value, result=result))
        self.found += made
        return made

    def beyond(self, value: Fraction) -> Fraction:
        """Return the limit just beyond a value."""
        return value + self.measure.step if self.measure.more else value - self.measure.step

    def every(self) -> None:
        """Step from each point to the next until no plan is left."""
        made = self.solve([("p0001", None)], None)
        number = 1
        while made and not self.interrupted and number < MOST:
            number += 1
            limit = self.beyond(made[-1].value)
            name = f"p{number:04}"
            made = self.solve([(name, limit)], None)
            if not made and not self.interrupted:
                last = self.solved.get(name)
                self.end = "proved" if last is not None and last.status == "infeasible" else "found"

    def spread(self, count: int) -> None:
        """Limits between the cheapest plan and the furthest one, evenly spread."""
        made = self.solve([("cheapest", None)], None)
        if not made or self.interrupted:
            return
        cheapest = made[0]
        furthest = self.furthest(cheapest)
        if furthest is None or self.interrupted:
            return
        limits = [
            furthest[0] + (cheapest.value - furthest[0]) * Fraction(at, count - 1)
            for at in range(count - 1)
        ]
        # From the tightest limit on: its plan keeps every looser one, and starts the next.
        tasks = [(f"limit{at + 1:02}", limit) for at, limit in enumerate(limits)]
        if self.how.jobs > 1 or self.how.cluster:
            first = self.solve(tasks[:1], furthest[1], cheapest.result)
            if not self.interrupted:
                plan = first[0].result if first else furthest[1]
                self.solve(tasks[1:], plan, cheapest.result)
            return
        # The furthest plan was found for the measure: what rules were worth then is not money.
        plan, prices = furthest[1], cheapest.result
        for task in tasks:
            made = self.solve([task], plan, prices)
            if self.interrupted:
                return
            if made:
                plan = prices = made[0].result

    def furthest(self, cheapest: Point) -> tuple[Fraction, Result] | None:
        """Return how far the measure can go, and a plan there."""
        if self.measure.linear:
            work = Work(name="furthest", instance=self.instance,
                        objective=self.measure.objective(), start=cheapest.result)  # fmt: skip
            batch = solve_all([work], self.how, self.progress)
            self.interrupted |= batch.interrupted
            self.solved |= batch.results
            result = batch.results.get("furthest")
            if result is None or result.account is None:
                return None
            if result.status == "optimal" and result.gap == 0:
                self.end = "proved"
            return self.measure.value(result.account), result
        best = cheapest
        low, high = Fraction(0), cheapest.value
        for number in range(HALVINGS):
            limit = (low + high) / 2
            made = self.solve([(f"search{number + 1}", limit)], None)
            if self.interrupted:
                break
            if made:
                best, high = made[0], made[0].value
            else:
                low = limit
        return best.value, best.result

    def weigh(self, weights: Sequence[Fraction]) -> None:
        """Find the plan of least cost with the measure priced."""
        for number, weight in enumerate(weights, start=1):
            if self.interrupted:
                return
            objective = self.measure.objective(cost=Fraction(1), weight=weight)
            work = Work(name=f"weight{number:02}", instance=self.instance, objective=objective)
            batch = solve_all([work], self.how, self.progress)
            self.interrupted |= batch.interrupted
            self.solved |= batch.results
            for name, result in batch.results.items():
                if result.account is not None:
                    value = self.measure.value(result.account)
                    self.weighted.append(Point(name=name, limit=weight, value=value, result=result))

    def frontier(self, *, complete: bool) -> Frontier:
        """Return what was found, without what is dominated."""
        proved = (
            all(p.result.bound_units == p.result.objective_units for p in self.found)
            and self.end == "proved"
        )
        return Frontier(
            instance=self.instance,
            measure=self.measure,
            points=tuple(undominated(self.found, more=self.measure.more)),
            complete=complete and proved and not self.interrupted,
            solved=self.solved,
            end=self.end,
            weighted=tuple(self.weighted),
            how=self.how,
            interrupted=self.interrupted,
            seconds={"total": time.monotonic() - self.began},
        )


def undominated(points: Sequence[Point], *, more: bool) -> list[Point]:
    """Return the points that no other one is at least as good as in both, from the cheapest on."""
    sign = -1 if more else 1
    kept: list[Point] = []
    for point in sorted(points, key=lambda p: (p.objective, sign * p.value)):
        if not kept or sign * point.value < sign * kept[-1].value:
            kept.append(point)
    return kept

"""Frontiers against all plans of tiny instances."""

from __future__ import annotations

from fractions import Fraction

import pytest
from studies.every_plan import feasible, seeds, tiny

from optimiser.errors import UsageError
from optimiser.studies.frontiers import frontier
from optimiser.studies.measures import MEASURES, measure_of
from optimiser.studies.pool import How

EXACT = How(solver="highs", gap=0.0)


def front(instance, measure):
    """Every undominated pair of objective and value, from the cheapest on, by trying all plans."""
    sign = -1 if measure.more else 1
    pairs = sorted({(a.objective, sign * measure.value(a)) for _, a in feasible(instance)})
    kept: list[tuple[int, Fraction]] = []
    for objective, value in pairs:
        if not kept or value < kept[-1][1]:
            kept.append((objective, value))
    return [(objective, sign * value) for objective, value in kept]


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize("seed", seeds(2, 100))
def test_complete_frontier_is_that_of_all_plans(seed, name):
    """Every undominated point is there, in order, proved, and no other."""
    instance = tiny(seed)
    try:
        measure = measure_of(instance, name)
    except UsageError:
        pytest.skip("nobody has an incumbent")
    expected = front(instance, measure)
    found = frontier(instance, name, points=None, how=EXACT)
    assert [(p.objective, p.value) for p in found.points] == expected
    if expected:
        assert found.complete


@pytest.mark.parametrize("name", ["hours", "largest-provider"])
@pytest.mark.parametrize("seed", seeds(2, 80))
def test_spread_points_are_points_of_the_frontier(seed, name):
    """At gap 0 each point of a spread costs least within its limit, and none is dominated."""
    instance = tiny(seed)
    measure = measure_of(instance, name)
    plans = feasible(instance)
    found = frontier(instance, name, points=5, how=EXACT)
    assert bool(found.points) == bool(plans)
    for point in found.points:
        within = [a.objective for _, a in plans
                  if point.limit is None or measure.value(a) <= point.limit]  # fmt: skip
        assert point.objective == min(within)
    costs = [p.objective for p in found.points]
    values = [p.value for p in found.points]
    assert costs == sorted(set(costs))
    assert values == sorted(set(values), reverse=True)


@pytest.mark.parametrize("seed", seeds(4, 150))
def test_weighted_plan_is_the_least_of_all(seed):
    """A price on hours gives the plan of least money and priced hours of all."""
    instance = tiny(seed)
    measure = measure_of(instance, "hours")
    unit = 10**instance.settings.money_decimals
    plans = feasible(instance)
    found = frontier(instance, "hours", points=2, weights=[Fraction(30)], how=EXACT)
    if not plans:
        assert not found.weighted
        return
    least = min(Fraction(a.cost, unit) + 30 * measure.value(a) for _, a in plans)
    (point,) = found.weighted
    assert Fraction(point.result.cost_units, unit) + 30 * point.value == least


def test_knee_lies_furthest_below_the_line():
    """The knee of the toy instance's frontier is the point with the greatest scaled depth."""
    import optimiser as opt

    found = frontier(opt.read("instances/toy"), "co-operatives", points=None, how=EXACT)
    first, last = found.points[0], found.points[-1]

    def depth(point):
        along = (point.value - first.value) / (last.value - first.value)
        up = Fraction(point.objective - first.objective, last.objective - first.objective)
        return along - up

    deepest = max(map(depth, found.points))
    assert (found.knee is None) == (deepest <= 0)
    assert found.knee is None or depth(found.knee) == deepest


def test_what_cannot_be_asked_is_refused():
    """Unknown measures, too few points, and weights on a largest sum are told apart."""
    import optimiser as opt

    toy = opt.read("instances/toy")
    with pytest.raises(UsageError, match="no measure"):
        frontier(toy, "hour")
    with pytest.raises(UsageError, match="points"):
        frontier(toy, "hours", points=1)
    with pytest.raises(UsageError, match="weighted"):
        frontier(toy, "burden", points=2, weights=[Fraction(1)], how=EXACT)

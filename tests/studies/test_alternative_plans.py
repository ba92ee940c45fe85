"""Alternatives against all plans of tiny instances."""

from __future__ import annotations

from fractions import Fraction

import pytest
from studies.every_plan import feasible, seeds, tiny

from optimiser.errors import UsageError
from optimiser.model.check import check
from optimiser.model.rows import Objective, Quantity
from optimiser.studies.alternative_plans import alternatives
from optimiser.studies.pool import How

EXACT = How(solver="highs", gap=0.0)


def apart(one, other):
    """Count the pairs that two plans of single sourcing deliver differently."""
    return int((one.deliverer != other.deliverer).sum())


@pytest.mark.parametrize("seed", seeds(8, 200))
def test_each_alternative_is_as_different_as_can_be(seed):
    """Each shares least with all before it of all plans near the best, at the least cost."""
    instance = tiny(seed)
    if any(weight != 1 for weight in instance.settings.weights.values()):
        pytest.skip("weights round differently part by part")
    plans = feasible(instance)
    found = alternatives(instance, count=3, within=Fraction(1, 5), how=EXACT)
    if not plans:
        assert found.best.plan is None
        return
    best = min(a.objective for _, a in plans)
    assert found.best.objective_units == best
    near = [(plan, a) for plan, a in plans if a.objective <= best * Fraction(6, 5)]
    before = [found.best.plan]
    pairs = len(instance["demand"])
    for each in found.found.values():
        common = {id(p): sum(pairs - apart(p, b) for b in before) for p, _ in near}
        least = min(common.values())
        assert each.common == least == each.common_bound
        cheapest = min(a.objective for p, a in near if common[id(p)] == least)
        assert each.result.objective_units == cheapest
        before.append(each.result.plan)
    if len(near) == 1:
        assert not found.found
    shared = {row for row in range(pairs) if len({int(p.deliverer[row]) for p in before}) == 1}
    assert set(found.shared) == shared


def test_listed_deliveries_are_counted_alike():
    """The checker and the solver count the same listed deliveries, in-house among them."""
    import optimiser as opt

    toy = opt.read("instances/toy")
    best = opt.solve(toy, solver="highs", gap=0)
    rows = [
        (r.organisation, r.service, r.provider or "in-house") for r in best.allocation.itertuples()
    ]
    objective = Objective(name="common", terms=(Quantity(measure="pairs", listed=tuple(rows)),))
    assert check(toy, best.plan, (), objective).objective == len(rows)
    least = opt.solve(toy, solver="highs", gap=0, objective=objective)
    assert least.objective_units == 0


def test_listed_takes_no_other_restriction():
    """Listed deliveries with a mode, or for another measure, are refused; unknown keys named."""
    import optimiser as opt

    toy = opt.read("instances/toy")
    some = (("nobody", "nothing", "in-house"),)
    for quantity, match in (
        (Quantity(measure="volume", listed=some), "pairs only"),
        (Quantity(measure="pairs", mode="in-house", listed=some), "no other restriction"),
        (Quantity(measure="pairs", listed=some), "nobody"),
    ):
        with pytest.raises(UsageError, match=match):
            opt.solve(toy, solver="highs", objective=Objective(name="x", terms=(quantity,)))


def test_what_makes_no_sense_is_refused():
    """No alternatives at all, and a negative share, are refused."""
    import optimiser as opt

    toy = opt.read("instances/toy")
    with pytest.raises(UsageError, match="count"):
        alternatives(toy, count=0)
    with pytest.raises(UsageError, match="within"):
        alternatives(toy, within=-0.1)

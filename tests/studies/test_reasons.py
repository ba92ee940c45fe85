"""Reasons for a plan, against all plans of tiny instances."""

from __future__ import annotations

from fractions import Fraction

import pytest
from studies.every_plan import feasible, seeds, tiny

import optimiser as opt
from optimiser.errors import UsageError
from optimiser.model.check import check
from optimiser.model.plan import BY_ITSELF
from optimiser.studies.changes import Change, changed
from optimiser.studies.pool import How
from optimiser.studies.reasons import FARTHEST, explain

EXACT = How(solver="highs", gap=0.0)


def all_pairs(instance):
    """Return organisation and service of every pair."""
    demand = instance["demand"]
    return list(
        zip(
            instance["organisations"].keys[demand["organisation"]].tolist(),
            instance["services"].keys[demand["service"]].tolist(),
            strict=True,
        )
    )


@pytest.mark.parametrize("seed", seeds(3, 80))
def test_next_best_is_the_best_of_all_plans(seed):
    """Extra costs are those of enumeration, with all else free and with all else fixed."""
    instance = tiny(seed)
    plans = feasible(instance)
    if not plans:
        pytest.skip("no plan")
    result = opt.solve(instance, solver="highs", gap=0)
    found = explain(result, all_pairs(instance), how=EXACT)
    for row, reason in enumerate(found.reasons):
        ours = int(result.plan.deliverer[row])
        others = [a.objective for p, a in plans if p.deliverer[row] != ours]
        if not others:
            assert reason.stuck
            continue
        extra = min(others) - result.objective_units
        assert reason.free.low == reason.free.high == extra
        alone = [
            a.objective for p, a in plans
            if p.deliverer[row] != ours
            and all(p.deliverer[q] == result.plan.deliverer[q] for q in range(len(p)) if q != row)
        ]  # fmt: skip
        best = reason.next_best
        assert (best is None) == (not alone)
        if best is not None:
            assert best.extra == min(alone) - result.objective_units
            assert best.extra >= extra


@pytest.mark.parametrize("seed", seeds(2, 40))
def test_free_break_even_is_right_on_both_sides(seed):
    """Below the price the best plan keeps the choice; at it the best without is no dearer."""
    instance = tiny(seed)
    if not feasible(instance):
        pytest.skip("no plan")
    result = opt.solve(instance, solver="highs", gap=0)
    found = explain(result, all_pairs(instance)[:2], how=EXACT)
    for row, reason in enumerate(found.reasons):
        ours = int(result.plan.deliverer[row])
        for each in reason.break_evens:
            if not each.free or not each.proved or each.flips is None:
                continue
            unit = 10**3 if ours != BY_ITSELF else 10**instance.settings.money_decimals
            for units, leaves in ((each.flips * unit - 1, False), (each.flips * unit, True)):
                world = changed(instance, [cell(instance, reason, ours, Fraction(units, unit))])
                plans = feasible(world)
                stay = [a.objective for p, a in plans if p.deliverer[row] == ours]
                leave = [a.objective for p, a in plans if p.deliverer[row] != ours]
                assert (min(leave) <= min(stay)) == leaves


def cell(instance, reason, ours, value):
    """Return the change of the price of a choice."""
    if ours == BY_ITSELF:
        where = {"organisation": (reason.organisation,), "service": (reason.service,)}
        return Change(table="demand", where=where, set={"in_house_cost": str(float(value))})
    where = {"provider": (reason.deliverer,), "service": (reason.service,)}
    return Change(table="tariffs", where=where, multiply={"unit_cost": str(value / 100)})


def test_fixed_break_even_is_right_on_both_sides():
    """One last place before the price the other choice is dearer, at the price it is not."""
    instance = opt.read("instances/toy")
    result = opt.solve(instance, solver="highs", gap=0)
    found = explain(result, all_pairs(instance), free=False)
    seen = 0
    for reason in found.reasons:
        best = reason.next_best
        for each in reason.break_evens:
            if best is None or each.flips is None or "in_house_cost" not in each.what:
                continue
            unit = 10**instance.settings.money_decimals
            step = 1 if each.flips > each.now else -1
            for units, flips in ((each.flips * unit - step, False), (each.flips * unit, True)):
                where = {"organisation": (reason.organisation,), "service": (reason.service,)}
                text = {"in_house_cost": str(float(Fraction(units, unit)))}
                change = Change(table="demand", where=where, set=text)
                world = changed(instance, [change])
                moved = best.account.plan
                other, own = check(world, moved).objective, check(world, result.plan).objective
                assert (other <= own) == flips
                seen += 1
            assert each.flips <= each.now * FARTHEST
    assert seen


def test_what_cannot_be_explained_is_refused():
    """Pairs that are not there, and results without a plan, are named."""
    instance = opt.read("instances/toy")
    result = opt.solve(instance, solver="highs", gap=0)
    with pytest.raises(UsageError, match="no pair"):
        explain(result, [("nobody", "nothing")])

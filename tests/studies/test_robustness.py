"""Robust plans and openings, against all plans of tiny instances."""

from __future__ import annotations

import itertools
from fractions import Fraction

import pytest
from studies.every_plan import every_plan, feasible, seeds, tiny

from optimiser.errors import InstanceError, UsageError
from optimiser.model.check import check
from optimiser.studies.changes import Change, changed
from optimiser.studies.pool import How
from optimiser.studies.robustness import AIMS, opened, robust
from optimiser.studies.scenarios import Scenario
from optimiser.studies.sweeps import cvar

EXACT = How(solver="highs", gap=0.0)
SCENARIOS = (
    Scenario(
        name="dear",
        changes=(Change(table="tariffs", multiply={"unit_cost": "2", "fixed_cost": "1.5"}),),
        probability=Fraction(1, 3),
    ),
    Scenario(
        name="home",
        changes=(Change(table="demand", multiply={"in_house_cost": "0.6"}),),
        probability=Fraction(1, 2),
    ),
    Scenario(name="usual", probability=Fraction(1, 6)),
)
SHARES = [s.probability for s in SCENARIOS]
ALPHA = 0.7


def worlds(instance):
    """Return the instance of each scenario."""
    return [changed(instance, s.changes) for s in SCENARIOS]


def combined(aim, values, best):
    """Reckon an aim by its definition."""
    if aim == "expected":
        return sum(p * v for p, v in zip(SHARES, values, strict=True))
    if aim == "worst":
        return Fraction(max(values))
    if aim == "regret":
        return Fraction(max(v - b for v, b in zip(values, best, strict=True)))
    return cvar([Fraction(v) for v in values], SHARES, Fraction(str(ALPHA)))


@pytest.mark.parametrize("aim", AIMS)
@pytest.mark.parametrize("seed", seeds(2, 100))
def test_one_plan_is_the_best_of_all(seed, aim):
    """The plan for all scenarios has the least value of all plans that keep every rule in each."""
    instance = tiny(seed)
    each = worlds(instance)
    objectives = []
    best: list[int | None] = [None] * len(each)
    for plan in every_plan(instance):
        accounts = [check(world, plan) for world in each]
        for k, account in enumerate(accounts):
            if account.feasible:
                known = best[k]
                best[k] = account.objective if known is None else min(known, account.objective)
        if all(account.feasible for account in accounts):
            objectives.append([account.objective for account in accounts])
    found = robust(instance, SCENARIOS, aim=aim, alpha=ALPHA, how=EXACT)
    if not objectives:
        assert found.status == "infeasible"
        return
    least = min(combined(aim, values, best) for values in objectives)
    assert found.joint.value == least, (found.joint, objectives)
    assert found.value.low is not None
    assert found.value.low <= least


@pytest.mark.parametrize("seed", seeds(3, 40))
def test_openings_are_the_best_of_all(seed):
    """Of all sets of open providers, the one found has the least expected cost of recourse."""
    instance = tiny(seed)
    each = worlds(instance)
    keys = instance["providers"].keys.tolist()
    decided = instance["providers"]["decision"].tolist()
    free = [key for key, decision in zip(keys, decided, strict=True) if not decision]
    least = None
    for size in range(len(free) + 1):
        for subset in itertools.combinations(free, size):
            try:
                plans = [feasible(opened(world, subset)) for world in each]
            except InstanceError:  # an option that is required needs its provider
                continue
            if all(plans):
                values = [min(account.objective for _, account in found) for found in plans]
                value = combined("expected", values, None)
                least = value if least is None else min(least, value)
    found = robust(instance, SCENARIOS, stage="openings", how=EXACT)
    if least is None:
        assert found.status in ("infeasible", "unknown")
        return
    assert found.joint.value == least, (found.joint.reasons, found.openings)
    assert found.evpi.low >= 0
    assert found.vss is None or found.vss.low >= 0


def test_knowing_the_future_is_worth_what_it_saves():
    """EVPI of the toy instance is expected cost less the mean of the scenarios' best."""
    import optimiser as opt

    found = robust(opt.read("instances/toy"), SCENARIOS, how=EXACT)
    known = sum(
        share * found.sweep.results[s.name].objective_units
        for s, share in zip(SCENARIOS, SHARES, strict=True)
    )
    assert found.evpi.low == found.evpi.high == found.joint.value - known


def test_unknown_aims_are_refused():
    """An aim or stage that does not exist is named."""
    import optimiser as opt

    toy = opt.read("instances/toy")
    with pytest.raises(UsageError, match="aims are"):
        robust(toy, SCENARIOS, aim="best")
    with pytest.raises(UsageError, match="stage"):
        robust(toy, SCENARIOS, stage="later")

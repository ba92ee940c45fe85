"""Sweeps: scenarios solved, priced under each other, kept and resumed."""

from __future__ import annotations

import itertools
import random
from fractions import Fraction

import pytest
from brute import World, decimal_text, half_away, number
from random_instances import columns, random_instance

from optimiser.errors import InstanceError, UsageError
from optimiser.files.results import deliveries_of
from optimiser.model.build import instance_from
from optimiser.model.check import check
from optimiser.model.plan import BY_ITSELF, Plan
from optimiser.studies.changes import Change
from optimiser.studies.pool import How, Work, solve_all
from optimiser.studies.scenarios import AS_IS, Scenario, parse_scenarios
from optimiser.studies.sweeps import carried, cvar, sweep

DEARER = Change(table="tariffs", multiply={"unit_cost": "1.5"})
CHEAPER = Change(table="demand", multiply={"in_house_cost": "0.5"})
SCENARIOS = (
    Scenario(name="dearer", changes=(DEARER,), probability=Fraction(1, 4)),
    Scenario(name="cheaper", changes=(CHEAPER,), probability=Fraction(3, 4)),
)
EXACT = How(solver="highs", gap=0.0)


def tiny(seed: int):
    """Draw an instance whose plans can all be tried, or skip."""
    tables, settings = random_instance(seed)
    world = World(tables, settings)
    if world.split or any("weights" in name for name in settings):
        pytest.skip("split: brute force and rounding differ")
    return instance_from(columns(tables), settings)


@pytest.mark.parametrize("seed", range(12))
def test_scenarios_are_solved_and_priced_exactly(seed):
    """At gap 0 each plan is its scenario's best, prices are the checker's, regret is the excess."""
    instance = tiny(seed)
    done = sweep(instance, SCENARIOS, how=EXACT)
    assert set(done.results) == {AS_IS, "dearer", "cheaper"}
    for name, result in done.results.items():
        if result.plan is None:
            continue
        for other in done.results:
            account = check(done.instances[other], result.plan)
            price = done.prices[name, other]
            assert bool(price.broken) == (not account.feasible)
            if account.feasible:
                assert price.objective == account.objective
                excess = account.objective - done.results[other].objective_units
                assert excess >= 0
                regret = done.regret(name, other)
                assert regret.low == regret.high == excess


def by_hand(tables, table, column, factor, places):
    """Multiply a column of tables of texts, sharing nothing with the package."""
    rows = []
    for row in tables.get(table, []):
        text = row.get(column, "")
        if text != "":
            text = decimal_text(
                Fraction(half_away(number(text) * factor, 10**places), 10**places), places
            )
        rows.append({**row, column: text})
    return {**tables, table: rows}


@pytest.mark.parametrize("seed", range(30))
def test_scenarios_and_prices_are_those_of_brute_force(seed):
    """Every optimum, price, broken rule and regret agrees with all plans tried on raw tables."""
    tables, settings = random_instance(seed)
    places = int(settings.get("money_decimals", 2))
    # What stands for a blank baseline stays as it was when in-house costs change.
    demand = [
        {**row, "baseline_cost": row.get("baseline_cost") or row.get("in_house_cost", "")}
        for row in tables["demand"]
    ]
    tables = {**tables, "demand": demand}
    dear = by_hand(tables, "tariffs", "unit_cost", Fraction(3, 2), 6)
    cheap = by_hand(tables, "demand", "in_house_cost", Fraction(1, 2), places)
    worlds = {
        AS_IS: World(tables, settings),
        "dearer": World(dear, settings),
        "cheaper": World(cheap, settings),
    }
    if worlds[AS_IS].split:
        pytest.skip("plans of split sourcing are tried in sixths only")
    instance = instance_from(columns(tables), settings)
    done = sweep(instance, SCENARIOS, how=EXACT)
    best = {name: world.solve() for name, world in worlds.items()}
    for name, found in best.items():
        assert (done.results[name].plan is None) == (found.status == "infeasible")
        if found.status != "infeasible":
            assert done.results[name].objective_units == found.objective
            assert done.best[name].low == done.best[name].high == found.objective
    for (plan, where), price in done.prices.items():
        listed = deliveries_of(instance, done.results[plan].plan)
        brute = worlds[where].price(worlds[where].plan(tuple(d.values()) for d in listed))
        assert bool(price.broken) == bool(brute.broken)
        if not price.broken:
            assert (price.objective, price.cost) == (brute.objective, brute.cost)
            regret = done.regret(plan, where)
            assert regret.low == regret.high == brute.objective - best[where].objective
    for risk in done.risks:
        costs = [done.prices[risk.plan, name] for name in ("dearer", "cheaper")]
        if any(price.broken for price in costs):
            assert risk.expected is None
            assert risk.broken
        else:
            dear, cheap = (Fraction(price.objective) for price in costs)
            assert risk.expected == dear / 4 + cheap * 3 / 4
            assert risk.worst == risk.cvar == max(dear, cheap)  # a quarter is more than a tenth


@pytest.mark.parametrize("seed", range(8))
def test_intervals_of_a_wide_gap_hold_the_truth(seed):
    """Solved to a gap of half, regrets and optima are intervals in which the exact ones lie."""
    instance = tiny(seed)
    exact = sweep(instance, SCENARIOS, how=EXACT)
    rough = sweep(instance, SCENARIOS, how=How(solver="highs", gap=0.5))
    for name in rough.plans:
        best = exact.results[name].objective_units
        assert rough.best[name].low <= best <= rough.best[name].high
        for where in rough.results:
            regret = rough.regret(name, where)
            if regret is not None:
                true = rough.prices[name, where].objective - exact.results[where].objective_units
                assert regret.low <= true <= regret.high


def test_same_instance_is_solved_once(monkeypatch):
    """A scenario that changes nothing shares the result of as-is."""
    import optimiser as opt
    from optimiser.studies import pool

    count = []
    genuine = pool.solve
    monkeypatch.setattr(pool, "solve", lambda *a, **k: count.append(1) or genuine(*a, **k))
    same = Scenario(name="same", changes=(Change(table="demand", multiply={"volume": "1"}),))
    done = sweep(opt.read("instances/toy"), [same, *SCENARIOS[:0]], how=EXACT)
    assert len(count) == 1
    assert list(done.results) == [AS_IS, "same"]
    assert done.regret(AS_IS, "same").high == 0


def test_split_plan_keeps_its_shares():
    """A split plan is carried to other volumes with the same shares, nothing lost in rounding."""
    import optimiser as opt
    from optimiser.studies.changes import changed

    old = changed(opt.read("instances/toy"), [Change(set={"sourcing": "split"})])
    new = changed(old, [Change(table="demand", multiply={"volume": "1.2345"})])
    volume = old["demand"]["volume"].tolist()
    parts = [(0, 0, volume[0] // 3), (0, 1, volume[0] - volume[0] // 3)]
    plan = Plan.of([*parts, *((q, BY_ITSELF, volume[q]) for q in range(1, len(volume)))])
    there = carried(plan, old, new)
    after = new["demand"]["volume"].tolist()
    for pair, total in enumerate(after):
        assert there.volume[there.pair == pair].sum() == total
    assert abs(there.volume[0] - Fraction(after[0], 3)) < 2


@pytest.mark.parametrize("setting", ["money_decimals", "volume_decimals", "currency"])
def test_what_makes_scenarios_incomparable_is_refused(setting):
    """Currency and last places stay as they are, and every scenario that changes them is named."""
    import optimiser as opt

    value = "EUR" if setting == "currency" else "4"
    bad = [Scenario(name=n, changes=(Change(set={setting: value}),)) for n in ("a", "b")]
    with pytest.raises(InstanceError) as caught:
        sweep(opt.read("instances/toy"), bad)
    assert [fault.source for fault in caught.value.faults] == ["a", "b"]


@pytest.mark.parametrize("seed", range(20))
def test_cvar_is_the_mean_of_the_worst(seed):
    """The formula agrees with sorting the costs and averaging the worst share of them."""
    rng = random.Random(seed)
    count = rng.randint(1, 6)
    values = [Fraction(rng.randint(0, 50)) for _ in range(count)]
    cuts = [Fraction(rng.randint(1, 9)) for _ in range(count)]
    shares = [cut / sum(cuts) for cut in cuts]
    alpha = Fraction(rng.choice((0, 5, 9, 99)), rng.choice((10, 100)))
    alpha = min(alpha, Fraction(99, 100))
    left, total = 1 - alpha, Fraction(0)
    for value, share in sorted(zip(values, shares, strict=True), reverse=True):
        part = min(share, left)
        total, left = total + part * value, left - part
    assert cvar(values, shares, alpha) == total / (1 - alpha)
    assert cvar(values, shares, Fraction(1)) == max(values)


def test_plan_is_carried_to_other_volumes():
    """A plan is priced under a scenario of other volumes, each pair whole where it was."""
    instance = instance_from(*toy())
    more = Scenario(name="more", changes=(Change(table="demand", multiply={"volume": "1.1"}),))
    done = sweep(instance, [more], how=EXACT)
    for (_, other), price in done.prices.items():
        if not price.broken:
            plan = done.results[other].plan
            assert plan.volume.sum() == done.instances[other]["demand"]["volume"].sum()


def toy():
    """Return the tables of the toy instance as columns."""
    import optimiser as opt
    from optimiser.model.schema import TABLES
    from optimiser.model.settings import settings_texts

    instance = opt.read("instances/toy")
    tables = {
        name: {c.name: instance.texts(name, c.name) for c in schema.columns}
        for name, schema in TABLES.items()
        if len(instance[name])
    }
    return tables, settings_texts(instance)


def test_what_was_solved_is_taken_again(tmp_path, monkeypatch):
    """A second run takes every result that is there, and solves only what is missing."""
    import shutil

    import optimiser as opt
    from optimiser.studies import pool

    instance = opt.read("instances/toy")
    tasks = [Work(name=name, instance=instance) for name in ("a", "b", "c")]
    how = How(solver="highs", keep=tmp_path)
    first = solve_all(tasks, how)
    assert not first.taken
    shutil.rmtree(tmp_path / "results" / "b")
    solved = []
    genuine = pool.solve
    monkeypatch.setattr(pool, "solve", lambda *a, **k: solved.append(1) or genuine(*a, **k))
    again = solve_all(tasks, how)
    assert again.taken == ["a", "c"]
    assert len(solved) == 1
    assert [r.cost_units for r in again.results.values()] == [
        r.cost_units for r in first.results.values()
    ]


def test_tampered_result_is_not_taken(tmp_path):
    """A result whose figures do not agree with the tables is solved again."""
    import optimiser as opt

    tasks = [Work(name="a", instance=opt.read("instances/toy"))]
    how = How(solver="highs", keep=tmp_path)
    solve_all(tasks, how)
    file = tmp_path / "results" / "a" / "result.json"
    text = file.read_text()
    assert '"units"' in text
    import json

    content = json.loads(text)
    content["cost"]["units"] += 1
    file.write_text(json.dumps(content))
    assert not solve_all(tasks, how).taken


def test_processes_give_the_same(tmp_path):
    """Two processes give what one gives."""
    import optimiser as opt

    instance = opt.read("instances/toy")
    one = sweep(instance, SCENARIOS, how=EXACT)
    two = sweep(instance, SCENARIOS, how=How(solver="highs", gap=0.0, jobs=2))
    assert one.record().tables["prices"] == two.record().tables["prices"]


def test_every_fault_of_a_file_is_told_at_once():
    """Unknown names, a missing change, probabilities off and a repeated name come together."""
    content = {
        "scenario": [
            {"name": "a", "probability": "1/2", "chance": 1, "use": ["nothing"]},
            {"name": "a", "probability": "2/5"},
        ]
    }
    with pytest.raises(InstanceError) as caught:
        parse_scenarios(content, "scenarios.toml")
    text = str(caught.value)
    for part in ("chance", "nothing", "add up to 1", "this name"):
        assert part in text, text


def test_levels_combine():
    """Every combination of levels is a scenario; probabilities multiply."""
    level = [{"name": n, "probability": p} for n, p in (("x", "1/4"), ("y", "3/4"))]
    spread = {"name": "hour", "table": "demand", "multiply": {"volume": [1, 2]}}
    found = parse_scenarios({"factor": [{"name": "f", "level": level}, spread]}, "s")
    assert len(found) == 4
    assert len({scenario.name for scenario in found}) == 4
    total = [s.probability for s in found]
    assert total == [None] * 4 or sum(total) == 1


def test_alpha_out_of_range_is_refused():
    """CVaR has a level from 0 to 1."""
    import optimiser as opt

    with pytest.raises(UsageError, match="alpha"):
        sweep(opt.read("instances/toy"), SCENARIOS, alpha=2)


def test_all_pairs_of_shipped_scenarios_are_changes_of_their_instance():
    """The shipped scenario files can be applied to their instances, as an election would."""
    import optimiser as opt
    from optimiser.studies.changes import changed

    for name in ("southwest-one", "whitehall-2010"):
        instance = opt.read(f"instances/{name}")
        found = opt.read_scenarios(f"instances/{name}/scenarios.toml")
        assert sum(s.probability for s in found) == 1
        made = [changed(instance, s.changes) for s in found]
        assert all(a != b for a, b in itertools.combinations([instance, *made], 2))

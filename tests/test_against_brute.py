"""Checker and solvers against brute force, which reads the same texts on its own."""

from __future__ import annotations

import itertools
import math
import random
from fractions import Fraction
from typing import Any

import pytest
from brute import IN_HOUSE, World
from random_instances import columns, random_instance, random_rows

from optimiser.model.build import instance_from
from optimiser.model.check import check
from optimiser.model.plan import BY_ITSELF, Plan
from optimiser.solvers.session import solve

PLANS = 200
TIME_LIMIT = 60
SEEDS = [
    *range(60),
    *(pytest.param(seed, marks=pytest.mark.long) for seed in range(60, 560)),
]


def package_plan(world: World, plan: Any) -> Plan:
    """Write a plan of brute force as one of the package."""
    row = {p: n for n, p in enumerate(world.providers)}
    row[IN_HOUSE] = BY_ITSELF
    scale = 10**world.volume_decimals
    return Plan.of(
        (q, row[deliverer], int(part * scale))
        for q, split in enumerate(plan)
        for deliverer, part in split
    )


def some_plans(world: World, rng: random.Random) -> list[Any]:
    """All plans of options, or a sample of them, whatever else they break."""
    choices = [world.choices(q, all_options=True) for q in range(len(world.needs))]
    if math.prod(map(len, choices)) <= PLANS:
        return list(itertools.product(*choices))
    return [tuple(map(rng.choice, choices)) for _ in range(PLANS)]


def wild_plans(world: World, rng: random.Random) -> list[Any]:
    """Plans that also break what no plan of options breaks: options, volumes, single sourcing."""
    scale = 10**world.volume_decimals
    result = []
    for _ in range(20):
        plan = []
        for q, need in enumerate(world.needs):
            sane = world.choices(q, all_options=True)
            who = rng.sample([*world.providers, IN_HOUSE], 1 + (rng.random() < 0.1))
            unit = Fraction(1, scale)
            if sane and rng.random() < 0.7:
                plan.append(rng.choice(sane))
            elif len(who) == 2 and need.volume > unit:
                plan.append(((who[0], unit), (who[1], need.volume - unit)))
            elif rng.random() < 0.2:
                plan.append(((who[0], need.volume + unit),))
            else:
                plan.append(((who[0], need.volume),) if rng.random() < 0.8 else ())
        result.append(tuple(plan))
    return result


@pytest.mark.parametrize("seed", SEEDS)
def test_checker_reckons_what_brute_force_reckons(seed):
    """Cost, objective, parts and broken rules of a plan are the same, read twice."""
    tables, settings = random_instance(seed)
    world, instance = World(tables, settings), instance_from(columns(tables), settings)
    rows = random_rows(seed, tables, settings) if seed % 3 == 0 else []
    rng = random.Random(seed)
    for plan in some_plans(world, rng):
        ours, account = world.price(plan, rows), check(instance, package_plan(world, plan), rows)
        assert account.parts == ours.parts, world.texts(plan)
        assert account.objective_parts == ours.objective_parts, world.texts(plan)
        assert (account.cost, account.objective) == (ours.cost, ours.objective)
        assert {v.rule for v in account.violations} == set(ours.broken), world.texts(plan)
        assert account.feasible == (not ours.broken)
        seen = world.view(plan)
        one_offs = world.measure(seen, "one_off_cost") * world.scale
        assert sum(account.one_off.values()) == one_offs, world.texts(plan)
        assert account.moved == world.measure(seen, "moved_pairs"), world.texts(plan)
        assert {a.key: a.hours for a in account.authorities} == {
            key: world.authority(key, plan)[4] for key in world.authorities
        }
        assert sum(a.contracts for a in account.authorities) == world.measure(seen, "contracts")


@pytest.mark.parametrize("seed", SEEDS)
def test_checker_sees_plans_of_no_options(seed):
    """Plans outside the options, short of volume or shared out are refused by the same rules."""
    tables, settings = random_instance(seed)
    world, instance = World(tables, settings), instance_from(columns(tables), settings)
    structure = {"option", "volume", "single", "required"}
    for plan in wild_plans(world, random.Random(seed)):
        ours = set(world.price(plan).broken)
        account = check(instance, package_plan(world, plan))
        theirs = {"option" if v.rule == "barred" else v.rule for v in account.violations}
        assert theirs & structure == ours & structure, world.texts(plan)
        assert account.feasible == (not ours), world.texts(plan)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what takes a solver once with each solver that was asked for."""
    if "solver" in metafunc.fixturenames:
        metafunc.parametrize("solver", metafunc.config.getoption("--solvers"))


def rounding_slack(world: World) -> int:
    """Most that rounding parts of pairs can move the objective by: one per product that scales."""
    return sum(3 * len(options) + 4 for options in world.options)


def refused(result: Any) -> bool:
    """Whether a solver says that it cannot represent the problem."""
    return result.status == "error" and any("cannot take" in why for why in result.reasons)


def compare(seed: int, solver: str, rows: bool) -> None:
    """Solve, and hold the answer against the best of all plans."""
    tables, settings = random_instance(seed)
    world, instance = World(tables, settings), instance_from(columns(tables), settings)
    side = random_rows(seed, tables, settings) if rows else []
    best = world.solve(side)
    result = solve(instance, solver=solver, gap=0, time_limit=TIME_LIMIT, rows=side)
    if refused(result):
        pytest.skip(f"{solver} refuses: {result.reasons[-1]}")
    told = (result.status, result.objective_units, result.bound_units, result.reasons)
    if best.status == "infeasible":
        assert result.status == "infeasible", told
        return
    assert result.status == "optimal" or (world.split and result.status == "feasible"), told
    assert result.bound_units is None or result.bound_units <= best.objective, (told, best[:3])
    if world.split:
        assert best.objective <= result.objective_units, (told, best[:3])
        assert result.objective_units <= best.objective + rounding_slack(world), (told, best[:3])
    if result.status == "optimal":
        assert result.objective_units == best.objective, (told, best[:3])
        assert result.account.feasible


@pytest.mark.parametrize("seed", SEEDS)
def test_solver_finds_the_best_of_all_plans(seed, solver):
    """Status and objective are those of brute force, and no bound lies above the best plan."""
    compare(seed, solver, rows=False)


@pytest.mark.parametrize("seed", SEEDS[::3])
def test_solver_keeps_side_rows(seed, solver):
    """The same with side rows that brute force counts by itself."""
    compare(seed, solver, rows=True)

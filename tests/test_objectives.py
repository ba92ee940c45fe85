"""Other objectives than money, against brute force that counts them by itself."""

from __future__ import annotations

import itertools
import math
import random
from fractions import Fraction

import pytest
from brute import World
from random_instances import _quantity as random_quantity
from random_instances import columns, random_instance

from optimiser.errors import UsageError
from optimiser.model.build import instance_from
from optimiser.model.check import check
from optimiser.model.rows import Objective, Quantity, places
from optimiser.solvers.session import solve

MOST_PLANS = 3000
SEEDS = [*range(20), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(20, 500))]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what takes a solver once with each solver that was asked for."""
    if "solver" in metafunc.fixturenames:
        metafunc.parametrize("solver", metafunc.config.getoption("--solvers"))


def best_value(world: World, objective: Objective) -> Fraction | None:
    """Least value over all plans that keep every rule; None if there is no plan."""
    best = None
    for plan in itertools.product(*(world.choices(q) for q in range(len(world.needs)))):
        priced = world.price(plan)
        if priced.broken:
            continue
        seen = world.view(plan)
        seen.parts = priced.parts
        value = sum((t.coefficient * world.quantity(t, seen) for t in objective.terms), Fraction())
        best = value if best is None else min(best, value)
    return best


@pytest.mark.parametrize("seed", SEEDS)
def test_solver_finds_the_least_of_what_is_asked(seed, solver):
    """With one to three quantities as the objective the optimum is that of all plans, counted."""
    tables, settings = random_instance(seed)
    world = World(tables, settings)
    count = math.prod(len(world.choices(q)) for q in range(len(world.needs)))
    if world.split or count > MOST_PLANS:
        pytest.skip("too many plans to count")
    rng = random.Random(f"objective {seed}")
    terms = tuple(random_quantity(world, rng) for _ in range(rng.choice((1, 1, 2, 3))))
    objective = Objective(name="drawn", terms=terms)
    instance = instance_from(columns(tables), settings)
    try:
        result = solve(instance, solver=solver, gap=0, time_limit=60, objective=objective)
    except UsageError as error:
        if "too many digits" not in str(error):
            raise
        pytest.skip("its numbers are too large")  # the draws hold numbers at every limit
    if result.status == "error" and any("cannot take" in why for why in result.reasons):
        pytest.skip(f"{solver} refuses")
    best = best_value(world, objective)
    told = (result.status, result.objective_units, result.bound_units, result.reasons)
    if best is None:
        assert result.status == "infeasible", told
        return
    assert result.status == "optimal", told
    assert Fraction(result.objective_units, 10 ** places(objective, instance)) == best, told
    assert result.bound_units <= result.objective_units, told
    account = check(instance, result.plan, (), objective)
    assert account.feasible
    assert account.objective == result.objective_units


def test_objective_that_cannot_be_held_is_refused():
    """A third of a quantity, and making a plan dearer, are refused by name."""
    tables, settings = random_instance(0)
    instance = instance_from(columns(tables), settings)
    third = Objective(name="thirds", terms=(Quantity(measure="pairs", coefficient=Fraction(1, 3)),))
    with pytest.raises(UsageError, match=r"thirds.*decimals"):
        solve(instance, solver="highs", objective=third)
    dear = Objective(name="dear", terms=(Quantity(measure="cost", coefficient=Fraction(-1)),))
    with pytest.raises(UsageError, match=r"dear.*minimised"):
        solve(instance, solver="highs", objective=dear)


def test_saved_result_of_another_objective_verifies(tmp_path):
    """What was minimised is saved with the result, and its figures are checked in its own units."""
    import optimiser as opt

    instance = opt.read("instances/toy")
    hours = Objective(name="hours of oversight", terms=(Quantity(measure="oversight_hours"),))
    result = opt.solve(instance, objective=hours, gap=0)
    assert result.status == "optimal"
    assert result.objective <= sum(float(a.hours) for a in result.account.authorities) + 1e-9
    opt.write(result, tmp_path / "hours")
    verification = opt.verify(tmp_path / "hours")
    assert verification.ok, verification.lines()
    assert any("hours of oversight" in line for line in verification.lines())

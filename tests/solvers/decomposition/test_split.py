"""Split sourcing: the engine's own way with it against brute force, and flows made whole."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from brute import World
from random_instances import columns, random_instance

from optimiser.errors import UnsupportedError
from optimiser.model.build import instance_from
from optimiser.model.check import check
from optimiser.model.clean import clean
from optimiser.model.compile import compile_problem
from optimiser.solvers.base import Options
from optimiser.solvers.decomposition import split
from optimiser.solvers.decomposition.engine import Decomposition
from optimiser.solvers.milp import flows
from optimiser.solvers.milp.formulation import Formulation
from optimiser.solvers.milp.highs import Highs
from optimiser.studies.generate import generate

#: The first sixty split ones among random instances, and more.
SPLIT = [seed for seed in range(600) if random_instance(seed)[1].get("sourcing") == "split"]
SEEDS = [*SPLIT[:60], *(pytest.param(seed, marks=pytest.mark.long) for seed in SPLIT[60:])]


def family(name, seed=0, **sizes):
    """Return a generated instance under split sourcing, and its cleaned problem."""
    instance = generate(name, seed=seed, **sizes)
    settings = dataclasses.replace(instance.settings, sourcing="split")
    instance = dataclasses.replace(instance, settings=settings)
    return instance, clean(compile_problem(instance))[0]


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_done_for_large_problems_is_right_for_tiny_ones(seed, monkeypatch):
    """With nothing too tiny for it, the bound is no more than brute force's best, the plan no less.

    At gap 0 they meet within the roundings that split sourcing allows for.
    """
    monkeypatch.setattr(split, "TINY", 0)
    tables, settings = random_instance(seed)
    world, instance = World(tables, settings), instance_from(columns(tables), settings)
    best, problem = world.solve([]), clean(compile_problem(instance))[0]
    try:
        outcome = Decomposition().solve(problem, Options(gap=0, time_limit=20), lambda _: None)
    except UnsupportedError as refused:
        pytest.skip(f"refused: {refused}")
    if best.status == "infeasible":
        assert (outcome.reason, outcome.plan) == ("infeasible", None), outcome
        return
    assert outcome.plan is not None, outcome
    account = check(instance, outcome.plan)
    assert account.feasible, account.violations
    room = 1e-9 * abs(best.objective) + 1e-3
    assert outcome.bound <= best.objective + room
    assert account.objective >= best.objective
    assert account.objective <= best.objective + 2 * problem.slack + 1 + room


@pytest.mark.parametrize("name", ["regional", "staircase", "everything", "schools"])
def test_generated_families_get_plans_and_bounds(name):
    """Plans keep every rule, and HiGHS's bound and plan do not contradict the engine's."""
    sizes = {"organisations": 20, "services": 3}
    instance, problem = family(name, **sizes)
    options = Options(time_limit=8)
    ours = Decomposition().solve(problem, options, lambda _: None)
    theirs = Highs().solve(problem, options, lambda _: None)
    assert ours.plan is not None
    account = check(instance, ours.plan)
    assert account.feasible, account.violations
    assert ours.bound <= account.objective
    if theirs.bound is not None:
        assert theirs.bound <= account.objective + problem.slack
    if theirs.plan is not None:
        assert ours.bound <= check(instance, theirs.plan).objective


@pytest.mark.parametrize("seed", range(4))
def test_flows_between_whole_ones_are_made_whole_and_no_dearer(seed):
    """A blend of two flows through the same bands becomes whole, keeps all rows, and costs less."""
    _, problem = family("cornuejols", seed, organisations=12, centres=6)
    assert flows.are_whole(problem)
    formulation = Formulation(problem)
    matrix = formulation.matrix
    rng = np.random.default_rng(seed)
    opened = np.ones(formulation.columns.count)
    opened[formulation.columns.block("x")] = 0
    ends = [
        flows.cheapest(formulation.columns, rng.uniform(0, 1, len(opened)), opened)
        for _ in range(2)
    ]
    assert all(end is not None for end in ends)
    blend = 0.37 * ends[0] + 0.63 * ends[1]
    whole = flows.made_whole(formulation.columns, matrix.cost, blend)
    assert np.array_equal(whole, np.rint(whole))
    activity = matrix.a @ whole
    assert np.all(activity >= matrix.row_lower)
    assert np.all(activity <= matrix.row_upper)
    assert matrix.cost @ whole <= matrix.cost @ blend * (1 + 1e-9)


def test_counting_offers_loses_no_plan():
    """The row that counts offers holds at the best plan, and there is one for the one service."""
    _, problem = family("cornuejols", 0, organisations=12, centres=6)
    best = Highs().solve(problem, Options(time_limit=20), lambda _: None)
    formulation = Formulation(problem, counting=True)
    assert formulation.matrix.rows == Formulation(problem).matrix.rows + 1
    vector = formulation.encode(best.plan)
    activity = formulation.matrix.a @ vector
    assert np.all(activity <= formulation.matrix.row_upper)

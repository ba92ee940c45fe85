"""Multipliers that one solve leaves to the next, and limits that are overstepped at a price."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from brute import World
from random_instances import columns, random_instance

import optimiser as opt
from optimiser.model.build import instance_from
from optimiser.model.clean import clean
from optimiser.model.compile import compile_problem
from optimiser.model.plan import Plan
from optimiser.solvers.base import Prices
from optimiser.solvers.decomposition import board as boards
from optimiser.solvers.decomposition.prices import first_ascent, prices_of
from optimiser.solvers.decomposition.relaxation import SHORT, Ascent, Relaxation
from optimiser.solvers.decomposition.searching import Search, pulls
from optimiser.solvers.milp.formulation import Formulation
from optimiser.studies.changes import Change, changed
from optimiser.studies.generate import generate

SIZES = {"organisations": 12, "services": 3, "centres": 4, "co_operatives": 6}


def relaxation_of(instance, *, cleaned=True):
    """The relaxation of an instance."""
    problem = compile_problem(instance)
    return Relaxation(Formulation(clean(problem)[0] if cleaned else problem))


def risen(relaxation, steps=400):
    """An ascent that has gone most of its way."""
    ascent = Ascent(relaxation, relaxation.prices())
    ascent.run(steps, ascent.aim(math.inf))
    return ascent


@pytest.mark.parametrize("family", ["regional", "oversight", "everything"])
def test_a_problem_knows_its_own_prices_again(family):
    """On the same problem the bound is at once what it was, and steps are short."""
    relaxation = relaxation_of(generate(family, seed=1, **SIZES))
    old = risen(relaxation)
    again = first_ascent(relaxation, prices_of(relaxation, old.multipliers))
    assert again.look() == pytest.approx(old.bound, rel=1e-12)
    assert again.step == SHORT


@pytest.mark.parametrize("family", ["regional", "oversight", "everything"])
def test_prices_pass_from_the_cleaned_problem_to_the_whole(family):
    """What cleaning has dropped does not hide what the other rows are worth."""
    instance = generate(family, seed=2, **SIZES)
    small, whole = relaxation_of(instance), relaxation_of(instance, cleaned=False)
    assert len(small.lower) < len(whole.lower)
    old = risen(small)
    usual = Ascent(whole, whole.prices()).look()
    found = first_ascent(whole, prices_of(small, old.multipliers)).look()
    # Under `everything` most of what was dropped had to be so for the bound.
    share = 0.3 if family == "everything" else 0.8
    assert found - usual > share * (old.bound - usual)


def test_prices_survive_rows_that_go():
    """Without one of the providers, the others' rows are still known by their prices."""
    instance = generate("regional", seed=3, **SIZES)
    old = risen(relaxation_of(instance))
    dearer = changed(
        instance, [Change(table="tariffs", where={"provider": ("C00000",)},
                          multiply={"unit_cost": "3"})]
    )  # fmt: skip
    new = relaxation_of(dearer)
    assert first_ascent(new, prices_of(old.relaxation, old.multipliers)).look() > Ascent(
        new, new.prices()
    ).look()


@pytest.mark.parametrize("seed", range(20))
def test_wrong_prices_make_nothing_wrong(seed):
    """Whatever is handed over as prices, plan and bound agree with brute force."""
    tables, settings = random_instance(seed)
    best = World(tables, settings).solve([])
    instance = instance_from(columns(tables), settings)
    rng = np.random.default_rng(seed)
    relaxation = relaxation_of(instance)
    known = prices_of(relaxation, rng.normal(0.0, 1e9, len(relaxation.rows)))
    assert len(np.unique(known.keys)) == len(known.keys)
    more = Prices(
        keys=np.concatenate([known.keys, rng.integers(0, 2**63, 9).astype(np.uint64)]),
        values=np.concatenate([known.values, rng.normal(0.0, 1e12, 9)]),
    )
    result = opt.solve(instance, solver="decomposition", gap=0, prices=more)
    assert result.objective_units == (best.objective if best.status == "optimal" else None)


def test_a_result_brings_its_prices():
    """A start that is a result starts the bound, too; what was asked does not keep them."""
    instance = generate("regional", seed=4, **SIZES)
    first = opt.solve(instance, solver="decomposition", gap=0.02)
    assert first.prices is not None
    second = opt.solve(instance, solver="decomposition", gap=0.02, start=first)
    assert second.options.prices is None
    assert second.certified_bound_units is not None
    first_bounds = [p.bound for p in second.trace if p.bound is not None]
    cold = [p.bound for p in first.trace if p.bound is not None]
    assert first_bounds[0] >= cold[0]
    assert opt.solve(instance, solver="highs", gap=0.02, start=first).prices is None


def test_limits_overstepped_cost_what_they_are_worth():
    """On a loosened board a broken policy costs its worth, and what is kept costs nothing."""
    problem = compile_problem(generate("everything", seed=0, organisations=12, services=3,
                                       centres=4, co_operatives=6))  # fmt: skip
    tight = dataclasses.replace(
        problem, rows=tuple(dataclasses.replace(row, lower=None, upper=None)
                            for row in problem.rows)
    )  # fmt: skip
    worth = np.arange(1.0, len(problem.rows) + 1)
    choice = np.searchsorted(problem.option_pair, np.arange(problem.pairs))  # each one's first
    strict, loose, free = boards.lay(problem), boards.lay(problem), boards.lay(tight)
    boards.loosen(loose, worth)
    for board in (strict, loose, free):
        boards.assign(board, choice)
    rows = loose.rows
    over = np.maximum(np.maximum(rows["activity"] - rows["hi"], rows["lo"] - rows["activity"]), 0)
    assert loose.total.sum() - free.total.sum() == pytest.approx(float(worth @ over), abs=1.0)
    assert loose.total[0] == pytest.approx(strict.total[0])


def test_loose_rounds_leave_plans_that_keep_every_rule():
    """Where policies bind, what a loose round finds keeps them, and it does find something."""
    instance = generate("everything", seed=1, organisations=20, services=3, centres=5,
                        co_operatives=8)  # fmt: skip
    problem = clean(compile_problem(instance))[0]
    relaxation = Relaxation(Formulation(problem))
    ascent = risen(relaxation)
    search = Search(problem, pulls(relaxation, ascent.multipliers), 0)
    search.start(search.choices(Plan.of(())))
    better = 0
    for at in range(24):
        if at % 8 == 0:
            search.venture(ascent)
        better += search.explore(1000, 0.3, onward=at % 8 < 2, loose=at % 2 == 1)
    assert ascent.multipliers[relaxation.shadowed].any(), "no limit binds"
    assert math.isfinite(search.value)
    assert better
    account = opt.check(instance, search.plan())
    assert account.feasible
    assert account.objective == round(search.value)

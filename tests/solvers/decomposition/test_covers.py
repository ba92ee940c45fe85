"""Covers of a service's volume, chosen as a whole: bounds, fixing, proofs and certificates."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from brute import World
from random_instances import columns
from test_against_brute import package_plan
from tight_instances import tight_instance

import optimiser as opt
from optimiser.certificate.facts import Rejected
from optimiser.certificate.proof import Certificate, Multipliers, Stage
from optimiser.certificate.verifier import prove
from optimiser.model.build import instance_from
from optimiser.model.compile import compile_problem
from optimiser.solvers.decomposition import blocks
from optimiser.solvers.decomposition.fixing import lift
from optimiser.solvers.decomposition.relaxation import Ascent, Relaxation
from optimiser.solvers.milp.facts import digits, facts, multipliers
from optimiser.solvers.milp.formulation import Formulation

SEEDS = [*range(40), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(40, 400))]


def drawn(seed):
    """Return the instance, brute force's answer, its relaxation, and its best plan's columns."""
    tables, settings = tight_instance(seed)
    world, instance = World(tables, settings), instance_from(columns(tables), settings)
    answer = world.solve([])
    relaxation = Relaxation(Formulation(compile_problem(instance)))
    best = None
    if answer.status != "infeasible":
        plan = package_plan(world, world.plan(answer.plans[0]))
        best = relaxation.formulation.encode(plan)
    return instance, answer, relaxation, best


def points(relaxation, target):
    """Yield multipliers: at the start, on the way up and at random."""
    if len(relaxation.pair_rows) < relaxation.problem.pairs:
        pytest.skip("a pair has nobody to go to")
    rng = np.random.default_rng(0)
    ascent = Ascent(relaxation, relaxation.prices())
    for _ in range(4):
        yield ascent.multipliers.copy()
        ascent.run(40, target)
    scale = np.abs(ascent.multipliers).mean() + 1.0
    m = relaxation.blocks
    for _ in range(6):
        values = ascent.multipliers + rng.normal(0.0, scale * rng.random(), len(m.low))
        values = np.where(np.isinf(m.low), np.minimum(values, 0.0), values)
        yield np.where(np.isinf(m.high), np.maximum(values, 0.0), values)


def bound_at(relaxation, prices):
    """Return the bound and the minimiser."""
    count = relaxation.columns.count
    reduced, x, values = np.empty(count), np.empty(count), np.empty(len(relaxation.blocks.lo))
    m = relaxation.blocks
    found = blocks.evaluate(m, relaxation.lower, relaxation.upper, prices, reduced, x, values)
    return found + relaxation.offset, x


@pytest.mark.parametrize("seed", SEEDS)
def test_bound_is_at_most_the_optimum_and_no_less_than_without_covers(seed):
    """At any multipliers; and the providers chosen have the room that is needed."""
    _, answer, relaxation, _ = drawn(seed)
    plain = relaxation.blocks._replace(
        cover=np.full_like(relaxation.blocks.cover, -1), cover_start=np.zeros(1, dtype=np.int64),
        cover_provider=np.zeros(0, dtype=np.int64), need=np.zeros(0),
    )  # fmt: skip
    with_covers = relaxation.blocks
    for prices in points(relaxation, answer.objective or 10_000):
        relaxation.blocks = with_covers
        bound, x = bound_at(relaxation, prices)
        relaxation.blocks = plain
        less, _ = bound_at(relaxation, prices)
        assert bound >= less - 1e-6 * (1 + abs(less))
        if answer.status == "infeasible" or bound == np.inf:
            assert answer.status == "infeasible"
            continue
        assert bound <= answer.objective + 1e-6 * (1 + abs(answer.objective))
        problem = relaxation.problem
        in_force = np.zeros(problem.size("offer"), dtype=bool)
        in_force[problem.band_offer[x[relaxation.columns.block("z")] > 0]] = True
        room = np.zeros(problem.size("offer"))  # of the largest band, whichever is in force
        np.maximum.at(room, problem.band_offer, with_covers.hi)
        for g, need in enumerate(with_covers.need):
            mine = with_covers.cover[problem.offer_provider] == g
            assert room[mine & in_force].sum() >= need


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_lifted_beyond_the_optimum_is_not_in_it(seed):
    """No column of the best plan lifts the bound above its cost."""
    _, answer, relaxation, best = drawn(seed)
    if best is None:
        pytest.skip("no plan to compare with")
    for prices in points(relaxation, answer.objective):
        rise, bound = lift(relaxation.blocks, relaxation.lower, relaxation.upper, prices)
        used = np.flatnonzero(best > 0)
        room = answer.objective - bound - relaxation.offset
        assert rise[used].max() <= room + 1e-6 * (1 + abs(answer.objective))


@pytest.mark.parametrize("seed", SEEDS)
def test_certificates_of_covers_bound_the_optimum(seed):
    """The verifier proves what the engine reckons, and with a cutoff no more than that."""
    _, answer, relaxation, _ = drawn(seed)
    formulation = relaxation.formulation
    known, fine = facts(formulation), digits(formulation, relaxation.rows)
    stages = []
    for prices in points(relaxation, answer.objective or 10_000):
        made = multipliers(formulation, relaxation.rows, prices / relaxation.scale, fine)
        stages.append(Stage(multipliers=made))
        proved = prove(Certificate(stages=(stages[-1],), digits=fine), known)
        bound, _ = bound_at(relaxation, prices)
        if proved is None or bound == np.inf:
            assert answer.status == "infeasible"
            continue
        assert proved >= bound - 1 - 1e-6 * abs(bound)
        assert answer.status == "infeasible" or proved <= answer.objective
    rng = random.Random(seed)
    for _ in range(5):
        cutoff = (answer.objective or 500) + rng.randint(-40, 40)
        chosen = tuple(rng.sample(stages, 3))
        proved = prove(Certificate(stages=chosen, digits=fine, cutoff=cutoff), known)
        if answer.status != "infeasible":
            assert proved is not None
            assert proved <= max(answer.objective, 0) or proved <= min(answer.objective, cutoff)


@pytest.mark.parametrize("seed", SEEDS)
def test_engine_and_general_solver_find_the_optimum(seed):
    """Both, on the formulation with rooms; the certified bound is no higher."""
    instance, answer, _, _ = drawn(seed)
    for solver in ("decomposition", "highs"):
        result = opt.solve(instance, solver=solver, gap=0, time_limit=60)
        if answer.status == "infeasible":
            assert result.status == "infeasible"
            continue
        assert result.objective_units == answer.objective
        assert result.bound_units <= answer.objective
        certified = result.certified_bound_units
        assert certified is None or certified <= answer.objective


def test_a_room_that_is_none_is_refused():
    """A row that asks for something else than bands in force cannot serve as a room."""
    _, _, relaxation, _ = drawn(1)
    known = facts(relaxation.formulation)
    assert len(known.rooms) == 1
    for row in (-1, 0, known.rows):
        wrong = known.rooms[:]
        wrong[0] = row
        with pytest.raises(Rejected, match=f"row {row} asks for"):
            prove(
                Certificate(stages=(Stage(multipliers=Multipliers()),)), replace(known, rooms=wrong)
            )

"""Shares against definitions: every group solved by brute force, every order of joining tried."""

from __future__ import annotations

import copy
import itertools
from fractions import Fraction

import numpy as np
import pytest
from brute import solve_brute
from random_instances import columns, random_instance
from scipy.optimize import linprog
from studies.every_plan import seeds

import optimiser
from optimiser.errors import UsageError
from optimiser.model.build import instance_from
from optimiser.studies.pool import How
from optimiser.studies.shares import METHODS, share
from optimiser.studies.sharing.games import Game
from optimiser.studies.sharing.linear import Row, Span, minimise, solve_square, whole_shares
from optimiser.studies.sharing.objections import worst_objection

EXACT = How(solver="highs", gap=0.0)


def alone(tables, settings, existing, inside):
    """Return the tables of a group that leaves, written from docs/studies.md over raw texts."""
    tables = copy.deepcopy(tables)
    for name in ("organisations", "demand", "options", "contracts", "links"):
        tables[name] = [row for row in tables.get(name, [])
                        if row.get("organisation", "") in (*inside, "")]  # fmt: skip
    tables["policies"] = []
    for row in tables["providers"]:
        row["closing_cost"] = ""
        if row.get("decision") == "required":
            row["decision"] = ""
    for row, is_existing in zip(tables["offers"], existing["offers"], strict=True):
        row["existing"] = is_existing
    for row, status in zip(tables["providers"], existing["providers"], strict=True):
        row["status"] = status
    settings = copy.deepcopy(settings)
    settings.pop("objective", None)
    for name in [name for name in settings if name.startswith("objective.")]:
        del settings[name]
    return tables, settings


def drawn(seed):
    """Return an instance, its raw tables and what its defaults stand for."""
    tables, settings = random_instance(seed)
    instance = instance_from(columns(tables), settings)
    existing = {"offers": instance["offers"]["existing"].tolist(),
                "providers": instance["providers"]["status"].tolist()}  # fmt: skip
    return instance, tables, settings, existing


def usable(seed):
    """Whether a drawn instance has a plan, a few organisations, and options that are generated."""
    instance, tables, settings, _ = drawn(seed)
    members = len(np.unique(instance["demand"]["organisation"]))
    return (
        2 <= members <= 4
        and (instance.settings.generate or not len(instance["options"]))
        and solve_brute(tables, settings).status == "optimal"
    )


def chosen(count):
    return list(itertools.islice((s for s in seeds(40, 300) if usable(s)), count))


SEEDS = chosen(4)


@pytest.fixture(scope="module", params=SEEDS)
def case(request):
    """An instance, what each group costs by brute force (None: impossible), and its shares."""
    instance, tables, settings, existing = drawn(request.param)
    result = optimiser.solve(instance, solver="highs", gap=0)
    found = share(result, how=EXACT)
    costs = {}
    size = len(found.players)
    for group in range(1, 2**size - 1):
        inside = [key for at, key in enumerate(found.players) if group >> at & 1]
        brute = solve_brute(*alone(tables, settings, existing, inside))
        costs[group] = brute.cost if brute.status == "optimal" else None
    costs[2**size - 1] = result.cost_units
    return found, costs


def test_groups_cost_what_brute_force_says(case):
    """Every group's cost is that of its best plan by itself, and impossible groups are said so."""
    found, costs = case
    for group, value in found.values.items():
        assert value.impossible == (costs[group] is None)
        if costs[group] is not None:
            assert value.cost.low == value.cost.high == costs[group]


def test_every_way_adds_up_to_the_cost(case):
    """Shares are whole last places that add up to what the plan costs."""
    found, _ = case
    for way in found.ways.values():
        assert not way.shares or sum(way.shares) == found.cost
        assert not way.exact or sum(way.exact) == found.cost
    assert sum(found.attribution.total) == found.cost


def test_shapley_is_the_mean_over_all_orders(case):
    """The Shapley value is what each adds on average over all orders of joining."""
    found, costs = case
    size = len(found.players)
    way = found.ways["shapley"]
    if any(cost is None for cost in costs.values()):
        assert not way.shares
        assert way.note
        return
    total = [Fraction(0)] * size
    orders = list(itertools.permutations(range(size)))
    for order in orders:
        group, before = 0, 0
        for at in order:
            group |= 1 << at
            total[at] += costs[group] - before
            before = costs[group]
    assert way.exact == tuple(each / len(orders) for each in total)


def excess(costs, shares):
    """Return what each group that could leave saves by staying."""
    return {
        group: cost - sum(x for at, x in enumerate(shares) if group >> at & 1)
        for group, cost in costs.items()
        if cost is not None and group != max(costs)
    }


def test_core_is_what_an_independent_program_says(case):
    """The least core's value is that of another solver over all groups; the core follows."""
    found, costs = case
    size = len(found.players)
    groups = [g for g, cost in costs.items() if cost is not None and g != 2**size - 1]
    scale = max(found.cost, 1)
    rows = [[*(g >> at & 1 for at in range(size)), 1] for g in groups]
    answer = linprog(
        [0] * size + [-1], A_ub=rows, b_ub=[costs[g] / scale for g in groups],
        A_eq=[[1] * size + [0]], b_eq=[found.cost / scale],
        bounds=[(None, None)] * size + [(None, 1)],
    )  # fmt: skip
    assert float(found.least_core.value) == pytest.approx(-answer.fun * scale, abs=1e-4 * scale)
    assert found.least_core.exact
    assert found.core == ("there" if found.least_core.value >= 0 else "empty")
    saved = excess(costs, found.least_core.shares)
    assert not saved or min(saved.values()) >= found.least_core.value
    if found.core == "there":
        assert min(excess(costs, found.ways["core"].exact).values(), default=0) >= 0


def test_empty_core_has_a_balanced_collection(case):
    """Where the core is empty, the objecting groups' weighted plans cost less than the whole."""
    found, costs = case
    if found.core != "empty":
        return
    weights = found.least_core.objecting
    total = sum(weights.values())
    for at in range(len(found.players)):
        assert sum(w for g, w in weights.items() if g >> at & 1) == weights_of(weights, 0)
    assert sum(w * costs[g] for g, w in weights.items()) / weights_of(weights, 0) < found.cost
    assert total == 1


def weights_of(weights, at):
    return sum(w for g, w in weights.items() if g >> at & 1)


def test_nucleolus_passes_kohlbergs_criterion(case):
    """At each level the groups that save at most so much are balanced (Kohlberg 1971)."""
    found, costs = case
    way = found.ways["nucleolus"]
    size = len(found.players)
    saved = excess(costs, way.exact)
    single = [costs[1 << at] for at in range(size)] if size > 1 else []
    rational = None not in single and sum(single) >= found.cost
    bound = {1 << at for at in range(size) if rational and saved.get(1 << at) == 0}
    for level in sorted(set(saved.values())):
        tight = [g for g, value in saved.items() if value <= level]
        others = [g for g in bound if g not in tight]
        groups = [*tight, *others]
        # Is there a weight, above 0 for the tight ones, that covers everybody alike?
        matrix = np.array([[g >> at & 1 for g in groups] for at in range(size)], dtype=float)
        answer = linprog(
            np.zeros(len(groups) + 1), A_eq=np.hstack([matrix, -np.ones((size, 1))]),
            b_eq=np.zeros(size),
            bounds=[(1, None)] * len(tight) + [(0, None)] * len(others) + [(None, None)],
        )  # fmt: skip
        assert answer.status == 0


def test_who_would_leave_is_what_all_groups_say(case):
    """The largest gain by leaving is that of all groups, and side payments take it away."""
    found, costs = case
    for way in found.ways.values():
        if not way.shares or len(found.players) < 2:
            continue
        saved = excess(costs, way.exact)
        if not saved:
            assert found.verdict(way) == "stable"
            continue
        assert way.objection.most.low == way.objection.most.high == -min(saved.values())
        assert found.verdict(way) == ("leaving" if -min(saved.values()) > found.room else "stable")
        if way.payments:
            after = [a + b for a, b in zip(way.shares, way.payments, strict=True)]
            assert min(excess(costs, after).values()) >= -found.room
            subsidy = found.subsidy.value if found.subsidy else 0
            assert abs(sum(after) - (found.cost - subsidy)) <= 1


def test_generated_groups_agree_with_all_groups(case):
    """With groups generated by the program instead of enumerated, the core's value is the same."""
    found, costs = case
    if len(found.players) < 3 or any(cost is None for cost in costs.values()):
        pytest.skip("too few organisations, or some cannot be served alone")
    lazy = share(found.result, exact=1, samples=2, methods=["volume", "core"], how=EXACT)
    assert float(lazy.least_core.value) == pytest.approx(
        float(found.least_core.value), abs=2 * found.room + 1e-6 * found.cost
    )
    assert lazy.core in (found.core, "unresolved")


@pytest.mark.parametrize("seed", SEEDS[:2])
def test_the_program_finds_the_group_that_gains_most(seed):
    """The group chosen by a mixed-integer program gains what the best of all groups gains."""
    instance, _, _, _ = drawn(seed)
    result = optimiser.solve(instance, solver="highs", gap=0)
    game = Game(instance, result.cost_units, EXACT)
    size = len(game.players)
    shares = whole_shares([Fraction(result.cost_units, size)] * size, result.cost_units)
    by_program = worst_objection(game, shares)
    game.evaluate(range(1, game.everyone))
    by_all = worst_objection(game, shares)
    if by_all.group:
        assert by_program.most.low == by_all.most.low
        assert by_program.most.high >= by_all.most.low
        assert by_program.most.high <= by_all.most.low + size + 1


def test_sampled_shapley_is_near_and_says_how_near():
    """Sampled on the toy, each true value lies within three half-widths of its estimate."""
    result = optimiser.solve(optimiser.read("instances/toy"), solver="highs", gap=0)
    true = share(result, methods=["shapley"], how=EXACT).ways["shapley"]
    way = share(result, methods=["shapley"], exact=1, samples=60, how=EXACT).ways["shapley"]
    assert sum(way.exact) == result.cost_units
    assert len(way.errors) == len(way.exact)
    for exact, found, error in zip(true.exact, way.exact, way.errors, strict=True):
        assert abs(exact - found) <= 3 * error + 1


def test_shares_are_saved_and_read_back(tmp_path):
    """A saved study has its tables, and they hold what was found."""
    result = optimiser.solve(optimiser.read("instances/toy"), solver="highs", gap=0)
    found = share(result, how=EXACT)
    optimiser.write(found, tmp_path / "shares")
    saved = optimiser.read_study(tmp_path / "shares")
    assert saved.kind == "share"
    for name in ("attribution", "groups", "payments"):
        assert saved.table(name)[0]
    assert [row[0] for row in saved.table("shares")[1:]] == list(found.players)
    assert [row[0] for row in saved.table("ways")[1:]] == list(METHODS)


def test_what_cannot_be_shared_is_refused():
    """A method that does not exist is named, with those that do."""
    result = optimiser.solve(optimiser.read("instances/toy"), solver="highs", gap=0)
    with pytest.raises(UsageError, match=r"fairness.*volume"):
        share(result, methods=["fairness"])


def test_small_programs_are_solved_in_fractions():
    """Optimum, point and multipliers of a small program are exact fractions."""
    third = Fraction(1, 3)
    answer = minimise([-1, -1], [Row(terms={0: 3, 1: 1}, upper=Fraction(1)),
                                 Row(terms={0: 1, 1: 3}, upper=Fraction(1))])  # fmt: skip
    assert answer.exact
    assert answer.x == (Fraction(1, 4), Fraction(1, 4))
    assert answer.duals == (Fraction(-1, 4), Fraction(-1, 4))
    assert solve_square([[third, Fraction(1)], [Fraction(0), Fraction(2)]],
                        [Fraction(1), Fraction(1)]) == [Fraction(3, 2), Fraction(1, 2)]  # fmt: skip
    assert minimise([1], [Row(terms={0: 1}, upper=Fraction(1))]) is None  # no limit


def test_span_tells_what_follows_from_what():
    """A group's vector lies in the span of others exactly when elimination says so."""
    span = Span(3)
    assert span.add(0b111)
    assert span.add(0b001)
    assert not span.add(0b110)
    assert span.holds(0b110)
    assert not span.holds(0b010)
    assert span.rank == 2


def test_programs_do_not_mind_other_threads_of_highs():
    """HiGHS with other threads in this process, before and after, is no matter."""
    import highspy

    row = Row(terms={0: 1}, lower=Fraction(1))
    for threads in (2, 1):
        solver = highspy.Highs()
        solver.setOptionValue("output_flag", False)
        solver.setOptionValue("threads", threads)
        solver.addVar(0, 1)
        assert solver.run() == highspy.HighsStatus.kOk
        assert minimise([1], [row]).value == 1

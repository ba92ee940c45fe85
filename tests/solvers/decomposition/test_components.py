"""What ties pairs and what does not, and that parts solved apart add up to the whole."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
import random
from fractions import Fraction

import numpy as np
import pytest
from brute import IN_HOUSE, World
from optima import made, minimum
from random_instances import columns, random_instance, random_rows
from test_against_brute import package_plan, some_plans

from optimiser.errors import InstanceError
from optimiser.model.build import instance_from
from optimiser.model.clean import clean
from optimiser.model.compile import compile_problem
from optimiser.model.plan import BY_ITSELF, Plan
from optimiser.model.problem import KINDS, LinearRow, Problem, Term
from optimiser.model.rows import Quantity, SideRow
from optimiser.solvers.decomposition.components import (
    alone,
    combined,
    components,
    extracted,
    grouped_components,
    placed,
    taken,
)
from optimiser.solvers.milp.formulation import Formulation

APART, ALL = "as|at|bs|bt", "as at bs bt"
OF_S, OF_T, OF_A, EACH = "as bs|at|bt", "as|at bt|bs", "as at|bs|bt", "as at|bs bt"
SEEDS = [*range(24), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(24, 300))]
#: Random instances that halves are drawn from, and ways to plan that each may have.
POOL, MOST = range(150), 200
#: Pairs of halves, 44 in all.
PAIRS = [pytest.param(n, marks=pytest.mark.long) if n % 4 else n for n in range(44)]
TABLES = (
    "organisations",
    "services",
    "authorities",
    "providers",
    "offers",
    "tariffs",
    "demand",
    "options",
    "contracts",
    "links",
    "policies",
)


def tables(*changes):
    """Return two organisations, two services and a provider that nothing ties, then changed.

    A change is (table, which rows, cells): rows by their number, all for None, a new one for +.
    """
    result = {name: [] for name in TABLES}
    result["organisations"] = [{"organisation": o, "staff": "5"} for o in "ab"]
    result["services"] = [{"service": s} for s in "st"]
    result["providers"] = [{"provider": "P", "mode": "shared-centre", "status": "candidate"}]
    result["offers"] = [{"provider": "P", "service": s, "existing": "yes"} for s in "st"]
    result["tariffs"] = [
        {"provider": "P", "service": s, "band": "1", "unit_cost": "7"} for s in "st"
    ]
    result["demand"] = [
        {"organisation": o, "service": s, "volume": "10", "in_house_cost": "100"}
        for o in "ab"
        for s in "st"
    ]
    for table, which, cells in changes:
        if which == "+":
            result[table].append(cells)
        else:
            rows = result[table]
            for each in rows if which is None else [rows[which]]:
                each.update(cells)
    return result


def partition(problem, **options):
    """Return the components as words."""
    number = components(problem, **options)
    words = [
        problem.names.organisations[o] + problem.names.services[s]
        for o, s in zip(problem.pair_organisation, problem.pair_service, strict=True)
    ]
    return "|".join(
        " ".join(word for word, n in zip(words, number, strict=True) if n == c)
        for c in range(number.max(initial=-1) + 1)
    )


#: Both organisations answer to North, which counts officers, with these further cells.
def north(**cells):
    return (
        ("organisations", None, {"authority": "North"}),
        ("authorities", "+", {"authority": "North", "officer_hours": "10", **cells}),
    )


def policy(**cells):
    return ("policies", "+", {"policy": "y", "maximum": "0.5", **cells})


def link(rule, **cells):
    return ("links", "+", {"service_a": "s", "service_b": "t", "rule": rule, **cells})


PAID = {"officer_cost": "5"}
CONTRACT_HOURS = ("providers", 0, {"contract_hours": "2"})
MANY = {"unit": "absolute", "maximum": "2"}
TIES = {
    "nothing": ([], APART),
    "one-offs and access of pairs": (
        [
            ("demand", None, {"incumbent": IN_HOUSE, "exit_cost": "3", "in_house_entry_cost": "4"}),
            *(("options", "+", {"organisation": o, "service": s, "provider": "P",
                                "access_cost": "9", "entry_cost": "5", "hours": "3"})
              for o in "ab" for s in "st"),
        ],
        APART,
    ),
    "offer: room for one": ([("offers", 0, {"capacity": "19"})], OF_S),
    "offer: room for all": ([("offers", 0, {"capacity": "20"})], APART),
    "offer: a minimum for two": ([("offers", 0, {"min_volume": "11"})], OF_S),
    "offer: a minimum for one": ([("offers", 0, {"min_volume": "10"})], APART),
    "offer: set-up": ([("offers", 1, {"set_up_cost": "9", "existing": "no"})], OF_T),
    "offer: set-up done": ([("offers", 1, {"set_up_cost": "9"})], APART),
    "band: fixed cost": ([("tariffs", 0, {"fixed_cost": "1"})], OF_S),
    "band: rebate": ([("tariffs", 0, {"fixed_cost": "-1"})], OF_S),
    "band: a threshold": ([("tariffs", 0, {"from_volume": "11"})], OF_S),
    "band: an end": ([("tariffs", 0, {"to_volume": "19"})], OF_S),
    "band: two": ([("tariffs", "+", {"provider": "P", "service": "s", "band": "2",
                                     "unit_cost": "8"})], OF_S),
    "provider: running cost": ([("providers", 0, {"running_cost": "9"})], ALL),
    "provider: opening cost": ([("providers", 0, {"opening_cost": "9"})], ALL),
    "provider: closing cost": (
        [("providers", 0, {"closing_cost": "9", "status": "existing"})], ALL),
    "provider: paid anyway": (
        [("providers", 0, {"running_cost": "9", "decision": "required"})], APART),
    "provider: room for three": ([("providers", 0, {"capacity": "39"})], ALL),
    "provider: room for all": ([("providers", 0, {"capacity": "40"})], APART),
    "provider: room by weight": (
        [("providers", 0, {"capacity": "40"}), ("services", 0, {"weight": "1.001"})], ALL),
    "provider: two members at least": ([("providers", 0, {"min_members": "2"})], ALL),
    "provider: one member at least": ([("providers", 0, {"min_members": "1"})], APART),
    "provider: one member at most": ([("providers", 0, {"max_members": "1"})], ALL),
    "provider: two members at most": ([("providers", 0, {"max_members": "2"})], APART),
    "contract: member cost": ([("providers", 0, {"member_cost": "9"})], EACH),
    "contract: cost of one": (
        [("contracts", "+", {"organisation": "a", "provider": "P", "contract_cost": "9"})], OF_A),
    "authority: in-house hours": (
        [*north(**PAID), ("demand", 0, {"in_house_hours": "1"}),
         ("demand", 3, {"in_house_hours": "1"})],
        "as bt|at|bs",
    ),
    "authority: service hours": ([*north(**PAID), ("offers", 1, {"service_hours": "3"})], OF_T),
    "authority: hours per unit": ([*north(**PAID), ("offers", 0, {"hours_per_unit": "3"})], OF_S),
    "authority: contract hours": ([*north(**PAID), CONTRACT_HOURS], ALL),
    "authority: no hours": ([*north(**PAID)], APART),
    "authority: hours without a price": ([*north(), CONTRACT_HOURS], APART),
    "authority: pairs' hours by the hour": (
        [("organisations", None, {"authority": "North"}),
         ("authorities", "+", {"authority": "North", "hour_cost": "5"}),
         ("offers", None, {"service_hours": "3"}), ("demand", None, {"in_house_hours": "5"})],
        APART,
    ),
    "authority: contracts' hours by the hour": (
        [("organisations", None, {"authority": "North"}),
         ("authorities", "+", {"authority": "North", "hour_cost": "5"}), CONTRACT_HOURS],
        EACH,
    ),
    "authority: most officers": ([*north(max_officers="1"), CONTRACT_HOURS], ALL),
    "authority: managers": (
        [*north(span_of_control="2", manager_cost="5"), CONTRACT_HOURS], ALL),
    "authority: one contract": (
        [("organisations", None, {"authority": "North"}),
         ("authorities", "+", {"authority": "North", "max_contracts": "1"})],
        ALL,
    ),
    "authority: two contracts": (
        [("organisations", None, {"authority": "North"}),
         ("authorities", "+", {"authority": "North", "max_contracts": "2"})],
        APART,
    ),
    "together": ([link("together", organisation="a")], OF_A),
    "apart": ([link("apart", organisation="a")], OF_A),
    "split-cost": ([link("split-cost", organisation="a", cost="5")], OF_A),
    "split-cost of nothing": ([link("split-cost", organisation="a", cost="0")], APART),
    "policy: volume": ([policy(measure="volume", service="s")], OF_S),
    "policy: volume of all": ([policy(measure="volume")], ALL),
    "policy: volume without weight": (
        [policy(measure="volume"), ("services", 0, {"weight": "0"})], OF_T),
    "policy: each provider": ([policy(measure="volume", scope="each-provider")], ALL),
    "policy: each provider, at least": (
        [policy(measure="pairs", scope="each-provider", maximum="", minimum="0.5")], ALL),
    "policy: each authority": ([policy(measure="volume", scope="each-authority")], EACH),
    "policy: pairs in-house": ([policy(measure="pairs", mode=IN_HOUSE, service="t")], OF_T),
    "policy: baseline cost": ([policy(measure="baseline_cost", service="t")], OF_T),
    "policy: staff covered": ([policy(measure="staff_covered", service="s")], OF_S),
    "policy: staff covered in-house": (
        [policy(measure="staff_covered", service="s", mode=IN_HOUSE)], OF_S),
    "policy: open providers": ([policy(measure="open_providers", **MANY)], ALL),
    "policy: providers of a service": (
        [policy(measure="open_providers", service="s", **MANY)], OF_S),
    "policy: contracts": ([policy(measure="contracts", **MANY)], ALL),
    "policy: contracts for a service": ([policy(measure="contracts", service="t", **MANY)], OF_T),
    "policy: contracts of each authority": (
        [policy(measure="contracts", scope="each-authority", **MANY)], EACH),
    "policy: hours": (
        [policy(measure="oversight_hours", **MANY), ("demand", 0, {"in_house_hours": "1"}),
         ("offers", 1, {"service_hours": "1"})],
        "as at bt|bs",
    ),
    "policy: one-offs": (
        [policy(measure="one_off_cost", **MANY), ("demand", 0, {"incumbent": IN_HOUSE,
                                                                "exit_cost": "3"}),
         ("demand", 3, {"in_house_entry_cost": "3"})],
        "as bt|at|bs",
    ),
    "policy: moved pairs": (
        [policy(measure="moved_pairs", **MANY), ("demand", 0, {"incumbent": IN_HOUSE}),
         ("demand", 1, {"incumbent": "P"})],
        OF_A,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TIES)
def test_what_ties_pairs(name):
    """Each kind of tie joins the pairs that it is about, and no others; what cannot bind, none."""
    changes, expected = TIES[name]
    problem = compile_problem(made(tables(*changes)))
    assert partition(problem) == expected
    number = components(problem)
    parts = [extracted(problem, number == c) for c in range(number.max() + 1)]
    whole, each = best(problem), [best(part) for part in parts]
    if whole is None:
        assert None in each
    else:
        assert whole == problem.objective.constant + sum(each)


def best(problem):
    """Return the optimum by HiGHS, or None."""
    found = minimum(Formulation(problem).matrix)
    return None if found is None else found[0] if problem.split else round(found[0])


def test_authorities_of_their_own():
    """Organisations that answer for themselves tie what is theirs."""
    settings = {"oversight": {"officer_hours": "10", "officer_cost": "5"}}
    assert partition(compile_problem(made(tables(CONTRACT_HOURS), settings))) == EACH


def test_hours_of_uses_tie_under_split():
    """Under split sourcing hours per delivery are hours like others."""
    changed = tables(*north(**PAID), ("offers", 1, {"service_hours": "3"}))
    assert partition(compile_problem(made(changed, {"sourcing": "split"}))) == OF_T


def test_a_minimum_ties_under_split_if_a_share_may_be_below_it():
    """Under split sourcing shares are as small as one unit."""
    for minimum_, expected in (("1", APART), ("2", OF_S)):
        changed = tables(("offers", 0, {"min_volume": minimum_}))
        settings = {"sourcing": "split", "volume_decimals": 0}
        assert partition(compile_problem(made(changed, settings))) == expected


# Rows over atoms of each kind


def separate():
    """Return a problem that has atoms of each kind, and nothing that ties."""
    changed = tables(
        ("providers", "+", {"provider": "Q", "mode": "co-operative", "contract_hours": "2"}),
        CONTRACT_HOURS,
        *(("offers", "+", {"provider": "Q", "service": s, "existing": "yes"}) for s in "st"),
        *(
            ("tariffs", "+", {"provider": "Q", "service": s, "band": "1", "unit_cost": "6"})
            for s in "st"
        ),
        *(
            ("options", "+", {"organisation": o, "service": s, "provider": p})
            for o, p in zip("ab", "PQ", strict=True)
            for s in "st"
        ),
        ("links", "+", {"service_a": "s", "service_b": "t", "rule": "split-cost", "cost": "0"}),
    )
    settings = {"oversight": {"officer_hours": "10", "span_of_control": "2"}}
    problem = compile_problem(made(changed, settings))
    return dataclasses.replace(
        problem,
        cover_start=np.array([0, 1, 2]),
        cover_home=np.array([False, True]),
        cover_index=np.array([0, 3]),
    )


def row(problem, kind, index=None, coefficient=1, factor=1, **limits):
    """Return a row that counts atoms of a kind."""
    index = np.arange(problem.size(kind)) if index is None else np.array(index)
    term = Term(kind=kind, index=index, coefficient=np.full(len(index), coefficient),
                factor=Fraction(factor))  # fmt: skip
    return LinearRow(name="r", terms=(term,), **(limits or {"upper": Fraction(1)}))


@pytest.mark.parametrize("kind", KINDS)
def test_rows_tie_what_they_count(kind):
    """A row ties the pairs of its atoms, unless it has no limit or counts each by nothing."""
    problem = separate()
    assert partition(problem) == APART
    for rows in (
        [],
        [row(problem, kind, [0]), row(problem, kind, [1])],
        [row(problem, kind, coefficient=0)],
        [row(problem, kind, factor=0)],
        [row(problem, kind, lower=None)],
    ):
        changed = dataclasses.replace(problem, rows=tuple(rows))
        whole_pairs = {"part", "use", "banded", "home", "home_use", "cover"}
        of_offers = {"offer", "band"}
        each = APART if kind in whole_pairs | of_offers or len(rows) != 2 else EACH
        assert partition(changed) == each
    changed = dataclasses.replace(problem, rows=(row(problem, kind),))
    assert partition(changed) == ("as bt|at|bs" if kind == "cover" else ALL)


def test_rows_that_count_nothing_stay_in_every_part():
    """A row that nothing can keep makes every part infeasible, as it does the whole."""
    problem = dataclasses.replace(separate(), rows=(LinearRow(name="r", terms=(), lower=1),))
    assert partition(problem) == APART
    mask = components(problem) == 0
    assert len(extracted(problem, mask).rows) == 1
    plan = Plan.of([(q, BY_ITSELF, 10_000) for q in range(4)])
    assert len(alone(problem, plan, mask).rows) == 1
    officers = dataclasses.replace(problem, rows=(row(problem, "officers"),))
    assert not extracted(officers, np.zeros(4, dtype=bool)).rows


def test_every_field_and_atom_is_thought_of():
    """What the compiled problem gets in future has to be thought of here as well."""
    assert {field.name for field in dataclasses.fields(Problem)} == {
        "split", "names", "pair_organisation", "pair_service", "pair_volume", "pair_authority",
        "home", "option_pair", "option_offer", "option_contract", "banded_option", "banded_band",
        "offer_row", "offer_provider", "offer_service", "offer_capacity", "offer_minimum",
        "band_offer", "band_row", "band_from", "band_to", "provider_row", "provider_capacity",
        "provider_min_members", "provider_max_members", "contract_organisation",
        "contract_provider", "service_weight", "authority_officer_hours", "authority_span",
        "authority_max_officers", "authority_max_contracts", "hours_scale", "hours", "objective",
        "together", "apart", "link", "cover_start", "cover_home", "cover_index", "rows", "slack",
        "notes",
    }  # fmt: skip
    assert set(KINDS) == {
        "part", "use", "banded", "home", "home_use", "band", "offer", "provider", "contract",
        "officers", "managers", "link", "cover",
    }  # fmt: skip


# What is dropped or decided


def test_dropped_options_tie_nothing():
    """An option without any option-band is not there."""
    problem = compile_problem(made(tables(("providers", 0, {"running_cost": "9"}))))
    some = problem.banded_option != 0
    problem = dataclasses.replace(
        problem,
        banded_option=problem.banded_option[some],
        banded_band=problem.banded_band[some],
    )
    assert partition(problem) == "as|at bs bt"


DECIDED = {
    "running cost": ([("providers", 0, {"running_cost": "9"})], "at|bs|bt"),
    "set-up": ([("offers", None, {"set_up_cost": "9", "existing": "no"})], "at bt|bs"),
    "fixed cost": ([("tariffs", None, {"fixed_cost": "9"})], "at bt|bs"),
    "contract cost": ([("providers", 0, {"member_cost": "9"})], "at|bs bt"),
    "capacity": ([("providers", 0, {"capacity": "30"})], "at bs bt"),
    "link": ([link("together")], "at|bs bt"),
    "policy": ([policy(measure="volume")], "at bs bt"),
}


@pytest.mark.parametrize("name", DECIDED)
def test_decided_pairs_tie_nothing_if_asked(name):
    """A pair with one way opens its provider, offer and contract, and else lets others be."""
    changes, expected = DECIDED[name]
    problem = compile_problem(made(tables(*changes, ("demand", 0, {"in_house_cost": ""}))))
    assert partition(problem, decided=False) == expected
    assert components(problem, decided=False)[0] == -1
    assert (components(problem) >= 0).all()
    plan = Plan.of([(0, 0, 10_000), (1, 0, 10_000), *((q, BY_ITSELF, 10_000) for q in (2, 3))])
    value, number = problem.evaluate(plan), components(problem, decided=False)
    each = [best(alone(problem, plan, number == c)) for c in range(number.max() + 1)]
    if name != "policy":
        assert best(problem) == value + sum(one - value for one in each)


# Plans and groups


def test_plans_are_taken_apart_and_put_together():
    """What is taken from a plan and placed again is what it said; the rest is the other plan's."""
    one = Plan.of([(0, 3, 5), (1, BY_ITSELF, 7), (2, 0, 4), (2, 1, 6)])
    two = Plan.of([(0, 1, 5), (1, 1, 7), (2, BY_ITSELF, 10)])
    mask = np.array([True, False, True])
    small = taken(one, mask)
    assert small == Plan.of([(0, 3, 5), (1, 0, 4), (1, 1, 6)])
    back = placed(small, mask)
    assert back == Plan.of([(0, 3, 5), (2, 0, 4), (2, 1, 6)])
    assert combined(two, [(mask, back)]) == Plan.of(
        [(0, 3, 5), (1, 1, 7), (2, 0, 4), (2, 1, 6)]
    )  # fmt: skip
    assert combined(two, [(mask, one), (~mask, one)]) == one
    assert combined(two, []) == two


def test_groups_are_few_and_even():
    """No more groups than asked for, whole components in each, and the largest by itself."""
    changed = tables(("contracts", "+", {"organisation": "a", "provider": "P",
                                         "contract_cost": "9"}))  # fmt: skip
    problem = compile_problem(made(changed))
    assert partition(problem) == OF_A
    assert grouped_components(problem, 3).tolist() == [0, 0, 1, 2]
    assert grouped_components(problem, 2).tolist() == [0, 0, 1, 1]
    assert grouped_components(problem, 1).tolist() == [0, 0, 0, 0]
    changed["demand"][2]["in_house_cost"] = ""
    problem = compile_problem(made(changed))
    assert grouped_components(problem, 1, decided=False).tolist() == [0, 0, -1, 0]


def test_nothing_to_decide():
    """A problem without pairs has no components."""
    problem = compile_problem(made(tables()))
    empty = extracted(problem, np.zeros(4, dtype=bool))
    assert empty.pairs == 0
    assert components(empty).tolist() == grouped_components(empty, 2).tolist() == []


def test_alone_refuses_plans_of_no_options():
    """What other pairs are given has to be an option and their volume."""
    problem = compile_problem(made(tables()))
    mask = np.array([True, False, False, False])
    for plan in (
        Plan.of([(0, BY_ITSELF, 10_000)]),
        Plan.of([(q, 1, 10_000) for q in range(4)]),
        Plan.of([(q, 0, 9_000) for q in range(4)]),
    ):
        with pytest.raises(ValueError, match="does not serve"):
            alone(problem, plan, mask)


def test_alone_holds_shares():
    """Under split sourcing other pairs keep their shares, though others would be cheaper."""
    problem = compile_problem(made(tables(), {"sourcing": "split", "volume_decimals": 0}))
    shares = [(0, BY_ITSELF, 10), (1, 0, 3), (1, BY_ITSELF, 7), (2, 0, 10), (3, 0, 10)]
    plan = Plan.of(shares)
    small = alone(problem, plan, np.array([True, False, False, False]))
    found = minimum(Formulation(small).matrix)
    assert found is not None
    result = Formulation(small).decode(found[1])
    assert result == combined(plan, [(np.arange(4) == 0, Plan.of([(0, 0, 10)]))])


def test_alone_leaves_out_rows_of_others():
    """A row that counts none of the pairs is the plan's to keep."""
    problem = compile_problem(
        made(tables(*(policy(measure="volume", service=s, policy=s) for s in "st")))
    )
    plan = Plan.of([(q, BY_ITSELF, 10_000) for q in range(4)])
    small = alone(problem, plan, problem.pair_service == 0)
    assert [row.name for row in small.rows] == ["policy s"]


# Random instances


def value(formulation, plan):
    """Return what a plan costs, None if it breaks a rule."""
    vector, matrix = formulation.encode(plan), formulation.matrix
    if vector is None:
        return None
    activity = matrix.a @ vector
    if np.any(activity < matrix.row_lower - 1e-9) or np.any(activity > matrix.row_upper + 1e-9):
        return None
    if np.any(vector > matrix.upper):
        return None
    exact = formulation.problem.evaluate(plan)
    return float(matrix.cost @ vector + matrix.offset) if exact is None else exact


def adds_up(problem, plans):
    """Hold cost and leave of every plan against those of its parts; return parts and plans seen."""
    whole, number = Formulation(problem), components(problem)
    masks = [number == c for c in range(number.max(initial=-1) + 1)]
    apart = [Formulation(extracted(problem, mask)) for mask in masks]
    costs = [value(whole, plan) for plan in plans]
    near = 1e-6 if problem.split else 0
    for plan, cost in zip(plans, costs, strict=True):
        each = [value(part, taken(plan, m)) for part, m in zip(apart, masks, strict=True)]
        assert (cost is None) == (None in each)
        if cost is not None:
            total = problem.objective.constant + sum(each)
            assert total == pytest.approx(cost, rel=near, abs=near)
    kept = [(plan, cost) for plan, cost in zip(plans, costs, strict=True) if cost is not None]
    if not kept:
        return len(masks), 0
    base, start = kept[len(kept) // 2]
    number = components(problem, decided=False)
    frees = [number == c for c in range(number.max(initial=-1) + 1)]
    around = [Formulation(alone(problem, base, mask)) for mask in frees]
    for plan, cost in zip(plans, costs, strict=True):
        if combined(base, [(mask, plan) for mask in frees]) != plan:
            assert cost is None  # not by options
            continue
        each = [
            value(part, combined(base, [(mask, plan)]))
            for part, mask in zip(around, frees, strict=True)
        ]
        assert (cost is None) == (None in each)
        if cost is not None:
            total = start + sum(one - start for one in each)
            assert total == pytest.approx(cost, rel=near, abs=near)
    return max(len(masks), len(frees)), len(kept)


@pytest.mark.parametrize("rows", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_every_plan_is_the_sum_of_its_parts(seed, rows):
    """Costs add up, and a plan keeps the rules exactly if it does in every component."""
    drawn, settings = random_instance(seed)
    side = random_rows(seed, drawn, settings) if rows else []
    problem = compile_problem(instance_from(columns(drawn), settings), side)
    world = World(drawn, settings)
    plans = [package_plan(world, plan) for plan in some_plans(world, random.Random(seed))]
    adds_up(problem, plans[:: max(1, len(plans) // 60)])


def renamed(drawn, side):
    """Return tables with all keys marked, and policies for their own services only."""
    every = [each["service"] for each in drawn["services"]]
    keys = {
        "organisation", "service", "provider", "authority", "incumbent", "service_a", "service_b",
        "policy", "from", "to",
    }  # fmt: skip
    result = {}
    for table, rows in drawn.items():
        result[table] = []
        for cells in rows:
            cells = dict(cells)
            if table == "policies":
                if cells["measure"] == "oversight_hours":
                    continue  # takes no services, so it would tie both halves
                cells["service"] = cells.get("service") or ";".join(every)
            for name in keys & set(cells):
                if cells[name] not in ("", IN_HOUSE):
                    cells[name] = ";".join(f"{side}{key}" for key in cells[name].split(";"))
            result[table].append(cells)
    return result


@functools.cache
def pairs_of_halves():
    """Return halves with their settings, both as one world, and the problem of both.

    Halves are drawn apart and share their settings; only those stay that brute force itself finds
    to have nothing to do with each other, plan by plan.
    """
    alike, result = {}, []
    for seed in POOL:
        drawn, settings = random_instance(seed)
        world = World(drawn, settings)
        ways = math.prod(len(world.choices(q, all_options=True)) for q in range(len(world.needs)))
        if 1 < ways <= MOST:
            key = (world.split, world.money_decimals, world.volume_decimals, "options" in drawn)
            alike.setdefault(key, []).append((drawn, settings))
    for group in alike.values():
        for (left, settings), (right, _) in itertools.pairwise(group):
            halves = [renamed(left, "l"), renamed(right, "r")]
            both = {
                name: halves[0].get(name, []) + halves[1].get(name, [])
                for name in halves[0] | halves[1]
            }
            try:
                problem = compile_problem(instance_from(columns(both), settings))
            except InstanceError:
                continue  # the settings of one may be a fault in the other
            worlds = [World(half, settings) for half in halves]
            if nothing_in_common(worlds, World(both, settings)):
                result.append((worlds, World(both, settings), problem))
    return result


def mixed(worlds, rng, count):
    """Return plans of two halves, most of them keeping the rules."""
    some = [list(some_plans(world, rng)) for world in worlds]
    if not all(some):
        return []
    good = [
        [plan for plan in plans if not world.price(plan).broken] or plans
        for world, plans in zip(worlds, some, strict=True)
    ]
    return [
        [rng.choice(rng.choice((g, s))) for g, s in zip(good, some, strict=True)]
        for _ in range(count)
    ]


def nothing_in_common(worlds, both):
    """Whether brute force finds the halves' costs and broken rules to add up."""
    plans = mixed(worlds, random.Random(0), 10)
    for halves in plans:
        whole = both.price((*halves[0], *halves[1]))
        apart = [world.price(half) for world, half in zip(worlds, halves, strict=True)]
        if whole.objective != sum(each.objective for each in apart):
            return False
        if set(whole.broken) != {rule for each in apart for rule in each.broken}:
            return False
    return bool(plans)


@pytest.mark.parametrize("number", PAIRS)
def test_halves_side_by_side_are_solved_apart(number):
    """The parts' optima add up to brute force's of both halves, cleaned or not."""
    worlds, both, problem = pairs_of_halves()[number]
    found = [world.solve() for world in worlds]
    left = len(worlds[0].needs)
    for each in (problem, clean(problem)[0]):
        parts = components(each)
        assert not set(parts[:left]) & set(parts[left:])
        group = grouped_components(each, 3)
        optima = [best(extracted(each, group == c)) for c in range(group.max() + 1)]
        if "infeasible" in {answer.status for answer in found}:
            assert None in optima
            continue
        expected = sum(answer.objective for answer in found)
        near = 1e-6 + each.slack
        total = each.objective.constant + sum(optima)
        assert abs(total - expected) <= (near if each.split else 0)
        if each is problem:
            plan = package_plan(both, both.plan([*found[0].plans[-1], *found[1].plans[-1]]))
            free = components(each, decided=False)
            around = [best(alone(each, plan, free == c)) for c in range(free.max() + 1)]
            assert around == pytest.approx([expected] * len(around), abs=near)


@pytest.mark.parametrize("number", PAIRS)
def test_plans_of_halves_side_by_side_add_up(number):
    """The same plan by plan: the sum of parts in cost, and in keeping the rules."""
    worlds, both, problem = pairs_of_halves()[number]
    rng = random.Random(number)
    plans = [package_plan(both, (*a, *b)) for a, b in mixed(worlds, rng, 40)]
    parts, _ = adds_up(problem, plans)
    assert parts >= 2


def test_side_rows_on_money_tie_what_costs():
    """A side row on a part of the cost ties the pairs that may pay it."""
    changed = tables(("offers", 0, {"service_hours": "4"}),
                     ("organisations", None, {"authority": "North"}),
                     ("authorities", "+", {"authority": "North", "officer_hours": "10",
                                           "officer_cost": "5"}))  # fmt: skip
    settings = {"objective": {"officers": 0}}
    for part, expected in (("officers", OF_S), ("tariff", ALL), ("links", APART)):
        side = [SideRow(name="r", terms=(Quantity(measure="cost", part=part),), maximum=1)]
        assert partition(compile_problem(made(changed, settings), side)) == expected

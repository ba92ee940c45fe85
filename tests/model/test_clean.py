"""Cleaning: each step drops what it should, and never a best plan."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
import pytest
from brute import World
from optima import drawn, made, minimum, row
from random_instances import random_instance, random_plan, random_rows

from optimiser.model.clean import clean, restrict
from optimiser.model.compile import compile_problem
from optimiser.model.plan import BY_ITSELF, Plan
from optimiser.model.rows import Quantity, SideRow
from optimiser.solvers.milp.formulation import Formulation
from optimiser.solvers.milp.names import label

NOUGHT = {"horizon": {"years": 10, "discount_rate": 0}}
COVERED = "bands that a cheaper one covers"
SMALLER = "ways to serve an option in a band smaller than it"
UNREACHED = "bands that no volume can reach"
UNDERCUT = "ways to serve an option that in-house undercuts"
MEMBERS = "ways to serve an option by a provider short of members"
UNMATCHED = "ways to serve an option that a linked service cannot join"
AT_HOME = "in-house deliveries that a linked service cannot join"


def tables(bands, **more):
    """Councils A (20) and B (30) need pay, dear in-house; centre C has these bands."""
    result = {
        "organisations": [row(organisation="A"), row(organisation="B")],
        "services": [row(service="pay")],
        "demand": [
            row(organisation="A", service="pay", volume=20, in_house_cost=900),
            row(organisation="B", service="pay", volume=30, in_house_cost=900),
        ],
        "providers": [row(provider="C", mode="shared-centre", running_cost=100)],
        "offers": [row(provider="C", service="pay")],
        "tariffs": [
            row(provider="C", service="pay", band=n, **cells) for n, cells in enumerate(bands)
        ],
    }
    result.update(more)
    return result


def cleaned(base, settings=NOUGHT, rows=()):
    """The cleaned problem, what was dropped, and that the optimum stayed."""
    problem = compile_problem(made(base, settings), rows)
    result, report = clean(problem)
    assert report.before["options"] == problem.options
    assert report.after["options"] == result.options
    assert best(problem) == best(result)
    return result, report.dropped


def best(problem):
    found = minimum(Formulation(problem).matrix)
    return None if found is None else round(found[0])


FLAT = [{"unit_cost": 2}]


def test_nothing_to_drop_leaves_the_problem_as_it_is():
    """Where everything matters the very same problem comes back."""
    problem = compile_problem(made(tables(FLAT), NOUGHT))
    result, report = clean(problem)
    assert result is problem
    assert report.dropped == {}
    assert report.lines() == [
        "left: 2 of 2 options, 1 of 1 bands, 2 of 2 option-bands, 1 of 1 offers, 1 of 1 providers"
    ]


def test_bands_too_small_for_an_option():
    """A band up to 25 cannot serve 30 whole; under split it can."""
    bands = [{"unit_cost": 1, "to_volume": 25}, {"unit_cost": 2}]
    result, dropped = cleaned(tables(bands))
    assert dropped == {SMALLER: 1}
    assert result.size("banded") == 3
    result, dropped = cleaned(tables(bands), {**NOUGHT, "sourcing": "split"})
    assert dropped == {}


@pytest.mark.parametrize("limit", ["offer", "provider", "demand"])
def test_bands_beyond_every_volume(limit):
    """A band from 41 goes where capacity, or all demand there is, ends at 40."""
    base = tables([{"unit_cost": 2}, {"unit_cost": 1, "from_volume": 41}])
    if limit == "offer":
        base["offers"][0]["capacity"] = "40"
    elif limit == "provider":
        base["providers"][0]["capacity"] = "40"
    else:
        base["demand"][0]["volume"] = "10"
    result, dropped = cleaned(base)
    assert dropped == {UNREACHED: 1}
    assert result.size("band") == 1


def test_bands_that_end_below_the_least_volume():
    """A band up to 40 goes where the offer delivers at least 45."""
    base = tables([{"unit_cost": 1, "to_volume": 40}, {"unit_cost": 2}])
    base["offers"][0]["min_volume"] = "45"
    result, dropped = cleaned(base)
    assert dropped == {UNREACHED: 1}
    assert result.band_row.tolist() == [1]


def test_bands_that_a_cheaper_one_covers():
    """Never cheaper over the volumes there are means dropped: 50 units cannot earn 60 by 1 each."""
    bands = [{"unit_cost": 2}, {"unit_cost": 1, "fixed_cost": 60}]
    result, dropped = cleaned(tables(bands))
    assert dropped == {COVERED: 1}
    assert result.band_row.tolist() == [0]
    bands[1]["fixed_cost"] = 49
    assert cleaned(tables(bands))[1] == {}


def test_of_equal_bands_one_stays():
    """Three bands alike leave one, not none."""
    result, dropped = cleaned(tables([{"unit_cost": 2}] * 3))
    assert dropped == {COVERED: 2}
    assert result.size("band") == 1


def test_a_band_covers_only_where_it_is_valid():
    """A cheaper band up to 30 does not cover one that may serve 50."""
    bands = [{"unit_cost": 1, "to_volume": 30}, {"unit_cost": 2}]
    assert cleaned(tables(bands))[1] == {}


def test_options_that_in_house_undercuts():
    """At 2 a unit A's 20 units cost 40: dropped where in-house costs 40, kept where it costs 41."""
    base = tables(FLAT)
    base["demand"][0]["in_house_cost"] = "40"
    result, dropped = cleaned(base)
    assert dropped == {UNDERCUT: 1}
    assert result.option_pair.tolist() == [1]
    base["demand"][0]["in_house_cost"] = "40.01"
    assert cleaned(base)[1] == {}


@pytest.mark.parametrize(
    ("table", "cells"),
    [
        ("policies", {"policy": "y", "measure": "pairs", "minimum": "0.5"}),
        ("offers", {"min_volume": 45}),
        ("providers", {"min_members": 2}),
        ("providers", {"status": "existing", "closing_cost": "1001"}),
        ("tariffs", {"fixed_cost": "-1"}),
        ("tariffs", {"from_volume": 45}),
        ("demand", {"in_house_hours": 5}),
    ],
)
def test_undercut_options_stay_where_something_speaks_for_them(table, cells):
    """A policy, a minimum, a saving or an officer's hours may make the dearer option the better."""
    base = tables(FLAT)
    base["demand"][0]["in_house_cost"] = "40"
    base[table] = [{**each, **row(**cells)} for each in base.get(table, [{}])]
    settings = dict(NOUGHT)
    if table == "demand":
        settings["oversight"] = {"officer_hours": 5, "officer_cost": 100}
    assert UNDERCUT not in cleaned(base, settings)[1]


def test_undercut_options_of_links_stay():
    """What is linked to another service is not dropped for its own cost alone."""
    base = tables(FLAT)
    base["demand"][0]["in_house_cost"] = "40"
    base["services"].append(row(service="it"))
    base["demand"].append(row(organisation="A", service="it", volume=1))
    base["offers"].append(row(provider="C", service="it"))
    base["tariffs"].append(row(provider="C", service="it", band=1))
    base["links"] = [row(service_a="it", service_b="pay", rule="split-cost", cost=50)]
    assert UNDERCUT not in cleaned(base)[1]


@pytest.mark.parametrize("cells", [{"min_members": 3}, {"max_members": 0}])
def test_providers_short_of_members(cells):
    """A provider that needs three of two members, or may have none, goes with all it offers."""
    base = tables(FLAT)
    base["providers"][0].update(row(**cells))
    result, dropped = cleaned(base)
    assert dropped == {MEMBERS: 2}
    assert [result.size(k) for k in ("part", "band", "offer", "provider", "contract")] == [0] * 5


def test_options_that_a_linked_service_cannot_join():
    """Together, C must offer both; and where one cannot be in-house, neither is."""
    base = tables(FLAT)
    base["services"].append(row(service="it"))
    base["providers"].append(row(provider="D", mode="co-operative"))
    for provider, service in (("D", "pay"), ("D", "it")):
        base["offers"].append(row(provider=provider, service=service))
        base["tariffs"].append(row(provider=provider, service=service, band=1, unit_cost=9))
    base["demand"].append(row(organisation="A", service="it", volume=1))
    base["links"] = [row(service_a="it", service_b="pay", rule="together")]
    result, dropped = cleaned(base)
    assert dropped == {UNMATCHED: 1, AT_HOME: 1}
    assert result.home.tolist() == [False, True, False]
    assert [label(result, "part", k) for k in range(result.options)] == [
        "A_pay_D",
        "B_pay_C",
        "B_pay_D",
        "A_it_D",
    ]


def test_one_step_lets_another_drop_more():
    """Without the large option no volume reaches the discount, and the provider loses it too."""
    base = tables([{"unit_cost": 2}, {"unit_cost": 1, "from_volume": 25}])
    base["providers"][0]["capacity"] = "24"
    result, dropped = cleaned(base)
    assert dropped == {UNREACHED: 1}
    assert result.option_pair.tolist() == [0]


def test_equal_objectives_do_not_hide_a_cost_that_a_side_row_limits():
    """Where tariffs weigh nothing, the band that a side row on cost needs must stay."""
    bands = [{"unit_cost": 1}, {"unit_cost": 2}]
    settings = {**NOUGHT, "objective": {"tariff": 0}}
    limit = SideRow(
        name="thrift", terms=(Quantity(measure="cost", part="tariff"),), maximum=Fraction(50)
    )
    problem = compile_problem(made(tables(bands), settings), [limit])
    assert best(problem) == best(clean(problem)[0])


# Random instances


@pytest.mark.parametrize("block", range(4))
def test_the_optimum_is_the_same_with_and_without(block):
    """Over all features, policies and side rows the cleaned problem has the same optimum."""
    for seed in range(2000 + 15 * block, 2015 + 15 * block):
        tables, settings = random_instance(seed)
        rows = random_rows(seed, tables, settings) if seed % 4 == 0 else []
        problem = compile_problem(drawn(seed), rows)
        before, after = (minimum(Formulation(each).matrix) for each in (problem, clean(problem)[0]))
        assert (before is None) == (after is None), seed
        if before is not None:
            close = 1e-7 * abs(before[0]) + (0.5 if problem.split else 0.0) + 1e-3
            assert abs(before[0] - after[0]) <= close + problem.slack, seed


def test_what_is_left_is_numbered_consistently():
    """Whatever is dropped, what stays keeps its keys, figures and members."""
    for seed in range(2200, 2240):
        problem = compile_problem(drawn(seed))
        rng = np.random.default_rng(seed)
        banded = rng.random(problem.size("banded")) < 0.6
        home = problem.home & (rng.random(problem.pairs) < 0.7)
        left = restrict(problem, banded, home)
        assert left.home.tolist() == home.tolist()
        for kind in ("part", "banded", "offer", "provider", "contract"):
            assert figures(left, kind).items() <= figures(problem, kind).items(), (seed, kind)
        assert len(figures(left, "part")) == left.options
        assert left.size("banded") == banded.sum()
        assert np.all(np.diff(left.option_pair) >= 0)
        assert np.all(np.diff(left.banded_option) >= 0)
        assert np.all(np.diff(left.band_offer) >= 0)
        assert left.size("cover") == problem.size("cover")
        for k in range(left.size("cover")):
            assert members(left, k) == members(problem, k, left), (seed, k)
        for one, two in zip(problem.rows, left.rows, strict=True):
            assert (one.name, one.lower, one.upper) == (two.name, two.lower, two.upper)
            for before, after in zip(one.terms, two.terms, strict=True):
                assert terms(left, after) == {
                    key: value
                    for key, value in terms(problem, before).items()
                    if key in keys(left, before.kind)
                }


def name(problem, kind, index):
    """Keys of one atom that do not change with its number."""
    if kind == "banded":
        band = problem.band_row[problem.banded_band[index]]
        return label(problem, "part", int(problem.banded_option[index])), int(band)
    if kind == "band":
        return int(problem.band_row[index])
    return label(problem, "part" if kind == "use" else kind, int(index))


def keys(problem, kind):
    home = kind in ("home", "home_use")
    index = np.flatnonzero(problem.home) if home else range(problem.size(kind))
    return {name(problem, kind, int(i)) for i in index}


def figures(problem, kind):
    """Every figure of every atom of one kind, by its keys."""
    size = problem.size(kind)
    columns = [
        values.tolist()
        for linear in (problem.objective, problem.hours)
        for each, values in sorted(linear.by_kind.items())
        if each == kind or (each, kind) == ("use", "part")
    ]
    own = {
        "part": (problem.option_pair, problem.option_volume),
        "banded": (),
        "offer": (problem.offer_row, problem.offer_capacity, problem.offer_minimum),
        "provider": (
            problem.provider_row,
            problem.provider_capacity,
            problem.provider_min_members,
            problem.provider_max_members,
        ),
        "contract": (problem.contract_organisation,),
    }[kind]
    columns += [values.tolist() for values in own]
    return {name(problem, kind, i): tuple(column[i] for column in columns) for i in range(size)}


def terms(problem, term):
    return {
        name(problem, term.kind, i): int(c)
        for i, c in zip(term.index, term.coefficient, strict=True)
    }


def members(problem, k, left=None):
    """Members of a cover, of those only that are left."""
    result = set()
    for at in range(problem.cover_start[k], problem.cover_start[k + 1]):
        index = int(problem.cover_index[at])
        kind = "home" if problem.cover_home[at] else "part"
        key = (kind, name(problem, kind, index))
        gone = left is not None and (
            not left.home[index] if kind == "home" else key[1] not in keys(left, "part")
        )
        if not gone:
            result.add(key)
    return result


def test_a_plan_costs_the_same_before_and_after():
    """A plan of what is left has the objective that it had, as far as integers reckon it."""
    compared = 0
    for seed in range(2300, 2340):
        tables, settings = random_instance(seed)
        problem = compile_problem(made(tables, settings))
        if problem.split:
            continue
        left = clean(problem)[0]
        world, rng = World(tables, settings), random.Random(seed)
        row_of = {p: n for n, p in enumerate(world.providers)} | {"in-house": BY_ITSELF}
        for _ in range(20):
            drawn_plan = random_plan(world, rng)
            plan = Plan.of(
                (q, row_of[d], int(problem.pair_volume[q]))
                for q, ways in enumerate(drawn_plan)
                for d, _ in ways
            )
            after = left.evaluate(plan)
            if after is not None:
                compared += 1
                # A band that is gone may only have been as good as one that stayed.
                assert after >= problem.evaluate(plan)
                assert after == problem.evaluate(plan), seed
    assert compared > 100

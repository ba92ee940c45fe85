"""How the optimum must answer a change of the instance, whatever the optimum is.

Every relation runs through `solve`, over random instances of every feature, policies and split
sourcing among them. Only the child process is left out, for speed: the solver runs in this one.
Under split sourcing optima may differ by what rounding is allowed there.
"""

from __future__ import annotations

import copy
import functools
import random
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import pytest
from brute import IN_HOUSE, World, decimal_text, half_away
from hypothesis import HealthCheck, assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from optima import made
from random_instances import random_instance, random_plan

from optimiser.files.folder import read_folder, write_folder
from optimiser.files.workbook import read_workbook, write_workbook
from optimiser.model.compile import compile_problem
from optimiser.model.plan import BY_ITSELF, Plan
from optimiser.model.rows import Quantity, SideRow
from optimiser.model.schema import COST_PARTS, TABLES
from optimiser.solvers import registry, session
from optimiser.solvers.process import Ending

relation = hypothesis_settings(
    derandomize=True,
    deadline=None,
    max_examples=10,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
seeds = st.integers(0, 299)
ONCE = ("opening_cost", "closing_cost", "set_up_cost", "entry_cost", "exit_cost",
        "in_house_entry_cost")  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _in_this_process():
    def run(task, take, *_):
        return Ending(outcome=registry.load(task.spec).solve(task.problem, task.options, take))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "run", run)
        yield


# What is compared


class Optimum(NamedTuple):
    """The best objective in last places (None: infeasible) and how far rounding may take it."""

    objective: int | None
    slack: float
    account: object


def solved(instance, rows=(), start=None):
    result = session.solve(instance, solver="highs", gap=0, time_limit=60, rows=rows, start=start)
    split = instance.settings.split
    slack = compile_problem(instance, rows).slack + 1 if split else 0
    if result.status == "infeasible":
        return Optimum(None, slack, None)
    assert result.status == "optimal" or (split and result.status == "feasible"), result.reasons
    return Optimum(result.account.objective, slack, result.account)


def best(tables, settings, rows=()):
    return solved(made(tables, settings), rows)


@functools.cache
def untouched(seed):
    """The optimum of a random instance as it is."""
    return best(*random_instance(seed))


def assert_same(one, two, added=0):
    """The second optimum is the first and what is added."""
    assert (one.objective is None) == (two.objective is None)
    if one.objective is not None:
        assert abs(one.objective + added - two.objective) <= one.slack + two.slack


def assert_not_dearer(after, before):
    """The change may only have helped."""
    if before.objective is not None:
        assert after.objective is not None
        assert after.objective <= before.objective + before.slack + after.slack


# Changes


def drawn(seed, *, without=()):
    """Tables and settings of a random instance, without some of its features."""
    tables, settings = copy.deepcopy(random_instance(seed))
    if "policies" in without:
        tables.pop("policies", None)
    if "weights" in without:
        settings.pop("objective", None)
    if "options" in without:
        tables.pop("options", None)
        settings.pop("options", None)
    if "places" in without:
        tables.pop("network", None)
        settings.pop("distance", None)
        blank(tables, "latitude", "longitude", "x_km", "y_km", "max_distance_km")
    if "one-offs" in without:
        blank(tables, *ONCE)
    return tables, settings


def blank(tables, *columns):
    for rows in tables.values():
        for row in rows:
            for column in columns:
                row.pop(column, None)


def times(text, factor):
    return decimal_text(Fraction(text) * factor, 18) if text else text


def scale(tables, settings, factor, *, kinds=(), columns=()):
    """Multiply all numbers of these kinds and columns, defaults of authorities included."""
    for name, rows in tables.items():
        for column in TABLES[name].columns:
            if column.kind in kinds or column.name in columns:
                for row in rows:
                    if row.get(column.name):
                        row[column.name] = times(row[column.name], factor)
    for column in TABLES["authorities"].columns:
        default = settings.get("oversight", {})
        if (column.kind in kinds or column.name in columns) and column.name in default:
            default[column.name] = times(default[column.name], factor)


def scale_limits(tables, factor, *measures):
    """Multiply the absolute limits of policies on these measures, dropping what gets too long."""
    kept = []
    for row in tables.get("policies", []):
        absolute = row.get("unit") == "absolute" or row["measure"] == "one_off_cost"
        if absolute and row["measure"] in measures:
            limits = [Fraction(row[side]) * factor for side in ("minimum", "maximum")
                      if row.get(side)]  # fmt: skip
            if any((limit * 10**6).denominator != 1 for limit in limits):
                continue
            row = {**row, **{side: times(row.get(side, ""), factor)
                             for side in ("minimum", "maximum")}}  # fmt: skip
        kept.append(row)
    if "policies" in tables:
        tables["policies"] = kept
    return {row["policy"] for row in kept}


def penalty(tables, optimum, decimals):
    """Money that no plan can save up for: more than the optimum and every negative fixed cost."""
    negative = sum(max(-Fraction(row.get("fixed_cost") or 0), 0) for row in tables["tariffs"])
    return decimal_text(Fraction(optimum.objective, 10**decimals) + negative + 1, 18)


def decimals(settings):
    return int(settings.get("money_decimals", 2))


def exhaustive(tables, settings, rng):
    """List the options one by one, most of what there can be, each at an access cost."""
    listed = {
        (row["organisation"], row["service"], row["provider"]): row
        for row in tables.get("options", [])
    }
    rows = []
    for need in tables["demand"]:
        for offer in tables["offers"]:
            key = (need["organisation"], need["service"], offer["provider"])
            wanted = rng.random() < 0.7 or need.get("incumbent") == offer["provider"]
            if need["service"] == offer["service"] and (wanted or key in listed):
                row = listed.get(key, dict(zip(("organisation", "service", "provider"), key,
                                               strict=True)))  # fmt: skip
                rows.append({**row, "access_cost": row.get("access_cost") or "1"})
    tables["options"] = rows
    settings.pop("options", None)


def renamed(tables, rename):
    """Give every key, and every reference to it, the name that `rename(table, key)` says."""
    result = {}
    for name, rows in tables.items():
        columns = {column.name: column for column in TABLES[name].columns}
        result[name] = []
        for row in rows:
            new = dict(row)
            for cell, text in row.items():
                column = columns[cell]
                if not text or text == IN_HOUSE:
                    continue
                if column.kind == "reference":
                    new[cell] = rename(column.refers_to, text)
                elif column.kind == "references":
                    new[cell] = ";".join(rename(column.refers_to, key) for key in text.split(";"))
                elif name == "network" and column.kind == "key":
                    new[cell] = rename(
                        {"o": "organisations", "p": "providers"}.get(text[0], "network"), text
                    )
                elif column.kind == "key":
                    new[cell] = rename(name, text)
            result[name].append(new)
    return result


# The same instance, said otherwise


@relation
@given(seeds, st.integers(0, 99))
def test_the_order_of_rows_does_not_matter(seed, order):
    """With the rows of every table shuffled the optimum is the same."""
    tables, settings = drawn(seed)
    for rows in tables.values():
        random.Random(order).shuffle(rows)
    assert_same(untouched(seed), best(tables, settings))


@relation
@given(seeds)
def test_names_do_not_matter(seed):
    """With every key renamed, and sorted the other way round, the optimum is the same."""

    def rename(table, key):
        return f"{table[:3]} – {99 - int(key[1:])}"

    tables, settings = drawn(seed)
    assert_same(untouched(seed), best(renamed(tables, rename), settings))


@relation
@given(seeds)
def test_money_times_ten_costs_ten_times_as_much(seed):
    """Ten times the money, and a last place of ten times the worth, is the same to the unit."""
    tables, settings = drawn(seed)
    settings["money_decimals"] = max(1, decimals(settings))
    larger, other = copy.deepcopy((tables, settings))
    scale(larger, other, 10, kinds=("money",), columns=("unit_cost", "access_rate", "hour_cost"))
    kept = scale_limits(larger, 10, "one_off_cost", "baseline_cost")
    tables["policies"] = [row for row in tables.get("policies", []) if row["policy"] in kept]
    other["money_decimals"] = settings["money_decimals"] - 1
    assert_same(best(tables, settings), best(larger, other))


@relation
@given(seeds)
def test_volumes_times_ten_at_a_tenth_of_the_price_cost_the_same(seed):
    """Ten times the volumes and capacities, a tenth of unit costs, rates and hours per unit."""
    tables, settings = drawn(seed)
    smaller, other = copy.deepcopy((tables, settings))
    scale(smaller, other, Fraction(1, 10), kinds=("volume",))
    scale(smaller, other, 10, columns=("unit_cost", "access_rate", "hours_per_unit"))
    kept = scale_limits(smaller, Fraction(1, 10), "volume")
    tables["policies"] = [row for row in tables.get("policies", []) if row["policy"] in kept]
    other["volume_decimals"] = int(settings.get("volume_decimals", 3)) + 1
    assert_same(best(tables, settings), best(smaller, other))


@relation
@given(seeds)
def test_weights_times_ten_make_an_objective_of_ten_times(seed):
    """A tenth of all weights, reckoned to a tenth of the last place, is the same to the unit."""
    tables, settings = drawn(seed)
    weights = settings.get("objective", {})
    finer = {
        **settings,
        "objective": {part: times(weights.get(part, "1"), Fraction(1, 10)) for part in COST_PARTS},
        "money_decimals": decimals(settings) + 1,
    }
    assert_same(untouched(seed), best(tables, finer))


@relation
@given(seeds)
def test_kilometres_twice_as_many_at_half_the_detour_cost_the_same(seed):
    """All places twice as far apart, with half the detour, are as far apart as before."""
    tables, settings = drawn(seed)
    for rows in (tables["organisations"], tables["providers"]):
        for row in rows:
            if row.get("latitude"):  # the globe has no places twice as far apart: lay it flat
                row["x_km"] = times(str(half_away(Fraction(row.pop("latitude")) * 1000)),
                                    Fraction(1, 1000))  # fmt: skip
                row["y_km"] = times(str(half_away(Fraction(row.pop("longitude")) * 1000)),
                                    Fraction(1, 1000))  # fmt: skip
    distance = settings.setdefault("distance", {})
    if distance.get("metric") == "great-circle":
        distance["metric"] = "straight-line"
    larger, other = copy.deepcopy((tables, settings))
    scale(larger, other, 2, columns=("x_km", "y_km", "km"))
    other["distance"]["detour"] = times(str(distance.get("detour", 1)), Fraction(1, 2))
    assert_same(best(tables, settings), best(larger, other))


@relation
@given(seeds)
def test_a_folder_and_a_workbook_say_the_same(seed):
    """Written and read either way the instance has the same hash and the same optimum."""
    instance = made(*random_instance(seed))
    with tempfile.TemporaryDirectory() as folder:
        write_folder(instance, Path(folder) / "instance")
        first = read_folder(Path(folder) / "instance")
        write_workbook(first, Path(folder) / "instance.xlsx")
        second = read_workbook(Path(folder) / "instance.xlsx")
    assert instance.hash == first.hash == second.hash
    assert_same(untouched(seed), solved(second))


def start_of(tables, settings, draw):
    """A plan drawn at random that breaks as few rules as any of thirty."""
    world, rng = World(tables, settings), random.Random(draw)
    row_of = {p: n for n, p in enumerate(world.providers)} | {IN_HOUSE: BY_ITSELF}
    plans = [random_plan(world, rng) for _ in range(30)]
    plan = min(plans, key=lambda plan: len(world.price(plan).broken) if all(plan) else 99)
    return Plan.of(
        (q, row_of[d], int(part * 10**world.volume_decimals))
        for q, ways in enumerate(plan)
        for d, part in ways
    )


@relation
@given(seeds, st.integers(0, 9))
def test_a_start_changes_nothing(seed, draw):
    """From any plan, whether it keeps or breaks the rules, the same optimum is found."""
    tables, settings = drawn(seed)
    start = start_of(tables, settings, draw)
    assert_same(untouched(seed), solved(made(tables, settings), start=start))


def test_a_start_changes_nothing_where_presolve_does_it_all():
    """The plan that comes back is the one whose objective is claimed, not the start."""
    tables, settings = drawn(89)
    start = start_of(tables, settings, 8)
    assert_same(untouched(89), solved(made(tables, settings), start=start))


# What cannot pay, and what nobody needs


@relation
@given(seeds, st.sampled_from(("shared-centre", "co-operative")))
def test_a_provider_too_dear_to_open_changes_nothing(seed, mode):
    """Another provider that offers all for nothing, but costs more than all to run, stays shut."""
    tables, settings = drawn(seed, without=["weights"])
    before = best(tables, settings)
    if before.objective is None:
        return
    cost = penalty(tables, before, decimals(settings))
    tables["providers"].append({"provider": "dear", "mode": mode, "running_cost": cost})
    for row in tables["services"]:
        offer = {"provider": "dear", "service": row["service"]}
        tables["offers"].append(offer)
        tables["tariffs"].append({**offer, "band": "1"})
    if tables.get("options"):
        tables["options"] += [
            {"organisation": row["organisation"], "service": row["service"], "provider": "dear"}
            for row in tables["demand"]
        ]
    assert_same(before, best(tables, settings))


@relation
@given(seeds, st.integers(0, 9))
def test_a_band_dearer_than_another_changes_nothing(seed, draw):
    """Every offer gets a copy of one of its bands, dearer by fixed or unit cost or both."""
    tables, settings = drawn(seed)
    rng = random.Random(draw)
    for offer in tables["offers"]:
        key = (offer["provider"], offer["service"])
        bands = [row for row in tables["tariffs"] if (row["provider"], row["service"]) == key]
        copied = dict(rng.choice(bands), band="copy")
        for column in ("fixed_cost", "unit_cost"):
            more = Fraction(copied.get(column) or 0) + rng.choice((0, 1, 1000))
            copied[column] = decimal_text(more, 18)
        tables["tariffs"].insert(rng.randint(0, len(tables["tariffs"])), copied)
    assert_same(untouched(seed), best(tables, settings))


@relation
@given(seeds, st.integers(0, 9))
def test_an_option_too_dear_to_take_changes_nothing(seed, draw):
    """Options left out of the table, added at an access cost beyond everything, are not used."""
    tables, settings = drawn(seed, without=["weights"])
    exhaustive(tables, settings, random.Random(draw))
    before = best(tables, settings)
    if before.objective is None or not tables["options"]:
        return
    cost = penalty(tables, before, decimals(settings))
    listed = {(row["organisation"], row["service"], row["provider"]) for row in tables["options"]}
    for need in tables["demand"]:
        for offer in tables["offers"]:
            key = (need["organisation"], need["service"], offer["provider"])
            if offer["service"] == need["service"] and key not in listed:
                cells = dict(zip(("organisation", "service", "provider"), key, strict=True))
                tables["options"].append({**cells, "access_cost": cost})
    assert_same(before, best(tables, settings))


@relation
@given(seeds, st.integers(1, 10**6))
def test_a_pair_that_can_only_be_in_house_adds_its_cost(seed, money):
    """A service that nobody offers is done in-house at its own cost, and nothing else changes."""
    tables, settings = drawn(seed, without=["policies"])
    before = best(tables, settings)
    tables["services"].append({"service": "own"})
    organisation = tables["organisations"][-1]["organisation"]
    tables["demand"].insert(0, {"organisation": organisation, "service": "own", "volume": "3",
                                "in_house_cost": str(money)})  # fmt: skip
    weight = Fraction(str(settings.get("objective", {}).get("in_house", 1)))
    added = half_away(money * weight, 10 ** decimals(settings))
    assert_same(before, best(tables, settings), added)


@relation
@given(seeds)
def test_a_service_that_nobody_needs_changes_nothing(seed):
    """Everyone may offer it, at whatever cost of setting up, and nobody pays."""
    tables, settings = drawn(seed)
    tables["services"].insert(0, {"service": "idle", "weight": "7"})
    for row in tables["providers"]:
        offer = {"provider": row["provider"], "service": "idle"}
        tables["offers"].append({**offer, "set_up_cost": "99", "min_volume": "5"})
        tables["tariffs"].insert(0, {**offer, "band": "1", "fixed_cost": "88", "from_volume": "2"})
    assert_same(untouched(seed), best(tables, settings))


@relation
@given(seeds, st.integers(0, 9))
def test_a_barred_row_may_as_well_be_missing(seed, draw):
    """In a table of all options a barred row of no incumbent says nothing."""
    tables, settings = drawn(seed)
    rng = random.Random(draw)
    exhaustive(tables, settings, rng)
    incumbents = {(row["organisation"], row["service"], row.get("incumbent"))
                  for row in tables["demand"]}  # fmt: skip
    barred = []
    for row in tables["options"]:
        key = (row["organisation"], row["service"], row["provider"])
        if key not in incumbents and not row.get("decision") and rng.random() < 0.5:
            row["decision"] = "barred"
            barred.append(row)
    assume(len(barred) < len(tables["options"]))  # a table without rows counts as absent
    before = best(tables, settings)
    tables["options"] = [row for row in tables["options"] if row not in barred]
    assert_same(before, best(tables, settings))


@relation
@given(seeds, st.integers(0, 9))
def test_without_one_offs_it_does_not_matter_who_delivers_today(seed, draw):
    """Incumbents dealt out anew leave the optimum where nothing is paid for a change."""
    tables, settings = drawn(seed, without=["one-offs", "options", "places"])
    for row in tables["offers"]:
        row.pop("existing", None)
    tables["policies"] = [row for row in tables.get("policies", [])
                          if row["measure"] not in ("one_off_cost", "moved_pairs")]  # fmt: skip
    before = best(tables, settings)
    rng = random.Random(draw)
    for row in tables["demand"]:
        who = [o["provider"] for o in tables["offers"] if o["service"] == row["service"]]
        row["incumbent"] = rng.choice([*who, "", *[IN_HOUSE] * bool(row.get("in_house_cost"))])
    assert_same(before, best(tables, settings))


# Several instances at once


@relation
@given(seeds, seeds)
def test_instances_that_share_nothing_add_up(one, two):
    """Two instances in one, with names of their own, cost what they cost apart."""
    parts = [drawn(seed, without=["policies", "options", "places"]) for seed in (one, two)]
    settings = {key: value for key, value in parts[0][1].items()
                if key in ("horizon", "objective", "oversight")}  # fmt: skip
    settings |= {"money_decimals": 2, "volume_decimals": 3, "sourcing": "single"}
    for tables, own in parts:
        defaults = {name: str(value) for name, value in own.get("oversight", {}).items()}
        tables["authorities"] = [
            defaults | {name: cell for name, cell in row.items() if cell}
            for row in tables.get("authorities", [])
        ]
    apart = [best(tables, settings) for tables, _ in parts]
    if None not in (apart[0].objective, apart[1].objective):
        # Pence beside billions are beyond the floats that general solvers reckon in.
        assume(max(abs(each.objective) for each in apart) < 10**9)
    union = {}
    for number, (tables, _) in enumerate(parts):
        own = renamed(tables, lambda _, key, number=number: f"{number}{key}")
        for name, rows in own.items():
            union.setdefault(name, []).extend(rows)
    if apart[0].objective is None:
        assert best(union, settings).objective is None
    else:
        assert_same(apart[1], best(union, settings), apart[0].objective)


# What can only help, and what can only hurt


@relation
@given(seeds, st.integers(0, 9))
def test_more_room_is_never_dearer(seed, draw):
    """Capacities and maxima raised, some of them beyond all limits, never cost more."""
    tables, settings = drawn(seed)
    rng = random.Random(draw)
    raised = ("capacity", "max_members", "max_officers", "max_contracts", "max_distance_km")
    groups = [
        row for name in ("offers", "providers", "authorities") for row in tables.get(name, [])
    ]
    for row in [*groups, settings.get("oversight", {})]:
        for column in raised:
            if row.get(column) and rng.random() < 0.6:
                if rng.random() < 0.5 and column != "max_distance_km":
                    del row[column]
                else:
                    row[column] = times(str(row[column]), 2)
    assert_not_dearer(best(tables, settings), untouched(seed))


@relation
@given(seeds)
def test_lifting_bars_and_requirements_of_options_is_never_dearer(seed):
    """With no option barred or required, and no provider barred, there is only more choice."""
    tables, settings = drawn(seed)
    for row in tables.get("options", []):
        if row.pop("decision", "") and row["provider"] != IN_HOUSE:
            row["access_cost"] = row.get("access_cost") or "1"
    tables["options"] = [row for row in tables.get("options", []) if row["provider"] != IN_HOUSE]
    if not tables["options"]:
        # Without rows all options would be generated, which is more choice still.
        del tables["options"]
    for row in tables["providers"]:
        if row.get("decision") == "barred":
            del row["decision"]
    before = drawn(seed)
    for row in before[0].get("options", []):
        if row.get("decision") == "required" and row["provider"] != IN_HOUSE:
            row["access_cost"] = row.get("access_cost") or "1"
    assert_not_dearer(best(tables, settings), best(*before))


@relation
@given(seeds)
def test_fewer_links_are_never_dearer(seed):
    """Links only forbid or charge: without them nothing gets dearer."""
    tables, settings = drawn(seed)
    tables.pop("links", None)
    assert_not_dearer(best(tables, settings), untouched(seed))


@relation
@given(seeds, st.integers(0, 9))
def test_fewer_or_looser_policies_are_never_dearer(seed, draw):
    """A policy dropped, or a minimum lowered, or a maximum raised, never costs more."""
    tables, settings = drawn(seed)
    rng = random.Random(draw)
    kept = []
    for row in tables.get("policies", []):
        if row.get("minimum"):
            row["minimum"] = times(row["minimum"], rng.choice((0, 1)))
        if row.get("maximum"):
            row["maximum"] = rng.choice((row["maximum"], ""))
        if rng.random() < 0.7:
            kept.append(row)
    tables["policies"] = kept
    assert_not_dearer(best(tables, settings), untouched(seed))


@relation
@given(seeds)
def test_a_longer_horizon_is_never_dearer(seed):
    """Paid off over more years, what is paid once weighs less in each."""
    tables, settings = drawn(seed)
    horizon = settings.get("horizon", {})
    settings["horizon"] = {**horizon, "years": int(horizon.get("years", 10)) * 3}
    assert_not_dearer(best(tables, settings), untouched(seed))


@relation
@given(seeds)
def test_a_higher_discount_rate_is_never_cheaper(seed):
    """The dearer money is, the more weighs what is paid once."""
    tables, settings = drawn(seed)
    settings["horizon"] = {**settings.get("horizon", {}), "discount_rate": "0.25"}
    assert_not_dearer(untouched(seed), best(tables, settings))


@relation
@given(seeds)
def test_splitting_an_authority_is_never_cheaper(seed):
    """Each organisation with officers of its own has no fewer; paid by the hour it is the same."""
    tables, settings = drawn(seed)
    for row in [*tables.get("authorities", []), settings.get("oversight", {})]:
        row.pop("max_officers", None)
        row.pop("max_contracts", None)
    tables["policies"] = [row for row in tables.get("policies", [])
                          if row.get("scope") != "each-authority"]  # fmt: skip
    together = best(tables, settings)
    apart, _ = copy.deepcopy((tables, settings))
    cells = {row["authority"]: row for row in apart.pop("authorities", [])}
    own = []
    for row in apart["organisations"]:
        if row.get("authority"):
            key = f"{row['authority']} {row['organisation']}"
            own.append({**cells[row["authority"]], "authority": key})
            row["authority"] = key
    apart["authorities"] = own
    separate = best(apart, settings)
    officers = any(row.get("officer_hours") for row in [*own, settings.get("oversight", {})])
    if officers:
        assert_not_dearer(together, separate)
    else:
        assert_same(together, separate)


@relation
@given(seeds, st.sampled_from((0, 1, 20)), st.sampled_from((1, 30, 1000)))
def test_dearer_hours_are_never_more_hours(seed, price, more):
    """Where all hours cost more, the optimum does not fall and the hours do not rise."""
    tables, settings = drawn(seed, without=["weights"])
    settings["sourcing"] = "single"
    blank(tables, "hour_cost", "hours_per_unit")
    for rows in tables.values():  # whole hours, so that nothing is rounded
        for row in rows:
            for column in ("in_house_hours", "service_hours", "hours", "contract_hours"):
                if row.get(column):
                    row[column] = str(half_away(Fraction(row[column])))
    found = []
    for hour_cost in (price, price + more):
        settings["oversight"] = {**settings.get("oversight", {}), "hour_cost": hour_cost}
        found.append(best(tables, settings))
    cheap, dear = found
    assert (cheap.objective is None) == (dear.objective is None)
    if cheap.objective is not None:
        assert cheap.objective <= dear.objective
        hours = [sum(each.hours for each in one.account.authorities) for one in found]
        assert hours[1] <= hours[0]


@relation
@given(st.sampled_from([s for s in range(80) if random_instance(s)[1].get("sourcing") == "split"]))
def test_split_sourcing_is_never_dearer_than_single(seed):
    """A plan of whole pairs is a plan of parts, too."""
    tables, settings = drawn(seed)
    single = best(tables, {**settings, "sourcing": "single"})
    assert_not_dearer(untouched(seed), single)


@relation
@given(seeds)
def test_a_side_row_at_the_optimum_is_the_edge(seed):
    """A limit on cost at the optimum leaves it; a last place less leaves no plan at all."""
    tables, settings = drawn(seed, without=["weights"])
    settings["sourcing"] = "single"
    before = best(tables, settings)
    if before.objective is None:
        return
    # A penny more or less in a billion is beyond the floats that general solvers reckon in.
    assume(before.objective < 10**8)
    place = Fraction(1, 10 ** decimals(settings))
    for less, left in ((0, before.objective), (1, None)):
        limit = SideRow(name="edge", terms=(Quantity(measure="cost"),),
                        maximum=(before.objective - less) * place)  # fmt: skip
        assert best(tables, settings, [limit]).objective == left

"""The checker on cases worked out by hand, rule by rule and product by product."""

from __future__ import annotations

import ast
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import optimiser.model
from optimiser.errors import UsageError
from optimiser.model.build import instance_from
from optimiser.model.check import check, in_house_account, todays_account, todays_plan
from optimiser.model.check_distance import Distances
from optimiser.model.check_facts import Facts, Sum, figure, rounded
from optimiser.model.plan import BY_ITSELF, Plan
from optimiser.model.rows import Quantity, SideRow
from optimiser.model.schema import COST_PARTS, ONE_OFF_PARTS

#: One pound paid once is ten pence a year.
TENTH = {"horizon": {"years": 10, "discount_rate": 0}}
SPLIT = {**TENTH, "sourcing": "split"}


def tables(**more):
    """Two councils need payroll, one also HR; a centre C and a co-operative K offer both."""
    result = {
        "organisations": [{"organisation": "A", "name": "Avon"}, {"organisation": "B"}],
        "services": [{"service": "pay", "unit": "payslips"}, {"service": "hr"}],
        "demand": [
            {"organisation": "A", "service": "pay", "volume": "20", "in_house_cost": "100"},
            {"organisation": "B", "service": "pay", "volume": "30", "in_house_cost": "150"},
            {"organisation": "A", "service": "hr", "volume": "6", "in_house_cost": "60"},
        ],
        "providers": [
            {"provider": "C", "name": "Centre", "mode": "shared-centre"},
            {"provider": "K", "mode": "co-operative"},
        ],
        "offers": [{"provider": p, "service": s} for p in "CK" for s in ("pay", "hr")],
        "tariffs": [
            {"provider": p, "service": s, "band": "1", "unit_cost": "2"}
            for p in "CK"
            for s in ("pay", "hr")
        ],
    }
    result.update(more)
    return result


def put(base, table, number, **cells):
    """Give one row of a table these cells."""
    rows = [{**row, **cells} if at == number else row for at, row in enumerate(base[table])]
    return {**base, table: rows}


def make(base, settings=TENTH):
    """Tables of rows to an instance."""
    columns = {}
    for name, rows in base.items():
        names = dict.fromkeys(key for row in rows for key in row)
        columns[name] = {key: [row.get(key, "") for row in rows] for key in names}
    return instance_from(columns, settings)


def account(base, who, settings=TENTH, rows=()):
    """Account of a plan: a letter for each row of demand (h: in-house), or (letter, volume)s."""
    instance = make(base, settings)
    row = {"h": BY_ITSELF, "C": 0, "K": 1}
    volume = instance["demand"]["volume"].tolist()
    scale = 10**instance.settings.volume_decimals
    deliveries = []
    for pair, entry in enumerate(who):
        if isinstance(entry, str):
            deliveries.append((pair, row[entry], volume[pair]))
        else:
            deliveries += [(pair, row[p], int(Fraction(part) * scale)) for p, part in entry]
    return check(instance, Plan.of(deliveries), rows)


def broken(*arguments, **named):
    """Rules that a plan breaks."""
    return sorted(violation.rule for violation in account(*arguments, **named).violations)


def parts(found):
    """Cost parts that are not 0, in the last place of money."""
    assert found.cost == sum(found.parts.values())
    assert set(found.parts) == set(found.objective_parts) == set(COST_PARTS)
    return {part: money for part, money in found.parts.items() if money}


# --- products ----------------------------------------------------------------------------------


def test_in_house_cost_whole_and_shared():
    """A third of a pair in-house costs a third, rounded: 100 × 6.667 / 20 is 33.335, so 33.34."""
    assert parts(account(tables(), "hhh")) == {"in_house": 31000}
    found = account(tables(), [[("h", "6.667"), ("C", "13.333")], "h", "h"], SPLIT)
    assert parts(found) == {"in_house": 3334 + 21000, "tariff": 2667}
    assert found.feasible


@pytest.mark.parametrize(
    ("numerator", "denominator", "whole"),
    [(5, 2, 3), (-5, 2, -3), (24, 10, 2), (-24, 10, -2), (0, 7, 0), (-1, 2, -1), (-1, 3, 0)],
)
def test_halves_go_away_from_zero(numerator, denominator, whole):
    """Halves go away from zero, all else to the nearest."""
    assert rounded(numerator, denominator) == whole


def test_tariff_rounds_each_delivery_by_itself():
    """20 × 0.00025 and 30 × 0.00025 are half a penny and 0.75: 1 + 1, not 1.25."""
    base = put(tables(), "tariffs", 0, unit_cost="0.00025", fixed_cost="7")
    found = account(base, "CCh")
    assert found.parts["tariff"] == 702
    assert [d.cost["tariff"] for d in found.deliveries] == [1, 1, 0]
    (offer,) = found.offers
    assert (offer.fixed_cost, offer.unit_cost, offer.volume, offer.tariff) == (700, 2, 50000, 0)


def test_access_cost_given_or_by_rate_and_distance():
    """25 given scales with the part; else 0.1 × 20 × 3 km is 6 pounds."""
    base = tables(options=[{"organisation": "A", "service": "pay", "provider": "C",
                            "access_cost": "25"}])  # fmt: skip
    settings = {**SPLIT, "options": {"generate": True}}
    assert account(base, "Chh", settings).parts["access"] == 2500
    shared = [[("C", "5"), ("h", "15")], "h", "h"]
    assert account(base, shared, settings).parts["access"] == 625
    base = put(tables(), "services", 0, access_rate="0.1")
    base = put(base, "organisations", 0, x_km="0", y_km="0")
    base = put(base, "providers", 0, x_km="3", y_km="0")
    assert account(base, "Chh").parts["access"] == 600
    assert account(base, "hCh").parts["access"] == 0  # B has no place
    assert account(base, shared, SPLIT).parts["access"] == 150


def test_running_opening_and_closing():
    """Running while open; opening for a candidate; closing for an existing one, barred included."""
    base = put(tables(), "providers", 0, running_cost="9", opening_cost="50", closing_cost="70")
    base = put(base, "providers", 1, status="existing", opening_cost="1", closing_cost="30",
               decision="barred")  # fmt: skip
    used, idle = account(base, "Chh"), account(base, "hhh")
    assert (used.parts["running"], used.parts["opening"], used.parts["closing"]) == (900, 500, 300)
    assert (idle.parts["running"], idle.parts["opening"], idle.parts["closing"]) == (0, 0, 300)
    assert used.one_off == {**dict.fromkeys(ONE_OFF_PARTS, 0), "opening": 5000, "closing": 3000}
    assert [p.is_open for p in used.providers] == [True, False]


def test_a_required_provider_is_open_though_idle():
    """It runs and opens, and its least members do not bind."""
    base = put(tables(), "providers", 0, decision="required", running_cost="9", opening_cost="50",
               min_members="2")  # fmt: skip
    found = account(base, "hhh")
    assert (found.parts["running"], found.parts["opening"]) == (900, 500)
    assert found.feasible
    assert (found.providers[0].is_open, found.providers[0].in_use) == (True, False)


def test_set_up_of_offers_that_are_not_existing():
    """The offer that an incumbent uses is existing; the other is set up once."""
    base = put(tables(), "demand", 0, incumbent="C")
    base = put(base, "offers", 0, set_up_cost="10")
    base = put(base, "offers", 1, set_up_cost="20")
    assert account(base, "ChC").parts["set_up"] == 200
    base = put(base, "offers", 0, existing="no")
    assert account(base, "CCC").parts["set_up"] == 300


def test_entry_exit_and_going_in_house():
    """Staying is free; leaving, joining and going in-house cost, a blank incumbent enters only."""
    base = put(tables(), "demand", 0, incumbent="C", exit_cost="10", in_house_entry_cost="30")
    base = put(base, "demand", 1, exit_cost="1000", in_house_entry_cost="40")
    base["options"] = [
        {"organisation": o, "service": "pay", "provider": p, "entry_cost": "20"}
        for o in "AB"
        for p in "CK"
    ]
    once = ("entry", "exit", "in_house_entry")
    assert [account(base, "CCh").parts[p] for p in once] == [200, 0, 0]
    assert [account(base, "KCh").parts[p] for p in once] == [400, 100, 0]
    assert [account(base, "hhh").parts[p] for p in once] == [0, 100, 700]


def test_exit_scales_with_the_part_that_leaves():
    """5 of 20 leave: a quarter of the exit cost, in-house entry in full."""
    base = put(tables(), "demand", 0, incumbent="C", exit_cost="10", in_house_entry_cost="30")
    found = account(base, [[("C", "15"), ("h", "5")], "h", "h"], SPLIT)
    assert (found.parts["exit"], found.parts["in_house_entry"]) == (25, 300)
    assert found.one_off["exit"] == 250
    assert found.moved == Fraction(1, 4)


def test_leaving_in_house_costs_exit():
    """In-house is an incumbent like any other."""
    base = put(tables(), "demand", 0, incumbent="in-house", exit_cost="10",
               in_house_entry_cost="30")  # fmt: skip
    assert account(base, "Chh").parts["exit"] == 100
    assert account(base, "hhh").parts["in_house_entry"] == 0


def test_annuity():
    """One pound at 3.5 % over ten years is 12.02 pence a year, and a tenth at 0 %."""
    base = put(tables(), "providers", 0, opening_cost="1000")
    settings = {"horizon": {"years": 10, "discount_rate": 0.035}}
    assert account(base, "Chh", settings).parts["opening"] == 12024
    assert account(base, "Chh").parts["opening"] == 10000


def test_contracts_and_their_overrides():
    """A filled cell of contracts overrides the provider's, a blank one does not."""
    base = put(tables(), "providers", 0, member_cost="7", contract_hours="3")
    base["contracts"] = [{"organisation": "A", "provider": "C", "contract_cost": "0",
                          "contract_hours": ""}]  # fmt: skip
    found = account(base, "CCC")
    assert parts(found)["contracts"] == 700
    assert [(c.cost, c.hours) for c in found.contracts] == [(0, 3), (700, 3)]
    assert found.providers[0].members == 2


def test_oversight_hours_are_priced_by_contract_and_by_pair():
    """Contract 3 h at 10.005, pair 1 + 20 × 0.1 h at 10.005, each rounded by itself."""
    base = put(tables(), "providers", 0, contract_hours="3")
    base = put(base, "offers", 0, service_hours="1", hours_per_unit="0.1")
    found = account(base, "Chh", {**TENTH, "oversight": {"hour_cost": "10.005"}})
    assert found.parts["oversight_hours"] == 3002 + 3002
    assert found.contracts[0].hours_cost == 3002
    assert [(a.key, a.hours) for a in found.authorities] == [("A", 6), ("B", 0)]
    assert found.authorities[0].cost["oversight_hours"] == 6004


def test_hours_of_a_shared_pair_are_added_before_they_are_priced():
    """1 h + 0.5 h of option + 2 h in-house at half of the pair, at 1 penny: 2.5 rounds to 3."""
    base = put(tables(), "demand", 0, in_house_hours="2")
    base = put(base, "offers", 0, service_hours="1")
    base["options"] = [{"organisation": "A", "service": "pay", "provider": "C", "hours": "0.5"}]
    settings = {**SPLIT, "oversight": {"hour_cost": "0.01"}}
    found = account(base, [[("C", "10"), ("h", "10")], "h", "h"], settings)
    assert found.parts["oversight_hours"] == 3
    assert sorted(d.hours for d in found.deliveries[:2]) == [1, Fraction(3, 2)]


def test_officers_and_managers():
    """20 hours are two officers and one manager, 20.001 hours three and two."""
    base = put(tables(), "offers", 0, service_hours="20")
    oversight = {"officer_hours": "10", "officer_cost": "5", "span_of_control": "2",
                 "manager_cost": "9"}  # fmt: skip
    found = account(base, "Chh", {**TENTH, "oversight": oversight})
    assert (found.parts["officers"], found.parts["managers"]) == (1000, 900)
    base = put(base, "offers", 0, service_hours="20.001")
    found = account(base, "Chh", {**TENTH, "oversight": oversight})
    assert (found.parts["officers"], found.parts["managers"]) == (1500, 1800)
    assert (found.authorities[0].officers, found.authorities[0].managers) == (3, 2)
    assert broken(base, "Chh", {**TENTH, "oversight": {**oversight, "max_officers": 2}}) == [
        "max-officers"
    ]
    assert not broken(base, "Chh", {**TENTH, "oversight": {**oversight, "max_officers": 3}})


def test_authorities_add_up_their_organisations():
    """Two councils of one authority share its officers and its limit of contracts."""
    base = put(tables(), "offers", 0, service_hours="6")
    base["organisations"] = [{"organisation": o, "authority": "X"} for o in "AB"]
    base["authorities"] = [{"authority": "X", "officer_hours": "12", "max_contracts": "1"}]
    found = account(base, "CCh")
    assert [v.rule for v in found.violations] == ["max-contracts"]
    (authority,) = found.authorities
    assert (authority.hours, authority.officers, authority.contracts) == (12, 1, 2)
    assert (authority.authority, authority.organisation) == (0, -1)


def test_weights_are_applied_before_rounding():
    """The weight 0.5 halves each product of 0.75 pence: 2 × 1 unweighted, 2 × 0 weighted."""
    base = put(tables(), "tariffs", 0, unit_cost="0.000375", fixed_cost="-0.05")
    base = put(base, "demand", 1, volume="20")
    settings = {**TENTH, "objective": {"tariff": 0.5, "in_house": 0}}
    found = account(base, "CCh", settings)
    assert (found.parts["tariff"], found.objective_parts["tariff"]) == (-5 + 2, -3 + 0)
    assert (found.cost, found.objective) == (5997, -3)


def test_officers_are_weighted_one_by_one():
    """Half of 5 pence is 3 for each of two officers: 6, where together it would be 5."""
    base = put(tables(), "offers", 0, service_hours="20")
    settings = {**TENTH, "objective": {"officers": 0.5},
                "oversight": {"officer_hours": "10", "officer_cost": "0.05"}}  # fmt: skip
    found = account(base, "Chh", settings)
    assert (found.parts["officers"], found.objective_parts["officers"]) == (10, 6)


# --- bands -------------------------------------------------------------------------------------


def tariff(*bands):
    """The payroll tariff of the centre: (from, to, fixed, unit)."""
    names = ("from_volume", "to_volume", "fixed_cost", "unit_cost")
    rows = [
        {"provider": "C", "service": "pay", "band": str(at), **dict(zip(names, band, strict=True))}
        for at, band in enumerate(bands)
    ]
    return tables(tariffs=rows + tables()["tariffs"][1:])


@pytest.mark.parametrize(
    ("bands", "who", "cost", "band"),
    [
        ([("", "", "0", "5"), ("", "", "50", "2")], "Chh", 9000, 1),  # 100 against 90
        ([("", "", "0", "5"), ("", "", "70", "2")], "Chh", 10000, 0),  # 100 against 110
        ([("", "", "0", "5"), ("", "", "70", "2")], "CCh", 17000, 1),  # 250 against 170
        ([("", "49.999", "0", "5"), ("50", "", "0", "2")], "Chh", 10000, 0),
        ([("", "49.999", "0", "5"), ("50", "", "0", "2")], "CCh", 10000, 1),
        ([("", "20", "10", "0"), ("20", "", "10", "0")], "Chh", 1000, 0),  # a tie: the first row
        ([("", "", "0", "0"), ("", "", "-30", "1")], "Chh", -1000, 1),
    ],
    ids=["economies", "too-small", "full", "below-threshold", "threshold", "tie", "negative"],
)
def test_the_cheapest_valid_band_is_in_force(bands, who, cost, band):
    """Among the bands valid at the offer's whole volume the cheapest is in force."""
    found = account(tariff(*bands), who)
    assert found.parts["tariff"] == cost
    assert [offer.tariff for offer in found.offers] == [band]
    assert found.feasible


def test_a_volume_that_no_band_covers():
    """Blocks up to 25 and from 40 leave 30 uncovered; what is covered costs as it should."""
    base = tariff(("", "25", "1", "0"), ("40", "", "2", "0"))
    found = account(base, "hCh")
    assert [v.rule for v in found.violations] == ["band"]
    assert (found.offers[0].tariff, found.parts["tariff"]) == (-1, 0)
    assert account(base, "Chh").feasible
    assert account(base, "CCh").feasible


def test_the_band_is_chosen_by_the_objective():
    """At weight 0 all bands tie in the objective, and the cheaper in money is in force."""
    base = tariff(("", "", "0", "5"), ("", "", "50", "2"))
    found = account(base, "Chh", {**TENTH, "objective": {"tariff": 0}})
    assert (found.offers[0].tariff, found.parts["tariff"]) == (1, 9000)
    assert found.objective_parts["tariff"] == 0


# --- rules -------------------------------------------------------------------------------------


def test_options_of_the_table_only():
    """With rows and no generation, only they, in-house and the incumbent are options."""
    base = put(tables(), "demand", 1, incumbent="K")
    base["options"] = [{"organisation": "A", "service": "pay", "provider": "C"}]
    assert broken(base, "CKh") == []
    assert broken(base, "KCh") == ["option", "option"]
    assert broken(base, "KCh", {**TENTH, "options": {"generate": True}}) == []


def test_generated_options_end_at_the_providers_reach():
    """5 km is within 5 km, 5.001 km is not; an organisation without a place is at 0 km."""
    base = put(tables(), "organisations", 0, x_km="3", y_km="4")
    base = put(base, "providers", 0, x_km="0", y_km="0", max_distance_km="5")
    assert broken(base, "CCh") == []
    base = put(base, "organisations", 0, x_km="3", y_km="4.001")
    found = account(base, "CCh")
    assert [v.rule for v in found.violations] == ["option"]
    (message,) = (v.message for v in found.violations)
    assert "pay of Avon (A)" in message
    assert "Centre (C)" in message
    assert "5.001 km" in message
    assert "max_distance_km of 5 km" in message
    base["options"] = [{"organisation": "A", "service": "pay", "provider": "C"}]
    assert broken(base, "CCh", {**TENTH, "options": {"generate": True}}) == []


def test_barred_providers_options_and_in_house():
    """Each bar is reported where it is ignored, and nowhere else."""
    base = put(tables(), "providers", 1, decision="barred")
    base["options"] = [
        {"organisation": "A", "service": "pay", "provider": "C", "decision": "barred"},
        {"organisation": "B", "service": "pay", "provider": "in-house", "decision": "barred"},
    ]
    settings = {**TENTH, "options": {"generate": True}}
    assert broken(base, "hCh", settings) == []
    assert broken(base, "CCh", settings) == ["barred"]
    assert broken(base, "hhh", settings) == ["barred"]
    assert broken(base, "hKh", settings) == ["barred"]


def test_in_house_needs_a_cost():
    """A blank in_house_cost is impossible, not free."""
    base = put(tables(), "demand", 0, in_house_cost="")
    assert broken(base, "hhh") == ["option"]
    assert in_house_account(make(base)) is None


def test_a_required_option_takes_the_whole_pair():
    """Half of the pair is not enough; in-house can be required as well."""
    base = tables(options=[
        {"organisation": "A", "service": "pay", "provider": "C", "decision": "required"},
        {"organisation": "B", "service": "pay", "provider": "in-house", "decision": "required"},
    ])  # fmt: skip
    assert broken(base, "Chh", SPLIT) == []
    assert broken(base, [[("C", "10"), ("h", "10")], "h", "h"], SPLIT) == ["required"]
    settings = {**TENTH, "options": {"generate": True}}
    assert broken(base, "CCh", settings) == ["required"]


def test_single_sourcing():
    """Two deliverers of one pair break single sourcing, and are fine under split."""
    plan = [[("C", "10"), ("K", "10")], "h", "h"]
    assert broken(tables(), plan) == ["single"]
    assert broken(tables(), plan, SPLIT) == []


@pytest.mark.parametrize(("capacity", "kept"), [("50", True), ("49.999", False), ("0", False)])
def test_capacity_of_an_offer(capacity, kept):
    """Fifty fit into fifty and not into less."""
    base = put(tables(), "offers", 0, capacity=capacity)
    assert broken(base, "CCh") == ([] if kept else ["offer-capacity"])


@pytest.mark.parametrize(("capacity", "kept"), [("38", True), ("37.999", False)])
def test_capacity_of_a_provider_counts_weights(capacity, kept):
    """20 payslips and 6 of HR at weight 3 load a centre with 38."""
    base = put(tables(), "services", 1, weight="3")
    base = put(base, "providers", 0, capacity=capacity)
    assert broken(base, "ChC") == ([] if kept else ["provider-capacity"])
    assert account(base, "ChC").providers[0].load == 38


@pytest.mark.parametrize(
    ("cells", "who", "rules"),
    [
        ({"min_members": "2"}, "CCh", []),
        ({"min_members": "2"}, "ChC", ["min-members"]),
        ({"min_members": "2"}, "hhh", []),
        ({"max_members": "1"}, "ChC", []),
        ({"max_members": "1"}, "CCh", ["max-members"]),
        ({"max_members": "0"}, "Chh", ["max-members"]),
    ],
)
def test_members(cells, who, rules):
    """Members are organisations, not deliveries; the least binds only where there is any."""
    assert broken(put(tables(), "providers", 0, **cells), who) == rules


def test_least_volume():
    """It binds an offer in use, by its volume."""
    base = put(tables(), "offers", 0, min_volume="30")
    assert broken(base, "Chh") == ["min-volume"]
    assert broken(base, "hCh") == []
    assert broken(base, "hhC") == []


# --- links -------------------------------------------------------------------------------------


def linked(rule, **more):
    return tables(links=[{"service_a": "hr", "service_b": "pay", "rule": rule, **more}])


@pytest.mark.parametrize(
    ("rule", "who", "rules"),
    [
        ("together", "ChC", []),
        ("together", "hCh", []),
        ("together", "Chh", ["together"]),
        ("apart", "ChC", ["apart"]),
        ("apart", "hhh", []),
        ("apart", "ChK", []),
    ],
)
def test_together_and_apart(rule, who, rules):
    """They bind Avon, which needs both services, and not B, which needs one."""
    assert broken(linked(rule), who) == rules


def test_together_under_split_means_equal_shares():
    """Five of twenty and 1.5 of six are both a quarter; 1.501 of six are not."""
    plan = [[("C", "5"), ("h", "15")], "h", [("C", "1.5"), ("h", "4.5")]]
    assert broken(linked("together"), plan, SPLIT) == []
    plan[2] = [("C", "1.501"), ("h", "4.499")]
    assert broken(linked("together"), plan, SPLIT) == ["together"]


def test_split_cost_is_paid_once_where_deliverers_differ():
    """Equal sets of deliverers pay nothing, whatever their shares."""
    base = linked("split-cost", cost="12.34")
    assert account(base, "ChC").parts["links"] == 0
    assert account(base, "ChK").parts["links"] == 1234
    plan = [[("C", "5"), ("h", "15")], "h", [("C", "3"), ("h", "3")]]
    assert account(base, plan, SPLIT).parts["links"] == 0


def test_a_link_of_an_organisation_replaces_the_one_for_all():
    """The row of Avon replaces the general one, written the other way round."""
    base = linked("split-cost", cost="12.34")
    base["links"].append({"service_a": "pay", "service_b": "hr", "rule": "split-cost",
                          "organisation": "A", "cost": "1"})  # fmt: skip
    assert account(base, "ChK").parts["links"] == 100


# --- policies ----------------------------------------------------------------------------------


def rich():
    """Hours, staff, one-offs and incumbents, so that every measure has something to measure."""
    base = tables(organisations=[
        {"organisation": "A", "staff": "10", "authority": "X"},
        {"organisation": "B", "staff": "30"},
    ], authorities=[{"authority": "X"}])  # fmt: skip
    base = put(base, "services", 1, weight="10")
    base = put(base, "demand", 0, incumbent="in-house", exit_cost="10", in_house_hours="4")
    base = put(base, "demand", 1, incumbent="K", exit_cost="20", in_house_entry_cost="5")
    base = put(base, "providers", 0, opening_cost="100", contract_hours="2")
    base = put(base, "providers", 1, closing_cost="40", contract_hours="1")
    base = put(base, "offers", 0, service_hours="1", set_up_cost="7")
    base = put(base, "offers", 3, service_hours="8", set_up_cost="9")
    base["options"] = [{"organisation": "A", "service": "pay", "provider": "C",
                        "entry_cost": "3"}]  # fmt: skip
    return base


RICH = {**SPLIT, "options": {"generate": True}}


@pytest.mark.parametrize(
    ("measure", "cells", "who", "amount"),
    [
        ("volume", {}, "ChK", 80),
        ("volume", {"mode": "shared-centre"}, "ChK", 20),
        ("volume", {"mode": "in-house"}, "ChK", 30),
        ("volume", {"services": ("hr",)}, "ChK", 60),
        ("volume", {"organisation": "B"}, "ChK", 0),
        ("volume", {"provider": "K"}, "ChK", 60),
        ("baseline_cost", {}, "ChK", 160),
        ("pairs", {}, "ChK", 2),
        ("pairs", {"mode": "in-house"}, "ChK", 1),
        ("pairs", {}, [[("C", "5"), ("h", "15")], "h", "h"], Fraction(1, 4)),
        ("staff_covered", {}, "ChK", 10),
        ("staff_covered", {}, "CCC", 40),
        ("staff_covered", {"services": ("hr",)}, "CCC", 10),
        ("staff_covered", {"mode": "in-house"}, "ChK", 30),
        ("open_providers", {}, "ChK", 2),
        ("open_providers", {"mode": "co-operative"}, "ChC", 0),
        ("open_providers", {"services": ("pay",)}, "ChK", 1),
        ("open_providers", {"authority": "B"}, "ChK", 0),
        ("contracts", {}, "ChC", 1),
        ("contracts", {}, "ChK", 2),
        ("contracts", {"services": ("hr",)}, "ChK", 1),
        ("contracts", {"authority": "X", "provider": "C"}, "CCK", 1),
        ("oversight_hours", {}, "ChK", 1 + 2 + 8 + 1),
        ("oversight_hours", {}, "hhh", 4),
        ("oversight_hours", {"mode": "in-house"}, "hhK", 4),
        ("oversight_hours", {"mode": "co-operative"}, "ChK", 9),
        ("oversight_hours", {"provider": "C"}, "ChK", 3),
        ("oversight_hours", {"authority": "B"}, "CCh", 3),
        ("one_off_cost", {}, "hKh", 0),
        # opening, set-up, entry, exit of A from in-house; B stays with K
        ("one_off_cost", {}, "CKh", 100 + 7 + 3 + 10),
        ("one_off_cost", {"mode": "in-house"}, "CKh", 10),
        ("one_off_cost", {"services": ("pay",)}, "CKh", 7 + 3 + 10),
        ("one_off_cost", {"services": ("hr",)}, "CKh", 0),
        ("one_off_cost", {"authority": "X"}, "CKh", 3 + 10),
        # B leaves K, which closes, and goes in-house
        ("one_off_cost", {"mode": "co-operative"}, "hhh", 40 + 20),
        ("one_off_cost", {"provider": "K"}, "hhh", 40 + 20),
        ("one_off_cost", {"organisation": "B"}, "hhh", 20 + 5),
        ("one_off_cost", {"mode": "in-house"}, "hhh", 5),
        ("moved_pairs", {}, "CKC", 1),
        ("moved_pairs", {}, "hhC", 1),
        ("moved_pairs", {"mode": "in-house"}, "ChC", 1),
        ("moved_pairs", {"mode": "shared-centre"}, "ChC", 1),
        ("moved_pairs", {}, [[("C", "5"), ("h", "15")], "K", "h"], Fraction(1, 4)),
        ("cost", {}, "hhh", Fraction("312.50") + 4),
        ("cost", {"part": "in_house"}, "hhh", 310),
    ],
)
def test_quantities_of_side_rows(measure, cells, who, amount):
    """Each measure under each restriction, held between its own amount and just beyond it."""
    term = Quantity(measure=measure, coefficient=Fraction(-3), **cells)
    exact = SideRow(name="r", terms=(term,), minimum=Fraction(-3 * amount),
                    maximum=Fraction(-3 * amount))  # fmt: skip
    assert broken(rich(), who, RICH, [exact]) == []
    tiny = Fraction(1, 10**9)
    beyond = [SideRow(name="low", terms=(term,), minimum=-3 * amount + tiny),
              SideRow(name="high", terms=(term,), maximum=-3 * amount - tiny)]  # fmt: skip
    assert broken(rich(), who, RICH, beyond) == ["side-row", "side-row"]


def test_side_rows_add_up_their_terms():
    """Twice the contracts less the pairs by providers is 2 × 2 − 2."""
    terms = (Quantity(measure="contracts", coefficient=Fraction(2)),
             Quantity(measure="pairs", coefficient=Fraction(-1)))  # fmt: skip
    row = SideRow(name="r", terms=terms, minimum=Fraction(2), maximum=Fraction(2))
    assert broken(rich(), "ChK", RICH, [row]) == []


@pytest.mark.parametrize(
    "cells",
    [{"measure": "fun"}, {"measure": "cost", "part": "fun"}, {"measure": "pairs", "mode": "fun"},
     {"measure": "pairs", "provider": "Z"}, {"measure": "pairs", "authority": "Z"}],
)  # fmt: skip
def test_side_rows_of_unknown_things_are_refused(cells):
    """What the caller got wrong is an error, not a violation."""
    with pytest.raises(UsageError):
        account(rich(), "hhh", RICH, [SideRow(name="r", terms=(Quantity(**cells),))])


@pytest.mark.parametrize(
    ("policy", "who", "kept"),
    [
        # 20 and 30 payslips and 6 of HR at weight 10: 110 in all
        ({"measure": "volume", "minimum": "0.727272"}, "ChK", True),
        ({"measure": "volume", "minimum": "0.727273"}, "ChK", False),
        ({"measure": "volume", "maximum": "80", "unit": "absolute"}, "ChK", True),
        ({"measure": "volume", "service": "pay", "maximum": "0.4"}, "ChK", True),
        ({"measure": "volume", "service": "pay;hr", "maximum": "0.4"}, "ChK", False),
        ({"measure": "volume", "scope": "each-provider", "maximum": "0.6"}, "ChK", True),
        ({"measure": "volume", "scope": "each-provider", "maximum": "0.5"}, "ChK", False),
        ({"measure": "volume", "scope": "each-provider", "minimum": "0.3"}, "hhK", True),
        ({"measure": "volume", "scope": "each-provider", "minimum": "0.3"}, "hhh", True),
        ({"measure": "volume", "scope": "each-provider", "minimum": "0.3"}, "ChK", False),
        ({"measure": "volume", "scope": "each-authority", "minimum": "0.25"}, "CCh", True),
        ({"measure": "volume", "scope": "each-authority", "minimum": "0.25"}, "ChK", False),
        (
            {"measure": "volume", "scope": "each-authority", "service": "hr", "minimum": "1"},
            "hhK",
            True,
        ),  # B needs no HR: nothing to share
        ({"measure": "baseline_cost", "maximum": "0.516129"}, "ChK", False),
        ({"measure": "baseline_cost", "maximum": "0.51613"}, "ChK", True),
        ({"measure": "pairs", "mode": "in-house", "maximum": "0.333333"}, "ChK", False),
        ({"measure": "pairs", "mode": "in-house", "maximum": "0.333334"}, "ChK", True),
        ({"measure": "staff_covered", "minimum": "0.75"}, "hCh", True),
        ({"measure": "staff_covered", "minimum": "0.75"}, "ChK", False),
        ({"measure": "staff_covered", "scope": "each-provider", "maximum": "0.75"}, "CCK", False),
        ({"measure": "staff_covered", "scope": "each-provider", "maximum": "0.75"}, "KCK", True),
        ({"measure": "staff_covered", "scope": "each-authority", "minimum": "1"}, "KCh", True),
        ({"measure": "staff_covered", "scope": "each-authority", "minimum": "1"}, "Khh", False),
        ({"measure": "open_providers", "maximum": "1"}, "ChK", False),
        ({"measure": "open_providers", "service": "pay", "maximum": "1"}, "ChK", True),
        ({"measure": "open_providers", "scope": "each-authority", "maximum": "1"}, "CKh", True),
        ({"measure": "open_providers", "scope": "each-authority", "maximum": "1"}, "CKK", False),
        ({"measure": "contracts", "scope": "each-provider", "minimum": "2"}, "CCh", True),
        ({"measure": "contracts", "scope": "each-provider", "minimum": "2"}, "CKh", False),
        ({"measure": "contracts", "scope": "each-authority", "maximum": "1"}, "CCC", True),
        ({"measure": "contracts", "mode": "co-operative", "maximum": "0"}, "CCC", True),
        ({"measure": "oversight_hours", "maximum": "12"}, "ChK", True),
        ({"measure": "oversight_hours", "maximum": "11.999"}, "ChK", False),
        ({"measure": "oversight_hours", "scope": "each-provider", "maximum": "8.9"}, "ChK", False),
        ({"measure": "oversight_hours", "scope": "each-authority", "maximum": "3"}, "CCh", True),
        ({"measure": "one_off_cost", "maximum": "120"}, "CKh", True),
        ({"measure": "one_off_cost", "maximum": "119.99"}, "CKh", False),
        ({"measure": "one_off_cost", "scope": "each-provider", "maximum": "110"}, "CKh", True),
        ({"measure": "one_off_cost", "scope": "each-provider", "maximum": "59"}, "hhh", False),
        ({"measure": "one_off_cost", "scope": "each-authority", "maximum": "25"}, "hhh", True),
        ({"measure": "one_off_cost", "scope": "each-authority", "maximum": "24"}, "hhh", False),
        ({"measure": "moved_pairs", "maximum": "1"}, "CKC", True),
        ({"measure": "moved_pairs", "maximum": "1"}, "CCC", False),
        ({"measure": "moved_pairs", "scope": "each-provider", "maximum": "1"}, "CCC", False),
        ({"measure": "moved_pairs", "scope": "each-authority", "maximum": "1"}, "CCC", True),
    ],
)
def test_policies(policy, who, kept):
    """Each measure and scope, kept or broken by a hair's breadth."""
    base = rich()
    base["policies"] = [{"policy": "1", **policy}]
    assert set(broken(base, who, RICH)) == (set() if kept else {"policy"})


def test_a_broken_policy_is_told_in_words():
    """The message names the policy, whose it is, the measure, both figures and the unit."""
    base = rich()
    base["policies"] = [{"policy": "spread", "scope": "each-provider", "measure": "contracts",
                         "maximum": "1"}]  # fmt: skip
    (violation,) = account(base, "CCh", RICH).violations
    assert violation.message == (
        "Policy spread for Centre (C): contracts is 2 (contracts): over its maximum of 1."
    )


# --- distances ---------------------------------------------------------------------------------


def metres(base, settings=TENTH):
    """Metres from Avon to the centre."""
    return Distances(Facts(make(base, settings))).metres(0, 0)


def test_great_circle():
    """One degree along the equator is 2πR / 360: 111,195.080 m."""
    base = put(tables(), "organisations", 0, latitude="0", longitude="0")
    base = put(base, "providers", 0, latitude="0", longitude="1")
    assert metres(base) == 111195
    assert metres(base, {**TENTH, "distance": {"detour": 1.2}}) == 133434
    assert metres(put(base, "providers", 0, latitude="", longitude="")) == 0
    assert metres(put(base, "providers", 0, longitude="180")) == 20015114


def test_straight_line_is_exact_at_halves():
    """30 m × 1.15 are 34.5 m, so 35, though floats would see a little less."""
    base = put(tables(), "organisations", 0, x_km="0", y_km="0.03")
    base = put(base, "providers", 0, x_km="0", y_km="0")
    assert metres(base, {**TENTH, "distance": {"detour": "1.15"}}) == 35
    base = put(base, "organisations", 0, x_km="0.001", y_km="0.001")
    assert metres(base) == 1


def test_network_takes_the_shortest_of_parallel_roads():
    """4 km over a junction beat 5 km; unreachable is no option; no node is no place."""
    base = tables(network=[
        {"from": "A", "to": "C", "km": "5"},
        {"from": "A", "to": "J", "km": "9"},
        {"from": "J", "to": "A", "km": "1.5"},
        {"from": "J", "to": "C", "km": "2.5"},
        {"from": "K", "to": "elsewhere", "km": "1"},
    ])  # fmt: skip
    assert metres(base) == 4000
    assert broken(base, "CKh") == []  # B is no node: without a place, at 0 km
    assert broken(base, "KCh") == ["option"]


# --- today, in-house ---------------------------------------------------------------------------


def test_todays_plan_is_reckoned_without_one_offs():
    """Today each pair is with its incumbent; closing and set-up do not count, rules do."""
    base = tables()
    for at, who in enumerate(("C", "in-house", "C")):
        base = put(base, "demand", at, incumbent=who)
    base = put(base, "providers", 0, running_cost="3", max_members="0")
    base = put(base, "providers", 1, status="existing", closing_cost="1000")
    base = put(base, "offers", 0, existing="no", set_up_cost="500")
    instance = make(base)
    assert todays_plan(instance) == Plan.of([(0, 0, 20000), (1, BY_ITSELF, 30000), (2, 0, 6000)])
    found = todays_account(instance)
    assert parts(found) == {"in_house": 15000, "tariff": 4000 + 1200, "running": 300}
    assert [v.rule for v in found.violations] == ["max-members"]
    assert set(found.one_off.values()) == {0}
    assert check(instance, found.plan).parts["closing"] == 10000


def test_no_todays_plan_where_an_incumbent_is_blank():
    """One blank incumbent is enough."""
    base = put(tables(), "demand", 0, incumbent="C")
    assert todays_plan(make(base)) is None
    assert todays_account(make(base)) is None


def test_everything_in_house_counts_one_offs():
    """310 a year, and 40 once for going in-house."""
    found = in_house_account(make(put(tables(), "demand", 0, in_house_entry_cost="40")))
    assert parts(found) == {"in_house": 31000, "in_house_entry": 400}


# --- nonsense ----------------------------------------------------------------------------------


def raw(*deliveries):
    """Make a plan as it stands, unsorted and with what `Plan.of` would mend."""
    columns = np.array(deliveries, dtype=np.int64).reshape(-1, 3)
    return Plan(pair=columns[:, 0], deliverer=columns[:, 1], volume=columns[:, 2])


WHOLE = [(0, BY_ITSELF, 20000), (1, BY_ITSELF, 30000), (2, BY_ITSELF, 6000)]


@pytest.mark.parametrize(
    ("deliveries", "rules"),
    [
        ([], ["volume"] * 3),
        ([*WHOLE, (3, 0, 1)], ["volume"]),
        ([*WHOLE, (-1, 0, 1)], ["volume"]),
        ([*WHOLE, (0, 2, 1)], ["option"]),
        ([*WHOLE, (0, -1, 1)], ["option"]),
        ([*WHOLE, (0, -3, 1)], ["option"]),
        ([*WHOLE, (0, 0, -5)], ["volume"]),
        ([*WHOLE, (0, 0, 0)], ["volume"]),
        ([*WHOLE, (0, 0, 5)], ["single", "volume"]),
        ([*WHOLE, WHOLE[0]], ["volume", "volume"]),
        (WHOLE[::-1], []),
        (WHOLE[1:], ["volume"]),
        ([(0, 0, 2**62), (1, 0, 2**62), *WHOLE[2:]], ["volume", "volume"]),
    ],
)
def test_garbage_is_reported_and_never_raised(deliveries, rules):
    """Rows out of range, nothing, less than nothing, twice, too much: violations, each told."""
    found = check(make(tables()), raw(*deliveries))
    assert sorted(v.rule for v in found.violations) == rules
    assert all(v.message for v in found.violations)


def test_columns_of_different_lengths_are_garbage_too():
    """What has no partner is not read."""
    whole = raw(*WHOLE)
    found = check(make(tables()), Plan(pair=whole.pair, deliverer=whole.deliverer[:2],
                                       volume=whole.volume))  # fmt: skip
    assert [v.rule for v in found.violations] == ["volume", "volume"]


def test_a_deliverer_without_an_offer():
    """No offer, no tariff; the contract is there all the same."""
    base = tables(offers=tables()["offers"][1:], tariffs=tables()["tariffs"][1:])
    found = account(base, "Chh")
    assert [v.rule for v in found.violations] == ["option"]
    assert (found.offers, len(found.contracts)) == ((), 1)


def test_nonsense_is_left_out_of_the_costs():
    """What makes sense costs what it costs alone, in the plan's order."""
    instance = make(tables())
    found = check(instance, raw((7, 0, 1), *WHOLE[::-1], (0, 9, 4)))
    assert found.cost == 31000
    assert [d.pair for d in found.deliveries] == [2, 1, 0]


def test_a_missing_volume_is_told_with_both_figures():
    """Name and key, what is delivered, what is needed, and the difference, with the unit."""
    (violation,) = account(tables(), [[("C", "19.5")], "h", "h"]).violations
    assert violation.message == (
        "pay of Avon (A): 19.5 payslips/yr is delivered where 20 payslips/yr is needed: "
        "0.5 payslips/yr too little."
    )


# --- sums and figures --------------------------------------------------------------------------


def test_sums_are_exact():
    """Thirds, sevenths and whole numbers add up exactly; nothing adds up to 0."""
    total = Sum()
    assert total.total() == 0
    for numerator, denominator in ((1, 3), (2, 6), (1, 7), (5, 1), (-4, 21)):
        total.add(numerator, denominator)
    assert total.total() == Fraction(1, 3) * 2 + Fraction(1, 7) + 5 - Fraction(4, 21)


@pytest.mark.parametrize(
    ("value", "text"),
    [(1234567, "1,234,567"), (Fraction(-5, 2), "-2.5"), (Fraction(1, 3), "about 0.333333333"),
     (Fraction(1, 8), "0.125"), (0, "0")],
)  # fmt: skip
def test_figures(value, text):
    """Exact where the decimals end, and marked where they do not."""
    assert figure(value) == text


# --- independence ------------------------------------------------------------------------------


def test_the_checker_shares_no_code_with_what_it_checks():
    """Of this package it imports the tables, plans, rows and accounts, and its own parts."""
    allowed = {"schema", "instance", "plan", "rows", "account"}
    folder = Path(optimiser.model.__file__).parent
    sources = [folder / "check.py", *folder.glob("check_*.py")]
    allowed |= {source.stem for source in sources}
    for source in sources:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [
                alias.name for alias in getattr(node, "names", ()) if type(node) is ast.Import
            ]
            for name in names:
                if name.startswith("optimiser") and name != "optimiser.errors":
                    assert name.removeprefix("optimiser.model.") in allowed, source.name

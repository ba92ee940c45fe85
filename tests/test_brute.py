"""Brute force on cases worked out by hand, so that the comparisons with it mean something."""

from __future__ import annotations

from fractions import Fraction

import pytest
from brute import World, half_away, half_up_root, price, solve_brute

from optimiser.model.rows import Quantity, SideRow

NOUGHT = {"horizon": {"years": 10, "discount_rate": 0}}


def tables(**more):
    """Two councils, payroll; a centre at 100 a year and 2 a unit; in-house at 5 a unit."""
    result = {
        "organisations": [{"organisation": "A"}, {"organisation": "B"}],
        "services": [{"service": "pay"}],
        "demand": [
            {"organisation": "A", "service": "pay", "volume": "20", "in_house_cost": "100"},
            {"organisation": "B", "service": "pay", "volume": "30", "in_house_cost": "150"},
        ],
        "providers": [{"provider": "C", "mode": "shared-centre", "running_cost": "100"}],
        "offers": [{"provider": "C", "service": "pay"}],
        "tariffs": [{"provider": "C", "service": "pay", "band": "1", "unit_cost": "2"}],
    }
    result.update(more)
    return result


def both(deliverer_a, deliverer_b):
    return [("A", "pay", deliverer_a, "20"), ("B", "pay", deliverer_b, "30")]


def change(base, table, **cells):
    """Give every row of a table these cells."""
    return {**base, table: [{**row, **cells} for row in base[table]]}


def test_half_away_rounds_halves_away_from_zero():
    """Halves go away from zero, either side of it."""
    values = [Fraction(5, 2), Fraction(-5, 2), Fraction(24, 10), Fraction(-24, 10)]
    assert [half_away(v) for v in values] == [3, -3, 2, -2]


def test_half_up_root_is_exact():
    """The root of a square of a half is rounded up, anything less is not."""
    assert half_up_root(Fraction(25, 4)) == 3
    assert half_up_root(Fraction(25, 4) - Fraction(1, 10**40)) == 2


def test_centre_pays_when_both_join():
    """100 + 2 x 50 beats 250 in-house and either half-way house."""
    result = solve_brute(tables(), NOUGHT)
    assert (result.status, result.objective, result.enumerated) == ("optimal", 20000, 4)
    assert result.plans == [both("C", "C")]
    assert price(tables(), NOUGHT, both("C", "in-house")).cost == 29000
    assert price(tables(), NOUGHT, both("in-house", "in-house")).parts["in_house"] == 25000


def test_ties_are_all_listed():
    """Every optimal plan is given."""
    base = change(tables(), "providers", running_cost="150")
    assert len(solve_brute(base, NOUGHT).plans) == 2


def test_capacity_of_offer_and_provider():
    """Capacity 49 takes one council at most; a provider's counts weights."""
    base = change(tables(), "offers", capacity="49")
    assert price(base, NOUGHT, both("C", "C")).broken == ("offer-capacity",)
    assert solve_brute(base, NOUGHT).objective == 25000
    base = change(change(tables(), "providers", capacity="74.999"), "services", weight="1.5")
    assert price(base, NOUGHT, both("C", "C")).broken == ("provider-capacity",)


def test_nobody_can():
    """Without in-house and with too little room nothing works."""
    base = change(change(tables(), "demand", in_house_cost=""), "offers", capacity="0")
    assert solve_brute(base, NOUGHT).status == "infeasible"


def test_members_and_min_volume():
    """Minima bind only where the provider or offer is in use."""
    base = change(tables(), "providers", min_members="2", max_members="2", decision="required")
    base = change(base, "offers", min_volume="50")
    assert price(base, NOUGHT, both("C", "in-house")).broken == ("min-members", "min-volume")
    assert price(base, NOUGHT, both("C", "C")).broken == ()
    idle = price(base, NOUGHT, both("in-house", "in-house"))
    assert (idle.broken, idle.parts["running"]) == ((), 10000)


def test_bands():
    """The cheapest valid band is in force; a volume that none covers is not allowed."""
    bands = [
        {"band": "1", "unit_cost": "2", "to_volume": "20"},
        {"band": "2", "unit_cost": "1", "fixed_cost": "-3.5", "from_volume": "30"},
        {"band": "3", "unit_cost": "0.5", "fixed_cost": "26.5", "from_volume": "20"},
    ]
    base = tables(tariffs=[{"provider": "C", "service": "pay", **band} for band in bands])
    assert price(base, NOUGHT, both("C", "in-house")).parts["tariff"] == 3650  # 40 or 36.50
    assert price(base, NOUGHT, both("in-house", "C")).parts["tariff"] == 2650  # 26.50 or 41.50
    assert price(base, NOUGHT, both("C", "C")).parts["tariff"] == 4650  # 46.50 or 51.50
    gap = change(base, "demand", volume="21")
    assert price(gap, NOUGHT, [("A", "pay", "C", "21")]).broken == ("volume",)
    gap["tariffs"] = gap["tariffs"][:1]
    assert price(gap, NOUGHT, [("A", "pay", "C", "21")]).broken == ("band", "volume")


def test_each_product_is_rounded_by_itself():
    """Two deliveries of 0.5 pence each cost 1 penny each, and at half weight nothing less."""
    base = change(change(tables(), "tariffs", unit_cost="0.005"), "demand", volume="1")
    plan = [("A", "pay", "C", "1"), ("B", "pay", "C", "1")]
    assert price(base, NOUGHT, plan).parts["tariff"] == 2
    half = price(base, {**NOUGHT, "objective": {"tariff": 0.5, "running": 0}}, plan)
    assert (half.objective, half.cost) == (0, 10002)


def test_one_offs_and_annuity():
    """1,000 once over 2 years at 10 % is 576.19 a year, and 100 at 10 years without interest."""
    base = change(tables(), "providers", opening_cost="1000", closing_cost="10")
    base = change(base, "offers", set_up_cost="500")
    interest = {"horizon": {"years": 2, "discount_rate": "0.1"}}
    assert price(base, interest, both("C", "C")).parts["opening"] == 57619
    found = price(base, NOUGHT, both("C", "C"))
    names = ("opening", "set_up", "closing")
    assert [found.parts[name] for name in names] == [10000, 5000, 0]
    base["demand"][0]["incumbent"] = "C"
    found = price(base, NOUGHT, both("C", "C"))
    assert (found.parts["opening"], found.parts["set_up"]) == (0, 0)
    assert price(base, NOUGHT, both("in-house", "in-house")).parts["closing"] == 100


def test_incumbents():
    """Leaving pays exit, joining entry, going in-house its entry; staying pays none."""
    options = [
        {"organisation": o, "service": "pay", "provider": "C", "entry_cost": "70"} for o in "AB"
    ]
    base = change(tables(options=options), "demand", exit_cost="30", in_house_entry_cost="50")
    base["demand"][0]["incumbent"] = "C"
    base["demand"][1]["incumbent"] = "in-house"
    stay = price(base, NOUGHT, both("C", "in-house")).parts
    assert (stay["exit"], stay["entry"], stay["in_house_entry"]) == (0, 0, 0)
    swap = price(base, NOUGHT, both("in-house", "C")).parts
    assert (swap["exit"], swap["entry"], swap["in_house_entry"]) == (600, 700, 500)
    base["demand"][0]["incumbent"] = ""
    fresh = price(base, NOUGHT, both("in-house", "in-house")).parts
    assert (fresh["exit"], fresh["in_house_entry"]) == (0, 500)
    base["demand"][0]["incumbent"] = "C"
    part = [("A", "pay", "C", "15"), ("A", "pay", "in-house", "5"), ("B", "pay", "C", "30")]
    split = price(base, {**NOUGHT, "sourcing": "split"}, part).parts
    assert (split["exit"], split["in_house_entry"], split["in_house"]) == (75 + 300, 500, 2500)


def test_options_and_decisions():
    """Rows are exhaustive unless generated, barred ones are none and required ones bind."""
    row = {"organisation": "A", "service": "pay", "provider": "C", "access_cost": "7"}
    base = tables(options=[row])
    assert price(base, NOUGHT, both("C", "C")).broken == ("option",)
    generated = {**NOUGHT, "options": {"generate": True}}
    assert price(base, generated, both("C", "C")).parts["access"] == 700
    base["options"] = [{**row, "decision": "required"}]
    assert price(base, NOUGHT, both("in-house", "in-house")).broken == ("required",)
    base["options"] = [{**row, "decision": "barred"}]
    assert price(base, generated, both("C", "in-house")).broken == ("option",)
    base["demand"][0]["incumbent"] = "C"
    assert price(base, NOUGHT, both("C", "in-house")).broken == ("option",)
    base["options"] = [{**row, "provider": "in-house", "access_cost": "", "decision": "barred"}]
    assert price(base, NOUGHT, both("in-house", "in-house")).broken == ("option",)
    assert solve_brute(base, NOUGHT).plans == [both("C", "in-house")]
    barred = change(base, "providers", decision="barred")
    assert solve_brute(barred, NOUGHT).status == "infeasible"


def test_distances():
    """3-4-5 on the plane, a quarter of a meridian on the globe, and two roads; each with detour."""
    base = change(tables(), "organisations", x_km="0", y_km="0")
    base = change(base, "providers", x_km="3", y_km="4", max_distance_km="6.17")
    world = World(base, {"distance": {"detour": "1.2345"}})
    assert world.km["A", "C"] == Fraction("6.173")  # 6.1725, half up
    assert not world.options[0]
    globe = change(tables(), "organisations", latitude="0", longitude="10")
    globe = change(globe, "providers", latitude="90", longitude="0")
    assert World(globe, {}).km["A", "C"] == Fraction("10007.557")
    roads = [("A", "x", "2"), ("x", "C", "3"), ("C", "A", "6"), ("A", "x", "1.5"), ("B", "y", "1")]
    network = tables(network=[{"from": a, "to": b, "km": km} for a, b, km in roads])
    world = World(network, {})
    assert (world.km["A", "C"], world.km["B", "C"]) == (Fraction("4.5"), None)
    assert not world.options[1]
    assert World(network, {"distance": {"metric": "straight-line"}}).km["B", "C"] == 0


def test_access_cost_from_rate():
    """A blank access cost is rate x volume x km."""
    base = change(tables(), "organisations", x_km="0", y_km="0")
    base = change(base, "providers", x_km="3", y_km="4")
    base = change(base, "services", access_rate="0.01")
    assert price(base, NOUGHT, both("C", "C")).parts["access"] == 100 + 150


def test_oversight():
    """Hours of contracts and deliveries give officers and managers by whole numbers."""
    base = change(tables(), "organisations", authority="N")
    base["authorities"] = [{"authority": "N", "officer_hours": "10", "officer_cost": "1000"}]
    base = change(base, "authorities", span_of_control="2", manager_cost="500", max_officers="3")
    base = change(base, "providers", contract_hours="5", member_cost="11")
    base = change(base, "offers", service_hours="1", hours_per_unit="0.1")
    base = change(base, "demand", in_house_hours="0.5")
    base["contracts"] = [{"organisation": "A", "provider": "C", "contract_cost": "0"}]
    settings = {**NOUGHT, "oversight": {"hour_cost": 3}}
    found = price(base, settings, both("C", "C"))  # 10 + 2 + 5 = 17 h: 2 officers, 1 manager
    names = ("officers", "managers", "oversight_hours", "contracts")
    assert [found.parts[name] for name in names] == [200000, 50000, 5100, 1100]
    base["contracts"][0]["contract_hours"] = "18.001"
    assert price(base, settings, both("C", "C")).broken == ("max-officers",)  # 30.001 h
    base = change(base, "authorities", max_contracts="1", max_officers="")
    assert price(base, settings, both("C", "C")).broken == ("max-contracts",)
    alone = change(base, "organisations", authority="")
    found = price(alone, settings, both("C", "in-house"))
    assert (found.broken, found.parts["officers"]) == ((), 0)


def test_links():
    """Together, apart and split-cost, the row of an organisation before the row for all."""
    base = tables(services=[{"service": "pay"}, {"service": "hr"}])
    hr = {"organisation": "A", "service": "hr", "volume": "1", "in_house_cost": "1"}
    base["demand"].append(hr)
    base["offers"].append({"provider": "C", "service": "hr"})
    base["tariffs"].append({"provider": "C", "service": "hr", "band": "1"})

    def found(rule, pay, hr, **more):
        link = {"service_a": "pay", "service_b": "hr", "rule": rule, **more}
        return price(
            {**base, "links": [link, *override]}, NOUGHT, [*both(pay, "C"), ("A", "hr", hr, "1")]
        )

    override = []
    assert found("together", "C", "in-house").broken == ("together",)
    assert found("together", "in-house", "in-house").broken == ()
    assert found("apart", "C", "C").broken == ("apart",)
    assert found("apart", "in-house", "in-house").broken == ()
    assert found("split-cost", "C", "in-house", cost="9").parts["links"] == 900
    assert found("split-cost", "C", "C", cost="9").parts["links"] == 0
    override = [{"service_a": "hr", "service_b": "pay", "rule": "split-cost", "cost": "2",
                 "organisation": "A"}]  # fmt: skip
    assert found("split-cost", "C", "in-house", cost="9").parts["links"] == 200


def test_together_means_equal_shares_under_split():
    """Ten of twenty and half of one are equal shares; six of twenty are not."""
    base = tables(services=[{"service": "pay"}, {"service": "hr"}])
    base["demand"][1] = {"organisation": "A", "service": "hr", "volume": "1", "in_house_cost": "1"}
    base["offers"].append({"provider": "C", "service": "hr"})
    base["tariffs"].append({"provider": "C", "service": "hr", "band": "1"})
    base["links"] = [{"service_a": "pay", "service_b": "hr", "rule": "together"}]
    settings = {**NOUGHT, "sourcing": "split", "volume_decimals": 1}
    hr = [("A", "hr", "C", "0.5"), ("A", "hr", "in-house", "0.5")]
    equal = [("A", "pay", "C", "10"), ("A", "pay", "in-house", "10"), *hr]
    assert price(base, settings, equal).broken == ()
    other = [("A", "pay", "C", "6"), ("A", "pay", "in-house", "14"), *hr]
    assert price(base, settings, other).broken == ("together",)


@pytest.mark.parametrize(
    ("policy", "plan", "kept"),
    [
        ({"measure": "volume", "minimum": "0.4"}, ("C", "in-house"), True),
        ({"measure": "volume", "minimum": "0.400001"}, ("C", "in-house"), False),
        ({"measure": "volume", "maximum": "20", "unit": "absolute"}, ("in-house", "C"), False),
        ({"measure": "volume", "mode": "co-operative", "minimum": "0.1"}, ("C", "C"), False),
        ({"measure": "baseline_cost", "maximum": "0.6"}, ("in-house", "C"), True),
        ({"measure": "pairs", "mode": "in-house", "maximum": "0.5"}, ("C", "in-house"), True),
        ({"measure": "staff_covered", "minimum": "0.9"}, ("in-house", "C"), True),
        ({"measure": "staff_covered", "minimum": "0.9"}, ("C", "in-house"), False),
        ({"measure": "open_providers", "maximum": "0"}, ("in-house", "in-house"), True),
        ({"measure": "open_providers", "maximum": "0"}, ("in-house", "C"), False),
        ({"measure": "contracts", "minimum": "2"}, ("C", "in-house"), False),
        ({"measure": "contracts", "minimum": "2", "scope": "each-provider"}, ("C", "C"), True),
        (
            {"measure": "contracts", "minimum": "2", "scope": "each-provider"},
            ("in-house", "in-house"),
            True,
        ),
        ({"measure": "contracts", "minimum": "1", "scope": "each-authority"}, ("C", "C"), True),
        (
            {"measure": "contracts", "minimum": "1", "scope": "each-authority"},
            ("C", "in-house"),
            False,
        ),
        ({"measure": "oversight_hours", "maximum": "7"}, ("in-house", "C"), True),
        ({"measure": "oversight_hours", "maximum": "6.9"}, ("in-house", "C"), False),
        (
            {"measure": "oversight_hours", "maximum": "3", "scope": "each-provider"},
            ("in-house", "C"),
            True,
        ),
        ({"measure": "one_off_cost", "maximum": "35"}, ("C", "C"), True),
        ({"measure": "one_off_cost", "maximum": "34.99"}, ("C", "C"), False),
        ({"measure": "one_off_cost", "maximum": "10", "service": "pay"}, ("C", "C"), True),
        ({"measure": "one_off_cost", "maximum": "9", "mode": "in-house"}, ("C", "C"), False),
        ({"measure": "one_off_cost", "maximum": "25", "mode": "shared-centre"}, ("C", "C"), True),
        ({"measure": "moved_pairs", "maximum": "0"}, ("C", "in-house"), False),
        ({"measure": "moved_pairs", "maximum": "0"}, ("in-house", "C"), True),
        (
            {"measure": "volume", "minimum": "0.7", "scope": "each-provider"},
            ("in-house", "C"),
            False,
        ),
        (
            {"measure": "volume", "minimum": "0.7", "scope": "each-provider"},
            ("in-house", "in-house"),
            True,
        ),
        ({"measure": "pairs", "minimum": "1", "scope": "each-authority"}, ("in-house", "C"), False),
    ],
)
def test_policies(policy, plan, kept):
    """Each measure and scope, just within its limit and just beyond it."""
    base = tables()
    base["organisations"] = [
        {"organisation": "A", "staff": "10"},
        {"organisation": "B", "staff": "90"},
    ]
    base["demand"][0] |= {"incumbent": "in-house", "exit_cost": "10", "in_house_hours": "4"}
    base = change(base, "providers", contract_hours="2", opening_cost="25")
    base = change(base, "offers", service_hours="1")
    base["policies"] = [{"policy": "1", **policy}]
    assert price(base, NOUGHT, both(*plan)).broken == (() if kept else ("policy",))


def test_share_of_nothing_does_not_bind():
    """A share whose whole is 0 holds whatever it says."""
    base = change(tables(), "services", weight="0")
    base["policies"] = [{"policy": "1", "measure": "volume", "minimum": "1"}]
    assert price(base, NOUGHT, both("in-house", "in-house")).broken == ()


def test_side_rows():
    """Side rows restrict the best plan and are priced without weights."""
    running = Quantity(measure="cost", part="running")
    money = SideRow(name="r", terms=(running,), maximum=Fraction(99))
    assert solve_brute(tables(), NOUGHT, [money]).objective == 25000
    assert price(tables(), NOUGHT, both("C", "C"), [money]).broken == ("side-row",)
    alone = SideRow(
        name="r",
        terms=(
            Quantity(measure="contracts", organisation="A", coefficient=Fraction(2)),
            Quantity(measure="volume", provider="C", authority="B", coefficient=Fraction(-1, 30)),
        ),
        minimum=Fraction(2),
    )
    assert solve_brute(tables(), NOUGHT, [alone]).plans == [both("C", "in-house")]


def test_split():
    """A cheap centre with room for 25 takes 25; the other 25 stay at 5 each in-house."""
    base = change(change(tables(), "offers", capacity="25"), "providers", running_cost="50")
    settings = {**NOUGHT, "sourcing": "split", "volume_decimals": 0}
    result = solve_brute(base, settings)
    assert (result.objective, result.enumerated) == (5000 + 5000 + 12500, 21 * 31)
    assert len(result.plans) == 21

"""Instance -> Problem: which options there are, and what they cost."""

from __future__ import annotations

import pytest
from optima import made, row

from optimiser.errors import InstanceError
from optimiser.model.compile import compile_problem
from optimiser.model.problem import UNLIMITED

NOUGHT = {"horizon": {"years": 10, "discount_rate": 0}}


def tables(**more):
    """Councils A and B need pay and IT; centre C offers both, co-operative D offers pay."""
    result = {
        "organisations": [row(organisation="A", x_km=0, y_km=0), row(organisation="B", x_km=9)],
        "services": [row(service="pay", access_rate="0.1"), row(service="it")],
        "demand": [
            row(organisation="A", service="pay", volume=20, in_house_cost=100),
            row(organisation="B", service="pay", volume=30, in_house_cost=150),
            row(organisation="A", service="it", volume=5),
        ],
        "providers": [
            row(provider="C", mode="shared-centre", running_cost=100, x_km=3, y_km=4),
            row(provider="D", mode="co-operative", x_km=9, y_km=0),
        ],
        "offers": [
            row(provider="C", service="pay"),
            row(provider="C", service="it"),
            row(provider="D", service="pay"),
        ],
        "tariffs": [
            row(provider="C", service="pay", band="1", unit_cost=2),
            row(provider="C", service="it", band="1", unit_cost=7),
            row(provider="D", service="pay", band="1", fixed_cost=11, unit_cost=3),
        ],
    }
    result["organisations"][1]["y_km"] = "0"
    result.update(more)
    return result


def changed(base, table, key, **cells):
    """Tables with these cells in the rows of one table whose first cells are `key`."""
    names = list(base[table][0])[: len(key)]
    rows = [
        {**each, **row(**cells)} if tuple(each[name] for name in names) == key else each
        for each in base[table]
    ]
    assert rows != base[table]
    return {**base, table: rows}


def compiled(base, settings=None):
    return compile_problem(made(base, settings or NOUGHT))


def options(problem):
    """Options as (organisation, service, provider)."""
    names = problem.names
    return [
        (
            names.organisations[problem.pair_organisation[q]],
            names.services[problem.pair_service[q]],
            names.providers[problem.provider_row[p]],
        )
        for q, p in zip(problem.option_pair, problem.option_provider, strict=True)
    ]


def cost(problem, kind, index=None):
    """Coefficients of the objective in pence, or that of one option by its keys."""
    values = problem.objective.get(kind, problem.size(kind)).tolist()
    return values if index is None else values[options(problem).index(index)]


ALL = [("A", "pay", "C"), ("A", "pay", "D"), ("B", "pay", "C"), ("B", "pay", "D"), ("A", "it", "C")]


# Options


def test_options_are_generated_where_there_is_an_offer():
    """Without a table every pair may go to every provider that offers its service."""
    problem = compiled(tables())
    assert options(problem) == ALL
    assert problem.home.tolist() == [True, True, False]


def test_generated_options_keep_to_the_reach_of_the_provider():
    """A provider with a reach of 5 km takes those at 5 km, and nobody farther."""
    base = changed(tables(), "providers", ("C",), max_distance_km=5)
    assert options(compiled(base)) == [o for o in ALL if o != ("B", "pay", "C")]
    base = changed(tables(), "providers", ("C",), max_distance_km="4.999")
    assert options(compiled(base)) == [o for o in ALL if o[2] == "D"]


def test_rows_of_the_table_are_the_options():
    """With rows nothing is generated, and a row holds whatever the distance."""
    base = changed(tables(), "providers", ("C",), max_distance_km=1)
    base["options"] = [row(organisation="B", service="pay", provider="C")]
    assert options(compiled(base)) == [("B", "pay", "C")]


def test_generate_adds_to_the_rows():
    """With generate the rows add to what is generated."""
    base = changed(tables(), "providers", ("C",), max_distance_km=1)
    base["options"] = [row(organisation="B", service="pay", provider="C")]
    found = options(compiled(base, {**NOUGHT, "options": {"generate": True}}))
    assert found == [("A", "pay", "D"), ("B", "pay", "C"), ("B", "pay", "D")]


def test_a_row_overrides_access_entry_and_hours():
    """Access is rate × volume × km by default; a row's own cells replace it, 0 included."""
    base = tables()
    base["options"] = [
        row(organisation="A", service="pay", provider="C", entry_cost=50, hours=2),
        row(organisation="B", service="pay", provider="C", access_cost=0),
        row(organisation="B", service="pay", provider="D", access_cost="12.34"),
    ]
    settings = {**NOUGHT, "oversight": {"hour_cost": "1.5"}, "options": {"generate": True}}
    problem = compiled(base, settings)
    # 0.1 × 20 × 5 km, an annuity of a tenth of 50, and two hours at 1.50
    assert cost(problem, "part", ("A", "pay", "C")) == 1000 + 500 + 300
    assert cost(problem, "part", ("A", "pay", "D")) == 0.1 * 20 * 9 * 100
    assert cost(problem, "part", ("B", "pay", "C")) == 0
    assert cost(problem, "part", ("B", "pay", "D")) == 1234


def test_a_barred_row_is_no_option():
    """Barred options go, generated or not, and so do those of a barred provider."""
    base = {**tables(), "options": [row(organisation="A", service="pay", provider="C",
                                        decision="barred")]}  # fmt: skip
    settings = {**NOUGHT, "options": {"generate": True}}
    assert options(compiled(base, settings)) == ALL[1:]
    assert options(compiled(base)) == []
    base = changed(tables(), "providers", ("D",), decision="barred")
    assert options(compiled(base)) == [o for o in ALL if o[2] == "C"]


def test_a_row_bars_in_house():
    """A barred row whose provider is in-house leaves the pair to providers."""
    base = {**tables(), "options": [row(organisation="A", service="pay", provider="in-house",
                                        decision="barred")]}  # fmt: skip
    problem = compiled(base, {**NOUGHT, "options": {"generate": True}})
    assert problem.home.tolist() == [False, True, False]
    assert options(problem) == ALL


@pytest.mark.parametrize(("provider", "left"), [("D", [("A", "pay", "D")]), ("in-house", [])])
def test_a_required_option_is_the_only_one(provider, left):
    """A required row leaves its pair one choice and touches no other pair."""
    base = {**tables(), "options": [row(organisation="A", service="pay", provider=provider,
                                        decision="required")]}  # fmt: skip
    problem = compiled(base, {**NOUGHT, "options": {"generate": True}})
    assert options(problem) == left + ALL[2:]
    assert problem.home.tolist() == [provider == "in-house", True, False]


def test_the_incumbent_is_always_an_option():
    """Out of reach and without a row it still is, at the default access cost."""
    base = changed(tables(), "providers", ("C",), max_distance_km=1)
    base = changed(base, "demand", ("B", "pay"), incumbent="C", exit_cost=70)
    problem = compiled(base)
    assert options(problem) == [("A", "pay", "D"), ("B", "pay", "C"), ("B", "pay", "D")]
    metres = round((6**2 + 4**2) ** 0.5 * 1000)
    assert cost(problem, "part", ("B", "pay", "C")) == round(0.1 * 30 * metres / 10)
    assert cost(problem, "part", ("B", "pay", "D")) == 700  # a tenth of the exit; D is where B is
    base["options"] = [row(organisation="B", service="pay", provider="C", decision="barred")]
    assert options(compiled(base)) == []


def test_what_is_too_large_is_no_option_under_single_sourcing():
    """Larger than the offer's or, weighted, the provider's capacity: gone, but not under split."""
    base = changed(tables(), "offers", ("C", "pay"), capacity="29.999")
    base = changed(base, "offers", ("D", "pay"), capacity=30)
    split = {**NOUGHT, "sourcing": "split"}
    assert options(compiled(base)) == [o for o in ALL if o != ("B", "pay", "C")]
    assert options(compiled(base, split)) == ALL
    base = changed(tables(), "providers", ("C",), capacity=15)
    base = changed(base, "services", ("pay",), weight="0.5")
    assert options(compiled(base)) == ALL
    base = changed(base, "services", ("pay",), weight="0.501")
    assert options(compiled(base)) == [o for o in ALL if o != ("B", "pay", "C")]
    assert options(compiled(base, split)) == ALL


def test_a_listed_option_that_no_road_reaches_is_a_fault():
    """The fault names the two ends, unless an access cost is given or access costs nothing."""
    roads = [{"from": "A", "to": "D", "km": "4"}, {"from": "B", "to": "C", "km": "4"}]
    base = {**tables(), "network": roads}
    base["options"] = [row(organisation="A", service="pay", provider="C")]
    network = {**NOUGHT, "distance": {"metric": "network"}}
    with pytest.raises(InstanceError, match="A – C"):
        compiled(base, network)
    base["options"] = [row(organisation="A", service="pay", provider="C", access_cost=1)]
    assert options(compiled(base, network)) == [("A", "pay", "C")]
    base["options"] = [row(organisation="A", service="it", provider="C")]
    assert options(compiled(base, network)) == [("A", "it", "C")]
    del base["options"]
    assert options(compiled(base, network)) == [("A", "pay", "D"), ("B", "pay", "C")]


# One-offs and what follows from incumbents


def test_opening_and_closing():
    """A candidate in use pays running and opening; an existing one saves its closing."""
    base = changed(tables(), "providers", ("C",), opening_cost=30, closing_cost=70)
    base = changed(base, "providers", ("D",), status="existing", closing_cost=70, opening_cost=30)
    problem = compiled(base)
    assert cost(problem, "provider") == [10_000 + 300, -700]
    assert problem.objective.constant == 700


def test_a_required_provider_is_paid_whatever_it_delivers():
    """Running and opening of a required provider are constant, and its use costs nothing more."""
    base = changed(tables(), "providers", ("C",), decision="required", opening_cost=30)
    problem = compiled(base)
    assert cost(problem, "provider") == [0, 0]
    assert problem.objective.constant == 10_300


def test_a_barred_existing_provider_is_closed():
    """Its closing is paid for certain, though it is no part of the problem any more."""
    base = changed(tables(), "providers", ("D",), decision="barred", closing_cost=70)
    assert compiled(base).objective.constant == 0
    base = changed(base, "providers", ("D",), status="existing")
    problem = compiled(base)
    assert problem.objective.constant == 700
    assert problem.size("provider") == 1


def test_incumbents_make_providers_and_offers_existing():
    """By default a provider and an offer exist where some pair is delivered by them today."""
    base = changed(tables(), "providers", ("C",), opening_cost=30)
    base = changed(base, "offers", ("C", "pay"), set_up_cost=40)
    base = changed(base, "offers", ("C", "it"), set_up_cost=40)
    problem = compiled(base)
    assert (cost(problem, "provider")[0], cost(problem, "offer")[:2]) == (10_300, [400, 400])
    problem = compiled(changed(base, "demand", ("A", "pay"), incumbent="C"))
    assert (cost(problem, "provider")[0], cost(problem, "offer")[:2]) == (10_000, [0, 400])
    base = changed(base, "demand", ("A", "pay"), incumbent="C")
    base = changed(base, "providers", ("C",), status="candidate")
    base = changed(base, "offers", ("C", "pay"), existing="no")
    problem = compiled(base)
    assert (cost(problem, "provider")[0], cost(problem, "offer")[:2]) == (10_300, [400, 400])


def test_entry_and_exit():
    """Staying is free, leaving pays exit, joining pays entry, going in-house its own entry."""
    once = {"exit_cost": 60, "in_house_entry_cost": 90}
    entries = [
        row(organisation="A", service="pay", provider=p, access_cost=0, entry_cost=20) for p in "CD"
    ]
    base = {**tables(), "options": entries}
    found = {}
    for incumbent in ("C", "in-house", ""):
        problem = compiled(changed(base, "demand", ("A", "pay"), incumbent=incumbent, **once))
        joining = [cost(problem, "part", ("A", "pay", p)) for p in "CD"]
        found[incumbent] = [*joining, cost(problem, "home")[0] - 10_000]
    assert found["C"] == [0, 600 + 200, 600 + 900]
    assert found["in-house"] == [600 + 200, 600 + 200, 0]
    assert found[""] == [200, 200, 900]


def test_weights_come_before_rounding():
    """A half-pound unit part at a weight of 0.333 is 16.65 pence, rounded once to 17."""
    base = changed(tables(), "tariffs", ("D", "pay"), unit_cost="0.025", fixed_cost=0)
    problem = compiled(base, {**NOUGHT, "objective": {"tariff": "0.333"}})
    at = options(problem).index(("A", "pay", "D"))
    assert problem.objective.get("banded", 5)[at] == 17  # 16.65
    assert cost(problem, "home")[0] == 10_000


# Oversight, contracts and links


def test_authorities_inherit_blank_cells():
    """A blank cell takes the default of [oversight], and so does who answers for itself."""
    base = changed(tables(), "organisations", ("A",), authority="X")
    base["authorities"] = [row(authority="X", hour_cost=3, max_officers=0)]
    oversight = {"hour_cost": 2, "officer_hours": 10, "officer_cost": 5, "max_contracts": 4}
    base = changed(base, "demand", ("A", "pay"), in_house_hours=1)
    base = changed(base, "demand", ("B", "pay"), in_house_hours=1)
    problem = compiled(base, {**NOUGHT, "oversight": oversight})
    assert problem.names.authorities == ("X", "B")
    assert problem.pair_authority.tolist() == [0, 1, 0]
    assert cost(problem, "home")[:2] == [10_300, 15_200]
    assert cost(problem, "officers") == [500, 500]
    assert problem.authority_officer_hours.tolist() == [10 * problem.hours_scale] * 2
    assert problem.authority_max_officers.tolist() == [0, UNLIMITED]
    assert problem.authority_max_contracts.tolist() == [4, 4]
    assert problem.authority_span.tolist() == [0, 0]


def test_hours_of_a_delivery():
    """Service hours, hours per unit × volume and the option's own hours add up exactly."""
    base = changed(tables(), "offers", ("C", "pay"), service_hours="1.5", hours_per_unit="0.000001")
    base["options"] = [row(organisation="A", service="pay", provider="C", hours="0.25")]
    problem = compiled(base)
    hours = problem.hours.get("part", 1)[0]
    assert hours * 10**6 == 1_750_020 * problem.hours_scale


def test_a_contract_takes_filled_cells_only():
    """A filled cell overrides the provider's figure, 0 included; a blank one does not."""
    base = changed(tables(), "providers", ("C",), member_cost=8, contract_hours=3)
    base["contracts"] = [
        row(organisation="A", provider="C", contract_cost=0),
        row(organisation="B", provider="C", contract_hours=1),
    ]
    problem = compiled(base, {**NOUGHT, "oversight": {"hour_cost": 1}})
    names = problem.names
    found = {
        (names.organisations[o], names.providers[problem.provider_row[p]]): value
        for o, p, value in zip(
            problem.contract_organisation,
            problem.contract_provider,
            cost(problem, "contract"),
            strict=True,
        )
    }
    zero = {("A", "D"): 0, ("B", "D"): 0}
    assert found == {("A", "C"): 300, ("B", "C"): 800 + 100, **zero}


def link(a, b, rule, **cells):
    return row(service_a=a, service_b=b, rule=rule, **cells)


def test_a_link_of_one_organisation_replaces_the_one_for_all():
    """Whichever comes first, and whichever way round its services are named."""
    base = tables()
    base["demand"].append(row(organisation="B", service="it", volume=1, in_house_cost=1))
    own = link("it", "pay", "split-cost", cost=9, organisation="A")
    everyone = link("pay", "it", "split-cost", cost=4)
    for links in ([own, everyone], [everyone, own]):
        problem = compiled({**base, "links": links})
        paid = {
            frozenset(pairs): money
            for pairs, money in zip(problem.link.tolist(), cost(problem, "link"), strict=True)
        }
        assert paid == {frozenset((0, 2)): 900, frozenset((1, 3)): 400}


def test_links_bind_only_who_needs_both():
    """B needs no IT, so only A is bound; each rule has its own list."""
    for rule in ("together", "apart", "split-cost"):
        problem = compiled({**tables(), "links": [link("pay", "it", rule)]})
        found = {name: getattr(problem, name).tolist() for name in ("together", "apart", "link")}
        wanted = "link" if rule == "split-cost" else rule
        assert [sorted(pair) for pair in found.pop(wanted)] == [[0, 2]]
        assert list(found.values()) == [[], []]


def test_blank_limits_are_unlimited():
    """A blank capacity or maximum is no limit, and 0 is none at all."""
    problem = compiled(tables())
    assert set(problem.offer_capacity.tolist()) == {UNLIMITED}
    assert set(problem.provider_max_members.tolist()) == {UNLIMITED}
    assert set(problem.provider_capacity.tolist()) == {UNLIMITED}
    base = changed(tables(), "providers", ("C",), max_members=0)
    assert compiled(base).provider_max_members.tolist() == [0, UNLIMITED]
    base = changed(tables(), "offers", ("C", "it"), capacity=0)
    assert ("A", "it", "C") not in options(compiled(base))

"""Cheap proofs that nothing can work: what they say, and that they are proofs."""

from __future__ import annotations

from fractions import Fraction

import pytest
from brute import solve_brute
from optima import made, row
from random_instances import random_instance, random_rows

from optimiser.model.compile import compile_problem
from optimiser.model.impossible import reasons
from optimiser.model.rows import Quantity, SideRow


def tables(**more):
    """Councils A (20) and B (30) need payroll from centre C; neither can do it in-house."""
    result = {
        "organisations": [row(organisation="A", name="Avon"), row(organisation="B")],
        "services": [row(service="pay", name="Payroll", unit="payslips")],
        "demand": [
            row(organisation="A", service="pay", volume=20),
            row(organisation="B", service="pay", volume=30),
        ],
        "providers": [row(provider="C", name="Centre", mode="shared-centre")],
        "offers": [row(provider="C", service="pay")],
        "tariffs": [row(provider="C", service="pay", band=1, unit_cost=2)],
    }
    result.update(more)
    return result


def proofs(base, settings=None, rows=()):
    """Proofs, each of which brute force confirms."""
    settings = settings or {}
    found = reasons(compile_problem(made(base, settings), rows))
    assert not found or solve_brute(base, settings, rows).status == "infeasible"
    return found


def only(base, settings=None, rows=()):
    (proof,) = proofs(base, settings, rows)
    return proof


def with_cells(base, table, at, **cells):
    rows = [dict(each) for each in base[table]]
    rows[at].update(row(**cells))
    return {**base, table: rows}


def with_in_house(base):
    for at in range(len(base["demand"])):
        base = with_cells(base, "demand", at, in_house_cost=100)
    return base


def test_what_can_work_is_not_refused():
    """Neither the plain instance nor one that just fits is proved impossible."""
    assert proofs(tables()) == []
    assert proofs(with_cells(tables(), "offers", 0, capacity=50)) == []


def test_a_pair_without_any_choice():
    """Named by service and organisation, with what to do."""
    base = {**tables(), "options": [row(organisation="B", service="pay", provider="C")]}
    assert only(base) == (
        "Payroll for Avon: no in-house cost (or in-house is barred) and no provider within reach "
        "that is large enough. Give an in_house_cost, or an option with capacity."
    )
    base["options"].append(
        row(organisation="A", service="pay", provider="in-house", decision="barred")
    )
    assert only(with_cells(base, "demand", 0, in_house_cost=5)).startswith("Payroll for Avon: no")
    tight = with_cells(tables(), "providers", 0, capacity=25)
    assert any(proof.startswith("Payroll for B: no") for proof in proofs(tight))


def test_volume_beyond_all_capacity_of_a_service():
    """What cannot be in-house is 50 payslips; two centres of 20 each and more demand say so."""
    base = tables()
    base["demand"][1]["volume"] = "20"
    base["demand"].append(row(organisation="D", service="pay", volume=10))
    base["organisations"].append(row(organisation="D"))
    base["providers"].append(row(provider="E", mode="co-operative"))
    base["offers"] = [row(provider=p, service="pay", capacity=c) for p, c in (("C", 22), ("E", 27))]
    base["tariffs"].append(row(provider="E", service="pay", band=1))
    assert only(base) == (
        "Required volume 50 payslips exceeds capacity 49 payslips for Payroll: these organisations "
        "have no in-house choice. Raise capacities, or allow in-house."
    )
    assert proofs(with_cells(base, "offers", 1, capacity=30)) == []
    assert proofs(with_cells(base, "demand", 2, in_house_cost=1)) == []


def test_volume_beyond_the_only_choice():
    """Whoever can go nowhere else is counted against the one offer, with its provider's name."""
    base = with_cells(tables(), "offers", 0, capacity="49.5")
    base["providers"].append(row(provider="E", mode="co-operative", max_distance_km=1))
    base["offers"].append(row(provider="E", service="pay"))
    base["tariffs"].append(row(provider="E", service="pay", band=1))
    base["options"] = [row(organisation=o, service="pay", provider="C") for o in "AB"]
    base["organisations"].append(row(organisation="F"))
    base["demand"].append(row(organisation="F", service="pay", volume=1))
    base["options"].append(row(organisation="F", service="pay", provider="E"))
    assert only(base) == (
        "Required volume 50 payslips exceeds capacity 49.5 payslips for Payroll at Centre: it is "
        "the only choice of these organisations. Raise its capacity, or give them another choice."
    )


def test_a_group_that_nobody_delivers_together():
    """Three services chained by links need one deliverer in common; here each two have one."""
    base = tables(
        organisations=[row(organisation="A")],
        services=[row(service=s) for s in ("x", "y", "z")],
        demand=[row(organisation="A", service=s, volume=1) for s in ("x", "y", "z")],
        providers=[row(provider=p, mode="co-operative") for p in "PQ"],
        links=[
            row(service_a="x", service_b="y", rule="together"),
            row(service_a="y", service_b="z", rule="together"),
        ],
    )
    offers = [("P", "x"), ("P", "y"), ("Q", "y"), ("Q", "z")]
    base["offers"] = [row(provider=p, service=s) for p, s in offers]
    base["tariffs"] = [row(provider=p, service=s, band=1) for p, s in offers]
    assert only(base) == (
        "Must go together, but no deliverer has all of: x for A; y for A; z for A. Drop the link, "
        "or add options."
    )
    assert proofs(with_in_house(base)) == []
    assert proofs({**base, "links": base["links"][:1]}) == []


def test_more_contracts_than_an_authority_may_hold():
    """Two organisations that cannot do without a contract, and a limit of one."""
    base = tables(authorities=[row(authority="County", max_contracts=1)])
    for at in range(2):
        base = with_cells(base, "organisations", at, authority="County")
    assert only(base) == (
        "County: 2 organisations cannot do without a contract, but max_contracts is 1. Raise it, "
        "or allow in-house."
    )
    assert proofs(with_cells(base, "demand", 0, in_house_cost=1)) == []
    assert len(proofs(tables(), {"oversight": {"max_contracts": 0}})) == 2


def test_more_hours_than_officers_have():
    """At least 20 hours for A whoever delivers, against one officer of 15."""
    base = with_cells(tables(), "offers", 0, service_hours=30)
    base = with_cells(base, "demand", 0, in_house_cost=1, in_house_hours=20)
    base = with_cells(base, "demand", 1, in_house_cost=1)
    settings = {"oversight": {"officer_hours": 15, "max_officers": 1}}
    assert only(base, settings) == (
        "A: oversight takes at least 20 hours whoever delivers, but 1 officer can give 15. "
        "Raise max_officers."
    )
    settings["oversight"]["officer_hours"] = 20
    assert proofs(base, settings) == []


def test_a_policy_that_cannot_be_reached():
    """A minimum above the best and a maximum below the least are told with both figures."""
    policy = row(policy="green", measure="volume", mode="co-operative", minimum="0.4")
    base = with_in_house({**tables(), "policies": [policy]})
    proof = only(base)
    assert proof.startswith("Policy green asks for at least")
    assert "at most 0 can be reached whoever delivers" in proof
    policy = row(policy="local", measure="pairs", mode="shared-centre", maximum="0.5")
    proof = only({**tables(), "policies": [policy]})
    assert proof.startswith("Policy local allows at most 1, but no less than 2 can be reached")
    policy = row(policy="local", measure="pairs", mode="shared-centre", maximum="1")
    assert proofs({**tables(), "policies": [policy]}) == []


def test_a_side_row_that_cannot_be_reached():
    """Side rows are proved impossible like policies; one that is just reached is not."""
    volume = Quantity(measure="volume", services=("pay",))
    unreached = SideRow(name="more", terms=(volume,), minimum=Fraction(50001, 1000))
    assert only(tables(), rows=[unreached]).startswith("Side row more asks for at least 50.001")
    reached = SideRow(name="more", terms=(volume,), minimum=Fraction(50))
    assert proofs(tables(), rows=[reached]) == []


@pytest.mark.parametrize("block", range(2))
def test_no_proof_is_false(block):
    """Over random instances, hostile ones and side rows among them, brute force confirms each."""
    proved = 0
    for seed in range(3000 + 75 * block, 3075 + 75 * block):
        base, settings = random_instance(seed)
        rows = random_rows(seed, base, settings) if seed % 5 == 0 else []
        if reasons(compile_problem(made(base, settings), rows)):
            proved += 1
            assert solve_brute(base, settings, rows).status == "infeasible", seed
    assert proved

"""The independent checker: every rule and cost of docs/problem.md, recomputed from the tables.

It shares nothing with compile, clean, distance or any formulation, and reckons in whole numbers and
fractions; only the great-circle distance uses floats.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimiser.model.account import Account, Violation
from optimiser.model.check_costs import reckon
from optimiser.model.check_distance import Distances
from optimiser.model.check_facts import Facts, Sum
from optimiser.model.check_flow import read_flow
from optimiser.model.check_policies import (
    Measures,
    broken_policies,
    broken_side_rows,
    objective_units,
)
from optimiser.model.check_rules import broken_links, broken_rules
from optimiser.model.instance import BLANK, NOWHERE
from optimiser.model.plan import BY_ITSELF, Plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimiser.model.instance import Instance
    from optimiser.model.rows import Objective, SideRow


def check(
    instance: Instance,
    plan: Plan,
    rows: Sequence[SideRow] = (),
    objective: Objective | None = None,
) -> Account:
    """Reckon everything that follows from a plan, and every rule that it breaks.

    A bad plan is never an exception: what cannot be a delivery at all is reported as a violation
    and left out of the costs.

    Parameters
    ----------
    instance
        The tables.
    plan
        Any plan.
    rows
        Side rows that hold as well.
    objective
        What is minimised instead of money, or None.

    Returns
    -------
    The account.

    Raises
    ------
    UsageError
        A side row or the objective names a measure, part or key that does not exist.
    """
    return _account(instance, plan, rows, objective, one_offs=True)


def todays_plan(instance: Instance) -> Plan | None:
    """Return the plan that gives each pair whole to its incumbent; None where one is blank."""
    demand = instance["demand"]
    incumbent = demand["incumbent"]
    if np.any(incumbent == NOWHERE):
        return None
    return Plan.from_arrays(np.arange(len(demand)), incumbent, demand["volume"])


def todays_account(instance: Instance) -> Account | None:
    """Return the account of today's plan, all one-offs counted as 0; None without such a plan.

    Today's plan may break rules; the account says which.
    """
    plan = todays_plan(instance)
    return None if plan is None else _account(instance, plan, (), None, one_offs=False)


def in_house_account(instance: Instance) -> Account | None:
    """Return the account of everything in-house, with one-offs; None where that is impossible."""
    demand = instance["demand"]
    if np.any(demand["in_house_cost"] == BLANK):
        return None
    count = len(demand)
    by_itself = np.full(count, BY_ITSELF, dtype=np.int64)
    plan = Plan.from_arrays(np.arange(count), by_itself, demand["volume"])
    return _account(instance, plan, (), None, one_offs=True)


def _account(
    instance: Instance,
    plan: Plan,
    rows: Sequence[SideRow],
    objective: Objective | None,
    *,
    one_offs: bool,
) -> Account:
    facts = Facts(instance, one_offs=one_offs)
    distances = Distances(facts)
    violations: list[Violation] = []
    flow = read_flow(facts, plan, violations)
    reckoning = reckon(facts, flow, distances)
    violations += broken_rules(facts, flow, reckoning, distances)
    violations += broken_links(facts, flow, reckoning.bill)
    measures = Measures(facts, flow, reckoning)
    violations += broken_policies(facts, measures)
    violations += broken_side_rows(facts, measures, rows)
    bill = reckoning.bill
    minimised = sum(bill.objective_parts.values())
    if objective is not None:
        minimised = objective_units(facts, measures, objective)
    incumbent, need = facts.rows("demand", "incumbent"), facts.numbers("demand", "volume")
    moved = Sum()
    for pair, deliverer, volume in zip(flow.pair, flow.deliverer, flow.volume, strict=True):
        if incumbent[pair] not in (NOWHERE, deliverer):
            moved.add(volume, need[pair])
    return Account(
        plan=plan,
        cost=sum(bill.parts.values()),
        objective=minimised,
        parts=dict(bill.parts),
        objective_parts=dict(bill.objective_parts),
        violations=tuple(violations),
        deliveries=tuple(reckoning.deliveries),
        offers=tuple(reckoning.offers),
        providers=tuple(reckoning.providers),
        contracts=tuple(reckoning.contracts),
        authorities=tuple(reckoning.authorities),
        one_off=reckoning.one_off_parts(),
        moved=moved.total(),
    )

"""Instances made infeasible on purpose: a feasible one and one to three faults planted in it."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from optimiser.errors import InstanceError
from optimiser.studies.changes import Change, changed
from optimiser.studies.generate import generate

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimiser.model.instance import Instance

    Planter = Callable[[Instance, random.Random], tuple[list[Change], set[str]]]


def _needed(instance: Instance, rng: random.Random) -> str:
    """Draw a service that somebody needs and somebody offers."""
    offered = set(instance["offers"]["service"].tolist())
    needed = [s for s in sorted(set(instance["demand"]["service"].tolist())) if s in offered]
    return str(instance["services"].keys[rng.choice(needed)])


def _home_closed(instance: Instance, rng: random.Random) -> tuple[list[Change], set[str]]:
    """Nobody may deliver a service itself, and every offer of it is too small."""
    service = _needed(instance, rng)
    changes = [
        Change(table="demand", where={"service": (service,)}, set={"in_house_cost": ""}),
        Change(table="offers", where={"service": (service,)}, set={"capacity": "0.001"}),
    ]
    return changes, {"demand.in_house_cost", "offers.capacity"}


def _no_contracts(instance: Instance, rng: random.Random) -> tuple[list[Change], set[str]]:
    """No contract is allowed to anybody, and one pair cannot be in-house."""
    row = rng.randrange(len(instance["demand"]))
    demand = instance["demand"]
    who = instance["organisations"].keys[demand["organisation"][row]]
    what = instance["services"].keys[demand["service"][row]]
    pair = {"organisation": (str(who),), "service": (str(what),)}
    changes = [
        Change(set={"oversight.max_contracts": "0"}),
        Change(table="demand", where=pair, set={"in_house_cost": ""}),
    ]
    if len(instance["authorities"]):
        changes.append(Change(table="authorities", set={"max_contracts": "0"}))
    return changes, {"oversight.max_contracts", "authorities.max_contracts",
                     "demand.in_house_cost"}  # fmt: skip


def _all_barred(instance: Instance, rng: random.Random) -> tuple[list[Change], set[str]]:
    """Every provider is barred, and a service cannot be in-house."""
    service = _needed(instance, rng)
    changes = [
        Change(table="providers", set={"decision": "barred"}),
        Change(table="demand", where={"service": (service,)}, set={"in_house_cost": ""}),
    ]
    return changes, {"providers.decision", "demand.in_house_cost"}


def _too_many_members(instance: Instance, rng: random.Random) -> tuple[list[Change], set[str]]:
    """Every provider wants more members than there are, and one organisation needs one."""
    needing = instance["demand"]["organisation"]
    who = str(instance["organisations"].keys[rng.choice(needing.tolist())])
    many = str(len(instance["organisations"]) + 5)
    changes = [
        Change(table="providers", set={"min_members": many, "max_members": ""}),
        Change(table="demand", where={"organisation": (who,)}, set={"in_house_cost": ""}),
    ]
    return changes, {"providers.min_members", "demand.in_house_cost"}


def _too_large_minimum(instance: Instance, rng: random.Random) -> tuple[list[Change], set[str]]:
    """Offers of a service want more than there is of it, and it cannot be in-house."""
    service = _needed(instance, rng)
    total = sum(instance["demand"]["volume"].tolist()) // 10**instance.settings.volume_decimals
    changes = [
        Change(table="offers", where={"service": (service,)},
               set={"min_volume": str(2 * total + 2), "capacity": ""}),
        Change(table="demand", where={"service": (service,)}, set={"in_house_cost": ""}),
    ]  # fmt: skip
    return changes, {"offers.min_volume", "demand.in_house_cost"}


def _no_capacity(instance: Instance, rng: random.Random) -> tuple[list[Change], set[str]]:
    """Providers as a whole can take nothing, and a service cannot be in-house."""
    service = _needed(instance, rng)
    changes = [
        Change(table="providers", set={"capacity": "0.001"}),
        Change(table="demand", where={"service": (service,)}, set={"in_house_cost": ""}),
    ]
    return changes, {"providers.capacity", "demand.in_house_cost"}


PLANTERS: tuple[Planter, ...] = (
    _home_closed, _no_contracts, _all_barred, _too_many_members, _too_large_minimum, _no_capacity,
)  # fmt: skip


def planted(seed: int) -> tuple[Instance, list[set[str]]]:
    """Return an infeasible instance, and for each fault the kinds of rules that are its cause."""
    rng = random.Random(f"planted {seed}")
    family = rng.choice(("regional", "oversight", "staircase"))
    instance = generate(family, seed=seed, organisations=rng.randint(3, 8),
                        services=rng.randint(2, 3), centres=3, co_operatives=4)  # fmt: skip
    causes = []
    count = rng.randint(1, 3)
    for planter in rng.sample(PLANTERS, len(PLANTERS)):
        changes, cause = planter(instance, rng)
        try:
            instance = changed(instance, changes, name="planted")
        except InstanceError:  # it contradicts one planted before: no instance at all
            continue
        causes.append(cause)
        if len(causes) == count:
            break
    return instance, causes



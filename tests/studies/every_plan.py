"""Every plan of a tiny instance, priced by the checker: what studies are held against."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import pytest
from brute import World
from random_instances import columns, random_instance

from optimiser.model.build import instance_from
from optimiser.model.check import check
from optimiser.model.instance import BLANK
from optimiser.model.plan import BY_ITSELF, Plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimiser.model.account import Account
    from optimiser.model.instance import Instance


def tiny(seed: int, most: int = 400) -> Instance:
    """Draw an instance with single sourcing and at most so many plans, or skip."""
    tables, settings = random_instance(seed)
    world = World(tables, settings)
    count = math.prod(len(world.choices(q, all_options=True)) for q in range(len(world.needs)))
    if world.split or not 2 <= count <= most:
        pytest.skip("split, or too many plans to try")
    return instance_from(columns(tables), settings)


def seeds(count: int, most: int = 400) -> list[int]:
    """Return the first seeds whose instances are `tiny`."""
    found = []
    for seed in itertools.count():
        tables, settings = random_instance(seed)
        world = World(tables, settings)
        sizes = [len(world.choices(q, all_options=True)) for q in range(len(world.needs))]
        if not world.split and 2 <= math.prod(sizes) <= most:
            found.append(seed)
            if len(found) == count:
                return found
    raise AssertionError


def every_plan(instance: Instance) -> Iterator[Plan]:
    """Yield every plan that gives each pair whole to a provider with an offer, or in-house."""
    demand, offers = instance["demand"], instance["offers"]
    choices = []
    for service, cost in zip(
        demand["service"].tolist(), demand["in_house_cost"].tolist(), strict=True
    ):
        own = offers["provider"][offers["service"] == service].tolist()
        choices.append([*own, *([] if cost == BLANK else [BY_ITSELF])])
    volume = demand["volume"].tolist()
    for chosen in itertools.product(*choices):
        yield Plan.of((q, by, volume[q]) for q, by in enumerate(chosen))


def feasible(instance: Instance, rows=(), objective=None) -> list[tuple[Plan, Account]]:
    """Return every plan that keeps the rules, with its account."""
    found = []
    for plan in every_plan(instance):
        account = check(instance, plan, rows, objective)
        if account.feasible:
            found.append((plan, account))
    return found

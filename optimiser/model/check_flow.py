"""What flows where under a plan: its deliveries, cleared of nonsense, and by pair, offer, provider.

Whatever cannot be a delivery at all is reported and left out of everything else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from optimiser.model.account import Violation
from optimiser.model.plan import BY_ITSELF

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimiser.model.check_facts import Facts
    from optimiser.model.instance import Instance
    from optimiser.model.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Deliveries in the plan's order, and indexes over them.

    Parameters
    ----------
    pair, deliverer, volume, organisation, service
        Row of demand, row of providers or `BY_ITSELF`, part, and rows, of each delivery.
    offer
        Row of offers of each delivery; −1 in-house, and where there is no such offer.
    option
        Row of options of each delivery, −1 where the table has none.
    of_pair, of_offer, of_provider
        Deliveries of each pair, offer and provider that has any.
    contracts
        (organisation, provider) of each contract, sorted.
    members
        Number of contracts of each provider that has any.
    """

    pair: list[int]
    deliverer: list[int]
    volume: list[int]
    organisation: list[int]
    service: list[int]
    offer: list[int]
    option: list[int]
    of_pair: dict[int, list[int]]
    of_offer: dict[int, list[int]]
    of_provider: dict[int, list[int]]
    contracts: list[tuple[int, int]]
    members: dict[int, int]

    def __len__(self) -> int:
        return len(self.pair)


def read_flow(facts: Facts, plan: Plan, violations: list[Violation]) -> Flow:
    """Read a plan, whatever it holds."""
    kept = _sensible(facts, plan, violations)
    pair = [q for q, _ in kept]
    deliverer = [p for _, p in kept]
    volume = list(kept.values())
    demand_organisation = facts.rows("demand", "organisation")
    demand_service = facts.rows("demand", "service")
    organisation = [demand_organisation[q] for q in pair]
    service = [demand_service[q] for q in pair]
    offer, option = _lookups(facts.instance, organisation, service, deliverer)
    contracts = sorted({
        place for place in zip(organisation, deliverer, strict=True) if place[1] != BY_ITSELF
    })  # fmt: skip
    members: dict[int, int] = {}
    for _, provider in contracts:
        members[provider] = members.get(provider, 0) + 1
    of_offer = group(offer)
    of_offer.pop(-1, None)
    of_provider = group(deliverer)
    of_provider.pop(BY_ITSELF, None)
    return Flow(
        pair=pair,
        deliverer=deliverer,
        volume=volume,
        organisation=organisation,
        service=service,
        offer=offer,
        option=option,
        of_pair=group(pair),
        of_offer=of_offer,
        of_provider=of_provider,
        contracts=contracts,
        members=members,
    )


def group(keys: Sequence[int]) -> dict[int, list[int]]:
    """Positions of each key, in order."""
    found: dict[int, list[int]] = {}
    for at, key in enumerate(keys):
        if key in found:
            found[key].append(at)
        else:
            found[key] = [at]
    return found


def _sensible(
    facts: Facts, plan: Plan, violations: list[Violation]
) -> dict[tuple[int, int], int]:
    """Volume by (pair, deliverer), for what names rows that exist and is positive."""
    columns = [np.asarray(a).ravel().tolist() for a in (plan.pair, plan.deliverer, plan.volume)]
    count = min(map(len, columns))
    if any(len(column) != count for column in columns):
        lengths = ", ".join(str(len(column)) for column in columns)
        violations.append(Violation(
            rule="volume",
            message=f"The plan's columns pair, deliverer and volume have {lengths} rows: "
                    f"only the first {count} are read.",
        ))  # fmt: skip
    pairs, providers = len(facts.instance["demand"]), len(facts.instance["providers"])
    kept: dict[tuple[int, int], int] = {}
    for at, (pair, deliverer, volume) in enumerate(zip(*columns, strict=False)):
        if not 0 <= pair < pairs:
            violations.append(Violation(
                rule="volume",
                message=f"Delivery {at} of the plan is for row {pair} of demand, "
                        f"which has rows 0 to {pairs - 1}.",
            ))  # fmt: skip
        elif deliverer != BY_ITSELF and not 0 <= deliverer < providers:
            violations.append(Violation(
                rule="option",
                message=f"Delivery {at} of the plan, {facts.pair(pair)}, is by row {deliverer} of "
                        f"providers, which has rows 0 to {providers - 1}.",
            ))  # fmt: skip
        elif volume <= 0:
            service = facts.rows("demand", "service")[pair]
            violations.append(Violation(
                rule="volume",
                message=f"{facts.pair(pair)}: {facts.deliverer(deliverer)} is to deliver "
                        f"{facts.volume(volume, service)}; a delivery is more than 0.",
            ))  # fmt: skip
        elif (pair, deliverer) in kept:
            kept[pair, deliverer] += volume
            violations.append(Violation(
                rule="volume",
                message=f"{facts.pair(pair)}: the plan lists {facts.deliverer(deliverer)} more "
                        f"than once; the volumes are added up.",
            ))  # fmt: skip
        else:
            kept[pair, deliverer] = volume
    return kept


def _lookups(
    instance: Instance, organisation: list[int], service: list[int], deliverer: list[int]
) -> tuple[list[int], list[int]]:
    """Rows of offers and of options of each delivery, −1 if none."""
    one = np.array(organisation, dtype=np.int64)
    two = np.array(service, dtype=np.int64)
    three = np.array(deliverer, dtype=np.int64)
    offer = instance["offers"].find(three, two)
    offer[three == BY_ITSELF] = -1
    return offer.tolist(), option_rows(instance, one, two, three).tolist()


def option_rows(
    instance: Instance,
    organisation: NDArray[np.int64],
    service: NDArray[np.int64],
    deliverer: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Row of options of each (organisation, service, deliverer), −1 if there is none."""
    options = instance["options"]
    found = np.full(len(organisation), -1, dtype=np.int64)
    if not len(options) or not len(organisation):
        return found
    services, deliverers = len(instance["services"]), len(instance["providers"]) + 2

    def code(o: NDArray[Any], s: NDArray[Any], p: NDArray[Any]) -> NDArray[np.int64]:
        # p + 2 is 0 for in-house (−2); the product stays far below 2⁶³ for any table in memory.
        code: NDArray[np.int64] = (o.astype(np.int64) * services + s) * deliverers + (p + 2)
        return code

    wanted = code(organisation, service, deliverer)
    order = np.argsort(wanted, kind="stable")
    wanted = wanted[order]
    given = code(options["organisation"], options["service"], options["provider"])
    at = np.searchsorted(wanted, given)
    at[at == len(wanted)] = 0
    hits = np.flatnonzero(wanted[at] == given)
    found[order[at[hits]]] = hits
    return found

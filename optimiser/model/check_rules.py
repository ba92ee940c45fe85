"""Every rule of docs/problem.md but policies, each held against the tables."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final

import numpy as np

from optimiser.model.account import Violation
from optimiser.model.check_facts import KM, figure, listed
from optimiser.model.instance import NOWHERE
from optimiser.model.plan import BY_ITSELF

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimiser.model.account import AuthorityAccount, OfferAccount, ProviderAccount
    from optimiser.model.check_costs import Reckoning
    from optimiser.model.check_distance import Distances
    from optimiser.model.check_facts import Bill, Facts
    from optimiser.model.check_flow import Flow

_WHOLE: Final = Fraction(1)


def broken_rules(
    facts: Facts, flow: Flow, reckoning: Reckoning, distances: Distances
) -> Iterator[Violation]:
    """Yield what a flow breaks, links and policies apart."""
    yield from _pairs(facts, flow)
    yield from _options(facts, flow, distances)
    yield from _required(facts, flow)
    for offer in reckoning.offers:
        yield from _offer(facts, offer)
    for provider in reckoning.providers:
        if provider.in_use:
            yield from _provider(facts, provider)
    for place, authority in enumerate(reckoning.authorities):
        yield from _authority(facts, place, authority)


def _pairs(facts: Facts, flow: Flow) -> Iterator[Violation]:
    """Each pair in whole, and under single sourcing by one deliverer."""
    service = facts.rows("demand", "service")
    for pair, need in enumerate(facts.numbers("demand", "volume")):
        at = flow.of_pair.get(pair, ())
        given = sum(flow.volume[i] for i in at)
        if given != need:
            what = "too little" if given < need else "too much"
            yield Violation(
                rule="volume",
                message=f"{facts.pair(pair)}: {facts.volume(given, service[pair])} is delivered "
                        f"where {facts.volume(need, service[pair])} is needed: "
                        f"{facts.volume(abs(need - given), service[pair])} {what}.",
            )  # fmt: skip
        if len(at) > 1 and not facts.split:
            names = listed(facts.deliverer(flow.deliverer[i]) for i in at)
            yield Violation(
                rule="single",
                message=f"{facts.pair(pair)}: {names} share it, {len(at)} deliverers; "
                        f"under single sourcing there is 1.",
            )  # fmt: skip


# --- options -----------------------------------------------------------------------------------


def _options(facts: Facts, flow: Flow, distances: Distances) -> Iterator[Violation]:
    """Every delivery is by an option that exists and is not barred."""
    incumbent = facts.rows("demand", "incumbent")
    in_house_cost = facts.limits("demand", "in_house_cost")
    row_decision = facts.instance["options"]["decision"]
    provider_decision = facts.words("providers", "decision")
    for i, (pair, deliverer) in enumerate(zip(flow.pair, flow.deliverer, strict=True)):
        option = flow.option[i]
        if option >= 0 and row_decision[option] == "barred":
            yield Violation(
                rule="barred",
                message=f"{facts.pair(pair)} is delivered by {facts.deliverer(deliverer)}, "
                        f"which its row of options bars.",
            )  # fmt: skip
        if deliverer == BY_ITSELF:
            if in_house_cost[pair] is None:
                yield Violation(
                    rule="option",
                    message=f"{facts.pair(pair)} is delivered in-house, which is impossible: "
                            f"its in_house_cost is blank.",
                )  # fmt: skip
            continue
        if provider_decision[deliverer] == "barred":
            yield Violation(
                rule="barred",
                message=f"{facts.pair(pair)} is delivered by {facts.deliverer(deliverer)}, "
                        f"which is barred.",
            )  # fmt: skip
        if flow.offer[i] < 0:
            yield Violation(
                rule="option",
                message=f"{facts.pair(pair)} is delivered by {facts.deliverer(deliverer)}, "
                        f"which has no offer for that service.",
            )  # fmt: skip
        elif option < 0 and incumbent[pair] != deliverer:
            yield from _generated(facts, flow, i, distances)


def _generated(facts: Facts, flow: Flow, i: int, distances: Distances) -> Iterator[Violation]:
    """Hold a delivery without a row, and not by the incumbent, against the provider's reach."""
    provider = flow.deliverer[i]
    what = f"{facts.pair(flow.pair[i])} is delivered by {facts.deliverer(provider)}"
    if not facts.instance.settings.generate:
        yield Violation(rule="option", message=f"{what}, which is not among its rows of options.")
        return
    reach = facts.limits("providers", "max_distance_km")[provider]
    if reach is None and distances.metric != "network":
        return
    metres = distances.metres(flow.organisation[i], provider)
    if metres is None:
        yield Violation(rule="option", message=f"{what}, which no road of the network reaches.")
    elif reach is not None and metres > reach:
        yield Violation(
            rule="option",
            message=f"{what}, which is {figure(Fraction(metres, KM))} km away: "
                    f"over its max_distance_km of {figure(Fraction(reach, KM))} km.",
        )  # fmt: skip


def _required(facts: Facts, flow: Flow) -> Iterator[Violation]:
    """Hold that each required option delivers the whole pair."""
    instance = facts.instance
    options = instance["options"]
    rows = np.flatnonzero(options["decision"] == "required")
    if not len(rows):
        return
    pairs = instance["demand"].find(options["organisation"][rows], options["service"][rows])
    need = facts.numbers("demand", "volume")
    for pair, deliverer in zip(pairs.tolist(), options["provider"][rows].tolist(), strict=True):
        if pair < 0:
            continue
        at = flow.of_pair.get(pair, ())
        given = sum(flow.volume[i] for i in at if flow.deliverer[i] == deliverer)
        if given != need[pair]:
            service = facts.rows("demand", "service")[pair]
            yield Violation(
                rule="required",
                message=f"{facts.pair(pair)}: {facts.deliverer(deliverer)} is required to deliver "
                        f"all of {facts.volume(need[pair], service)}, and delivers "
                        f"{facts.volume(given, service)}.",
            )  # fmt: skip


# --- offers, providers, authorities ------------------------------------------------------------


def _offer(facts: Facts, account: OfferAccount) -> Iterator[Violation]:
    """Band, capacity and least volume of an offer in use."""
    offer, volume = account.offer, account.volume
    service = facts.rows("offers", "service")[offer]
    capacity = facts.limits("offers", "capacity")[offer]
    least = facts.numbers("offers", "min_volume")[offer]
    if account.tariff >= 0 and (capacity is None or volume <= capacity) and volume >= least:
        return
    what = f"{facts.offer(offer)} delivers {facts.volume(volume, service)}"
    if account.tariff < 0:
        yield Violation(rule="band", message=f"{what}, a volume at which no band of its tariff "
                                             f"is valid.")  # fmt: skip
    if capacity is not None and volume > capacity:
        limit = facts.volume(capacity, service)
        yield Violation(rule="offer-capacity", message=f"{what}: over its capacity of {limit}.")
    if volume < least:
        limit = facts.volume(least, service)
        yield Violation(rule="min-volume", message=f"{what}: under its least of {limit}.")


def _provider(facts: Facts, account: ProviderAccount) -> Iterator[Violation]:
    """Capacity and members of a provider in use."""
    provider = account.provider
    if account.capacity is not None and account.load > account.capacity:
        yield Violation(
            rule="provider-capacity",
            message=f"{facts.deliverer(provider)} delivers {figure(account.load)} weighted "
                    f"units/yr: over its capacity of {figure(account.capacity)}.",
        )  # fmt: skip
    fewest = facts.numbers("providers", "min_members")[provider]
    most = facts.limits("providers", "max_members")[provider]
    if account.members < fewest:
        yield Violation(
            rule="min-members",
            message=f"{facts.deliverer(provider)} has {_members(account.members)}: "
                    f"under its least of {fewest:,}.",
        )  # fmt: skip
    if most is not None and account.members > most:
        yield Violation(
            rule="max-members",
            message=f"{facts.deliverer(provider)} has {_members(account.members)}: "
                    f"over its most of {most:,}.",
        )  # fmt: skip


def _members(count: int) -> str:
    return f"{count:,} member{'' if count == 1 else 's'}"


def _authority(facts: Facts, place: int, account: AuthorityAccount) -> Iterator[Violation]:
    """Officers and contracts of an authority."""
    most = account.max_officers
    if account.officer_hours is not None and most is not None and account.officers > most:
        yield Violation(
            rule="max-officers",
            message=f"{facts.authority(place)} needs {account.officers:,} officers for "
                    f"{figure(account.hours)} h/yr of oversight at {figure(account.officer_hours)} "
                    f"h/yr each: over its most of {most:,}.",
        )  # fmt: skip
    limit = account.max_contracts
    if limit is not None and account.contracts > limit:
        yield Violation(
            rule="max-contracts",
            message=f"{facts.authority(place)} has {account.contracts:,} contracts: "
                    f"over its most of {limit:,}.",
        )  # fmt: skip


# --- links -------------------------------------------------------------------------------------


def broken_links(facts: Facts, flow: Flow, bill: Bill) -> Iterator[Violation]:
    """Charge split-cost links that are paid, and yield the other links that are broken."""
    for one, two, rule, cost in _bound_links(facts):
        shares, others = _shares(facts, flow, one), _shares(facts, flow, two)
        if rule == "split-cost":
            if set(shares) != set(others):
                bill.add("links", cost)
        elif rule == "together":
            if shares != others:
                yield Violation(
                    rule="together",
                    message=f"{facts.pair(one)} and {facts.pair(two)} must be together: the first "
                            f"is delivered {_by(facts, shares)}, "
                            f"the second {_by(facts, others)}.",
                )  # fmt: skip
        else:
            both = sorted((set(shares) & set(others)) - {BY_ITSELF})
            if both:
                yield Violation(
                    rule="apart",
                    message=f"{facts.pair(one)} and {facts.pair(two)} must be apart: "
                            f"{listed(map(facts.deliverer, both))} delivers both.",
                )  # fmt: skip


def _bound_links(facts: Facts) -> Iterator[tuple[int, int, str, int]]:
    """Pairs, rule and cost of every link of an organisation that needs both services."""
    if not len(facts.instance["links"]):
        return
    rows: dict[tuple[int, int, str], dict[int, int]] = {}
    cost = facts.numbers("links", "cost")
    columns = (facts.rows("links", "service_a"), facts.rows("links", "service_b"),
               facts.words("links", "rule"), facts.rows("links", "organisation"))  # fmt: skip
    for row, (one, two, rule, organisation) in enumerate(zip(*columns, strict=True)):
        place = min(one, two), max(one, two), rule
        rows.setdefault(place, {})[organisation] = row
    needs: dict[int, dict[int, int]] = {s: {} for one, two, _ in rows for s in (one, two)}
    organisations = facts.rows("demand", "organisation")
    for pair, service in enumerate(facts.rows("demand", "service")):
        if service in needs:
            needs[service][organisations[pair]] = pair
    for (one, two, rule), of_organisation in rows.items():
        general = of_organisation.get(NOWHERE, -1)
        for organisation, pair in needs[one].items():
            bound = of_organisation.get(organisation, general)
            if bound >= 0 and organisation in needs[two]:
                yield pair, needs[two][organisation], rule, cost[bound]


def _shares(facts: Facts, flow: Flow, pair: int) -> dict[int, Fraction]:
    """Share of a pair's volume by each of its deliverers."""
    at = flow.of_pair.get(pair, ())
    need = facts.numbers("demand", "volume")[pair]
    if len(at) == 1 and flow.volume[at[0]] == need:
        return {flow.deliverer[at[0]]: _WHOLE}
    return {flow.deliverer[i]: Fraction(flow.volume[i], need) for i in at}


def _by(facts: Facts, shares: dict[int, Fraction]) -> str:
    names = [] if shares else ["by nobody"]
    for deliverer, share in sorted(shares.items()):
        name = facts.deliverer(deliverer)
        name = name if deliverer == BY_ITSELF else f"by {name}"
        names.append(name if share == 1 else f"{name} ({figure(share * 100)}%)")
    return listed(names)



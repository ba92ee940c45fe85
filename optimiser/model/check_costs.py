"""Every cost product of docs/problem.md, reckoned from the tables in whole numbers."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from optimiser.model.account import (
    AuthorityAccount,
    ContractAccount,
    DeliveryAccount,
    OfferAccount,
    ProviderAccount,
)
from optimiser.model.check_facts import HOUR, KM, RATE, WEIGHT, Bill, Sum, ceiling
from optimiser.model.check_flow import group
from optimiser.model.instance import NOWHERE
from optimiser.model.plan import BY_ITSELF
from optimiser.model.schema import ONE_OFF_PARTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimiser.model.check_distance import Distances
    from optimiser.model.check_facts import Facts
    from optimiser.model.check_flow import Flow


class OneOff(NamedTuple):
    """One payment made once: part, amount, and whose it is.

    `deliverer` is a row of providers or `BY_ITSELF`; `service` and `organisation` are −1 where the
    payment belongs to none. The amount is numerator / denominator, in the last place of money.
    """

    part: str
    deliverer: int
    service: int
    organisation: int
    numerator: int
    denominator: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Reckoning:
    """All that follows from a flow but links: accounts, the bill, hours and one-offs.

    `hours` holds (numerator, denominator) of each delivery's hours, in `Facts.tick` parts of an
    hour; `contract_hours` the hours of each contract of the flow, in thousandths.
    """

    bill: Bill
    deliveries: list[DeliveryAccount]
    offers: list[OfferAccount]
    providers: list[ProviderAccount]
    contracts: list[ContractAccount]
    authorities: list[AuthorityAccount]
    hours: list[tuple[int, int]]
    contract_hours: list[int]
    one_offs: list[OneOff]

    def one_off_parts(self) -> dict[str, Fraction]:
        """One-offs as paid once, by part."""
        sums = {part: Sum() for part in ONE_OFF_PARTS}
        for each in self.one_offs:
            sums[each.part].add(each.numerator, each.denominator)
        return {part: total.total() for part, total in sums.items()}


def reckon(facts: Facts, flow: Flow, distances: Distances) -> Reckoning:
    """Reckon what a flow costs."""
    settings = facts.instance.settings
    bill = Bill(settings.weights)
    till = _Till(bill, settings.annuity)
    units, offers = _offers(facts, flow, bill, till)
    hours = _delivery_hours(facts, flow)
    deliveries = _deliveries(facts, flow, distances, units, hours, till)
    hour_money = [0] * len(facts.authorities)
    contracts, contract_hours = _contracts(facts, flow, bill, hour_money)
    _pairs(facts, flow, hours, till, hour_money)
    return Reckoning(
        bill=bill,
        deliveries=deliveries,
        offers=offers,
        providers=_providers(facts, flow, till),
        contracts=contracts,
        authorities=_authorities(facts, flow, hours, contract_hours, hour_money, bill),
        hours=hours,
        contract_hours=contract_hours,
        one_offs=till.paid,
    )


class _Till:
    """Takes one-offs: charges their yearly part and remembers what was paid."""

    def __init__(self, bill: Bill, annuity: Fraction) -> None:
        self.bill = bill
        self.paid: list[OneOff] = []
        self._up, self._down = annuity.as_integer_ratio()

    def pay(
        self, part: str, amount: int, *, to: int, service: int = -1, organisation: int = -1,
        share: tuple[int, int] = (1, 1),
    ) -> int:  # fmt: skip
        """Pay a share of an amount once; return what a year of it costs."""
        if not amount or not share[0]:
            return 0
        self.paid.append(OneOff(part=part, deliverer=to, service=service, organisation=organisation,
                                numerator=amount * share[0], denominator=share[1]))  # fmt: skip
        return self.bill.add(part, amount * share[0] * self._up, share[1] * self._down)


# --- tariffs -----------------------------------------------------------------------------------


def bands_of(facts: Facts, used: Sequence[int]) -> dict[int, list[int]]:
    """Rows of tariffs of each offer in use, in the table's order."""
    instance = facts.instance
    tariffs = instance["tariffs"]
    offer = instance["offers"].find(tariffs["provider"], tariffs["service"])
    rows = np.flatnonzero(np.isin(offer, np.array(used, dtype=np.int64)))
    places = group(offer[rows].tolist())
    numbers = rows.tolist()
    return {key: [numbers[at] for at in positions] for key, positions in places.items()}


def _offers(
    facts: Facts, flow: Flow, bill: Bill, till: _Till
) -> tuple[list[int], list[OfferAccount]]:
    """Serve every offer in use at its best band; return unit costs by delivery, and accounts."""
    used = sorted(flow.of_offer)
    bands = bands_of(facts, used)
    low = facts.numbers("tariffs", "from_volume")
    high = facts.limits("tariffs", "to_volume")
    fixed = facts.numbers("tariffs", "fixed_cost")
    rate = facts.numbers("tariffs", "unit_cost")
    set_up = facts.once("offers", "set_up_cost")
    existing = facts.words("offers", "existing")
    provider, service = facts.rows("offers", "provider"), facts.rows("offers", "service")
    money, scale = facts.money, RATE * facts.unit
    units = [0] * len(flow)
    accounts = []
    for offer in used:
        at = flow.of_offer[offer]
        volumes = [flow.volume[i] for i in at]
        volume = sum(volumes)
        best: tuple[int, int, int] | None = None  # objective, cost, row
        charges: list[int] = []
        fixed_cost = 0
        for band in bands.get(offer, ()):
            top = high[band]
            if volume < low[band] or (top is not None and volume > top):
                continue
            price = rate[band] * money
            costs, weighted = bill.prices("tariff", [price * v for v in volumes], scale)
            cost, weighted_cost = bill.price("tariff", fixed[band])
            rank = (sum(weighted) + weighted_cost, sum(costs) + cost, band)
            if best is None or rank < best:
                best, charges, fixed_cost = rank, costs, cost
        paid_once = 0
        if existing[offer] != "yes":
            paid_once = till.pay(
                "set_up", set_up[offer], to=provider[offer], service=service[offer]
            )
        if best is not None:
            bill.objective_parts["tariff"] += best[0]
            bill.parts["tariff"] += best[1]
            for i, cost in zip(at, charges, strict=True):
                units[i] = cost
        accounts.append(OfferAccount(
            offer=offer,
            volume=volume,
            tariff=-1 if best is None else best[2],
            fixed_cost=fixed_cost,
            unit_cost=sum(charges),
            set_up=paid_once,
        ))  # fmt: skip
    return units, accounts


# --- deliveries and pairs ----------------------------------------------------------------------


def _delivery_hours(facts: Facts, flow: Flow) -> list[tuple[int, int]]:
    """Hours of each delivery, in ticks, as (numerator, denominator)."""
    service_hours = facts.numbers("offers", "service_hours")
    per_unit = facts.numbers("offers", "hours_per_unit")
    option_hours = facts.numbers("options", "hours")
    in_house = facts.numbers("demand", "in_house_hours")
    need = facts.numbers("demand", "volume")
    ticks = facts.tick // HOUR
    result = []
    for i, (pair, volume) in enumerate(zip(flow.pair, flow.volume, strict=True)):
        if flow.deliverer[i] == BY_ITSELF:
            hours = in_house[pair] * ticks
            whole = volume == need[pair] or not hours
            result.append((hours, 1) if whole else (hours * volume, need[pair]))
            continue
        hours, offer, option = 0, flow.offer[i], flow.option[i]
        if offer >= 0:
            hours = service_hours[offer] * ticks + per_unit[offer] * volume
        if option >= 0:
            hours += option_hours[option] * ticks
        result.append((hours, 1))
    return result


def _deliveries(
    facts: Facts, flow: Flow, distances: Distances, units: list[int],
    hours: list[tuple[int, int]], till: _Till,
) -> list[DeliveryAccount]:  # fmt: skip
    """Charge in-house cost, access and entry."""
    bill = till.bill
    need = facts.numbers("demand", "volume")
    in_house = facts.numbers("demand", "in_house_cost")
    incumbent = facts.rows("demand", "incumbent")
    return_cost = facts.once("demand", "in_house_entry_cost")
    access_cost = facts.limits("options", "access_cost")
    entry_cost = facts.once("options", "entry_cost")
    access_rate = facts.numbers("services", "access_rate")
    money, access_scale = facts.money, RATE * facts.unit * KM
    tick = facts.tick
    result = []
    for i, (pair, deliverer, volume) in enumerate(
        zip(flow.pair, flow.deliverer, flow.volume, strict=True)
    ):
        cost = {"in_house": 0, "tariff": units[i], "access": 0, "entry": 0}
        if deliverer == BY_ITSELF:
            cost["in_house"] = bill.add("in_house", in_house[pair] * volume, need[pair])
            if incumbent[pair] != BY_ITSELF:
                till.pay("in_house_entry", return_cost[pair], to=BY_ITSELF,
                         service=flow.service[i], organisation=flow.organisation[i])  # fmt: skip
        else:
            option = flow.option[i]
            given = access_cost[option] if option >= 0 else None
            if given is not None:
                cost["access"] = bill.add("access", given * volume, need[pair])
            elif rate := access_rate[flow.service[i]]:
                metres = distances.metres(flow.organisation[i], deliverer) or 0
                cost["access"] = bill.add("access", rate * volume * metres * money, access_scale)
            if option >= 0 and incumbent[pair] != deliverer:
                cost["entry"] = till.pay(
                    "entry", entry_cost[option], to=deliverer,
                    service=flow.service[i], organisation=flow.organisation[i],
                )  # fmt: skip
        numerator, denominator = hours[i]
        result.append(DeliveryAccount(
            pair=pair, deliverer=deliverer, volume=volume, cost=cost,
            hours=Fraction(numerator, denominator * tick),
        ))  # fmt: skip
    return result


def _pairs(
    facts: Facts, flow: Flow, hours: list[tuple[int, int]], till: _Till, hour_money: list[int]
) -> None:
    """Charge what belongs to pairs as a whole: the hours of their deliveries, and exit."""
    need = facts.numbers("demand", "volume")
    incumbent = facts.rows("demand", "incumbent")
    exit_cost = facts.once("demand", "exit_cost")
    prices = [authority.hour_cost for authority in facts.authorities]
    scale = RATE * facts.tick
    for pair, at in flow.of_pair.items():
        organisation, service = flow.organisation[at[0]], flow.service[at[0]]
        place = facts.authority_of[organisation]
        if price := prices[place] * facts.money:
            numerator, denominator = hours[at[0]]
            if len(at) > 1:
                total = Sum()
                for i in at:
                    total.add(*hours[i])
                numerator, denominator = total.total().as_integer_ratio()
            hour_money[place] += till.bill.add(
                "oversight_hours", price * numerator, denominator * scale
            )
        if exit_cost[pair] and incumbent[pair] != NOWHERE:
            stays = sum(flow.volume[i] for i in at if flow.deliverer[i] == incumbent[pair])
            leaves = max(need[pair] - stays, 0)
            till.pay("exit", exit_cost[pair], to=incumbent[pair], service=service,
                     organisation=organisation, share=(leaves, need[pair]))  # fmt: skip


# --- contracts, providers, authorities ---------------------------------------------------------


def _contracts(
    facts: Facts, flow: Flow, bill: Bill, hour_money: list[int]
) -> tuple[list[ContractAccount], list[int]]:
    """Charge contracts and their hours; return accounts, and hours in thousandths."""
    member_cost = facts.numbers("providers", "member_cost")
    member_hours = facts.numbers("providers", "contract_hours")
    own_cost = facts.limits("contracts", "contract_cost")
    own_hours = facts.limits("contracts", "contract_hours")
    places = np.array(flow.contracts, dtype=np.int64).reshape(-1, 2)
    rows = facts.instance["contracts"].find(places[:, 0], places[:, 1]).tolist()
    accounts, all_hours = [], []
    fractions: dict[int, Fraction] = {}  # few contracts have hours of their own
    for (organisation, provider), row in zip(flow.contracts, rows, strict=True):
        cost = own_cost[row] if row >= 0 else None
        hours = own_hours[row] if row >= 0 else None
        cost = member_cost[provider] if cost is None else cost
        hours = member_hours[provider] if hours is None else hours
        if hours not in fractions:
            fractions[hours] = Fraction(hours, HOUR)
        place = facts.authority_of[organisation]
        price = facts.authorities[place].hour_cost * facts.money
        hours_cost = bill.add("oversight_hours", price * hours, RATE * HOUR)
        hour_money[place] += hours_cost
        accounts.append(ContractAccount(
            organisation=organisation,
            provider=provider,
            cost=bill.add("contracts", cost),
            hours=fractions[hours],
            hours_cost=hours_cost,
        ))  # fmt: skip
        all_hours.append(hours)
    return accounts, all_hours


def provider_loads(facts: Facts, flow: Flow) -> dict[int, int]:
    """Weighted volume of each provider in use, in the last places of weight and volume."""
    weight = facts.numbers("services", "weight")
    return {
        provider: sum(weight[flow.service[i]] * flow.volume[i] for i in at)
        for provider, at in flow.of_provider.items()
    }


def _providers(facts: Facts, flow: Flow, till: _Till) -> list[ProviderAccount]:
    """Charge running, opening and closing of all providers."""
    running = facts.numbers("providers", "running_cost")
    opening = facts.once("providers", "opening_cost")
    closing = facts.once("providers", "closing_cost")
    capacity = facts.limits("providers", "capacity")
    status, decision = facts.words("providers", "status"), facts.words("providers", "decision")
    loads = provider_loads(facts, flow)
    accounts = []
    for provider in range(len(status)):
        in_use = provider in flow.of_provider
        is_open = in_use or decision[provider] == "required"
        existing = status[provider] == "existing"
        cost = {"running": 0, "opening": 0, "closing": 0}
        once = {"opening": 0, "closing": 0}
        if is_open:
            cost["running"] = till.bill.add("running", running[provider])
        if is_open and not existing:
            once["opening"] = opening[provider]
            cost["opening"] = till.pay("opening", opening[provider], to=provider)
        if existing and not is_open:
            once["closing"] = closing[provider]
            cost["closing"] = till.pay("closing", closing[provider], to=provider)
        limit = capacity[provider]
        accounts.append(ProviderAccount(
            provider=provider,
            is_open=is_open,
            in_use=in_use,
            members=flow.members.get(provider, 0),
            load=Fraction(loads.get(provider, 0), WEIGHT * facts.unit),
            capacity=None if limit is None else Fraction(limit, facts.unit),
            cost=cost,
            one_off=once,
        ))  # fmt: skip
    return accounts


def _authorities(
    facts: Facts, flow: Flow, hours: list[tuple[int, int]], contract_hours: list[int],
    hour_money: list[int], bill: Bill,
) -> list[AuthorityAccount]:  # fmt: skip
    """Charge officers and managers; the money of hours was charged by contract and by pair."""
    place = facts.authority_of
    sums = [Sum() for _ in facts.authorities]
    held = [0] * len(sums)
    for organisation, (numerator, denominator) in zip(flow.organisation, hours, strict=True):
        sums[place[organisation]].add(numerator, denominator)
    for (organisation, _), thousandths in zip(flow.contracts, contract_hours, strict=True):
        sums[place[organisation]].add(thousandths * (facts.tick // HOUR))
        held[place[organisation]] += 1
    accounts = []
    for at, authority in enumerate(facts.authorities):
        total = sums[at].total() / facts.tick
        each = authority.officer_hours
        officers = managers = 0
        if each:
            officers = ceiling(total * HOUR / each)
        if officers and authority.span_of_control:
            managers = -(-officers // authority.span_of_control)
        accounts.append(AuthorityAccount(
            authority=authority.row,
            organisation=authority.organisation,
            key=authority.key,
            name=authority.name,
            hours=total,
            officer_hours=None if each is None else Fraction(each, HOUR),
            officers=officers,
            managers=managers,
            contracts=held[at],
            max_officers=authority.max_officers,
            max_contracts=authority.max_contracts,
            cost={
                "oversight_hours": hour_money[at],
                "officers": bill.add_each("officers", authority.officer_cost, officers),
                "managers": bill.add_each("managers", authority.manager_cost, managers),
            },
        ))  # fmt: skip
    return accounts

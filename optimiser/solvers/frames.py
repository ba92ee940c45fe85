"""Tables of a checked plan, as DataFrames: text keys, money in currency, hours and volumes as such.

Each takes the instance and the checker's account, from which every figure comes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from optimiser.model.plan import BY_ITSELF
from optimiser.model.schema import COST_PARTS, IN_HOUSE

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from optimiser.model.account import Account
    from optimiser.model.instance import Instance

#: Cost parts that a single delivery has.
DELIVERY_PARTS: Final = ("in_house", "tariff", "access", "entry")


def allocation(instance: Instance, account: Account) -> pd.DataFrame:
    """One row per delivery: organisation, service, mode, provider, volume, and cost by part.

    ``tariff`` is the unit part of the tariff only; fixed costs are in `offers`.
    """
    demand, providers = instance["demand"], instance["providers"]
    organisations = instance["organisations"].keys[demand["organisation"]]
    services = instance["services"].keys[demand["service"]]
    rows = []
    for delivery in account.deliveries:
        home = delivery.deliverer == BY_ITSELF
        rows.append((
            organisations[delivery.pair],
            services[delivery.pair],
            IN_HOUSE if home else providers["mode"][delivery.deliverer],
            "" if home else providers.keys[delivery.deliverer],
            delivery.volume / _one(instance, "volume"),
            *(delivery.cost.get(part, 0) / _one(instance, "money") for part in DELIVERY_PARTS),
            float(delivery.hours),
        ))  # fmt: skip
    names = ("organisation", "service", "mode", "provider", "volume", *DELIVERY_PARTS, "hours")
    return _frame(names, rows, texts=4)


def offers(instance: Instance, account: Account) -> pd.DataFrame:
    """One row per offer in use: provider, service, volume, band in force and its costs."""
    table, money = instance["offers"], _one(instance, "money")
    providers, services = instance["providers"].keys, instance["services"].keys
    bands = instance.texts("tariffs", "band")
    rows = [
        (
            providers[table["provider"][offer.offer]],
            services[table["service"][offer.offer]],
            "" if offer.tariff < 0 else bands[offer.tariff],
            offer.volume / _one(instance, "volume"),
            offer.fixed_cost / money,
            offer.unit_cost / money,
            offer.set_up / money,
        )
        for offer in account.offers
    ]
    names = ("provider", "service", "band", "volume", "fixed_cost", "unit_cost", "set_up")
    return _frame(names, rows, texts=3)


def providers(instance: Instance, account: Account) -> pd.DataFrame:
    """One row per provider, open or not: members, load against capacity, and its own costs."""
    table, money = instance["providers"], _one(instance, "money")
    rows = [
        (
            table.keys[provider.provider],
            table["name"][provider.provider],
            table["mode"][provider.provider],
            provider.is_open,
            provider.in_use,
            provider.members,
            float(provider.load),
            float("nan") if provider.capacity is None else float(provider.capacity),
            *(provider.cost.get(part, 0) / money for part in ("running", "opening", "closing")),
        )
        for provider in account.providers
    ]
    names = ("provider", "name", "mode", "open", "in_use", "members", "load", "capacity",
             "running", "opening", "closing")  # fmt: skip
    return _frame(names, rows, texts=3)


def contracts(instance: Instance, account: Account) -> pd.DataFrame:
    """One row per contract: organisation, provider, cost, hours and what those hours cost."""
    organisations, keys = instance["organisations"].keys, instance["providers"].keys
    money = _one(instance, "money")
    rows = [
        (
            organisations[contract.organisation],
            keys[contract.provider],
            contract.cost / money,
            float(contract.hours),
            contract.hours_cost / money,
        )
        for contract in account.contracts
    ]
    return _frame(("organisation", "provider", "cost", "hours", "hours_cost"), rows, texts=2)


def oversight(instance: Instance, account: Account) -> pd.DataFrame:
    """One row per authority: hours, officers, managers, contracts, limits and costs."""
    money, nan = _one(instance, "money"), float("nan")
    parts = ("oversight_hours", "officers", "managers")
    rows = [
        (
            authority.key,
            authority.name,
            float(authority.hours),
            nan if authority.officer_hours is None else float(authority.officer_hours),
            authority.officers,
            authority.managers,
            authority.contracts,
            nan if authority.max_officers is None else authority.max_officers,
            nan if authority.max_contracts is None else authority.max_contracts,
            *(authority.cost.get(part, 0) / money for part in parts),
        )
        for authority in account.authorities
    ]
    names = ("authority", "name", "hours", "officer_hours", "officers", "managers", "contracts",
             "max_officers", "max_contracts", "hours_cost", "officers_cost",
             "managers_cost")  # fmt: skip
    return _frame(names, rows, texts=2)


def costs(instance: Instance, account: Account) -> pd.DataFrame:
    """One row per part of the cost: its words, the cost, and what enters the objective."""
    money = _one(instance, "money")
    rows = [
        (part, words, account.parts[part] / money, account.objective_parts[part] / money)
        for part, words in COST_PARTS.items()
        if part in account.parts
    ]
    return _frame(("part", "meaning", "cost", "objective"), rows, texts=2)


def _one(instance: Instance, kind: str) -> float:
    """One unit of a kind of number, in units of its last place."""
    return float(10 ** instance.settings.decimals(kind))


def _frame(names: Sequence[str], rows: list[tuple[Any, ...]], *, texts: int) -> pd.DataFrame:
    """Make a frame whose first `texts` columns are text, even when there are no rows."""
    import pandas as pd

    frame = pd.DataFrame.from_records(rows, columns=list(names))
    return frame.astype(dict.fromkeys(names[:texts], object))

"""Tables of a checked plan: exact sheets, as DataFrames for programs and as texts for files.

Each takes the instance and the checker's account, from which every figure comes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from optimiser.model.instance import decimal_text
from optimiser.model.plan import BY_ITSELF
from optimiser.model.schema import COST_PARTS, IN_HOUSE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from fractions import Fraction

    import pandas as pd

    from optimiser.model.account import Account
    from optimiser.model.instance import Instance

#: Cost parts that a single delivery has.
DELIVERY_PARTS: Final = ("in_house", "tariff", "access", "entry")
#: Decimals of a quantity (hours, load) whose digits do not end.
_ENDLESS: Final = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """Rows whose numbers are exact.

    Parameters
    ----------
    kinds
        Column -> ``text``, ``flag``, ``count``, ``money`` and ``volume`` (whole numbers of the last
        place) or ``quantity`` (fractions). Any of these may be None, which is a blank.
    rows
        One tuple per row.
    decimals
        Decimals of money and of volume.
    """

    kinds: Mapping[str, str]
    rows: list[tuple[Any, ...]]
    decimals: Mapping[str, int]

    def frame(self) -> pd.DataFrame:
        """Return a DataFrame: text as object, numbers as numbers, NaN where blank."""
        import pandas as pd

        frame = pd.DataFrame.from_records(self.rows, columns=list(self.kinds))
        types = {"text": object, "flag": bool, "money": float, "volume": float, "quantity": float}
        for name, kind in self.kinds.items():
            if kind in types:
                frame[name] = frame[name].astype(types[kind])
            elif frame[name].dtype == object:  # a count that is blank somewhere, or has no rows
                frame[name] = frame[name].astype(float)
            if kind in self.decimals:
                frame[name] /= 10.0 ** self.decimals[kind]
        return frame

    def texts(self) -> list[list[str]]:
        """Return the heading and all rows as exact texts."""
        write = [self._writer(kind) for kind in self.kinds.values()]
        return [
            list(self.kinds),
            *([text(value) for text, value in zip(write, row, strict=True)] for row in self.rows),
        ]

    def _writer(self, kind: str) -> Callable[[Any], str]:
        if kind == "money":
            places = self.decimals[kind]
            return lambda units: "" if units is None else fixed_text(units, places)
        if kind == "volume":
            places = self.decimals[kind]
            return lambda units: "" if units is None else decimal_text(units, places)
        if kind == "flag":
            return lambda flag: "yes" if flag else "no"
        if kind == "quantity":
            return quantity_text
        return lambda value: "" if value is None else str(value)


def fixed_text(units: int, decimals: int) -> str:
    """Write an amount with all its decimals: (22060000, 2) -> '220600.00'."""
    whole, part = divmod(abs(units), 10**decimals)
    tail = f".{part:0{decimals}}" if decimals else ""
    return f"{'-' if units < 0 else ''}{whole}{tail}"


def quantity_text(value: Fraction | None) -> str:
    """Write a fraction as the shortest decimal, exact if it ends within `_ENDLESS` decimals."""
    if value is None:
        return ""
    return decimal_text(round(value * 10**_ENDLESS), _ENDLESS)


def allocation(instance: Instance, account: Account) -> Sheet:
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
            delivery.volume,
            *(delivery.cost.get(part, 0) for part in DELIVERY_PARTS),
            delivery.hours,
        ))  # fmt: skip
    kinds = {"organisation": "text", "service": "text", "mode": "text", "provider": "text",
             "volume": "volume", **dict.fromkeys(DELIVERY_PARTS, "money"),
             "hours": "quantity"}  # fmt: skip
    return _sheet(instance, kinds, rows)


def offers(instance: Instance, account: Account) -> Sheet:
    """One row per offer in use: provider, service, volume, band in force and its costs."""
    table = instance["offers"]
    providers, services = instance["providers"].keys, instance["services"].keys
    bands = instance["tariffs"]["band"]
    rows = (
        (
            providers[table["provider"][offer.offer]],
            services[table["service"][offer.offer]],
            "" if offer.tariff < 0 else bands[offer.tariff],
            offer.volume,
            offer.fixed_cost,
            offer.unit_cost,
            offer.set_up,
        )
        for offer in account.offers
    )
    kinds = {"provider": "text", "service": "text", "band": "text", "volume": "volume",
             "fixed_cost": "money", "unit_cost": "money", "set_up": "money"}  # fmt: skip
    return _sheet(instance, kinds, rows)


def providers(instance: Instance, account: Account) -> Sheet:
    """One row per provider, open or not: members, load against capacity, and its own costs."""
    table = instance["providers"]
    parts = ("running", "opening", "closing")
    rows = (
        (
            table.keys[provider.provider],
            table["name"][provider.provider],
            table["mode"][provider.provider],
            provider.is_open,
            provider.in_use,
            provider.members,
            provider.load,
            provider.capacity,
            *(provider.cost.get(part, 0) for part in parts),
        )
        for provider in account.providers
    )
    kinds = {"provider": "text", "name": "text", "mode": "text", "open": "flag", "in_use": "flag",
             "members": "count", "load": "quantity", "capacity": "quantity",
             **dict.fromkeys(parts, "money")}  # fmt: skip
    return _sheet(instance, kinds, rows)


def contracts(instance: Instance, account: Account) -> Sheet:
    """One row per contract: organisation, provider, cost, hours and what those hours cost."""
    organisations, keys = instance["organisations"].keys, instance["providers"].keys
    rows = (
        (
            organisations[contract.organisation],
            keys[contract.provider],
            contract.cost,
            contract.hours,
            contract.hours_cost,
        )
        for contract in account.contracts
    )
    kinds = {"organisation": "text", "provider": "text", "cost": "money", "hours": "quantity",
             "hours_cost": "money"}  # fmt: skip
    return _sheet(instance, kinds, rows)


def oversight(instance: Instance, account: Account) -> Sheet:
    """One row per authority: hours, officers, managers, contracts, limits and costs."""
    parts = ("oversight_hours", "officers", "managers")
    rows = (
        (
            authority.key,
            authority.name,
            authority.hours,
            authority.officer_hours,
            authority.officers,
            authority.managers,
            authority.contracts,
            authority.max_officers,
            authority.max_contracts,
            *(authority.cost.get(part, 0) for part in parts),
        )
        for authority in account.authorities
    )
    counts = ("officers", "managers", "contracts", "max_officers", "max_contracts")
    kinds = {"authority": "text", "name": "text", "hours": "quantity", "officer_hours": "quantity",
             **dict.fromkeys(counts, "count"), "hours_cost": "money", "officers_cost": "money",
             "managers_cost": "money"}  # fmt: skip
    return _sheet(instance, kinds, rows)


def costs(instance: Instance, account: Account) -> Sheet:
    """One row per part of the cost: its words, the cost, and what enters the objective."""
    rows = (
        (part, words, account.parts[part], account.objective_parts[part])
        for part, words in COST_PARTS.items()
        if part in account.parts
    )
    kinds = {"part": "text", "meaning": "text", "cost": "money", "objective": "money"}
    return _sheet(instance, kinds, rows)


def _sheet(instance: Instance, kinds: Mapping[str, str], rows: Iterable[tuple[Any, ...]]) -> Sheet:
    settings = instance.settings
    decimals = {"money": settings.money_decimals, "volume": settings.volume_decimals}
    return Sheet(kinds=kinds, rows=list(rows), decimals=decimals)

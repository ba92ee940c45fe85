"""A checked plan as a report looks at it: names that differ, modes, and money by mode."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Final

from optimiser.model.instance import BLANK
from optimiser.model.plan import BY_ITSELF
from optimiser.model.schema import CO_OPERATIVE, COST_PARTS, IN_HOUSE, SHARED_CENTRE
from optimiser.report.words import Money, safe

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optimiser.model.account import Account, OfferAccount, ProviderAccount
    from optimiser.model.instance import Instance
    from optimiser.solvers.result import Result

#: Longest name in a figure; tables show names in full.
LONGEST: Final = 34


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a mode is drawn and called: colour, symbol, dash of lines, letter and words."""

    colour: str
    symbol: str
    dash: str
    letter: str
    words: str


#: Mode -> look; the colours are those of Okabe and Ito, as in `charts`.
LOOKS: Final = {
    IN_HOUSE: Look(
        colour="#6B6B6B", symbol="circle", dash="dot", letter="H", words="in-house"
    ),
    SHARED_CENTRE: Look(
        colour="#0072B2", symbol="square", dash="solid", letter="S", words="shared centre"
    ),
    CO_OPERATIVE: Look(
        colour="#D55E00", symbol="diamond", dash="dash", letter="C", words="co-operative"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One delivery: rows of demand, organisations, services and providers, mode and volume."""

    pair: int
    organisation: int
    service: int
    deliverer: int
    mode: str
    volume: float


class PlanView:
    """A plan with its names, for drawing.

    Parameters
    ----------
    instance
        The tables.
    account
        What the checker reckoned.
    """

    def __init__(self, instance: Instance, account: Account) -> None:
        self.instance, self.account = instance, account
        settings = instance.settings
        self.money = Money(currency=settings.currency, decimals=settings.money_decimals)

    @classmethod
    def of(cls, result: Result) -> PlanView | None:
        """Return the view of a result's plan; None without one."""
        return None if result.account is None else cls(result.instance, result.account)

    @cached_property
    def organisations(self) -> list[str]:
        """Names of organisations, short and all different."""
        table = self.instance["organisations"]
        return short_names(table["name"].tolist(), table.keys.tolist())

    @cached_property
    def services(self) -> list[str]:
        """Names of services, short and all different."""
        table = self.instance["services"]
        return short_names(table["name"].tolist(), table.keys.tolist())

    @cached_property
    def providers(self) -> list[str]:
        """Names of providers, short and all different."""
        table = self.instance["providers"]
        return short_names(table["name"].tolist(), table.keys.tolist())

    @cached_property
    def units(self) -> list[str]:
        """Units of services."""
        return [safe(unit)[:LONGEST] for unit in self.instance["services"]["unit"].tolist()]

    @cached_property
    def modes(self) -> list[str]:
        """Modes of providers."""
        return [str(mode) for mode in self.instance["providers"]["mode"].tolist()]

    def mode_of(self, deliverer: int) -> str:
        """Return the mode of a row of providers, or of `BY_ITSELF`."""
        return IN_HOUSE if deliverer == BY_ITSELF else self.modes[deliverer]

    def name_of(self, deliverer: int) -> str:
        """Return the short name of a row of providers, or in-house."""
        return IN_HOUSE if deliverer == BY_ITSELF else self.providers[deliverer]

    @cached_property
    def deliveries(self) -> list[Delivery]:
        """Every delivery, in the plan's order."""
        demand = self.instance["demand"]
        organisations, services = demand["organisation"].tolist(), demand["service"].tolist()
        one = 10.0**self.instance.settings.volume_decimals
        return [
            Delivery(
                pair=each.pair,
                organisation=organisations[each.pair],
                service=services[each.pair],
                deliverer=each.deliverer,
                mode=self.mode_of(each.deliverer),
                volume=each.volume / one,
            )
            for each in self.account.deliveries
        ]

    @cached_property
    def open_providers(self) -> list[ProviderAccount]:
        """Providers that are open, the largest load first."""
        opened = [each for each in self.account.providers if each.is_open]
        return sorted(opened, key=lambda each: (-each.load, each.provider))

    @cached_property
    def offers_used(self) -> dict[int, OfferAccount]:
        """Row of offers -> account of an offer in use."""
        return {each.offer: each for each in self.account.offers}

    @cached_property
    def bands(self) -> dict[tuple[int, int], list[int]]:
        """Rows of provider and service -> rows of tariffs."""
        tariffs = self.instance["tariffs"]
        found: dict[tuple[int, int], list[int]] = {}
        pairs = zip(tariffs["provider"].tolist(), tariffs["service"].tolist(), strict=True)
        for row, key in enumerate(pairs):
            found.setdefault(key, []).append(row)
        return found

    @cached_property
    def limits(self) -> dict[int, Fraction | None]:
        """Open provider -> most weighted volume that it can deliver, None without a limit."""
        return load_limits(self.instance, self.open_providers)

    def fill(self, each: ProviderAccount) -> Fraction | None:
        """Return the load of an open provider over what it can deliver, None without a limit."""
        limit = self.limits[each.provider]
        return each.load / limit if limit else None

    def parts_by_mode(self) -> dict[str, dict[str, int]]:
        """Return part -> mode ('' for what belongs to none) -> money in last places.

        The sum over modes is the checker's figure of the part, exactly: what is not of one mode,
        such as officers, is under ''.
        """
        account = self.account
        found: dict[str, Counter[str]] = {part: Counter() for part in COST_PARTS}
        for each in account.deliveries:
            mode = self.mode_of(each.deliverer)
            for part, cost in each.cost.items():
                if part != "tariff":
                    found[part][mode] += cost
        provider = self.instance["offers"]["provider"].tolist()
        for offer in account.offers:
            mode = self.modes[provider[offer.offer]]
            found["tariff"][mode] += offer.fixed_cost + offer.unit_cost
            found["set_up"][mode] += offer.set_up
        for place in account.providers:
            for part, cost in place.cost.items():
                found[part][self.modes[place.provider]] += cost
        for contract in account.contracts:
            found["contracts"][self.modes[contract.provider]] += contract.cost
        for part, by_mode in found.items():
            rest = account.parts.get(part, 0) - sum(by_mode.values())
            if rest:
                by_mode[""] += rest
        return {part: dict(by_mode) for part, by_mode in found.items()}


def load_limits(
    instance: Instance, opened: Iterable[ProviderAccount]
) -> dict[int, Fraction | None]:
    """Most weighted volume that each can deliver, by its own and its offers' limits."""
    offers, services = instance["offers"], instance["services"]
    one = 10 ** (3 + instance.settings.volume_decimals)
    together: dict[int, int] = {}
    boundless = set()
    columns = (offers["provider"], services["weight"][offers["service"]], offers["capacity"])
    for provider, weight, capacity in zip(*(c.tolist() for c in columns), strict=True):
        if capacity == BLANK:
            boundless.add(provider)
        else:
            together[provider] = together.get(provider, 0) + weight * capacity
    limits = {}
    for account in opened:
        known = [] if account.capacity is None else [account.capacity]
        if account.provider not in boundless:
            known.append(Fraction(together.get(account.provider, 0), one))
        limits[account.provider] = min(known, default=None)
    return limits


def short_names(
    names: Iterable[str], keys: Iterable[str], most: int = LONGEST
) -> list[str]:
    """Return names cut to `most`; where two are alike, with the key, and if need be a number."""
    keys = [shorten(key) for key in keys]
    cut = [shorten(name, most) or key for name, key in zip(names, keys, strict=True)]
    count = Counter(cut)
    found = [
        f"{name} ({key})" if count[name] > 1 and key and name != key else name
        for name, key in zip(cut, keys, strict=True)
    ]
    again, seen = Counter(found), Counter[str]()
    for at, name in enumerate(found):
        if again[name] > 1:
            seen[name] += 1
            found[at] = f"{name} #{seen[name]}"
    return found


def shorten(text: str, most: int = LONGEST) -> str:
    """Return a text on one line, cut to `most` signs, unsafe signs shown as such."""
    text = safe(text)
    return text if len(text) <= most else text[: most - 1] + "…"

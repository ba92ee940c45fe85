"""What the checker reads of an instance, and how it names and sums it.

Part of the independent checker: nothing here is shared with compile, clean or any formulation.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import gcd
from typing import TYPE_CHECKING, Any

import numpy as np

from optimiser.model.instance import BLANK, NOWHERE, decimal_text
from optimiser.model.plan import BY_ITSELF
from optimiser.model.schema import COST_PARTS, DECIMALS, OVERSIGHT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from optimiser.model.instance import Instance

#: Units of the last place in one unit.
HOUR = 10 ** DECIMALS["hours"]
RATE = 10 ** DECIMALS["rate"]
KM = 10 ** DECIMALS["km"]
WEIGHT = 10 ** DECIMALS["weight"]
STAFF = 10 ** DECIMALS["staff"]
LIMIT = 10 ** DECIMALS["limit"]


def rounded(numerator: int, denominator: int) -> int:
    """Round a fraction with a positive denominator to a whole number, half away from zero."""
    if numerator >= 0:
        return (2 * numerator + denominator) // (2 * denominator)
    return -((denominator - 2 * numerator) // (2 * denominator))


def ceiling(value: Fraction) -> int:
    """Return the least whole number that is not below `value`."""
    return -(-value.numerator // value.denominator)


def figure(value: Fraction | int) -> str:
    """Write a number for a planner: exact where its decimals end, else marked as rounded."""
    value = Fraction(value)
    decimals = next((d for d in range(16) if 10**d % value.denominator == 0), None)
    about = "" if decimals is not None else "about "
    if decimals is None:
        decimals = 9
    places = rounded(value.numerator * 10**decimals, value.denominator)
    whole, _, rest = decimal_text(abs(places), decimals).partition(".")
    sign = "-" if places < 0 else ""
    return f"{about}{sign}{int(whole):,}" + (f".{rest}" if rest else "")


class Sum:
    """An exact sum of fractions, quick because most terms share a small denominator."""

    __slots__ = ("_by_denominator",)

    def __init__(self) -> None:
        self._by_denominator: dict[int, int] = {}

    def add(self, numerator: int, denominator: int = 1) -> None:
        """Add a fraction with a positive denominator."""
        if denominator != 1:
            common = gcd(numerator, denominator)
            numerator //= common
            denominator //= common
        sums = self._by_denominator
        sums[denominator] = sums.get(denominator, 0) + numerator

    def total(self) -> Fraction:
        """Return the sum."""
        if len(self._by_denominator) == 1:
            ((denominator, numerator),) = self._by_denominator.items()
            return Fraction(numerator, denominator)
        terms = [Fraction(n, d) for d, n in self._by_denominator.items() if n]
        while len(terms) > 1:  # in pairs, so that few additions have long denominators
            terms = [sum(terms[at : at + 2], Fraction(0)) for at in range(0, len(terms), 2)]
        return terms[0] if terms else Fraction(0)


class Bill:
    """Money by cost part, unweighted and weighted, every product rounded by itself."""

    __slots__ = ("_weights", "objective_parts", "parts")

    def __init__(self, weights: Mapping[str, Fraction]) -> None:
        self._weights = {
            part: weights.get(part, Fraction(1)).as_integer_ratio() for part in COST_PARTS
        }
        self.parts = dict.fromkeys(COST_PARTS, 0)
        self.objective_parts = dict.fromkeys(COST_PARTS, 0)

    def price(self, part: str, numerator: int, denominator: int = 1) -> tuple[int, int]:
        """Return the rounded product, unweighted and weighted, without charging it."""
        plain = rounded(numerator, denominator)
        up, down = self._weights[part]
        if up == down:
            return plain, plain
        return plain, rounded(numerator * up, denominator * down)

    def prices(
        self, part: str, numerators: list[int], denominator: int
    ) -> tuple[list[int], list[int]]:
        """Return many rounded products of one denominator, none negative, as `price` does."""
        twice = 2 * denominator
        plain = [(2 * numerator + denominator) // twice for numerator in numerators]
        up, down = self._weights[part]
        if up == down:
            return plain, plain
        return plain, [rounded(numerator * up, denominator * down) for numerator in numerators]

    def add_each(self, part: str, amount: int, count: int) -> int:
        """Charge an amount several times, rounded each time; return what it costs unweighted."""
        plain, weighted = self.price(part, amount)
        self.parts[part] += count * plain
        self.objective_parts[part] += count * weighted
        return count * plain

    def add(self, part: str, numerator: int, denominator: int = 1) -> int:
        """Charge a product and return what it costs unweighted."""
        if not numerator:
            return 0
        if denominator == 1 or numerator < 0:
            plain, weighted = self.price(part, numerator, denominator)
        else:  # the usual case, without two further calls
            plain = weighted = (2 * numerator + denominator) // (2 * denominator)
            up, down = self._weights[part]
            if up != down:
                weighted = rounded(numerator * up, denominator * down)
        self.parts[part] += plain
        self.objective_parts[part] += weighted
        return plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """One authority: row of authorities or −1, organisation that answers for itself or −1.

    Numbers are integers of the last place; None is no limit, and no officers or managers counted.
    """

    row: int
    organisation: int
    key: str
    name: str
    hour_cost: int
    officer_hours: int | None
    officer_cost: int
    max_officers: int | None
    max_contracts: int | None
    span_of_control: int | None
    manager_cost: int


class Facts:
    """Columns of an instance as Python lists, each read once, and names for messages.

    Parameters
    ----------
    instance
        The instance.
    one_offs
        False: every one-off amount counts as 0.
    """

    def __init__(self, instance: Instance, *, one_offs: bool = True) -> None:
        self.instance = instance
        self.one_offs = one_offs
        settings = instance.settings
        self.split = settings.split
        self.money: int = 10**settings.money_decimals
        self.unit: int = 10**settings.volume_decimals
        #: Oversight hours are summed in this part of an hour: service hours and rate × volume fit.
        self.tick: int = RATE * self.unit
        self._rows_by_key: dict[str, dict[str, int]] = {}
        self._lists: dict[tuple[str, str, str], list[Any]] = {}
        self.authorities, self.authority_of = self._authorities()

    def row_of(self, table: str) -> dict[str, int]:
        """Return the row of each key of a table."""
        if table not in self._rows_by_key:
            keys = self.instance[table].keys.tolist()
            self._rows_by_key[table] = {str(key): row for row, key in enumerate(keys)}
        return self._rows_by_key[table]

    def numbers(self, table: str, column: str) -> list[int]:
        """Return a column of numbers, blanks as 0."""
        return self._list(table, column, "numbers")

    def limits(self, table: str, column: str) -> list[int | None]:
        """Return a column of numbers, blanks as None."""
        return self._list(table, column, "limits")

    def rows(self, table: str, column: str) -> list[int]:
        """Return a column of references as row numbers (`NOWHERE`, `BY_ITSELF`)."""
        return self._list(table, column, "rows")

    def words(self, table: str, column: str) -> list[str]:
        """Return a column of texts."""
        return self._list(table, column, "rows")

    def once(self, table: str, column: str) -> list[int]:
        """Return a column of one-off amounts, blanks as 0; all 0 where one-offs do not count."""
        return self.numbers(table, column) if self.one_offs else [0] * len(self.instance[table])

    def _list(self, table: str, column: str, kind: str) -> list[Any]:
        known = self._lists.get((table, column, kind))
        if known is None:
            values = self.instance[table][column]
            if kind == "numbers":
                known = np.where(values == BLANK, 0, values).tolist()
            else:
                known = values.tolist()
                if kind == "limits":
                    known = [None if value == BLANK else value for value in known]
            self._lists[table, column, kind] = known
        return known

    def _authorities(self) -> tuple[list[Authority], list[int]]:
        """All authorities, and each organisation's place among them."""
        names = [column.name for column in OVERSIGHT]
        keys, titles = self.words("authorities", "authority"), self.words("authorities", "name")
        cells = {name: self.limits("authorities", name) for name in names}
        found = [
            _authority(row, -1, key, titles[row], {name: cells[name][row] for name in names})
            for row, key in enumerate(keys)
        ]
        given = self.instance.settings.oversight
        default: dict[str, int | None] = {
            name: None if given.get(name, BLANK) == BLANK else given[name] for name in names
        }
        keys = self.words("organisations", "organisation")
        titles = self.words("organisations", "name")
        place = []
        for row, authority in enumerate(self.rows("organisations", "authority")):
            if authority == NOWHERE:
                place.append(len(found))
                found.append(_authority(-1, row, keys[row], titles[row], default))
            else:
                place.append(authority)
        return found, place

    def name(self, table: str, row: int) -> str:
        """Name a row of a table whose key is one text: ``name (key)``."""
        key = str(self.instance[table].keys[row])
        return _named(key, str(self.instance[table]["name"][row]))

    def deliverer(self, provider: int) -> str:
        """Name a provider, or in-house."""
        return "in-house" if provider == BY_ITSELF else self.name("providers", provider)

    def pair(self, pair: int) -> str:
        """Name a pair: its service and organisation."""
        service = self.name("services", self.rows("demand", "service")[pair])
        organisation = self.rows("demand", "organisation")[pair]
        return f"{service} of {self.name('organisations', organisation)}"

    def offer(self, offer: int) -> str:
        """Name an offer: its provider and service."""
        provider = self.name("providers", self.rows("offers", "provider")[offer])
        return f"{provider} for {self.name('services', self.rows('offers', 'service')[offer])}"

    def authority(self, place: int) -> str:
        """Name an authority, by its place in `authorities`."""
        authority = self.authorities[place]
        return _named(authority.key, authority.name)

    def volume(self, volume: int, service: int) -> str:
        """Write a volume of a service with its unit."""
        unit = str(self.instance["services"]["unit"][service]) or "units"
        return f"{figure(Fraction(volume, self.unit))} {unit}/yr"


def _named(key: str, name: str) -> str:
    return f"{name} ({key})" if name and name != key else key


def _authority(
    row: int, organisation: int, key: str, name: str, cells: Mapping[str, int | None]
) -> Authority:
    return Authority(
        row=row,
        organisation=organisation,
        key=key,
        name=name or key,
        hour_cost=cells["hour_cost"] or 0,
        officer_hours=cells["officer_hours"],
        officer_cost=cells["officer_cost"] or 0,
        max_officers=cells["max_officers"],
        max_contracts=cells["max_contracts"],
        span_of_control=cells["span_of_control"],
        manager_cost=cells["manager_cost"] or 0,
    )


def listed(names: Iterable[str]) -> str:
    """Join names as in a sentence: a, b and c."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last

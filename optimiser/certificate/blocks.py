"""Blocks of a program, each seen in the rows that prove it.

A provider is a column; its contracts and the bands of its offers can be 1 only where it is, at most
one band of each offer, and option-bands only where their band is. Whatever a row proves besides is
left out, which can only lower a bound.
"""

from __future__ import annotations

from array import array
from math import gcd

from optimiser.certificate.facts import FREE, Facts, Rejected


class Blocks:
    """The blocks of one program.

    Parameters
    ----------
    facts
        The program.

    Attributes
    ----------
    lower, upper
        Bounds of the columns, those included that a row of a single column sets.
    item_start, item, weight
        Option-bands by band: those of band z stand from ``item_start[z]`` to ``item_start[z + 1]``,
        with their weights in the band's limits.
    lo, hi
        Least and most weight of bands that have limits.
    offers, offer_of
        Bands of each offer, and the other way round.
    offers_of, contracts_of
        Offers and contracts of each provider's column.
    infeasible
        Whether a row of no or of one column alone leaves no solution.
    members
        Least and most contracts of providers that have limits; None is no limit.
    rooms
        For each row that asks for bands in force that can take a volume: how much of it each band
        can take, and the volume.

    Raises
    ------
    Rejected
        If the rows do not prove what the facts say of the blocks.
    """

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.lower, self.upper = list(facts.lower), list(facts.upper)
        self.infeasible = False
        self._single_rows()
        self.weight: list[int] = []
        self.lo: dict[int, int] = {}
        self.hi: dict[int, int] = {}
        self.offers: list[list[int]] = []
        self.offers_of: dict[int, list[int]] = {}
        self.contracts_of: dict[int, list[int]] = {}
        self.members: dict[int, tuple[int, int | None]] = {}
        self._has_items = bytearray(facts.columns)
        self._levels()
        self._items()
        self._bands()
        self._members()
        self.rooms: list[tuple[dict[int, int], int]] = []
        self.offer_of = {z: number for number, bands in enumerate(self.offers) for z in bands}
        self._rooms()

    def _single_rows(self) -> None:
        """Take rows of one column as its bounds, and rows of none for what they say."""
        facts = self.facts
        start, low, high, values = facts.row_start, facts.row_low, facts.row_high, facts.row_value
        balanced = []
        for row in range(facts.rows):
            begin, end = start[row], start[row + 1]
            if end - begin > 1:
                if high[row] == 0 and (low[row] == 0 or (values[begin] > 0 < values[end - 1])):
                    balanced.append(row)
                continue
            if end == begin:
                self.infeasible |= low[row] > 0 or high[row] < 0
                continue
            column, value = facts.row_column[begin], facts.row_value[begin]
            least = None if low[row] == -FREE else low[row]
            most = None if high[row] == FREE else high[row]
            if value < 0:
                least, most = most, least
            if least is not None:
                self.lower[column] = max(self.lower[column], -(-least // value))
            if most is not None:
                self.upper[column] = min(self.upper[column], most // value)
        while any([self._balance(row) for row in balanced]):
            pass
        self.infeasible |= any(a > b for a, b in zip(self.lower, self.upper, strict=True))

    def _balance(self, row: int) -> bool:
        """Set columns to 0 that a row weighs against nothing; say whether any was not 0 before.

        Such are the options of two services that go together, where one has no such option.
        """
        facts, lower, upper = self.facts, self.lower, self.upper
        sides: dict[bool, list[int]] = {True: [], False: []}
        for column, value in zip(*facts.entries(row), strict=True):
            if lower[column] < 0:
                return False
            if upper[column] > 0:
                sides[value > 0].append(column)
        above, below = sides[True], sides[False]
        gone = above if not below else below if not above and facts.row_low[row] == 0 else []
        for column in gone:
            upper[column] = 0
        return bool(gone)

    def _levels(self) -> None:
        """Check that every child needs its parent, and gather offers and contracts."""
        facts = self.facts
        parent, link = facts.parent, facts.link
        for p in parent:
            if p >= 0 and parent[p] >= 0:
                self._has_items[p] = 1
        for column, p in enumerate(parent):
            if p < 0:
                continue
            if p >= facts.columns or p == column or not 0 <= link[column] < facts.rows:
                raise Rejected(f"column {column} has parent {p} by row {link[column]}: none such")
            self._binary(column)
            self._binary(p)
        grouped: dict[int, list[int]] = {}
        start, columns, values = facts.row_start, facts.row_column, facts.row_value
        for column, p in enumerate(parent):
            if p < 0:
                continue
            row = link[column]
            if parent[p] < 0:
                grouped.setdefault(row, []).append(column)
                continue
            if parent[parent[p]] >= 0:
                raise Rejected(f"column {column} lies more than two levels below a provider")
            # Most rows are of this sort: one option-band, then its band.
            at = start[row]
            if not (
                start[row + 1] - at == 2
                and columns[at] == column
                and columns[at + 1] == p
                and values[at] > 0 > values[at + 1]
                and facts.row_high[row] <= 0
            ):
                self._needs(row, [column], p, strictly=False)
        for row, children in sorted(grouped.items()):
            p = parent[children[0]]
            if any(parent[child] != p for child in children):
                raise Rejected(f"row {row} does not bind columns of one provider")
            self._needs(row, children, p, strictly=True)
            if len(children) > 1 or self._has_items[children[0]]:
                self.offers_of.setdefault(p, []).append(len(self.offers))
                self.offers.append(children)
            else:
                self.contracts_of.setdefault(p, []).append(children[0])

    def _binary(self, column: int) -> None:
        if self.lower[column] < 0 or self.upper[column] > 1:
            raise Rejected(f"column {column} is in a block, but may be other than 0 and 1")

    def _needs(self, row: int, children: list[int], p: int, *, strictly: bool) -> None:
        """Check that a row has the children add up to at most their parent.

        Not strictly: that none of them is 1 where the parent is 0.
        """
        facts = self.facts
        left, found = set(children), False
        for column, value in zip(*facts.entries(row), strict=True):
            if column == p:
                found = value == -1 if strictly else value < 0
                fits = found
            elif column in left:
                left.discard(column)
                fits = value > 0
            else:
                fits = value >= 0 <= self.lower[column]
            if not fits:
                raise Rejected(f"row {row} does not bind column {children[0]} to column {p}")
        if left or not found or facts.row_high[row] > 0:
            raise Rejected(f"row {row} does not bind column {children[0]} to column {p}")

    def _items(self) -> None:
        """Sort option-bands by band."""
        facts = self.facts
        parent, inner = facts.parent, self._has_items
        count = [0] * (facts.columns + 1)
        for p in parent:
            if p >= 0 and inner[p]:
                count[p + 1] += 1
        total = 0
        for column, number in enumerate(count):
            total += number
            count[column] = total
        self.item_start = array("q", count)
        self.item = array("q", bytes(8 * total))
        for column, p in enumerate(parent):
            if p >= 0 and inner[p]:
                self.item[count[p]] = column
                count[p] += 1
        self.weight = [0] * total

    def _bands(self) -> None:
        """Read the limits of bands."""
        facts = self.facts
        for children in self.offers:
            for band in children:
                most = self._limit(facts.most[band], band, 1)
                least = self._limit(facts.least[band], band, -1)
                if most is None and least is None:
                    continue
                scale, other = 1, 1
                if most is not None and least is not None:
                    pairs = [(w, least[1].get(c, 0)) for c, w in most[1].items()]
                    scale, other = next(((b, a) for a, b in pairs if a and b), (0, 0))
                    if len(least[1]) != len(pairs) or any(a * scale != b * other for a, b in pairs):
                        scale = 0
                    if not scale:  # two kinds of weight: one limit has to do
                        least, scale, other = None, 1, 1
                    common = gcd(scale, other)
                    scale, other = scale // common, other // common
                if most is not None:
                    self.hi[band] = most[0] * scale
                if least is not None:
                    self.lo[band] = -least[0] * other
                limit = most or least
                assert limit is not None
                factor = scale if most is not None else other
                for at in range(self.item_start[band], self.item_start[band + 1]):
                    self.weight[at] = limit[1].get(self.item[at], 0) * factor

    def _limit(self, row: int, band: int, sign: int) -> tuple[int, dict[int, int]] | None:
        """Read a row as sign · Σ weight · option-band ≤ limit wherever the band is 1."""
        if row < 0:
            return None
        facts = self.facts
        if row >= facts.rows or facts.row_high[row] == FREE:
            raise Rejected(f"row {row} limits no band")
        limit, weights = facts.row_high[row], {}
        for column, value in zip(*facts.entries(row), strict=True):
            if column == band:
                limit -= value
            elif facts.parent[column] == band and value * sign > 0:
                weights[column] = value * sign
            elif value < 0 or self.lower[column] < 0:
                raise Rejected(f"row {row} does not limit column {band}")
        return limit, weights

    def _rooms(self) -> None:
        """Read Σ room · band ≥ volume."""
        facts = self.facts
        for row in facts.rooms:
            if not 0 <= row < facts.rows or facts.row_high[row] == FREE:
                raise Rejected(f"row {row} asks for no bands")
            room = {}
            for column, value in zip(*facts.entries(row), strict=True):
                if value >= 0 or column not in self.offer_of:
                    raise Rejected(f"row {row} asks for more than bands")
                room[column] = -value
            self.rooms.append((room, -facts.row_high[row]))

    def _members(self) -> None:
        """Read the limits of contracts."""
        facts = self.facts
        for provider, contracts in self.contracts_of.items():
            least, most = 0, None
            for row, sign in ((facts.most[provider], 1), (facts.least[provider], -1)):
                limit = self._limit_members(row, provider, contracts, sign)
                if limit is None:
                    continue
                if sign > 0:
                    most = limit
                else:
                    least = max(-limit, 0)
            if least or most is not None:
                self.members[provider] = (least, most)

    def _limit_members(
        self, row: int, provider: int, contracts: list[int], sign: int
    ) -> int | None:
        """Read a row as sign · Σ contract ≤ limit wherever the provider is 1."""
        if row < 0:
            return None
        facts = self.facts
        if row >= facts.rows or facts.row_high[row] == FREE:
            raise Rejected(f"row {row} limits no contracts")
        limit, each, left = facts.row_high[row], 0, set(contracts)
        for column, value in zip(*facts.entries(row), strict=True):
            if column == provider:
                limit -= value
            elif column in left and value * sign > 0 and each in (0, value * sign):
                each = value * sign
                left.discard(column)
            else:
                raise Rejected(f"row {row} does not limit the contracts of column {provider}")
        if not each or left:
            return None
        return limit // each

"""What blocks are worth at multipliers, in whole numbers, kept up to date as these change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from optimiser.certificate.facts import FREE, Rejected
from optimiser.certificate.knapsack import Item, least, relaxed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from optimiser.certificate.blocks import Blocks
    from optimiser.certificate.proof import Multipliers

#: Units between two looks at whether to stop.
_PATIENCE: Final = 256
#: A provider's column (−1: none), its offers, its contracts.
Unit = tuple[int, list[int], list[int]]


class Cover:
    """Units of one offer each, of which those open must have room for a volume.

    Parameters
    ----------
    units
        Their numbers.
    room
        How much each band can take.
    need
        The volume.

    Attributes
    ----------
    value
        Least value of all units together; None: they have not the room.
    opening
        What it adds to have a unit's offer in force; not there where that adds nothing.
    """

    def __init__(self, units: list[int], room: dict[int, int], need: int) -> None:
        self.units, self.room, self.need = units, room, need
        self.value: int | None = 0
        self.opening: dict[int, int] = {}

    def settle(self, values: Values, nodes: int, *, openings: bool = False) -> None:
        """Choose which units are open; with `openings`, also with each of the others open."""
        spare, total = -self.need, 0
        closed: dict[int, Item] = {}  # what may be closed: what that saves, and the room it takes
        for unit in self.units:
            inside, most, must = values.opened(unit, self.room)
            other = values.without(unit)
            if inside is None:
                if must or other is None:
                    self.value = None
                    return
                total += other
                continue
            total += inside
            spare += most
            if not must and other is not None and inside > other:
                closed[unit] = (other - inside, most)
        self.value = None
        if spare < 0:
            return
        saved = least(list(closed.values()), 0, spare, nodes)
        assert saved is not None
        self.value = total + saved
        self.opening.clear()
        for unit in closed if openings else ():
            others = [item for each, item in closed.items() if each != unit]
            less = least(others, 0, spare, nodes)
            assert less is not None
            if less > saved:
                self.opening[unit] = less - saved


class Values:
    """The relaxation of one stage: L(λ) and what it is made of, in units of the certificate.

    L(λ) = offset + Σ λᵢ bᵢ + min (c − Aᵀ λ) x over the blocks, with bᵢ the row's lower limit where
    λᵢ > 0 and its upper one where λᵢ < 0 (Geoffrion 1974, Math. Prog. Study 2).

    Parameters
    ----------
    blocks
        What the blocks are.
    upper
        Upper bounds of the columns, changed in place.
    apart
        Whether offers are units of their own.
    nodes
        Nodes to search in each knapsack.
    unit
        Units in a last place of money.
    stop
        Asked now and then; raises InterruptedError if it says so.

    Attributes
    ----------
    units, unit_of
        Blocks as they are evaluated, and the one of each column, −1 where it stands alone.
    total
        L(λ) so far as there are values.
    infeasible
        Number of units and of single columns that nothing feasible is left of.
    covers
        Units that are chosen together; `total` says nothing of them.
    """

    def __init__(
        self,
        blocks: Blocks,
        upper: list[int],
        *,
        apart: bool,
        nodes: int,
        unit: int,
        stop: Callable[[], bool],
    ) -> None:
        self.blocks, self.facts = blocks, blocks.facts
        self.lower, self.upper = list(blocks.lower), upper
        self._nodes, self._unit, self._stop = nodes, unit, stop
        self.units: list[Unit] = []
        self.unit_of = [-1] * self.facts.columns
        self._make_units(apart)
        self.covers: list[Cover] = []
        self._cover_of: dict[int, Cover] = {}
        if not apart:
            self._make_covers()
        self.reduced: list[int] = []
        self.multiplier: dict[int, int] = {}
        self.must: dict[int, set[int]] = {}
        self.band_value: dict[int, int | None] = {}
        self.unit_value: list[int | None] = [0] * len(self.units)
        self.total = 0
        self.infeasible = 0
        self._dirty: set[int] = set()

    def _make_units(self, apart: bool) -> None:
        blocks = self.blocks
        providers = sorted({*blocks.offers_of, *blocks.contracts_of})
        for y in providers:
            offers, contracts = blocks.offers_of.get(y, []), blocks.contracts_of.get(y, [])
            made: list[Unit] = [(y, offers, contracts)]
            if apart:
                made = [(y, [], contracts), *((-1, [offer], []) for offer in offers)]
            for unit in made:
                number = len(self.units)
                self.units.append(unit)
                for column in self.columns_of(number):
                    self.unit_of[column] = number

    def _make_covers(self) -> None:
        """Take the rooms whose offers are their providers' only ones, each in one of them."""
        for room, need in self.blocks.rooms:
            units = sorted({self.unit_of[z] for z in room})
            single = all(len(self.units[unit][1]) == 1 for unit in units)
            if single and not any(unit in self._cover_of for unit in units):
                self.covers.append(Cover(units, room, need))
                self._cover_of.update(dict.fromkeys(units, self.covers[-1]))

    def drop_covers(self) -> None:
        """Choose no units together from now on."""
        self.covers.clear()
        self._cover_of.clear()

    def covered(self) -> int | None:
        """Return `total` with covers chosen as a whole; None where one has not the room."""
        total = self.total
        for cover in self.covers:
            if self._stop():
                raise InterruptedError
            cover.settle(self, self._nodes)
            if cover.value is None:
                return None
            total += cover.value - sum(self.unit_value[unit] or 0 for unit in cover.units)
        return total

    def opened(self, unit: int, room: dict[int, int]) -> tuple[int | None, int, bool]:
        """Return what a unit of one offer is worth with it in force, its room, and if it must be.

        The first is None where it cannot be.
        """
        y, (offer,), contracts = self.units[unit]
        must = self.must.get(offer)
        usable = [
            z
            for z in self.blocks.offers[offer]
            if self.upper[z] > 0 and (must is None or z in must) and self._band(z) is not None
        ]
        value = self._contracts(y, contracts)
        if not usable or self.upper[y] <= 0 or value is None:
            return None, 0, must is not None
        best = min(self._band(z) or 0 for z in usable)
        return self.reduced[y] + value + best, max(room.get(z, 0) for z in usable), must is not None

    def without(self, unit: int) -> int | None:
        """Return what a unit is worth without an offer in force; None where it cannot be so."""
        y, _, contracts = self.units[unit]
        must = self.lower[y] > 0 or any(self.lower[w] > 0 for w in contracts)
        value = self._contracts(y, contracts) if self.upper[y] > 0 else None
        if value is None:
            return None if must else 0
        return self.reduced[y] + value if must else min(self.reduced[y] + value, 0)

    def columns_of(self, unit: int) -> Iterable[int]:
        """Yield the columns of a unit."""
        blocks = self.blocks
        y, offers, contracts = self.units[unit]
        if y >= 0:
            yield y
        yield from contracts
        for offer in offers:
            for z in blocks.offers[offer]:
                yield z
                yield from blocks.item[blocks.item_start[z] : blocks.item_start[z + 1]]

    def limit(self, row: int, multiplier: int) -> int:
        """Return what a row adds to L(λ) by itself.

        Raises
        ------
        Rejected
            If the row has no limit on that side.
        """
        if not multiplier:
            return 0
        facts = self.facts
        b = facts.row_low[row] if multiplier > 0 else facts.row_high[row]
        if abs(b) == FREE:
            side = "lower" if multiplier > 0 else "upper"
            raise Rejected(f"multiplier {multiplier} of row {row}, which has no {side} limit")
        return b * multiplier

    def start(self, multipliers: Multipliers) -> None:
        """Evaluate at the multipliers of a stage."""
        facts = self.facts
        unit = self._unit
        reduced = [cost * unit for cost in facts.cost]
        total = facts.offset * unit
        start, columns, values = facts.row_start, facts.row_column, facts.row_value
        for row, value in zip(multipliers.rows, multipliers.values, strict=True):
            if value:
                total += self.limit(row, value)
                self.multiplier[row] = value
                begin, end = start[row], start[row + 1]
                for column, a in zip(columns[begin:end], values[begin:end], strict=True):
                    reduced[column] -= a * value
        self.reduced = reduced
        lower, upper = self.lower, self.upper
        for column, block in enumerate(self.unit_of):
            if block < 0:
                r = reduced[column]
                total += r * (upper[column] if r < 0 else lower[column])
        self.total = total
        self._dirty = set(range(len(self.units)))
        self.settle()

    def change(self, multipliers: Multipliers, sign: int = 1) -> None:
        """Add to multipliers (or take away what was added)."""
        facts, reduced, unit_of = self.facts, self.reduced, self.unit_of
        start, columns, values = facts.row_start, facts.row_column, facts.row_value
        parent = facts.parent
        for row, value in zip(multipliers.rows, multipliers.values, strict=True):
            old = self.multiplier.get(row, 0)
            new = old + sign * value
            self.total += self.limit(row, new) - self.limit(row, old)
            self.multiplier[row] = new
            for at in range(start[row], start[row + 1]):
                column = columns[at]
                unit = unit_of[column]
                if unit < 0:
                    self.total -= self.alone(column)
                    reduced[column] -= values[at] * (new - old)
                    self.total += self.alone(column)
                    continue
                reduced[column] -= values[at] * (new - old)
                self._dirty.add(unit)
                self.band_value.pop(column, None)
                self.band_value.pop(parent[column], None)

    def bound(self, column: int, upper: int) -> None:
        """Set a column's upper bound."""
        unit = self.unit_of[column]
        if unit < 0:
            self._set_alone(column, self.lower[column], upper)
            return
        self.upper[column] = upper
        self._dirty.add(unit)
        self.band_value.pop(column, None)
        self.band_value.pop(self.facts.parent[column], None)

    def raise_column(self, column: int, lower: int) -> None:
        """Set the lower bound of a column that is no option-band and no band."""
        unit = self.unit_of[column]
        if unit < 0:
            self._set_alone(column, lower, self.upper[column])
            return
        self.lower[column] = lower
        self._dirty.add(unit)

    def force(self, offer: int, bands: set[int] | None) -> None:
        """Have one of these bands in force; None: it need not be."""
        if bands is None:
            self.must.pop(offer, None)
        else:
            self.must[offer] = bands
        self._dirty.add(self.unit_of[self.blocks.offers[offer][0]])

    def settle(self) -> None:
        """Bring `total` and `infeasible` up to date."""
        for count, unit in enumerate(self._dirty):
            if count % _PATIENCE == 0 and self._stop():
                raise InterruptedError
            old, new = self.unit_value[unit], self._value(unit)
            self.unit_value[unit] = new
            self.infeasible += (new is None) - (old is None)
            self.total += (new or 0) - (old or 0)
        self._dirty.clear()

    def alone(self, column: int) -> int:
        """Return the least value of a column in no unit."""
        r = self.reduced[column]
        return r * (self.upper[column] if r < 0 else self.lower[column])

    def _set_alone(self, column: int, lower: int, upper: int) -> None:
        self.total -= self.alone(column)
        self.infeasible -= self.lower[column] > self.upper[column]
        self.lower[column], self.upper[column] = lower, upper
        self.infeasible += lower > upper
        self.total += self.alone(column)

    def inside(self, unit: int) -> tuple[int | None, bool]:
        """Return what a unit is worth where its provider is open, and whether it must be."""
        y, offers, contracts = self.units[unit]
        total, possible, must = 0, True, False
        for offer in offers:
            value = self.offer_value(offer)
            must |= offer in self.must
            possible &= value is not None
            total += value or 0
        if y >= 0:
            must |= self.lower[y] > 0 or any(self.lower[w] > 0 for w in contracts)
            value = self._contracts(y, contracts)
            possible &= value is not None
            total += self.reduced[y] + (value or 0)
        return (total if possible else None), must

    def _value(self, unit: int) -> int | None:
        inside, must = self.inside(unit)
        y = self.units[unit][0]
        if y < 0:
            return inside
        if self.upper[y] <= 0:
            return None if must else 0
        if must or (inside is not None and inside < 0):
            return inside
        return 0

    def offer_value(self, offer: int) -> int | None:
        """Return the least value of an offer: no band, or its best one; None if it has none."""
        must = self.must.get(offer)
        best = 0 if must is None else None
        for z in self.blocks.offers[offer]:
            if self.upper[z] <= 0 or (must is not None and z not in must):
                continue
            value = self._band(z)
            if value is not None and (best is None or value < best):
                best = value
        return best

    def _band(self, z: int) -> int | None:
        if z in self.band_value:
            return self.band_value[z]
        blocks = self.blocks
        lo = blocks.lo.get(z, 0)
        found = least(self.items(z, all_of_them=lo > 0), lo, blocks.hi.get(z), self._nodes)
        value = None if found is None else found + self.reduced[z]
        self.band_value[z] = value
        return value

    def items(self, z: int, *, all_of_them: bool) -> list[tuple[int, int]]:
        """Return reduced cost and weight of a band's option-bands, or of those that pay."""
        blocks, reduced, upper = self.blocks, self.reduced, self.upper
        begin, end = blocks.item_start[z], blocks.item_start[z + 1]
        return [
            (reduced[x], w)
            for x, w in zip(blocks.item[begin:end], blocks.weight[begin:end], strict=True)
            if (all_of_them or reduced[x] < 0) and upper[x] > 0
        ]

    def _contracts(self, y: int, contracts: list[int]) -> int | None:
        reduced, lower, upper = self.reduced, self.lower, self.upper
        least_many, most_many = self.blocks.members.get(y, (0, None))
        total, count = 0, 0
        free = []
        for w in contracts:
            if lower[w] > 0:
                total += reduced[w]
                count += 1
            elif upper[w] > 0:
                free.append(reduced[w])
        free.sort()
        for r in free:
            if count == most_many or (r >= 0 and count >= least_many):
                break
            total += r
            count += 1
        if count < least_many or (most_many is not None and count > most_many):
            return None
        return total

    # --- fixing ----------------------------------------------------------------------------

    def too_dear(self, units: Iterable[int], alone: Iterable[int], room: int) -> list[int]:
        """Return columns of these that lift the value by `room` or more where they are not 0.

        The value is that of `covered` where there are covers.
        """
        for cover in self.covers:
            cover.settle(self, self._nodes, openings=True)
        found = [
            column
            for column in alone
            if self.upper[column] > 0 == self.lower[column] and self.reduced[column] >= room
        ]
        for unit in units:
            self._dear_in(unit, room, found)
        return found

    def _dear_in(self, unit: int, room: int, found: list[int]) -> None:
        blocks, upper = self.blocks, self.upper
        y, offers, _ = self.units[unit]
        now = self.unit_value[unit]
        if now is None or (y >= 0 and upper[y] <= 0):
            return
        cover = self._cover_of.get(unit)
        if cover is not None:
            self._dear_covered(unit, cover, room, found)
            return
        inside, must = self.inside(unit)
        if y >= 0 and (inside is None or inside - now >= room):
            if not must:
                found.append(y)
            return
        assert inside is not None
        for offer in offers:
            best = self.offer_value(offer)
            assert best is not None
            for z in blocks.offers[offer]:
                if upper[z] <= 0:
                    continue
                value = self._band(z)
                if value is None or inside - best + value - now >= room:
                    found.append(z)
                    continue
                self._dear_items(z, room - (inside - best - now), found)

    def _dear_covered(self, unit: int, cover: Cover, room: int, found: list[int]) -> None:
        (offer,) = self.units[unit][1]
        inside, _, must = self.opened(unit, cover.room)
        rise = cover.opening.get(unit, 0)
        if inside is None:
            return
        if rise >= room and not must:
            found += [z for z in self.blocks.offers[offer] if self.upper[z] > 0]
            return
        bands = {z: self._band(z) for z in self.blocks.offers[offer] if self.upper[z] > 0}
        best = min(value for value in bands.values() if value is not None)
        for z, value in bands.items():
            if value is None or rise + value - best >= room:
                found.append(z)
                continue
            self._dear_items(z, room - rise + best, found)

    def _dear_items(self, z: int, room: int, found: list[int]) -> None:
        """Add option-bands without which a band's value would stay below `room`.

        What is forced into a knapsack lifts its relaxation by what it lacks at the split item's
        ratio, at least (Dantzig's bound, as a dual).
        """
        blocks, reduced, upper = self.blocks, self.reduced, self.upper
        hi = blocks.hi.get(z)
        above, r, w = relaxed(self.items(z, all_of_them=False), hi)
        room = (room - reduced[z]) * w - above
        begin, end = blocks.item_start[z], blocks.item_start[z + 1]
        for x, weight in zip(blocks.item[begin:end], blocks.weight[begin:end], strict=True):
            if upper[x] > 0 and (
                (hi is not None and weight > hi) or reduced[x] * w - r * weight >= max(room, 1)
            ):
                found.append(x)

"""What a certificate speaks of: a mixed-integer program in whole numbers, and where its blocks are.

minimise offset + cost · x  subject to  row_low ≤ A x ≤ row_high, lower ≤ x ≤ upper, x whole.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from array import array

    #: Whole numbers of 64 bits (type code ``q``).
    Longs = array[int]

#: No limit; −`FREE` below.
FREE: Final = 2**63 - 1


class Rejected(ValueError):
    """What a certificate says cannot be accepted.

    Parameters
    ----------
    text
        What is wrong.
    place
        Where: ``("head",)``, ``("stage", k)``, ``("part", k, p)`` or ``("node", k, p, n)``, counted
        from 0; empty where it is the program that is at fault.
    """

    def __init__(self, text: str, place: tuple[str | int, ...] = ()) -> None:
        super().__init__(text)
        self.place = place


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Facts:
    """One program, as flat arrays of 64-bit integers; money in last places.

    The last arrays, from `parent` on, say where blocks are. They are hints: `blocks.Blocks`
    believes none of them before it has seen the row that proves it.

    Parameters
    ----------
    offset
        Constant part of the objective.
    cost, lower, upper
        Of each column.
    row_start, row_column, row_value
        The rows: row i has entries from ``row_start[i]`` to ``row_start[i + 1]``.
    row_low, row_high
        Limits, ∓`FREE` where there is none.
    parent
        The column that must be 1 wherever this one is: an option-band's band, a band's and a
        contract's provider; −1 where there is none.
    link
        The row that says so. Bands with the same row are an offer: at most one is in force.
    most, least
        The rows that limit, while a column is 1, the weight of its option-bands (a band) or the
        number of its contracts (a provider) from above and below; −1 where there is none.
    rooms
        The rows that ask for bands in force that can take a volume together.
    """

    offset: int
    cost: Longs
    lower: Longs
    upper: Longs
    row_start: Longs
    row_column: Longs
    row_value: Longs
    row_low: Longs
    row_high: Longs
    parent: Longs
    link: Longs
    most: Longs
    least: Longs
    rooms: Longs

    @property
    def columns(self) -> int:
        """Number of columns."""
        return len(self.cost)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.row_low)

    def digest(self) -> str:
        """SHA-256 over every number, in hexadecimal."""
        found = sha256(f"optimiser-facts 2\n{self.offset}\n".encode())
        for name in self.__slots__:
            values = getattr(self, name)
            if name == "offset":
                continue
            if sys.byteorder == "big":
                values = values[:]
                values.byteswap()
            found.update(f"{name} {len(values)}\n".encode())
            found.update(values.tobytes())
        return found.hexdigest()

    def entries(self, row: int) -> tuple[Longs, Longs]:
        """Return the columns and values of a row."""
        start, stop = self.row_start[row], self.row_start[row + 1]
        return self.row_column[start:stop], self.row_value[start:stop]

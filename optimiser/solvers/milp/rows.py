"""Sparse integer rows, gathered in blocks and brought to one matrix."""

from __future__ import annotations

from fractions import Fraction
from math import gcd, lcm
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from optimiser.errors import UnsupportedError
from optimiser.model.rounding import LARGEST

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    Ints = NDArray[np.int64]
    #: Row within its block, column, value: arrays of one shape, or one value for all.
    Entry = tuple[NDArray[Any], NDArray[Any], Any]

#: No limit, as a row's bound.
FREE: Final = int(np.iinfo(np.int64).max)
#: Binary digits of a common denominator from which on it is not sought further.
_LONG: Final = 1000
#: Limits that rows of rounded coefficients should stay below, and the size of their largest
#: coefficient from which on no digits are given up for that.
_ENOUGH, _SPARED = 2**49, 2**30


class Rows:
    """Rows lower ≤ A x ≤ upper over whole numbers; −`FREE` and `FREE` are no limit."""

    def __init__(self) -> None:
        self.count = 0
        self._row: list[Ints] = []
        self._column: list[Ints] = []
        self._value: list[Ints] = []
        self._lower: list[Ints] = []
        self._upper: list[Ints] = []
        self._names: list[tuple[int, Callable[[], Sequence[str]]]] = []
        #: What each block of rows says, where it was told, and where it starts and stops.
        self.blocks: list[tuple[str, int, int]] = []

    def add(
        self,
        size: int,
        entries: Sequence[Entry],
        lower: Ints | int,
        upper: Ints | int,
        names: Callable[[], Sequence[str]],
        what: str = "",
    ) -> None:
        """Add a block of `size` rows; `entries` are (row within the block, column, value)."""
        if not size:
            return
        for row, column, value in entries:
            self._row.append(np.asarray(row, dtype=np.int64) + self.count)
            self._column.append(np.asarray(column, dtype=np.int64))
            self._value.append(np.broadcast_to(np.asarray(value, dtype=np.int64), len(column)))
        for kept, bound in ((self._lower, lower), (self._upper, upper)):
            kept.append(np.array(np.broadcast_to(np.asarray(bound, dtype=np.int64), size)))
        self._names.append((size, names))
        self.blocks.append((what, self.count, self.count + size))
        self.count += size

    def at_most(
        self,
        size: int,
        entries: Sequence[Entry],
        upper: Ints | int,
        names: Callable[[], Sequence[str]],
        what: str = "",
    ) -> None:
        """Add a block of rows A x ≤ upper."""
        self.add(size, entries, -FREE, upper, names, what)

    def names(self) -> list[str]:
        """Names of all rows, in order."""
        result: list[str] = []
        for size, make in self._names:
            made = list(make())
            result.extend(made if len(made) == size else made * size)
        return result

    def matrix(self, columns: int) -> tuple[csr_array, NDArray[np.float64], NDArray[np.float64]]:
        """Return A as CSR and the bounds, every row divided by its greatest common divisor.

        All columns are integers, so a bound that the divisor leaves a rest of is tightened.

        Raises
        ------
        UnsupportedError
            If a coefficient is 2⁵³ or more.
        """
        from scipy.sparse import coo_array

        empty = [np.zeros(0, dtype=np.int64)]
        row, column, value = (
            np.concatenate([*empty, *kept]) for kept in (self._row, self._column, self._value)
        )
        if len(value) and int(np.abs(value).max()) >= LARGEST:
            worst = int(row[np.abs(value).argmax()])
            raise UnsupportedError(
                f"Row {self.names()[worst]} has a coefficient of 2^53 or more, which no general "
                "solver holds exactly; use fewer decimals or larger units."
            )
        # int64 sums of duplicates are exact; float64 holds them since they are checked above.
        a = coo_array((value, (row, column)), shape=(self.count, columns)).tocsr()
        a.sum_duplicates()
        a.eliminate_zeros()
        lower, upper = (np.concatenate([*empty, *kept]) for kept in (self._lower, self._upper))
        divisor = np.ones(self.count, dtype=np.int64)
        filled = np.flatnonzero(np.diff(a.indptr))
        if len(filled):
            divisor[filled] = np.gcd.reduceat(np.abs(a.data), a.indptr[filled])
        a.data = a.data // np.repeat(divisor, np.diff(a.indptr))
        low = np.where(lower == -FREE, -np.inf, -(-lower // divisor).astype(np.float64))
        high = np.where(upper == FREE, np.inf, (upper // divisor).astype(np.float64))
        return a.astype(np.float64), low, high


def whole_row(
    terms: Sequence[tuple[Ints, Ints, Fraction]], lower: Fraction | None, upper: Fraction | None
) -> tuple[Ints, int, int]:
    """Multiply a row of fractions up to whole numbers.

    Exact wherever the common denominator allows; otherwise the coefficients are rounded to 50
    binary digits of the largest, far below what a general solver in floats can tell apart.

    Parameters
    ----------
    terms
        Numerators, denominators and a common factor each.
    lower, upper
        Bounds, or None.

    Returns
    -------
    tuple
        Coefficients of all terms on end, and the bounds, ∓`FREE` where there is none.
    """
    terms = [term for term in terms if len(term[0])]
    scale = 1
    for _, below, factor in terms:
        for denominator in np.unique(below).tolist():
            if scale.bit_length() < _LONG:
                scale = lcm(scale, denominator * factor.denominator)
    parts: list[Ints] = [np.zeros(0, dtype=np.int64)]
    exact = scale.bit_length() < _LONG
    for above, below, factor in terms:
        if not exact:
            break
        each = scale * factor  # whole, and divided by each denominator still whole
        most = int(np.abs(above).max(initial=0)) * abs(each)
        if most < LARGEST and each.denominator == 1:
            parts.append(above * (int(each) // below))
        else:
            exact = False
    if exact:
        values = np.concatenate(parts)
        common = int(np.gcd.reduce(np.abs(values))) if len(values) else 0
        step = Fraction(scale, common or 1)
        values = values // (common or 1)
    else:
        values, step = _large_row(terms, lower, upper)
    low = -FREE if lower is None else -int(-lower * step // 1)
    high = FREE if upper is None else int(upper * step // 1)
    if scale.bit_length() >= _LONG:
        # No plan is lost to rounding: a coefficient is wrong by a half at most, a unit of volume.
        room = sum(int(below.sum()) for _, below, _ in terms) // 2 + 1
        low, high = (low - room if lower is not None else low), high + room
    # A bound beyond what the row can reach at all is none: it need not fit int64.
    return values, min(max(low, -FREE), FREE), max(min(high, FREE), -FREE)


def _large_row(
    terms: Sequence[tuple[Ints, Ints, Fraction]], lower: Fraction | None, upper: Fraction | None
) -> tuple[Ints, Fraction]:
    """Bring a row to whole numbers one coefficient at a time; return them and the multiplier."""
    values = [
        Fraction(a, b) * factor
        for above, below, factor in terms
        for a, b in zip(above.tolist(), below.tolist(), strict=True)
    ]
    scale = 1
    for value in values:
        if scale.bit_length() < _LONG:
            scale = lcm(scale, value.denominator)
    largest = max(abs(value) for value in values)
    if scale.bit_length() < _LONG:
        step = Fraction(scale, gcd(*(int(value * scale) for value in values)) or 1)
    else:
        step = Fraction(2**50) / (largest or 1)
    rounded = scale.bit_length() >= _LONG or largest * step >= LARGEST
    if rounded and largest:
        step = Fraction(2**50) / largest
        # Shares by volume may be far smaller than what they add up to. Some of their digits are
        # given up for a limit that can be held.
        limit = max(abs(lower or Fraction(0)), abs(upper or Fraction(0))) * step
        step *= min(Fraction(1), max(_ENOUGH / max(limit, Fraction(1)), _SPARED / Fraction(2**50)))
    return np.array([round(value * step) for value in values], dtype=np.int64), step

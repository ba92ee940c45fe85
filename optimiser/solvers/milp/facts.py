"""Formulation -> the facts that a certificate speaks of, and multipliers -> a certificate."""

from __future__ import annotations

from array import array
from fractions import Fraction
from math import ceil, floor, isfinite, lcm
from typing import TYPE_CHECKING, Any

import numpy as np

from optimiser.certificate.facts import FREE, Facts
from optimiser.certificate.proof import DIGITS, MOST_DIGITS, Multipliers
from optimiser.errors import UnsupportedError
from optimiser.model.rounding import LARGEST

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimiser.model.problem import LinearRow
    from optimiser.solvers.milp.columns import Columns
    from optimiser.solvers.milp.formulation import Formulation
    from optimiser.solvers.milp.matrix import Matrix

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]


def facts(formulation: Formulation) -> Facts:
    """Return a strong formulation as whole numbers, and where its blocks are.

    A row whose coefficients had to be rounded has no limits here, so that nothing leans on it.

    Parameters
    ----------
    formulation
        Of a problem under single sourcing.

    Raises
    ------
    UnsupportedError
        Under split sourcing, where costs are no whole numbers.
    """
    problem, columns, matrix = formulation.problem, formulation.columns, formulation.matrix
    if problem.split:
        raise UnsupportedError(
            "bounds are certified under single sourcing only: under split sourcing costs are "
            "fractions of the last place of money."
        )
    hours = [*problem.hours.by_kind.values(), problem.authority_officer_hours]
    if any(len(values) and np.abs(values).max() >= LARGEST for values in hours):
        raise UnsupportedError("hours of oversight are 2^53 or more, which no certificate holds.")
    low, high = matrix.row_lower.copy(), matrix.row_upper.copy()
    first = matrix.rows - len(problem.rows)  # policies and side rows come last, a row each
    for number, row in enumerate(problem.rows):
        if not _is_exact(matrix, columns, first + number, row):
            low[first + number], high[first + number] = -np.inf, np.inf
    parent, link, most, least = _structure(formulation)
    rooms = [
        row
        for what, start, stop in formulation.blocks
        if what == "room"
        for row in range(start, stop)
    ]
    return Facts(
        offset=int(problem.objective.constant),
        cost=_longs(matrix.cost, "a cost"),
        lower=_longs(matrix.lower, "a bound"),
        upper=_longs(matrix.upper, "a bound"),
        row_start=_longs(matrix.a.indptr),
        row_column=_longs(matrix.a.indices),
        row_value=_longs(matrix.a.data, "a coefficient"),
        row_low=_limits(low, -FREE),
        row_high=_limits(high, FREE),
        parent=_longs(parent),
        link=_longs(link),
        most=_longs(most),
        least=_longs(least),
        rooms=_longs(np.array(rooms, dtype=np.int64)),
    )


def digits(formulation: Formulation, rows: Ints) -> int:
    """Return the binary digits that multipliers of these rows need after the last place of money.

    A multiplier's rounding moves a reduced cost by its row's coefficient times as much, so that
    rows of large numbers, as those of hours, need more than `DIGITS`.
    """
    a = formulation.matrix.a[rows]
    largest = int(np.abs(a.data).max()) if a.nnz else 1
    return min(DIGITS + largest.bit_length() - 1, MOST_DIGITS)


def multipliers(
    formulation: Formulation, rows: Ints, values: Floats, digits: int = DIGITS
) -> Multipliers:
    """Round multipliers of rows of the matrix to whole units; any rounding gives a valid bound.

    Parameters
    ----------
    formulation
        What they belong to.
    rows
        Rows of the matrix, each once, shape (n,).
    values
        In last places of money a unit of the row, shape (n,). Where a row has no limit on the side
        that the sign speaks of, they are left out.
    digits
        Of the certificate that they are for.
    """
    matrix = formulation.matrix
    unit = float(1 << digits)  # a power of two, so that products are exact
    whole = [round(value * unit) for value in values.tolist()]
    low, high = matrix.row_lower[rows].tolist(), matrix.row_upper[rows].tolist()
    kept = [
        (row, value)
        for row, value, a, b in zip(rows.tolist(), whole, low, high, strict=True)
        if (value > 0 and a > -LARGEST) or (value < 0 and b < LARGEST)
    ]
    return Multipliers(rows=tuple(r for r, _ in kept), values=tuple(v for _, v in kept))


def _structure(formulation: Formulation) -> tuple[Ints, Ints, Ints, Ints]:
    """Say where blocks are, by the names of blocks of rows."""
    problem, columns, matrix = formulation.problem, formulation.columns, formulation.matrix
    parent, link, most, least = (np.full(columns.count, -1, dtype=np.int64) for _ in range(4))
    rows = {what: np.arange(start, stop) for what, start, stop in formulation.blocks if what}
    tied = np.flatnonzero(formulation.contracts_matter)
    for what, below, above, number in (
        ("band", columns.at("x"), columns.at("z", problem.banded_band), None),
        ("offer", columns.at("z"), columns.at("y", problem.offer_provider[problem.band_offer]),
         problem.band_offer),
        ("member", columns.at("w", tied), columns.at("y", problem.contract_provider[tied]), None),
    ):  # fmt: skip
        parent[below] = above
        each = rows.get(what, np.zeros(0, dtype=np.int64))
        link[below] = each if number is None else each[number]
    for what, block, limit in (
        ("most", "z", most),
        ("least", "z", least),
        ("max_members", "y", most),
        ("min_members", "y", least),
    ):
        for row in rows.get(what, np.zeros(0, dtype=np.int64)).tolist():
            entries = matrix.a.indices[matrix.a.indptr[row] : matrix.a.indptr[row + 1]]
            # An owner whose limit is 0 is not in the row; those that it limits tell who it is.
            owners = np.unique(np.concatenate([entries, parent[entries]]))
            part = columns.block(block)
            owners = owners[(owners >= part.start) & (owners < part.stop)]
            if len(owners) == 1:
                limit[owners[0]] = row
    return parent, link, most, least


def _is_exact(matrix: Matrix, columns: Columns, row: int, given: LinearRow) -> bool:
    """Whether a row of the matrix is a multiple of the row that it stands for."""
    scale = lcm(1, *(term.factor.denominator for term in given.terms))
    wanted: dict[int, int] = {}
    for term in given.terms:
        column, above, _ = columns.expand(term.kind, term.index, term.coefficient)
        factor = int(term.factor * scale)
        for c, a in zip(column.tolist(), above.tolist(), strict=True):
            wanted[c] = wanted.get(c, 0) + a * factor
    start, stop = matrix.a.indptr[row], matrix.a.indptr[row + 1]
    found = dict(
        zip(
            matrix.a.indices[start:stop].tolist(),
            map(int, matrix.a.data[start:stop].tolist()),
            strict=True,
        )
    )
    wanted = {c: a for c, a in wanted.items() if a}
    if wanted.keys() != found.keys():
        return False
    times, over = next(((found[c], a) for c, a in wanted.items()), (1, 1))
    ratio = Fraction(scale * times, over)
    if ratio <= 0 or any(found[c] * over != a * times for c, a in wanted.items()):
        return False
    # Limits may be no tighter than the row's own, rounded inwards, since all columns are whole.
    low, high = float(matrix.row_lower[row]), float(matrix.row_upper[row])
    return (
        not isfinite(low) or (given.lower is not None and low <= ceil(given.lower * ratio))
    ) and (not isfinite(high) or (given.upper is not None and high >= floor(given.upper * ratio)))


def _limits(values: Floats, free: int) -> array[int]:
    """Return limits; those that floats do not hold for sure are none."""
    kept = np.abs(values) < LARGEST
    whole = np.full(len(values), free, dtype=np.int64)
    whole[kept] = values[kept].astype(np.int64)
    return array("q", whole.tobytes())


def _longs(values: NDArray[Any], what: str = "") -> array[int]:
    if what and len(values) and not float(np.abs(values).max()) < LARGEST:
        raise UnsupportedError(f"{what} is 2^53 or more, which no certificate holds.")
    return array("q", np.asarray(values).astype(np.int64).tobytes())

"""Small linear programs solved exactly: HiGHS finds the basis, fractions say what it gives."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from optimiser.solvers.milp.highs import hush

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: Right-hand sides are brought to about this size, where HiGHS tells a basis best.
_SIZE: Final = 1e4


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """lower ≤ Σ coefficient × variable ≤ upper; None is no limit.

    Parameters
    ----------
    terms
        Variable -> coefficient.
    lower, upper
        Limits; equal for an equation.
    """

    terms: Mapping[int, Fraction | int]
    lower: Fraction | None = None
    upper: Fraction | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An optimum.

    Parameters
    ----------
    value
        Optimal value.
    x
        Value of each variable.
    duals
        Multiplier of each row: by how much the value grows with its limit.
    exact
        Whether feasibility and optimality were both shown in fractions; if not, all figures are
        HiGHS's floating-point ones.
    """

    value: Fraction
    x: tuple[Fraction, ...]
    duals: tuple[Fraction, ...]
    exact: bool


def minimise(
    cost: Sequence[Fraction | int],
    rows: Sequence[Row],
    *,
    lower: Sequence[Fraction | int | None] | None = None,
) -> Answer | None:
    """Minimise Σ cost × variable subject to rows; None if that is impossible or has no limit.

    A basis that is feasible and whose multipliers have the right signs is optimal (linear
    programming duality); both are checked in fractions.

    Parameters
    ----------
    cost
        Of each variable.
    rows
        What must hold.
    lower
        Lower bound of each variable, None for free; by default all are free.
    """
    floors = list(lower) if lower is not None else [None] * len(cost)
    found = None
    for size in (_SIZE, 1e8, 1.0):
        found = _attempt(cost, rows, floors, size)
        if found is None or found.exact:
            return found
    return found


def _attempt(
    cost: Sequence[Fraction | int],
    rows: Sequence[Row],
    floors: Sequence[Fraction | int | None],
    size: float,
) -> Answer | None:
    import highspy

    hush()
    limits = [abs(each) for row in rows for each in (row.lower, row.upper) if each is not None]
    limits += [abs(Fraction(each)) for each in floors if each is not None]
    scale = Fraction(max((float(each) for each in limits), default=0.0) / size or 1.0)
    solver: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("presolve", "off")
    infinity = highspy.kHighsInf
    for each, floor in zip(cost, floors, strict=True):
        solver.addVar(-infinity if floor is None else float(floor / scale), infinity)
        solver.changeColCost(solver.getNumCol() - 1, float(each))
    for row in rows:
        indices = list(row.terms)
        solver.addRow(
            -infinity if row.lower is None else float(row.lower / scale),
            infinity if row.upper is None else float(row.upper / scale),
            len(indices),
            indices,
            [float(row.terms[at]) for at in indices],
        )
    solver.run()
    # HiGHS refuses to run with other threads than those of its first run in a process: this one, by
    # default threads, takes what is there, and leaves nothing behind for the next.
    highspy.Highs.resetGlobalScheduler(True)
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    exact = _exactly(cost, rows, floors, solver.getBasis(), highspy.HighsBasisStatus)
    if exact is not None:
        return exact
    solution = solver.getSolution()
    x = tuple(Fraction(value) * scale for value in solution.col_value)
    return Answer(
        value=sum((c * v for c, v in zip(cost, x, strict=True)), Fraction(0)),
        x=x,
        duals=tuple(Fraction(value) for value in solution.row_dual),
        exact=False,
    )


def _exactly(
    cost: Sequence[Fraction | int],
    rows: Sequence[Row],
    floors: Sequence[Fraction | int | None],
    basis: Any,
    status: Any,
) -> Answer | None:
    """Return what a basis gives in fractions; None unless it is feasible and optimal."""
    x: list[Fraction] = [Fraction(0)] * len(cost)
    basic = []
    for at, where in enumerate(basis.col_status):
        floor = floors[at]
        if where == status.kBasic:
            basic.append(at)
        elif floor is not None:
            x[at] = Fraction(floor)
    tight: list[tuple[int, Fraction]] = []
    for at, where in enumerate(basis.row_status):
        if where == status.kBasic:
            continue
        ends = (rows[at].lower, rows[at].upper)
        limit = ends[0] if where == status.kLower or ends[1] is None else ends[1]
        if limit is None:
            return None
        tight.append((at, limit))
    if len(tight) != len(basic):
        return None
    matrix = [[Fraction(rows[at].terms.get(v, 0)) for v in basic] for at, _ in tight]
    right = [
        limit - sum((c * x[v] for v, c in rows[at].terms.items()), Fraction(0))
        for at, limit in tight
    ]  # basic variables still stand at 0 here
    values = solve_square(matrix, right)
    transposed = [list(column) for column in zip(*matrix, strict=True)]
    multipliers = solve_square(transposed, [Fraction(cost[v]) for v in basic])
    if values is None or multipliers is None:
        return None
    for v, value in zip(basic, values, strict=True):
        x[v] = value
    duals = [Fraction(0)] * len(rows)
    for (at, _), value in zip(tight, multipliers, strict=True):
        duals[at] = value
    if not _feasible(rows, floors, x) or not _optimal(cost, rows, floors, x, duals):
        return None
    value = sum((c * v for c, v in zip(cost, x, strict=True)), Fraction(0))
    return Answer(value=value, x=tuple(x), duals=tuple(duals), exact=True)


def _feasible(
    rows: Sequence[Row], floors: Sequence[Fraction | int | None], x: Sequence[Fraction]
) -> bool:
    if any(f is not None and v < f for f, v in zip(floors, x, strict=True)):
        return False
    for row in rows:
        value = sum((c * x[v] for v, c in row.terms.items()), Fraction(0))
        if row.lower is not None and value < row.lower:
            return False
        if row.upper is not None and value > row.upper:
            return False
    return True


def _optimal(
    cost: Sequence[Fraction | int],
    rows: Sequence[Row],
    floors: Sequence[Fraction | int | None],
    x: Sequence[Fraction],
    duals: Sequence[Fraction],
) -> bool:
    """Whether multipliers have the right signs and leave no reduced cost that pays."""
    reduced = [Fraction(each) for each in cost]
    for row, dual in zip(rows, duals, strict=True):
        if not dual:
            continue
        value = sum((c * x[v] for v, c in row.terms.items()), Fraction(0))
        # A positive multiplier pushes against the lower limit, a negative one against the upper.
        if value != (row.lower if dual > 0 else row.upper):
            return False
        for v, c in row.terms.items():
            reduced[v] -= dual * c
    return all(
        not each or (each > 0 and floors[v] is not None and x[v] == floors[v])
        for v, each in enumerate(reduced)
    )


def solve_square(
    matrix: Sequence[Sequence[Fraction]], right: Sequence[Fraction]
) -> list[Fraction] | None:
    """Solve a square system by Gauss-Jordan elimination in fractions; None if it is singular."""
    size = len(right)
    work = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for at in range(size):
        pivot = next((row for row in range(at, size) if work[row][at]), None)
        if pivot is None:
            return None
        work[at], work[pivot] = work[pivot], work[at]
        head = work[at][at]
        if head != 1:
            work[at] = [value / head for value in work[at]]
        for row in range(size):
            factor = work[row][at]
            if row != at and factor:
                work[row] = [
                    a - factor * b for a, b in zip(work[row], work[at], strict=True)
                ]
    return [row[size] for row in work]


class Span:
    """The linear span of 0-1 vectors over a number of players, by exact elimination."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._rows: dict[int, list[Fraction]] = {}

    @property
    def rank(self) -> int:
        """Its dimension."""
        return len(self._rows)

    def rest(self, mask: int) -> list[Fraction]:
        """Return what is left of a group's vector after elimination; all 0 if it lies within."""
        vector = [Fraction(mask >> at & 1) for at in range(self.size)]
        for lead, row in self._rows.items():
            factor = vector[lead]
            if factor:
                vector = [a - factor * b for a, b in zip(vector, row, strict=True)]
        return vector

    def holds(self, mask: int) -> bool:
        """Whether a group's vector lies within."""
        return not any(self.rest(mask))

    def add(self, mask: int) -> bool:
        """Take a group's vector in; say whether the span grew."""
        vector = self.rest(mask)
        lead = next((at for at, value in enumerate(vector) if value), None)
        if lead is None:
            return False
        vector = [value / vector[lead] for value in vector]
        for at, row in self._rows.items():
            factor = row[lead]
            if factor:
                self._rows[at] = [a - factor * b for a, b in zip(row, vector, strict=True)]
        self._rows[lead] = vector
        return True


def whole_shares(shares: Sequence[Fraction], total: int) -> tuple[int, ...]:
    """Round shares to whole last places that add up to `total` (largest remainders first)."""
    found = [math.floor(each) for each in shares]
    order = sorted(range(len(shares)), key=lambda at: (found[at] - shares[at], at))
    for at in order[: max(total - sum(found), 0)]:
        found[at] += 1
    return tuple(found)

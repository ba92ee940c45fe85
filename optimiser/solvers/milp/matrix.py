"""A mixed-integer program as one sparse matrix: what every general solver is handed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from scipy.sparse import csr_array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Matrix:
    """minimise cost · x + offset  subject to  row_lower ≤ A x ≤ row_upper, bounds, integrality.

    Every number is finite but bounds, which may be ±inf. Every coefficient of `a`, every row bound,
    and under single sourcing every cost, is a whole number held in float64, |value| < 2⁵³; the rows
    are divided by their greatest common divisor. `a` has no explicit zeros and no duplicates.

    Parameters
    ----------
    cost
        Money in units of its last place, shape (columns,).
    offset
        Constant part of the objective.
    a
        Shape (rows, columns).
    row_lower, row_upper
        Shape (rows,).
    lower, upper
        Bounds of the columns, shape (columns,).
    integer
        Which columns are integer, shape (columns,).
    integral
        Whether every feasible objective is a whole number, so that a bound may be rounded up.
    slack
        Most by which the true (rounded) objective of a plan may lie below the matrix's; a bound of
        the matrix is lowered by it. 0 under single sourcing.
    column_names, row_names
        Make readable names on demand (unique, no spaces, at most 255 characters).
    """

    cost: NDArray[np.float64]
    offset: float
    a: csr_array
    row_lower: NDArray[np.float64]
    row_upper: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    integer: NDArray[np.bool_]
    integral: bool
    slack: float
    column_names: Callable[[], Sequence[str]]
    row_names: Callable[[], Sequence[str]]

    @property
    def columns(self) -> int:
        """Number of columns."""
        return len(self.cost)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.row_lower)

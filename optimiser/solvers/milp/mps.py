"""Matrices as free MPS files: readable names, exact numbers.

The constant of the objective stands, with the opposite sign, as the objective's right-hand side, as
HiGHS, SCIP, CBC and the commercial solvers read it. Money is in units of its last place.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

import numpy as np

from optimiser.errors import FileError

if TYPE_CHECKING:
    import os

    from optimiser.solvers.milp.matrix import Matrix

#: Name of the objective; formulations have no row called so.
OBJECTIVE: Final = "objective"


def write_mps(matrix: Matrix, path: str | os.PathLike[str], title: str = "optimiser") -> None:
    """Write `matrix` to a file as free MPS.

    Raises
    ------
    FileError
        If it cannot be written.
    """
    target = Path(path)
    try:
        with target.open("w", encoding="utf-8", newline="\n") as file:
            _write(matrix, file, title)
    except OSError as error:
        raise FileError(f"{target} cannot be written: {error.strerror or error}") from error


def _write(matrix: Matrix, file: IO[str], title: str) -> None:
    matrix = _consistent(matrix)
    columns, rows = list(matrix.column_names()), list(matrix.row_names())
    file.write(f"* {matrix.rows} rows, {matrix.columns} columns; money in its last place\n")
    file.write(f"NAME {'_'.join(title.split())}\nROWS\n N {OBJECTIVE}\n")
    kinds = [
        _kind(low, high)
        for low, high in zip(matrix.row_lower.tolist(), matrix.row_upper.tolist(), strict=True)
    ]
    file.writelines(f" {kind} {name}\n" for kind, name in zip(kinds, rows, strict=True))
    _columns(matrix, columns, rows, file)
    _sides(matrix, kinds, rows, file)
    _bounds(matrix, columns, file)
    file.write("ENDATA\n")


def _consistent(matrix: Matrix) -> Matrix:
    """Make two rows of each whose lower limit is above its upper one: no range can say that."""
    from scipy.sparse import vstack

    twice = np.flatnonzero(matrix.row_lower > matrix.row_upper)
    if not len(twice):
        return matrix
    names = list(matrix.row_names())
    names += [f"{names[row]}__least" for row in twice.tolist()]
    lower = matrix.row_lower.copy()
    lower[twice] = -np.inf
    return dataclasses.replace(
        matrix,
        a=vstack([matrix.a, matrix.a[twice]], format="csr"),
        row_lower=np.concatenate([lower, matrix.row_lower[twice]]),
        row_upper=np.concatenate([matrix.row_upper, np.full(len(twice), np.inf)]),
        row_names=lambda: names,
    )


def _kind(low: float, high: float) -> str:
    if low == high:
        return "E"
    if np.isfinite(high):
        return "L"
    return "G" if np.isfinite(low) else "N"


def _columns(matrix: Matrix, columns: list[str], rows: list[str], file: IO[str]) -> None:
    by_column = matrix.a.tocsc()
    start, index = by_column.indptr.tolist(), by_column.indices.tolist()
    data = by_column.data.tolist()
    file.write("COLUMNS\n")
    inside = False
    for column, name in enumerate(columns):
        if inside != bool(matrix.integer[column]):
            inside = not inside
            file.write(f" MARKER 'MARKER' '{'INTORG' if inside else 'INTEND'}'\n")
        # Also where it is 0, so that a column without entries is there.
        file.write(f" {name} {OBJECTIVE} {_text(float(matrix.cost[column]))}\n")
        entries = range(start[column], start[column + 1])
        file.writelines(f" {name} {rows[index[k]]} {_text(data[k])}\n" for k in entries)
    if inside:
        file.write(" MARKER 'MARKER' 'INTEND'\n")


def _sides(matrix: Matrix, kinds: list[str], rows: list[str], file: IO[str]) -> None:
    lower, upper = matrix.row_lower.tolist(), matrix.row_upper.tolist()
    file.write("RHS\n")
    if matrix.offset:
        file.write(f" RHS {OBJECTIVE} {_text(-matrix.offset)}\n")
    for kind, name, low, high in zip(kinds, rows, lower, upper, strict=True):
        side = low if kind == "G" else high
        if kind != "N" and side:
            file.write(f" RHS {name} {_text(side)}\n")
    ranged = [
        f" RNG {name} {_text(high - low)}\n"
        for kind, name, low, high in zip(kinds, rows, lower, upper, strict=True)
        if kind == "L" and np.isfinite(low)
    ]
    if ranged:
        file.write("RANGES\n")
        file.writelines(ranged)


def _bounds(matrix: Matrix, columns: list[str], file: IO[str]) -> None:
    """Write both bounds of every column: what readers take for granted of whole ones differs."""
    file.write("BOUNDS\n")
    bounds = zip(columns, matrix.lower.tolist(), matrix.upper.tolist(), strict=True)
    for name, low, high in bounds:
        if low == high:
            file.write(f" FX BND {name} {_text(low)}\n")
            continue
        if not np.isfinite(low):
            file.write(f" {'MI' if np.isfinite(high) else 'FR'} BND {name}\n")
        else:
            file.write(f" LO BND {name} {_text(low)}\n")
        if np.isfinite(high):
            file.write(f" UP BND {name} {_text(high)}\n")
        elif np.isfinite(low):
            file.write(f" PL BND {name}\n")


def _text(value: float) -> str:
    """Write a number so that it reads back the same: whole ones without a point."""
    return str(int(value)) if value.is_integer() else repr(value)

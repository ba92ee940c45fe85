"""Bundle -> matrix and back: the copies' matrices side by side, with common columns and ties."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimiser.model.bundles import joined, parted
from optimiser.model.plan import Plan
from optimiser.solvers.milp.formulation import Formulation
from optimiser.solvers.milp.matrix import Matrix

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from optimiser.model.bundles import Bundle, Entries

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


class BundleFormulation:
    """The mixed-integer program of a bundle; what it offers is what `Formulation` does.

    Parameters
    ----------
    bundle
        What is to be solved.
    relaxed
        As in `Formulation`.
    """

    def __init__(self, bundle: Bundle, *, relaxed: bool = False) -> None:
        self.bundle = bundle
        self._copies = [Formulation(problem, relaxed=relaxed) for problem in bundle.copies]
        sizes = [each.matrix.columns for each in self._copies]
        #: First column of each copy, and of the common variables.
        self._first = np.cumsum([0, *sizes])
        self.matrix = self._matrix()

    def decode(self, x: Floats) -> Plan:
        """Return the plan of a column vector, pairs counted through the copies."""
        plans = [each.decode(x[part]) for each, part in self._parts()]
        common = x[int(self._first[-1]) :]
        for number, wanted in enumerate(self.bundle.wanted):
            plan = plans[number]
            there = (wanted[plan.pair] < 0) | (common[wanted[plan.pair]] > 0.5)
            plans[number] = Plan.from_arrays(
                plan.pair[there], plan.deliverer[there], plan.volume[there]
            )
        return joined(self.bundle, plans)

    def encode(self, plan: Plan) -> Floats | None:
        """Return the column vector of a plan, common variables at their least feasible values.

        None where it uses what is no option, and where common variables cannot be told from it: a
        solver then starts from nothing.
        """
        if len(self.bundle.common):
            return None
        vectors = [
            each.encode(part)
            for each, part in zip(self._copies, parted(self.bundle, plan), strict=True)
        ]
        known = [vector for vector in vectors if vector is not None]
        return np.concatenate(known) if len(known) == len(vectors) else None

    def _parts(self) -> Iterator[tuple[Formulation, slice]]:
        for each, low, high in zip(self._copies, self._first[:-1], self._first[1:], strict=True):
            yield each, slice(int(low), int(high))

    def _matrix(self) -> Matrix:
        from scipy.sparse import block_diag, csr_array, vstack

        matrices = [each.matrix for each in self._copies]
        weights, common = self.bundle.weights, self.bundle.common
        blocks = block_diag([m.a for m in matrices], format="csr")
        columns = int(self._first[-1]) + len(common)
        blocks = csr_array((blocks.data, blocks.indices, blocks.indptr),
                           shape=(blocks.shape[0], columns))  # fmt: skip
        blocks = csr_array(blocks + self._leaving_out(blocks.shape))
        ties = [self._tie(*each) for each in self._ties()]
        pairs = list(zip(matrices, weights, strict=True))
        return Matrix(
            cost=np.concatenate([*(m.cost * w for m, w in pairs), common.cost]),
            offset=float(sum(m.offset * w for m, w in pairs)),
            a=csr_array(vstack([blocks, *(a for a, _, _ in ties)], format="csr")),
            row_lower=np.concatenate([self._limits("row_lower"), *(t[1] for t in ties)]),
            row_upper=np.concatenate([self._limits("row_upper"), *(t[2] for t in ties)]),
            lower=np.concatenate([*(m.lower for m in matrices), common.lower]),
            upper=np.concatenate([*(m.upper for m in matrices), common.upper]),
            integer=np.concatenate([*(m.integer for m in matrices), common.integer]),
            integral=False,
            slack=float(sum(m.slack * w for m, w in pairs)),
            column_names=self._column_names,
            row_names=self._row_names,
        )

    def _optional(self) -> Iterator[tuple[Ints, Ints]]:
        """Yield rows, counted through the copies, that deliver pairs which may be left out.

        And the common variables that say so.
        """
        first = 0
        for number, each in enumerate(self._copies):
            if self.bundle.wanted:
                pairs = np.flatnonzero(self.bundle.wanted[number] >= 0)
                start = next(start for what, start, _ in each.blocks if what == "pair")
                yield first + start + pairs, self.bundle.wanted[number][pairs]
            first += each.matrix.rows

    def _leaving_out(self, shape: tuple[int, int]) -> csr_array:
        """Return − volume × variable in the rows of such pairs, which then are Σ x + h − u = 0."""
        from scipy.sparse import csr_array

        limits = np.concatenate([each.matrix.row_lower for each in self._copies])
        rows = [np.zeros(0, dtype=np.int64)]
        columns = [np.zeros(0, dtype=np.int64)]
        for row, variable in self._optional():
            rows.append(row)
            columns.append(variable + int(self._first[-1]))
        row = np.concatenate(rows)
        return csr_array((-limits[row], (row, np.concatenate(columns))), shape=shape)

    def _limits(self, which: str) -> Floats:
        limits = np.concatenate([getattr(each.matrix, which) for each in self._copies])
        for row, _ in self._optional():
            limits[row] = 0.0
        return limits

    def _ties(self) -> Iterator[tuple[Sequence[Entries], Floats, Floats]]:
        for each in self.bundle.ties:
            yield each.entries, each.lower, each.upper

    def _tie(
        self, entries: Sequence[Entries], lower: Floats, upper: Floats
    ) -> tuple[csr_array, Floats, Floats]:
        """Return a block of rows; constants of objectives are brought to the limits."""
        from scipy.sparse import coo_array

        rows: list[Ints] = []
        columns: list[Ints] = []
        values: list[Floats] = []
        shift = np.zeros(len(lower))
        for each in entries:
            if each.copy < 0:
                rows.append(each.row)
                columns.append(each.index + int(self._first[-1]))
                values.append(each.coefficient.astype(np.float64))
                continue
            formulation = self._copies[each.copy]
            if each.kind == "objective":
                matrix = formulation.matrix
                there = np.flatnonzero(matrix.cost)
                for row, factor in zip(each.row.tolist(), each.coefficient.tolist(), strict=True):
                    shift[row] += factor * matrix.offset
                    rows.append(np.full(len(there), row))
                    columns.append(there + int(self._first[each.copy]))
                    values.append(matrix.cost[there] * float(factor))
                continue
            column, owner = formulation.columns.of(each.kind, each.index)
            value = each.coefficient.astype(np.float64)
            volume = formulation.columns.volumes(each.kind, each.index)
            if volume is not None:
                value = value / volume
            rows.append(each.row[owner])
            columns.append(column + int(self._first[each.copy]))
            values.append(value[owner])
        shape = (len(lower), int(self._first[-1]) + len(self.bundle.common))
        nothing = np.zeros(0, dtype=np.int64)
        a = coo_array(
            (
                np.concatenate([nothing.astype(np.float64), *values]),
                (np.concatenate([nothing, *rows]), np.concatenate([nothing, *columns])),
            ),
            shape=shape,
        ).tocsr()
        a.sum_duplicates()
        a.eliminate_zeros()
        return a, lower - shift, upper - shift

    def _column_names(self) -> list[str]:
        names = [
            f"c{number}_{name}"
            for number, each in enumerate(self._copies)
            for name in each.matrix.column_names()
        ]
        return names + list(self.bundle.common.names)

    def _row_names(self) -> list[str]:
        names = [
            f"c{number}_{name}"
            for number, each in enumerate(self._copies)
            for name in each.matrix.row_names()
        ]
        return names + [
            f"{tie.name}_{row}" for tie in self.bundle.ties for row in range(len(tie.lower))
        ]

"""A solver's certificate, carried over to the problem as compiled, and put to the verifier."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimiser.certificate.facts import FREE, Rejected
from optimiser.certificate.proof import Certificate, Decision, Multipliers, Node, Part, Stage
from optimiser.certificate.verifier import check_types, issue
from optimiser.errors import UnsupportedError
from optimiser.solvers.milp.facts import facts
from optimiser.solvers.milp.formulation import Formulation

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from optimiser.certificate.facts import Facts
    from optimiser.model.problem import Problem
    from optimiser.solvers.milp.columns import Columns

    Ints = NDArray[np.int64]


def certify(
    certificate: Certificate,
    given: Problem,
    compiled: Problem,
    stop: Callable[[], bool] = lambda: False,
) -> Certificate | str:
    """Return a certificate of the compiled problem, with the bound that it is proved to prove.

    What cleaning has dropped is no matter of trust then: it has multipliers of 0, and stays.

    Parameters
    ----------
    certificate
        Of the problem that the solver was given.
    given, compiled
        That problem, and the one before cleaning.
    stop
        Asked now and then; ends it.

    Returns
    -------
    Certificate or str
        Or why there is none.
    """
    try:
        check_types(certificate)
        whole = Formulation(compiled)
        known = facts(whole)
        if stop():
            raise InterruptedError
        if given is not compiled:
            certificate = _Carrier(Formulation(given), whole, known).carried(certificate)
        del whole  # at a million options it takes more than a gigabyte
        return issue(certificate, known, stop)
    except UnsupportedError as error:
        return f"no bound was certified: {error}"
    except Rejected as error:
        return f"the certificate was refused: {error}"
    except MemoryError:
        return "no bound was certified: memory ran out"
    except InterruptedError:
        return "no bound was certified: the certificate was not looked at to its end"


class _Carrier:
    """Rows and columns of one formulation as those of a larger one of the same model."""

    def __init__(self, small: Formulation, large: Formulation, known: Facts) -> None:
        self._column = _columns(small.columns, large.columns)
        self._row, self._above, self._below = _rows(small, large, self._column)
        low, high = np.frombuffer(known.row_low, np.int64), np.frombuffer(known.row_high, np.int64)
        free = (low == -FREE) & (high == FREE)
        self._row[(self._row >= 0) & free[self._row]] = -1

    def carried(self, certificate: Certificate) -> Certificate:
        """Return the certificate in terms of the larger formulation."""
        return Certificate(
            stages=tuple(self._stage(stage) for stage in certificate.stages),
            cutoff=certificate.cutoff,
            nodes=certificate.nodes,
            digits=certificate.digits,
        )

    def _stage(self, stage: Stage) -> Stage:
        return Stage(
            multipliers=self._multipliers(stage.multipliers),
            apart=stage.apart,
            parts=tuple(self._part(part) for part in stage.parts),
        )

    def _part(self, part: Part) -> Part:
        self._check(part.rows, self._row)
        rows = self._row[np.array(part.rows, dtype=np.int64)]
        return Part(
            rows=tuple(rows[rows >= 0].tolist()),
            nodes=tuple(self._node(node) for node in part.nodes),
            target=part.target,
        )

    def _node(self, node: Node) -> Node:
        decision = node.decision
        if decision is not None:
            row = decision.row
            if row >= 0:
                self._check((row,), self._row)
                row = int(self._row[row])
            decision = Decision(
                row=row, first=self._columns(decision.first), second=self._columns(decision.second)
            )
        return Node(change=self._multipliers(node.change), fix=node.fix, decision=decision)

    def _columns(self, columns: tuple[int, ...]) -> tuple[int, ...]:
        self._check(columns, self._column)
        return tuple(self._column[np.array(columns, dtype=np.int64)].tolist())

    def _multipliers(self, multipliers: Multipliers) -> Multipliers:
        self._check(multipliers.rows, self._row)
        rows, values = [], []
        for row, value in zip(multipliers.rows, multipliers.values, strict=False):
            other = int(self._row[row])
            if other >= 0:
                rows.append(other)
                values.append(value * int(self._above[row]) // int(self._below[row]))
        return Multipliers(rows=tuple(rows), values=tuple(values))

    @staticmethod
    def _check(numbers: tuple[int, ...], known: Ints) -> None:
        if numbers and not 0 <= min(numbers) <= max(numbers) < len(known):
            raise Rejected(f"there are rows and columns 0 to {len(known) - 1} only")


def _keys(columns: Columns) -> dict[str, Ints]:
    """Return what each column of a block is about, whatever has been dropped around it."""
    problem = columns.problem
    keys = {block: np.arange(size, dtype=np.int64) for block, size in columns.sizes.items()}
    pair = problem.option_pair[problem.banded_option]
    row = problem.provider_row[problem.contract_provider]
    return keys | {
        "x": (pair << 32) + problem.band_row[problem.banded_band],
        "h": columns.home,
        "z": problem.band_row,
        "y": problem.provider_row,
        "w": (problem.contract_organisation << 32) + row,
    }


def _columns(small: Columns, large: Columns) -> Ints:
    """Return each column's place in the larger formulation, −1 where it has none."""
    result = np.full(small.count, -1, dtype=np.int64)
    ours, theirs = _keys(small), _keys(large)
    for block, keys in ours.items():
        place = _places(keys, theirs[block])
        result[small.block(block)] = np.where(place >= 0, place + large.start[block], -1)
    return result


def _places(wanted: Ints, among: Ints) -> Ints:
    """Return where each wanted number stands, or −1."""
    if not len(among):
        return np.full(len(wanted), -1, dtype=np.int64)
    order = np.argsort(among, kind="stable")
    at = np.minimum(np.searchsorted(among, wanted, sorter=order), len(among) - 1)
    place = order[at].astype(np.int64)
    return np.where(among[place] == wanted, place, -1)


def _rows(small: Formulation, large: Formulation, column: Ints) -> tuple[Ints, Ints, Ints]:
    """Return, for each row of the smaller formulation, that of the larger, and what to scale by.

    Two rows are taken for the same if the columns that both formulations have, the signs of their
    coefficients and the sides that are limited agree. A slip would cost some of the bound, and
    never make it wrong.
    """
    mark = np.random.default_rng(0).integers(1, 2**62, large.columns.count, dtype=np.int64)
    back = np.full(large.columns.count, -1, dtype=np.int64)
    back[column[column >= 0]] = np.flatnonzero(column >= 0)
    ours, size = _signatures(small, np.where(column >= 0, mark[column], 0))
    theirs, large_size = _signatures(large, np.where(back >= 0, mark, 0))
    row = _places(ours, theirs)
    return row, size, np.where(row >= 0, large_size[row], 1)


def _signatures(formulation: Formulation, mark: Ints) -> tuple[Ints, Ints]:
    """Return a number for each row that tells it from others, and its largest coefficient.

    Columns without a mark do not count.
    """
    matrix = formulation.matrix
    row = np.repeat(np.arange(matrix.rows), np.diff(matrix.a.indptr))
    value, each = matrix.a.data.astype(np.int64), mark[matrix.a.indices]
    size = np.zeros(matrix.rows, dtype=np.int64)
    np.maximum.at(size, row, np.where(each != 0, np.abs(value), 0))
    sides = 1 + np.isfinite(matrix.row_lower) + 2 * np.isfinite(matrix.row_upper)
    key = sides.astype(np.int64)
    np.add.at(key, row, each * np.sign(value))  # wraps around, alike in both
    order = np.argsort(key, kind="stable")
    first = np.searchsorted(key[order], key[order])
    rank = np.empty_like(key)
    rank[order] = np.arange(len(key)) - first
    return key + rank * 0x5851F42D4C957F2D, np.maximum(size, 1)

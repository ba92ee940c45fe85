"""The same instance with its rows in another order, so that every solver sees another matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from optimiser.model.instance import Instance, Table
from optimiser.model.schema import TABLES

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Tables whose order decides that of the matrix's rows and columns.
_SHUFFLED: Final = (
    "authorities", "organisations", "services", "providers", "demand", "offers", "options",
)  # fmt: skip


def permute(instance: Instance, seed: int) -> Instance:
    """Return the instance with the rows of its tables in an order drawn from `seed`.

    The content is the same, and so are `Instance.hash` and the best objective; variables and rows
    of the program built from it are permuted. Seed 0 leaves it as it is.
    """
    if not seed:
        return instance
    draws = np.random.default_rng(seed)
    order = {
        name: draws.permutation(len(table)) if name in _SHUFFLED else np.arange(len(table))
        for name, table in instance.tables.items()
    }
    place = {name: np.argsort(rows) for name, rows in order.items()}
    tables = {
        name: Table(
            name=name,
            columns={
                column.name: _moved(
                    table[column.name][order[name]], column.kind, place.get(column.refers_to)
                )
                for column in TABLES[name].columns
            },
            rows=len(table),
        )
        for name, table in instance.tables.items()
    }
    return Instance(settings=instance.settings, tables=tables, source=instance.source)


def _moved(
    values: NDArray,  # type: ignore[type-arg]
    kind: str,
    place: NDArray[np.int64] | None,
) -> NDArray:  # type: ignore[type-arg]
    """Return a column whose references follow the rows they refer to, read-only."""
    if kind == "reference":
        assert place is not None
        moved = values.copy()
        some = values >= 0
        moved[some] = place[values[some]]
        values = moved
    elif kind == "references":
        assert place is not None
        moved = np.empty(len(values), dtype=object)
        moved[:] = [tuple(int(place[row]) for row in rows) for rows in values.tolist()]
        values = moved
    values.setflags(write=False)
    return values

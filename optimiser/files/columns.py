"""Which columns a file needs: those that say more than a blank would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optimiser.model.parse import default_number
from optimiser.model.schema import TABLES
from optimiser.model.validate import default_existing, default_status

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimiser.model.instance import Instance
    from optimiser.model.schema import Column


def columns_to_write(instance: Instance, table: str) -> list[tuple[Column, NDArray[Any]]]:
    """Return the columns of a table that must be written, each with its texts, shape (rows,).

    Left out are columns that are blank throughout, or that hold throughout what a blank means.
    """
    return [
        (column, instance.texts(table, column.name))
        for column in TABLES[table].columns
        if column.required or not _silent(instance, table, column)
    ]


def _silent(instance: Instance, table: str, column: Column) -> bool:
    """Whether the column, left out, would be read as it is."""
    rows = instance[table]
    values = rows[column.name]
    match table, column.name:
        case _, "name":
            return bool((values == rows.keys).all())
        case "demand", "baseline_cost":
            return bool((values == rows["in_house_cost"]).all())
        case "providers", "status":
            usual = default_status(instance["demand"]["incumbent"], len(rows))
            return bool((values == usual).all())
        case "offers", "existing":
            return bool((values == default_existing(instance["demand"], rows)).all())
    if column.kind == "references":
        return not any(values.tolist())
    if column.kind == "reference":
        return not (values != -1).any()
    if column.number:
        decimals = instance.settings.decimals(column.kind)
        return bool((values == default_number(column, decimals)).all())
    return bool((values == column.default).all())


def has_file(instance: Instance, table: str) -> bool:
    """Whether a table must be written at all."""
    return TABLES[table].required or len(instance[table]) > 0



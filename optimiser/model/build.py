"""Texts to `Instance`: every fault found and raised at once, each with its place and remedy."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from optimiser.errors import InternalError
from optimiser.model.faults import Faults, did_you_mean
from optimiser.model.instance import BLANK, Instance, Table
from optimiser.model.parse import Draft, RawTable, parse_tables
from optimiser.model.schema import NUMBERS, OVERSIGHT, TABLES
from optimiser.model.settings import fraction_text, parse_settings
from optimiser.model.validate import SHARES, default_existing, default_status, validate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["RawTable", "build", "damaged_table", "instance_from", "normal_heading", "raw_table"]

_SETTINGS_SOURCE: Final = "instance.toml"
_UNIT_SUFFIX: Final = re.compile(r"\s*\([^()]*(?:\([^()]*\)[^()]*)*\)\s*$")


def build(
    raw: Mapping[str, RawTable],
    settings: Mapping[str, object],
    source: str = "",
    *,
    settings_source: str = _SETTINGS_SOURCE,
    faults: Faults | None = None,
) -> Instance:
    """Parse and validate tables of texts.

    Parameters
    ----------
    raw
        Tables by name. Unknown names are a fault; tables that are not required may be missing.
    settings
        What instance.toml says, nested or with dotted names. Numbers may be numbers or texts.
    source
        Where it was read from, as the user named it.
    settings_source
        What faults in the settings name as their file.
    faults
        Faults that a reader has found already, to be raised together with those found here.

    Returns
    -------
    The instance, as `instance.Table` and `instance.Settings` promise it.

    Raises
    ------
    InstanceError
        With every fault that was found.
    """
    faults = Faults() if faults is None else faults
    given = parse_settings(settings, settings_source, faults)
    held = given.decimals()
    drafts = {name: _draft(name, raw.get(name), faults) for name in TABLES}
    for name, table in raw.items():
        if name not in TABLES:
            faults.add(table.source, f"there is no table called {name}",
                       did_you_mean(name, TABLES)
                       or f"Delete it; the tables are {', '.join(TABLES)}.")  # fmt: skip
    parse_tables(drafts, {kind: held.decimals(kind) for kind in NUMBERS}, faults)
    _fill(drafts, given.oversight)
    metric = str(given.values["distance.metric"])
    validate(drafts, given, settings_source, faults)
    faults.raise_if_any()
    if any(cells.any() for draft in drafts.values() for cells in draft.bad.values()):
        raise InternalError("A cell was refused, but no fault says so.")
    generate = bool(given.values["options.generate"]) or not len(drafts["options"])
    return Instance(
        settings=given.resolve(metric=metric or _usual_metric(drafts), generate=generate),
        tables={name: _table(draft) for name, draft in drafts.items()},
        source=source,
    )


def instance_from(
    tables: Mapping[str, Mapping[str, Any] | pd.DataFrame],
    settings: Mapping[str, object] | None = None,
) -> Instance:
    """Make an instance from Python values.

    Parameters
    ----------
    tables
        Columns by heading, by table: lists, arrays or a DataFrame. Each value stands for its text;
        None, NaN and '' are blank. Rows are counted from 2 in faults, as in a file.
    settings
        What instance.toml would say, nested or with dotted names.

    Raises
    ------
    InstanceError
        With every fault that was found.
    """
    faults = Faults()
    raw = {}
    for name, table in tables.items():
        frame = cast("Mapping[Any, Any]", table)
        columns = {str(heading): _texts(frame[heading]) for heading in table}
        lengths = sorted({len(column) for column in columns.values()})
        if len(lengths) > 1:
            faults.add(name, f"its columns have from {lengths[0]} to {lengths[-1]} cells",
                       "Give every column of a table the same number of cells.")  # fmt: skip
            raw[name] = damaged_table(name, name)
            continue
        rows = lengths[0] if lengths else 0
        raw[name] = RawTable(
            name=name,
            source=name,
            columns=columns,
            row_numbers=np.arange(2, rows + 2, dtype=np.int64),
            # A DataFrame may bear one heading twice.
            header=tuple(str(heading) for heading in table),
        )
    return build(raw, settings or {}, settings_source="settings", faults=faults)


def raw_table(
    name: str, source: str, header: Sequence[str], cells: Sequence[NDArray[np.object_]]
) -> RawTable:
    """Return what a reader found: texts below their headings, from row 2 on.

    Parameters
    ----------
    name, source
        As in `RawTable`.
    header
        Headings as they stand.
    cells
        The texts below each, each of shape (rows,).
    """
    columns: dict[str, NDArray[np.object_]] = {}
    headings = []
    for at, (heading, column) in enumerate(zip(header, cells, strict=True)):
        if not normal_heading(heading):
            if not any(text.strip() for text in column.tolist()):
                continue
            heading = " " * at  # several may lack a heading, and each must be reported
        headings.append(heading)
        # A heading that stands twice is a fault, whichever column is kept.
        columns.setdefault(heading, column)
    rows = len(cells[0]) if cells else 0
    return RawTable(name=name, source=source, columns=columns, header=tuple(headings),
                    row_numbers=np.arange(2, rows + 2, dtype=np.int64))  # fmt: skip


def damaged_table(name: str, source: str) -> RawTable:
    """Return a table that could not be read, for which the reader has noted a fault."""
    return RawTable(name=name, source=source, columns={}, damaged=True,
                    row_numbers=np.zeros(0, dtype=np.int64))  # fmt: skip


def _texts(column: object) -> NDArray[np.object_]:
    # Two columns of one name come as a frame; their doubled heading is reported by _draft.
    if getattr(column, "ndim", 1) == 2:
        column = column.iloc[:, 0]  # type: ignore[attr-defined]
    tolist = getattr(column, "tolist", None)
    values = tolist() if tolist is not None else list(column)  # type: ignore[call-overload]
    result = np.empty(len(values), dtype=object)
    result[:] = [value if type(value) is str else value_text(value) for value in values]
    return result


def value_text(value: object) -> str:
    """Return a Python value as the text that would stand for it in a file."""
    if value is None:
        return ""
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, float | np.floating):
        number = float(value)
        if number != number:
            return ""
        # Whole numbers that pandas made floats, because a column has blanks, are keys again.
        return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)
    if isinstance(value, Decimal):
        return "" if value.is_nan() else format(value, "f")
    if isinstance(value, Fraction):
        return fraction_text(value) or str(value)
    if isinstance(value, list | tuple | set | frozenset):
        return ";".join(value_text(each) for each in value)
    text = str(value)
    return "" if text in ("<NA>", "NaT") and type(value).__module__.startswith("pandas") else text


def normal_heading(heading: str) -> str:
    """Return the name that a heading stands for: ``Volume (units/yr)`` is ``volume``."""
    name = _UNIT_SUFFIX.sub("", heading.strip()).strip().lower()
    return re.sub(r"\s+", "_", name)


def _draft(name: str, table: RawTable | None, faults: Faults) -> Draft:
    """Match headings with the schema and drop rows that are wholly blank."""
    schema = TABLES[name]
    if table is None or table.damaged:
        if table is None and schema.required:
            faults.add(name, "this table is missing", f"Add it; it says this: {schema.meaning}.")
        return Draft(schema=schema, source=name, given=False, damaged=table is not None,
                     row_numbers=np.zeros(0, dtype=np.int64))  # fmt: skip
    rows = len(table.row_numbers)
    names = [column.name for column in schema.columns]
    texts: dict[str, NDArray[np.object_]] = {}
    unknown = []
    seen: dict[str, str] = {}
    filled = np.zeros(rows, dtype=bool)
    for heading in table.header or tuple(table.columns):
        column = normal_heading(heading)
        if column in seen:
            faults.add(table.source, "two columns have this heading",
                       "Delete or rename one of them.", row=1, column=heading.strip())  # fmt: skip
            continue
        cells = np.asarray(table.columns[heading], dtype=object)
        there = cells != ""
        if column:
            seen[column] = heading
        if column in names:
            texts[column] = cells
        else:
            unknown.append((heading, column))
        filled |= np.asarray(there, dtype=bool)
    for heading, column in unknown:
        rest = [each for each in names if each not in texts]
        faults.add(table.source,
                   "there is no such column" if column else "a column without heading is filled",
                   did_you_mean(column, rest) or did_you_mean(column, names)
                   or f"Delete it, or use one of {', '.join(rest or names)}.",
                   row=1, column=heading.strip())  # fmt: skip
    for each in schema.columns:
        if each.required and each.name not in texts:
            faults.add(table.source, "this column is missing",
                       f"Add it; it says this: {each.meaning}.", row=1,
                       column=each.name)  # fmt: skip
    keep = _not_blank(list(texts.values()), filled)
    return Draft(
        schema=schema,
        source=table.source,
        row_numbers=table.row_numbers[keep],
        texts={name: cells[keep] for name, cells in texts.items()},
    )


def _not_blank(
    columns: Sequence[NDArray[np.object_]], filled: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Rows with more than spaces in them, out of those that are `filled` at all."""
    keep = filled.copy()
    if columns:
        # The first column is nearly always filled, so hardly a row is looked at in whole.
        odd = [at for at, cell in enumerate(columns[0].tolist()) if not cell.strip()]
        for at in odd:
            keep[at] = filled[at] and any(cells[at].strip() for cells in columns)
    return keep


def _fill(drafts: Mapping[str, Draft], oversight: Mapping[str, int]) -> None:
    """Fill what a blank stands for, where that is more than a constant."""
    for draft in drafts.values():
        key = draft.schema.key
        if "name" in draft.columns and len(key) == 1:
            names = draft["name"]
            draft.columns["name"] = np.where(names == "", draft[key[0]], names)
    demand, policies = drafts["demand"].columns, drafts["policies"].columns
    demand["baseline_cost"] = np.where(
        demand["baseline_cost"] == BLANK, demand["in_house_cost"], demand["baseline_cost"]
    )
    status = drafts["providers"]["status"]
    drafts["providers"].columns["status"] = np.where(
        status == "", default_status(demand["incumbent"], len(status)), status
    )
    existing = drafts["offers"]["existing"]
    drafts["offers"].columns["existing"] = np.where(
        existing == "", default_existing(demand, drafts["offers"]), existing
    )
    share = np.isin(policies["measure"].astype(str), SHARES)
    policies["unit"] = np.where(
        policies["unit"] == "", np.where(share, "share", "absolute").astype(object),
        policies["unit"],
    )  # fmt: skip
    authorities = drafts["authorities"]
    for column in OVERSIGHT:
        values = authorities[column.name]
        blank = (values == BLANK) & authorities.fine(column.name)
        authorities.columns[column.name] = np.where(blank, oversight[column.name], values)


def _usual_metric(drafts: Mapping[str, Draft]) -> str:
    if len(drafts["network"]):
        return "network"
    degrees = any((drafts[name]["latitude"] != BLANK).any()
                  for name in ("organisations", "providers"))  # fmt: skip
    return "great-circle" if degrees else "straight-line"


def _table(draft: Draft) -> Table:
    columns = {}
    for column in draft.schema.columns:
        values = np.ascontiguousarray(draft.columns[column.name])
        values.flags.writeable = False
        columns[column.name] = values
    return Table(name=draft.schema.name, columns=columns, rows=len(draft))

"""Named changes to the tables of an instance: filter rows, then set, multiply or add."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from optimiser.errors import Fault, InstanceError
from optimiser.model.build import instance_from
from optimiser.model.faults import did_you_mean
from optimiser.model.instance import decimal_text
from optimiser.model.schema import IN_HOUSE, TABLES
from optimiser.model.settings import SETTINGS, settings_texts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from optimiser.model.instance import Instance
    from optimiser.model.schema import Column

    Bools = NDArray[np.bool_]
    Texts = NDArray[np.object_]

#: What a change can do, and how it is called where it is written down.
VERBS: Final = ("set", "multiply", "add")
#: Decimals that a setting is rounded to.
_FACTOR_DECIMALS: Final = 6
#: A decimal, or a fraction of whole numbers; bounded, so that nothing takes for ever to read.
_NUMBER: Final = re.compile(r"[+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40}|\d{1,40}/(\d{1,40}))")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change to one table, or to one setting.

    Parameters
    ----------
    table
        A table, or '' for settings.
    where
        Column -> texts, one of which a row's cell must be; ``*`` stands for any characters. A
        column of a table referred to is written with a dot: ``provider.mode`` in ``tariffs``.
        Rows must match every column named; without any, all rows change.
    set, multiply, add
        Column (or setting) -> text of the value or number. Blank cells stay blank under multiply
        and add. A product is rounded once, half away from zero, to the column's last place.
        What the tables had filled in for a blank stays as it was: a ``baseline_cost`` does not
        follow its ``in_house_cost``.
    """

    table: str = ""
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    set: Mapping[str, str] = field(default_factory=dict)
    multiply: Mapping[str, str] = field(default_factory=dict)
    add: Mapping[str, str] = field(default_factory=dict)


def changed(
    instance: Instance, changes: Sequence[Change], *, name: str = "", title: str = ""
) -> Instance:
    """Return the instance with all changes made, one after the other, and validated anew.

    Parameters
    ----------
    instance
        What to start from; it stays as it is.
    changes
        What to change.
    name
        What faults name as their source, such as the scenario's name.
    title
        Title of the new instance; by default the old one.

    Raises
    ------
    InstanceError
        Every change that cannot be made, or every rule that the changed tables break.
    """
    if not changes:
        return instance
    making = _Making(instance, name or "changes")
    for number, change in enumerate(changes, start=1):
        making.make(change, f"{making.source}, change {number}")
    if making.faults:
        raise InstanceError(making.faults)
    if title:
        making.settings["title"] = title
    try:
        return instance_from(making.tables, making.settings)
    except InstanceError as error:
        raise InstanceError(
            [
                Fault(
                    source=f"{making.source}, {fault.source}",
                    rule=fault.rule,
                    remedy=fault.remedy,
                    row=fault.row,
                    column=fault.column,
                    value=fault.value,
                )
                for fault in error.faults
            ]
        ) from None


class _Making:
    """Tables as texts, and what is wrong with the changes."""

    def __init__(self, instance: Instance, source: str) -> None:
        self.instance = instance
        self.source = source
        self.faults: list[Fault] = []
        self.settings: dict[str, object] = dict(settings_texts(instance))
        self.tables: dict[str, dict[str, Any]] = {
            name: {c.name: instance.texts(name, c.name).copy() for c in schema.columns}
            for name, schema in TABLES.items()
            if len(instance[name]) or schema.required
        }

    def make(self, change: Change, source: str) -> None:
        if not change.table:
            self._settings(change, source)
            return
        if change.table not in TABLES:
            self._fault(
                source,
                "table",
                change.table,
                "there is no such table",
                did_you_mean(change.table, TABLES) or f"The tables are {', '.join(TABLES)}.",
            )
            return
        if change.table not in self.tables:
            self._fault(
                source,
                "table",
                change.table,
                "the instance has no rows in this table",
                "Change a table that has some.",
            )
            return
        rows = self._rows(change, source)
        if rows is None:
            return
        for verb in VERBS:
            for name, text in getattr(change, verb).items():
                column = self._column(change.table, name, source)
                if column is not None:
                    self._cells(change.table, column, verb, text, rows, source)

    def _fault(self, source: str, column: str, value: str, rule: str, remedy: str) -> None:
        self.faults.append(
            Fault(source=source, column=column, value=value, rule=rule, remedy=remedy)
        )

    def _column(self, table: str, name: str, source: str) -> Column | None:
        names = [column.name for column in TABLES[table].columns]
        if name in names:
            return TABLES[table].column(name)
        self._fault(
            source,
            f"{table}.{name}",
            "",
            "there is no such column",
            did_you_mean(name, names) or f"The columns are {', '.join(names)}.",
        )
        return None

    def _rows(self, change: Change, source: str) -> Bools | None:
        """Find the rows that a change is about; None, with a fault, if there are none."""
        columns = self.tables[change.table]
        count = len(next(iter(columns.values())))
        mask = np.ones(count, dtype=bool)
        for name, wanted in change.where.items():
            cells = self._cells_of(change.table, name, source)
            if cells is None:
                return None
            here = np.zeros(count, dtype=bool)
            for text in wanted:
                match = _matching(cells, text, number=self._is_number(change.table, name))
                if not match.any():
                    self._fault(
                        source,
                        f"where {name}",
                        text,
                        f"no row of {change.table} has this",
                        did_you_mean(text, sorted(set(cells.tolist())))
                        or "Write it as it stands in the table; * stands for anything.",
                    )
                here |= match
            mask &= here
        if not mask.any() and not any(fault.source == source for fault in self.faults):
            self._fault(
                source,
                "where",
                "",
                f"no row of {change.table} matches all of it",
                "Drop a condition, or change it.",
            )
        return mask if mask.any() else None

    def _is_number(self, table: str, name: str) -> bool:
        """Whether a column, also one of a table referred to, holds numbers."""
        first, dot, rest = name.partition(".")
        column = TABLES[table].column(first)
        return TABLES[column.refers_to].column(rest).number if dot else column.number

    def _cells_of(self, table: str, name: str, source: str) -> Texts | None:
        """Return a column's texts, also through a reference: provider.mode."""
        first, dot, rest = name.partition(".")
        column = self._column(table, first, source)
        if column is None:
            return None
        cells: Texts = self.tables[table][first]
        if not dot:
            return cells
        if column.kind != "reference":
            self._fault(
                source,
                f"where {name}",
                "",
                f"{first} refers to no table",
                "Name a column of this table without a dot.",
            )
            return None
        if self._column(column.refers_to, rest, source) is None:
            return None
        there = self.tables[column.refers_to]
        key = TABLES[column.refers_to].key[0]
        value = dict(zip(there[key].tolist(), there[rest].tolist(), strict=True))
        found = np.empty(len(cells), dtype=object)
        found[:] = [value.get(cell, cell if cell == IN_HOUSE else "") for cell in cells.tolist()]
        return found

    def _cells(
        self, table: str, column: Column, verb: str, text: str, rows: Bools, source: str
    ) -> None:
        cells = self.tables[table][column.name]
        if verb == "set":
            cells[rows] = text
            return
        factor = self._number(column.name, column.number, verb, text, source)
        if factor is None:
            return
        decimals = self.instance.settings.decimals(column.kind)
        for at in np.flatnonzero(rows).tolist():
            try:
                cells[at] = _reckoned(cells[at], factor, verb, decimals)
            except ValueError:  # an earlier change has set it
                self._fault(
                    source,
                    f"{verb} {column.name}",
                    cells[at],
                    "an earlier change has set this, which is no number",
                    "Set a number there, or leave out one of the two.",
                )
                return

    def _number(
        self, name: str, is_number: bool, verb: str, text: str, source: str
    ) -> Fraction | None:
        value = exact_number(text)
        if value is None:
            self._fault(
                source, f"{verb} {name}", text, "this is no number", "Write a decimal such as 1.25."
            )
            return None
        if not is_number:
            self._fault(source, f"{verb} {name}", text, "this column holds no numbers", "Use set.")
            return None
        return value

    def _settings(self, change: Change, source: str) -> None:
        if change.where:
            self._fault(
                source, "where", "", "settings have no rows", "Name a table, or drop where."
            )
        for verb in VERBS:
            for name, text in getattr(change, verb).items():
                if name not in SETTINGS:
                    self._fault(
                        source,
                        name,
                        "",
                        "there is no such setting",
                        did_you_mean(name, SETTINGS) or "See instance.toml for them.",
                    )
                    continue
                self._setting(name, verb, text, source)

    def _setting(self, name: str, verb: str, text: str, source: str) -> None:
        old = str(self.settings.get(name, SETTINGS[name].default))
        new = text
        if verb != "set":
            kind = SETTINGS[name].kind
            factor = self._number(name, kind in ("whole", "factor", "column"), verb, text, source)
            if factor is None:
                return
            if old == "":
                self._fault(source, f"{verb} {name}", text, "this setting is blank",
                            "Use set, or change the column of a table that has it.")
                return
            try:
                new = _reckoned(old, factor, verb, self._places(name))
            except ValueError:
                self._fault(
                    source,
                    f"{verb} {name}",
                    old,
                    "an earlier change has set this, which is no number",
                    "Set a number there, or leave out one of the two.",
                )
                return
        self.settings[name] = new
        section, _, column = name.partition(".")
        if section == "oversight" and "authorities" in self.tables:
            # What an authority has inherited stands in its row by now: it follows the default.
            cells = self.tables["authorities"][column]
            inherited = np.array([_same(cell, old) for cell in cells.tolist()], dtype=bool)
            cells[inherited] = new


    def _places(self, name: str) -> int:
        """Return the decimals that a setting is held with."""
        setting = SETTINGS[name]
        if setting.column is not None:
            return self.instance.settings.decimals(setting.column.kind)
        return 0 if setting.kind == "whole" else _FACTOR_DECIMALS


def exact_number(text: str) -> Fraction | None:
    """Read a decimal such as 1.25 or a fraction such as 1/3; None if it is neither."""
    match = _NUMBER.fullmatch(text.strip())
    if match is None or (match[1] is not None and not int(match[1])):
        return None
    return Fraction(text.strip())


def _matching(cells: Texts, text: str, *, number: bool) -> Bools:
    """Find the cells that are this text, or this number however it is written."""
    if "*" not in text:
        if number and text:
            return np.array([_same(str(cell), text) for cell in cells.tolist()], dtype=bool)
        return np.asarray(cells == text, dtype=bool)
    pattern = re.compile(".*".join(map(re.escape, text.split("*"))), re.DOTALL)
    return np.array([pattern.fullmatch(str(cell)) is not None for cell in cells.tolist()])


def _reckoned(cell: str, factor: Fraction, verb: str, decimals: int) -> str:
    """Multiply or add, rounded once half away from zero; a blank stays blank."""
    if cell == "":
        return cell
    value = Fraction(cell)
    exact = (value * factor if verb == "multiply" else value + factor) * 10**decimals
    units = int(abs(exact) + Fraction(1, 2))
    return decimal_text(units if exact >= 0 else -units, decimals)


def _same(one: str, other: str) -> bool:
    if one == other:
        return True
    value = exact_number(one)
    return value is not None and value == exact_number(other)

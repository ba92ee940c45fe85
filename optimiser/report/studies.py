"""A study as lines of text: its headline, and its tables as a terminal shows them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from rich.cells import cell_len
from rich.text import Text

from optimiser.report.words import Money, clip, number, percent, safe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from optimiser.files.studies import Record
    from optimiser.solvers.frames import Sheet

#: Widest that a column of text becomes.
_WIDEST: Final = 78
#: Narrowest that one becomes for want of room.
_NARROWEST: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What is shown of one table.

    Parameters
    ----------
    table
        Name of the table in the record.
    title
        What stands above.
    columns
        Column -> heading. ``gap`` and names that end in ``share`` are shown in percent; quantities
        whose heading ends in ``£`` as money, in whatever currency; that sign is not shown.
    rows
        Most rows shown; how many are left out is said.
    where
        Which rows are shown, given as a mapping of column to value; None for all.
    rest
        Where the rows are that are not shown; by default in the study's folder.
    """

    table: str
    title: str
    columns: Mapping[str, str]
    rows: int = 20
    where: Callable[[Mapping[str, Any]], bool] | None = field(default=None)
    rest: str = ""


def study_lines(
    record: Record, views: Sequence[View], *, width: int = 100, plain: bool = False
) -> list[Text]:
    """Return the answer of a study, line by line.

    Parameters
    ----------
    record
        What the study has to show.
    views
        Which of its tables, and what of them.
    width
        Cells of a line.
    plain
        Whether only ASCII may be drawn.
    """
    import textwrap

    lines = [
        Text(line, style="" if at else "bold")
        for at, text in enumerate(record.headline)
        for line in textwrap.wrap(safe(text), width) or [""]
    ]
    settings = record.instance.settings
    money = Money(currency=settings.currency, decimals=settings.money_decimals, plain=plain)
    for view in views:
        sheet = record.tables[view.table]
        lines += _table(sheet, view, money, width)
    return lines


def _table(sheet: Sheet, view: View, money: Money, width: int) -> list[Text]:
    names = list(sheet.kinds)
    rows = [dict(zip(names, row, strict=True)) for row in sheet.rows]
    if view.where is not None:
        rows = [row for row in rows if view.where(row)]
    if not rows:
        return []
    shown = rows[: view.rows]
    cells = [
        [_cell(row[name], name, heading, sheet.kinds[name], money)
         for name, heading in view.columns.items()]
        for row in shown
    ]  # fmt: skip
    headings = [heading.removesuffix("£").rstrip() for heading in view.columns.values()]
    right = [sheet.kinds[name] not in ("text", "flag") for name in view.columns]
    widths = [
        min(max(cell_len(heading), *(cell_len(row[at]) for row in cells)), _WIDEST)
        for at, heading in enumerate(headings)
    ]
    # Names may be cut, figures never: rather a line is too long.
    while sum(widths) + 2 * (len(widths) - 1) > width:
        long = [(w, at) for at, w in enumerate(widths) if not right[at] and w > _NARROWEST]
        if not long:
            break
        widths[max(long)[1]] -= 1
    lines = [Text(""), Text(safe(view.title), style="bold"), _line(headings, widths, right, "dim")]
    lines += [_line(row, widths, right, "") for row in cells]
    left = len(rows) - len(shown)
    if left:
        rest = view.rest or f"in {view.table}.csv (--out DIR)"
        lines.append(Text(f"… and {left:,} more {rest}", style="dim"))
    return lines


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool], style: str) -> Text:
    parts = []
    for cell, width, flush in zip(cells, widths, right, strict=True):
        text = clip(cell, width) if cell_len(cell) >= width else cell
        space = " " * max(width - cell_len(text), 0)
        parts.append(space + text if flush else text + space)
    return Text("  ".join(parts).rstrip(), style=style)


def _cell(value: Any, name: str, heading: str, kind: str, money: Money) -> str:
    if value is None:
        return "–" if not money.plain else "-"
    if kind == "flag":
        return "yes" if value else "no"
    if kind == "money":
        return money.rounded(value)
    if kind == "quantity":
        if name == "gap" or name.endswith("share"):
            return percent(value)
        if heading.endswith("£"):
            return money.rounded(round(value * 10**money.decimals))
        if isinstance(value, float) and not math.isfinite(value):
            return "∞"
        return number(Fraction(value), 0 if abs(value) >= 1000 else 2)
    if kind == "count":
        return f"{value:,}"
    return safe(value)

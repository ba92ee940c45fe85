"""A result as sheets of a copy of the workbook that was solved, with charts."""

from __future__ import annotations

import io
import warnings
import zipfile
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from optimiser.errors import FileError, UsageError
from optimiser.files.atomic import replace_file
from optimiser.files.workbook import RESULT_SHEET, load_book, workbook_bytes, workbook_cell
from optimiser.model.check import in_house_account, todays_account
from optimiser.solvers import frames

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from optimiser.model.account import Account
    from optimiser.model.instance import Instance
    from optimiser.solvers.frames import Sheet
    from optimiser.solvers.result import Result

#: Sheets of tables by what follows the word "result".
_SHEETS: Final[dict[str, Callable[[Instance, Account], Sheet]]] = {
    "deliveries": frames.allocation,
    "providers": frames.providers,
    "offers": frames.offers,
    "contracts": frames.contracts,
    "oversight": frames.oversight,
    "costs": frames.costs,
}
#: Most rows that a chart shows.
_MOST: Final = 40


def beside(workbook: Path) -> Path:
    """Return where the result of a workbook is written: ``study.xlsx`` -> ``study-result.xlsx``."""
    return workbook.with_name(f"{workbook.stem}-result.xlsx")


def refuse_foreign_workbook(target: Path, source: Path) -> None:
    """Raise UsageError if `target` is the input itself, or anything but an older result.

    Raises
    ------
    UsageError
        It is.
    """
    if target.exists() and target.resolve() == source.resolve():
        raise UsageError(
            f"{target} is the workbook that is solved; it is never written over. Name another "
            "with --out FILE.xlsx."
        )
    if not target.exists():
        return
    try:
        book = load_book(workbook_bytes(target), values=True)
        known = RESULT_SHEET in book.sheetnames
    except (FileError, OSError, ValueError, KeyError, zipfile.BadZipFile):
        known = False
    if not known:
        raise UsageError(
            f"{target} exists and is no result of optimiser, so it is not written over. Name "
            "another with --out FILE.xlsx."
        )


def write_result_workbook(result: Result, source: Path, target: Path) -> None:
    """Write a copy of a workbook with the result in sheets of its own.

    Parameters
    ----------
    result
        What came of solving it.
    source
        The workbook that was solved; its sheets stay as they are.
    target
        Where the copy goes.

    Raises
    ------
    FileError
        The workbook cannot be read any more, or the copy cannot be written.
    """
    import openpyxl
    from openpyxl.worksheet.properties import PageSetupProperties

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of extensions that a copy loses
        book = openpyxl.load_workbook(io.BytesIO(workbook_bytes(source)))
    for title in list(book.sheetnames):
        if title == RESULT_SHEET or title.startswith(f"{RESULT_SHEET} "):
            del book[title]
    first = book.create_sheet(RESULT_SHEET, 0)
    _write_answer(first, result)
    if result.account is not None:
        sheets = {}
        for name, make in _SHEETS.items():
            sheets[name] = _write_table(
                book.create_sheet(f"{RESULT_SHEET} {name}"), result.sheet(make)
            )
        _draw(first, sheets, result)
    book.active = 0
    for sheet in book.worksheets:
        sheet.sheet_view.tabSelected = sheet is first
        if sheet.title.startswith(RESULT_SHEET):
            sheet.page_setup.orientation = "landscape"
            sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
            sheet.page_setup.fitToHeight = 0
    content = io.BytesIO()
    try:
        book.save(content)
    except OSError as error:
        raise FileError(f"{target}: the workbook cannot be written ({error.strerror}).") from error
    replace_file(target, content.getvalue())


def _write_answer(sheet: Any, result: Result) -> None:
    """Write the answer in a few rows."""
    from openpyxl.styles import Font

    currency = result.currency
    rows: list[tuple[str, Any]] = [("status", result.status)]
    account, unit = result.account, 10**result.instance.settings.money_decimals
    if account is not None:
        rows.append((f"cost a year ({currency})", account.cost / unit))
        for words, other in (("today", todays_account(result.instance)),
                             ("all in-house", in_house_account(result.instance))):  # fmt: skip
            if other is not None:
                rows.append((f"saved against {words} ({currency})",
                             (other.cost - account.cost) / unit))  # fmt: skip
        once = sum(account.one_off.values(), Fraction(0))
        rows.append((f"paid once ({currency})", float(once / unit)))
    if result.bound is not None:
        rows.append((f"no plan costs less than ({currency}), says the solver", result.bound))
    if result.certified_bound is not None:
        rows.append((f"no plan costs less than ({currency}), certified", result.certified_bound))
    if result.gap is not None:
        rows.append(("gap", result.gap))
    rows.append(("solver", f"{result.solver} {result.solver_version}".strip()))
    rows.append(("instance (hash)", result.instance_hash))
    rows += [("because", reason) for reason in result.reasons]
    sheet.column_dimensions["A"].width = 48
    sheet.column_dimensions["B"].width = 24
    for at, (words, value) in enumerate(rows, start=1):
        sheet.cell(at, 1, words).font = Font(bold=True)
        if isinstance(value, str):
            workbook_cell(sheet.cell(at, 2), value)
        else:
            cell = sheet.cell(at, 2, value)
            cell.number_format = "0.0000%" if words == "gap" else "#,##0.00"


def _write_table(sheet: Any, table: Sheet) -> Any:
    """Write a table; numbers as numbers, texts as texts."""
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    sheet.freeze_panes = "A2"
    kinds = list(table.kinds.values())
    texts = table.texts()
    for at, name in enumerate(texts[0], start=1):
        sheet.cell(1, at, name).font = Font(bold=True)
        widest = max((len(row[at - 1]) for row in texts[:200]), default=8)
        sheet.column_dimensions[get_column_letter(at)].width = 2 + min(max(widest, 8), 50)
    for row, cells in enumerate(texts[1:], start=2):
        for at, (text, kind) in enumerate(zip(cells, kinds, strict=True), start=1):
            if not text:
                continue
            if kind in ("text", "flag"):
                workbook_cell(sheet.cell(row, at), text)
                continue
            cell = sheet.cell(row, at, float(text) if "." in text else int(text))
            cell.number_format = "#,##0.00" if kind == "money" else "#,##0.###"
    if sheet.max_row > 1:
        sheet.auto_filter.ref = sheet.dimensions
    return sheet


def _draw(first: Any, sheets: dict[str, Any], result: Result) -> None:
    """Put charts beside the answer: costs, how full providers are, hours of authorities."""
    currency = result.currency
    charts = [
        ("costs", "Cost by part", f"{currency} a year", "meaning", ["cost"]),
        ("providers", "Load and capacity of providers", "weighted units", "name",
         ["load", "capacity"]),
        ("oversight", "Oversight", "hours a year", "name", ["hours"]),
    ]  # fmt: skip
    place = 1
    for name, title, unit, words, columns in charts:
        chart = _bars(sheets[name], title, unit, words, columns)
        if chart is not None:
            first.add_chart(chart, f"D{place}")
            place += 2 + round(chart.height * 2)


def _bars(sheet: Any, title: str, unit: str, words: str, columns: list[str]) -> Any | None:
    from openpyxl.chart import BarChart, Reference

    last = min(sheet.max_row, _MOST + 1)
    if last < 2:
        return None
    heads = [cell.value for cell in sheet[1]]
    chart = BarChart()
    chart.type, chart.title, chart.style = "bar", title, 10
    chart.y_axis.title = unit
    # Some readers hide axes that do not say that they are there.
    chart.x_axis.delete = chart.y_axis.delete = False
    chart.x_axis.scaling.orientation = "maxMin"
    for column in columns:
        at = heads.index(column) + 1
        chart.add_data(Reference(sheet, min_col=at, min_row=1, max_row=last), titles_from_data=True)
    at = heads.index(words) + 1
    chart.set_categories(Reference(sheet, min_col=at, min_row=2, max_row=last))
    chart.legend = None if len(columns) == 1 else chart.legend
    chart.width, chart.height = 24, max(7, 2.5 + 0.6 * (last - 1) * len(columns))
    return chart

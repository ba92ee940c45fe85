"""An instance as one workbook (.xlsx): a sheet per table, settings in a sheet `instance`."""

from __future__ import annotations

import datetime
import io
import re
import warnings
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from optimiser.errors import FileError
from optimiser.files.atomic import replace_file
from optimiser.files.columns import columns_to_write, has_file
from optimiser.model.build import RawTable, build, damaged_table, normal_heading, raw_table
from optimiser.model.faults import Faults
from optimiser.model.schema import TABLES
from optimiser.model.settings import SETTINGS, settings_texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from optimiser.model.instance import Instance
    from optimiser.model.schema import Column

    Columns = list[tuple[Column, NDArray[np.object_]]]

SETTINGS_SHEET: Final = "instance"
_IGNORED: Final = ("notes", "readme")
#: Sheet of the answer; those of its tables begin with this and a space. They are not read.
RESULT_SHEET: Final = "result"
#: Digits that a spreadsheet keeps of a number.
_DIGITS: Final = 15
_MOST_ROWS: Final = 1_048_576
_LONGEST_CELL: Final = 32_767
_GUIDE: Final = """How to use this workbook
Each sheet is a table; the first row has the headings, with units in brackets. Point at a heading to
read what it means and what a blank stands for. Cells offer lists where only some words are right.
Blank: no limit for capacities and maxima, 0 for costs, hours and minima; blank in_house_cost means
that in-house is impossible.
Add rows below the last one. Sheets called notes or readme are not read.
Check it:  optimiser check FILE.xlsx
Solve it:  optimiser solve FILE.xlsx     (the answer is written beside it, as FILE-result.xlsx)
optimiser schema lists every column; docs/problem.md has the rules."""
_OLD_FORMAT: Final = b"\xd0\xcf\x11\xe0"


def read_workbook(path: str | Path) -> Instance:
    """Read an instance from a workbook.

    Numbers are taken as their 15 significant digits, and formulas as the values that were last
    saved with them. Sheets called notes or readme, or beginning with ``_``, are left alone.

    Parameters
    ----------
    path
        Workbook (.xlsx).

    Raises
    ------
    FileError
        If the file cannot be read, or is no workbook.
    InstanceError
        With every fault in the sheets.
    """
    data = workbook_bytes(Path(path))
    faults = Faults()
    sheets = _Sheets(data, Path(path))
    settings: dict[str, object] | None = None
    raw: dict[str, RawTable] = {}
    for title in sheets.titles:
        name = title.strip().lower()
        if name == SETTINGS_SHEET:
            settings = _settings(sheets.cells(title, faults), _source(title), faults)
        elif name in raw:
            faults.add(_source(title), f"two sheets hold the table {name}",
                       "Delete one of the two.")  # fmt: skip
        elif name in TABLES:
            raw[name] = _table(sheets.cells(title, faults), name, _source(title), faults)
        elif not _is_other(name) and not sheets.empty(title):
            raw[name] = damaged_table(name, _source(title))
    if settings is None:
        faults.add(_source(SETTINGS_SHEET), "this sheet is missing",
                   "Add it, with the headings setting and value; without rows it takes every "
                   "default.")  # fmt: skip
    return build(raw, settings or {}, source=str(path), faults=faults,
                 settings_source=_source(SETTINGS_SHEET))  # fmt: skip


def _source(title: str) -> str:
    return f"sheet {title.strip()}"


def _is_other(name: str) -> bool:
    """Whether a sheet is none of the tables and is meant to be: notes, results."""
    return name.startswith(("_", f"{RESULT_SHEET} ")) or name in (*_IGNORED, RESULT_SHEET)


def workbook_bytes(path: Path) -> bytes:
    """Return what a workbook's file holds; FileError if it is none that can be opened."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise FileError(f"{path}: there is no such file. Check the path.") from None
    except IsADirectoryError:
        raise FileError(f"{path}: this is a folder, not a workbook.") from None
    except OSError as error:
        raise FileError(f"{path}: the file cannot be read ({error.strerror}).") from None
    if data.startswith(_OLD_FORMAT):
        raise FileError(
            f"{path}: the workbook is protected by a password, or in the old format. "
            "Open it in the spreadsheet program and save it as .xlsx without a password."
        )
    return data


class _Sheets:
    """The sheets of a workbook as rows of texts."""

    def __init__(self, data: bytes, path: Path) -> None:
        try:
            self._values = load_book(data, values=True)
            # Formulas that were never reckoned have no value, which reads as if they were blank.
            self._formulas = load_book(data, values=False) if _has_formulas(data) else None
        except Exception as error:
            # openpyxl lets through whatever its parsers raise on a damaged file.
            raise FileError(
                f"{path}: this is no workbook that can be read ({type(error).__name__}). "
                "Open it in the spreadsheet program and save it as .xlsx."
            ) from error
        self.titles: list[str] = [sheet.title for sheet in self._values.worksheets]

    def empty(self, title: str) -> bool:
        """Whether a sheet has no filled cell."""
        rows = self._values[title].iter_rows(values_only=True)
        return all(cell in (None, "") for row in rows for cell in row)

    def cells(self, title: str, faults: Faults) -> list[list[str]]:
        """Return a sheet's rows of texts, all of one length; faulty cells are noted and blank."""
        columns: list[str] = []
        result: list[list[str]] = []
        formulas = self._rows(self._formulas, title) if self._formulas is not None else None
        for number, row in enumerate(self._rows(self._values, title), start=1):
            beside = next(formulas, ()) if formulas is not None else ()
            texts: list[str] = []
            for at, cell in enumerate(row):
                value = cell.value
                if type(value) is str and cell.data_type != "e":
                    texts.append(value)
                    continue
                wrong = None
                if value is None:
                    texts.append("")
                    if at < len(beside) and beside[at].data_type == "f":
                        wrong = _NO_VALUE
                elif cell.data_type == "e" or isinstance(value, (bool, *_DATES)):
                    texts.append("")
                    wrong = _wrong_cell(value)
                    # TRUE is a fair thing to say of a setting, but not of anything in a table.
                    if isinstance(value, bool) and title.strip().lower() == SETTINGS_SHEET:
                        texts[-1], wrong = str(value).lower(), None
                else:
                    texts.append(number_text(value))
                if wrong:
                    heading = columns[at] if number > 1 and at < len(columns) else ""
                    faults.add(_source(title), *wrong, row=number, column=heading,
                               value="" if value is None else str(value))  # fmt: skip
            if number == 1:
                _trim(texts, len(texts))
                columns = [normal_heading(text) for text in texts]
            else:
                _trim(texts, len(columns))
            result.append(texts)
        while result and not result[-1]:
            result.pop()
        width = max(map(len, result), default=0)
        for texts in result:
            texts.extend([""] * (width - len(texts)))
        return result

    @staticmethod
    def _rows(workbook: Any, title: str) -> Iterator[Sequence[Any]]:
        sheet = workbook[title]
        # Some programs write a wrong extent, and rows beyond it would be cut off.
        sheet.reset_dimensions()
        return iter(sheet.iter_rows())


def _trim(texts: list[str], width: int) -> None:
    """Cut blank cells at a row's end; what stands right of all headings moves beside them.

    One stray cell in the last column would else make every row as wide as the sheet can be.
    """
    while texts and not texts[-1].strip():
        texts.pop()
    if len(texts) > width:
        texts[width:] = [next(text for text in texts[width:] if text.strip())]


_DATES: Final = (datetime.date, datetime.time, datetime.timedelta)
_NO_VALUE: Final = (
    "the formula has no saved value",
    "Open the workbook in the spreadsheet program and save it, or write the value itself.",
)


def _wrong_cell(value: object) -> tuple[str, str]:
    """Return rule and remedy for a value that no table can use."""
    if isinstance(value, bool):
        return "the cell is true or false", "Write a word or a number, such as yes or no."
    if isinstance(value, _DATES):
        return ("the cell is a date or a time",
                "Format the cell as a number or as text, and write its value anew.")  # fmt: skip
    return "the cell shows an error", "Mend its formula, or write the value itself."


def number_text(value: object) -> str:
    """Return a number as the spreadsheet shows it: 15 significant digits, 0.1 + 0.2 as 0.3."""
    if isinstance(value, float):
        return format(Decimal(f"{value:.{_DIGITS}g}"), "f")
    return str(value)


def load_book(data: bytes, *, values: bool) -> Any:
    """Open a workbook: the values last saved, or the formulas."""
    import openpyxl

    with warnings.catch_warnings():
        # It warns of what it does not keep (drop-downs, styles), none of which is read here.
        warnings.simplefilter("ignore")
        return openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=values)


def _has_formulas(data: bytes) -> bool:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return any(
            re.search(rb"<(?:\w+:)?f[\s>/]", archive.read(name))
            for name in archive.namelist()
            if name.startswith("xl/worksheets/") and name.endswith(".xml")
        )


def _table(cells: list[list[str]], name: str, source: str, faults: Faults) -> RawTable:
    if not cells or not any(text.strip() for text in cells[0]):
        remedy = "Write the headings into the first row"
        faults.add(source, "the first row has no headings",
                   remedy + (", or delete the sheet." if not cells else "."), row=1)  # fmt: skip
        return damaged_table(name, source)
    columns = np.empty((len(cells[0]), len(cells) - 1), dtype=object)
    for at, texts in enumerate(zip(*cells[1:], strict=True)):
        columns[at] = texts
    return raw_table(name, source, cells[0], list(columns))


def _settings(cells: list[list[str]], source: str, faults: Faults) -> dict[str, object]:
    names = [normal_heading(text) for text in cells[0]] if cells else []
    if "setting" not in names or "value" not in names:
        if any(text.strip() for row in cells for text in row):
            faults.add(source, "the first row lacks the headings setting and value",
                       "Write setting and value into its first two cells.", row=1)  # fmt: skip
        return {}
    name_at, value_at = names.index("setting"), names.index("value")
    result: dict[str, object] = {}
    for number, row in enumerate(cells[1:], start=2):
        name, value = row[name_at].strip(), row[value_at]
        if name in result:
            faults.add(source, "the setting is given twice", "Delete one of the two.",
                       row=number, column=name)  # fmt: skip
        elif name:
            result[name] = value
        elif value.strip():
            faults.add(source, "a value stands without its setting",
                       "Write the name of the setting beside it, such as horizon.years.",
                       row=number, column="setting", value=value)  # fmt: skip
    return result


# --- writing -----------------------------------------------------------------------------------


def write_workbook(instance: Instance, path: str | Path, *, notes: str = "") -> None:
    """Write an instance as a workbook, whole or not at all; a file of that name is replaced.

    Parameters
    ----------
    instance
        What to write. Columns that say no more than a blank would are left out.
    path
        Workbook (.xlsx).
    notes
        Text of the sheet `readme`, a row for each line; by default how to use the workbook.

    Raises
    ------
    FileError
        If it does not fit into a workbook, or cannot be written.
    """
    tables = {name: columns_to_write(instance, name) for name in TABLES if has_file(instance, name)}
    for name, columns in tables.items():
        _refuse_what_does_not_fit(name, columns, Path(path))
    _write_book(Path(path), settings_texts(instance), tables, instance.settings.currency, notes)


def write_blank_workbook(path: Path) -> None:
    """Write a workbook with every table's headings and the settings' usual defaults.

    Raises
    ------
    FileError
        It cannot be written.
    """
    nothing = np.zeros(0, dtype=object)
    tables = {name: [(c, nothing) for c in table.columns] for name, table in TABLES.items()}
    settings = {n: s.default for n, s in SETTINGS.items() if s.default and "." not in n}
    _write_book(path, settings, tables, settings["currency"], "")


def _write_book(
    path: Path,
    settings: Mapping[str, str],
    tables: Mapping[str, Columns],
    currency: str,
    notes: str,
) -> None:
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    _write_notes(book, notes or _GUIDE)
    _write_settings(book, settings)
    for name, columns in tables.items():
        _write_table(book, name, columns, currency, tables)
    content = io.BytesIO()
    try:
        book.save(content)  # by way of temporary files
    except OSError as error:
        raise FileError(f"{path}: the workbook cannot be written ({error.strerror}).") from error
    replace_file(path, content.getvalue())


def _refuse_what_does_not_fit(name: str, columns: Columns, path: Path) -> None:
    rows = len(columns[0][1])
    if rows >= _MOST_ROWS:
        raise FileError(
            f"{path}: the table {name} has {rows:,} rows, a sheet holds {_MOST_ROWS - 1:,}. "
            "Write a folder of CSV files instead."
        )
    for column, texts in columns:
        longest = _longest(texts)
        if longest > _LONGEST_CELL:
            raise FileError(
                f"{path}: a text in {name}, column {column.name}, has {longest:,} characters, a "
                f"cell holds {_LONGEST_CELL:,}. Shorten it, or write a folder of CSV files."
            )


def _longest(texts: NDArray[np.object_]) -> int:
    return max(map(len, texts.tolist()), default=0)


def _write_notes(book: Any, notes: str) -> None:
    from openpyxl.styles import Alignment

    sheet = book.create_sheet("readme")
    sheet.column_dimensions["A"].width = 110
    for line in notes.splitlines():
        cell = _cell(sheet, line, number=False)
        if cell is not None:
            cell.alignment = Alignment(wrap_text=True, vertical="top")
        sheet.append([cell])


def _write_settings(book: Any, texts: Mapping[str, str]) -> None:
    sheet = book.create_sheet(SETTINGS_SHEET)
    sheet.freeze_panes = "A2"
    sheet.column_dimensions["A"].width = 28
    sheet.column_dimensions["B"].width = 40
    for row, name in enumerate(texts, start=2):
        setting = SETTINGS[name]
        choices = ("true", "false") if setting.kind == "flag" else setting.choices
        if choices:
            _drop_down(sheet, choices, f"B{row}")
    sheet.append([_heading(sheet, "setting", ""), _heading(sheet, "value", "")])
    for name, text in texts.items():
        number = SETTINGS[name].kind in ("whole", "factor", "column")
        name_cell = _heading(sheet, name, SETTINGS[name].meaning, bold=False)
        sheet.append([name_cell, _cell(sheet, text, number=number)])


def _write_table(
    book: Any, name: str, columns: Columns, currency: str, tables: Mapping[str, Columns]
) -> None:
    from openpyxl.utils import get_column_letter

    sheet = book.create_sheet(name)
    sheet.freeze_panes = "A2"
    headings = []
    for at, (column, texts) in enumerate(columns, start=1):
        letter = get_column_letter(at)
        width = min(50, max(8, len(column.name), _longest(texts)))
        sheet.column_dimensions[letter].width = 2 + width
        if column.choices:
            _drop_down(sheet, column.choices, f"{letter}2:{letter}{_MOST_ROWS}")
        elif column.kind == "reference" and column.refers_to in tables:
            _key_list(sheet, column, f"{letter}2:{letter}{_MOST_ROWS}", tables)
        elif column.number:
            _number_check(sheet, column, f"{letter}2:{letter}{_MOST_ROWS}")
        unit = column.unit.replace("£", currency)
        note = f"{column.meaning}." + (f"\nUnit: {unit}." if unit else "")
        if column.blank or column.default:
            note += f"\nBlank: {column.blank or column.default}."
        text = f"{column.name} ({unit})" if unit and column.number else column.name
        sheet.column_dimensions[letter].width = 2 + max(width, min(len(text), 24))
        headings.append(_heading(sheet, text, note))
    sheet.append(headings)
    numbers = [column.number for column, _ in columns]
    for row in zip(*(texts.tolist() for _, texts in columns), strict=True):
        sheet.append(
            [_cell(sheet, text, number=number)
             for text, number in zip(row, numbers, strict=True)]
        )  # fmt: skip


def _heading(sheet: Any, text: str, note: str, *, bold: bool = True) -> Any:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.comments import Comment
    from openpyxl.styles import Font

    cell = WriteOnlyCell(sheet, value=text)
    if bold:
        cell.font = Font(bold=True)
    if note:
        cell.comment = Comment(note, "optimiser", width=320, height=120)
    return cell


def _cell(sheet: Any, text: str, *, number: bool) -> Any:
    if not text:
        return None
    if number and len(text.lstrip("-").replace(".", "").strip("0")) <= _DIGITS:
        return float(text) if "." in text else int(text)
    from openpyxl.cell import WriteOnlyCell

    return workbook_cell(WriteOnlyCell(sheet), text)


def workbook_cell(cell: Any, text: str) -> Any:
    """Have a cell hold a text as it is: never a formula, and #N/A no error; return the cell."""
    cell.value = text
    cell.data_type = "s"
    return cell


def _drop_down(sheet: Any, choices: Sequence[str], cells: str) -> None:
    from openpyxl.worksheet.datavalidation import DataValidation

    rule = DataValidation(type="list", formula1=f'"{",".join(choices)}"', allow_blank=True)
    rule.add(cells)
    sheet.data_validations.append(rule)


def _key_list(sheet: Any, column: Column, cells: str, tables: Mapping[str, Columns]) -> None:
    """Offer the keys of another sheet; other texts are warned of, not refused.

    Whoever fills a sheet in may not have filled in the other one yet.
    """
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    keys = TABLES[column.refers_to].key
    names = [each.name for each, _ in tables[column.refers_to]]
    letter = get_column_letter(names.index(keys[0]) + 1)
    also = ", or in-house" if column.in_house else ""
    rule = DataValidation(
        type="list",
        formula1=f"={column.refers_to}!${letter}$2:${letter}${_MOST_ROWS}",
        allow_blank=True,
        errorStyle="warning",
        errorTitle=column.name,
        error=f"There is no such row in the sheet {column.refers_to} yet{also}.",
    )
    rule.add(cells)
    sheet.data_validations.append(rule)


def _number_check(sheet: Any, column: Column, cells: str) -> None:
    """Refuse what is no number, or beyond its bounds."""
    from openpyxl.worksheet.datavalidation import DataValidation

    low, high = column.minimum, column.maximum
    bounds = {
        (True, True): ("between", f" from {low} to {high}"),
        (True, False): ("greaterThan" if column.above else "greaterThanOrEqual",
                        f" above {low}" if column.above else f" from {low}"),
        (False, True): ("lessThanOrEqual", f" up to {high}"),
        (False, False): ("between", ""),
    }  # fmt: skip
    operator, words = bounds[low is not None, high is not None]
    first = low if low is not None else high if high is not None else -(10**15)
    second = high if low is not None and high is not None else None
    if low is None and high is None:
        second = 10**15
    rule = DataValidation(
        type="decimal", operator=operator, formula1=str(first),
        formula2=None if second is None else str(second), allow_blank=True, errorStyle="stop",
        errorTitle=column.name,
        error=f"Write a number{words}, or leave it blank.",
    )  # fmt: skip
    rule.add(cells)
    sheet.data_validations.append(rule)

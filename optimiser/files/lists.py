"""Lists as people keep them: a CSV file or a workbook whose headings stand near the top."""

from __future__ import annotations

import csv
import datetime
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from optimiser.errors import FileError
from optimiser.files.workbook import load_book, number_text, workbook_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: Whether a heading means something to whoever asks.
Recognises = Callable[[str], bool]
#: Rows in which the headings are looked for; titles and notes often stand above them.
_TOP: Final = 20
#: Headings that must be recognised in the row that is taken for theirs.
_ENOUGH: Final = 2
_WORKBOOKS: Final = (".xlsx", ".xlsm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A list as texts.

    Parameters
    ----------
    source
        File, and sheet of a workbook, as faults name it.
    headings
        As they stand; '' where a column has none.
    heading_row
        Their row, counted from 1.
    rows
        Texts below, each as long as `headings`, spaces around them taken off; blank rows are left
        out.
    row_numbers
        Row of each in the file.
    too_wide
        Rows with a filled cell right of all headings, as an unquoted comma makes them.
    notes
        What was taken for granted in reading, in words.
    """

    source: str
    headings: tuple[str, ...]
    heading_row: int
    rows: tuple[tuple[str, ...], ...]
    row_numbers: tuple[int, ...]
    too_wide: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()


def read_list(path: str | Path, recognises: Recognises) -> Listing:
    """Read a list from a CSV file (any common separator and encoding) or a workbook.

    Parameters
    ----------
    path
        File; of a workbook, the first sheet is taken that has headings which are recognised.
    recognises
        Says of a heading whether it is known: at least two must be in one of the first rows.

    Raises
    ------
    FileError
        It cannot be read, or has no row of headings.
    """
    path = Path(path)
    if path.suffix.lower() in _WORKBOOKS:
        sheets = _sheets(path)
        for source, rows in sheets:
            found = _listing(source, rows, recognises, ())
            if found is not None:
                return found
        where = f"none of its {len(sheets)} sheets" if len(sheets) > 1 else "its sheet"
    else:
        text, notes = _text(path)
        found = _listing(path.name, _records(path, text), recognises, notes)
        if found is not None:
            return found
        where = "it"
    raise FileError(
        f"{path}: {where} has no row of headings that are known among its first {_TOP} rows. "
        "Write headings such as name, kind, latitude, longitude, population and staff above "
        "the columns."
    )


def _sheets(path: Path) -> list[tuple[str, list[tuple[int, list[str]]]]]:
    data = workbook_bytes(path)
    try:
        book = load_book(data, values=True)
        result = []
        for sheet in book.worksheets:
            sheet.reset_dimensions()  # some programs write a wrong extent
            rows = [
                (number, [_cell(value) for value in row])
                for number, row in enumerate(sheet.iter_rows(values_only=True), start=1)
            ]
            result.append((f"{path.name}, sheet {sheet.title.strip()}", rows))
    except Exception as error:
        # openpyxl lets through whatever its parsers raise on a damaged file.
        raise FileError(
            f"{path}: this is no workbook that can be read ({type(error).__name__}). "
            "Open it in the spreadsheet program and save it as .xlsx."
        ) from error
    return result


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime.date):
        return value.isoformat()
    return str(value) if isinstance(value, str | bool) else number_text(value)


def _text(path: Path) -> tuple[str, tuple[str, ...]]:
    """Return a text file's content, whichever of the usual encodings it is in."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise FileError(f"{path}: there is no such file. Check the path.") from None
    except IsADirectoryError:
        raise FileError(f"{path}: this is a folder. Name the CSV file or workbook in it.") from None
    except OSError as error:
        raise FileError(f"{path}: the file cannot be read ({error.strerror}).") from None
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"%PDF")):
        raise FileError(f"{path}: this is no text. Save it as CSV, or as a workbook (.xlsx).")
    try:
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            return data.decode("utf-16"), ()
        return data.decode("utf-8-sig"), ()
    except UnicodeDecodeError:
        # Old spreadsheet programs write this one; it can be told from nothing, so it is told.
        return data.decode("cp1252", errors="replace"), (
            f"{path.name} is not in UTF-8; it was read as Windows-1252.",
        )


def _records(path: Path, text: str) -> list[tuple[int, list[str]]]:
    """Return the rows with the line on which each begins."""
    if "\0" in text:
        raise FileError(f"{path}: the file holds a NUL byte, so it is damaged. Save it anew.")
    top = "\n".join(text.splitlines()[:_TOP])
    separator = max(",;\t|", key=top.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows, begin = [], 1
    try:
        for row in reader:
            rows.append((begin, row))
            begin = reader.line_num + 1
    except csv.Error as error:
        raise FileError(
            f"{path}, row {begin}: this is no valid CSV ({error}). Look for a quotation mark that "
            "is not closed, at this row or below."
        ) from None
    return rows


def _listing(
    source: str,
    records: Sequence[tuple[int, list[str]]],
    recognises: Recognises,
    notes: Iterable[str],
) -> Listing | None:
    """Find the headings; None if there are none."""
    best, at = 0, -1
    for position, (_, cells) in enumerate(records[:_TOP]):
        known = sum(recognises(cell) for cell in cells if cell.strip())
        if known > best:
            best, at = known, position
    if best < _ENOUGH:
        return None
    heading_row, headings = records[at]
    width = max(at for at, heading in enumerate(headings, start=1) if heading.strip())
    rows, numbers, too_wide = [], [], []
    for number, cells in records[at + 1 :]:
        texts = tuple(cell.strip() for cell in cells)
        if any(texts):
            if any(texts[width:]):
                too_wide.append(number)
            rows.append((*texts[:width], *[""] * (width - len(texts))))
            numbers.append(number)
    said = [*notes]
    if at:
        said.append(f"The headings were found in row {heading_row}; rows above were left alone.")
    return Listing(
        source=source,
        headings=tuple(heading.strip() for heading in headings[:width]),
        heading_row=heading_row,
        rows=tuple(rows),
        row_numbers=tuple(numbers),
        too_wide=tuple(too_wide),
        notes=tuple(said),
    )

"""Tables that the tool writes as CSV, safe to open in a spreadsheet, and their way back.

A spreadsheet takes a cell that begins with ``=``, ``+``, ``-`` or ``@`` for a formula, and runs it.
An apostrophe before it keeps it a text. What is put before a text when it is written is taken off
when it is read, so nothing is lost: `guarded` and `unguarded` undo each other for every text.

Instances are not written so: their files hold what their owner wrote (`optimiser.files.folder`),
and the way to open them in a spreadsheet is the workbook, whose cells are texts.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from optimiser.solvers.frames import Sheet

#: Beginnings that spreadsheets run, plain and full width (OWASP, "CSV Injection").
_FORMULA: Final = r"[=+\-@\t\r\n|%\uff1d\uff0b\uff0d\uff20]"
#: What is guarded: these, and whatever already looks guarded, so that the way back is unambiguous.
#: The report's downloads do the same.
_RUNS: Final = re.compile(f"'*{_FORMULA}")
_GUARDED: Final = re.compile(f"'+{_FORMULA}")


def guarded(text: str) -> str:
    """Return a text that no spreadsheet runs."""
    return f"'{text}" if _RUNS.match(text) else text


def unguarded(text: str) -> str:
    """Return what `guarded` was given."""
    return text[1:] if _GUARDED.match(text) else text


def csv_of(sheet: Sheet) -> bytes:
    """Return a table as the content of a CSV file; its texts are guarded, its numbers exact."""
    heading, *rows = sheet.texts()
    texts = [kind == "text" for kind in sheet.kinds.values()]
    out = io.StringIO(newline="")
    # The default line end, \r\n, makes the writer quote either character within a cell.
    writer = csv.writer(out)
    writer.writerow(map(guarded, heading))
    writer.writerows(
        [guarded(cell) if text else cell for cell, text in zip(row, texts, strict=True)]
        for row in rows
    )
    return out.getvalue().encode()


def cells_of(content: bytes) -> list[list[str]]:
    """Return the texts of a CSV file that `csv_of` made, its heading first.

    Raises
    ------
    UnicodeDecodeError
        It is no UTF-8.
    csv.Error
        It is no CSV.
    """
    text = io.StringIO(content.decode("utf-8-sig"), newline="")
    return [[unguarded(cell) for cell in row] for row in csv.reader(text, strict=True)]

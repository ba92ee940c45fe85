"""What is published of the public instances that a user keeps: `best_known.csv`, row by row."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Final

from optimiser.errors import FileError, UsageError
from optimiser.files.public.readers import reader_of
from optimiser.model.faults import Faults, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LIST: Final = "best_known.csv"
_NEEDED: Final = ("set", "name", "file", "format", "problem", "best_known", "status")
#: Significant digits of a float. A figure with more of them was summed up in floats and printed in
#: whole; so many digits are beyond the noise of such sums.
_FLOAT_DIGITS: Final = 15
_SURE_DIGITS: Final = 12
#: Figures with more digits before or behind the point are no cost.
_LONGEST: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One public instance and what is known of it.

    Parameters
    ----------
    set, name
        Its set, and its name within it.
    path
        Its file.
    reader
        How to read it, for `optimiser.read_public`.
    problem
        ``UFL``, ``CFLP`` or ``SSCFLP``.
    best_known
        Cost of the best plan published, or None.
    status
        What that is; ``optimal`` if nothing can be cheaper.
    best_bound
        Best bound published, or None.
    """

    set: str
    name: str
    path: Path
    reader: str
    problem: str
    best_known: Decimal | None
    status: str
    best_bound: Decimal | None = None

    def matches(self, units: int, decimals: int) -> bool:
        """Whether a cost is the best known one to its last digit, rounded either way.

        Parameters
        ----------
        units, decimals
            The cost, in units of the last of so many decimals.
        """
        if self.best_known is None:
            return False
        last = Decimal(1).scaleb(min(int(self.best_known.as_tuple().exponent), 0))
        return abs(Decimal(units).scaleb(-decimals) - self.best_known) <= last / 2


def best_known(data: str | Path) -> list[Published]:
    """Read `best_known.csv` of a folder of public instances.

    Parameters
    ----------
    data
        The folder. Its list has the columns set, name, file (relative to the folder), format,
        problem, best_known, status and, if there is one, best_bound.

    Raises
    ------
    FileError
        If the list cannot be read.
    InstanceError
        With every fault in it.
    """
    folder = Path(data)
    path = folder / LIST
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise FileError(
            f"{path}: there is no such file. Name the folder of the public instances, which lists "
            f"them in {LIST}."
        ) from None
    except UnicodeDecodeError:
        raise FileError(f"{path}: the file is not in UTF-8. Save it anew.") from None
    except OSError as error:
        raise FileError(f"{path}: the file cannot be read ({error.strerror}).") from None
    faults = Faults()
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        heads = reader.fieldnames or ()
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error as error:  # a cell of 200,000 characters, where a quotation mark is missing
        raise FileError(
            f"{path}, row {reader.line_num + 1}: this is no CSV ({error}). Save the table anew."
        ) from None
    missing = [name for name in _NEEDED if name not in heads]
    for name in missing:
        faults.add(LIST, "this column is missing",
                   did_you_mean(name, heads) or "Add it.", row=1,
                   column=name)  # fmt: skip
    faults.raise_if_any()
    found = [_published(folder, row, line, faults) for line, row in rows]
    _twice(found, faults)
    faults.raise_if_any()
    return found


def _published(folder: Path, row: Mapping[str, str | None], line: int, faults: Faults) -> Published:
    said = {name: (row.get(name) or "").strip() for name in (*_NEEDED, "best_bound")}
    for name in ("set", "name", "file"):
        if not said[name]:
            faults.add(LIST, "the cell must not be blank", "Fill it.", row=line, column=name)
    joint = "," if ":" in said["format"] else ":"
    reader = f"{said['format']}{joint}problem={said['problem']}"
    try:
        reader = str(reader_of(reader))
    except UsageError as error:
        faults.add(LIST, "there is no reader for this row", str(error), row=line, column="format",
                   value=said["format"])  # fmt: skip
    return Published(
        set=said["set"],
        name=said["name"],
        path=folder / said["file"],
        reader=reader,
        problem=said["problem"],
        best_known=_number(said["best_known"], "best_known", line, faults),
        status=said["status"],
        best_bound=_number(said["best_bound"], "best_bound", line, faults),
    )


def _number(text: str, column: str, line: int, faults: Faults) -> Decimal | None:
    """Return a published figure, without the noise of having been a float once."""
    if not text:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number.adjusted()) > _LONGEST:
        faults.add(LIST, "this is not a number", "Write the cost, or leave it blank.", row=line,
                   column=column, value=text)  # fmt: skip
        return None
    if len(number.as_tuple().digits) <= _FLOAT_DIGITS:
        return number
    return Decimal(f"{number:.{_SURE_DIGITS}g}").normalize()


def _twice(found: Sequence[Published], faults: Faults) -> None:
    seen = set()
    for each in found:
        if (each.set, each.name) in seen:
            faults.add(LIST, "two rows have the same set and name", "Delete one of the two.",
                       column="name", value=f"{each.set}/{each.name}")  # fmt: skip
        seen.add((each.set, each.name))

"""An instance as a folder: one CSV file per table and instance.toml."""

from __future__ import annotations

import csv
import io
import json
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final

from optimiser.errors import FileError
from optimiser.files.atomic import replace_folder
from optimiser.files.columns import columns_to_write, has_file
from optimiser.model.build import RawTable, build, damaged_table, raw_table
from optimiser.model.faults import Faults, did_you_mean
from optimiser.model.schema import TABLES
from optimiser.model.settings import SETTINGS, settings_texts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optimiser.model.instance import Instance

SETTINGS_FILE: Final = "instance.toml"
NOTES_FILE: Final = "README.md"
#: Files beside the tables that are nobody's business but the user's.
_IGNORED: Final = ("notes", "readme", "scenarios")
_BOM: Final = b"\xef\xbb\xbf"


def read_folder(path: str | Path) -> Instance:
    """Read an instance from a folder of CSV files.

    Parameters
    ----------
    path
        Folder that holds instance.toml and one file per table, such as demand.csv.

    Raises
    ------
    FileError
        If the folder cannot be read or holds no instance.
    InstanceError
        With every fault in the files.
    """
    folder = Path(path)
    try:
        entries = sorted(folder.iterdir())
    except FileNotFoundError:
        raise FileError(f"{folder}: there is no such folder. Check the path.") from None
    except NotADirectoryError:
        raise FileError(f"{folder}: this is a file, not a folder. Name its folder.") from None
    except OSError as error:
        raise FileError(f"{folder}: the folder cannot be read ({error.strerror}).") from None
    names = {entry.name.lower() for entry in entries}
    if SETTINGS_FILE not in names and not names & {f"{name}.csv" for name in TABLES}:
        raise FileError(
            f"{folder}: the folder holds no instance. It needs {SETTINGS_FILE} and one CSV file "
            f"per table, such as demand.csv."
        )
    faults = Faults()
    settings: Mapping[str, object] | None = None
    raw: dict[str, RawTable] = {}
    for entry in entries:
        stem, suffix = entry.stem.strip().lower(), entry.suffix.lower()
        if entry.name.startswith((".", "_", "~")) or stem in _IGNORED:
            continue
        if entry.name.lower() == SETTINGS_FILE:
            settings = _read_settings(entry, faults)
        elif suffix == ".toml":
            faults.add(entry.name, "this file does not belong to an instance",
                       did_you_mean(entry.name, [SETTINGS_FILE])
                       or f"Put all settings into {SETTINGS_FILE}.")  # fmt: skip
        elif suffix == ".csv" and stem in raw:
            faults.add(entry.name, f"two files hold the table {stem}", "Delete one of the two.")
        elif suffix == ".csv":
            raw[stem] = _read_table(entry, stem, faults)
    if settings is None:
        faults.add(SETTINGS_FILE, "this file is missing",
                   "Add it; an empty file takes every default.")  # fmt: skip
    return build(raw, settings or {}, source=str(path), faults=faults)


def _bytes(path: Path, faults: Faults) -> bytes | None:
    try:
        return path.read_bytes()
    except IsADirectoryError:
        faults.add(path.name, "this is a folder, not a file", "Put a file in its place.")
    except PermissionError:
        faults.add(path.name, "this file may not be read", "Give yourself the right to read it.")
    except OSError as error:
        faults.add(path.name, f"this file cannot be read ({error.strerror})", "Check the disk.")
    return None


def _text(path: Path, faults: Faults) -> str | None:
    """Return a file's text without byte-order mark and with every fault of its encoding noted."""
    data = _bytes(path, faults)
    if data is None:
        return None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        faults.add(path.name, "the file is not in UTF-8 (it looks like UTF-16)",
                   "Save it anew as UTF-8 (in a spreadsheet: CSV UTF-8).")  # fmt: skip
        return None
    try:
        text = data.removeprefix(_BOM).decode()
    except UnicodeDecodeError as error:
        before = data.removeprefix(_BOM)[: error.start]
        faults.add(path.name, "the file is not in UTF-8",
                   "Save it anew as UTF-8 (in a spreadsheet: CSV UTF-8).",
                   row=_row_of(before),
                   value=f"byte 0x{error.object[error.start]:02x}")  # fmt: skip
        return None
    at = text.find("\0")
    if at >= 0:
        faults.add(path.name, "the file holds a NUL byte, so it is damaged or no text",
                   "Save it anew as UTF-8.", row=_row_of(text[:at].encode()))  # fmt: skip
        return None
    return text


def _row_of(before: bytes) -> int:
    return before.count(b"\n") + 1


def _read_settings(path: Path, faults: Faults) -> Mapping[str, object]:
    text = _text(path, faults)
    if text is None:
        return {}
    try:
        # Decimal keeps the digits as they were written.
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        faults.add(
            path.name, f"this is no valid TOML: {error}",
            'Write lines such as title = "Southwest", each below its [section].',
        )  # fmt: skip
        return {}


# --- tables ------------------------------------------------------------------------------------


def _read_table(path: Path, name: str, faults: Faults) -> RawTable:
    text = _text(path, faults) if name in TABLES else None
    if text is not None and not text.strip():
        faults.add(path.name, "the file is empty", "Add a row of headings, or delete it.")
        text = None
    table = None if text is None else _parse_table(text, name, path.name, faults)
    return damaged_table(name, path.name) if table is None else table


def _parse_table(text: str, name: str, source: str, faults: Faults) -> RawTable | None:
    import pandas as pd

    first = text[: text.find("\n")] if "\n" in text else text
    for separator, word in ((";", "semicolons"), ("\t", "tabs")):
        if separator in first and "," not in first:
            faults.add(source, f"the columns are separated by {word}",
                       "Save it anew with commas between the columns.", row=1,
                       value=first.strip())  # fmt: skip
            return None
    try:
        frame = pd.read_csv(
            io.StringIO(text), header=None, dtype=object, keep_default_na=False, na_filter=False,
            skip_blank_lines=False, low_memory=False,
        )  # fmt: skip
    except (pd.errors.ParserError, pd.errors.EmptyDataError):
        frame = None
    # pandas fills short rows up with blanks, so only rows that end in one may be short.
    if frame is None or (frame.iloc[:, -1] == "").any():
        before = len(faults)
        _ragged(text, source, faults)
        if len(faults) > before:
            return None
    if frame is None:  # the two readers disagree, which no known file makes them do
        faults.add(source, "the file is not valid CSV", "Save it anew as CSV UTF-8.")
        return None
    cells = [frame[at].to_numpy(dtype=object) for at in frame]
    return raw_table(name, source, [column[0] for column in cells], [c[1:] for c in cells])


def _ragged(text: str, source: str, faults: Faults) -> None:
    """Note every row that has more or fewer cells than the headings."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    wide: list[tuple[int, int]] = []
    width, row = 0, 0
    try:
        for row, cells in enumerate(reader, start=1):
            if row == 1:
                width = len(cells)
            elif len(cells) != width and any(cell.strip() for cell in cells):
                wide.append((row, len(cells)))
    except csv.Error as error:
        faults.add(source, f"the file is not valid CSV ({error})",
                   "Look for a quotation mark that is not closed, at this row or below.",
                   row=row + 1)  # fmt: skip
    faults.add_rows(
        source,
        "the row has not as many cells as there are headings",
        lambda at: f"It has {wide[at][1]} cells, the headings are {width}. Put texts that hold "
        "a comma between quotation marks.",
        range(len(wide)),
        row_numbers=[row for row, _ in wide],
    )


# --- writing -----------------------------------------------------------------------------------


def write_folder(instance: Instance, path: str | Path, *, notes: str = "") -> None:
    """Write an instance as a folder of CSV files, whole or not at all.

    Parameters
    ----------
    instance
        What to write. Columns that say no more than a blank would are left out.
    path
        Folder to make. A folder that holds an instance, or nothing, is replaced.
    notes
        Content of a README.md beside the tables; '' for none.

    Raises
    ------
    FileError
        If the folder holds something else, or cannot be written.
    """
    folder = Path(path)
    kept = _kept(folder)
    beside = {NOTES_FILE: notes.encode()} if notes else {}
    replace_folder(folder, {**kept, **_files(instance), **beside})


def _kept(folder: Path) -> dict[str, bytes]:
    """Return the files that stay; FileError if writing would take away what is no instance."""
    try:
        if not folder.exists():
            return {}
        if not folder.is_dir():
            raise FileError(f"{folder}: this is a file. Name a folder that is new or empty.")
        entries = list(folder.iterdir())
        if entries and not (folder / SETTINGS_FILE).is_file():
            raise FileError(
                f"{folder}: the folder is not empty and holds no {SETTINGS_FILE}, so it is no "
                "instance that may be replaced. Name a folder that is new or empty."
            )
        ours = {SETTINGS_FILE, *(f"{name}.csv" for name in TABLES)}
        others = [entry for entry in entries if entry.name.lower() not in ours]
        for entry in others:
            if not entry.is_file():
                raise FileError(
                    f"{folder}: the folder holds {entry.name}, which is no part of an instance. "
                    "Move that away, or name a folder that is new or empty."
                )
        return {entry.name: entry.read_bytes() for entry in others}
    except OSError as error:
        raise FileError(f"{folder}: the folder cannot be read ({error.strerror}).") from None


def _files(instance: Instance) -> dict[str, bytes]:
    import pandas as pd

    files = {SETTINGS_FILE: toml_text(instance).encode()}
    for name in TABLES:
        if has_file(instance, name):
            columns = columns_to_write(instance, name)
            frame = pd.DataFrame({column.name: texts for column, texts in columns}, dtype=object)
            files[f"{name}.csv"] = frame.to_csv(index=False, lineterminator="\n").encode()
    return files


def toml_text(instance: Instance) -> str:
    """Return instance.toml as text."""
    lines: list[str] = []
    section = ""
    for name, text in settings_texts(instance).items():
        prefix, _, last = name.rpartition(".")
        if prefix != section:
            section = prefix
            lines.append(f"\n[{section}]")
        quoted = SETTINGS[name].kind in ("text", "choice")
        lines.append(f"{last} = {_quoted(text) if quoted else text}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    # JSON strings are TOML strings but for one character.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")

"""Studies as folders: tables, the results they rest on, and one study.json that says what is there.

A study's folder holds ``study.json``, a CSV file per table, and ``results/NAME/``, each a result as
`files.results` writes it, so that every plan can be verified by itself. Where a result is not of
the instance studied but of a changed one, that lies in ``instances/NAME/``. Results are written
when they are there and ``study.json`` last: what is without it was interrupted, and can be resumed.
"""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

from optimiser.errors import FileError, UsageError
from optimiser.files.atomic import replace_file
from optimiser.files.cells import cells_of, csv_of
from optimiser.files.results import DOCUMENT as RESULT_DOCUMENT
from optimiser.files.results import provenance, whereabouts, write_result

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from optimiser.model.instance import Instance
    from optimiser.solvers.frames import Sheet
    from optimiser.solvers.result import Result

#: What study.json calls itself, and the version of its layout.
FORMAT: Final = "optimiser-study"
VERSION: Final = 1
DOCUMENT: Final = "study.json"
RESULTS: Final = "results"
INSTANCES: Final = "instances"
#: Names the tables of a study that is being written, so that one cut short is known for a study's.
_UNDER_WAY: Final = ".study-tables.json"
#: Names of tables and of results: they become names of files.
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_.+-]{0,99}", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What a study has to show, ready to be kept.

    Parameters
    ----------
    kind
        ``sweep``, ``robust``, ``frontier``, ``alternatives``, ``explain``, ``share`` or ``phase``.
    instance
        What was studied.
    options
        What was asked, ready for JSON.
    headline
        The answer in a few sentences.
    facts
        Single figures that a program or a report wants, ready for JSON.
    tables
        Name -> table; exact.
    results
        Name -> result that the study rests on.
    seconds
        Wall time by stage, with ``total``.
    """

    kind: str
    instance: Instance
    options: Mapping[str, Any] = field(default_factory=dict)
    headline: Sequence[str] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, Sheet] = field(default_factory=dict)
    results: Mapping[str, Result] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)


@runtime_checkable
class Recorded(Protocol):
    """What every study returns: an object that can be kept."""

    def record(self) -> Record:
        """Return what is to be kept."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedStudy:
    """A study as it was saved.

    Parameters
    ----------
    folder
        Where it lies.
    content
        What study.json says.
    """

    folder: Path
    content: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """Kind of the study, as in `Record`."""
        return str(self.content["kind"])

    def table(self, name: str) -> list[list[str]]:
        """Return a table as texts, its heading first.

        Raises
        ------
        FileError
            There is no such table, or it cannot be read.
        """
        import csv

        try:
            return cells_of((self.folder / f"{name}.csv").read_bytes())
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise FileError(f"The table {name} of {self.folder} cannot be read: {error}.") from None

    def result(self, name: str) -> Path:
        """Return the folder of a result."""
        return self.folder / RESULTS / name


def refuse_foreign_study(folder: str | Path) -> None:
    """Raise UsageError if writing a study to `folder` would take away anything but a study."""
    folder = Path(folder)
    try:
        if not folder.exists():
            return
        if not folder.is_dir():
            raise UsageError(f"{folder} is a file. Name a folder that is new, empty or a study.")
        names = {entry.name for entry in folder.iterdir() if not entry.name.startswith(".")}
    except OSError as error:
        raise FileError(f"{folder} cannot be read: {error.strerror}.") from error
    foreign = sorted(
        name for name in names - {DOCUMENT, RESULTS, INSTANCES} if not _is_table(folder / name)
    )
    if foreign:
        raise UsageError(
            f"{folder} holds {foreign[0]!r}, which is no part of a study, so it is not written "
            "to. Name a folder that is new, empty or an older study."
        )


def _is_table(path: Path) -> bool:
    return path.suffix == ".csv" and path.stem in _tables(path.parent)


def _tables(folder: Path) -> set[str]:
    """Names of the tables of a study in a folder, also of one cut short; none without one."""
    found: set[str] = set()
    for name in (DOCUMENT, _UNDER_WAY):
        try:
            content = json.loads((folder / name).read_bytes())
            if content["format"] == FORMAT:
                found |= {str(each["name"]) for each in content["tables"]}
        except (OSError, ValueError, RecursionError, KeyError, TypeError):
            continue
    return found


def keep_result(result: Result, folder: str | Path, name: str) -> Path:
    """Save one result of a study, with its instance if nobody has it; return the result's folder.

    Parameters
    ----------
    result
        What to save.
    folder, name
        The study's folder, and the result's name in it.

    Raises
    ------
    UsageError
        The name cannot be that of a folder.
    FileError
        It could not be written.
    """
    _check_names([name])
    folder = Path(folder)
    if not result.instance.source:
        from optimiser.files.folder import write_folder

        place = folder / INSTANCES / name
        if not (place.is_dir() and _hash_in(folder / RESULTS / name) == result.instance_hash):
            write_folder(result.instance, place)
        there = dataclasses.replace(result.instance, source=str(place))
        result = dataclasses.replace(result, instance=there)
    return write_result(result, folder / RESULTS / name)


def _hash_in(folder: Path) -> str:
    """Hash of the instance that a saved result is of; '' without one."""
    try:
        return str(json.loads((folder / RESULT_DOCUMENT).read_bytes())["instance"]["hash"])
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        return ""


def _check_names(names: Iterable[str]) -> None:
    for name in names:
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"{name!r} cannot be the name of a file: use letters, digits, - and _"
            )


def write_study(study: Recorded | Record, folder: str | Path) -> Path:
    """Save a study as a folder; an older study there is replaced.

    Parameters
    ----------
    study
        What to save.
    folder
        Where to: new, empty, or an older or interrupted study.

    Raises
    ------
    UsageError
        The folder holds something that is no study.
    FileError
        It could not be written.
    """
    record = study.record() if isinstance(study, Recorded) else study
    folder = Path(folder)
    refuse_foreign_study(folder)
    _check_names((*record.tables, *record.results))
    stale = _tables(folder) - set(record.tables)
    for name, result in record.results.items():
        keep_result(result, folder, name)
    names = {"format": FORMAT, "tables": [{"name": name} for name in {*record.tables, *stale}]}
    replace_file(folder / _UNDER_WAY, json.dumps(names).encode())
    for name, sheet in record.tables.items():
        replace_file(folder / f"{name}.csv", csv_of(sheet))
    text = json.dumps(_document(record, folder), ensure_ascii=False, indent=1, allow_nan=False)
    replace_file(folder / DOCUMENT, (text + "\n").encode())
    _sweep_up(folder, stale, set(record.results))
    return folder


def _sweep_up(folder: Path, tables: set[str], results: set[str]) -> None:
    """Take away what an older study has left here."""
    try:
        for name in tables:
            (folder / f"{name}.csv").unlink(missing_ok=True)
        (folder / _UNDER_WAY).unlink(missing_ok=True)
        for home in (folder / RESULTS, folder / INSTANCES):
            for old in home.iterdir() if home.is_dir() else ():
                if old.name not in results and old.is_dir():
                    shutil.rmtree(old)
    except OSError as error:
        raise FileError(f"{folder} cannot be tidied up: {error.strerror}.") from error


def _document(record: Record, folder: Path) -> dict[str, Any]:
    settings = record.instance.settings
    return {
        "format": FORMAT,
        "version": VERSION,
        "kind": record.kind,
        "headline": list(record.headline),
        "options": dict(record.options),
        "facts": dict(record.facts),
        "tables": [
            {"name": name, "rows": len(sheet.rows), "columns": dict(sheet.kinds)}
            for name, sheet in record.tables.items()
        ],
        "results": list(record.results),
        "instance": whereabouts(record.instance, folder),
        "currency": settings.currency,
        "money_decimals": settings.money_decimals,
        "volume_decimals": settings.volume_decimals,
        "seconds": {name: round(value, 3) for name, value in record.seconds.items()},
        **provenance(),
    }


def read_study(path: str | Path) -> SavedStudy:
    """Read a saved study from its folder or its study.json.

    Raises
    ------
    FileError
        It cannot be read, or is no study.
    """
    path = Path(path)
    file = path / DOCUMENT if path.is_dir() else path
    try:
        content = json.loads(file.read_bytes())
    except FileNotFoundError:
        raise FileError(
            f"{path} holds no finished study: there is no {DOCUMENT}. Name a folder that --out of "
            "a study has made; if it was interrupted, give the same command again."
        ) from None
    except OSError as error:
        raise FileError(f"{file} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise FileError(f"{file} is no valid JSON: {error}. Run the study again.") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise FileError(f"{file} is no study of optimiser.")
    if content.get("version") != VERSION:
        raise FileError(
            f"{file} has version {content.get('version')!r} of the format; this program reads "
            f"version {VERSION}. Run the study again."
        )
    shapes: dict[str, type] = {"kind": str, "headline": list, "options": dict, "facts": dict,
                               "tables": list, "results": list, "instance": dict}  # fmt: skip
    for key, kind in shapes.items():
        if not isinstance(content.get(key), kind):
            raise FileError(f"{file} is damaged: {key!r} is missing or of the wrong type.")
    return SavedStudy(folder=file.parent, content=content)

"""Instances from and to whatever a path names: a folder, or a workbook."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from optimiser.errors import FileError
from optimiser.files.folder import SETTINGS_FILE, read_folder, write_folder
from optimiser.files.public.formats import FORMATS
from optimiser.files.workbook import read_workbook, write_workbook

if TYPE_CHECKING:
    from optimiser.model.instance import Instance

_WORKBOOKS: Final = (".xlsx", ".xlsm")
_OTHER_WORKBOOKS: Final = (".xls", ".xlsb", ".ods", ".numbers")


def read(path: str | Path) -> Instance:
    """Read an instance.

    Parameters
    ----------
    path
        A folder of CSV files, a file in it (instance.toml or a table), or a workbook (.xlsx).

    Raises
    ------
    FileError
        If there is nothing there, or nothing that could be an instance.
    InstanceError
        With every fault in the files.
    """
    place = Path(path)
    suffix = place.suffix.lower()
    try:
        if place.is_dir():
            return read_folder(path)
        if not place.exists():
            raise FileError(f"{place}: there is no such file or folder. Check the path.")
    except OSError as error:
        raise FileError(f"{place}: this cannot be read ({error.strerror}).") from None
    if suffix in _WORKBOOKS:
        return read_workbook(path)
    if place.name.lower() == SETTINGS_FILE or suffix == ".csv":
        return read_folder(place.parent)
    raise FileError(f"{place}: this is no instance. {_advice(suffix)}")


def write(instance: Instance, path: str | Path, *, notes: str = "") -> None:
    """Write an instance: as a workbook where `path` ends in .xlsx, else as a folder.

    Parameters
    ----------
    instance
        What to write.
    path
        Where to.
    notes
        Markdown to keep beside it, which readers leave alone: README.md, or a sheet `readme`.

    Raises
    ------
    FileError
        If it cannot be written there, or the ending stands for another kind of file.
    """
    suffix = Path(path).suffix.lower()
    if suffix == ".xlsx":
        write_workbook(instance, path, notes=notes)
    elif suffix in (".xlsm", *_OTHER_WORKBOOKS, ".csv", ".toml", ".json"):
        raise FileError(
            f"{path}: instances are not written as {suffix}. "
            "Name a workbook that ends in .xlsx, or a folder."
        )
    else:
        write_folder(instance, path, notes=notes)


def _advice(suffix: str) -> str:
    if suffix in _OTHER_WORKBOOKS:
        return "Open it in the spreadsheet program and save it as .xlsx."
    return (
        f"Name a folder of CSV files with {SETTINGS_FILE}, or a workbook (.xlsx). If it is a "
        "public facility location file, say which reader it needs, with --reader or, in Python, "
        f"read_public: {', '.join(FORMATS)}."
    )

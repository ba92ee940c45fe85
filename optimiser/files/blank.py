"""An empty instance to fill in: every heading, no rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimiser.files.atomic import replace_folder
from optimiser.files.workbook import write_blank_workbook
from optimiser.model.schema import TABLES
from optimiser.model.settings import SETTINGS

if TYPE_CHECKING:
    from pathlib import Path

    from optimiser.model.settings import Setting


def write_blank(path: Path, *, workbook: bool) -> None:
    """Write a folder, or a workbook, with every table's headings and every setting's default.

    Raises
    ------
    FileError
        It cannot be written.
    """
    if workbook:
        write_blank_workbook(path)
        return
    files = {
        f"{name}.csv": ",".join(column.name for column in table.columns) + "\n"
        for name, table in TABLES.items()
    }
    files["instance.toml"] = _toml()
    replace_folder(path, {name: text.encode() for name, text in files.items()})


def _toml() -> str:
    """Every setting with its meaning; what has no default, or the usual one, is commented out."""
    lines: list[str] = []
    section = ""
    for name, setting in SETTINGS.items():
        prefix, _, last = name.rpartition(".")
        if prefix != section:
            section = prefix
            lines.append(f"\n[{section}]")
        lines.append(f"# {setting.meaning}{_choices(setting)}")
        quoted = setting.kind in ("text", "choice")
        value = f'"{setting.default}"' if quoted else setting.default
        mark = "" if setting.default and not prefix else "# "
        lines.append(f"{mark}{last} = {value}".rstrip())
    return "\n".join(lines) + "\n"


def _choices(setting: Setting) -> str:
    if setting.kind == "flag":
        return ": true or false"
    return f": {', '.join(setting.choices)}" if setting.choices else ""

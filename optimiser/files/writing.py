"""One verb for whatever can be written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimiser.errors import UsageError
from optimiser.files import instances
from optimiser.files.results import write_result
from optimiser.model.instance import Instance
from optimiser.solvers.result import Result

if TYPE_CHECKING:
    from pathlib import Path


def write(what: Instance | Result, path: str | Path) -> None:
    """Write an instance as a folder or workbook (.xlsx), or a result as a folder.

    Parameters
    ----------
    what
        What to write.
    path
        Where to; it appears whole or not at all.

    Raises
    ------
    UsageError
        `what` is neither, or `path` holds something that must not be replaced.
    FileError
        It cannot be written.
    """
    if isinstance(what, Instance):
        instances.write(what, path)
    elif isinstance(what, Result):
        write_result(what, path)
    else:
        raise UsageError(
            f"A {type(what).__name__} cannot be written. Give an Instance or a Result."
        )

"""One verb for whatever can be written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimiser.errors import UsageError
from optimiser.files import instances
from optimiser.files.results import write_result
from optimiser.files.studies import Recorded, write_study
from optimiser.model.instance import Instance
from optimiser.solvers.result import Result

if TYPE_CHECKING:
    from pathlib import Path


def write(what: Instance | Result | Recorded, path: str | Path) -> None:
    """Write an instance as a folder or workbook (.xlsx), a result or a study as a folder.

    Parameters
    ----------
    what
        What to write.
    path
        Where to; it appears whole or not at all.

    Raises
    ------
    UsageError
        `what` is none of these, or `path` holds something that must not be replaced.
    FileError
        It cannot be written.
    """
    if isinstance(what, Instance):
        instances.write(what, path)
    elif isinstance(what, Result):
        write_result(what, path)
    elif isinstance(what, Recorded):
        write_study(what, path)
    else:
        raise UsageError(
            f"A {type(what).__name__} cannot be written. Give an Instance, a Result or a study."
        )

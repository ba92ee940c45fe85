"""Every exception this package raises on purpose.

::

    OptimiserError
    ├── InputError              what was given cannot be used; the exit code is 2
    │   ├── InstanceError       faults in the tables, all of them, each with its place and remedy
    │   ├── UsageError          a call or a command that does not fit (unknown solver, bad option)
    │   └── FileError           a file that cannot be read or written
    ├── SolverError             a solver is missing, crashed, hung or lied; the exit code is 6
    │   └── UnsupportedError    a solver refuses, by name, a model that it cannot represent
    └── InternalError           two of our own computations disagree; the exit code is 1
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class OptimiserError(Exception):
    """Root of every exception raised on purpose."""


class InputError(OptimiserError):
    """What was given cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing wrong with the input.

    Parameters
    ----------
    source
        File or sheet, as the user knows it (``demand.csv``, ``instance.toml``).
    row
        Row as a text editor or a spreadsheet counts it (the header is 1), or None.
    column
        Column or setting, or ''.
    value
        The offending text as it stands in the input.
    rule
        The rule that is broken, in one sentence.
    remedy
        What to do about it, in one sentence.
    """

    source: str
    rule: str
    remedy: str
    row: int | None = None
    column: str = ""
    value: str = ""

    def __str__(self) -> str:
        place = self.source
        if self.row is not None:
            place += f", row {self.row}"
        if self.column:
            place += f", column {self.column}"
        value = f" (found {self.value!r})" if self.value else ""
        return f"{place}: {self.rule}{value}. {self.remedy}"


class InstanceError(InputError):
    """Faults in an instance: all that were found, not just the first."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        count = len(self.faults)
        head = f"{count} fault{'' if count == 1 else 's'} in the instance"
        super().__init__("\n".join([head, *map(str, self.faults)]))


class UsageError(InputError):
    """A call or a command that does not fit."""


class FileError(InputError):
    """A file or folder that cannot be read or written."""


class SolverError(OptimiserError):
    """A solver is missing, crashed, hung or answered wrongly."""


class UnsupportedError(SolverError):
    """A solver refuses a model that it cannot represent; says which part."""


class InternalError(OptimiserError):
    """Two of our own computations disagree: a defect of this package."""

"""A study's tables as its page reads them: saved ones, or those of a study just done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optimiser.errors import FileError
from optimiser.report.parts import currency_sign
from optimiser.report.words import Money

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from optimiser.files.studies import Record, SavedStudy


class StudyView:
    """A study's tables as texts, those of a saved one checked against what study.json says.

    Parameters
    ----------
    kind
        As in `files.studies.Record`.
    options
        What was asked.
    money
        How money is written.
    columns
        Table -> column -> kind.
    load
        Reads a table, its heading first.
    where
        Where it lies, for messages.
    """

    def __init__(
        self,
        *,
        kind: str,
        options: Mapping[str, Any],
        money: Money,
        columns: Mapping[str, Mapping[str, str]],
        load: Callable[[str], list[list[str]]],
        where: str = "",
    ) -> None:
        self.kind, self.options, self.money, self.columns = kind, options, money, columns
        self._load, self._where = load, where
        self._rows: dict[str, list[list[str]]] = {}

    @classmethod
    def of(cls, record: Record) -> StudyView:
        """Return the view of a study that has just been done."""
        settings = record.instance.settings
        return cls(
            kind=record.kind,
            options=record.options,
            money=Money(currency=settings.currency, decimals=settings.money_decimals),
            columns={name: sheet.kinds for name, sheet in record.tables.items()},
            load=lambda name: record.tables[name].texts(),
        )

    @classmethod
    def saved(cls, study: SavedStudy) -> StudyView:
        """Return the view of a saved study.

        Raises
        ------
        FileError
            What it says of its tables cannot be read.
        """
        content = study.content
        decimals = content.get("money_decimals")
        try:
            columns = {
                str(each["name"]): {str(name): str(kind) for name, kind in each["columns"].items()}
                for each in content["tables"]
            }
        except (KeyError, TypeError, AttributeError):
            raise FileError(
                f"{study.folder}/study.json is damaged: what it says of its tables cannot be "
                "read. Run the study again."
            ) from None
        return cls(
            kind=study.kind,
            options=content["options"],
            money=Money(
                currency=str(content.get("currency", "")),
                decimals=decimals if isinstance(decimals, int) and 0 <= decimals <= 9 else 2,
            ),
            columns=columns,
            load=study.table,
            where=str(study.folder),
        )

    @property
    def names(self) -> list[str]:
        """Names of the tables."""
        return list(self.columns)

    def rows(self, name: str) -> list[list[str]]:
        """Return a table's rows as texts."""
        if name not in self._rows:
            head, *rows = self._load(name) or [[]]
            if head != list(self.columns[name]) or any(len(row) != len(head) for row in rows):
                raise FileError(
                    f"{self._where}/{name}.csv does not have the columns that study.json "
                    "names. Run the study again."
                )
            self._rows[name] = rows
        return self._rows[name]

    def records(self, name: str) -> list[dict[str, str]]:
        """Return a table's rows as mappings; none where there is no such table."""
        if name not in self.columns:
            return []
        return [dict(zip(self.columns[name], row, strict=True)) for row in self.rows(name)]

    def write(self, value: float) -> str:
        """Write an amount in whole currency."""
        return self.money.rounded(round(value * 10**self.money.decimals))

    @property
    def sign(self) -> str:
        """Sign or code of the currency."""
        return currency_sign(self.money)

"""An instance: the tables and settings, frozen and already validated."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import numpy as np

from optimiser.model.schema import COST_PARTS, DECIMALS, TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from optimiser.model.schema import Column

#: A blank number.
BLANK: Final = int(np.iinfo(np.int64).min)
#: A blank reference.
NOWHERE: Final = -1
#: The reference `in-house`; equals `plan.BY_ITSELF`.
IN_HOUSE_CODE: Final = -2


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What instance.toml says, defaults filled in.

    Parameters
    ----------
    years, discount_rate
        Horizon of one-off costs: whole years, and yearly rate as an exact fraction.
    metric
        ``great-circle``, ``straight-line`` or ``network``, already resolved.
    detour
        Factor on every distance.
    generate
        Whether options are generated, already resolved.
    oversight
        Defaults for authorities: column name -> integer of the column's last place, or `BLANK`.
    weights
        Objective weight of each of `schema.COST_PARTS`.
    """

    title: str = ""
    currency: str = "GBP"
    price_year: int | None = None
    sourcing: str = "single"
    money_decimals: int = 2
    volume_decimals: int = 3
    years: int = 10
    discount_rate: Fraction = Fraction(35, 1000)
    metric: str = "straight-line"
    detour: Fraction = Fraction(1)
    generate: bool = True
    oversight: Mapping[str, int] = field(default_factory=dict)
    weights: Mapping[str, Fraction] = field(
        default_factory=lambda: dict.fromkeys(COST_PARTS, Fraction(1))
    )

    @property
    def split(self) -> bool:
        """Whether a pair may be delivered by several deliverers."""
        return self.sourcing == "split"

    @property
    def annuity(self) -> Fraction:
        """Yearly cost of one unit of money paid once: r / (1 − (1+r)^−n), or 1/n at r = 0."""
        rate, years = self.discount_rate, self.years
        return rate / (1 - 1 / (1 + rate) ** years) if rate else Fraction(1, years)

    def decimals(self, kind: str) -> int:
        """Return the decimals that numbers of a column kind are held with."""
        if kind == "money":
            return self.money_decimals
        if kind == "volume":
            return self.volume_decimals
        return DECIMALS[kind]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """One table by columns; every column of its schema is there, each of shape (rows,), read-only.

    Numbers are int64 in units of the last place, or `BLANK`. References are int64 row numbers of
    the table referred to, `NOWHERE` if blank, `IN_HOUSE_CODE` for ``in-house``. Keys, texts and
    choices are object arrays of str, '' if blank. ``references`` are object arrays of tuples of row
    numbers. Constant defaults are filled in, and so are these: name (the key), baseline_cost,
    status, offers.existing, unit of policies and what authorities inherit from [oversight].
    """

    name: str
    columns: Mapping[str, NDArray]  # type: ignore[type-arg]
    rows: int
    _sorted: dict[str, NDArray[np.int64]] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, column: str) -> NDArray:  # type: ignore[type-arg]
        return self.columns[column]

    @property
    def keys(self) -> NDArray:  # type: ignore[type-arg]
        """The key texts of a table whose key is one text column, shape (rows,)."""
        (name,) = TABLES[self.name].key
        return self.columns[name]

    def find(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.int64]:
        """Row numbers by the table's first two key columns, which must be references; −1 if none.

        Works for demand, offers and contracts, where these two columns are the whole key.
        """
        if not self.rows:
            return np.full(len(first), -1, dtype=np.int64)
        if not self._sorted:
            one, two = (self.columns[name] for name in TABLES[self.name].key[:2])
            code = one.astype(np.int64) << 32 | two.astype(np.int64)
            order = np.argsort(code, kind="stable")
            self._sorted.update(code=code[order], order=order)
        wanted = np.asarray(first, dtype=np.int64) << 32 | np.asarray(second, dtype=np.int64)
        at = np.minimum(np.searchsorted(self._sorted["code"], wanted), self.rows - 1)
        return np.where(self._sorted["code"][at] == wanted, self._sorted["order"][at], -1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Instance:
    """Validated tables and settings; made by `optimiser.model.build.build` and by the readers.

    Parameters
    ----------
    settings
        What instance.toml says.
    tables
        Every table of `schema.TABLES` by name; one that was absent has no rows.
    source
        Where it was read from, as the user named it, or ''.
    reader
        With which reader of public formats, or '' for the project's own.
    """

    settings: Settings
    tables: Mapping[str, Table]
    source: str = ""
    reader: str = ""
    _cache: dict[str, str] = field(default_factory=dict, repr=False)

    def __getitem__(self, table: str) -> Table:
        return self.tables[table]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Instance) and self.hash == other.hash

    def __hash__(self) -> int:
        return hash(self.hash)

    def __repr__(self) -> str:
        rows = ", ".join(
            f"{len(self[name])} {name}"
            for name in ("organisations", "services", "demand", "providers", "offers")
        )
        return (
            f"<Instance {self.settings.title or self.source!r}: {rows}, {self.settings.sourcing}>"
        )

    @property
    def hash(self) -> str:
        """SHA-256 over the content: the same for a folder and a workbook, and for any row order."""
        if "hash" not in self._cache:
            self._cache["hash"] = _content_hash(self)
        return self._cache["hash"]

    def texts(self, table: str, column: str) -> NDArray:  # type: ignore[type-arg]
        """One column as exact texts as they would stand in a file, shape (rows,)."""
        return texts(self, table, TABLES[table].column(column))

    def frame(self, table: str) -> pd.DataFrame:
        """One table as a DataFrame: keys as text, numbers as float with NaN where blank."""
        import pandas as pd

        data = {}
        for column in TABLES[table].columns:
            values = self[table][column.name]
            if column.number:
                scale = 10.0 ** self.settings.decimals(column.kind)
                data[column.name] = np.where(values == BLANK, np.nan, values / scale)
            else:
                data[column.name] = texts(self, table, column)
        return pd.DataFrame(data)


def decimal_text(value: int, decimals: int) -> str:
    """Write an integer of the last place as the shortest decimal text: (12500, 3) -> '12.5'."""
    if value == BLANK:
        return ""
    sign = "-" if value < 0 else ""
    digits = str(abs(value)).rjust(decimals + 1, "0")
    if not decimals:
        return sign + digits
    whole, part = digits[:-decimals], digits[-decimals:].rstrip("0")
    return sign + whole + ("." + part if part else "")


def texts(instance: Instance, table: str, column: Column) -> NDArray:  # type: ignore[type-arg]
    """One column as exact texts as they would stand in a file, shape (rows,)."""
    values = instance[table][column.name]
    if column.number:
        decimals = instance.settings.decimals(column.kind)
        result = [decimal_text(value, decimals) for value in values.tolist()]
    elif column.kind == "reference":
        keys = [*instance[column.refers_to].keys.tolist(), "in-house", ""]
        result = [keys[code] for code in values.tolist()]  # −1 is '', −2 is in-house
    elif column.kind == "references":
        keys = instance[column.refers_to].keys.tolist()
        result = [";".join(keys[code] for code in codes) for codes in values.tolist()]
    else:
        return values
    array = np.empty(len(result), dtype=object)
    array[:] = result
    return array


def _content_hash(instance: Instance) -> str:
    digest = hashlib.sha256()
    settings = instance.settings
    for name in (
        "title",
        "currency",
        "price_year",
        "sourcing",
        "money_decimals",
        "volume_decimals",
        "years",
        "discount_rate",
        "metric",
        "detour",
        "generate",
    ):
        digest.update(f"{name}={getattr(settings, name)}\n".encode())
    # [oversight] also holds for organisations that answer for themselves, so it is content.
    for name, value in sorted(settings.oversight.items()):
        if value != BLANK:
            digest.update(f"oversight.{name}={value}\n".encode())
    for name, weight in sorted(settings.weights.items()):
        digest.update(f"weight.{name}={weight}\n".encode())
    for name, schema in TABLES.items():
        if not len(instance[name]):
            continue
        columns = [texts(instance, name, column).tolist() for column in schema.columns]
        digest.update(f"table {name}\n".encode())
        for row in sorted(zip(*columns, strict=True)):
            digest.update(("\x1f".join(row) + "\n").encode())
    return digest.hexdigest()

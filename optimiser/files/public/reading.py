"""A public facility location file as an instance.

Customers are organisations that need one service and cannot do it in-house, sites are shared
centres, a site's fixed cost is its running cost, and the cost of serving all of a customer from a
site is the option's access cost.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from optimiser.files.public.figures import figures
from optimiser.files.public.formats import SIMPLE
from optimiser.files.public.readers import reader_of
from optimiser.files.public.words import MOST_DECIMALS, read_words
from optimiser.model.build import RawTable, build
from optimiser.model.instance import decimal_text
from optimiser.model.rounding import LARGEST
from optimiser.model.schema import SHARED_CENTRE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from optimiser.files.public.figures import Figures
    from optimiser.files.public.words import Numbers
    from optimiser.model.instance import Instance

    Ints = NDArray[np.int64]
    Texts = NDArray[np.object_]

_SERVICE: Final = "supply"


def read_public(path: str | Path, reader: str) -> Instance:
    """Read a file of one of the public facility location formats (docs/formats.md).

    Every number is kept exactly: the instance has as many decimals as the file needs and, under
    split sourcing, as many more as make the cost of every part exact, if so many exist.

    Parameters
    ----------
    path
        The file: numbers between white space. It ends at the first NUL or Ctrl-Z, if any.
    reader
        ``NAME`` or ``NAME:key=value,key=value``. NAME is orlib, holmberg, delmaire, plc, ufllib or
        mfile. ``cap=NUMBER`` stands where the file says the word capacity; ``problem`` is UFL
        (capacities are ignored), CFLP (split sourcing) or SSCFLP (single sourcing).

    Raises
    ------
    UsageError
        If there is no such reader.
    FileError
        If the file cannot be read.
    InstanceError
        With every fault in the file.
    """
    asked = reader_of(reader)
    source = read_words(path)
    if asked.format.name == SIMPLE.name and source.titled:
        asked = replace(asked, format=SIMPLE)
    said = figures(source, asked)
    split = asked.problem == "CFLP"
    money = max(said.fixed.decimals, said.cost.decimals)
    volume = max((part.decimals for part in (said.demand, said.capacity) if part), default=0)
    if split and said.demand is not None:
        money = _exact_decimals(said, said.demand.at(volume), money)
    settings: dict[str, object] = {
        "title": _title(Path(path).name, str(asked)),
        # The files name none, and pounds would be an invention.
        "currency": "units",
        "sourcing": "split" if split else "single",
        "money_decimals": money,
        "volume_decimals": volume,
        "distance": {"metric": "straight-line"},
    }
    instance = build(_tables(said, money), settings, source=str(path))
    return replace(instance, reader=str(asked))


def _exact_decimals(said: Figures, demand: Ints, least: int) -> int:
    """Return the decimals of money with which the cost of any part of a demand is exact.

    Demands, capacities and so the best flows are whole last places of volume; a part of one last
    place costs cost / demand. Where no number of decimals makes all of these whole, the most that
    fit are taken, so that what rounding can do is least.
    """
    best = least
    for decimals in range(least, MOST_DECIMALS + 1):
        total = said.fixed.size(decimals).sum() + said.cost.size(decimals).max(axis=1).sum()
        if total >= LARGEST:
            break
        best = decimals
        if not np.any(said.cost.at(decimals) % demand[:, None]):
            break
    return best


def _title(name: str, reader: str) -> str:
    seen = "".join(char if char.isprintable() else "?" for char in name)
    return f"{seen} ({reader})"


def _tables(said: Figures, decimals: int) -> Mapping[str, RawTable]:
    customers, sites = said.cost.values.shape
    customer, site = _keys("customer", customers), _keys("site", sites)
    columns: dict[str, dict[str, Any]] = {
        "organisations": {"organisation": customer},
        "services": {"service": [_SERVICE], "unit": ["units"]},
        "providers": {
            "provider": site,
            "mode": [SHARED_CENTRE] * sites,
            "running_cost": _texts(said.fixed, decimals),
        },
        "demand": {
            "organisation": customer,
            "service": [_SERVICE] * customers,
            # Without capacities only the cost of a whole customer counts.
            "volume": ["1"] * customers if said.demand is None else _texts(said.demand),
        },
        "offers": {"provider": site, "service": [_SERVICE] * sites},
        "tariffs": {"provider": site, "service": [_SERVICE] * sites, "band": ["1"] * sites},
        "options": {
            "organisation": np.repeat(customer, sites),
            "service": [_SERVICE] * (customers * sites),
            "provider": np.tile(site, customers),
            "access_cost": _texts(said.cost, decimals),
        },
    }
    if said.capacity is not None:
        columns["offers"]["capacity"] = _texts(said.capacity)
    return {name: _raw(name, table) for name, table in columns.items()}


def _raw(name: str, table: Mapping[str, Any]) -> RawTable:
    columns = {heading: _array(texts) for heading, texts in table.items()}
    rows = len(next(iter(columns.values())))
    return RawTable(name=name, source=name, columns=columns,
                    row_numbers=np.arange(2, rows + 2, dtype=np.int64))  # fmt: skip


def _array(texts: Any) -> Texts:
    array = np.empty(len(texts), dtype=object)
    array[:] = texts
    return array


def _keys(word: str, count: int) -> Texts:
    """Return keys such as customer-007, whose alphabetical order is that of the numbers."""
    width = len(str(count))
    return _array([f"{word}-{at:0{width}}" for at in range(1, count + 1)])


def _texts(numbers: Numbers, decimals: int | None = None) -> Texts:
    """Return numbers as exact texts, shape (numbers,)."""
    places = numbers.decimals if decimals is None else decimals
    values = numbers.at(places).ravel().tolist()
    return _array([decimal_text(value, places) for value in values])

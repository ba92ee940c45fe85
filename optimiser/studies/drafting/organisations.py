"""A planner's list as organisations, with every fault named by file, row and column."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from optimiser.errors import UsageError
from optimiser.model.faults import Faults, did_you_mean
from optimiser.model.parse import unprintable
from optimiser.model.schema import IN_HOUSE
from optimiser.studies.drafting.headings import (
    amount,
    coordinate,
    field_of,
    is_blank,
    known_words,
    metres,
    plain,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from optimiser.files.lists import Listing
    from optimiser.studies.drafting.catalogue import Catalogue, ServiceEntry

#: The two sides of each way to give a place.
_WAYS: Final = (("latitude", "longitude"), ("easting", "northing"), ("x_km", "y_km"))
_MOST: Final = {"latitude": 90.0, "longitude": 180.0}
#: Largest size; a planet's population is below it.
_LARGEST: Final = 1e10


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a list says of one service of one organisation; None where it says nothing."""

    volume: float | None = None
    cost: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """One organisation of a list.

    Parameters
    ----------
    key, name, kind, overseer
        As in the table of organisations; '' where not given.
    place
        Latitude and longitude in degrees, or x and y in km.
    staff, population
        Sizes; None where neither given nor reckoned.
    given
        Volume and cost that the list gives, by service.
    """

    key: str
    name: str
    kind: str = ""
    overseer: str = ""
    place: tuple[float, float]
    staff: float | None = None
    population: float | None = None
    given: Mapping[str, Given] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisations:
    """The organisations of a list.

    Parameters
    ----------
    source
        The list's file.
    rows
        In the order of the list.
    great_circle
        Whether places are degrees, not km.
    notes
        What was taken for granted, in words.
    left_out
        Names of rows that were left out for want of a size or place.
    """

    source: str
    rows: tuple[Organisation, ...]
    great_circle: bool
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which rows of a list are wanted: column -> values, any of which will do."""

    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    skip_incomplete: bool = False


class Reading:
    """A list as it is read, and all that is wrong with it.

    Parameters
    ----------
    listing
        The list.
    catalogue
        For sizes that follow from others, and for the services whose volumes a list may give.
    filters
        Which rows are wanted.
    """

    def __init__(self, listing: Listing, catalogue: Catalogue, filters: Filters) -> None:
        self.listing, self.catalogue, self.filters = listing, catalogue, filters
        self.faults = Faults()
        self.notes = list(listing.notes)
        self.at: dict[str, int] = {}
        self.given: dict[tuple[str, str], int] = {}
        self.reckoned = {"staff": 0, "population": 0}

    def organisations(self) -> Organisations:
        """Read the list.

        Raises
        ------
        InstanceError
            With every fault in it.
        UsageError
            A filter names no column or value, or nothing is left.
        """
        self._headings()
        for number in self.listing.too_wide:
            self._add(number, "", "", "a cell stands right of all headings",
                      "Put texts that hold a comma between quotation marks.")  # fmt: skip
        way = self._way()
        self.faults.raise_if_any()  # without its columns, every row would be faulty
        wanted = self._wanted()
        rows, left_out = [], []
        seen: dict[str, int] = {}
        for cells, number in wanted:
            row, missing = self._organisation(cells, number, way, seen)
            if missing:
                left_out.append(missing)
            elif row is not None:
                rows.append(row)
        self.faults.raise_if_any()
        if not rows:
            raise UsageError(
                f"{self.listing.source}: no organisation is left. Loosen the filters, or mend the "
                "rows that lack a size or a place."
            )
        self._reckoning_notes()
        return Organisations(
            source=self.listing.source,
            rows=tuple(rows),
            great_circle=way[0] == "latitude",
            notes=tuple(self.notes),
            left_out=tuple(left_out),
        )

    def _add(self, row: int, heading: str, value: str, rule: str, remedy: str) -> None:
        self.faults.add(self.listing.source, rule, remedy, row=row, column=heading, value=value)

    # --- headings ---------------------------------------------------------------------------

    def _headings(self) -> None:
        """Find which column says what."""
        headings, row = self.listing.headings, self.listing.heading_row
        unused = []
        for at, heading in enumerate(headings):
            if not heading:
                if any(cells[at] for cells in self.listing.rows):
                    self._add(row, "", "", f"column {at + 1} is filled but has no heading",
                              "Write one above it, or delete the column.")  # fmt: skip
                continue
            what = field_of(heading)
            service = self._service_of(heading)
            if service:
                if service in self.given:
                    self._twice(heading, headings[self.given[service]])
                self.given.setdefault(service, at)
            elif what in ("key", "name", "kind", "country", "organisation") and what in self.at:
                unused.append(heading)
            elif what:
                if what in self.at:
                    self._twice(heading, headings[self.at[what]])
                self.at.setdefault(what, at)
            else:
                unused.append(heading)
        if "organisation" in self.at:
            at = self.at.pop("organisation")
            if "name" not in self.at:
                self.at["name"] = at
            elif "key" not in self.at:
                self.at["key"] = at
        if "name" not in self.at and "key" in self.at:
            self.at["name"] = self.at["key"]
        if "name" not in self.at:
            self._add(row, "name", "", "no column says the organisations' names",
                      self._hint("name", unused))  # fmt: skip
        if not {"staff", "population"} & self.at.keys():
            self._add(row, "population", "", "no column says the organisations' sizes",
                      self._hint("population", unused) + " It may be population or staff.")
        taken = ", ".join(f"{headings[at]} as {what}" for what, at in self.at.items())
        self.notes.append(f"Columns taken: {taken}.")
        if unused:
            self.notes.append(f"Columns not used: {', '.join(dict.fromkeys(unused))}.")

    def _hint(self, wanted: str, unused: Sequence[str]) -> str:
        for heading in unused:
            near = did_you_mean(plain(heading), known_words())
            if near and field_of(near.split("'")[1]) == wanted:
                return f"Is it {heading!r}? Then call it {wanted}."
        return f"Add a column {wanted}."

    def _twice(self, heading: str, other: str) -> None:
        self._add(self.listing.heading_row, heading, "", f"it says the same as column {other}",
                  "Delete or rename one of them.")  # fmt: skip

    def _service_of(self, heading: str) -> tuple[str, str] | None:
        """Return service and ``cost`` or ``volume`` of a heading such as ``finance cost``."""
        text = plain(heading)
        for service in self.catalogue.services:
            for name in (plain(service.key), plain(service.name)):
                for what in ("cost", "volume"):
                    if text in (f"{name} {what}", f"{what} of {name}"):
                        return service.key, what
        return None

    def _way(self) -> tuple[str, str]:
        """Return the two columns that give places."""
        complete = [way for way in _WAYS if set(way) <= self.at.keys()]
        for way in _WAYS:
            there = [side for side in way if side in self.at]
            if len(there) == 1 and not complete:
                (other,) = set(way) - set(there)
                self._add(self.listing.heading_row, self.listing.headings[self.at[there[0]]], "",
                          f"there is no {other} to this column", f"Add a column {other}.")
                return way
        if not complete:
            self._add(self.listing.heading_row, "latitude", "",
                      "no columns say where the organisations are",
                      "Add latitude and longitude, or easting and northing.")  # fmt: skip
            return _WAYS[0]
        if len(complete) > 1:
            self.notes.append(f"Places are taken from {complete[0][0]} and {complete[0][1]}.")
        return complete[0]

    # --- rows -------------------------------------------------------------------------------

    def _wanted(self) -> list[tuple[tuple[str, ...], int]]:
        """Rows that all filters let through."""
        rows = list(zip(self.listing.rows, self.listing.row_numbers, strict=True))
        for column, values in self.filters.values.items():
            at = self._column(column)
            there = {cells[at].casefold(): cells[at] for cells, _ in rows}
            for value in values:
                if value.casefold() not in there:
                    known = sorted(set(there.values()) - {""})
                    raise UsageError(
                        f"No organisation has {value!r} in column {self.listing.headings[at]}. "
                        + (did_you_mean(value, known) or f"It holds {_some(known)}.")
                    )
            chosen = {value.casefold() for value in values}
            rows = [row for row in rows if row[0][at].casefold() in chosen]
        return rows

    def _column(self, name: str) -> int:
        """Return a column by the field it stands for, or by its heading."""
        if name in self.at:
            return self.at[name]
        headings = [plain(heading) for heading in self.listing.headings]
        if plain(name) in headings:
            return headings.index(plain(name))
        raise UsageError(
            f"{self.listing.source} has no column {name!r} to choose by. "
            + (did_you_mean(plain(name), headings)
               or f"Its columns are {_some(self.listing.headings)}.")
        )  # fmt: skip

    def _organisation(
        self, cells: Sequence[str], number: int, way: tuple[str, str], seen: dict[str, int]
    ) -> tuple[Organisation | None, str]:
        """Read a row: the organisation, or the name of one that is left out as incomplete."""
        before = len(self.faults)
        name = self._text(cells, "name", number)
        own = "key" in self.at and self.at["key"] != self.at["name"]
        key = self._text(cells, "key", number) if own else (slug(name) or name)
        kind = self._text(cells, "kind", number)
        for what, text in (("name", name), ("key", key)):
            if not text and (what == "name" or own):
                self._add(number, self._heading(what), "", f"the {what} is blank",
                          f"Write the organisation's {what}.")  # fmt: skip
        if key and key in seen:
            self._add(number, self._heading("key" if own else "name"), key if own else name,
                      f"row {seen[key]} has the same {'key' if own else 'name'}",
                      "Rename one, or delete the row if it is the same organisation."
                      + ("" if own else " A column code tells apart what has one name."))
        elif key.casefold() == IN_HOUSE:
            self._add(number, self._heading("key"), key, f"{IN_HOUSE} is a reserved word",
                      "Use another key.")  # fmt: skip
        seen.setdefault(key, number)
        incomplete = self._incomplete(cells, way)
        if incomplete and self.filters.skip_incomplete:
            return None, name or key
        place = tuple(self._side(cells, side, number) for side in way)
        staff, population = (self._size(cells, size, number) for size in ("staff", "population"))
        if incomplete == "size":
            self._add(number, self._heading("population" if "population" in self.at else "staff"),
                      "", "the organisation has no size",
                      "Write its population or staff, delete the row, or leave such rows out "
                      "with --skip-incomplete.")  # fmt: skip
        given = self._given(cells, number)
        if len(self.faults) > before:
            return None, ""
        staff, population = self._reckon(kind, staff, population, number)
        x, y = (0.0 if side is None else side for side in place)
        return Organisation(
            key=key,
            name=name,
            kind=kind,
            overseer=self._text(cells, "overseer", number),
            place=(x, y),
            staff=staff,
            population=population,
            given=given,
        ), ""

    def _heading(self, what: str) -> str:
        return self.listing.headings[self.at[what]] if what in self.at else what

    def _text(self, cells: Sequence[str], what: str, number: int) -> str:
        text = cells[self.at[what]] if what in self.at else ""
        if unprintable(text):
            self._add(number, self._heading(what), text, "it holds an invisible character",
                      "Type it anew.")  # fmt: skip
        return "" if what in ("kind", "overseer") and is_blank(text) else " ".join(text.split())

    def _incomplete(self, cells: Sequence[str], way: tuple[str, str]) -> str:
        if any(is_blank(cells[self.at[side]]) for side in way):
            return "place"
        sizes = [self.at[size] for size in ("staff", "population") if size in self.at]
        return "size" if all(is_blank(cells[at]) for at in sizes) else ""

    def _side(self, cells: Sequence[str], side: str, number: int) -> float | None:
        """Read one side of a place: degrees, or km."""
        cell, heading = cells[self.at[side]], self._heading(side)
        if is_blank(cell):
            self._add(number, heading, "", f"the {side} is blank",
                      "Write it, delete the row, or leave such rows out with "
                      "--skip-incomplete.")  # fmt: skip
            return None
        read: Callable[[str], float | str]
        if side in ("latitude", "longitude"):
            read, remedy = _DEGREES[side], "Write degrees as a decimal number, such as 51.5074."
        elif side in ("easting", "northing"):
            read, remedy = metres, "Write metres, such as 530000."
        else:
            read, remedy = _kilometres, "Write km, such as 12.5."
        value = read(cell)
        most = _MOST.get(side, 1e5 if side.endswith("km") else 1e8)
        if isinstance(value, float) and abs(value) > most:
            value = f"it must lie between -{most:,.0f} and {most:,.0f}"
        if isinstance(value, str):
            self._add(number, heading, cell, value, remedy)
            return None
        return value / 1000 if side in ("easting", "northing") else value

    def _size(self, cells: Sequence[str], size: str, number: int) -> float | None:
        if size not in self.at or is_blank(cells[self.at[size]]):
            return None
        return self._amount(cells[self.at[size]], self._heading(size), number, above=True)

    def _amount(self, cell: str, heading: str, number: int, *, above: bool) -> float | None:
        value = amount(cell)
        if isinstance(value, float) and value > _LARGEST:
            value = f"it must be at most {_LARGEST:,.0f}"
        elif isinstance(value, float) and above and value <= 0:
            value = "it must be above 0"
        if isinstance(value, str):
            self._add(number, heading, cell, value,
                      "Write a number such as 64187 or 64,187, or leave the cell blank.")
            return None
        return value

    def _given(self, cells: Sequence[str], number: int) -> dict[str, Given]:
        """Read volumes and costs of single services."""
        found: dict[str, dict[str, float]] = {}
        for (service, what), at in self.given.items():
            if is_blank(cells[at]):
                continue
            heading = self.listing.headings[at]
            value = self._amount(cells[at], heading, number, above=what == "volume")
            if value is not None:
                found.setdefault(service, {})[what] = value
        return {service: Given(**values) for service, values in found.items()}

    def _reckon(
        self, kind: str, staff: float | None, population: float | None, number: int
    ) -> tuple[float | None, float | None]:
        """Reckon the size that is missing from the one that is there, where a service needs it."""
        needed = {s.driver for s in self.catalogue.services if s.needed_by(kind)}
        missing = "staff" if staff is None else "population" if population is None else ""
        if missing not in needed:
            return staff, population
        ratio = self.catalogue.ratio(kind)
        if ratio is None:
            self._add(number, self._heading("kind"), kind,
                      f"its {missing} cannot be reckoned: no ratio of the catalogue fits its kind",
                      f"Write its {missing}, or add a [[ratio]] to {self.catalogue.source}.")
            return staff, population
        self.reckoned[missing] += 1
        if staff is None:
            staff = float(max(1, round((population or 0.0) * ratio / 1000)))
        else:
            population = float(max(1, round(staff * 1000 / ratio)))
        return staff, population

    def _reckoning_notes(self) -> None:
        for size, count in self.reckoned.items():
            if count:
                other = "population" if size == "staff" else "staff"
                self.notes.append(
                    f"{size.capitalize()} of {count:,} organisations was reckoned from their "
                    f"{other} by the catalogue's staff per thousand residents."
                )


_DEGREES: Final[dict[str, Callable[[str], float | str]]] = {
    "latitude": lambda cell: coordinate(cell, "S"),
    "longitude": lambda cell: coordinate(cell, "WO"),
}


def _kilometres(cell: str) -> float | str:
    return coordinate(cell, "")


def slug(name: str) -> str:
    """Return a name as a key that is easily typed: ``Taunton Deane`` -> ``taunton-deane``."""
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", letters.lower().replace("'", "")).strip("-")


def _some(values: Sequence[str]) -> str:
    shown = [value for value in values if value][:12]
    return ", ".join(shown) + (", …" if len(values) > len(shown) else "")


def recogniser(services: Sequence[ServiceEntry]) -> Callable[[str], bool]:
    """Return what says of a heading whether it is known."""
    own = {f"{plain(name)} {what}" for service in services
           for name in (service.key, service.name) for what in ("cost", "volume")}  # fmt: skip
    return lambda heading: bool(field_of(heading)) or plain(heading) in own

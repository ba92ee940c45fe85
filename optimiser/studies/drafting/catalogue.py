"""Catalogues of services: what services cost, how cost falls with scale, what providers are like.

Every figure of a catalogue is ``{ value = …, source = "…" }``, or a plain number, whose source is
then the catalogue itself. Sections and figures that a catalogue leaves out are taken from the
shipped one, ``catalogue.toml`` beside this module; services are not: a catalogue that lists any
lists all of them.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from optimiser.errors import FileError
from optimiser.model.faults import Faults, did_you_mean
from optimiser.model.schema import OVERSIGHT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: The shipped catalogue.
DEFAULT: Final = Path(__file__).with_name("catalogue.toml")
#: What the volume of a service follows.
DRIVERS: Final = ("staff", "population")
#: Beyond this, money no longer fits where it is held.
_LARGEST: Final = 10**12
_KEY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number and where it comes from."""

    value: float
    source: str

    @property
    def assumed(self) -> bool:
        """Whether no source was found for it."""
        return self.source.casefold().startswith("assumption")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What a figure may be: from `least` (not itself, where `above`) to `most`."""

    least: float = 0
    most: float = _LARGEST
    above: bool = False
    whole: bool = False

    def rule(self, value: Decimal) -> str:
        """Return the rule that a value breaks, or ''."""
        if not value.is_finite() or value > Decimal(str(self.most)):
            return f"it may be at most {self.most:,}"
        least = Decimal(str(self.least))
        if value < least or (self.above and value == least):
            return f"it must be {'above' if self.above else 'at least'} {self.least:,}"
        return "it must be a whole number" if self.whole and value % 1 else ""


_MONEY: Final = Bound()
_SHARE: Final = Bound(most=1)
_POSITIVE: Final = Bound(above=True)
_COUNT: Final = Bound(least=1, most=10**6, whole=True)

#: Figures of each section of which there is one.
SECTIONS: Final[dict[str, dict[str, Bound]]] = {
    "horizon": {"years": Bound(least=1, most=1000, whole=True), "discount_rate": _SHARE},
    # None of these has a default: what is not given is not counted.
    "oversight": {column.name: _MONEY for column in OVERSIGHT},
    "access": {"detour": _POSITIVE, "share_per_km": _SHARE},
    "centre": {
        "organisations_each": _COUNT,
        "price": _POSITIVE,
        "running_cost": _MONEY,
        "opening_cost": _MONEY,
        "set_up_cost": _MONEY,
        "capacity_factor": _POSITIVE,
        "member_cost": _MONEY,
        "contract_hours": _MONEY,
        "share_watched": _SHARE,
        "reach_km": _POSITIVE,
    },
    "co_operative": {
        "members": Bound(least=2, most=10**6, whole=True),
        "min_members": _COUNT,
        "max_members": _COUNT,
        "price": _POSITIVE,
        "running_cost": _MONEY,
        "opening_cost": _MONEY,
        "set_up_cost": _MONEY,
        "turnover": _POSITIVE,
        "work_brought": Bound(most=1, above=True),
        "member_cost": _MONEY,
        "contract_hours": _MONEY,
        "share_watched": _SHARE,
        "reach_km": _POSITIVE,
    },
}
#: Figures of a service; those without a default must be given.
SERVICE: Final[dict[str, tuple[Bound, float | None]]] = {
    "unit_cost": (_POSITIVE, None),
    "per_head": (_POSITIVE, 1.0),
    "reference": (_POSITIVE, None),
    "exponent": (Bound(most=1, above=True), None),
    "exhausted_at": (_POSITIVE, None),
    "exit_share": (Bound(most=10), 0.0),
    "in_house_hours": (_MONEY, 0.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceEntry:
    """One service of a catalogue.

    Parameters
    ----------
    key, name, unit
        As in the table of services.
    driver
        ``staff`` or ``population``: `per_head` units for each.
    kinds, not_kinds
        Patterns of the kinds of organisations that need it; () means all, and none excepted.
    figures
        Those of `SERVICE`.
    """

    key: str
    name: str
    unit: str
    driver: str
    kinds: tuple[str, ...] = ()
    not_kinds: tuple[str, ...] = ()
    figures: Mapping[str, Figure] = field(default_factory=dict)

    def __getitem__(self, figure: str) -> float:
        return self.figures[figure].value

    def needed_by(self, kind: str) -> bool:
        """Whether organisations of a kind need it."""
        return (not self.kinds or _fits(kind, self.kinds)) and not _fits(kind, self.not_kinds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """Staff per thousand residents of the organisations whose kind fits a pattern."""

    kind: str
    staff_per_thousand: Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """All that an instance needs beside a list of organisations.

    Parameters
    ----------
    source
        File that it was read from.
    title, currency, price_year
        As in instance.toml.
    sections
        Figures by section and name, as `SECTIONS` lists them.
    ratios
        In the order in which they are tried.
    services
        In the order of the file.
    """

    source: str
    title: str
    currency: str
    price_year: int | None
    sections: Mapping[str, Mapping[str, Figure]]
    ratios: tuple[Ratio, ...]
    services: tuple[ServiceEntry, ...]

    def value(self, section: str, name: str) -> float:
        """Return one figure of a section."""
        return self.sections[section][name].value

    def ratio(self, kind: str) -> float | None:
        """Staff per thousand residents of a kind of organisation, or None if no pattern fits."""
        for each in self.ratios:
            if _fits(kind, (each.kind,)):
                return each.staff_per_thousand.value
        return None

    def figures(self) -> Iterator[tuple[str, Figure]]:
        """Return every figure with its dotted name."""
        for section, figures in self.sections.items():
            for name, figure in figures.items():
                yield f"{section}.{name}", figure
        for ratio in self.ratios:
            yield f"ratio[{ratio.kind}].staff_per_thousand", ratio.staff_per_thousand
        for service in self.services:
            for name, figure in service.figures.items():
                yield f"service[{service.key}].{name}", figure


def _fits(kind: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(kind.casefold(), pattern.casefold()) for pattern in patterns)


def read_catalogue(path: str | Path | None = None) -> Catalogue:
    """Read a catalogue; None means the shipped one.

    Raises
    ------
    FileError
        The file cannot be read or is no TOML.
    InstanceError
        With every fault in it.
    """
    shipped = _content(DEFAULT)
    if path is None:
        return _Reading(DEFAULT.name, Faults()).catalogue(shipped, {})
    path = Path(path)
    own = _Reading(path.name, Faults())
    catalogue = own.catalogue(_content(path), shipped)
    own.faults.raise_if_any()
    return catalogue


def _content(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"), parse_float=Decimal)
    except FileNotFoundError:
        raise FileError(
            f"{path}: there is no such file. Make a catalogue to change with: "
            f"optimiser draft --write-catalogue {path}"
        ) from None
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}.") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise FileError(f"{path} is no valid TOML: {error}. Mend that line.") from None


class _Reading:
    """A catalogue as it is read, and all that is wrong with it."""

    def __init__(self, source: str, faults: Faults) -> None:
        self.source, self.faults = source, faults

    def catalogue(self, content: Mapping[str, Any], default: Mapping[str, Any]) -> Catalogue:
        """Read all sections; what is not there comes from `default`."""
        known = ("title", "currency", "price_year", *SECTIONS, "ratio", "service")
        self._unknown(content, known, "")
        rest = _Reading(DEFAULT.name, self.faults)
        sections = {}
        for name, bounds in SECTIONS.items():
            taken = {} if name == "oversight" and name in content else default
            sections[name] = {
                **rest.section(taken.get(name, {}), name, bounds),
                **self.section(content.get(name, {}), name, bounds),
            }
        return Catalogue(
            source=self.source,
            title=self._text(content, "title", "", str(default.get("title", ""))),
            currency=self._text(content, "currency", "", str(default.get("currency", "GBP"))),
            price_year=self._year(content, default),
            sections=sections,
            ratios=self._ratios(content) if "ratio" in content else rest._ratios(default),
            services=(self._services(content) if "service" in content
                      else rest._services(default)),
        )  # fmt: skip

    def _add(self, place: str, rule: str, remedy: str, value: object = "") -> None:
        self.faults.add(self.source, rule, remedy, column=place, value=str(value))

    def _unknown(self, content: Mapping[str, Any], known: Sequence[str], place: str) -> None:
        for name in content:
            if name not in known:
                self._add(f"{place}{name}", "there is no such entry",
                          did_you_mean(name, known)
                          or f"Delete it; there are {', '.join(known)}.")  # fmt: skip

    def _text(self, content: Mapping[str, Any], name: str, place: str, default: str) -> str:
        value = content.get(name, default)
        if not isinstance(value, str):
            self._add(f"{place}{name}", "this must be a text", "Put it between quotation marks.",
                      value)  # fmt: skip
            return default
        return value

    def _year(self, content: Mapping[str, Any], default: Mapping[str, Any]) -> int | None:
        value = content.get("price_year", default.get("price_year"))
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 10_000:
            self._add("price_year", "this is no year", "Write one such as 2010.", value)
            return None
        return value

    def section(
        self, content: Any, name: str, bounds: Mapping[str, Bound]
    ) -> dict[str, Figure]:
        """Read the figures of one section."""
        if not isinstance(content, Mapping):
            self._add(name, "this must be a section", f"Write [{name}], and its entries below it.",
                      content)  # fmt: skip
            return {}
        self._unknown(content, tuple(bounds), f"{name}.")
        found = {}
        for each, bound in bounds.items():
            figure = self._figure(content, each, bound, f"{name}.")
            if figure is not None:
                found[each] = figure
        return found

    def _figure(
        self, content: Mapping[str, Any], name: str, bound: Bound, place: str
    ) -> Figure | None:
        """Read one figure; None if it is not there or faulty."""
        if name not in content:
            return None
        value, source = content[name], f"{self.source}"
        if isinstance(value, Mapping):
            self._unknown(value, ("value", "source"), f"{place}{name}.")
            source = self._text(value, "source", f"{place}{name}.", source)
            value = value.get("value")
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            self._add(f"{place}{name}", "this is no number",
                      'Write a number, or { value = 1.5, source = "…" }.',
                      "" if value is None else value)  # fmt: skip
            return None
        rule = bound.rule(Decimal(value))
        if rule:
            self._add(f"{place}{name}", rule, "Mend the number.", value)
            return None
        return Figure(value=float(value), source=source)

    def _list(self, content: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
        entries = content.get(name, [])
        if not isinstance(entries, list) or not all(isinstance(e, Mapping) for e in entries):
            self._add(name, "this must be a list of sections", f"Write [[{name}]] above each.")
            return []
        return entries

    def _ratios(self, content: Mapping[str, Any]) -> tuple[Ratio, ...]:
        found = []
        for number, entry in enumerate(self._list(content, "ratio"), start=1):
            place = f"ratio {number}: "
            self._unknown(entry, ("kind", "staff_per_thousand"), place)
            kind = self._text(entry, "kind", place, "*")
            figure = self._figure(entry, "staff_per_thousand", _POSITIVE, place)
            if figure is not None:
                found.append(Ratio(kind=kind, staff_per_thousand=figure))
            elif "staff_per_thousand" not in entry:
                self._missing(place, "staff_per_thousand")
        return tuple(found)

    def _missing(self, place: str, name: str) -> None:
        self._add(f"{place}{name}", "this is missing", "Add it; the shipped catalogue shows how.")

    def _services(self, content: Mapping[str, Any]) -> tuple[ServiceEntry, ...]:
        found: list[ServiceEntry] = []
        texts = ("key", "name", "unit", "driver", "kinds", "not_kinds")
        for number, entry in enumerate(self._list(content, "service"), start=1):
            key = self._text(entry, "key", f"service {number}: ", "")
            place = f"service {key or number}: "
            self._unknown(entry, (*texts, *SERVICE), place)
            if not _KEY.fullmatch(key):
                self._add(f"{place}key", "a key is letters, digits, - and _",
                          "Give the service a key such as finance.", key)  # fmt: skip
            elif any(key == other.key for other in found):
                self._add(f"{place}key", "two services have this key", "Rename one.", key)
            driver = self._text(entry, "driver", place, DRIVERS[0])
            if driver not in DRIVERS:
                self._add(f"{place}driver", f"it must be {' or '.join(DRIVERS)}",
                          did_you_mean(driver, DRIVERS) or "Choose one of them.",
                          driver)  # fmt: skip
            figures = {}
            for name, (bound, default) in SERVICE.items():
                figure = self._figure(entry, name, bound, place)
                if figure is None and name not in entry:
                    if default is None:
                        self._missing(place, name)
                        continue
                    figure = Figure(value=default, source="not given")
                if figure is not None:
                    figures[name] = figure
            found.append(
                ServiceEntry(
                    key=key,
                    name=self._text(entry, "name", place, key),
                    unit=self._text(entry, "unit", place, driver),
                    driver=driver,
                    kinds=self._patterns(entry, "kinds", place),
                    not_kinds=self._patterns(entry, "not_kinds", place),
                    figures=figures,
                )
            )
        if not found:
            self._add("service", "there is no service", "Write [[service]] and its entries.")
        return tuple(found)

    def _patterns(self, entry: Mapping[str, Any], name: str, place: str) -> tuple[str, ...]:
        value = entry.get(name, [])
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            self._add(f"{place}{name}", "this must be a list of kinds",
                      'Write ["*county*", "*police*"].', value)  # fmt: skip
            return ()
        return tuple(value)

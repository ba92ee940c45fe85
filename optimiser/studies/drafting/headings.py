"""Headings and cells of a planner's list, as people write them."""

from __future__ import annotations

import re
from typing import Final

#: Field -> headings that stand for it, in small letters and without signs.
WORDS: Final[dict[str, tuple[str, ...]]] = {
    "key": ("key", "code", "id", "identifier", "ref", "reference", "organisation code",
            "organisation id", "organization code", "organization id", "ons code",
            "local authority code", "authority code", "school code", "urn"),
    "name": ("name", "organisation name", "organization name", "body", "public body", "council",
             "council name", "local authority", "local authority name", "authority name", "school",
             "school name", "town", "town name", "city", "place name", "institution", "agency"),
    "organisation": ("organisation", "organization", "org"),
    "kind": ("kind", "type", "sort", "category", "class", "organisation type", "organization type",
             "type of organisation", "kind of organisation", "council type", "authority type",
             "local authority type", "school type"),
    "country": ("country", "nation", "country code"),
    "overseer": ("overseer", "overseen by", "oversight authority", "client team", "oversight",
                 "monitored by"),
    "latitude": ("latitude", "lat", "latitude degrees", "latitude wgs84", "geo lat"),
    "longitude": ("longitude", "lon", "lng", "long", "longitude degrees", "longitude wgs84",
                  "geo lon", "geo lng", "geo long"),
    "easting": ("easting", "eastings", "os easting", "osgb easting", "bng easting", "east"),
    "northing": ("northing", "northings", "os northing", "osgb northing", "bng northing", "north"),
    "x_km": ("x km", "x", "xkm"),
    "y_km": ("y km", "y", "ykm"),
    "staff": ("staff", "employees", "employee", "headcount", "head count", "fte", "ftes", "wte",
              "workforce", "number of staff", "no of staff", "staff number", "staff numbers",
              "number of employees", "no of employees", "total staff", "total employees",
              "staff fte", "fte staff", "staff headcount", "staffing", "personnel"),
    "population": ("population", "residents", "inhabitants", "people", "pop", "total population",
                   "resident population", "number of residents", "number of inhabitants",
                   "population estimate", "population served", "total residents"),
}  # fmt: skip
_FIELD: Final = {word: field for field, words in WORDS.items() for word in words}
#: Cells that say nothing.
_NOTHING: Final = {"", "-", "–", "—", "n/a", "na", "none", "null", "nil", "unknown", "?", "tbc",
                   "tba", "#n/a", "..", "."}  # fmt: skip
_NUMBER: Final = re.compile(
    r"[£€$]?(?P<digits>\d{1,3}(?:[, '’]\d{3})+|\d+)(?P<part>\.\d*)?(?P<unit>k|m)?", re.IGNORECASE
)
_DEGREES: Final = re.compile(
    r"(?P<sign>[+-]?)(?P<number>\d+(?:[.,]\d*)?|[.,]\d+)°?(?P<side>[NSEWO]?)", re.IGNORECASE
)
_SCALE: Final = {"": 1.0, "k": 1e3, "m": 1e6}


def plain(heading: str) -> str:
    """Return a heading in small letters without signs, brackets and years.

    ``Population (2020)`` and ``population_2020`` both become ``population``.
    """
    text = re.sub(r"\([^()]*\)|\[[^\[\]]*\]", " ", heading.casefold())
    words = re.sub(r"[^\w]+|_", " ", text).split()
    while len(words) > 1 and re.fullmatch(r"(?:mid)?(?:19|20)\d\d", words[-1]):
        words.pop()
    return " ".join(words)


def field_of(heading: str) -> str:
    """Return the field that a heading stands for, or ''."""
    return _FIELD.get(plain(heading), "")


def known_words() -> list[str]:
    """Return all headings that are known, for advice."""
    return list(_FIELD)


def is_blank(cell: str) -> bool:
    """Whether a cell says nothing: blank, a dash, n/a, unknown and the like."""
    return cell.strip().casefold() in _NOTHING


def amount(cell: str) -> float | str:
    """Read a size or a sum: ``64,187``, ``1 200``, ``12k``, ``£1.5m``; else the rule it breaks."""
    text = re.sub(r"[\u00a0\u2007\u2009\u202f]", " ", cell.strip())
    found = _NUMBER.fullmatch(text)
    if not found:
        return "this is no number"
    digits = re.sub(r"\D", "", found["digits"])
    return float(digits + (found["part"] or "")) * _SCALE[(found["unit"] or "").lower()]


def coordinate(cell: str, negative: str) -> float | str:
    """Read a coordinate: ``51.5``, ``-0,13``, ``0.13 W``; else the rule it breaks.

    Parameters
    ----------
    cell
        The text.
    negative
        Letters that make it negative: ``S`` of a latitude, ``WO`` of a longitude; '' where none
        may stand.
    """
    text = re.sub(r"\s+", "", cell).replace("−", "-")
    found = _DEGREES.fullmatch(text)
    if not found:
        return "this is no number"
    value = float(found["number"].replace(",", "."))
    side = found["side"].upper()
    if side:
        allowed = {"S": "NS", "WO": "EWO"}.get(negative, "")
        if side not in allowed or found["sign"]:
            return "this is no coordinate of that direction"
        return -value if side in negative else value
    return -value if found["sign"] == "-" else value


def metres(cell: str) -> float | str:
    """Read an easting or northing, which may have commas between thousands."""
    text = cell.strip().replace("−", "-")
    value = amount(text.removeprefix("-"))
    return -value if isinstance(value, float) and text.startswith("-") else value

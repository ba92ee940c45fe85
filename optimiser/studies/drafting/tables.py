"""Organisations, a catalogue and proposed sites to the tables of an instance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from optimiser.model.schema import CO_OPERATIVE, SHARED_CENTRE
from optimiser.studies.drafting.geography import distances

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimiser.studies.drafting.catalogue import Catalogue, ServiceEntry
    from optimiser.studies.drafting.organisations import Organisation, Organisations

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Rows = dict[str, list[Any]]

#: Where the tangents of a tariff touch the scale curve, as shares of the volume at which
#: economies of scale are exhausted. Between them the tariff is at most 2 % above a curve of
#: exponent 0.8 or more.
TOUCHES: Final = (0.1, 0.35, 1.0)
#: One weighted unit is so much money a year at the catalogue's prices.
WEIGHTED: Final = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A provider that is proposed.

    Parameters
    ----------
    key, mode
        As in the table of providers.
    home
        Row of the organisation that it stands at.
    members
        Rows of the organisations that form it; of a centre, () .
    """

    key: str
    mode: str
    home: int
    members: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What the organisations need: one element per pair, by organisation, then service.

    Parameters
    ----------
    organisation, service
        Rows of the list and of the catalogue.
    volume, cost
        Units and in-house cost a year.
    """

    organisation: Ints
    service: Ints
    volume: Floats
    cost: Floats

    def work(self, organisations: int) -> Floats:
        """In-house cost of each organisation, shape (organisations,)."""
        total: Floats = np.bincount(
            self.organisation, weights=self.cost, minlength=organisations
        ).astype(np.float64)
        return total


def scale_cost(service: ServiceEntry, volume: Floats | float) -> Any:
    """Return the cost of a volume by a service's scale curve, £ a year, in the shape of `volume`.

    unit_cost · V · (min(V, E) / min(R, E))^(e − 1), with E the volume at which economies of scale
    are exhausted, R the reference volume and e the exponent: total cost ∝ V^e below E and ∝ V above
    (Niaounakis & Blank, Local Government Studies, 2017).
    """
    exhausted = service["exhausted_at"]
    reference = min(service["reference"], exhausted)
    factor = (np.minimum(volume, exhausted) / reference) ** (service["exponent"] - 1)
    return service["unit_cost"] * volume * factor


def needs(catalogue: Catalogue, organisations: Sequence[Organisation]) -> Needs:
    """Return who needs what; what the list gives goes before what the catalogue reckons."""
    found: list[tuple[int, int, float, float]] = []
    for row, each in enumerate(organisations):
        for at, service in enumerate(catalogue.services):
            given = each.given.get(service.key)
            size = each.staff if service.driver == "staff" else each.population
            volume = None if given is None else given.volume
            if volume is None:
                if not service.needed_by(each.kind) or size is None:
                    continue
                volume = size * service["per_head"]
            volume = max(round(volume, 3), 0.001)
            cost = None if given is None else given.cost
            found.append(
                (row, at, volume, scale_cost(service, volume) if cost is None else cost)
            )
    columns = list(zip(*found, strict=True)) or [(), (), (), ()]
    return Needs(
        organisation=np.array(columns[0], dtype=np.int64),
        service=np.array(columns[1], dtype=np.int64),
        volume=np.array(columns[2], dtype=np.float64),
        cost=np.array(columns[3], dtype=np.float64),
    )


def tables(
    catalogue: Catalogue, given: Organisations, needed: Needs, sites: Sequence[Site], reach: float
) -> dict[str, Rows]:
    """Make the tables of the instance.

    Parameters
    ----------
    catalogue, given, needed, sites
        What it is made of.
    reach
        Farthest that any provider serves, km by road; infinite for the catalogue's own.
    """
    rows = given.rows
    names = ("latitude", "longitude") if given.great_circle else ("x_km", "y_km")
    places = np.array([each.place for each in rows])
    result: dict[str, Rows] = {
        "organisations": {
            "organisation": [each.key for each in rows],
            "name": [each.name for each in rows],
            "kind": [each.kind for each in rows],
            "authority": [each.overseer for each in rows],
            "staff": [each.staff for each in rows],
            **{name: _column(places[:, side], 9) for side, name in enumerate(names)},
        },
        "services": _services(catalogue),
        "demand": _demand(catalogue, rows, needed),
        "providers": {
            "provider": [site.key for site in sites],
            "name": [_site_name(site, rows) for site in sites],
            "mode": [site.mode for site in sites],
            "status": ["candidate"] * len(sites),
            **{
                name: _column(places[[site.home for site in sites], side], 9)
                for side, name in enumerate(names)
            },
            **_figures(catalogue, sites, reach),
        },
        **_offers(catalogue, given, needed, sites, places, reach),
    }
    overseers = sorted({each.overseer for each in rows} - {""})
    if overseers:
        result["authorities"] = {"authority": overseers}
    return result


def settings(catalogue: Catalogue, title: str, *, great_circle: bool) -> dict[str, object]:
    """Return what instance.toml says."""
    sections = catalogue.sections
    result: dict[str, object] = {
        "title": title,
        "currency": catalogue.currency,
        "horizon": {name: _number(f.value) for name, f in sections["horizon"].items()},
        "oversight": {name: _number(f.value) for name, f in sections["oversight"].items()},
        "distance": {
            "metric": "great-circle" if great_circle else "straight-line",
            "detour": _number(catalogue.value("access", "detour")),
        },
    }
    if catalogue.price_year is not None:
        result["price_year"] = catalogue.price_year
    return result


def _number(value: float) -> int | float:
    return int(value) if value.is_integer() else value


def _column(values: Floats, decimals: int) -> list[float]:
    column: list[float] = np.round(values, decimals).tolist()
    return column


def _site_name(site: Site, rows: Sequence[Organisation]) -> str:
    word = "Shared centre" if site.mode == SHARED_CENTRE else "Co-operative"
    return f"{word} at {rows[site.home].name}"


def _services(catalogue: Catalogue) -> Rows:
    entries = catalogue.services
    share = catalogue.value("access", "share_per_km")
    return {
        "service": [each.key for each in entries],
        "name": [each.name for each in entries],
        "unit": [each.unit for each in entries],
        # Capacities of co-operatives are in thousands of money a year, whatever they deliver.
        "weight": [max(round(each["unit_cost"] / WEIGHTED, 3), 0.001) for each in entries],
        "access_rate": [round(each["unit_cost"] * share, 6) for each in entries],
    }


def _demand(catalogue: Catalogue, rows: Sequence[Organisation], needed: Needs) -> Rows:
    entries = [catalogue.services[at] for at in needed.service.tolist()]
    share = np.array([entry["exit_share"] for entry in entries])
    return {
        "organisation": [rows[at].key for at in needed.organisation.tolist()],
        "service": [entry.key for entry in entries],
        "volume": _column(needed.volume, 3),
        "in_house_cost": _column(needed.cost, 2),
        "in_house_hours": [round(entry["in_house_hours"], 3) for entry in entries],
        "incumbent": ["in-house"] * len(entries),
        "exit_cost": _column(needed.cost * share, 2),
    }


def _section(site: Site) -> str:
    return "centre" if site.mode == SHARED_CENTRE else "co_operative"


def reach_of(catalogue: Catalogue, section: str, reach: float) -> float:
    """Return how far providers of a section serve, km by road."""
    return min(catalogue.value(section, "reach_km"), reach)


def _figures(catalogue: Catalogue, sites: Sequence[Site], reach: float) -> Rows:
    def column(name: str, decimals: int = 2) -> list[Any]:
        return [round(catalogue.value(_section(site), name), decimals) for site in sites]

    apart = [site.mode == CO_OPERATIVE for site in sites]
    low, high, most = (
        catalogue.value("co_operative", name) for name in ("min_members", "max_members", "turnover")
    )
    return {
        "running_cost": column("running_cost"),
        "opening_cost": column("opening_cost"),
        "capacity": [round(most / WEIGHTED, 3) if each else None for each in apart],
        "min_members": [int(low) if each else None for each in apart],
        "max_members": [int(high) if each else None for each in apart],
        "member_cost": column("member_cost"),
        "contract_hours": column("contract_hours", 3),
        "max_distance_km": [
            round(reach_of(catalogue, _section(site), reach), 3) for site in sites
        ],
    }


def _offers(
    catalogue: Catalogue,
    given: Organisations,
    needed: Needs,
    sites: Sequence[Site],
    places: Floats,
    reach: float,
) -> dict[str, Rows]:
    """Make offers, of what somebody in reach needs, and their tariffs."""
    offers: Rows = {name: [] for name in ("provider", "service", "set_up_cost", "capacity",
                                          "hours_per_unit")}  # fmt: skip
    bands: Rows = {name: [] for name in ("provider", "service", "band", "from_volume",
                                         "to_volume", "fixed_cost", "unit_cost")}  # fmt: skip
    count = len(catalogue.services)
    total = np.bincount(needed.service, weights=needed.volume, minlength=count)
    equal = total / max(1, sum(site.mode == SHARED_CENTRE for site in sites))
    hour = catalogue.sections["oversight"].get("hour_cost")
    detour = catalogue.value("access", "detour")
    for site in sites:
        section = _section(site)
        km = distances(places[[site.home]], places, great_circle=given.great_circle)[0] * detour
        near = km[needed.organisation] <= reach_of(catalogue, section, reach)
        there = np.bincount(needed.service[near], minlength=count)
        watched = catalogue.value(section, "share_watched")
        price = catalogue.value(section, "price")
        for at in np.flatnonzero(there).tolist():
            service = catalogue.services[at]
            capacity = None
            if section == "centre":
                capacity = round(catalogue.value(section, "capacity_factor") * equal[at], 3)
            offers["provider"].append(site.key)
            offers["service"].append(service.key)
            offers["set_up_cost"].append(round(catalogue.value(section, "set_up_cost"), 2))
            offers["capacity"].append(capacity)
            offers["hours_per_unit"].append(
                round(watched * service["unit_cost"] / hour.value, 6) if hour and hour.value else 0
            )
            largest = capacity
            if largest is None:
                largest = catalogue.value(section, "turnover") / service["unit_cost"]
            for band in _bands(service, price, largest):
                bands["provider"].append(site.key)
                bands["service"].append(service.key)
                for name, value in band.items():
                    bands[name].append(value)
    return {"offers": offers, "tariffs": bands}


def _bands(service: ServiceEntry, price: float, capacity: float) -> list[dict[str, Any]]:
    """Return price bands: tangents to the scale curve up to where it is straight, then itself.

    A tangent at v has the slope e·c(v)/v and the intercept (1 − e)·c(v). Below the volume at which
    economies of scale are exhausted the curve is concave, so that the least of its tangents is
    never below it.
    """
    exhausted, exponent = service["exhausted_at"], service["exponent"]
    end = round(exhausted, 3)
    straight = round(price * float(scale_cost(service, exhausted)) / exhausted, 6)
    result: list[dict[str, Any]] = []
    if exponent < 1:
        for share in TOUCHES:
            touch = share * exhausted
            cost = price * float(scale_cost(service, touch))
            result.append(
                {
                    "band": f"small-{len(result) + 1}",
                    "from_volume": None,
                    "to_volume": end,
                    "fixed_cost": round((1 - exponent) * cost, 2),
                    "unit_cost": round(exponent * cost / touch, 6),
                }
            )
    if exponent == 1 or capacity > exhausted:
        result.append(
            {
                "band": "full",
                "from_volume": None if exponent == 1 else end,
                "to_volume": None,
                "fixed_cost": 0,
                "unit_cost": straight,
            }
        )
    return result

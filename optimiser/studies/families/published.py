"""Published recipes, as instances of our problem: one service, no in-house, one band per offer.

Customers are organisations, sites are centres, a site's fixed cost is its running cost, and the
cost of serving all of a customer from a site is the option's access cost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from optimiser.errors import UsageError
from optimiser.model.schema import SHARED_CENTRE
from optimiser.studies.families.draws import keys, stream, texts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimiser.studies.families.draws import Indices, Numbers, Tables

#: Range of the fixed costs of classes a, b and c of Körkel and Ghosh.
CLASSES = {"a": (100, 200), "b": (1_000, 2_000), "c": (10_000, 20_000)}


def cornuejols(seed: int, organisations: int, centres: int, ratio: float) -> Tables:
    """Make a capacitated location problem, to be solved with split sourcing.

    Recipe: customers and sites uniform on the unit square; demand whole, U[5, 35]; capacity whole,
    U[10, 160], then scaled so that all capacities are `ratio` times all demand; fixed cost
    U[0, 90] + U[100, 110]·√capacity, with the capacity before scaling; unit cost 10 × distance.
    Costs are rounded to two decimals, scaled capacities down to whole numbers but not below 1.

    Source: G. Cornuéjols, R. Sridharan & J.-M. Thizy, "A comparison of heuristics and relaxations
    for the capacitated plant location problem", EJOR 50 (1991) 280-297, section 4.
    """
    demand, capacity, place, site = _square(seed, organisations, centres)
    fixed = _fixed(seed, capacity)
    scale = ratio * demand.sum() / capacity.sum()
    scaled = np.maximum(np.floor(capacity * scale), 1)
    cost = 10 * _distance(place, site) * demand[:, None]
    return _tables(demand, np.round(fixed, 2), np.round(cost, 2), scaled, place, site)


def yang(seed: int, organisations: int, centres: int, ratio: float) -> Tables:
    """Make a capacitated location problem, to be solved with single sourcing.

    Recipe: as for `cornuejols`, with the fixed costs drawn from the scaled capacities and all costs
    whole. Read off the published files, which it matches in the ranges of demand (5 to 35), of
    fixed cost over √capacity (100 to 120) and of cost over demand (0 to 13.3); their ratios of
    capacity to demand are 1.7 to 2.0 at 30 sites and 200 customers, 3.1 to 3.5 at 60 × 200, 3.4 to
    5.8 at 60 × 300 and about 7 at 80 × 400.

    Source: Z. Yang, F. Chu & H. Chen, "A cut-and-solve based algorithm for the single-source
    capacitated facility location problem", EJOR 221 (2012) 521-532.
    """
    demand, capacity, place, site = _square(seed, organisations, centres)
    scaled = np.maximum(np.round(capacity * ratio * demand.sum() / capacity.sum()), 1)
    cost = np.floor(10 * _distance(place, site) * demand[:, None])
    return _tables(demand, np.floor(_fixed(seed, scaled)), cost, scaled, place, site)


def koerkel_ghosh(seed: int, organisations: int, cost_class: str, symmetric: bool) -> Tables:
    """Make an uncapacitated location problem with as many sites as customers and a wide gap.

    Recipe: serving a customer from a site costs U[1000, 2000], whole, the same either way if
    symmetric; fixed costs are whole, U[100, 200] in class a, U[1000, 2000] in b and
    U[10000, 20000] in c. Neither has places; every demand is 1.

    Sources: M. Körkel, "On the exact solution of large-scale simple plant location problems", EJOR
    39 (1989) 157-173; D. Ghosh, "Neighborhood search heuristics for the uncapacitated facility
    location problem", EJOR 150 (2003) 150-162.
    """
    if cost_class not in CLASSES:
        raise UsageError(f"cost_class must be one of {', '.join(CLASSES)}, not {cost_class!r}.")
    low, high = CLASSES[cost_class]
    size = organisations
    cost = stream(seed, "costs").integers(1000, 2000, (size, size), endpoint=True)
    if symmetric:
        cost = np.triu(cost) + np.triu(cost, 1).T
    fixed = stream(seed, "fixed").integers(low, high, size, endpoint=True)
    return _tables(np.ones(size, dtype=np.int64), fixed, cost)


def _square(
    seed: int, organisations: int, centres: int
) -> tuple[Indices, Indices, Numbers, Numbers]:
    """Draw demands, capacities before scaling, and places on the unit square (six decimals)."""
    demand = stream(seed, "demands").integers(5, 35, organisations, endpoint=True)
    capacity = stream(seed, "capacities").integers(10, 160, centres, endpoint=True)
    place = np.round(stream(seed, "customers").uniform(size=(organisations, 2)), 6)
    site = np.round(stream(seed, "sites").uniform(size=(centres, 2)), 6)
    return demand, capacity, place, site


def _fixed(seed: int, capacity: NDArray[Any]) -> Numbers:
    rng = stream(seed, "fixed")
    base = rng.integers(0, 90, len(capacity), endpoint=True)
    factor = rng.integers(100, 110, len(capacity), endpoint=True)
    fixed: Numbers = base + factor * np.sqrt(capacity)
    return fixed


def _distance(place: Numbers, site: Numbers) -> Numbers:
    distance: Numbers = np.sqrt(np.square(place[:, None] - site[None]).sum(axis=2))
    return distance


def _tables(
    demand: NDArray[Any],
    fixed: NDArray[Any],
    cost: NDArray[Any],
    capacity: NDArray[Any] | None = None,
    place: Numbers | None = None,
    site: Numbers | None = None,
) -> Tables:
    """Tables from demands, fixed costs, costs of shape (customers, sites) and capacities.

    Places on the unit square are shown in thousandths of its side, as km.
    """
    customers, sites = cost.shape
    customer, centre = keys("O", customers), keys("C", sites)
    one = texts(["S00"])
    tables: Tables = {
        "organisations": {"organisation": customer},
        "services": {"service": one, "name": texts(["Service 0"]), "unit": texts(["units"])},
        "demand": {"organisation": customer, "service": np.repeat(one, customers),
                   "volume": demand},
        "providers": {"provider": centre, "mode": np.repeat(texts([SHARED_CENTRE]), sites),
                      "running_cost": fixed},
        "offers": {"provider": centre, "service": np.repeat(one, sites)},
        "tariffs": {"provider": centre, "service": np.repeat(one, sites),
                    "band": np.repeat(texts(["0"]), sites)},
        "options": {
            "organisation": np.repeat(customer, sites),
            "service": np.repeat(one, customers * sites),
            "provider": np.tile(centre, customers),
            "access_cost": cost.ravel(),
        },
    }  # fmt: skip
    if capacity is not None:
        tables["offers"]["capacity"] = capacity
    for name, points in (("organisations", place), ("providers", site)):
        if points is not None:
            tables[name]["x_km"], tables[name]["y_km"] = np.round(1000 * points, 3).T
    return tables

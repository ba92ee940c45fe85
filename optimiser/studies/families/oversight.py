"""The families oversight and schools, in which the hours of authorities' officers decide."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from optimiser.studies.families.draws import HOURS, MONEY, between, by_mode, keys, stream, texts
from optimiser.studies.families.regional import (
    REGIONAL,
    contracts,
    draw,
    offers,
    options,
    places,
    tariffs,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimiser.studies.families.draws import Numbers, Tables
    from optimiser.studies.families.regional import Draw

#: Hours that an officer gives in a year, and officers per manager.
OFFICER_HOURS, SPAN = 1600, 7
#: Room that an authority has over the officers needed if each pair went to its nearest centre.
ROOM = 1.3
#: Schools, against regional: bodies are small, near to one another, and know more co-operatives.
SCHOOLS = replace(
    REGIONAL,
    per_town=150,
    spread=8.0,
    median=60.0,
    sigma=0.7,
    whole=True,
    need=0.8,
    price=(100.0, 600.0),
    per_unit=1.0,
    unit="staff",
    centres=6,
    co_operatives=8,
    reach=15.0,
    co_operative_running=(2_000.0, 8_000.0),
    contract=((1_000.0, 2_500.0), (1_500.0, 4_000.0)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Hours of oversight a year: of each provider's contracts, each offer's pairs, each pair."""

    contract: Numbers
    service: Numbers
    in_house: Numbers


def hours(drawn: Draw) -> Hours:
    """Draw the hours of contracts, deliveries and in-house work."""
    at_centre = drawn.centre[drawn.offer_provider]
    pairs = len(drawn.volume)
    return Hours(
        contract=by_mode(drawn.seed, "contract hours", drawn.centre, (60, 120), (120, 260), HOURS),
        service=by_mode(drawn.seed, "service hours", at_centre, (20, 60), (60, 160), HOURS),
        in_house=between(stream(drawn.seed, "in-house hours"), 20, 80, pairs, HOURS),
    )


def at_nearest_centres(drawn: Draw, spent: Hours) -> Numbers:
    """Hours of each organisation if every pair went to the nearest centre that it may go to.

    A pair that no centre serves counts with its hours in-house. Shape (organisations,).
    """
    eligible = np.flatnonzero(drawn.centre[drawn.option_provider])
    order = eligible[np.lexsort((drawn.km[eligible], drawn.option_pair[eligible]))]
    pair, first = np.unique(drawn.option_pair[order], return_index=True)
    option = order[first]
    by_pair = spent.in_house.copy()
    by_pair[pair] = spent.service[drawn.option_offer[option]]
    chosen = np.stack([drawn.pair_organisation[pair], drawn.option_provider[option]], axis=1)
    who, whom = np.unique(chosen, axis=0).T
    total = np.zeros(len(drawn.place))
    np.add.at(total, drawn.pair_organisation, by_pair)
    np.add.at(total, who, spent.contract[whom])
    return total


def authorities(drawn: Draw, spent: Hours) -> dict[str, NDArray[Any]]:
    """Table of authorities, one per town, with officers and managers."""
    needed = np.bincount(
        drawn.town, weights=at_nearest_centres(drawn, spent), minlength=drawn.towns
    )
    officers = np.ceil(np.round(ROOM * needed / OFFICER_HOURS, 9))
    seed, count = drawn.seed, drawn.towns
    return {
        "authority": keys("A", count, 3),
        "name": texts([f"Town {index}" for index in range(count)]),
        "officer_hours": np.full(count, OFFICER_HOURS),
        "officer_cost": between(stream(seed, "officers"), 38_000, 52_000, count, MONEY),
        "max_officers": np.maximum(officers, 1).astype(np.int64),
        "span_of_control": np.full(count, SPAN),
        "manager_cost": between(stream(seed, "managers"), 55_000, 70_000, count, MONEY),
    }


def overseen(drawn: Draw, spent: Hours) -> Tables:
    """Tables of regional without the monitoring share, with authorities and hours instead."""
    tables = {
        **places(drawn),
        "authorities": authorities(drawn, spent),
        "offers": {**offers(drawn), "service_hours": spent.service},
        "tariffs": tariffs(drawn),
        "options": options(drawn),
        "contracts": contracts(drawn),
    }
    tables["organisations"]["authority"] = tables["authorities"]["authority"][drawn.town]
    tables["demand"]["in_house_hours"] = spent.in_house
    tables["providers"]["contract_hours"] = spent.contract
    return tables


def oversight(
    seed: int, organisations: int, services: int, centres: int, co_operatives: int
) -> Tables:
    """Make the tables of oversight: regional with officers in place of the monitoring share."""
    drawn = draw(seed, REGIONAL, organisations=organisations, services=services, centres=centres,
                 co_operatives=co_operatives)  # fmt: skip
    return overseen(drawn, hours(drawn))


def schools(
    seed: int, organisations: int, services: int, centres: int, co_operatives: int
) -> Tables:
    """Make the tables of schools: many small bodies, co-operatives with members and reach.

    What the recipe does not speak of is as in oversight, with β for a member of staff where
    regional has 1,000 β for a thousand residents. Two ranges would then make every co-operative
    absurd, since a school's year at one service is worth some hundredth of a council's: the cost of
    a contract and the running cost of a co-operative are a tenth of those in regional. A service's
    capacity at a co-operative is drawn as in regional, for 2 to 5 average members.
    """
    drawn = draw(seed, SCHOOLS, organisations=organisations, services=services, centres=centres,
                 co_operatives=co_operatives)  # fmt: skip
    tables = overseen(drawn, hours(drawn))
    providers = tables["providers"]
    for name, limit in (("min_members", 5), ("max_members", 40), ("max_distance_km", 15)):
        providers[name] = np.where(drawn.centre, np.nan, limit)
    return tables

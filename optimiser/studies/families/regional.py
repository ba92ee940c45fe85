"""The families regional and staircase, and the draw that oversight, schools and everything share.

Recipe of regional (`docs/problem.md` has the words): organisations cluster around towns on a square
of 500 km; each needs each service with some probability; centres are cheap per unit once full and
dear to run, co-operatives cheap to start and near. Its constants are the fields of `Recipe`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from optimiser.model.schema import CO_OPERATIVE, SHARED_CENTRE
from optimiser.studies.families.draws import (
    KM,
    MONEY,
    PRICE,
    VOLUME,
    between,
    by_mode,
    keys,
    nearest,
    stream,
    texts,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimiser.studies.families.draws import Indices, Numbers, Tables

#: Side of the square that towns lie on, km.
SQUARE = 500.0
#: Access: share of a pair's value per km.
ACCESS = 0.0006
#: Monitoring: share of a pair's value, at a centre and at a co-operative.
MONITORING = (0.025, 0.06)
#: Tariff, at a centre and at a co-operative: unit price of band 0 and its factor from band to band,
#: fixed cost of band 0 and its factor, all in base prices of one unit.
UNIT, UNIT_FACTOR = (0.82, 0.80), (0.86, 0.94)
FIXED, FIXED_FACTOR = (120.0, 8.0), (2.6, 2.6)
BANDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Constants in which schools differs from regional.

    Parameters
    ----------
    per_town
        Organisations per town.
    spread
        Standard deviation around the town, km in either direction.
    median, sigma
        Of the lognormal size of organisations, in units of volume.
    whole
        Whether sizes are whole numbers.
    need
        Probability that an organisation needs a service.
    price
        Range of the base price β, £.
    per_unit
        Base prices in the value of one unit of volume: 1,000 where β is per head and volume counts
        thousands.
    unit
        Unit of volume, in words.
    centres, co_operatives
        How many of the nearest an organisation sees.
    reach
        Greatest distance to a co-operative, km, or infinity.
    co_operative_running
        Range of a co-operative's running cost, £/yr.
    contract
        Ranges of a contract's cost at a centre and at a co-operative, £/yr.
    """

    per_town: int = 25
    spread: float = 25.0
    median: float = 140.0
    sigma: float = 0.6
    whole: bool = False
    need: float = 0.9
    price: tuple[float, float] = (4.0, 40.0)
    per_unit: float = 1000.0
    unit: str = "thousand residents"
    centres: int = 12
    co_operatives: int = 4
    reach: float = np.inf
    co_operative_running: tuple[float, float] = (20_000.0, 80_000.0)
    contract: tuple[tuple[float, float], tuple[float, float]] = (
        (10_000.0, 25_000.0),
        (15_000.0, 40_000.0),
    )


REGIONAL = Recipe()


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """What a seed and a recipe give, as arrays; providers are the centres, then the co-operatives.

    Parameters
    ----------
    seed, recipe, services
        As asked for; `services` is their number.
    towns
        Number of towns.
    town, place, size
        Of each organisation: its town, x and y (km, shape (organisations, 2)), size.
    centre, site, running
        Of each provider: whether it is a centre, x and y, running cost (£/yr).
    value_of_unit
        Of each service: its base price for one unit of volume, £.
    pair_organisation, pair_service, volume, in_house
        Of each pair: rows, volume, in-house cost (£/yr).
    offer_provider, offer_service, price, capacity
        Of each offer: rows, base price of a unit with the offer's own factor m (£), capacity.
    seen
        Providers that each organisation sees, shape (organisations, most), −1 where fewer.
    option_pair, option_provider, option_offer, km
        Of each option: rows and distance.
    """

    seed: int
    recipe: Recipe
    services: int
    towns: int
    town: Indices
    place: Numbers
    size: Numbers
    centre: NDArray[np.bool_]
    site: Numbers
    running: Numbers
    value_of_unit: Numbers
    pair_organisation: Indices
    pair_service: Indices
    volume: Numbers
    in_house: Numbers
    offer_provider: Indices
    offer_service: Indices
    price: Numbers
    capacity: Numbers
    seen: Indices
    option_pair: Indices
    option_provider: Indices
    option_offer: Indices
    km: Numbers

    @property
    def value(self) -> Numbers:
        """Yearly value of each pair at base prices, £."""
        return self.value_of_unit[self.pair_service] * self.volume

    @property
    def contracts(self) -> tuple[Indices, Indices]:
        """Organisation and provider of every contract that could be."""
        organisation, rank = np.nonzero(self.seen >= 0)
        return organisation, self.seen[organisation, rank]


def draw(
    seed: int,
    recipe: Recipe,
    *,
    organisations: int,
    services: int,
    centres: int,
    co_operatives: int,
) -> Draw:
    """Draw organisations, demand, providers, offers and options by a recipe."""
    towns = max(3, round(organisations / recipe.per_town))
    town_places = stream(seed, "towns").uniform(0, SQUARE, (towns, 2))
    town, place = _around(seed, "organisations", town_places, organisations, recipe.spread)
    rng = stream(seed, "sizes")
    size = recipe.median * np.exp(recipe.sigma * rng.standard_normal(organisations))
    if recipe.whole:
        size = np.maximum(np.round(size), 1.0)

    needed = stream(seed, "needs").uniform(size=(organisations, services)) < recipe.need
    needed[0, 0] |= not needed.any()  # an instance without demand is none
    pair_organisation, pair_service = np.nonzero(needed)
    pairs = len(pair_organisation)
    factor = between(stream(seed, "volumes"), 0.8, 1.2, pairs)
    volume = np.round(size[pair_organisation] * factor, VOLUME)
    value_of_unit = recipe.per_unit * between(stream(seed, "prices"), *recipe.price, services)
    fixed = between(stream(seed, "in-house fixed"), 0.7, 1.3, pairs)
    per_unit = between(stream(seed, "in-house unit"), 0.85, 1.2, pairs)
    in_house = value_of_unit[pair_service] * (0.25 * recipe.median * fixed + volume * per_unit)

    providers = centres + co_operatives
    centre = np.arange(providers) < centres
    _, site = _around(seed, "providers", town_places, providers, recipe.spread)
    running = by_mode(seed, "running", centre, (600_000, 2_000_000), recipe.co_operative_running)
    offered = stream(seed, "offers").uniform(size=(providers, services)) < np.where(
        centre[:, None], 0.85, 0.4
    )
    offer_provider, offer_service = np.nonzero(offered)
    at_centre = centre[offer_provider]
    offers = len(offer_provider)
    price = value_of_unit[offer_service] * between(stream(seed, "tariffs"), 0.9, 1.1, offers)
    total = np.bincount(pair_service, weights=volume, minlength=services)[offer_service]
    share = np.where(at_centre, max(centres, 1), organisations)
    capacity = by_mode(seed, "capacities", at_centre, (2, 4), (2, 5)) * total / share

    seen = np.concatenate(
        [
            nearest(place, site[:centres], recipe.centres),
            _shifted(nearest(place, site[centres:], recipe.co_operatives, recipe.reach), centres),
        ],
        axis=1,
    )
    offer_of = np.full((providers, services), -1, dtype=np.int64)
    offer_of[offer_provider, offer_service] = np.arange(offers)
    candidate = seen[pair_organisation]
    offer = np.where(candidate >= 0, offer_of[candidate, pair_service[:, None]], -1)
    option_pair, rank = np.nonzero(offer >= 0)
    option_provider = candidate[option_pair, rank]
    apart = place[pair_organisation[option_pair]] - site[option_provider]
    return Draw(
        seed=seed,
        recipe=recipe,
        services=services,
        towns=towns,
        town=town,
        place=place,
        size=size,
        centre=centre,
        site=site,
        running=np.round(running, MONEY),
        value_of_unit=value_of_unit,
        pair_organisation=pair_organisation,
        pair_service=pair_service,
        volume=volume,
        in_house=np.round(in_house, MONEY),
        offer_provider=offer_provider,
        offer_service=offer_service,
        price=price,
        capacity=np.round(capacity, VOLUME),
        seen=seen,
        option_pair=option_pair,
        option_provider=option_provider,
        option_offer=offer[option_pair, rank],
        km=np.sqrt(np.square(apart).sum(axis=1)),
    )


def regional(
    seed: int, organisations: int, services: int, centres: int, co_operatives: int
) -> Tables:
    """Make the tables of regional: three bands per offer, monitoring within the access cost.

    All three bands of an offer stay in, also one whose threshold lies above the offer's capacity;
    `model/clean.py` takes such bands out before any solver sees them.
    """
    drawn = draw(seed, REGIONAL, organisations=organisations, services=services, centres=centres,
                 co_operatives=co_operatives)  # fmt: skip
    return {
        **places(drawn),
        "offers": offers(drawn),
        "tariffs": tariffs(drawn),
        "options": options(drawn, MONITORING),
        "contracts": contracts(drawn),
    }


def staircase(
    seed: int, organisations: int, services: int, centres: int, co_operatives: int
) -> Tables:
    """Make the tables of staircase: regional with blocks, and overtime above the normal capacity.

    With Q the regional capacity, u the unit price of the regional middle band and F half its fixed
    cost, an offer has the bands (fixed cost, unit price) up to Q/3: (F, u); up to 2Q/3: (1.9 F,
    0.94 u); up to Q: (2.7 F, 0.90 u); up to 1.2 Q: (2.7 F − 0.1 u Q, 1.05 u). The last, overtime,
    is valid from Q only: below it, its low fixed cost would undercut the other bands, at times
    below nothing. The offer's capacity is 1.2 Q.
    """
    drawn = draw(seed, REGIONAL, organisations=organisations, services=services, centres=centres,
                 co_operatives=co_operatives)  # fmt: skip
    most = np.round(1.2 * drawn.capacity, VOLUME)
    unit, fixed = _lines(drawn)
    price, half, full = unit[:, 1], fixed[:, 1] / 2, drawn.capacity
    bands = {
        "from_volume": full[:, None] * np.array([0, 0, 0, 1]),
        "to_volume": np.concatenate(
            [full[:, None] * np.array([1 / 3, 2 / 3, 1]), most[:, None]], axis=1
        ),
        "fixed_cost": np.stack(
            [half, 1.9 * half, 2.7 * half, 2.7 * half - 0.1 * price * full], axis=1
        ),
        "unit_cost": price[:, None] * np.array([1, 0.94, 0.90, 1.05]),
    }
    return {
        **places(drawn),
        "offers": {**offers(drawn), "capacity": most},
        "tariffs": _by_band(drawn, bands),
        "options": options(drawn, MONITORING),
        "contracts": contracts(drawn),
    }


def places(drawn: Draw) -> Tables:
    """Tables that hold no more than the draw: organisations, services, demand, providers."""
    recipe = drawn.recipe
    organisation, service, provider = _names(drawn)
    centres = int(drawn.centre.sum())
    kinds = ["Centre" if centre else "Co-operative" for centre in drawn.centre.tolist()]
    organisations: dict[str, NDArray[Any]] = {
        "organisation": organisation,
        "name": texts([f"Organisation {index}" for index in range(len(organisation))]),
        "x_km": drawn.place[:, 0],
        "y_km": drawn.place[:, 1],
    }
    if recipe.whole:
        organisations["staff"] = drawn.size
    return {
        "organisations": organisations,
        "services": {
            "service": service,
            "name": texts([f"Service {index}" for index in range(drawn.services)]),
            "unit": texts([recipe.unit] * drawn.services),
        },
        "demand": {
            "organisation": organisation[drawn.pair_organisation],
            "service": service[drawn.pair_service],
            "volume": drawn.volume,
            "in_house_cost": drawn.in_house,
        },
        "providers": {
            "provider": provider,
            "name": texts([f"{kind} {index}" for index, kind in enumerate(kinds)]),
            "mode": texts([SHARED_CENTRE] * centres + [CO_OPERATIVE] * (len(provider) - centres)),
            "x_km": drawn.site[:, 0],
            "y_km": drawn.site[:, 1],
            "running_cost": drawn.running,
        },
    }


def offers(drawn: Draw) -> dict[str, NDArray[Any]]:
    """Table of offers with their capacities."""
    _, service, provider = _names(drawn)
    return {
        "provider": provider[drawn.offer_provider],
        "service": service[drawn.offer_service],
        "capacity": drawn.capacity,
    }


def tariffs(drawn: Draw) -> dict[str, NDArray[Any]]:
    """Table of tariffs: three lines per offer, of which the lowest is in force."""
    unit, fixed = _lines(drawn)
    return _by_band(drawn, {"fixed_cost": fixed, "unit_cost": unit})


def options(drawn: Draw, monitoring: tuple[float, float] = (0.0, 0.0)) -> dict[str, NDArray[Any]]:
    """Table of options: access by the km, and monitoring as a share of value, in one cost.

    Parameters
    ----------
    drawn
        The draw.
    monitoring
        Share of the pair's value at a centre and at a co-operative.
    """
    organisation, service, provider = _names(drawn)
    share = np.where(drawn.centre[drawn.option_provider], *monitoring)
    cost = drawn.value[drawn.option_pair] * (ACCESS * drawn.km + share)
    return {
        "organisation": organisation[drawn.pair_organisation[drawn.option_pair]],
        "service": service[drawn.pair_service[drawn.option_pair]],
        "provider": provider[drawn.option_provider],
        "access_cost": np.round(cost, MONEY),
    }


def contracts(drawn: Draw) -> dict[str, NDArray[Any]]:
    """Table of contracts: what each costs, for every provider that an organisation sees."""
    organisation, _, provider = _names(drawn)
    who, whom = drawn.contracts
    cost = by_mode(drawn.seed, "contracts", drawn.centre[whom], *drawn.recipe.contract, MONEY)
    return {
        "organisation": organisation[who],
        "provider": provider[whom],
        "contract_cost": cost,
    }


def _names(drawn: Draw) -> tuple[NDArray[np.object_], NDArray[np.object_], NDArray[np.object_]]:
    """Keys of organisations, services and providers."""
    centres = int(drawn.centre.sum())
    provider = np.concatenate(
        [keys("C", centres), keys("K", len(drawn.centre) - centres, start=centres)]
    )
    return keys("O", len(drawn.place)), keys("S", drawn.services, 2), provider


def _around(
    seed: int, purpose: str, towns: Numbers, count: int, spread: float
) -> tuple[Indices, Numbers]:
    """Towns and places, normally spread around them, of so many organisations or providers."""
    rng = stream(seed, f"{purpose} places")
    town = rng.integers(len(towns), size=count)
    return town, np.round(towns[town] + spread * rng.standard_normal((count, 2)), KM)


def _shifted(rows: Indices, by: int) -> Indices:
    return np.where(rows < 0, -1, rows + by)


def _lines(drawn: Draw) -> tuple[Numbers, Numbers]:
    """Return unit prices and fixed costs of each offer's three lines, each of shape (offers, 3)."""
    mode = np.where(drawn.centre[drawn.offer_provider], 0, 1)
    band = np.arange(BANDS)
    unit = np.array(UNIT)[mode, None] * np.array(UNIT_FACTOR)[mode, None] ** band
    fixed = np.array(FIXED)[mode, None] * np.array(FIXED_FACTOR)[mode, None] ** band
    return drawn.price[:, None] * unit, drawn.price[:, None] * fixed


def _by_band(drawn: Draw, values: dict[str, Numbers]) -> dict[str, NDArray[Any]]:
    """Table of tariffs from values of shape (offers, bands), offer by offer."""
    _, service, provider = _names(drawn)
    bands = values["fixed_cost"].shape[1]
    decimals = {"fixed_cost": MONEY, "unit_cost": PRICE}
    return {
        "provider": np.repeat(provider[drawn.offer_provider], bands),
        "service": np.repeat(service[drawn.offer_service], bands),
        "band": np.tile(texts([str(band) for band in range(bands)]), len(drawn.offer_provider)),
        **{
            name: np.round(array, decimals.get(name, VOLUME)).ravel()
            for name, array in values.items()
        },
    }

"""The family everything: oversight, with every other part of the problem in use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from optimiser.model.schema import CO_OPERATIVE, IN_HOUSE
from optimiser.studies.families.draws import MONEY, VOLUME, between, stream, texts
from optimiser.studies.families.oversight import hours, overseen
from optimiser.studies.families.regional import REGIONAL, draw

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimiser.studies.families.draws import Indices, Tables
    from optimiser.studies.families.regional import Draw

#: Share of pairs that have an incumbent, and of these that are in-house today.
INCUMBENTS, TODAY_IN_HOUSE = 0.6, 0.5
#: Incumbents that are no provider, as places from the end of the list of names.
BY_ITSELF, NOBODY = -2, -1
#: Shares of a pair's yearly value that leaving and joining cost.
EXIT, ENTRY = 0.2, 0.1
#: Provider's capacity over the sum of its offers', and least volume over an offer's capacity.
POOLED, LEAST = 0.7, 0.1
#: Cost of two services of an organisation from different deliverers, £/yr.
SPLIT = (10_000.0, 40_000.0)
#: Most volume in one provider, fewest pairs at co-operatives, most incumbents left.
MOST_VOLUME, FEWEST_PAIRS, MOST_MOVED = 0.5, 0.1, 0.6


def everything(
    seed: int, organisations: int, services: int, centres: int, co_operatives: int
) -> Tables:
    """Make the tables of everything.

    Where the recipe is silent: half of the incumbents are in-house, the others an existing provider
    among the pair's options, any alike (in-house where there is none); going in-house costs as much
    as joining a provider; the first two services are bought together, the next two split at a
    cost of U(10,40)k. The limit on moved pairs is the whole number of 60 % of the pairs that have
    an incumbent, since that measure is an amount and not a share. Without a service or a
    co-operative to speak of, the link or the policy is left out.
    """
    drawn = draw(seed, REGIONAL, organisations=organisations, services=services, centres=centres,
                 co_operatives=co_operatives)  # fmt: skip
    tables = overseen(drawn, hours(drawn))
    incumbent = _incumbents(drawn)
    providers, demand, offers = tables["providers"], tables["demand"], tables["offers"]
    existing = np.arange(len(drawn.centre)) % 3 == 0

    names = np.concatenate([providers["provider"], texts([IN_HOUSE, ""])])
    held = incumbent != NOBODY
    value = np.where(held, drawn.value, np.nan)
    demand["incumbent"] = names[incumbent]
    demand["exit_cost"] = np.round(EXIT * value, MONEY)
    demand["in_house_entry_cost"] = np.where(
        incumbent == BY_ITSELF, np.nan, np.round(ENTRY * drawn.value, MONEY)
    )
    tables["options"]["entry_cost"] = np.round(ENTRY * drawn.value[drawn.option_pair], MONEY)

    providers["status"] = np.where(existing, "existing", "candidate").astype(object)
    providers["opening_cost"] = np.where(existing, np.nan, drawn.running)
    providers["closing_cost"] = np.where(existing, drawn.running, np.nan)
    pooled = np.bincount(drawn.offer_provider, weights=drawn.capacity, minlength=len(drawn.centre))
    providers["capacity"] = np.round(POOLED * pooled, VOLUME)
    share = between(stream(seed, "set-up"), 0.1, 0.5, len(drawn.offer_provider))
    offers["set_up_cost"] = np.round(share * drawn.running[drawn.offer_provider], MONEY)
    offers["min_volume"] = np.round(LEAST * drawn.capacity, VOLUME)

    links = _links(drawn, tables["services"]["service"])
    if links:
        tables["links"] = links
    tables["policies"] = _policies(drawn, int(held.sum()))
    return tables


def _incumbents(drawn: Draw) -> Indices:
    """Draw each pair's provider of today, `BY_ITSELF` or `NOBODY`; shape (pairs,)."""
    pairs = len(drawn.volume)
    rng = stream(drawn.seed, "incumbents")
    held, in_house = rng.uniform(size=(2, pairs)) < [[INCUMBENTS], [TODAY_IN_HOUSE]]
    # The existing option with the least random number is any of them alike.
    lot = rng.uniform(size=len(drawn.option_pair))
    stands = np.flatnonzero(drawn.option_provider % 3 == 0)
    order = stands[np.lexsort((lot[stands], drawn.option_pair[stands]))]
    pair, first = np.unique(drawn.option_pair[order], return_index=True)
    result = np.full(pairs, BY_ITSELF, dtype=np.int64)
    result[pair] = drawn.option_provider[order[first]]
    result[in_house] = BY_ITSELF
    result[~held] = NOBODY
    return result


def _links(drawn: Draw, service: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Return links of the first two services and of the next two, where there are so many."""
    pairs = [(0, 1), (2, 3) if drawn.services > 3 else (1, 2)]
    kept = [index for index, pair in enumerate(pairs) if max(pair) < drawn.services]
    if not kept:
        return {}
    cost = between(stream(drawn.seed, "links"), *SPLIT, 1, MONEY)[0]
    return {
        "service_a": service[[pairs[index][0] for index in kept]],
        "service_b": service[[pairs[index][1] for index in kept]],
        "rule": texts(["together", "split-cost"])[kept],
        "cost": np.array([np.nan, cost])[kept],
    }


def _policies(drawn: Draw, held: int) -> dict[str, NDArray[Any]]:
    """Return the three policies; `held` is the number of pairs that have an incumbent."""
    moved = int(np.floor(np.round(MOST_MOVED * held, 9)))
    rows: list[tuple[str, str, str, str, float, float, str]] = [
        ("no-giant", "each-provider", "volume", "", np.nan, MOST_VOLUME, "share"),
        ("some-local", "total", "pairs", CO_OPERATIVE, FEWEST_PAIRS, np.nan, "share"),
        ("not-all-at-once", "total", "moved_pairs", "", np.nan, moved, "absolute"),
    ]
    if drawn.centre.all():
        del rows[1]
    policy, scope, measure, mode, minimum, maximum, unit = zip(*rows, strict=True)
    return {
        "policy": texts(list(policy)),
        "scope": texts(list(scope)),
        "measure": texts(list(measure)),
        "mode": texts(list(mode)),
        "minimum": np.array(minimum),
        "maximum": np.array(maximum),
        "unit": texts(list(unit)),
    }

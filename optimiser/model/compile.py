"""Instance -> Problem: everything that needs no decision, worked out once in integers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimiser.errors import Fault, InstanceError
from optimiser.model.compile_costs import Pricing
from optimiser.model.compile_rows import RowMaker
from optimiser.model.distance import UNREACHABLE, Distances
from optimiser.model.instance import BLANK, IN_HOUSE_CODE, NOWHERE
from optimiser.model.problem import UNLIMITED, Linear, Names, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from optimiser.model.instance import Instance
    from optimiser.model.rows import Objective, SideRow

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

#: Candidate options looked at in one go, which bounds memory.
CHUNK = 4_000_000


def compile_problem(
    instance: Instance, rows: Sequence[SideRow] = (), objective: Objective | None = None
) -> Problem:
    """Compile an instance, with further side rows and, if need be, another objective than money.

    Raises
    ------
    InstanceError
        If a distance that is needed does not exist, or a cost is too large to be held exactly.
    UsageError
        If a side row or the objective names what is not there, or asks what cannot be asked.
    """
    options = _options(instance)
    pricing = Pricing(instance, options)
    problem = _assemble(instance, options, pricing)
    return RowMaker(instance, options, pricing, problem).finish(rows, objective)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Options:
    """Options with rows of the tables they come from.

    Shape (options,) but `home`, which is by row of ``demand``. `row` is the row of ``options`` or
    −1; `metres` the distance where access is priced by it, else 0.
    """

    pair: Ints
    provider: Ints
    offer: Ints
    row: Ints
    metres: Ints
    home: Bools


def _options(instance: Instance) -> Options:
    """Find the options of all pairs, sorted by pair and then provider."""
    table, demand, providers = instance["options"], instance["demand"], instance["providers"]
    distances = Distances(instance)
    table_pair = demand.find(table["organisation"], table["service"])
    by_provider = np.flatnonzero((table["provider"] >= 0) & (table_pair >= 0))
    codes = [_code(table_pair[by_provider], table["provider"][by_provider])]
    if instance.settings.generate:
        codes.extend(_generated(instance, distances))
    staying = np.flatnonzero(demand["incumbent"] >= 0)
    codes.append(_code(staying, demand["incumbent"][staying]))
    code = np.unique(np.concatenate(codes))

    row = np.full(len(code), -1, dtype=np.int64)
    row[np.searchsorted(code, codes[0])] = by_provider
    barred = (row >= 0) & (table["decision"][row] == "barred") if len(table) else row >= 0
    pair, provider = code >> 32, code & 0xFFFFFFFF
    offer = instance["offers"].find(provider, demand["service"][pair])
    keep = ~barred & (offer >= 0) & (providers["decision"][provider] != "barred")
    if not instance.settings.split:
        keep &= _fits(instance, pair, provider, offer)

    home = demand["in_house_cost"] != BLANK
    here = np.flatnonzero((table["provider"] == IN_HOUSE_CODE) & (table_pair >= 0))
    home[table_pair[here[table["decision"][here] == "barred"]]] = False
    decided = np.flatnonzero((table["decision"] == "required") & (table_pair >= 0))
    if len(decided):
        # Wherever one deliverer is required, nothing else is an option.
        wanted = np.full(len(demand), NOWHERE, dtype=np.int64)
        wanted[table_pair[decided]] = table["provider"][decided]
        keep &= (wanted[pair] == NOWHERE) | (wanted[pair] == provider)
        home &= (wanted == NOWHERE) | (wanted == IN_HOUSE_CODE)
    pair, provider, offer, row = (a[keep] for a in (pair, provider, offer, row))
    return Options(
        pair=pair,
        provider=provider,
        offer=offer,
        row=row,
        home=home,
        metres=_metres(instance, distances, pair, provider, row),
    )


def _code(pair: Ints, provider: Ints) -> Ints:
    return pair.astype(np.int64) << 32 | provider


def _generated(instance: Instance, distances: Distances) -> Iterator[Ints]:
    """Codes of all pairs and providers with an offer within reach."""
    demand, offers = instance["demand"], instance["offers"]
    reach = instance["providers"]["max_distance_km"]
    network = instance.settings.metric == "network"
    for service in range(len(instance["services"])):
        pairs = np.flatnonzero(demand["service"] == service)
        everyone = offers["provider"][offers["service"] == service]
        step = max(1, CHUNK // max(1, len(pairs)))
        for start in range(0, len(everyone), step):
            theirs = np.sort(everyone[start : start + step])
            pair = np.repeat(pairs, len(theirs))
            provider = np.tile(theirs, len(pairs))
            if network or np.any(reach[theirs] != BLANK):
                metres = distances.metres(demand["organisation"][pair], provider)
                limit = reach[provider]
                near = (metres != UNREACHABLE) & ((limit == BLANK) | (metres <= limit))
                pair, provider = pair[near], provider[near]
            yield _code(pair, provider)


def _fits(instance: Instance, pair: Ints, provider: Ints, offer: Ints) -> Bools:
    """Whether the whole pair is within its offer's and its provider's capacity."""
    demand = instance["demand"]
    volume = demand["volume"][pair]
    limit = instance["offers"]["capacity"][offer]
    fits = (limit == BLANK) | (volume <= limit)
    weight = instance["services"]["weight"][demand["service"][pair]]
    whole = instance["providers"]["capacity"][provider]
    return np.asarray(fits & ((whole == BLANK) | (volume * weight <= _scaled(whole))), dtype=bool)


def _scaled(capacity: Ints) -> Ints:
    """Capacity in last places of weight × volume, `UNLIMITED` where blank or beyond int64."""
    limited = (capacity != BLANK) & (capacity <= UNLIMITED // 1000)
    return np.where(limited, np.where(limited, capacity, 0) * 1000, UNLIMITED)


def _metres(
    instance: Instance, distances: Distances, pair: Ints, provider: Ints, row: Ints
) -> Ints:
    """Distance of every option whose access is priced by it; a fault where there is no way."""
    demand, table = instance["demand"], instance["options"]
    rate = instance["services"]["access_rate"][demand["service"][pair]]
    given = (row >= 0) & (table["access_cost"][row] != BLANK) if len(table) else row >= 0
    needed = np.flatnonzero(~given & (rate > 0))
    metres = np.zeros(len(pair), dtype=np.int64)
    if len(needed):
        found = distances.metres(demand["organisation"][pair[needed]], provider[needed])
        lost = needed[found == UNREACHABLE]
        if len(lost):
            ours, theirs = instance["organisations"].keys, instance["providers"].keys
            raise InstanceError(
                [
                    Fault(
                        source="network",
                        value=f"{ours[demand['organisation'][q]]} – {theirs[p]}",
                        rule="no road joins an organisation and its incumbent or listed provider",
                        remedy="Add the missing road, or give the option an access_cost.",
                    )
                    for q, p in zip(pair[lost][:20], provider[lost][:20], strict=True)
                ]
            )
        metres[needed] = found
    return metres


def _limit(values: Ints) -> Ints:
    return np.where(values == BLANK, UNLIMITED, values)


def _assemble(instance: Instance, options: Options, pricing: Pricing) -> Problem:
    """Put the arrays together; rows and covers come later."""
    demand, offers, tariffs = instance["demand"], instance["offers"], instance["tariffs"]
    providers = instance["providers"]
    offer_row, option_offer = np.unique(options.offer, return_inverse=True)
    provider_row = np.unique(offers["provider"][offer_row])
    offer_provider = np.searchsorted(provider_row, offers["provider"][offer_row])

    tariff_offer = offers.find(tariffs["provider"], tariffs["service"])
    place = np.full(len(offers) + 1, -1, dtype=np.int64)
    place[offer_row] = np.arange(len(offer_row))
    kept = np.flatnonzero(place[tariff_offer] >= 0)
    band_row = kept[np.argsort(place[tariff_offer[kept]], kind="stable")]
    band_offer = place[tariff_offer[band_row]]
    start = np.searchsorted(band_offer, np.arange(len(offer_row) + 1))

    count = (start[1:] - start[:-1])[option_offer]
    banded_option = np.repeat(np.arange(len(option_offer)), count)
    first = np.repeat(np.cumsum(count) - count, count)
    banded_band = np.repeat(start[option_offer], count) + np.arange(len(banded_option)) - first

    option_organisation = demand["organisation"][options.pair]
    contract_code = option_organisation << 32 | offer_provider[option_offer]
    contract, option_contract = np.unique(contract_code, return_inverse=True)
    contract_organisation, contract_provider = contract >> 32, contract & 0xFFFFFFFF

    objective, slack = pricing.objective(
        pricing.weights,
        offer_row,
        provider_row,
        band_row,
        banded_option,
        banded_band,
        contract_organisation,
        provider_row[contract_provider],
    )
    together, apart, link, link_cost = pricing.links()
    by_kind = {**objective.by_kind, "link": link_cost}
    oversight = pricing.oversight
    nothing = np.zeros(0, dtype=np.int64)
    return Problem(
        split=instance.settings.split,
        names=_names(instance, oversight.keys),
        pair_organisation=demand["organisation"],
        pair_service=demand["service"],
        pair_volume=demand["volume"],
        pair_authority=oversight.of_organisation[demand["organisation"]],
        home=options.home,
        option_pair=options.pair,
        option_offer=option_offer,
        option_contract=option_contract,
        banded_option=banded_option,
        banded_band=banded_band,
        offer_row=offer_row,
        offer_provider=offer_provider,
        offer_service=offers["service"][offer_row],
        offer_capacity=_limit(offers["capacity"][offer_row]),
        offer_minimum=offers["min_volume"][offer_row],
        band_offer=band_offer,
        band_row=band_row,
        band_from=tariffs["from_volume"][band_row],
        band_to=_limit(tariffs["to_volume"][band_row]),
        provider_row=provider_row,
        provider_capacity=_scaled(providers["capacity"][provider_row]),
        provider_min_members=providers["min_members"][provider_row],
        provider_max_members=_limit(providers["max_members"][provider_row]),
        contract_organisation=contract_organisation,
        contract_provider=contract_provider,
        service_weight=instance["services"]["weight"],
        authority_officer_hours=oversight.officer_hours,
        authority_span=oversight.span,
        authority_max_officers=oversight.max_officers,
        authority_max_contracts=oversight.max_contracts,
        hours_scale=pricing.hours_scale,
        hours=pricing.hours(contract_organisation, provider_row[contract_provider]),
        objective=Linear(constant=objective.constant, by_kind=by_kind),
        together=together,
        apart=apart,
        link=link,
        cover_start=np.zeros(1, dtype=np.int64),
        cover_home=nothing.astype(bool),
        cover_index=nothing,
        slack=slack,
    )


def _names(instance: Instance, authorities: tuple[str, ...]) -> Names:
    return Names(
        organisations=tuple(instance["organisations"].keys.tolist()),
        services=tuple(instance["services"].keys.tolist()),
        providers=tuple(instance["providers"].keys.tolist()),
        organisation_names=tuple(instance["organisations"]["name"].tolist()),
        service_names=tuple(instance["services"]["name"].tolist()),
        provider_names=tuple(instance["providers"]["name"].tolist()),
        units=tuple(instance["services"]["unit"].tolist()),
        authorities=authorities,
        volume_decimals=instance.settings.volume_decimals,
    )

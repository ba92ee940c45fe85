"""Column vectors to plans and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimiser.model.plan import BY_ITSELF, Plan
from optimiser.solvers.milp.rules import contract_authority

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimiser.solvers.milp.columns import Columns

    Ints = NDArray[np.int64]


def decode(columns: Columns, x: NDArray[np.float64]) -> Plan:
    """Return the plan of a column vector; the nearest there is if the vector is not quite whole."""
    problem = columns.problem
    pair = np.concatenate([problem.option_pair[problem.banded_option], columns.home])
    rows = problem.provider_row[problem.option_provider[problem.banded_option]]
    by = np.concatenate([rows, np.full(len(columns.home), BY_ITSELF)])
    value = np.concatenate([x[columns.block("x")], x[columns.block("h")]])
    if not columns.split:
        order = np.lexsort((value, pair))
        last = np.flatnonzero(np.diff(pair[order], append=-1))
        best = order[last]
        return Plan.from_arrays(pair[best], by[best], problem.pair_volume[pair[best]])
    volume = np.maximum(np.rint(value), 0).astype(np.int64)
    total = np.zeros(problem.pairs, dtype=np.int64)
    np.add.at(total, pair, volume)
    order = np.lexsort((volume, pair))
    last = np.flatnonzero(np.diff(pair[order], append=-1))
    best = order[last]  # the largest delivery of each pair takes up what rounding left
    volume[best] = np.maximum(volume[best] + (problem.pair_volume - total)[pair[best]], 0)
    code = pair << 32 | (by + 2)
    unique, where = np.unique(code, return_inverse=True)
    summed = np.zeros(len(unique), dtype=np.int64)
    np.add.at(summed, where, volume)
    return Plan.from_arrays(unique >> 32, (unique & 0xFFFFFFFF) - 2, summed)


def encode(columns: Columns, plan: Plan) -> NDArray[np.float64] | None:
    """Return the column vector of a plan; None where it uses what is no option here."""
    problem = columns.problem
    home = plan.deliverer == BY_ITSELF
    option = problem.option_of(plan.pair, plan.deliverer)
    if np.any((option < 0) & ~home) or not problem.home[plan.pair[home]].all():
        return None
    x = np.zeros(columns.count)
    option, volume = option[~home], plan.volume[~home]
    share = np.zeros(problem.options)
    share[option] = volume / problem.option_volume[option]
    band = _bands_in_force(columns, option, volume, share)
    if band is None:
        return None
    in_force = np.zeros(columns.sizes["z"], dtype=bool)
    in_force[band] = True
    x[columns.at("z", band)] = 1
    used = np.zeros(problem.options, dtype=bool)
    used[option] = True
    served = np.flatnonzero(in_force[problem.banded_band] & used[problem.banded_option])
    amount = np.zeros(problem.options)
    amount[option] = volume if columns.split else 1
    x[columns.at("x", served)] = amount[problem.banded_option[served]]
    own = columns.home_at[plan.pair[home]]
    x[columns.at("h", own)] = plan.volume[home] if columns.split else 1
    if columns.split:
        x[columns.at("u", option)] = 1
        x[columns.at("v", own)] = 1
    x[columns.at("w", problem.option_contract[option])] = 1
    x[columns.at("y", problem.option_provider[option])] = 1
    at_home = np.zeros(problem.pairs)
    at_home[plan.pair[home]] = plan.volume[home] / problem.pair_volume[plan.pair[home]]
    _encode_oversight(columns, x, share, used, at_home)
    member = np.where(
        problem.cover_home,
        at_home[problem.cover_index % max(problem.pairs, 1)] > 0,
        used[problem.cover_index % max(problem.options, 1)] if problem.options else False,
    )
    cover = np.repeat(np.arange(columns.sizes["r"]), np.diff(problem.cover_start))
    x[columns.at("r", np.unique(cover[member]))] = 1
    by: dict[int, set[int]] = {}
    for q, deliverer in zip(plan.pair.tolist(), plan.deliverer.tolist(), strict=True):
        by.setdefault(q, set()).add(deliverer)
    differ = [by.get(a) != by.get(b) for a, b in problem.link.tolist()]
    x[columns.at("d", np.flatnonzero(differ))] = 1
    return x


def _bands_in_force(
    columns: Columns, option: Ints, volume: Ints, share: NDArray[np.float64]
) -> Ints | None:
    """Return the cheapest valid band of each offer in use; None if one has none."""
    problem = columns.problem
    offers = problem.size("offer")
    total = np.zeros(offers, dtype=np.int64)
    np.add.at(total, problem.option_offer[option], volume)
    each = total[problem.band_offer]
    valid = (each >= problem.band_from) & (each <= problem.band_to) & (each > 0)
    price = problem.objective.get("band", columns.sizes["z"]).astype(float)
    unit = problem.objective.get("banded", columns.sizes["x"]) * share[problem.banded_option]
    np.add.at(price, problem.banded_band, unit)
    served = np.zeros(columns.sizes["z"], dtype=np.int64)
    np.add.at(served, problem.banded_band, share[problem.banded_option] > 0)
    valid &= (
        served == np.bincount(problem.option_offer[option], minlength=offers)[problem.band_offer]
    )
    candidates = np.flatnonzero(valid)
    order = candidates[np.lexsort((price[candidates], problem.band_offer[candidates]))]
    first = np.flatnonzero(np.diff(problem.band_offer[order], prepend=-1))
    chosen = order[first]
    return chosen if len(chosen) == int(np.sum(total > 0)) else None


def _encode_oversight(
    columns: Columns,
    x: NDArray[np.float64],
    share: NDArray[np.float64],
    used: NDArray[np.bool_],
    at_home: NDArray[np.float64],
) -> None:
    problem, hours = columns.problem, columns.problem.hours
    count = problem.size("officers")
    total = np.zeros(count)
    authority = problem.pair_authority[problem.option_pair]
    np.add.at(total, authority, hours.get("part", problem.options) * share)
    np.add.at(total, authority, hours.get("use", problem.options) * used)
    np.add.at(total, problem.pair_authority, hours.get("home", problem.pairs) * at_home)
    contract = x[columns.block("w")]
    np.add.at(
        total,
        contract_authority(problem),
        hours.get("contract", problem.size("contract")) * contract,
    )
    per, span = problem.authority_officer_hours, problem.authority_span
    officers = np.where(per > 0, np.ceil(total / np.maximum(per, 1) - 1e-12), 0)
    x[columns.block("n")] = officers
    x[columns.block("m")] = np.where(span > 0, np.ceil(officers / np.maximum(span, 1)), 0)

"""Flows under split sourcing: when they are whole by themselves, and how to make them so.

Once every other decision is fixed, volumes run through a network: pair → option → offer, in the one
band in force → provider. Its capacities and demands are whole, so its vertices are, too (Hoffman &
Kruskal 1956, Integral boundary points of convex polyhedra), and flows may be continuous columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from optimiser.model.problem import UNLIMITED
from optimiser.solvers.milp import rules

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimiser.model.problem import Problem
    from optimiser.solvers.milp.columns import Columns

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

#: Kinds of atoms that are volumes or shares of them.
SHARES: Final = frozenset({"part", "banded", "home"})
#: Largest distance from whole volumes at which rounding will do.
NEAR: Final = 1e-3
#: Largest total of unit costs over a path that the solver of flows is given.
DEAREST: Final = 2.0**40


def are_whole(problem: Problem) -> bool:
    """Whether flows are whole at every vertex, whatever the other columns are fixed at.

    So it is unless a rule weighs volumes against each other: equal shares, officers for hours that
    grow with volume, policies and side rows over shares, capacities over unlike services.
    """
    if not problem.split or len(problem.together):
        return False
    if any(term.kind in SHARES for row in problem.rows for term in row.terms):
        return False
    counted = rules.counted(problem)
    hours, authority = problem.hours, problem.pair_authority
    if np.any(counted[authority] & (hours.get("home", problem.pairs) != 0) & problem.home):
        return False
    if np.any(counted[authority[problem.option_pair]] & (hours.get("part", problem.options) != 0)):
        return False
    return _one_weight(problem)


def _one_weight(problem: Problem) -> bool:
    """Whether every provider of limited capacity has services of one and the same weight."""
    return bool(np.all(_weight(problem) >= 0))


def _weight(problem: Problem) -> Ints:
    """Return the weight that all a provider's services have, or −1, shape (providers,).

    Where capacity is not limited that is 0: it does not matter.
    """
    weight = problem.service_weight[problem.offer_service]
    least, most = (np.full(problem.size("provider"), n, dtype=np.int64) for n in (UNLIMITED, -1))
    np.minimum.at(least, problem.offer_provider, weight)
    np.maximum.at(most, problem.offer_provider, weight)
    result: Ints = np.where(least == most, least, -1)
    return np.where(problem.provider_capacity < UNLIMITED, result, 0)


def whole_capacity(problem: Problem) -> Ints:
    """Return providers' capacities, less what no whole volume can use, shape (providers,)."""
    weight, capacity = np.maximum(_weight(problem), 1), problem.provider_capacity
    return np.where(capacity < UNLIMITED, capacity // weight * weight, capacity)


def watched_uses(problem: Problem, *, exact: bool) -> tuple[Bools, Bools]:
    """Return which options, and which pairs in-house, something asks of whether they are used.

    Parameters
    ----------
    problem
        Under split sourcing; otherwise uses are shares, and none are watched.
    exact
        Whether contracts are tied to uses.
    """
    options, pairs = np.zeros(problem.options, dtype=bool), np.zeros(problem.pairs, dtype=bool)
    if not problem.split:
        return options, pairs
    counted = rules.counted(problem)
    hours = problem.hours.get("use", problem.options) != 0
    options |= hours & counted[problem.pair_authority[problem.option_pair]]
    for kind, found in (("use", options), ("home_use", pairs)):
        found |= problem.objective.get(kind, len(found)) != 0
        for row in problem.rows:
            for term in row.terms:
                if term.kind == kind:
                    found[term.index] = True
    tied = np.zeros(problem.pairs, dtype=bool)
    tied[problem.apart.ravel()] = tied[problem.link.ravel()] = True
    pairs |= tied
    options |= tied[problem.option_pair] | exact
    options[problem.cover_index[~problem.cover_home]] = True
    pairs[problem.cover_index[problem.cover_home]] = True
    return options, pairs


def made_whole(columns: Columns, cost: Floats, x: Floats) -> Floats:
    """Return a column vector with whole flows, as cheap as it gets with all else as it is.

    Rounds where that will do; otherwise it finds the cheapest flow through what the other columns
    open. `x` itself comes back where there is none.

    Parameters
    ----------
    columns
        Of a problem whose flows `are_whole`, or nearly so.
    cost
        Of the columns, shape (columns,).
    x
        Column vector, shape (columns,).
    """
    flow, home = x[columns.block("x")], x[columns.block("h")]
    near = np.concatenate([flow, home])
    rounded = np.rint(near)
    if np.abs(near - rounded).max(initial=0.0) <= NEAR and _fits(columns, rounded):
        whole = rounded
    else:
        found = _flows(columns, cost, x)
        if found is None:
            return x
        whole = found
    return _with(columns, x, whole)


def cheapest(columns: Columns, cost: Floats, x: Floats) -> Floats | None:
    """Return a column vector with the cheapest whole flows through what `x` opens, or None."""
    whole = _flows(columns, cost, x)
    return None if whole is None else _with(columns, x, whole)


def _with(columns: Columns, x: Floats, flow: Floats) -> Floats:
    """Return a column vector with other flows, those in-house last."""
    result = x.copy()
    count = columns.sizes["x"]
    result[columns.block("x")], result[columns.block("h")] = flow[:count], flow[count:]
    return result


def _fits(columns: Columns, flow: Floats) -> bool:
    """Whether whole flows add up to each pair's volume, and to no more than any capacity."""
    problem = columns.problem
    x = np.maximum(flow[: columns.sizes["x"]], 0)
    pair = problem.option_pair[problem.banded_option]
    total = np.bincount(pair, x, minlength=problem.pairs)
    total = total + np.bincount(columns.home, flow[len(x) :], minlength=problem.pairs)
    if not np.array_equal(total, problem.pair_volume):
        return False
    load = np.bincount(problem.banded_band, x, minlength=problem.size("band"))
    if np.any(load > problem.band_most) or np.any((load > 0) & (load < problem.band_least)):
        return False
    offers = np.bincount(problem.band_offer, load, minlength=problem.size("offer"))
    weighted = offers * problem.service_weight[problem.offer_service]
    load = np.bincount(problem.offer_provider, weighted, minlength=problem.size("provider"))
    return bool(np.all(load <= problem.provider_capacity))


def _flows(columns: Columns, cost: Floats, x: Floats) -> Floats | None:
    """Return the cheapest whole flows through the bands, uses and contracts that `x` opens."""
    problem = columns.problem
    band = x[columns.block("z")] > 0.5
    used = np.bincount(problem.banded_option, x[columns.block("x")], problem.options) > NEAR
    # Those without a cost of their own may be used where a contract is there; it may have one.
    contract = x[columns.block("w")][problem.option_contract] > 0.5
    flowing = used.copy()
    if columns.sizes["u"]:
        used |= contract & (x[columns.block("u")] > 0.5)
    banded = np.flatnonzero(band[problem.banded_band] & used[problem.banded_option])
    home = np.arange(len(columns.home))
    if columns.sizes["v"]:
        home = np.flatnonzero(x[columns.block("v")] > 0.5)
    # Uses that rules may count stay.
    least = None
    if columns.sizes["u"]:
        least = (flowing & (x[columns.block("u")] > 0.5))[problem.banded_option[banded]]
    found = cheapest_flow(problem, cost[columns.at("x", banded)], banded, np.flatnonzero(band),
                          cost[columns.at("h", home)], columns.home[home],
                          least)  # fmt: skip
    if found is None:
        return None
    whole = np.zeros(columns.sizes["x"] + columns.sizes["h"])
    whole[banded] = found[: len(banded)]
    whole[columns.sizes["x"] + home] = found[len(banded) :]
    return whole


def cheapest_flow(
    problem: Problem,
    cost: Floats,
    banded: Ints,
    bands: Ints,
    home_cost: Floats,
    home: Ints,
    used: Bools | None = None,
) -> Floats | None:
    """Return the cheapest whole flows through open bands, or None if there are none.

    Parameters
    ----------
    problem
        Under split sourcing.
    cost, banded
        Unit costs of the option-bands that may be used, and the option-bands, each in an open band.
    bands
        Open bands, at most one of each offer.
    home_cost, home
        Unit costs of pairs that may be delivered in-house, and the pairs.
    used
        Option-bands that must be used, by a unit at least.

    Returns
    -------
    NDArray
        Flows of `banded` and then of `home`.
    """
    from ortools.graph.python import min_cost_flow

    pairs, count, providers = problem.pairs, len(bands), problem.size("provider")
    pair = problem.option_pair[problem.banded_option[banded]]
    place = np.full(problem.size("band"), -1, dtype=np.int64)
    place[bands] = np.arange(count)
    band = pairs + place[problem.banded_band[banded]]
    offer = problem.band_offer[bands]
    provider = problem.offer_provider[offer]
    sink = pairs + count + providers
    volume, total = problem.pair_volume, int(problem.pair_volume.sum())
    lower = np.zeros(len(banded), dtype=np.int64)
    if used is not None:
        lower[used] = 1
    weight = np.maximum(_weight(problem), 1)
    room = np.minimum(problem.provider_capacity // weight, total)
    zero = np.zeros(count, dtype=np.int64)
    dearest = float(np.abs(np.concatenate([cost, home_cost])).max(initial=0.0))
    factor = DEAREST / dearest if dearest > 0 else 1.0
    tail: Any = np.concatenate([pair, home, pairs + np.arange(count), pairs + count
                                + np.arange(providers)])  # fmt: skip
    head: Any = np.concatenate(
        [band, np.full(len(home), sink), pairs + count + provider, np.full(providers, sink)]
    )
    low = np.concatenate([lower, np.zeros(len(home), dtype=np.int64), problem.band_least[bands],
                          np.zeros(providers, dtype=np.int64)])  # fmt: skip
    high = np.concatenate([volume[pair], volume[home],
                           np.minimum(problem.band_most[bands], total), room])  # fmt: skip
    unit = np.rint(np.concatenate([cost, home_cost, zero, np.zeros(providers)]) * factor)
    if np.any(low > high):
        return None
    # What must flow flows; the rest is what is sought.
    supply = np.zeros(sink + 1, dtype=np.int64)
    supply[:pairs], supply[sink] = volume, -total
    np.subtract.at(supply, tail, low)
    np.add.at(supply, head, low)
    if total >= UNLIMITED // 4:
        return None
    solver = min_cost_flow.SimpleMinCostFlow()
    arcs = solver.add_arcs_with_capacity_and_unit_cost(
        tail, head, high - low, unit.astype(np.int64)
    )
    solver.set_nodes_supplies(np.arange(sink + 1), supply)
    if solver.solve() != solver.OPTIMAL:
        return None
    flow = solver.flows(arcs) + low
    result: Floats = flow[: len(banded) + len(home)].astype(np.float64)
    return result

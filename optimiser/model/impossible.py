"""Cheap proofs that no plan can exist, in the planner's words, before any solver runs."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from optimiser.model.instance import decimal_text
from optimiser.model.problem import UNLIMITED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimiser.model.problem import LinearRow, Problem

    Ints = NDArray[np.int64]


def reasons(problem: Problem) -> list[str]:
    """Return every proof found that nothing can work; an empty list proves nothing."""
    return [
        *_nobody(problem),
        *_service_capacity(problem),
        *_offer_capacity(problem),
        *_together(problem),
        *_contracts(problem),
        *_officers(problem),
        *(text for row in problem.rows for text in _row(problem, row)),
    ]


def _pair(problem: Problem, pair: int) -> str:
    names = problem.names
    service = names.service_names[problem.pair_service[pair]]
    return f"{service} for {names.organisation_names[problem.pair_organisation[pair]]}"


def _volume(problem: Problem, volume: int, service: int) -> str:
    text = decimal_text(volume, problem.names.volume_decimals)
    unit = problem.names.units[service]
    return f"{text} {unit}" if unit else text


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _choices(problem: Problem) -> Ints:
    """Options of each pair, shape (pairs,)."""
    return np.bincount(problem.option_pair, minlength=problem.pairs)


def _nobody(problem: Problem) -> list[str]:
    alone = np.flatnonzero((_choices(problem) == 0) & ~problem.home)
    return [
        f"{_pair(problem, q)}: no in-house cost (or in-house is barred) and no provider within "
        "reach that is large enough. Give an in_house_cost, or an option with capacity."
        for q in alone.tolist()
    ]


def _service_capacity(problem: Problem) -> list[str]:
    """Volume that must go to providers against all offers of the service."""
    result = []
    needed = ~problem.home
    for service in np.unique(problem.pair_service[needed]).tolist():
        volume = int(problem.pair_volume[needed & (problem.pair_service == service)].sum())
        offers = np.flatnonzero(problem.offer_service == service)
        capacity = problem.offer_capacity[offers]
        if len(offers) and not np.any(capacity == UNLIMITED):
            total = sum(capacity.tolist())
            if volume > total:
                name = problem.names.service_names[service]
                result.append(
                    f"Required volume {_volume(problem, volume, service)} exceeds capacity "
                    f"{_volume(problem, total, service)} for {name}: these organisations have no "
                    "in-house choice. Raise capacities, or allow in-house."
                )
    return result


def _offer_capacity(problem: Problem) -> list[str]:
    """Pairs that have one choice only, against its offer."""
    single = (_choices(problem) == 1) & ~problem.home
    forced = np.flatnonzero(single[problem.option_pair])
    load = np.zeros(problem.size("offer"), dtype=np.int64)
    np.add.at(load, problem.option_offer[forced], problem.option_volume[forced])
    result = []
    for offer in np.flatnonzero(load > problem.offer_capacity).tolist():
        service = int(problem.offer_service[offer])
        provider = problem.names.provider_names[problem.provider_row[problem.offer_provider[offer]]]
        result.append(
            f"Required volume {_volume(problem, int(load[offer]), service)} exceeds capacity "
            f"{_volume(problem, int(problem.offer_capacity[offer]), service)} for "
            f"{problem.names.service_names[service]} at {provider}: it is the only choice of "
            "these organisations. Raise its capacity, or give them another choice."
        )
    return result


def _together(problem: Problem) -> list[str]:
    """Find groups of linked pairs without a deliverer in common."""
    if not len(problem.together):
        return []
    import networkx as nx

    graph = nx.Graph(problem.together.tolist())
    row = problem.provider_row[problem.option_provider]
    result = []
    for group in nx.connected_components(graph):
        pairs = sorted(group)
        common: set[int] | None = None
        for q in pairs:
            low, high = np.searchsorted(problem.option_pair, [q, q + 1]).tolist()
            mine = set(row[low:high].tolist()) | ({-2} if problem.home[q] else set())
            common = mine if common is None else common & mine
        if not common:
            result.append(
                "Must go together, but no deliverer has all of: "
                + "; ".join(_pair(problem, q) for q in pairs)
                + ". Drop the link, or add options."
            )
    return result


def _contracts(problem: Problem) -> list[str]:
    """Organisations that need at least one contract, against their authority's limit."""
    outside = np.unique(problem.pair_organisation[~problem.home])
    authority = np.zeros(len(problem.names.organisations), dtype=np.int64)
    authority[problem.pair_organisation] = problem.pair_authority
    needed = np.bincount(authority[outside], minlength=problem.size("officers"))
    short = np.flatnonzero(needed > problem.authority_max_contracts)
    return [
        f"{problem.names.authorities[a]}: {_count(int(needed[a]), 'organisation')} cannot do "
        f"without a contract, but max_contracts is {problem.authority_max_contracts[a]}. "
        "Raise it, or allow in-house."
        for a in short.tolist()
    ]


def _officers(problem: Problem) -> list[str]:
    """Least hours of each pair, against the most officers."""
    hours = problem.hours
    each = hours.get("part", problem.options)
    if not problem.split:
        each = each + hours.get("use", problem.options)
    least = np.full(problem.pairs, UNLIMITED, dtype=np.int64)
    np.minimum.at(least, problem.option_pair, each)
    home = hours.get("home", problem.pairs)
    least = np.where(problem.home, np.minimum(least, home), least)
    least[least == UNLIMITED] = 0
    total = np.zeros(problem.size("officers"), dtype=object)
    np.add.at(total, problem.pair_authority, least.astype(object))
    result = []
    for a, hours_needed in enumerate(total.tolist()):
        per, most = (
            int(v[a]) for v in (problem.authority_officer_hours, problem.authority_max_officers)
        )
        if per and most != UNLIMITED and hours_needed > per * most:
            needed = float(Fraction(hours_needed, problem.hours_scale))
            have = float(Fraction(per * most, problem.hours_scale))
            result.append(
                f"{problem.names.authorities[a]}: oversight takes at least {needed:,.0f} hours "
                f"whoever delivers, but {_count(most, 'officer')} can give {have:,.0f}. "
                "Raise max_officers."
            )
    return result


def _row(problem: Problem, row: LinearRow) -> list[str]:
    """Compare what a policy can reach, each pair choosing by itself, with its limits.

    Reckoned in floats, with a margin far above their error, so that a proof remains one.
    """
    if any(term.kind in ("officers", "managers") for term in row.terms):
        return []
    share = {kind: np.zeros(problem.size(kind)) for kind in ("part", "home")}
    low = high = size = 0.0
    for term in row.terms:
        kind = {"use": "part", "home_use": "home"}.get(term.kind, term.kind)
        values = term.coefficient * float(term.factor)
        size += float(np.abs(values).sum())
        if kind in share and (term.kind == kind or not problem.split):
            np.add.at(share[kind], term.index, values)
        else:
            low += float(np.minimum(values, 0).sum())
            high += float(np.maximum(values, 0).sum())
    most, least = (
        np.where(problem.home, share["home"], -np.inf),
        np.where(problem.home, share["home"], np.inf),
    )
    np.maximum.at(most, problem.option_pair, share["part"])
    np.minimum.at(least, problem.option_pair, share["part"])
    some = most >= least  # pairs with a choice
    high += float(most[some].sum()) + 1e-9 * size
    low += float(least[some].sum()) - 1e-9 * size
    name = row.name[:1].upper() + row.name[1:]
    if row.lower is not None and high < row.lower:
        return [
            f"{name} asks for at least {_plain(row.lower)}, but at most {_plain(high)} can be "
            "reached whoever delivers. Lower its minimum, or add options."
        ]
    if row.upper is not None and low > row.upper:
        return [
            f"{name} allows at most {_plain(row.upper)}, but no less than {_plain(low)} can be "
            "reached whoever delivers. Raise its maximum, or drop options."
        ]
    return []


def _plain(value: Fraction | float) -> str:
    return f"{float(value):,.6g}"

"""Readable names of rows and columns: made only when a model is written out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from optimiser.model.problem import Problem
    from optimiser.solvers.milp.columns import Columns

_ODD = re.compile(r"[^A-Za-z0-9_.]+")
_LONGEST = 200


def clean(text: str) -> str:
    """Replace what the formats of other programs cannot hold."""
    return _ODD.sub("_", text)[:_LONGEST]


def label(problem: Problem, kind: str, index: int) -> str:
    """Name one atom (or ``pair``) of a problem by the keys of the tables."""
    names = problem.names
    if kind in ("pair", "home", "home_use"):
        organisation = names.organisations[problem.pair_organisation[index]]
        return clean(f"{organisation}_{names.services[problem.pair_service[index]]}")
    if kind in ("part", "use"):
        pair = label(problem, "pair", int(problem.option_pair[index]))
        return f"{pair}_{label(problem, 'provider', int(problem.option_provider[index]))}"
    if kind == "banded":
        option = label(problem, "part", int(problem.banded_option[index]))
        return f"{option}_{_band(problem, int(problem.banded_band[index]))}"
    if kind == "band":
        offer = label(problem, "offer", int(problem.band_offer[index]))
        return f"{offer}_{_band(problem, index)}"
    if kind == "offer":
        provider = label(problem, "provider", int(problem.offer_provider[index]))
        return f"{provider}_{clean(names.services[problem.offer_service[index]])}"
    if kind == "contract":
        organisation = clean(names.organisations[problem.contract_organisation[index]])
        return f"{organisation}_{label(problem, 'provider', int(problem.contract_provider[index]))}"
    if kind == "provider":
        return clean(names.providers[problem.provider_row[index]])
    if kind in ("officers", "managers"):
        return clean(names.authorities[index])
    return str(index)


def _band(problem: Problem, band: int) -> str:
    """Return a band's number within its offer, from 0."""
    first = int(np.searchsorted(problem.band_offer, problem.band_offer[band]))
    return f"b{band - first}"


def labels(problem: Problem, what: str, kind: str, index: Iterable[int]) -> Callable[[], list[str]]:
    """Return a function that names rows ``what_…`` after the atoms that they are about."""
    return lambda: [f"{what}_{label(problem, kind, int(i))}" for i in index]


def column_names(columns: Columns) -> list[str]:
    """Name all columns: the block's letter and the keys."""
    kinds = {"x": "banded", "u": "use", "h": "home", "v": "home_use", "z": "band",
             "y": "provider", "w": "contract", "n": "officers", "m": "managers",
             "r": "cover", "d": "link"}  # fmt: skip
    result: list[str] = []
    for block, kind in kinds.items():
        home = block in ("h", "v")
        index = columns.home[: columns.sizes[block]] if home else range(columns.sizes[block])
        result.extend(labels(columns.problem, block, kind, index)())
    return unique(result)


def unique(names: list[str]) -> list[str]:
    """Make names unique and short enough, by adding their position where they are not."""
    seen: set[str] = set()
    result = []
    for position, name in enumerate(names):
        chosen, more = name if len(name) <= _LONGEST else name[:_LONGEST] + f"__{position}", 0
        while chosen in seen:
            chosen = f"{name[:_LONGEST]}__{position}" + f"_{more}" * bool(more)
            more += 1
        seen.add(chosen)
        result.append(chosen)
    return result

"""Readable names of rows and columns: made only when a model is written out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optimiser.model.problem import Problem
    from optimiser.solvers.milp.formulation import Formulation

_ODD = re.compile(r"[^A-Za-z0-9_.]+")
_LONGEST = 200


def _clean(text: str) -> str:
    return _ODD.sub("_", text)[:_LONGEST]


def label(  # noqa: PLR0911
    problem: Problem,
    *,
    pair: int | None = None,
    option: int | None = None,
    banded: int | None = None,
    band: int | None = None,
    offer: int | None = None,
    provider: int | None = None,
    contract: int | None = None,
    authority: int | None = None,
    text: str | None = None,
) -> str:
    """Name one thing of a problem by the keys of the tables, odd characters replaced."""
    names = problem.names
    if text is not None:
        return _clean(text)
    if banded is not None:
        number = int(problem.banded_band[banded])
        first = label(problem, option=int(problem.banded_option[banded]))
        return f"{first}_b{_position(problem, number)}"
    if option is not None:
        provider = int(problem.option_provider[option])
        return f"{label(problem, pair=int(problem.option_pair[option]))}_{label(problem, provider=provider)}"
    if pair is not None:
        organisation = names.organisations[problem.pair_organisation[pair]]
        return _clean(f"{organisation}_{names.services[problem.pair_service[pair]]}")
    if band is not None:
        first = label(problem, offer=int(problem.band_offer[band]))
        return f"{first}_b{_position(problem, band)}"
    if offer is not None:
        service = _clean(names.services[problem.offer_service[offer]])
        return f"{label(problem, provider=int(problem.offer_provider[offer]))}_{service}"
    if contract is not None:
        organisation = names.organisations[problem.contract_organisation[contract]]
        provider = int(problem.contract_provider[contract])
        return f"{_clean(organisation)}_{label(problem, provider=provider)}"
    if provider is not None:
        return _clean(names.providers[problem.provider_row[provider]])
    return _clean(names.authorities[authority or 0])


def _position(problem: Problem, band: int) -> int:
    """Number of a band within its offer, from 0."""
    import numpy as np

    return band - int(np.searchsorted(problem.band_offer, problem.band_offer[band]))


def column_names(formulation: Formulation) -> list[str]:
    """Names of all columns: the block's letter and the keys."""
    problem = formulation.problem
    sizes = formulation.sizes
    home = problem.home.nonzero()[0].tolist()
    made = {
        "x": lambda i: label(problem, banded=i),
        "u": lambda i: label(problem, option=i),
        "h": lambda i: label(problem, pair=home[i]),
        "v": lambda i: label(problem, pair=home[i]),
        "z": lambda i: label(problem, band=i),
        "y": lambda i: label(problem, provider=i),
        "w": lambda i: label(problem, contract=i),
        "n": lambda i: label(problem, authority=i),
        "m": lambda i: label(problem, authority=i),
        "r": str,
        "d": str,
    }
    return unique([f"{block}_{made[block](i)}" for block in sizes for i in range(sizes[block])])


def unique(names: list[str]) -> list[str]:
    """Make names unique by adding their position where they are not."""
    seen: set[str] = set()
    result = []
    for position, name in enumerate(names):
        chosen = name if name not in seen else f"{name}__{position}"
        seen.add(chosen)
        result.append(chosen)
    return result

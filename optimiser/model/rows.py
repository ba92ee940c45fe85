"""Side rows and objectives as data, over named quantities: solvers and checker see them alike."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import gcd
from typing import TYPE_CHECKING, Final

from optimiser.model.schema import DECIMALS

if TYPE_CHECKING:
    from optimiser.model.instance import Instance

#: What a quantity may measure: the measures of policies, and money.
MEASURES: Final = (
    "volume",
    "baseline_cost",
    "pairs",
    "staff_covered",
    "open_providers",
    "contracts",
    "oversight_hours",
    "one_off_cost",
    "moved_pairs",
    "cost",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """An absolute amount that a plan has, restricted by what is given.

    Units: weighted units (volume), currency (baseline_cost, one_off_cost, cost), pairs, staff,
    providers, contracts, hours. The meaning of each measure is in docs/problem.md, "Policies".

    Parameters
    ----------
    measure
        One of `MEASURES`.
    mode
        ``shared-centre``, ``co-operative``, ``in-house``, or '' as in policies.
        For ``cost`` only '' is allowed.
    services
        Keys of the services that count; () for all. Not for ``cost`` and ``oversight_hours``.
    organisation, provider, authority
        Key that the measure is restricted to, or ''. An authority may be the key of an organisation
        that answers for itself. Not for ``cost``. A provider restricts deliveries to its own (and
        open_providers, one-offs and contracts to it); an organisation restricts like an authority
        with that one organisation.
    part
        For ``cost``: one of `schema.COST_PARTS`, or '' for the sum of all.
    listed
        For ``pairs``, without any other restriction: deliveries that count, each as organisation,
        service, and provider or ``in-house``; those that are no option never do.
    coefficient
        Factor in a `SideRow` or an `Objective`.
    """

    measure: str
    mode: str = ""
    services: tuple[str, ...] = ()
    organisation: str = ""
    provider: str = ""
    authority: str = ""
    part: str = ""
    listed: tuple[tuple[str, str, str], ...] = ()
    coefficient: Fraction = Fraction(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SideRow:
    """minimum ≤ Σ coefficient × quantity ≤ maximum; None is no limit."""

    name: str
    terms: tuple[Quantity, ...]
    minimum: Fraction | None = None
    maximum: Fraction | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """What is minimised instead of money: Σ coefficient × quantity.

    A plan's objective is reckoned exactly and held as a whole number of 10 to the minus `places`;
    only under split sourcing is it rounded to one, half away from zero. Bands, officers and
    managers are the cheapest that fit, whatever is minimised.

    Parameters
    ----------
    name
        For messages.
    terms
        Quantities; their units are added up as they are. The coefficient of `cost` is not negative.
    """

    name: str
    terms: tuple[Quantity, ...]


#: Decimals that shares of pairs are held with where they may be split.
_SHARE: Final = 6


def places(objective: Objective, instance: Instance) -> int | None:
    """Return the decimals that hold any plan's objective exactly (under split: closely enough).

    None where no number of decimals does, as for a coefficient of 1/3.
    """
    settings = instance.settings
    rates = [value for value in instance["offers"]["hours_per_unit"].tolist() if value > 0]
    hours = DECIMALS["hours"]
    if rates:
        volumes = instance["demand"]["volume"].tolist()
        used = DECIMALS["rate"] + settings.volume_decimals - _zeros(rates) - _zeros(volumes)
        hours = max(hours, used)
    held = {
        "volume": settings.volume_decimals + DECIMALS["weight"],
        "baseline_cost": settings.money_decimals,
        "one_off_cost": settings.money_decimals,
        "cost": settings.money_decimals,
        "staff_covered": DECIMALS["staff"],
        "oversight_hours": hours,
    }
    most = 0
    for term in objective.terms:
        digits = _digits(term.coefficient)
        if digits is None:
            return None
        most = max(most, held.get(term.measure, _SHARE if settings.split else 0) + digits)
    return most


def _zeros(values: list[int]) -> int:
    """Zeros at the end that all the numbers share; 0 where all are 0."""
    common = gcd(*values)
    zeros = 0
    while common and common % 10 == 0:
        common, zeros = common // 10, zeros + 1
    return zeros


def _digits(value: Fraction) -> int | None:
    """Decimals that a fraction takes; None if they do not end."""
    rest, twos, fives = value.denominator, 0, 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    return max(twos, fives) if rest == 1 else None

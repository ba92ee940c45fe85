"""Side rows as data: rows over named quantities, seen alike by solvers and the checker."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

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
    coefficient
        Factor in a `SideRow`.
    """

    measure: str
    mode: str = ""
    services: tuple[str, ...] = ()
    organisation: str = ""
    provider: str = ""
    authority: str = ""
    part: str = ""
    coefficient: Fraction = Fraction(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SideRow:
    """minimum ≤ Σ coefficient × quantity ≤ maximum; None is no limit."""

    name: str
    terms: tuple[Quantity, ...]
    minimum: Fraction | None = None
    maximum: Fraction | None = None

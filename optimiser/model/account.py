"""What follows from a plan, as the checker reckoned it: the only source of reported figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fractions import Fraction

    from optimiser.model.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One rule that a plan breaks.

    `rule` is one word of: volume, option, required, barred, single, band, offer-capacity,
    min-volume, provider-capacity, min-members, max-members, max-officers, max-contracts, together,
    apart, policy, side-row. `message` says in a planner's words what is wrong, with both figures.
    """

    rule: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryAccount:
    """One delivery: rows of demand and providers (or `plan.BY_ITSELF`), volume, cost by part.

    `cost` holds money (last place, weight 1) for in_house, tariff (unit part only), access, entry.
    `hours` are the hours of this delivery (contract hours not included).
    """

    pair: int
    deliverer: int
    volume: int
    cost: dict[str, int]
    hours: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferAccount:
    """One offer in use: row of offers, volume, row of tariffs in force (−1: none fits), money."""

    offer: int
    volume: int
    tariff: int
    fixed_cost: int
    unit_cost: int
    set_up: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderAccount:
    """One provider, open or not: row, whether open and in use, members, load, cost by part.

    `load` is Σ weight × volume in weighted units as a fraction; `capacity` alike, None = no limit.
    `cost` has running, opening, closing (annualised); `one_off` opening and closing as paid once.
    """

    provider: int
    is_open: bool
    in_use: bool
    members: int
    load: Fraction
    capacity: Fraction | None
    cost: dict[str, int]
    one_off: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractAccount:
    """One contract: rows of organisations and providers, and money by part."""

    organisation: int
    provider: int
    cost: int
    hours: Fraction
    hours_cost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityAccount:
    """One authority: its key and name, hours, officers, managers, contracts, limits and money.

    `authority` is the row of authorities, or −1 where organisation row `organisation` answers for
    itself. Limits are None where there is none. `officer_hours` is None where officers are not
    counted (officers and managers are then 0).
    """

    authority: int
    organisation: int
    key: str
    name: str
    hours: Fraction
    officer_hours: Fraction | None
    officers: int
    managers: int
    contracts: int
    max_officers: int | None
    max_contracts: int | None
    cost: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Everything that follows from a plan.

    Parameters
    ----------
    plan
        The plan reckoned.
    cost, objective
        Money in units of its last place: unweighted, and weighted as minimised. Where a
        `rows.Objective` is minimised instead, `objective` is that, in its own last places.
    parts, objective_parts
        The same by `schema.COST_PARTS` (every part is there).
    violations
        Rules broken; a plan without any is feasible.
    deliveries, offers, providers, contracts, authorities
        What the plan implies: deliveries in the plan's order, offers in use, all providers,
        contracts, all authorities (with at least one organisation or a row).
    one_off
        One-offs as paid once, money by part (`schema.ONE_OFF_PARTS`), fractions of the last place.
    moved
        Σ of shares of pairs that leave their incumbent.
    """

    plan: Plan
    cost: int
    objective: int
    parts: dict[str, int]
    objective_parts: dict[str, int]
    violations: tuple[Violation, ...]
    deliveries: tuple[DeliveryAccount, ...]
    offers: tuple[OfferAccount, ...]
    providers: tuple[ProviderAccount, ...]
    contracts: tuple[ContractAccount, ...]
    authorities: tuple[AuthorityAccount, ...]
    one_off: dict[str, Fraction]
    moved: Fraction

    @property
    def feasible(self) -> bool:
        """Whether the plan breaks no rule."""
        return not self.violations

"""The compiled problem: flat integer arrays that every solver sees alike.

Amounts of money are integers of the last place, weighted as minimised; volumes integers of the
last place; hours integers of 1 / `Problem.hours_scale`. A plan is made of *atoms*, each with a kind
and an index; costs, hours and side rows are linear in them:

=============  ===========================================================  ==================
kind           value                                                        index into
=============  ===========================================================  ==================
part           share of its pair that an option delivers, 0 to 1            options
use            whether an option delivers anything                          options
banded         share of its pair that an option delivers in a band          option-bands
home           share of a pair delivered in-house                           pairs
home_use       whether anything of a pair is delivered in-house             pairs
band           whether a band is in force                                   bands
offer          whether an offer is in use                                   offers
provider       whether a provider is in use                                 providers
contract       whether a contract exists                                    contracts
officers       whole officers                                               authorities
managers       whole managers                                               authorities
link           whether a split-cost link is paid                            split-cost links
cover          whether any of a set of `use` or `home_use` atoms is 1       covers
=============  ===========================================================  ==================

Under single sourcing `use` equals `part`, and costs are exact; under split sourcing the costs of
`part`, `banded` and `home` are unrounded float64, and `slack` says how far rounding may lower a
plan's true objective below their sum.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from optimiser.model.plan import BY_ITSELF, Plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

#: Stands for "no limit" in arrays of capacities and maxima.
UNLIMITED: Final = int(np.iinfo(np.int64).max)

KINDS: Final = (
    "part",
    "use",
    "banded",
    "home",
    "home_use",
    "band",
    "offer",
    "provider",
    "contract",
    "officers",
    "managers",
    "link",
    "cover",
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Term:
    """factor × Σ coefficient × atom, over atoms of one kind."""

    kind: str
    index: Ints
    coefficient: Ints
    factor: Fraction = Fraction(1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LinearRow:
    """lower ≤ Σ terms ≤ upper, compared exactly; None is no limit. `name` is for messages."""

    name: str
    terms: tuple[Term, ...]
    lower: Fraction | None = None
    upper: Fraction | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Linear:
    """A linear form: constant + Σ over kinds of coefficient · atoms, one array per kind.

    A kind that is not there has coefficients 0. Arrays are int64, or float64 under split sourcing
    for ``part``, ``banded`` and ``home``.
    """

    constant: int
    by_kind: Mapping[str, NDArray[Any]]

    def get(self, kind: str, size: int) -> NDArray[Any]:
        """Coefficients of one kind, shape (size,)."""
        found = self.by_kind.get(kind)
        return np.zeros(size, dtype=np.int64) if found is None else found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Names:
    """Keys and names for messages and for readable models; indexed like the instance's rows."""

    organisations: tuple[str, ...]
    services: tuple[str, ...]
    providers: tuple[str, ...]
    organisation_names: tuple[str, ...]
    service_names: tuple[str, ...]
    provider_names: tuple[str, ...]
    units: tuple[str, ...]
    authorities: tuple[str, ...]
    volume_decimals: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """Everything a solver needs; see the module's docstring for units and atoms.

    Parameters
    ----------
    split
        Whether a pair may be delivered by several.
    pair_organisation, pair_service, pair_volume, pair_authority
        Of each pair, shape (pairs,). A pair's index is its row of ``demand``.
    home
        Whether the pair may be delivered in-house, shape (pairs,).
    option_pair, option_offer, option_contract
        Of each option, sorted by pair and then provider, shape (options,).
    banded_option, banded_band
        Each way to serve an option in a band of its offer, sorted, shape (option-bands,).
    offer_row, offer_provider, offer_service, offer_capacity, offer_minimum
        Of each offer that has an option: row of ``offers``, index of its provider, row of its
        service, volumes, shape (offers,).
    band_offer, band_row, band_from, band_to
        Of each band, sorted by offer: row of ``tariffs`` and volumes, shape (bands,).
    provider_row, provider_capacity, provider_min_members, provider_max_members
        Of each provider that has an option, shape (providers,). Capacity is in weighted volume:
        last places of weight × volume.
    contract_organisation, contract_provider
        Of each possible contract: row of organisations, index of provider, shape (contracts,).
    service_weight
        Of each service in last places, shape (services,).
    authority_officer_hours, authority_span, authority_max_officers, authority_max_contracts
        Shape (authorities,): first the rows of ``authorities``, then organisations that answer for
        themselves. Hours per officer are in 1 / hours_scale, 0 where officers are not counted; span
        is 0 where managers are not.
    hours
        Hours of oversight, linear in ``part``, ``use``, ``home``, ``contract``; `hours_scale` is
        the number of units in an hour.
    objective
        What is minimised.
    together, apart, link
        Index pairs of pairs that links bind, shape (n, 2); ``link`` are the split-cost ones.
    cover_start, cover_home, cover_index
        Members of each cover (CSR): index into pairs where `cover_home`, else into options.
    rows
        Policies and side rows.
    slack
        Most by which a plan's true objective may lie below `objective`'s linear form.
    """

    split: bool
    names: Names
    pair_organisation: Ints
    pair_service: Ints
    pair_volume: Ints
    pair_authority: Ints
    home: Bools
    option_pair: Ints
    option_offer: Ints
    option_contract: Ints
    banded_option: Ints
    banded_band: Ints
    offer_row: Ints
    offer_provider: Ints
    offer_service: Ints
    offer_capacity: Ints
    offer_minimum: Ints
    band_offer: Ints
    band_row: Ints
    band_from: Ints
    band_to: Ints
    provider_row: Ints
    provider_capacity: Ints
    provider_min_members: Ints
    provider_max_members: Ints
    contract_organisation: Ints
    contract_provider: Ints
    service_weight: Ints
    authority_officer_hours: Ints
    authority_span: Ints
    authority_max_officers: Ints
    authority_max_contracts: Ints
    hours_scale: int
    hours: Linear
    objective: Linear
    together: Ints
    apart: Ints
    link: Ints
    cover_start: Ints
    cover_home: Bools
    cover_index: Ints
    rows: tuple[LinearRow, ...] = ()
    slack: float = 0.0
    notes: tuple[str, ...] = field(default=())

    @property
    def pairs(self) -> int:
        """Number of pairs."""
        return len(self.pair_volume)

    @property
    def options(self) -> int:
        """Number of options."""
        return len(self.option_pair)

    @property
    def option_provider(self) -> Ints:
        """Index of each option's provider, shape (options,)."""
        return self.offer_provider[self.option_offer]

    @property
    def option_volume(self) -> Ints:
        """Volume of each option's pair, shape (options,)."""
        return self.pair_volume[self.option_pair]

    @property
    def band_least(self) -> Ints:
        """Least volume of each band in force, its offer's minimum counted in, shape (bands,)."""
        return np.maximum(self.band_from, self.offer_minimum[self.band_offer])

    @property
    def band_most(self) -> Ints:
        """Most volume of each band, its offer's capacity counted in, shape (bands,)."""
        return np.minimum(self.band_to, self.offer_capacity[self.band_offer])

    def size(self, kind: str) -> int:
        """Return the number of atoms of a kind."""
        return {
            "part": self.options,
            "use": self.options,
            "banded": len(self.banded_option),
            "home": self.pairs,
            "home_use": self.pairs,
            "band": len(self.band_offer),
            "offer": len(self.offer_row),
            "provider": len(self.provider_row),
            "contract": len(self.contract_provider),
            "officers": len(self.authority_officer_hours),
            "managers": len(self.authority_officer_hours),
            "link": len(self.link),
            "cover": len(self.cover_start) - 1,
        }[kind]

    def option_of(self, pair: Ints, deliverer: Ints) -> Ints:
        """Index of the option by pair and row of ``providers``; −1 where there is none."""
        if not self.options:
            return np.full(len(pair), -1, dtype=np.int64)
        rows = self.provider_row[self.option_provider]
        code = self.option_pair << 32 | rows  # sorted, since options are
        wanted = pair << 32 | np.maximum(deliverer, 0)
        at = np.minimum(np.searchsorted(code, wanted), self.options - 1)
        return np.where((deliverer >= 0) & (code[at] == wanted), at, -1)

    def evaluate(self, plan: Plan) -> int | None:
        """Objective of a plan in integers, whatever rules it breaks.

        None under split sourcing, where only the checker reckons exactly, and for a plan that uses
        what is no option here or a volume that no band covers.
        """
        if self.split or len(plan) != self.pairs:
            return None
        at_home = plan.deliverer == BY_ITSELF
        option = self.option_of(plan.pair, plan.deliverer)
        if np.any((option < 0) & ~at_home) or not self.home[plan.pair[at_home]].all():
            return None
        option = option[~at_home]
        cost = self.objective
        total = cost.constant + _sum(cost.get("home", self.pairs), plan.pair[at_home])
        total += _sum(cost.get("part", self.options), option)
        total += _sum(cost.get("use", self.options), option)
        total += _sum(cost.get("home_use", self.pairs), plan.pair[at_home])
        total += _sum(
            cost.get("provider", self.size("provider")), np.unique(self.option_provider[option])
        )
        total += _sum(
            cost.get("contract", self.size("contract")), np.unique(self.option_contract[option])
        )
        offers = np.unique(self.option_offer[option])
        total += _sum(cost.get("offer", self.size("offer")), offers)
        tariff = self._tariff(option)
        if tariff is None:
            return None
        total += tariff + self._officers(plan.pair[at_home], option)
        return total + self._links(plan) + self._covers(plan.pair[at_home], option)

    def _tariff(self, option: Ints) -> int | None:
        """Sum of the cheapest band of each offer used by whole options; None if none is valid."""
        used = np.zeros(self.options, dtype=bool)
        used[option] = True
        rows = np.flatnonzero(used[self.banded_option])
        bands = self.size("band")
        band = self.banded_band[rows]
        unit = np.zeros(bands, dtype=np.int64)
        np.add.at(unit, band, self.objective.get("banded", len(self.banded_option))[rows])
        volume = np.zeros(len(self.offer_row), dtype=np.int64)
        np.add.at(volume, self.option_offer[option], self.pair_volume[self.option_pair[option]])
        count = np.bincount(self.option_offer[option], minlength=len(self.offer_row))
        total = volume[self.band_offer]
        valid = (total >= self.band_from) & (total <= self.band_to)
        valid &= np.bincount(band, minlength=bands) == count[self.band_offer]
        price = self.objective.get("band", bands) + unit
        best = np.full(len(self.offer_row), UNLIMITED, dtype=np.int64)
        np.minimum.at(best, self.band_offer[valid], price[valid])
        best = best[count > 0]
        return None if np.any(best == UNLIMITED) else int(best.sum())

    def _officers(self, at_home: Ints, option: Ints) -> int:
        """Cost of officers and managers."""
        n = len(self.authority_officer_hours)
        hours = np.zeros(n, dtype=np.int64)
        np.add.at(hours, self.pair_authority[at_home], self.hours.get("home", self.pairs)[at_home])
        authority = self.pair_authority[self.option_pair[option]]
        np.add.at(hours, authority, self.hours.get("part", self.options)[option])
        contract, first = np.unique(self.option_contract[option], return_index=True)
        np.add.at(
            hours, authority[first], self.hours.get("contract", self.size("contract"))[contract]
        )
        per = self.authority_officer_hours
        officers = np.where(per > 0, -(-hours // np.maximum(per, 1)), 0)
        span = self.authority_span
        managers = np.where(span > 0, -(-officers // np.maximum(span, 1)), 0)
        cost = self.objective
        return int(officers @ cost.get("officers", n) + managers @ cost.get("managers", n))

    def _links(self, plan: Plan) -> int:
        if not len(self.link):
            return 0
        by = np.full(self.pairs, -1, dtype=np.int64)
        by[plan.pair] = plan.deliverer
        differ = by[self.link[:, 0]] != by[self.link[:, 1]]
        return int(self.objective.get("link", len(self.link))[differ].sum())

    def _covers(self, at_home: Ints, option: Ints) -> int:
        """Cost of the covers that are met."""
        covers = self.size("cover")
        prices = self.objective.get("cover", covers)
        if not np.any(prices):
            return 0
        of_option, of_home = np.zeros(self.options, bool), np.zeros(self.pairs, bool)
        of_option[option], of_home[at_home] = True, True
        cover = np.repeat(np.arange(covers), np.diff(self.cover_start))
        home = self.cover_home
        met = np.zeros(covers, dtype=bool)
        met[cover[home][of_home[self.cover_index[home]]]] = True
        met[cover[~home][of_option[self.cover_index[~home]]]] = True
        return int(prices[met].sum())


def _sum(values: NDArray[Any], index: Ints) -> int:
    return int(values[index].sum())

"""Costs, hours and oversight of the compiled problem.

Under single sourcing each product is rounded here, once, at the whole volume. Under split sourcing
the parts that scale with volume stay unrounded, and half a last place is allowed for every product
that is not whole per unit of volume.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from optimiser.model.instance import BLANK, IN_HOUSE_CODE, NOWHERE
from optimiser.model.problem import UNLIMITED, Linear
from optimiser.model.rounding import rounded, whole
from optimiser.model.schema import COST_PARTS, DECIMALS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from optimiser.model.compile import Options
    from optimiser.model.instance import Instance

    Ints = NDArray[np.int64]

_RATE = 10 ** DECIMALS["rate"]
_HOURS = 10 ** DECIMALS["hours"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Oversight:
    """Authorities: rows of the table, then organisations that answer for themselves.

    Shape (authorities,) but `of_organisation`. Hours are in 1 / hours_scale, `hour_cost` in last
    places of a rate, money in last places; 0 for what is not there, `UNLIMITED` for no maximum.
    """

    keys: tuple[str, ...]
    of_organisation: Ints
    hour_cost: Ints
    officer_hours: Ints
    officer_cost: Ints
    max_officers: Ints
    max_contracts: Ints
    span: Ints
    manager_cost: Ints


class Pricing:
    """Works out the costs of one instance's options for any weights of the cost parts."""

    def __init__(self, instance: Instance, options: Options) -> None:
        settings = instance.settings
        self._instance, self._options, self._split = instance, options, settings.split
        self.weights: Mapping[str, Fraction] = settings.weights
        self._volume_scale = 10**settings.volume_decimals
        self._money = 10**settings.money_decimals
        per_unit = bool(np.any(instance["offers"]["hours_per_unit"] > 0))
        #: Units of hours in an hour: fine enough for hours_per_unit × volume to be exact.
        self.hours_scale = _RATE * self._volume_scale if per_unit else _HOURS
        self.oversight = self._oversight()
        demand = instance["demand"]
        self.authority = self.oversight.of_organisation[demand["organisation"]]
        row = options.row
        table = instance["options"]
        some = len(table) > 0
        listed = np.maximum(row, 0)
        #: Of each option: access_cost (BLANK: by distance), entry cost, further hours.
        blank = np.full(len(row), BLANK, dtype=np.int64)
        zero = np.zeros(len(row), dtype=np.int64)
        self._access = np.where(row >= 0, table["access_cost"][listed], BLANK) if some else blank
        entry = np.where(row >= 0, table["entry_cost"][listed], 0) if some else zero
        self._extra = np.where(row >= 0, table["hours"][listed], 0) if some else zero
        incumbent = demand["incumbent"][options.pair]
        #: Of each option: whether it is the incumbent, the entry it pays, and the pair's exit.
        self.stays = incumbent == options.provider
        self.entry = np.where(self.stays, 0, entry)
        self.leaves = (incumbent != NOWHERE) & ~self.stays
        #: Of each pair: going in-house, and leaving for it.
        self.home_entry = np.where(
            demand["incumbent"] == IN_HOUSE_CODE, 0, demand["in_house_entry_cost"]
        )
        self.home_leaves = (demand["incumbent"] != NOWHERE) & (demand["incumbent"] != IN_HOUSE_CODE)
        self.use_hours, self.unit_hours = self._delivery_hours()
        factor = self.hours_scale // _HOURS
        self.home_hours = np.where(options.home, demand["in_house_hours"] * factor, 0)

    def _oversight(self) -> Oversight:
        instance = self._instance
        table, belongs = instance["authorities"], instance["organisations"]["authority"]
        alone = np.flatnonzero(belongs == NOWHERE)
        of = np.array(belongs, dtype=np.int64)
        of[alone] = len(table) + np.arange(len(alone))
        defaults = instance.settings.oversight

        def column(name: str, otherwise: int) -> Ints:
            own = np.full(len(alone), defaults.get(name, BLANK), dtype=np.int64)
            values = np.concatenate([table[name], own])
            return np.where(values == BLANK, otherwise, values)

        keys = (*table.keys.tolist(), *instance["organisations"].keys[alone].tolist())
        factor = self.hours_scale // _HOURS
        return Oversight(
            keys=keys,
            of_organisation=of,
            hour_cost=column("hour_cost", 0),
            officer_hours=column("officer_hours", 0) * factor,
            officer_cost=column("officer_cost", 0),
            max_officers=column("max_officers", UNLIMITED),
            max_contracts=column("max_contracts", UNLIMITED),
            span=column("span_of_control", 0),
            manager_cost=column("manager_cost", 0),
        )

    def _delivery_hours(self) -> tuple[Ints, Ints]:
        """Hours per use of each option, and per its pair's whole volume."""
        offers = self._instance["offers"]
        factor = self.hours_scale // _HOURS
        use = (offers["service_hours"][self._options.offer] + self._extra) * factor
        volume = self._instance["demand"]["volume"][self._options.pair]
        return use, offers["hours_per_unit"][self._options.offer] * volume

    def contract_figures(self, organisation: Ints, provider: Ints) -> tuple[Ints, Ints]:
        """Money and hours (1 / hours_scale) of contracts, by rows of both tables."""
        table, providers = self._instance["contracts"], self._instance["providers"]
        cost, hours = providers["member_cost"][provider], providers["contract_hours"][provider]
        row = table.find(organisation, provider)
        if len(table):
            own = table["contract_cost"][row], table["contract_hours"][row]
            cost = np.where((row >= 0) & (own[0] != BLANK), own[0], cost)
            hours = np.where((row >= 0) & (own[1] != BLANK), own[1], hours)
        return cost, hours * (self.hours_scale // _HOURS)

    def hours(self, organisation: Ints, provider: Ints) -> Linear:
        """Hours of oversight by atom; `organisation` and `provider` are rows of each contract."""
        _, contract = self.contract_figures(organisation, provider)
        by_kind: dict[str, Any] = {"home": self.home_hours, "contract": contract}
        if self._split:
            by_kind |= {"use": self.use_hours, "part": self.unit_hours}
        else:
            by_kind["part"] = self.use_hours + self.unit_hours
        return Linear(constant=0, by_kind=by_kind)

    def objective(
        self,
        weights: Mapping[str, Fraction],
        offer_row: Ints,
        provider_row: Ints,
        band_row: Ints,
        banded_option: Ints,
        banded_band: Ints,
        contract_organisation: Ints,
        contract_provider: Ints,
    ) -> tuple[Linear, float]:
        """Money by atom for these weights, links apart, and the slack of rounding."""
        w = {part: weights.get(part, Fraction(0)) for part in COST_PARTS}
        volumes, slack = self._by_volume(w, band_row, banded_option, banded_band)
        by_kind = {**volumes, **self._by_count(w, offer_row, band_row)}
        oversight = self.oversight
        authority = oversight.of_organisation[contract_organisation]
        cost, hours = self.contract_figures(contract_organisation, contract_provider)
        by_kind["contract"] = rounded([cost], w["contracts"], "contract_cost") + rounded(
            [hours, oversight.hour_cost[authority]], self._hour(w), "contract_hours"
        )
        by_kind["officers"] = rounded([oversight.officer_cost], w["officers"], "officer_cost")
        by_kind["managers"] = rounded([oversight.manager_cost], w["managers"], "manager_cost")
        by_kind["provider"], constant = self._providers(w, provider_row)
        return Linear(constant=constant, by_kind=by_kind), slack

    def _hour(self, w: Mapping[str, Fraction]) -> Fraction:
        """Ratio that turns hours × hour_cost, both in last places, into money."""
        return w["oversight_hours"] * Fraction(self._money, _RATE * self.hours_scale)

    def _by_count(
        self, w: Mapping[str, Fraction], offer_row: Ints, band_row: Ints
    ) -> dict[str, NDArray[Any]]:
        """Bands and set-up."""
        offers = self._instance["offers"]
        once = np.where(offers["existing"] == "yes", 0, offers["set_up_cost"])[offer_row]
        annuity = self._instance.settings.annuity
        fixed = self._instance["tariffs"]["fixed_cost"][band_row]
        return {
            "offer": rounded([once], w["set_up"] * annuity, "set_up_cost"),
            "band": rounded([fixed], w["tariff"], "fixed_cost"),
        }

    def _by_volume(
        self, w: Mapping[str, Fraction], band_row: Ints, banded_option: Ints, banded_band: Ints
    ) -> tuple[dict[str, NDArray[Any]], float]:
        """Whatever depends on a delivery, and the slack."""
        options, demand = self._options, self._instance["demand"]
        service = demand["service"][options.pair]
        volume = demand["volume"][options.pair]
        annuity = self._instance.settings.annuity
        rate = self._instance["services"]["access_rate"][service]
        given = self._access != BLANK
        access = np.where(given, self._access, 0)
        metre = w["access"] * Fraction(self._money, _RATE * self._volume_scale * 1000)
        priced = [np.where(given, 0, rate), volume, options.metres]
        hour = self.oversight.hour_cost[self.authority[options.pair]]
        exit_cost = np.where(self.leaves, demand["exit_cost"][options.pair], 0)
        unit = self._instance["tariffs"]["unit_cost"][band_row[banded_band]]
        unit_ratio = w["tariff"] * Fraction(self._money, _RATE * self._volume_scale)
        home = np.where(options.home, demand["in_house_cost"], 0)
        home_exit = np.where(self.home_leaves, demand["exit_cost"], 0)
        home_hour = self.oversight.hour_cost[self.authority]
        entry = rounded([self.entry], w["entry"] * annuity, "entry_cost")
        home_entry = rounded(
            [self.home_entry], w["in_house_entry"] * annuity, "in_house_entry_cost"
        )
        # Checked as a whole even where split does not use them: they bound the parts.
        banded = rounded([unit, volume[banded_option]], unit_ratio, "unit_cost")
        access_whole = rounded([access], w["access"], "access_cost") + rounded(
            priced, metre, "access_rate"
        )
        exits = rounded([exit_cost], w["exit"] * annuity, "exit_cost")
        home_whole = rounded([home], w["in_house"], "in_house_cost")
        home_exits = rounded([home_exit], w["exit"] * annuity, "exit_cost")
        ours = [self.home_hours, home_hour]
        if not self._split:
            hours = [self.use_hours + self.unit_hours, hour]
            part = access_whole + exits + entry + rounded(hours, self._hour(w), "hours")
            own = home_whole + home_exits + home_entry
            own = own + rounded(ours, self._hour(w), "in_house_hours")
            return {"part": part, "banded": banded, "home": own}, 0.0

        by_hour = float(self._hour(w))
        per_hour = [h.astype(float) * hour * by_hour for h in (self.unit_hours, self.use_hours)]
        part = (
            access * float(w["access"])
            + np.prod([p.astype(float) for p in priced], axis=0) * float(metre)
            + exit_cost * float(w["exit"] * annuity)
            + per_hour[0]
        )
        own = (
            home * float(w["in_house"])
            + home_exit * float(w["exit"] * annuity)
            + self.home_hours.astype(float) * home_hour * by_hour
        )
        values = {
            "part": part,
            "use": entry + per_hour[1],
            "banded": unit.astype(float) * volume[banded_option] * float(unit_ratio),
            "home": own,
            "home_use": home_entry,
        }
        return values, self._slack(w, band_row, banded_option, banded_band)

    def _slack(
        self, w: Mapping[str, Fraction], band_row: Ints, banded_option: Ints, banded_band: Ints
    ) -> float:
        """Half a last place for each product that a part of a pair may leave unrounded."""
        options, demand = self._options, self._instance["demand"]
        settings = self._instance.settings
        volume = demand["volume"]
        one = np.ones(len(options.pair), dtype=np.int64)
        unit = self._instance["tariffs"]["unit_cost"][band_row[banded_band]]
        ratio = w["tariff"] * Fraction(self._money, _RATE * self._volume_scale)
        rough = np.zeros(len(options.pair), dtype=bool)
        rough[banded_option[~whole([unit], ratio)]] = True
        count = int(rough.sum())
        service = demand["service"][options.pair]
        rate = self._instance["services"]["access_rate"][service]
        metre = w["access"] * Fraction(self._money, _RATE * self._volume_scale * 1000)
        given = self._access != BLANK
        access = np.where(given, self._access, 0)
        exact = _divides(access, w["access"], volume[options.pair])
        count += int(np.sum(~np.where(given, exact, whole([one * rate, options.metres], metre))))
        count += int(
            np.sum(
                ~_divides(np.where(options.home, demand["in_house_cost"], 0), w["in_house"], volume)
            )
        )
        count += int(np.sum(~_divides(demand["exit_cost"], w["exit"] * settings.annuity, volume)))
        # Hours are rounded once per pair; whole only if every way to spend them is.
        hour = self.oversight.hour_cost[self.authority]
        bad = ~_divides(self.home_hours.astype(object) * hour, self._hour(w), volume)
        per = hour[options.pair]
        ok = whole([self.use_hours, per], self._hour(w))
        ok &= _divides(self.unit_hours.astype(object) * per, self._hour(w), volume[options.pair])
        bad[options.pair[~ok]] = True
        return (count + int(bad.sum())) / 2

    def _providers(self, w: Mapping[str, Fraction], provider_row: Ints) -> tuple[Ints, int]:
        """Cost of each provider in use, and what is paid whatever is decided."""
        table = self._instance["providers"]
        annuity = self._instance.settings.annuity
        running = rounded([table["running_cost"]], w["running"], "running_cost")
        opening = rounded([table["opening_cost"]], w["opening"] * annuity, "opening_cost")
        closing = rounded([table["closing_cost"]], w["closing"] * annuity, "closing_cost")
        existing = table["status"] == "existing"
        required = table["decision"] == "required"
        is_open = running + np.where(existing, 0, opening)
        shut = np.where(existing, closing, 0)
        use = np.where(required, 0, is_open - shut)
        constant = int(np.where(required, is_open, shut).sum())
        return use[provider_row], constant

    def links(self) -> tuple[Ints, Ints, Ints, Ints]:
        """Index pairs of pairs bound together, apart and by a split cost, and those costs."""
        table, demand = self._instance["links"], self._instance["demand"]
        found: dict[tuple[str, int, int, int], tuple[int, int, int]] = {}
        everyone = np.arange(len(self._instance["organisations"]), dtype=np.int64)
        names = ("service_a", "service_b", "rule", "cost", "organisation")
        links = list(zip(*(table[name].tolist() for name in names), strict=True))
        # A link of one organisation comes later and replaces the one for all.
        for a, b, rule, cost, one in sorted(links, key=lambda link: link[4] != NOWHERE):
            organisations = everyone if one == NOWHERE else everyone[one : one + 1]
            low, high = min(a, b), max(a, b)
            first = demand.find(organisations, np.full(len(organisations), low))
            second = demand.find(organisations, np.full(len(organisations), high))
            for i in np.flatnonzero((first >= 0) & (second >= 0)).tolist():
                key = (rule, low, high, int(organisations[i]))
                found[key] = (int(first[i]), int(second[i]), cost)
        result = []
        for rule in ("together", "apart", "split-cost"):
            chosen = [value for key, value in found.items() if key[0] == rule]
            result.append(np.array(chosen, dtype=np.int64).reshape(-1, 3))
        weight = self.weights.get("links", Fraction(0))
        cost = rounded([result[2][:, 2]], weight, "links cost")
        self.link_money = result[2][:, 2]
        return result[0][:, :2], result[1][:, :2], result[2][:, :2], cost


def _divides(values: NDArray[Any], ratio: Fraction, volume: Ints) -> NDArray[np.bool_]:
    """Whether values × ratio / volume is whole, entry by entry."""
    product = values.astype(object) * ratio.numerator
    return np.asarray(product % (volume.astype(object) * ratio.denominator) == 0, dtype=np.bool_)

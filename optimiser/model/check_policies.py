"""Policies and side rows: what a plan measures, and whether that is within its limits."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import numpy as np

from optimiser.errors import UsageError
from optimiser.model.account import Violation
from optimiser.model.check_facts import HOUR, LIMIT, STAFF, WEIGHT, Sum, figure, listed
from optimiser.model.instance import NOWHERE
from optimiser.model.plan import BY_ITSELF
from optimiser.model.rows import MEASURES, places
from optimiser.model.schema import COST_PARTS, IN_HOUSE, MODES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from optimiser.model.check_costs import Reckoning
    from optimiser.model.check_facts import Facts
    from optimiser.model.check_flow import Flow
    from optimiser.model.rows import Objective, Quantity, SideRow

#: Measures that count everything, in-house included, where the mode is blank.
_WIDE: Final = frozenset({"oversight_hours", "one_off_cost", "moved_pairs"})
_MODE_CODES: Final = {mode: code for code, mode in enumerate((IN_HOUSE, *MODES))}
_UNITS: Final = {
    "volume": "weighted units/yr",
    "pairs": "pairs",
    "staff_covered": "staff",
    "open_providers": "providers",
    "contracts": "contracts",
    "oversight_hours": "h/yr",
    "moved_pairs": "pairs",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What a measure is restricted to; None is no restriction.

    `mode` is '' or a mode. `organisations` being given, however wide, makes the measure local: what
    belongs to no organisation does not count.
    """

    mode: str = ""
    services: frozenset[int] | None = None
    organisations: frozenset[int] | None = None
    provider: int | None = None


class Measures:
    """Amounts of a plan by measure, each under any filter and in total or by group."""

    def __init__(self, facts: Facts, flow: Flow, reckoning: Reckoning) -> None:
        self.facts = facts
        self.flow = flow
        self.reckoning = reckoning
        self._arrays: dict[str, NDArray[np.int64]] = {}
        self.modes = facts.words("providers", "mode")

    def _array(self, name: str) -> NDArray[np.int64]:
        """One column of the deliveries; `mode` is a code of `_MODE_CODES`."""
        if name not in self._arrays:
            if name == "mode":
                # BY_ITSELF is −2: the last entry but one stands for in-house.
                codes = [*(_MODE_CODES[mode] for mode in self.modes), _MODE_CODES[IN_HOUSE], -1]
                values = np.array(codes, dtype=np.int64)[self._array("deliverer")]
            else:
                values = np.array(getattr(self.flow, name), dtype=np.int64)
            self._arrays[name] = values
        return self._arrays[name]

    def matching(self, measure: str, where: Filter) -> list[int]:
        """Deliveries that match a filter."""
        deliverer = self._array("deliverer")
        if where.mode:
            keep = self._array("mode") == _MODE_CODES[where.mode]
        elif measure in _WIDE:
            keep = np.ones(len(deliverer), dtype=bool)
        else:
            keep = deliverer != BY_ITSELF
        if where.services is not None:
            keep &= np.isin(self._array("service"), list(where.services))
        if where.organisations is not None:
            keep &= np.isin(self._array("organisation"), list(where.organisations))
        if where.provider is not None:
            keep &= deliverer == where.provider
        found: list[int] = np.flatnonzero(keep).tolist()
        return found

    def counts(self, deliverer: int, mode: str) -> bool:
        """Whether a deliverer has a mode; a blank mode is everybody."""
        if not mode:
            return True
        return mode == (IN_HOUSE if deliverer == BY_ITSELF else self.modes[deliverer])

    def amounts(self, measure: str, where: Filter, by: str = "") -> dict[int, Fraction]:
        """Amounts by group, in units (money in currency); a group that is missing has 0.

        Groups are providers (`by` = ``provider``), places in `Facts.authorities` (``authority``),
        or a single 0.
        """
        at = self.matching(measure, where)
        if by == "provider":
            at = [i for i in at if self.flow.deliverer[i] != BY_ITSELF]
        if measure == "one_off_cost":
            return self._one_offs(where, by)
        if measure == "oversight_hours":
            return self._hours(at, where, by)
        if measure in ("staff_covered", "open_providers", "contracts"):
            return self._distinct(measure, at, where, by)
        return self._additive(measure, at, by)

    def _group(self, by: str, organisation: int, deliverer: int) -> int:
        if by == "provider":
            return deliverer
        return self.facts.authority_of[organisation] if by == "authority" else 0

    def _additive(self, measure: str, at: list[int], by: str) -> dict[int, Fraction]:
        """Volume, baseline cost, pairs and moved pairs: sums over deliveries."""
        facts, flow = self.facts, self.flow
        need = facts.numbers("demand", "volume")
        weight = facts.numbers("services", "weight")
        baseline = facts.numbers("demand", "baseline_cost")
        incumbent = facts.rows("demand", "incumbent")
        sums: dict[int, Sum] = {}
        for i in at:
            pair, volume = flow.pair[i], flow.volume[i]
            if measure == "moved_pairs" and incumbent[pair] in (NOWHERE, flow.deliverer[i]):
                continue
            total = sums.setdefault(self._group(by, flow.organisation[i], flow.deliverer[i]), Sum())
            if measure == "volume":
                total.add(weight[flow.service[i]] * volume)
            elif measure == "baseline_cost":
                total.add(baseline[pair] * volume, need[pair])
            else:
                total.add(volume, need[pair])
        scale = {"volume": WEIGHT * facts.unit, "baseline_cost": facts.money}.get(measure, 1)
        return {key: total.total() / scale for key, total in sums.items()}

    def _distinct(self, measure: str, at: list[int], where: Filter, by: str) -> dict[int, Fraction]:
        """Staff, providers and contracts: each counts once per group."""
        flow, facts = self.flow, self.facts
        local = where.services is not None or where.organisations is not None or by == "authority"
        if measure == "open_providers" and not local:
            count = sum(
                account.is_open and self.counts(account.provider, where.mode)
                for account in self.reckoning.providers
                if where.provider in (None, account.provider)
            )
            return {0: Fraction(count)}
        seen: set[tuple[int, int, int]] = set()
        for i in at:
            organisation, deliverer = flow.organisation[i], flow.deliverer[i]
            if measure == "contracts" and deliverer == BY_ITSELF:
                continue
            seen.add((
                self._group(by, organisation, deliverer),
                -1 if measure == "open_providers" else organisation,
                -1 if measure == "staff_covered" else deliverer,
            ))  # fmt: skip
        staff = facts.numbers("organisations", "staff")
        sums: dict[int, int] = {}
        for group, organisation, _ in seen:
            one = staff[organisation] if measure == "staff_covered" else STAFF
            sums[group] = sums.get(group, 0) + one
        return {group: Fraction(total, STAFF) for group, total in sums.items()}

    def _hours(self, at: list[int], where: Filter, by: str) -> dict[int, Fraction]:
        """Hours of deliveries and of contracts."""
        facts, flow = self.facts, self.flow
        sums: dict[int, Sum] = {}
        for i in at:
            group = self._group(by, flow.organisation[i], flow.deliverer[i])
            sums.setdefault(group, Sum()).add(*self.reckoning.hours[i])
        ticks = facts.tick // HOUR
        for (organisation, provider), hours in zip(
            flow.contracts, self.reckoning.contract_hours, strict=True
        ):
            if (
                self.counts(provider, where.mode)
                and where.provider in (None, provider)
                and (where.organisations is None or organisation in where.organisations)
            ):
                group = self._group(by, organisation, provider)
                sums.setdefault(group, Sum()).add(hours * ticks)
        return {group: total.total() / facts.tick for group, total in sums.items()}

    def _one_offs(self, where: Filter, by: str) -> dict[int, Fraction]:
        """One-offs as paid once; each belongs to a deliverer."""
        local = where.organisations is not None or by == "authority"
        sums: dict[int, Sum] = {}
        for each in self.reckoning.one_offs:
            if not self.counts(each.deliverer, where.mode):
                continue
            if where.services is not None and each.service not in where.services:
                continue
            if local and each.organisation < 0:
                continue
            if where.organisations is not None and each.organisation not in where.organisations:
                continue
            if where.provider not in (None, each.deliverer):
                continue
            if by == "provider" and each.deliverer == BY_ITSELF:
                continue
            group = self._group(by, each.organisation, each.deliverer)
            sums.setdefault(group, Sum()).add(each.numerator, each.denominator)
        return {group: total.total() / self.facts.money for group, total in sums.items()}

    def of_all_demand(
        self, measure: str, services: frozenset[int] | None, *, by_authority: bool
    ) -> dict[int, Fraction]:
        """Denominators of shares, by place in `Facts.authorities` or in total (0)."""
        facts = self.facts
        organisation = facts.rows("demand", "organisation")
        service = facts.rows("demand", "service")
        column = "baseline_cost" if measure == "baseline_cost" else "volume"
        amount = facts.numbers("demand", column)
        weight = facts.numbers("services", "weight")
        staff = facts.numbers("organisations", "staff")
        sums: dict[int, int] = {}
        seen: set[int] = set()
        for pair, (o, s) in enumerate(zip(organisation, service, strict=True)):
            if services is not None and s not in services:
                continue
            if measure == "staff_covered":
                if o in seen:
                    continue
                seen.add(o)
                one = staff[o]
            elif measure == "pairs":
                one = 1
            else:
                one = amount[pair] * (weight[s] if measure == "volume" else 1)
            group = facts.authority_of[o] if by_authority else 0
            sums[group] = sums.get(group, 0) + one
        scale = {"volume": WEIGHT * facts.unit, "baseline_cost": facts.money,
                 "staff_covered": STAFF}.get(measure, 1)  # fmt: skip
        return {group: Fraction(total, scale) for group, total in sums.items()}


# --- policies ----------------------------------------------------------------------------------


def broken_policies(facts: Facts, measures: Measures) -> Iterator[Violation]:
    """Yield every limit of a policy that is not kept, group by group."""
    policies = facts.instance["policies"]
    for row in range(len(policies)):
        minimum, maximum = (facts.limits("policies", name)[row] for name in ("minimum", "maximum"))
        if minimum is not None or maximum is not None:
            yield from _policy(facts, measures, row, minimum, maximum)


def _policy(
    facts: Facts, measures: Measures, row: int, minimum: int | None, maximum: int | None
) -> Iterator[Violation]:
    policies = facts.instance["policies"]
    scope, measure = str(policies["scope"][row]), str(policies["measure"][row])
    where = Filter(
        mode=str(policies["mode"][row]),
        services=frozenset(policies["service"][row]) or None,
    )
    by = {"each-provider": "provider", "each-authority": "authority"}.get(scope, "")
    amounts = measures.amounts(measure, where, by)
    share = policies["unit"][row] == "share"
    wholes: Mapping[int, Fraction] = {}
    if share:
        wholes = measures.of_all_demand(measure, where.services, by_authority=by == "authority")
    for group, bound in _groups(facts, measures, where, by):
        amount = amounts.get(group, Fraction(0))
        whole = Fraction(1)
        if share:
            whole = wholes.get(group if by == "authority" else 0, Fraction(0))
            if not whole:
                continue
        for limit, over in ((minimum if bound else None, False), (maximum, True)):
            if limit is None:
                continue
            edge = Fraction(limit, LIMIT)
            if amount > edge * whole if over else amount < edge * whole:
                whose = {"provider": facts.deliverer, "authority": facts.authority}.get(by)
                name = f" for {whose(group)}" if whose else ""
                unit = f"share of {measure}" if share else _unit(facts, measure)
                yield Violation(
                    rule="policy",
                    message=f"Policy {policies.keys[row]}{name}: {_what(facts, measure, where)} is "
                            f"{figure(amount / whole)} ({unit}): "
                            f"{'over its maximum' if over else 'under its minimum'} of "
                            f"{figure(edge)}.",
                )  # fmt: skip


def _groups(
    facts: Facts, measures: Measures, where: Filter, by: str
) -> Iterator[tuple[int, bool]]:
    """Yield the groups of a policy, and whether the minimum binds each."""
    if by == "provider":
        narrow = measures.matching("", where)
        busy = {measures.flow.deliverer[i] for i in narrow}
        for provider in range(len(facts.instance["providers"])):
            if measures.counts(provider, where.mode):
                yield provider, provider in busy
    elif by == "authority":
        for place in range(len(facts.authorities)):
            yield place, True
    else:
        yield 0, True


def _unit(facts: Facts, measure: str) -> str:
    return _UNITS.get(measure, facts.instance.settings.currency)


def _what(facts: Facts, measure: str, where: Filter) -> str:
    """Name a measure with its mode and services."""
    words = measure
    if where.mode:
        words += f" {'' if where.mode == IN_HOUSE else 'by '}{where.mode}"
    if where.services is not None:
        words += f" of {listed(facts.name('services', s) for s in sorted(where.services))}"
    return words


# --- side rows ---------------------------------------------------------------------------------


def broken_side_rows(
    facts: Facts, measures: Measures, rows: Sequence[SideRow]
) -> Iterator[Violation]:
    """Yield every side row that is not kept."""
    for row in rows:
        total = sum(
            (term.coefficient * _quantity(facts, measures, term) for term in row.terms),
            Fraction(0),
        )
        for limit, over in ((row.minimum, False), (row.maximum, True)):
            if limit is not None and (total > limit if over else total < limit):
                yield Violation(
                    rule="side-row",
                    message=f"Side row {row.name}: its sum is {figure(total)}: "
                            f"{'over its maximum' if over else 'under its minimum'} of "
                            f"{figure(Fraction(limit))}.",
                )  # fmt: skip


def objective_units(facts: Facts, measures: Measures, objective: Objective) -> int:
    """Objective of the plan in its last places; under split rounded half away from zero."""
    total = Fraction(0)
    for term in objective.terms:
        total += term.coefficient * _quantity(facts, measures, term)
    digits = places(objective, facts.instance)
    if digits is None:
        raise UsageError(f"The objective {objective.name!r} has a coefficient without an end of "
                         f"decimals; round it.")  # fmt: skip
    total *= 10**digits
    whole = int(abs(total) + Fraction(1, 2))
    return whole if total >= 0 else -whole


def _quantity(facts: Facts, measures: Measures, term: Quantity) -> Fraction:
    """One quantity of a side row, as an absolute amount."""
    if term.measure not in MEASURES:
        raise UsageError(f"A quantity measures {term.measure!r}; the measures are "
                         f"{', '.join(MEASURES)}.")  # fmt: skip
    if term.mode and term.mode not in _MODE_CODES:
        raise UsageError(f"A quantity names the mode {term.mode!r}; the modes are "
                         f"{', '.join(_MODE_CODES)}.")  # fmt: skip
    if term.measure == "cost":
        parts = measures.reckoning.bill.parts
        if term.part and term.part not in parts:
            raise UsageError(f"A quantity names the cost part {term.part!r}; the parts are "
                             f"{', '.join(COST_PARTS)}.")  # fmt: skip
        money = parts[term.part] if term.part else sum(parts.values())
        return Fraction(money, facts.money)
    if term.listed:
        return _listed(facts, measures, term.listed)
    where = Filter(
        mode=term.mode,
        services=frozenset(_row(facts, "services", key) for key in term.services) or None,
        organisations=_organisations(facts, term),
        provider=_row(facts, "providers", term.provider) if term.provider else None,
    )
    return measures.amounts(term.measure, where).get(0, Fraction(0))


def _listed(
    facts: Facts, measures: Measures, deliveries: Sequence[tuple[str, str, str]]
) -> Fraction:
    """Pairs of these deliveries."""
    wanted = {
        (
            _row(facts, "organisations", organisation),
            _row(facts, "services", service),
            BY_ITSELF if by == IN_HOUSE else _row(facts, "providers", by),
        )
        for organisation, service, by in deliveries
    }
    flow, need = measures.flow, facts.numbers("demand", "volume")
    total = Sum()
    for pair, organisation, service, by, volume in zip(
        flow.pair, flow.organisation, flow.service, flow.deliverer, flow.volume, strict=True
    ):
        if (organisation, service, by) in wanted:
            total.add(volume, need[pair])
    return total.total()


def _organisations(facts: Facts, term: Quantity) -> frozenset[int] | None:
    """Organisations that a quantity is restricted to, None if to none."""
    found: set[int] | None = None
    if term.organisation:
        found = {_row(facts, "organisations", term.organisation)}
    if term.authority:
        # A row of authorities comes before an organisation of the same key.
        place = next(
            (at for at, each in enumerate(facts.authorities) if each.key == term.authority), None
        )
        if place is None:
            raise UsageError(f"A quantity names the authority {term.authority!r}, "
                             f"which is not there.")  # fmt: skip
        own = {row for row, its in enumerate(facts.authority_of) if its == place}
        found = own if found is None else found & own
    return None if found is None else frozenset(found)


def _row(facts: Facts, table: str, key: str) -> int:
    """Row of a key."""
    try:
        row: int = facts.row_of(table)[key]
    except KeyError:
        raise UsageError(f"A quantity names {key!r}, which is no row of {table}.") from None
    return row

"""Brute force: every plan of a tiny instance, priced straight from the texts of its tables.

Written from docs/problem.md alone and over raw texts and fractions, so that it shares nothing with
the package (side rows are taken by their attributes). Slow, plain and exact on purpose.

A *plan* is here a tuple with one entry per row of demand: the tuple of its (deliverer, part).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

IN_HOUSE = "in-house"
PARTS = (
    "in_house",
    "tariff",
    "access",
    "running",
    "contracts",
    "oversight_hours",
    "officers",
    "managers",
    "opening",
    "closing",
    "set_up",
    "entry",
    "exit",
    "in_house_entry",
    "links",
)
ONE_OFFS = ("opening", "closing", "set_up", "entry", "exit", "in_house_entry")
SHARES = ("volume", "baseline_cost", "pairs", "staff_covered")
EARTH = 6371.0088

Tables = dict[str, list[dict[str, str]]]
Plan = tuple[tuple[tuple[str, Fraction], ...], ...]
Item = tuple[str, Fraction]


class Priced(NamedTuple):
    """What one plan costs (last place of money) and the rules it breaks (words of account.py)."""

    objective: int
    cost: int
    parts: dict[str, int]
    broken: tuple[str, ...]
    objective_parts: dict[str, int]


class BruteResult(NamedTuple):
    """The best of all plans; `plans` holds every optimal one (at most 1,000)."""

    status: str
    objective: int
    cost: int
    plans: list[list[tuple[str, str, str, str]]]
    enumerated: int


def number(text: object) -> Fraction | None:
    """Read a cell or a setting; blank is None."""
    text = "" if text is None else str(text).strip()
    return Fraction(text) if text else None


def half_away(value: Fraction, factor: int = 1) -> int:
    """Round value x factor to a whole number, halves away from zero."""
    above, below = abs(value.numerator) * factor, value.denominator
    size = (2 * above + below) // (2 * below)
    return -size if value < 0 else size


def half_up_root(square: Fraction) -> int:
    """Round the square root of a fraction to a whole number, halves up, exactly."""
    root = math.isqrt(math.floor(square))  # floor of the root
    return root + (square >= (root + Fraction(1, 2)) ** 2)


def decimal_text(value: Fraction, decimals: int) -> str:
    """Write a fraction that `decimals` decimals hold exactly."""
    whole = value * 10**decimals
    assert whole.denominator == 1, f"{value} has more than {decimals} decimals"
    sign, digits = "-" if whole < 0 else "", str(abs(int(whole))).rjust(decimals + 1, "0")
    if not decimals:
        return sign + digits
    tail = digits[-decimals:].rstrip("0")
    return sign + digits[:-decimals] + ("." + tail if tail else "")


@dataclass
class Need:
    """One row of demand."""

    organisation: str
    service: str
    volume: Fraction
    in_house_cost: Fraction | None
    in_house_hours: Fraction
    baseline: Fraction | None
    incumbent: str
    exit_cost: Fraction
    in_house_entry: Fraction


@dataclass
class Option:
    """One option by a provider."""

    access_cost: Fraction | None = None
    entry_cost: Fraction = Fraction(0)
    hours: Fraction = Fraction(0)


@dataclass
class Band:
    """One line of a tariff."""

    first: Fraction
    last: Fraction | None
    fixed: Fraction
    unit: Fraction


@dataclass
class Authority:
    """One authority, or an organisation that answers for itself."""

    organisations: frozenset[str]
    hour_cost: Fraction
    officer_hours: Fraction | None
    officer_cost: Fraction
    max_officers: Fraction | None
    max_contracts: Fraction | None
    span: Fraction | None
    manager_cost: Fraction


@dataclass
class Seen:
    """A plan with what is derived from it, for rules over all of it."""

    plan: Plan
    deliveries: list[tuple[int, str, Fraction]]  # row of demand, deliverer, part
    own: dict[str, tuple[tuple[int, Fraction], ...]]  # provider -> (row of demand, part)
    parts: dict[str, int] = field(default_factory=dict)


class World:
    """The tables and settings, read anew from texts."""

    def __init__(self, tables: Tables, settings: dict[str, Any]) -> None:
        self.tables = {name: rows for name, rows in tables.items() if rows}
        self.split = settings.get("sourcing", "single") == "split"
        self.money_decimals = int(settings.get("money_decimals", 2))
        self.volume_decimals = int(settings.get("volume_decimals", 3))
        self.scale = 10**self.money_decimals
        horizon = settings.get("horizon", {})
        years = int(horizon.get("years", 10))
        rate = number(horizon.get("discount_rate", "0.035"))
        assert rate is not None
        self.annuity = rate / (1 - (1 + rate) ** -years) if rate else Fraction(1, years)
        weights = settings.get("objective", {})
        self.weights = {part: number(weights.get(part, 1)) for part in PARTS}
        self.distance_settings = settings.get("distance", {})
        self.generate = bool(settings.get("options", {}).get("generate", False))
        self.oversight = settings.get("oversight", {})
        self._read()
        self._options()
        self._links()
        self._policies()
        self._pair_cache: dict[Any, Any] = {}
        self._provider_cache: dict[Any, Any] = {}
        self._authority_cache: dict[Any, Any] = {}
        self._link_cache: dict[Any, Any] = {}

    # Reading

    def rows(self, table: str) -> list[dict[str, str]]:
        return self.tables.get(table, [])

    def _read(self) -> None:
        zero = Fraction(0)
        self.organisations = {r["organisation"]: r for r in self.rows("organisations")}
        self.providers = {r["provider"]: r for r in self.rows("providers")}
        self.services = [r["service"] for r in self.rows("services")]
        self.weight = {r["service"]: _or(r, "weight", Fraction(1)) for r in self.rows("services")}
        self.rate = {r["service"]: _or(r, "access_rate", zero) for r in self.rows("services")}
        self.staff = {o: number(r.get("staff")) for o, r in self.organisations.items()}
        self.mode = {p: r["mode"] for p, r in self.providers.items()}
        self.needs: list[Need] = []
        for r in self.rows("demand"):
            in_house = number(r.get("in_house_cost"))
            baseline = number(r.get("baseline_cost"))
            volume = number(r["volume"])
            assert volume
            self.needs.append(
                Need(
                    r["organisation"],
                    r["service"],
                    volume,
                    in_house,
                    _or(r, "in_house_hours", zero),
                    in_house if baseline is None else baseline,
                    r.get("incumbent") or "",
                    _or(r, "exit_cost", zero),
                    _or(r, "in_house_entry_cost", zero),
                )
            )
        self.row_of = {(n.organisation, n.service): q for q, n in enumerate(self.needs)}
        self.offers = {(r["provider"], r["service"]): r for r in self.rows("offers")}
        self.bands: dict[tuple[str, str], list[Band]] = {offer: [] for offer in self.offers}
        for r in self.rows("tariffs"):
            self.bands[r["provider"], r["service"]].append(
                Band(
                    _or(r, "from_volume", zero),
                    number(r.get("to_volume")),
                    _or(r, "fixed_cost", zero),
                    _or(r, "unit_cost", zero),
                )
            )
        used = {n.incumbent for n in self.needs}
        used_offers = {(n.incumbent, n.service) for n in self.needs}
        self.existing = {
            p: (r.get("status") or ("existing" if p in used else "candidate")) == "existing"
            for p, r in self.providers.items()
        }
        self.set_up_done = {
            key: (r.get("existing") or ("yes" if key in used_offers else "no")) == "yes"
            for key, r in self.offers.items()
        }
        self.required = {p for p, r in self.providers.items() if r.get("decision") == "required"}
        self.barred = {p for p, r in self.providers.items() if r.get("decision") == "barred"}
        self.contract = {(r["organisation"], r["provider"]): r for r in self.rows("contracts")}
        self._read_authorities()

    def _read_authorities(self) -> None:
        self.authorities: dict[str, Authority] = {}
        self.authority_of: dict[str, str] = {}
        people: dict[str, list[str]] = {}
        rows = {r["authority"]: r for r in self.rows("authorities")}
        named = set(rows)
        for o, r in self.organisations.items():
            key = r.get("authority") or (f"{o}, itself" if o in named else o)
            if not r.get("authority"):
                rows[key] = {}
            people.setdefault(key, []).append(o)
            self.authority_of[o] = key
        for key, row in rows.items():
            cells = {
                name: number(row.get(name)) if row.get(name) else number(self.oversight.get(name))
                for name in (
                    "hour_cost",
                    "officer_hours",
                    "officer_cost",
                    "max_officers",
                    "max_contracts",
                    "span_of_control",
                    "manager_cost",
                )
            }
            self.authorities[key] = Authority(
                frozenset(people.get(key, ())),
                cells["hour_cost"] or Fraction(0),
                cells["officer_hours"],
                cells["officer_cost"] or Fraction(0),
                cells["max_officers"],
                cells["max_contracts"],
                cells["span_of_control"],
                cells["manager_cost"] or Fraction(0),
            )

    def _network(self) -> dict[str, dict[str, Fraction]]:
        roads: dict[str, dict[str, Fraction]] = {}
        for r in self.rows("network"):
            km = number(r["km"])
            assert km is not None
            for a, b in ((r["from"], r["to"]), (r["to"], r["from"])):
                far = roads.setdefault(a, {})
                far[b] = min(km, far.get(b, km))
        return roads

    def distance(self, organisation: str, provider: str) -> Fraction | None:
        """Kilometres to the metre; None where the network does not reach; 0 without a place."""
        one, two = self.organisations[organisation], self.providers[provider]
        metric = self.distance_settings.get("metric") or ""
        detour = number(self.distance_settings.get("detour", 1))
        assert detour is not None
        if not metric:
            places = [*self.organisations.values(), *self.providers.values()]
            if self.rows("network"):
                metric = "network"
            elif any(r.get("latitude") for r in places):
                metric = "great-circle"
            else:
                metric = "straight-line"
        if metric == "network":
            return self._road(organisation, provider, detour)
        names = ("latitude", "longitude") if metric == "great-circle" else ("x_km", "y_km")
        here = [number(one.get(name)) for name in names]
        there = [number(two.get(name)) for name in names]
        if None in here or None in there:
            return Fraction(0)
        if metric == "straight-line":
            square = sum((a - b) ** 2 for a, b in zip(here, there, strict=True))
            return Fraction(half_up_root(square * (1000 * detour) ** 2), 1000)
        lat1, lon1, lat2, lon2 = (math.radians(float(x)) for x in (*here, *there))
        h = (
            math.sin((lat2 - lat1) / 2) ** 2
            + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
        )
        km = 2 * EARTH * math.asin(min(1.0, math.sqrt(h))) * float(detour)
        return Fraction(math.floor(km * 1000 + 0.5), 1000)

    def _road(self, start: str, end: str, detour: Fraction) -> Fraction | None:
        roads = self._network()
        if start not in roads or end not in roads:
            return Fraction(0)
        best = {start: Fraction(0)}
        for _ in roads:  # as many rounds as nodes are enough
            for a, far in roads.items():
                for b, km in far.items():
                    if a in best and (b not in best or best[a] + km < best[b]):
                        best[b] = best[a] + km
        if end not in best:
            return None
        return Fraction(math.floor(best[end] * detour * 1000 + Fraction(1, 2)), 1000)

    def _options(self) -> None:
        self.options: list[dict[str, Option]] = [{} for _ in self.needs]
        self.only: list[str] = ["" for _ in self.needs]  # the required deliverer
        self.may_in_house = [need.in_house_cost is not None for need in self.needs]
        self.km = {(o, p): self.distance(o, p) for o in self.organisations for p in self.providers}
        if not self.rows("options") or self.generate:
            for q, need in enumerate(self.needs):
                for p, s in self.offers:
                    reach = number(self.providers[p].get("max_distance_km"))
                    km = self.km[need.organisation, p]
                    if s == need.service and km is not None and (reach is None or km <= reach):
                        self.options[q][p] = Option()
        for q, need in enumerate(self.needs):
            if need.incumbent and need.incumbent != IN_HOUSE:
                self.options[q][need.incumbent] = Option()
        for r in self.rows("options"):
            q, p = self.row_of[r["organisation"], r["service"]], r["provider"]
            if r.get("decision") == "required":
                self.only[q] = p
            if p == IN_HOUSE:
                if r.get("decision") == "barred":
                    self.may_in_house[q] = False
            elif r.get("decision") == "barred":
                self.options[q].pop(p, None)
            else:
                self.options[q][p] = Option(
                    number(r.get("access_cost")),
                    _or(r, "entry_cost", Fraction(0)),
                    _or(r, "hours", Fraction(0)),
                )
        for mine in self.options:
            for p in self.barred:
                mine.pop(p, None)

    def _links(self) -> None:
        self.links: dict[str, list[tuple[int, int, str, Fraction]]] = {}
        for o in self.organisations:
            rows: dict[tuple[frozenset[str], str], tuple[int, int, str, Fraction]] = {}
            for named in (False, True):  # rows for all first, so that the others override
                for r in self.rows("links"):
                    if (r.get("organisation") or "") != (o if named else ""):
                        continue
                    one = self.row_of.get((o, r["service_a"]))
                    two = self.row_of.get((o, r["service_b"]))
                    if one is not None and two is not None:
                        key = (frozenset((r["service_a"], r["service_b"])), r["rule"])
                        rows[key] = (one, two, r["rule"], _or(r, "cost", Fraction(0)))
            self.links[o] = list(rows.values())
        self.rows_of = {
            o: [q for q, need in enumerate(self.needs) if need.organisation == o]
            for o in self.organisations
        }

    def _policies(self) -> None:
        self.policies = []
        for r in self.rows("policies"):
            names = [name.strip() for name in (r.get("service") or "").split(";") if name.strip()]
            measure = r["measure"]
            unit = r.get("unit") or ("share" if measure in SHARES else "absolute")
            self.policies.append(
                (
                    r.get("scope") or "total",
                    measure,
                    r.get("mode") or "",
                    frozenset(names) if names else None,
                    number(r.get("minimum")),
                    number(r.get("maximum")),
                    unit == "share",
                )
            )

    # Costs: each product is an item, rounded by itself

    def rounded(self, items: Iterable[Item]) -> tuple[int, dict[str, int], dict[str, int]]:
        """Sum of items: objective, cost by part and objective by part."""
        cost: dict[str, int] = {}
        weighted: dict[str, int] = {}
        for part, amount in items:
            value = half_away(amount, self.scale)
            cost[part] = cost.get(part, 0) + value
            if (weight := self.weights[part]) != 1:
                value = half_away(weight * amount, self.scale)
            weighted[part] = weighted.get(part, 0) + value
        return sum(weighted.values()), cost, weighted

    def delivery_hours(self, q: int, deliverer: str, part: Fraction) -> Fraction:
        need = self.needs[q]
        if deliverer == IN_HOUSE:
            return need.in_house_hours * part / need.volume
        offer = self.offers.get((deliverer, need.service), {})
        option = self.options[q].get(deliverer, Option())
        per_unit = _or(offer, "hours_per_unit", Fraction(0))
        return _or(offer, "service_hours", Fraction(0)) + per_unit * part + option.hours

    def contract_cost(self, organisation: str, provider: str) -> Fraction:
        cell = number(self.contract.get((organisation, provider), {}).get("contract_cost"))
        return _or(self.providers[provider], "member_cost", Fraction(0)) if cell is None else cell

    def contract_hours(self, organisation: str, provider: str) -> Fraction:
        cell = number(self.contract.get((organisation, provider), {}).get("contract_hours"))
        return (
            _or(self.providers[provider], "contract_hours", Fraction(0)) if cell is None else cell
        )

    def leaving(self, q: int, split: Sequence[tuple[str, Fraction]]) -> Fraction:
        """Share of a pair that leaves its incumbent, 0 if it has none."""
        need = self.needs[q]
        if not need.incumbent:
            return Fraction(0)
        stays = sum(part for deliverer, part in split if deliverer == need.incumbent)
        return (need.volume - stays) / need.volume

    def pair(self, q: int, split: tuple[tuple[str, Fraction], ...]) -> Any:
        """Reckon one pair: objective, cost by part, objective by part, hours, broken rules."""
        key = (q, split)
        if key in self._pair_cache:
            return self._pair_cache[key]
        need, options = self.needs[q], self.options[q]
        items: list[Item] = []
        broken: set[str] = set()
        hours = Fraction(0)
        for deliverer, part in split:
            share = part / need.volume
            hours += self.delivery_hours(q, deliverer, part)
            if deliverer == IN_HOUSE:
                items.append(("in_house", (need.in_house_cost or 0) * share))
                if need.incumbent != IN_HOUSE:
                    items.append(("in_house_entry", self.annuity * need.in_house_entry))
                if not self.may_in_house[q]:
                    broken.add("option")
                continue
            if deliverer not in options:
                broken.add("option")
            option = options.get(deliverer, Option())
            if option.access_cost is not None:
                items.append(("access", option.access_cost * share))
            else:
                km = self.km[need.organisation, deliverer] or Fraction(0)
                items.append(("access", self.rate[need.service] * part * km))
            if deliverer != need.incumbent:
                items.append(("entry", self.annuity * option.entry_cost))
        items.append(("exit", self.annuity * need.exit_cost * self.leaving(q, split)))
        hour_cost = self.authorities[self.authority_of[need.organisation]].hour_cost
        items.append(("oversight_hours", hour_cost * hours))
        if sum(part for _, part in split) != need.volume:
            broken.add("volume")
        if not self.split and len(split) > 1:
            broken.add("single")
        if self.only[q] and split != ((self.only[q], need.volume),):
            broken.add("required")
        result = (*self.rounded(items), hours, frozenset(broken))
        self._pair_cache[key] = result
        return result

    def provider(self, p: str, own: tuple[tuple[int, Fraction], ...]) -> Any:
        """Reckon one provider: objective, cost by part, objective by part, broken rules."""
        key = (p, own)
        if key in self._provider_cache:
            return self._provider_cache[key]
        members = frozenset(self.needs[q].organisation for q, _ in own)
        found = [self._body(p, members)]
        by_service: dict[str, list[Fraction]] = {}
        for q, part in own:
            by_service.setdefault(self.needs[q].service, []).append(part)
        found += [self._offer(p, s, tuple(parts)) for s, parts in by_service.items()]
        cost: dict[str, int] = {}
        weighted: dict[str, int] = {}
        broken: set[str] = set()
        for _, mine, mine_weighted, rules in found:
            for part, money in mine.items():
                cost[part] = cost.get(part, 0) + money
            for part, money in mine_weighted.items():
                weighted[part] = weighted.get(part, 0) + money
            broken |= rules
        limit = number(self.providers[p].get("capacity"))
        if limit is not None:
            load = sum((self.weight[s] * v for s, parts in by_service.items() for v in parts))
            if load > limit:
                broken.add("provider-capacity")
        result = (sum(weighted.values()), cost, weighted, frozenset(broken))
        self._provider_cache[key] = result
        return result

    def _body(self, p: str, members: frozenset[str]) -> Any:
        """Reckon what hangs on a provider's members only; none means that it is not in use."""
        key = (p, members)
        if key in self._provider_cache:
            return self._provider_cache[key]
        row = self.providers[p]
        items: list[Item] = []
        broken: set[str] = set()
        if members or p in self.required:
            items.append(("running", _or(row, "running_cost", Fraction(0))))
            if not self.existing[p]:
                items.append(("opening", self.annuity * _or(row, "opening_cost", Fraction(0))))
        elif self.existing[p]:
            items.append(("closing", self.annuity * _or(row, "closing_cost", Fraction(0))))
        for o in members:
            items.append(("contracts", self.contract_cost(o, p)))
            hour_cost = self.authorities[self.authority_of[o]].hour_cost
            items.append(("oversight_hours", hour_cost * self.contract_hours(o, p)))
        most = number(row.get("max_members"))
        if most is not None and len(members) > most:
            broken.add("max-members")
        if members and len(members) < _or(row, "min_members", Fraction(0)):
            broken.add("min-members")
        result = (*self.rounded(items), frozenset(broken))
        self._provider_cache[key] = result
        return result

    def _offer(self, p: str, s: str, parts: tuple[Fraction, ...]) -> Any:
        """Reckon one offer in use: set-up, the band in force, capacity and least volume."""
        key = (p, s, parts)
        if key in self._provider_cache:
            return self._provider_cache[key]
        offer = self.offers.get((p, s))
        items: list[Item] = []
        broken: set[str] = set()
        if offer is None:
            broken.add("option")
        else:
            total = sum(parts, Fraction(0))
            if not self.set_up_done[p, s]:
                items.append(("set_up", self.annuity * _or(offer, "set_up_cost", Fraction(0))))
            limit = number(offer.get("capacity"))
            if limit is not None and total > limit:
                broken.add("offer-capacity")
            if total < _or(offer, "min_volume", Fraction(0)):
                broken.add("min-volume")
            best = None
            for band in self.bands[p, s]:
                if total < band.first or (band.last is not None and total > band.last):
                    continue
                mine = [("tariff", band.fixed), *(("tariff", band.unit * v) for v in parts)]
                objective, cost, _ = self.rounded(mine)
                if best is None or (objective, cost["tariff"]) < best[0]:
                    best = ((objective, cost["tariff"]), mine)
            if best is None:
                broken.add("band")
            else:
                items += best[1]
        result = (*self.rounded(items), frozenset(broken))
        self._provider_cache[key] = result
        return result

    def authority(self, key: str, plan: Plan) -> Any:
        """Reckon one authority: objective, cost by part, objective by part, broken rules, hours."""
        who = self.authorities[key]
        mine = [q for o in who.organisations for q in self.rows_of[o]]
        state = (key, tuple((q, plan[q]) for q in mine))
        if state in self._authority_cache:
            return self._authority_cache[state]
        broken: set[str] = set()
        items: list[Item] = []
        contracts = {
            (self.needs[q].organisation, deliverer)
            for q in mine
            for deliverer, _ in plan[q]
            if deliverer != IN_HOUSE
        }
        hours = sum((self.contract_hours(o, p) for o, p in contracts), Fraction(0))
        hours += sum((self.pair(q, plan[q])[3] for q in mine), Fraction(0))
        if who.officer_hours is not None:
            officers = math.ceil(hours / who.officer_hours)
            items.extend([("officers", who.officer_cost)] * officers)
            if who.max_officers is not None and officers > who.max_officers:
                broken.add("max-officers")
            if who.span is not None:
                items.extend([("managers", who.manager_cost)] * math.ceil(officers / who.span))
        if who.max_contracts is not None and len(contracts) > who.max_contracts:
            broken.add("max-contracts")
        result = (*self.rounded(items), frozenset(broken), hours)
        self._authority_cache[state] = result
        return result

    def linked(self, organisation: str, plan: Plan) -> Any:
        """Reckon one organisation's links: objective, cost and objective by part, broken rules."""
        state = (organisation, tuple(plan[q] for q in self.rows_of[organisation]))
        if state in self._link_cache:
            return self._link_cache[state]
        broken: set[str] = set()
        items: list[Item] = []
        for one, two, rule, cost in self.links[organisation]:
            first = {d: part / self.needs[one].volume for d, part in plan[one]}
            second = {d: part / self.needs[two].volume for d, part in plan[two]}
            if rule == "together" and first != second:
                broken.add("together")
            elif rule == "apart" and (set(first) & set(second)) - {IN_HOUSE}:
                broken.add("apart")
            elif rule == "split-cost" and set(first) != set(second):
                items.append(("links", cost))
        result = (*self.rounded(items), frozenset(broken))
        self._link_cache[state] = result
        return result

    # Policies and side rows

    def view(self, plan: Plan) -> Seen:
        own: dict[str, list[tuple[int, Fraction]]] = {p: [] for p in self.providers}
        deliveries = []
        for q, split in enumerate(plan):
            for deliverer, part in split:
                deliveries.append((q, deliverer, part))
                if deliverer != IN_HOUSE:
                    own[deliverer].append((q, part))
        return Seen(plan, deliveries, {p: tuple(mine) for p, mine in own.items()})

    def counts(self, deliverer: str, mode: str, *, blank_has_in_house: bool = False) -> bool:
        """Whether a deliverer has the mode asked for."""
        if deliverer == IN_HOUSE:
            return mode == IN_HOUSE or (not mode and blank_has_in_house)
        return not mode or self.mode[deliverer] == mode

    def measure(
        self,
        seen: Seen,
        measure: str,
        mode: str = "",
        services: frozenset[str] | None = None,
        organisations: frozenset[str] | None = None,
        provider: str = "",
    ) -> Fraction:
        """Amount of a measure in a plan, restricted by what is given."""
        with_in_house = measure in ("oversight_hours", "one_off_cost", "moved_pairs")

        def mine(deliverer: str) -> bool:
            if provider:
                return deliverer == provider and self.counts(deliverer, mode)
            return self.counts(deliverer, mode, blank_has_in_house=with_in_house)

        def where(q: int) -> bool:
            need = self.needs[q]
            return (services is None or need.service in services) and (
                organisations is None or need.organisation in organisations
            )

        match = [
            (self.needs[q], q, d, part) for q, d, part in seen.deliveries if where(q) and mine(d)
        ]
        total = Fraction(0)
        if measure == "volume":
            return sum((self.weight[n.service] * part for n, _, _, part in match), total)
        if measure == "baseline_cost":
            return sum(((n.baseline or 0) * part / n.volume for n, _, _, part in match), total)
        if measure == "pairs":
            return sum((part / n.volume for n, _, _, part in match), total)
        if measure == "staff_covered":
            return sum((self.staff[o] or 0 for o in {n.organisation for n, *_ in match}), total)
        if measure == "open_providers":
            if services is None and organisations is None:
                is_open = {p for p, own in seen.own.items() if own} | self.required
                return Fraction(sum(mine(p) for p in is_open))
            return Fraction(len({d for _, _, d, _ in match}))
        if measure == "contracts":
            return Fraction(len({(n.organisation, d) for n, _, d, _ in match}))
        if measure == "oversight_hours":
            for o, d in {(n.organisation, d) for n, _, d, _ in match if d != IN_HOUSE}:
                total += self.contract_hours(o, d)
            return total + sum(self.delivery_hours(q, d, part) for _, q, d, part in match)
        if measure == "moved_pairs":
            return sum(
                (part / n.volume for n, _, d, part in match if n.incumbent not in ("", d)), total
            )
        assert measure == "one_off_cost"
        for n, q, d, _ in match:
            if d == IN_HOUSE:
                total += n.in_house_entry if n.incumbent != IN_HOUSE else 0
            elif d != n.incumbent:
                total += self.options[q].get(d, Option()).entry_cost
        for q, need in enumerate(self.needs):
            if where(q) and need.incumbent and mine(need.incumbent):
                total += need.exit_cost * self.leaving(q, seen.plan[q])
        if organisations is None:
            for p in self.providers:
                if mine(p):
                    total += self._one_offs(seen, p, services)
        return total

    def _one_offs(self, seen: Seen, p: str, services: frozenset[str] | None) -> Fraction:
        row, own = self.providers[p], seen.own[p]
        total = Fraction(0)
        if services is None:
            if own or p in self.required:
                if not self.existing[p]:
                    total += _or(row, "opening_cost", Fraction(0))
            elif self.existing[p]:
                total += _or(row, "closing_cost", Fraction(0))
        for s in {self.needs[q].service for q, _ in own}:
            if (services is None or s in services) and not self.set_up_done.get((p, s), True):
                total += _or(self.offers[p, s], "set_up_cost", Fraction(0))
        return total

    def denominator(
        self,
        measure: str,
        services: frozenset[str] | None,
        organisations: frozenset[str] | None,
    ) -> Fraction:
        """Amount of a share's whole: all demand of the services."""
        needs = [
            n
            for n in self.needs
            if (services is None or n.service in services)
            and (organisations is None or n.organisation in organisations)
        ]
        if measure == "volume":
            return sum((self.weight[n.service] * n.volume for n in needs), Fraction(0))
        if measure == "baseline_cost":
            return sum((n.baseline or 0 for n in needs), Fraction(0))
        if measure == "pairs":
            return Fraction(len(needs))
        assert measure == "staff_covered"
        return sum((self.staff[o] or 0 for o in {n.organisation for n in needs}), Fraction(0))

    def policy_amounts(self, policy: Any, seen: Seen) -> Iterator[tuple[Fraction, Fraction, bool]]:
        """Amount, whole (1 if absolute) and whether the minimum binds, for each in its scope."""
        scope, measure, mode, services, _, _, share = policy
        if scope == "each-authority":
            for who in self.authorities.values():
                places = who.organisations
                whole = self.denominator(measure, services, places) if share else Fraction(1)
                yield self.measure(seen, measure, mode, services, places), whole, True
            return
        whole = self.denominator(measure, services, None) if share else Fraction(1)
        if scope == "total":
            yield self.measure(seen, measure, mode, services), whole, True
            return
        for p in self.providers:
            if self.counts(p, mode):
                binds = any(
                    services is None or self.needs[q].service in services for q, _ in seen.own[p]
                )
                yield self.measure(seen, measure, mode, services, None, p), whole, binds

    def keeps(self, policy: Any, seen: Seen) -> bool:
        minimum, maximum = policy[4], policy[5]
        for amount, whole, binds in self.policy_amounts(policy, seen):
            if not whole:
                continue
            if minimum is not None and binds and amount < minimum * whole:
                return False
            if maximum is not None and amount > maximum * whole:
                return False
        return True

    def quantity(self, term: Any, seen: Seen) -> Fraction:
        """Amount of one `Quantity`, without its coefficient."""
        if term.measure == "cost":
            money = seen.parts.get(term.part, 0) if term.part else sum(seen.parts.values())
            return Fraction(money, self.scale)
        places = None
        if term.authority:
            places = self.authorities[term.authority].organisations
        if term.organisation:
            one = frozenset((term.organisation,))
            places = one if places is None else places & one
        services = frozenset(term.services) if term.services else None
        return self.measure(seen, term.measure, term.mode, services, places, term.provider)

    def keeps_row(self, row: Any, seen: Seen) -> bool:
        total = sum((t.coefficient * self.quantity(t, seen) for t in row.terms), Fraction(0))
        return not (
            (row.minimum is not None and total < row.minimum)
            or (row.maximum is not None and total > row.maximum)
        )

    # Whole plans

    def local(self, plan: Plan, seen: Seen) -> list[Any]:
        """All reckonings but policies; each starts objective, cost and objective by part, …"""
        result = [self.pair(q, split) for q, split in enumerate(plan)]
        result += [self.provider(p, seen.own[p]) for p in self.providers]
        result += [self.authority(a, plan) for a in self.authorities]
        result += [self.linked(o, plan) for o in self.organisations if self.links[o]]
        return result

    def price(self, plan: Plan, rows: Sequence[Any] = ()) -> Priced:
        """Price one plan, whatever rules it breaks."""
        seen = self.view(plan)
        found = self.local(plan, seen)
        parts, weighted = dict.fromkeys(PARTS, 0), dict.fromkeys(PARTS, 0)
        broken: set[str] = set()
        for entry in found:
            for part, money in entry[1].items():
                parts[part] += money
            for part, money in entry[2].items():
                weighted[part] += money
            for extra in entry[3:]:
                if isinstance(extra, frozenset):
                    broken |= extra
        seen.parts = parts
        if not all(self.keeps(policy, seen) for policy in self.policies):
            broken.add("policy")
        if not all(self.keeps_row(row, seen) for row in rows):
            broken.add("side-row")
        return Priced(
            sum(weighted.values()), sum(parts.values()), parts, tuple(sorted(broken)), weighted
        )

    def choices(
        self, q: int, *, all_options: bool = False
    ) -> list[tuple[tuple[str, Fraction], ...]]:
        """Every way to deliver one pair by its options; not those that break its own rules."""
        who = list(self.options[q])
        if self.may_in_house[q]:
            who.append(IN_HOUSE)
        if not who:
            return []
        need = self.needs[q]
        if self.split:
            units = need.volume * 10**self.volume_decimals
            assert units.denominator == 1
            whole = int(units)
            result = []
            for cuts in itertools.combinations(range(whole + len(who) - 1), len(who) - 1):
                edges = (-1, *cuts, whole + len(who) - 1)
                sizes = [b - a - 1 for a, b in itertools.pairwise(edges)]
                result.append(
                    tuple(
                        (d, Fraction(size, 10**self.volume_decimals))
                        for d, size in zip(who, sizes, strict=True)
                        if size
                    )
                )
        else:
            result = [((d, need.volume),) for d in who]
        return result if all_options else [c for c in result if not self.pair(q, c)[4]]

    def solve(self, rows: Sequence[Any] = ()) -> BruteResult:
        """Try every plan; one dearer than a feasible one found is not checked further."""
        best, winners, cost, count = None, [], 0, 0
        for plan in itertools.product(*(self.choices(q) for q in range(len(self.needs)))):
            count += 1
            seen = self.view(plan)
            found = self.local(plan, seen)
            objective = sum(entry[0] for entry in found)
            if best is not None and objective > best:
                continue
            if any(e for entry in found for e in entry[3:] if isinstance(e, frozenset)):
                continue
            if not all(self.keeps(policy, seen) for policy in self.policies):
                continue
            if rows:
                for entry in found:
                    for part, money in entry[1].items():
                        seen.parts[part] = seen.parts.get(part, 0) + money
                if not all(self.keeps_row(row, seen) for row in rows):
                    continue
            if best is None or objective < best:
                best, winners = objective, []
                cost = sum(sum(entry[1].values()) for entry in found)
            if len(winners) < 1000:
                winners.append(self.texts(plan))
        if best is None:
            return BruteResult("infeasible", 0, 0, [], count)
        return BruteResult("optimal", best, cost, winners, count)

    def texts(self, plan: Plan) -> list[tuple[str, str, str, str]]:
        """Write a plan as deliveries (organisation, service, deliverer, volume)."""
        return [
            (
                self.needs[q].organisation,
                self.needs[q].service,
                deliverer,
                decimal_text(part, self.volume_decimals),
            )
            for q, split in enumerate(plan)
            for deliverer, part in split
        ]

    def plan(self, deliveries: Iterable[tuple[str, str, str, str]]) -> Plan:
        """Read a plan; pairs without a delivery get none."""
        result: list[list[tuple[str, Fraction]]] = [[] for _ in self.needs]
        for organisation, service, deliverer, volume in deliveries:
            part = number(volume)
            assert part
            result[self.row_of[organisation, service]].append((deliverer, part))
        return tuple(tuple(split) for split in result)


def _or(row: dict[str, str], name: str, default: Fraction) -> Fraction:
    value = number(row.get(name))
    return default if value is None else value


def solve_brute(
    tables: Tables, settings: dict[str, Any], rows: Sequence[Any] = ()
) -> BruteResult:
    """Best plans of an instance by trying all."""
    return World(tables, settings).solve(rows)


def price(
    tables: Tables,
    settings: dict[str, Any],
    deliveries: Iterable[tuple[str, str, str, str]],
    rows: Sequence[Any] = (),
) -> Priced:
    """Cost of one plan and the rules that it breaks."""
    world = World(tables, settings)
    return world.price(world.plan(deliveries), rows)

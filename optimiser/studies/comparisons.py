"""Two or more plans side by side: what differs between them, exactly.

Nothing is solved: every figure is the checker's. The others are held against the first plan.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

from optimiser.errors import UsageError
from optimiser.files.studies import Record
from optimiser.model.schema import COST_PARTS, IN_HOUSE
from optimiser.solvers.frames import Sheet, fixed_text
from optimiser.studies.sweeps import deliverers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from optimiser.model.account import Account
    from optimiser.model.instance import Instance
    from optimiser.solvers.result import Result

#: An organisation and a service, by their keys.
Pair = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Plans that are compared; made by `compare`.

    Parameters
    ----------
    names
        What the plans are called, all different.
    results
        Results that have a plan.
    """

    names: tuple[str, ...]
    results: tuple[Result, ...]

    @property
    def accounts(self) -> list[Account]:
        """What the checker reckoned for each."""
        return [each.account for each in self.results if each.account is not None]

    @cached_property
    def decimals(self) -> int:
        """Decimals that hold the money of all."""
        return max(each.instance.settings.money_decimals for each in self.results)

    @cached_property
    def deliverers(self) -> list[dict[Pair, str]]:
        """Plan by plan: pair -> who delivers it, in words."""
        found = []
        for result, account in zip(self.results, self.accounts, strict=True):
            texts = deliverers(result.instance, account.plan)
            found.append(dict(zip(_pairs(result.instance), texts, strict=True)))
        return found

    @cached_property
    def shared(self) -> list[Pair]:
        """Pairs that all have, in the order of the first."""
        return [pair for pair in self.deliverers[0] if all(pair in d for d in self.deliverers)]

    @cached_property
    def differing(self) -> list[Pair]:
        """Shared pairs that not all deliver alike."""
        return [pair for pair in self.shared if len({d[pair] for d in self.deliverers}) > 1]

    @property
    def same_instance(self) -> bool:
        """Whether all are plans of one instance."""
        return len({each.instance_hash for each in self.results}) == 1

    def money(self, at: int, units: int) -> int:
        """Return money of a plan in last places of `decimals`."""
        own = self.results[at].instance.settings.money_decimals
        return units * int(10 ** (self.decimals - own))

    def record(self) -> Record:
        """Return the comparison as headline, facts and tables."""
        return Record(
            kind="compare",
            instance=self.results[0].instance,
            options={"plans": list(self.names)},
            headline=self.headline(),
            facts={
                "plans": len(self.results),
                "same_instance": self.same_instance,
                "shared_pairs": len(self.shared),
                "differing_pairs": len(self.differing),
            },
            tables={
                "plans": self._plans(),
                "decisions": self._decisions(),
                "costs": self._costs(),
                "providers": self._providers(),
                "organisations": self._organisations(),
            },
        )

    def headline(self) -> list[str]:
        """Return what differs, in sentences."""
        currency = self.results[0].currency
        said = []
        first = self.money(0, self.accounts[0].cost)
        for at in range(1, len(self.results)):
            more = self.money(at, self.accounts[at].cost) - first
            one = 10**self.decimals
            whole = f"{round(Fraction(abs(more), one)):,}"
            amount = whole if abs(more) >= 100 * one else fixed_text(abs(more), self.decimals)
            amount += f" {currency}"
            words = "costs the same as" if not more else (
                f"costs {amount} a year {'more' if more > 0 else 'less'} than")  # fmt: skip
            unlike = sum(self.deliverers[0][p] != self.deliverers[at][p] for p in self.shared)
            said.append(
                f"{self.names[at]} {words} {self.names[0]}; {unlike:,} of {len(self.shared):,} "
                f"pairs are delivered by others."
            )
        if not self.same_instance:
            only = sum(len(d) - len(self.shared) for d in self.deliverers)
            said.append(
                "The plans are of different instances, so a difference in cost may come from the "
                "figures and not from the choices"
                + (f"; {only:,} pairs that not all have are left out." if only else ".")
            )
        return said

    # --- tables --------------------------------------------------------------------------------

    def _columns(self, stem: str = "plan") -> list[str]:
        return [f"{stem}_{at}" for at in range(1, len(self.names) + 1)]

    def _plans(self) -> Sheet:
        kinds = {"plan": "text", "name": "text", "status": "text", "cost": "money",
                 "more": "money", "open_providers": "count", "in_house": "count",
                 "shared_centre": "count", "co_operative": "count", "oversight_hours": "quantity",
                 "moved": "quantity", "differs": "count"}  # fmt: skip
        rows: list[tuple[Any, ...]] = []
        first = self.money(0, self.accounts[0].cost)
        for at, (result, account) in enumerate(zip(self.results, self.accounts, strict=True)):
            modes = Counter(_modes(result.instance, account))
            cost = self.money(at, account.cost)
            rows.append((
                f"plan_{at + 1}", self.names[at], result.status, cost, cost - first,
                sum(each.is_open for each in account.providers),
                modes[IN_HOUSE], modes["shared-centre"], modes["co-operative"],
                sum((each.hours for each in account.authorities), Fraction(0)), account.moved,
                sum(self.deliverers[0][p] != self.deliverers[at][p] for p in self.shared),
            ))  # fmt: skip
        return self._sheet(kinds, rows)

    def _decisions(self) -> Sheet:
        kinds = {"organisation": "text", "service": "text",
                 **dict.fromkeys(self._columns(), "text")}  # fmt: skip
        rows = [(*pair, *(d[pair] for d in self.deliverers)) for pair in self.differing]
        return self._sheet(kinds, rows)

    def _costs(self) -> Sheet:
        return self._amounts(
            "part", list(COST_PARTS),
            lambda at: {p: u for p, u in self.accounts[at].parts.items()}, COST_PARTS,
        )  # fmt: skip

    def _providers(self) -> Sheet:
        """Return providers that are not open in all, or open in none, of the plans."""
        found: list[dict[str, tuple[bool, Fraction]]] = []
        names: dict[str, tuple[str, str]] = {}
        for result, account in zip(self.results, self.accounts, strict=True):
            table = result.instance["providers"]
            keys = table.keys.tolist()
            found.append({keys[e.provider]: (e.is_open, e.load) for e in account.providers})
            for key, name, mode in zip(keys, table["name"], table["mode"], strict=True):
                names.setdefault(key, (str(name), str(mode)))
        loads = self._columns("load")
        kinds = {"provider": "text", "name": "text", "mode": "text", "differs": "flag",
                 **dict.fromkeys(self._columns(), "text"),
                 **dict.fromkeys(loads, "quantity")}  # fmt: skip
        rows: list[tuple[Any, ...]] = []
        for key, (name, mode) in names.items():
            states = [each.get(key) for each in found]
            words = ["absent" if s is None else "open" if s[0] else "not open" for s in states]
            if "open" in words:
                rows.append((key, name, mode, len(set(words)) > 1, *words,
                             *(None if s is None else s[1] for s in states)))  # fmt: skip
        rows.sort(key=lambda row: (not row[3],))
        return self._sheet(kinds, rows)

    def _organisations(self) -> Sheet:
        """Return what each organisation's own deliveries and contracts cost."""
        totals: list[Counter[str]] = []
        for at in range(len(self.results)):
            totals.append(_own_costs(self.results[at].instance, self.accounts[at]))
        keys = list(dict.fromkeys(organisation for organisation, _ in self.shared))
        changed = Counter(organisation for organisation, _ in self.differing)
        sheet = self._amounts("organisation", keys, lambda at: dict(totals[at]), None)
        kinds = {"organisation": "text", "differing_pairs": "count",
                 **{name: kind for name, kind in sheet.kinds.items()
                    if name != "organisation"}}  # fmt: skip
        rows = [(row[0], changed[row[0]], *row[1:]) for row in sheet.rows]
        rows.sort(key=lambda row: -row[1])
        return self._sheet(kinds, rows)

    def _amounts(
        self, name: str, keys: Sequence[str], amounts: Callable[[int], dict[str, int]],
        meaning: dict[str, str] | None,
    ) -> Sheet:  # fmt: skip
        """Return a table of money by key and plan, and how much more than in the first plan."""
        columns = self._columns()
        kinds = {name: "text", **({"meaning": "text"} if meaning else {}),
                 **dict.fromkeys(columns, "money"),
                 **dict.fromkeys(self._columns("more")[1:], "money")}  # fmt: skip
        by_plan = [amounts(at) for at in range(len(columns))]
        rows: list[tuple[Any, ...]] = []
        for key in keys:
            own = [self.money(at, each.get(key, 0)) for at, each in enumerate(by_plan)]
            words = (meaning[key],) if meaning else ()
            rows.append((key, *words, *own, *(units - own[0] for units in own[1:])))
        return self._sheet(kinds, rows)

    def _sheet(self, kinds: dict[str, str], rows: list[tuple[Any, ...]]) -> Sheet:
        volume = self.results[0].instance.settings.volume_decimals
        return Sheet(kinds=kinds, rows=rows, decimals={"money": self.decimals, "volume": volume})


def compare(results: Sequence[Result], names: Sequence[str] = ()) -> Comparison:
    """Hold plans against the first of them.

    Parameters
    ----------
    results
        Two or more, each with a plan; they may be of different instances.
    names
        What they are called; by default plan 1, plan 2, ...

    Raises
    ------
    UsageError
        There are fewer than two, one has no plan, they have no pair in common or their money is of
        different currencies.
    """
    if len(results) < 2:
        raise UsageError("A comparison needs two results or more.")
    given = list(names) or [f"plan {at}" for at in range(1, len(results) + 1)]
    if len(given) != len(results):
        raise UsageError(f"There are {len(results)} results and {len(given)} names for them.")
    seen = Counter(given)
    names = tuple(
        f"{name} ({at})" if seen[name] > 1 else name for at, name in enumerate(given, start=1)
    )
    for name, result in zip(names, results, strict=True):
        if result.account is None:
            raise UsageError(
                f"{name} has no plan ({result.status}), so there is nothing to compare. "
                "Leave it out."
            )
    currencies = {result.currency for result in results}
    if len(currencies) > 1:
        raise UsageError(
            f"The plans are in different currencies ({', '.join(sorted(currencies))}): their costs "
            "cannot be compared."
        )
    comparison = Comparison(names=names, results=tuple(results))
    if not comparison.shared:
        raise UsageError(
            "The instances have no organisation and service in common, so there is nothing to "
            "compare. Name results of instances with the same keys."
        )
    return comparison


def _pairs(instance: Instance) -> list[Pair]:
    demand = instance["demand"]
    organisations = instance["organisations"].keys[demand["organisation"]].tolist()
    services = instance["services"].keys[demand["service"]].tolist()
    return list(zip(organisations, services, strict=True))


def _modes(instance: Instance, account: Account) -> list[str]:
    modes = instance["providers"]["mode"].tolist()
    who = (each.deliverer for each in account.deliveries)
    return [IN_HOUSE if deliverer < 0 else modes[deliverer] for deliverer in who]


def _own_costs(instance: Instance, account: Account) -> Counter[str]:
    """Return what organisations' own deliveries and contracts cost; shared costs are not in it."""
    keys = instance["organisations"].keys.tolist()
    rows = instance["demand"]["organisation"].tolist()
    found: Counter[str] = Counter()
    for each in account.deliveries:
        found[keys[rows[each.pair]]] += sum(each.cost.values())
    for contract in account.contracts:
        found[keys[contract.organisation]] += contract.cost
    return found

"""From today's arrangement to a plan, year by year: what may stand on the way, and what it costs.

A *schedule* says in which year each pair moves from its incumbent to the deliverers of the chosen
plan; every year's arrangement, its rules and its running cost follow from that by the checker.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from optimiser.errors import UsageError
from optimiser.model.build import instance_from
from optimiser.model.check import check
from optimiser.model.instance import IN_HOUSE_CODE, NOWHERE
from optimiser.model.plan import Plan
from optimiser.model.schema import IN_HOUSE, ONE_OFF_PARTS, TABLES
from optimiser.model.settings import settings_texts
from optimiser.studies.impossibility import needed, relaxed
from optimiser.studies.named_rules import lift
from optimiser.studies.payments import one_offs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from optimiser.model.account import Account
    from optimiser.model.instance import Instance
    from optimiser.studies.impossibility import Relaxation
    from optimiser.studies.payments import Payment

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]
    Tables = dict[str, dict[str, Any]]

#: Which rules hold on the way: all that today's arrangement keeps, or only what limits providers.
ON_THE_WAY: Final = ("rules", "capacities")
#: Deliveries whose accounts are remembered: each takes about half a kilobyte.
KEPT: Final = 200_000
#: Columns of money paid once.
_ONCE: Final = {
    "providers": ("opening_cost", "closing_cost"),
    "offers": ("set_up_cost",),
    "demand": ("exit_cost", "in_house_entry_cost"),
    "options": ("entry_cost",),
}
#: Columns of rules that are about the end, not the way, if only capacities hold on it.
_AT_THE_END: Final = {
    "providers": ("min_members",),
    "offers": ("min_volume",),
    "authorities": ("max_officers", "max_contracts"),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Course:
    """What a schedule comes to.

    Parameters
    ----------
    schedule
        Year of each pair's move, from 1; 0 for pairs that do not move. Shape (pairs,).
    running
        Running cost of each year, in last places of money.
    spent
        One-off money of each year, by kind, in last places.
    moves
        Pairs that move in each year.
    """

    schedule: Ints
    running: tuple[int, ...]
    spent: tuple[Mapping[str, int], ...]
    moves: tuple[int, ...]

    @property
    def years(self) -> int:
        """Number of years within which all have moved."""
        return len(self.running)

    @property
    def spending(self) -> tuple[int, ...]:
        """One-off money of each year."""
        return tuple(sum(each.values()) for each in self.spent)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Transition:
    """All that follows from an instance and the plan chosen for it.

    Parameters
    ----------
    instance, target
        The instance, and the chosen plan.
    start
        Each pair whole with its incumbent; where there is none, as in the target.
    way
        The instance of each year but the last: running costs only, each pair with its deliverers of
        `start` or `target` only, and the rules that hold on the way.
    movers
        Pairs that move, shape (movers,).
    payments
        All one-off payments of the target, together exactly those of its account.
    standing
        Provider -> running cost, of existing ones that may stand empty between two arrangements
        and stay open then.
    relaxations
        Rules that today's arrangement breaks, and what they are relaxed to until the last year.
    before, after
        Running cost of a year of `start`, and of `target`, in last places.
    """

    instance: Instance
    target: Plan
    start: Plan
    way: Instance
    movers: Ints
    payments: tuple[Payment, ...]
    standing: Mapping[int, int]
    relaxations: tuple[Relaxation, ...]
    before: int
    after: int
    _known: dict[Plan, Account] = field(default_factory=dict, repr=False)

    @property
    def one_offs(self) -> int:
        """All that is paid once, in last places."""
        return sum(each.amount for each in self.payments)

    @property
    def least_moves(self) -> int:
        """Pairs that move."""
        return len(self.movers)

    def plan(self, moved: Bools) -> Plan:
        """Return the arrangement in which these pairs have moved, shape (pairs,)."""
        there, here = moved[self.target.pair], ~moved[self.start.pair]
        return Plan.from_arrays(
            *(
                np.concatenate([getattr(self.start, name)[here], getattr(self.target, name)[there]])
                for name in ("pair", "deliverer", "volume")
            )
        )

    def account(self, moved: Bools) -> Account:
        """Return the checker's account of that arrangement in a year on the way."""
        plan = self.plan(moved)
        found = self._known.get(plan)
        if found is None:
            found = check(self.way, plan)
            if len(self._known) * len(self.instance["demand"]) < KEPT:
                self._known[plan] = found
        return found

    def running(self, account: Account) -> int:
        """Return what a year of an arrangement costs, providers that stand empty included."""
        used = set(account.plan.deliverer.tolist())
        return account.cost + sum(
            cost for provider, cost in self.standing.items() if provider not in used
        )

    def schedule(self, plans: Sequence[Plan]) -> Ints:
        """Return the year in which each pair has left its start in the plans of the years."""
        years = np.zeros(len(self.instance["demand"]), dtype=np.int64)
        years[self.movers] = len(plans) + 1
        for year in range(len(plans), 0, -1):
            moved = self._moved(plans[year - 1])
            years[self.movers[moved[self.movers]]] = year
        return years

    def _moved(self, plan: Plan) -> Bools:
        stays = np.zeros(len(self.instance["demand"]), dtype=bool)
        codes = plan.pair << 32 | (plan.deliverer + 2)
        here = self.start.pair << 32 | (self.start.deliverer + 2)
        known = np.isin(codes, here) & (
            plan.volume == self.instance["demand"]["volume"][plan.pair]
        )
        stays[plan.pair[known]] = True
        return ~stays

    def spent(self, schedule: Ints, years: int) -> tuple[dict[str, int], ...]:
        """Return the one-off money of each year, by kind."""
        totals = tuple(dict.fromkeys(ONE_OFF_PARTS, 0) for _ in range(years))
        for each in self.payments:
            totals[each.due(schedule, years) - 1][each.kind] += each.amount
        return totals

    def course(self, schedule: Ints, years: int) -> Course | str:
        """Reckon a schedule; a text says which rule breaks in which year."""
        running = []
        for year in range(1, years):
            account = self.account((schedule > 0) & (schedule <= year))
            if account.violations:
                return f"in year {year}: {account.violations[0].message}"
            running.append(self.running(account))
        counts = np.bincount(schedule[self.movers], minlength=years + 1)[1:]
        return Course(
            schedule=schedule,
            running=(*running, self.after),
            spent=self.spent(schedule, years),
            moves=tuple(counts.tolist()),
        )

    def discounted(self, course: Course, years: int | None = None) -> Fraction:
        """Return the present value of the costs of so many years (default: of the course's own).

        One-off money is paid at the start of a year and running costs at its end, as in the annuity
        of the yearly cost: Σ one-off / (1+r)^(t−1) + Σ running / (1+r)^t. After the last year of
        the course the target runs on.
        """
        rate = 1 + self.instance.settings.discount_rate
        count = course.years if years is None else years
        total = Fraction(0)
        for t in range(count, 0, -1):
            running = course.running[t - 1] if t <= course.years else self.after
            once = course.spending[t - 1] if t <= course.years else 0
            total = (total + running) / rate + once
        return total

    def stayed(self, years: int) -> Fraction:
        """Return the present value of the costs of so many years if all stays as at the start."""
        rate = 1 + self.instance.settings.discount_rate
        return sum((self.before / rate**t for t in range(1, years + 1)), Fraction(0))


def transition(instance: Instance, target: Plan, on_the_way: str = "rules") -> Transition:
    """Work out what it takes to come from today's arrangement to a plan.

    Parameters
    ----------
    instance
        The tables.
    target
        A plan that keeps every rule.
    on_the_way
        One of `ON_THE_WAY`. ``rules``: no rule that today's arrangement keeps is broken in any
        year, and one that it breaks no further than today. ``capacities``: until the last year only
        capacities, most members, tariffs and links hold, these no further broken than today.

    Raises
    ------
    UsageError
        The plan breaks a rule, or today's arrangement cannot go on for a year.
    """
    account = check(instance, target)
    if account.violations:
        raise UsageError(
            f"The plan to move to breaks a rule of the instance: {account.violations[0].message} "
            "Give a result of this very instance, or none, and it is solved first."
        )
    start = _start(instance, target)
    way, relaxations = _way(instance, start, target, on_the_way)
    first, last = check(way, start), check(_running(instance), target)
    if first.violations:
        raise UsageError(
            "Today's arrangement cannot go on for a year: "
            f"{first.violations[0].message} Mend the incumbents in demand, or the tables."
        )
    movers = _movers(instance, start, target)
    return Transition(
        instance=instance,
        target=target,
        start=start,
        way=way,
        movers=movers,
        payments=one_offs(instance, start, account, movers),
        standing=_standing(instance, start, target),
        relaxations=relaxations,
        before=first.cost,
        after=last.cost,
    )


def _start(instance: Instance, target: Plan) -> Plan:
    demand = instance["demand"]
    has = demand["incumbent"] != NOWHERE
    new = ~has[target.pair]
    pairs = np.flatnonzero(has)
    return Plan.from_arrays(
        np.concatenate([pairs, target.pair[new]]),
        np.concatenate([demand["incumbent"][pairs], target.deliverer[new]]),
        np.concatenate([demand["volume"][pairs], target.volume[new]]),
    )


def _movers(instance: Instance, start: Plan, target: Plan) -> Ints:
    """Pairs of which anything leaves its incumbent."""
    demand = instance["demand"]
    code = {
        (q, by, v) for q, by, v in zip(
            target.pair.tolist(), target.deliverer.tolist(), target.volume.tolist(), strict=True
        )
    }  # fmt: skip
    found = [
        q
        for q, by, v in zip(
            start.pair.tolist(), start.deliverer.tolist(), start.volume.tolist(), strict=True
        )
        if demand["incumbent"][q] != NOWHERE and (q, by, v) not in code
    ]
    return np.array(sorted(found), dtype=np.int64)


# --- the tables of a year ----------------------------------------------------------------------


def _tables(instance: Instance) -> tuple[Tables, dict[str, object]]:
    """Tables and settings with running costs only, unweighted."""
    tables: Tables = {
        name: {c.name: instance.texts(name, c.name).copy() for c in schema.columns}
        for name, schema in TABLES.items()
        if len(instance[name])
    }
    for table, columns in _ONCE.items():
        for column in columns:
            if table in tables:
                tables[table][column][:] = "0"
    # What is paid once has its own limits, year by year.
    _keep(tables, "policies", lambda columns: columns["measure"] != "one_off_cost")
    settings: dict[str, object] = {
        name: text
        for name, text in settings_texts(instance).items()
        if not name.startswith("objective.")
    }
    return tables, settings


def _keep(tables: Tables, name: str, which: Any) -> None:
    """Keep some rows of a table; one without any goes."""
    if name not in tables:
        return
    keep = which(tables[name])
    if keep.any():
        tables[name] = {column: cells[keep] for column, cells in tables[name].items()}
    else:
        del tables[name]


def _running(instance: Instance) -> Instance:
    """Return the instance without what is paid once."""
    return instance_from(*_tables(instance))


def _way(
    instance: Instance, start: Plan, target: Plan, on_the_way: str
) -> tuple[Instance, tuple[Relaxation, ...]]:
    """Return the instance of a year on the way, and which rules are relaxed in it."""
    tables, settings = _tables(instance)
    tables["options"] = _listed(instance, start, target)
    settings["options.generate"] = "false"
    providers = tables["providers"]
    used = set(start.deliverer.tolist())
    for row, (status, decision) in enumerate(
        zip(providers["status"].tolist(), providers["decision"].tolist(), strict=True)
    ):
        # A barred incumbent is what is left behind; a new centre need not stand from the first day.
        if decision == "barred" and row in used:
            providers["decision"][row] = ""
        if decision == "required" and status != "existing":
            providers["decision"][row] = ""
    if on_the_way == "capacities":
        for table, columns in _AT_THE_END.items():
            for column in columns:
                if table in tables:
                    tables[table][column][:] = ""
        tables.pop("policies", None)
        for name in ("oversight.max_officers", "oversight.max_contracts"):
            settings.pop(name, None)
    way = instance_from(tables, settings)
    if check(way, start).feasible:
        return way, ()
    relaxations = tuple(needed(lift(way), start))
    return relaxed(way, relaxations) or way, relaxations


def _listed(instance: Instance, start: Plan, target: Plan) -> dict[str, Any]:
    """Return the table of options: each pair's deliverers at the start and in the target."""
    demand = instance["demand"]
    wanted = sorted({
        (q, by)
        for plan in (start, target)
        for q, by in zip(plan.pair.tolist(), plan.deliverer.tolist(), strict=True)
    })  # fmt: skip
    at_home = {q for q, by in wanted if by == IN_HOUSE_CODE}
    names = [column.name for column in TABLES["options"].columns]
    old: dict[tuple[str, str, str], dict[str, str]] = {}
    if len(instance["options"]):
        cells = {name: instance.texts("options", name).tolist() for name in names}
        for values in zip(*cells.values(), strict=True):
            row = dict(zip(names, values, strict=True))
            old[row["organisation"], row["service"], row["provider"]] = row
    rows: list[dict[str, str]] = []
    organisations = instance.texts("demand", "organisation").tolist()
    services = instance.texts("demand", "service").tolist()
    keys = instance["providers"].keys.tolist()
    for q, by in wanted:
        key = organisations[q], services[q], IN_HOUSE if by == IN_HOUSE_CODE else str(keys[by])
        row = {**dict.fromkeys(names, ""), **old.get(key, {})}
        rows.append(row | dict(zip(("organisation", "service", "provider"), key, strict=True))
                    | {"decision": "", "entry_cost": "0"})  # fmt: skip
    for q in range(len(demand)):
        if q not in at_home:
            key = organisations[q], services[q], IN_HOUSE
            rows.append({**dict.fromkeys(names, ""), "decision": "barred",
                         **dict(zip(("organisation", "service", "provider"), key, strict=True))
                         })  # fmt: skip
    columns = {}
    for name in names:
        columns[name] = np.empty(len(rows), dtype=object)
        columns[name][:] = [row[name] for row in rows]
    return columns


def _standing(instance: Instance, start: Plan, target: Plan) -> dict[int, int]:
    """Existing providers that all leave and others join: open throughout, also where empty."""
    providers = instance["providers"]
    # A pair that only gives part away stays a user.
    both = set(zip(start.pair.tolist(), start.deliverer.tolist(), strict=True)) & set(
        zip(target.pair.tolist(), target.deliverer.tolist(), strict=True)
    )
    stayed = {by for _, by in both}
    found = {}
    for by in sorted(set(start.deliverer.tolist()) & set(target.deliverer.tolist())):
        if (
            by != IN_HOUSE_CODE
            and by not in stayed
            and providers["status"][by] == "existing"
            and providers["decision"][by] != "required"
        ):
            found[by] = int(providers["running_cost"][by])
    return found

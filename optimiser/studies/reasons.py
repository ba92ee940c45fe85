"""Why a plan is as it is: next-best choices, what they would cost, and when a decision flips.

With everything else fixed, all is reckoned by the checker. With everything else free to adapt, the
choice is barred and the problem solved again; the price at which it flips is found where the least
cost with the choice and the least cost without it are equal. Both are concave, piecewise linear
functions of a price (Geoffrion & Nauss 1977; Eisner & Severance 1976), so that the point where two
plans cost the same, solved again and again, ends at the break-even after finitely many steps.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from optimiser.errors import InstanceError, UsageError
from optimiser.files.studies import Record
from optimiser.model.check import check
from optimiser.model.faults import did_you_mean
from optimiser.model.instance import BLANK, decimal_text
from optimiser.model.plan import BY_ITSELF, Plan
from optimiser.model.rows import Quantity, SideRow
from optimiser.model.schema import IN_HOUSE
from optimiser.studies.changes import Change, changed
from optimiser.studies.interval import Interval, optimum
from optimiser.studies.pool import How, Work, solve_all
from optimiser.studies.sweeps import carried, sheet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from optimiser.model.account import Account
    from optimiser.model.instance import Instance
    from optimiser.solvers.frames import Sheet
    from optimiser.solvers.result import Result
    from optimiser.studies.pool import Tell

#: Steps in which a break-even with all else free is sought.
STEPS: Final = 12
#: All of a price, and the decimals of its per cent.
_WHOLE: Final = 100_000
_PER_CENT: Final = 3
#: How many times its value a cell may rise before it is said that nothing flips the decision.
FARTHEST: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Another deliverer for a pair, everything else as it is.

    Parameters
    ----------
    deliverer
        Key of a provider, or ``in-house``.
    row
        Row of ``providers``, or `plan.BY_ITSELF`.
    extra
        What it would cost more, in last places of money.
    broken
        The first rule that it would break, or ''.
    account
        What the checker reckons for it.
    """

    deliverer: str
    row: int
    extra: int
    broken: str
    account: Account


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakEven:
    """How far one cell must move before a decision flips.

    Parameters
    ----------
    what
        The cell, in words.
    now, flips
        What it says, and from where on the other choice is no dearer; exact, in units of the
        column. None: nothing up to `FARTHEST` times its value flips the decision.
    free
        Whether everything else may adapt.
    proved
        Whether that is exact; otherwise the two last plans only bracket it.
    """

    what: str
    now: Fraction
    flips: Fraction | None
    free: bool
    proved: bool

    @property
    def share(self) -> Fraction | None:
        """How far it moves, relative to what it says; None if nothing flips, or it is 0."""
        if self.flips is None or not self.now:
            return None
        return (self.flips - self.now) / self.now


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why one pair is delivered as it is.

    Parameters
    ----------
    row
        Row of ``demand``.
    organisation, service, deliverer
        Keys.
    choices
        All other options, cheapest first, those that break a rule last.
    free
        What it would cost at least to deliver it otherwise, everything else free to adapt, in last
        places of money; None if that was not asked, or nothing else is possible (`stuck`).
    stuck
        Whether no plan delivers it otherwise.
    adapted
        The plan that does, or None.
    break_evens
        When the decision flips.
    """

    row: int
    organisation: str
    service: str
    deliverer: str
    choices: tuple[Choice, ...]
    free: Interval | None = None
    stuck: bool = False
    adapted: Result | None = None
    break_evens: tuple[BreakEven, ...] = ()

    @property
    def next_best(self) -> Choice | None:
        """The cheapest other choice that breaks no rule, everything else as it is."""
        return next((choice for choice in self.choices if not choice.broken), None)


@dataclass(frozen=True, kw_only=True, eq=False)
class Reasons:
    """Why a plan is as it is.

    Parameters
    ----------
    result
        The plan.
    reasons
        One per pair asked for.
    how
        How the free questions were solved.
    """

    result: Result
    reasons: tuple[Reason, ...]
    how: How
    interrupted: bool = False
    seconds: Mapping[str, float] = field(default_factory=dict)

    def record(self) -> Record:
        """Return what is to be kept of it."""
        return Record(
            kind="explain",
            instance=self.result.instance,
            options=self.how.document(),
            headline=self._headline(),
            facts={"pairs": len(self.reasons), "interrupted": self.interrupted},
            tables={"reasons": self._reasons(), "choices": self._choices(),
                    "break_evens": self._break_evens()},
            results={"plan": self.result,
                     **{f"without-{r.row}": r.adapted for r in self.reasons
                        if r.adapted is not None}},
            seconds=self.seconds,
        )  # fmt: skip

    def _headline(self) -> list[str]:
        settings = self.result.instance.settings
        unit = 10**settings.money_decimals
        text = []
        for reason in self.reasons[:5]:
            who = f"{reason.organisation} gets {reason.service} from {reason.deliverer}"
            if reason.deliverer == IN_HOUSE:
                who = f"{reason.organisation} delivers {reason.service} itself"
            best = reason.next_best
            if best is None:
                text.append(f"{who}: with all else as it is, no other choice keeps every rule.")
            else:
                text.append(
                    f"{who}: the next best is {best.deliverer}, for {best.extra / unit:,.0f} "
                    f"{settings.currency} a year more with all else as it is."
                )
            if reason.stuck:
                text[-1] += " No plan at all delivers it otherwise."
            elif reason.free is not None:
                text[-1] += f" With all else free to adapt: {self._range(reason.free)}."
        return text or ["There is nothing to explain: no pair was asked for."]

    def _range(self, value: Interval) -> str:
        settings = self.result.instance.settings
        unit = 10**settings.money_decimals
        if value.low is None or value.high is None:
            return "not known in the time given"
        low, high = (float(end / unit) for end in (value.low, value.high))
        if value.high - value.low <= value.high / 1000:
            return f"{high:,.0f} more"
        if value.low <= 0:
            return f"at most {high:,.0f} more (unresolved: it may be nothing at this gap)"
        return f"{low:,.0f} to {high:,.0f} more"

    def _reasons(self) -> Sheet:
        kinds = {"organisation": "text", "service": "text", "deliverer": "text",
                 "next_best": "text", "extra_fixed": "money", "extra_free_low": "quantity",
                 "extra_free_high": "quantity", "resolved": "text"}  # fmt: skip
        unit = 10**self.result.instance.settings.money_decimals
        rows: list[tuple[Any, ...]] = []
        for r in self.reasons:
            best, free = r.next_best, r.free
            low, high = (None, None) if free is None else (free.low, free.high)
            resolved = "no other plan" if r.stuck else ""
            if free is not None:
                resolved = "yes" if free.low is not None and free.low > 0 else "no"
            rows.append((
                r.organisation, r.service, r.deliverer,
                "" if best is None else best.deliverer, None if best is None else best.extra,
                None if low is None else low / unit, None if high is None else high / unit,
                resolved,
            ))  # fmt: skip
        return sheet(self.result.instance, kinds, rows)

    def _choices(self) -> Sheet:
        kinds = {"organisation": "text", "service": "text", "choice": "text", "extra": "money",
                 "breaks": "text"}  # fmt: skip
        rows = [(r.organisation, r.service, c.deliverer, c.extra, c.broken)
                for r in self.reasons for c in r.choices]  # fmt: skip
        return sheet(self.result.instance, kinds, rows)

    def _break_evens(self) -> Sheet:
        kinds = {"organisation": "text", "service": "text", "what": "text", "now": "quantity",
                 "flips": "quantity", "change_share": "quantity", "free": "flag",
                 "proved": "flag"}  # fmt: skip
        rows = [(r.organisation, r.service, b.what, b.now, b.flips, b.share, b.free, b.proved)
                for r in self.reasons for b in r.break_evens]  # fmt: skip
        return sheet(self.result.instance, kinds, rows)


def explain(
    result: Result,
    pairs: Sequence[tuple[str, str]] = (),
    *,
    count: int = 10,
    free: bool = True,
    how: How | None = None,
    progress: Tell | None = None,
) -> Reasons:
    """Say why pairs are delivered as they are.

    Parameters
    ----------
    result
        A result with a plan.
    pairs
        Organisation and service of each pair; () for the `count` whose next-best choice costs
        least, as their decisions are most open to debate.
    count
        How many, where no pairs are given.
    free
        Whether to solve with everything else free to adapt, and to seek free break-evens.
    how
        How these are solved; jobs are used for the first of them.
    progress
        Called with lines and progress.

    Raises
    ------
    UsageError
        The result has no plan, a pair is not there, or pairs may be split.
    """
    if result.plan is None or result.account is None:
        raise UsageError(f"There is no plan to explain: the result is {result.status}.")
    if result.minimised is not None:
        raise UsageError("The plan minimises something else than money; explain one that does.")
    if result.instance.settings.split:
        raise UsageError(
            "Where pairs may be split there is no one choice per pair; explain an instance with "
            "single sourcing."
        )
    began = time.monotonic()
    working = _Working(result, how or How(gap=result.options.gap), progress)
    rows = working.rows(pairs) if pairs else working.debatable(count)
    reasons = [working.fixed(row) for row in rows]
    if free:
        reasons = working.free(reasons)
    return Reasons(
        result=result,
        reasons=tuple(reasons),
        how=working.how,
        interrupted=working.interrupted,
        seconds={"total": time.monotonic() - began},
    )


class _Working:
    """One explanation while it is made."""

    def __init__(self, result: Result, how: How, progress: Tell | None) -> None:
        assert result.plan is not None
        assert result.account is not None
        self.result, self.how, self.progress = result, how, progress
        self.instance, self.plan = result.instance, result.plan
        self.account: Account = result.account
        self.interrupted = False
        from optimiser.model.compile import compile_problem

        self.problem = compile_problem(self.instance, result.rows)
        self.by = np.zeros(len(self.instance["demand"]), dtype=np.int64)
        self.by[self.plan.pair] = self.plan.deliverer
        self.keys = self.instance["providers"].keys

    def rows(self, pairs: Sequence[tuple[str, str]]) -> list[int]:
        """Return the rows of demand of pairs by their keys."""
        demand = self.instance["demand"]
        organisations = self.instance["organisations"].keys[demand["organisation"]].tolist()
        services = self.instance["services"].keys[demand["service"]].tolist()
        place = {key: row for row, key in enumerate(zip(organisations, services, strict=True))}
        wrong, found = [], []
        for pair in pairs:
            if pair in place:
                found.append(place[pair])
                continue
            hint = did_you_mean("/".join(pair), ["/".join(key) for key in place])
            wrong.append(f"{'/'.join(pair)} is no pair of this instance. {hint}".strip())
        if wrong:
            raise UsageError("\n".join(wrong) + "\nWrite ORGANISATION/SERVICE by their keys.")
        return found

    def name(self, by: int) -> str:
        """Return the key of a deliverer."""
        return IN_HOUSE if by == BY_ITSELF else str(self.keys[by])

    def others(self, row: int) -> list[int]:
        """Return the other deliverers that a pair may have."""
        problem = self.problem
        low, high = np.searchsorted(problem.option_pair, [row, row + 1]).tolist()
        found = problem.provider_row[problem.option_provider[low:high]].tolist()
        if problem.home[row]:
            found.append(BY_ITSELF)
        return [by for by in found if by != self.by[row]]

    def moved(self, row: int, by: int) -> Plan:
        """Return the plan with one pair delivered otherwise."""
        deliverer = self.by.copy()
        deliverer[row] = by
        pairs = np.arange(len(deliverer))
        return Plan.from_arrays(pairs, deliverer, self.instance["demand"]["volume"])

    def debatable(self, count: int) -> list[int]:
        """Return the pairs whose next choice is cheapest, by the compiled problem's costs."""
        known: list[tuple[int, int]] = []
        base = self.account.objective
        for row in range(len(self.by)):
            values = [
                value - base
                for by in self.others(row)
                if (value := self.problem.evaluate(self.moved(row, by))) is not None
            ]
            if values:
                known.append((min(values), row))
        return [row for _, row in sorted(known)[:count]]

    def fixed(self, row: int) -> Reason:
        """Reckon every other choice, everything else as it is."""
        demand = self.instance["demand"]
        found = []
        for by in self.others(row):
            account = check(self.instance, self.moved(row, by), self.result.rows)
            found.append(
                Choice(
                    deliverer=self.name(by),
                    row=by,
                    extra=account.objective - self.account.objective,
                    broken=account.violations[0].message if account.violations else "",
                    account=account,
                )
            )
        found.sort(key=lambda choice: (bool(choice.broken), choice.extra, choice.deliverer))
        reason = Reason(
            row=row,
            organisation=str(self.instance["organisations"].keys[demand["organisation"][row]]),
            service=str(self.instance["services"].keys[demand["service"][row]]),
            deliverer=self.name(int(self.by[row])),
            choices=tuple(found),
        )
        return _with(reason, break_evens=tuple(self._fixed_break_evens(reason)))

    # When a decision flips

    def _price(self, row: int, by: int) -> tuple[Change, str, int, int] | None:
        """Return the cell that is the price of a choice: where, in words, its value, decimals."""
        settings = self.instance.settings
        demand = self.instance["demand"]
        keys = (
            str(self.instance["organisations"].keys[demand["organisation"][row]]),
            str(self.instance["services"].keys[demand["service"][row]]),
        )
        if by == BY_ITSELF:
            value = int(demand["in_house_cost"][row])
            where = {"organisation": (keys[0],), "service": (keys[1],)}
            change = Change(table="demand", where=where, set={"in_house_cost": ""})
            words = f"in_house_cost of {keys[0]}/{keys[1]} (£/yr)"
            return None if value == BLANK else (change, words, value, settings.money_decimals)
        # All bands together: of one alone, another would take the place.
        where = {"provider": (self.name(by),), "service": (keys[1],)}
        change = Change(table="tariffs", where=where, multiply={"unit_cost": "1"})
        return change, f"unit costs of {self.name(by)} for {keys[1]} (%)", _WHOLE, _PER_CENT

    def _at(self, change: Change, value: int, decimals: int) -> Instance | None:
        """Return the instance with one cell set; None where that is no instance."""
        if change.multiply:
            (column,) = change.multiply
            text = decimal_text(value, decimals + 2)  # per cent
            told = Change(table=change.table, where=change.where, multiply={column: text})
        else:
            (column,) = change.set
            text = decimal_text(value, decimals)
            told = Change(table=change.table, where=change.where, set={column: text})
        try:
            return changed(self.instance, [told], name="break-even")
        except InstanceError:
            return None

    def _fixed_break_evens(self, reason: Reason) -> list[BreakEven]:
        """Return where the next-best choice costs the same, everything else as it is."""
        best = reason.next_best
        if best is None:
            return []
        stay = int(self.by[reason.row])
        found = []
        for by, up in ((stay, True), (best.row, False)):
            price = self._price(reason.row, by)
            if price is not None:
                found.append(self._crossing(reason.row, best.row, *price, up=up))
        demand = self.instance["demand"]
        where = {"organisation": (reason.organisation,), "service": (reason.service,)}
        volume = Change(table="demand", where=where, set={"volume": ""})
        if len(demand) <= _SMALL:
            for up in (True, False):
                found.append(
                    self._crossing(
                        reason.row, best.row, volume,
                        f"volume of {reason.organisation}/{reason.service}",
                        int(demand["volume"][reason.row]), self.instance.settings.volume_decimals,
                        up=up,
                    )
                )  # fmt: skip
        return found

    def _difference(self, row: int, by: int, instance: Instance) -> int | None:
        """Return what the other choice costs more; None where either breaks a rule."""
        values = []
        for plan in (self.plan, self.moved(row, by)):
            account = check(instance, carried(plan, self.instance, instance), self.result.rows)
            if account.violations:
                return None
            values.append(account.objective)
        return values[1] - values[0]

    def _crossing(
        self, row: int, by: int, change: Change, words: str, value: int, decimals: int, *, up: bool
    ) -> BreakEven:
        """Find the first last place at which the other choice is no dearer, by halving."""
        unit = 10**decimals
        low, high = value, max(value * FARTHEST, unit) if up else 0
        found = None
        there = self._at(change, high, decimals)
        apart = None if there is None else self._difference(row, by, there)
        if apart is not None and apart <= 0:
            while abs(high - low) > 1:
                middle = (low + high) // 2
                instance = self._at(change, middle, decimals)
                apart = None if instance is None else self._difference(row, by, instance)
                if apart is not None and apart <= 0:
                    high = middle
                else:
                    low = middle
            found = high
        arrow = "rises" if up else "falls"
        return BreakEven(what=f"{words} {arrow}", now=Fraction(value, unit),
                         flips=None if found is None else Fraction(found, unit), free=False,
                         proved=True)  # fmt: skip

    # Everything else free to adapt

    def free(self, reasons: Sequence[Reason]) -> list[Reason]:
        """Solve with each choice barred."""
        tasks = []
        for reason in reasons:
            best = reason.next_best
            start = self.plan if best is None else self.moved(reason.row, best.row)
            tasks.append(
                Work(name=f"without-{reason.row}", instance=self.instance,
                     rows=(*self.result.rows, self._without(reason)), start=start)
            )  # fmt: skip
        batch = solve_all(tasks, self.how, self.progress)
        self.interrupted |= batch.interrupted
        base = optimum(self.result)
        done = []
        for reason in reasons:
            result = batch.results.get(f"without-{reason.row}")
            if result is None:
                done.append(reason)
                continue
            if result.status == "infeasible":
                done.append(_with(reason, stuck=True, adapted=result))
                continue
            apart = optimum(result) - base
            low = Fraction(0) if apart.low is None else max(apart.low, Fraction(0))
            done.append(_with(reason, free=Interval(low=low, high=apart.high), adapted=result))
        if len(self.by) > _SMALL or self.interrupted:
            return done
        return [self._free_break_even(reason) for reason in done]

    def _without(self, reason: Reason, *, required: bool = False) -> SideRow:
        """Return the row that bars the choice, or requires it."""
        one = (reason.organisation, reason.service, reason.deliverer)
        return SideRow(
            name="the choice",
            terms=(Quantity(measure="pairs", listed=(one,)),),
            minimum=Fraction(1) if required else None,
            maximum=None if required else Fraction(0),
        )

    def _free_break_even(self, reason: Reason) -> Reason:
        """Find the price at which the best plans with and without the choice cost the same."""
        price = self._price(reason.row, int(self.by[reason.row]))
        adapted = reason.adapted
        if price is None or adapted is None or adapted.plan is None or self.interrupted:
            return reason
        change, words, value, decimals = price
        unit = 10**decimals
        stay, leave = self.plan, adapted.plan
        # At `low` staying is cheaper, at `high` leaving is no dearer; in between one solves again.
        low, high = value, None
        at, exact = value, True
        for _ in range(STEPS):
            meet = self._meeting(stay, leave, change, at, decimals)
            if meet is None or meet <= low or (high is not None and meet >= high):
                meet = 2 * low if high is None else (low + high) // 2
            meet = min(meet, value * FARTHEST)
            if meet in (low, high):
                break
            instance = self._at(change, meet, decimals)
            better = None if instance is None else self._better(instance, reason, stay, leave)
            if better is None:
                exact = False
                break
            at, exact = meet, exact and self._exact
            (stay, leave), apart = better
            if apart > 0:
                low = meet
            else:
                high = meet
            if high is None and low >= value * FARTHEST:
                break
        done = (high is None and low >= value * FARTHEST) or (high is not None and high - low <= 1)
        made = BreakEven(
            what=f"{words} rises",
            now=Fraction(value, unit),
            flips=None if high is None else Fraction(high, unit),
            free=True,
            proved=exact and done,
        )
        return _with(reason, break_evens=(*reason.break_evens, made))

    def _line(self, plan: Plan, change: Change, at: int, decimals: int) -> tuple[int, Fraction]:
        """Return what a plan costs at a price, and by how much more per last place of it."""
        here, there = self._at(change, at, decimals), self._at(change, at + 1000, decimals)
        if here is None or there is None:
            return 0, Fraction(0)
        one = check(here, plan, self.result.rows).objective
        other = check(there, plan, self.result.rows).objective
        return one, Fraction(other - one, 1000)

    def _meeting(
        self, stay: Plan, leave: Plan, change: Change, at: int, decimals: int
    ) -> int | None:
        """Return the price from which on the plan that leaves is no dearer; None if none is."""
        (cost, slope), (other, less) = (self._line(p, change, at, decimals) for p in (stay, leave))
        if slope <= less:
            return None
        exact = at + Fraction(other - cost) / (slope - less)
        return -int(-exact // 1)

    def _better(
        self, instance: Instance, reason: Reason, stay: Plan, leave: Plan
    ) -> tuple[tuple[Plan, Plan], int] | None:
        """Return the best plans with and without the choice, and how much dearer the second is.

        None if it was interrupted, or nothing was found in the time given.
        """
        self._exact = True
        how = How(solver=self.how.solver, time_limit=self.how.time_limit, gap=self.how.gap,
                  threads=self.how.threads, seed=self.how.seed)  # fmt: skip
        found: list[Plan] = []
        costs: list[int] = []
        for required, plan in ((True, stay), (False, leave)):
            row = self._without(reason, required=required)
            work = Work(name="at", instance=instance, rows=(*self.result.rows, row), start=plan)
            batch = solve_all([work], how, None)
            self.interrupted |= batch.interrupted
            result = batch.results.get("at")
            if result is None or result.plan is None or result.objective_units is None:
                return None
            self._exact &= result.bound_units == result.objective_units
            old = check(instance, plan, self.result.rows).objective
            found.append(result.plan if result.objective_units < old else plan)
            costs.append(min(result.objective_units, old))
        return (found[0], found[1]), costs[1] - costs[0]


#: Pairs up to which volumes and free break-evens are sought: each takes many checks or solves.
_SMALL: Final = 500


def _with(reason: Reason, **values: Any) -> Reason:
    import dataclasses

    return dataclasses.replace(reason, **values)

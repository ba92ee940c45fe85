"""Phases: from today's arrangement to a plan over several years, in the best order."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from optimiser.errors import UsageError
from optimiser.model.plan import Plan
from optimiser.solvers.result import Result
from optimiser.solvers.together import Joint, solve_bundle
from optimiser.studies.greedy_orders import greedy_order
from optimiser.studies.interval import Interval
from optimiser.studies.pool import How, Work, solve_all
from optimiser.studies.transition_bundles import (
    Limits,
    budget_bundle,
    moves_bundle,
    ordered_bundle,
)
from optimiser.studies.transitions import ON_THE_WAY, Transition, transition

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from optimiser.files.studies import Record
    from optimiser.model.bundles import Bundle
    from optimiser.model.instance import Instance
    from optimiser.studies.pool import Tell
    from optimiser.studies.transitions import Course

    Ints = NDArray[np.int64]

#: An amount of money, in currency.
Amount: TypeAlias = int | str | Decimal | Fraction | float
#: Years within which all moves are made, unless it is said otherwise.
YEARS: Final = 5
#: Years that are tried, at most, to find how many would do.
MOST_YEARS: Final = 30
#: Most seconds for each question of what would do: balancing years to the last pound is hard.
SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What would do where the plan cannot be reached.

    Parameters
    ----------
    budget
        Least one-off money a year, the same in each, with the years and moves asked, in last
        places; its high end is reached by an order that was checked. None if it was not sought.
    moves
        Least moves a year with the years and budget asked; None if it was not sought.
    years
        Least years with the budget (its last year's repeated) and moves asked; None if no number
        of years tried will do.
    tried
        Most years tried.
    proved
        Whether each smaller number of years, or if there is none each number tried, was proved to
        be too few.
    ever
        Whether no larger number than those tried can do where they do not.
    """

    budget: Interval | None = None
    moves: Interval | None = None
    years: int | None = None
    tried: int = 0
    proved: bool = True
    ever: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Phasing:
    """What came of ordering the moves.

    Parameters
    ----------
    instance
        What was studied.
    target
        The result whose plan is moved to; None where a plan was given.
    transition
        What the way to it takes; None if there is no plan to move to.
    limits
        Years, budget and moves asked.
    horizon
        Years over which costs are compared: those of the instance, or `limits.years` if more.
    on_the_way
        Which rules hold before the last year, as in `transitions.ON_THE_WAY`.
    joint
        What came of the solve; values in last places of money, over the years of the limits.
    course
        The best order found; None without one.
    at_once, greedy
        All moves in the first year whatever the limits; and the order by rank, None if that does
        not come to its end.
    why
        Why there is none, if it is known without a solver.
    advice
        What would do, if there is none.
    """

    instance: Instance
    target: Result | None
    transition: Transition | None
    limits: Limits
    horizon: int
    on_the_way: str
    joint: Joint
    course: Course | None = None
    at_once: Course | None = None
    greedy: Course | None = None
    why: tuple[str, ...] = ()
    advice: Advice | None = None
    how: How
    interrupted: bool = False
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """One of `result.STATUSES`."""
        return self.joint.status

    def worth(self, course: Course) -> Fraction:
        """Return the net present value of an order against staying as today, in last places."""
        assert self.transition is not None
        return self.transition.stayed(self.horizon) - self.transition.discounted(
            course, self.horizon
        )

    @property
    def best_worth(self) -> Interval:
        """Net present value of the best order: at least that found, at most as the bound allows."""
        if self.course is None:
            return Interval(low=None, high=None)
        low = self.worth(self.course)
        return Interval(low=low, high=None if self._room is None else low + self._room)

    @property
    def _room(self) -> Fraction | None:
        """By how much an order can be better than the one found."""
        if self.joint.bound is None or self.joint.value is None:
            return None
        return self.joint.value - self.joint.bound

    def against(self, course: Course) -> Interval:
        """Return what the best order is worth more than another that keeps the limits."""
        return self.best_worth - Interval.of(self.worth(course))

    def keeps(self, course: Course) -> bool:
        """Whether a course keeps budget and number of moves."""
        budget, moves = self.limits.budget, self.limits.moves
        within = budget is None or all(
            s <= b for s, b in zip(course.spending, budget, strict=False)
        )
        return within and (moves is None or max(course.moves) <= moves)

    def savings(self, course: Course) -> list[int]:
        """Return what each year of the horizon saves against today, one-off money taken off."""
        assert self.transition is not None
        found = []
        for t in range(self.horizon):
            running = course.running[t] if t < course.years else self.transition.after
            once = course.spending[t] if t < course.years else 0
            found.append(self.transition.before - running - once)
        return found

    def pays_back(self, course: Course) -> int | None:
        """Return the year from whose end on the undiscounted savings have paid all; None if never.

        Years beyond the horizon run as its last.
        """
        assert self.transition is not None
        total, since = 0, None
        for year, saving in enumerate(self.savings(course), start=1):
            total += saving
            since = (since or year) if total >= 0 else None
        yearly = self.transition.before - self.transition.after
        if since is None and yearly > 0:
            return self.horizon + -(total // yearly)
        return since

    def record(self) -> Record:
        """Return what is to be kept of it."""
        from optimiser.studies.phasing_tables import record

        return record(self)


def phase(
    instance: Instance,
    result: Result | Plan | None = None,
    *,
    budget: Amount | Sequence[Amount] | None = None,
    moves: int | None = None,
    years: int | None = None,
    on_the_way: str = "rules",
    how: How | None = None,
    progress: Tell | None = None,
) -> Phasing:
    """Find the best order in which to move from today's arrangement to a plan.

    Parameters
    ----------
    instance
        What is studied.
    result
        The plan to move to, or a result that has it; by default the instance is solved first.
    budget
        Most one-off money, in currency: of every year, or a list with one amount for each.
    moves
        Most pairs that move in a year.
    years
        Years within which the plan must be reached; by default the instance's horizon, 5 at most.
    on_the_way
        ``rules``: no rule that today's arrangement keeps is broken in any year. ``capacities``:
        before the last year only capacities, most members, tariffs and links hold.
    how
        How the plan is found if none is given, and how the order is; ``auto`` is HiGHS for that.
    progress
        Called with lines and progress.

    Raises
    ------
    UsageError
        A limit makes no sense, or the plan breaks a rule of the instance.
    SolverError
        The solver is not installed.
    """
    began = time.monotonic()
    if on_the_way not in ON_THE_WAY:
        raise UsageError(
            f"on_the_way is {on_the_way!r}; it is {' or '.join(ON_THE_WAY)}"
        )
    limits = limits_of(instance, budget, moves, years)
    how = how or How()
    target: Result | None = result if isinstance(result, Result) else None
    plan = result if isinstance(result, Plan) else None
    interrupted = False
    if result is None:
        if progress is not None:
            progress("the plan to move to is sought first")
        batch = solve_all([Work(name="target", instance=instance)], how, progress)
        target, interrupted = batch.results.get("target"), batch.interrupted
    solved = time.monotonic()
    if target is not None:
        plan = target.plan
    if result is not None and plan is None:
        raise UsageError("The result holds no plan to move to. Give one that does, or none, and "
                         "the instance is solved first.")  # fmt: skip
    horizon = max(instance.settings.years, limits.years)
    found = Phasing(
        instance=instance,
        target=target,
        transition=None,
        limits=limits,
        horizon=horizon,
        on_the_way=on_the_way,
        joint=Joint(
            status="unknown" if target is None else target.status,
            reasons=("there is no plan to move to",),
            interrupted=interrupted,
        ),
        how=how,
        interrupted=interrupted,
        seconds={"target": solved - began, "total": solved - began},
    )
    # An interrupt while the plan was sought ends the study, too.
    if plan is None or interrupted:
        status = "unknown" if plan is not None else found.joint.status
        return dataclasses.replace(found, joint=dataclasses.replace(found.joint, status=status))
    way = transition(instance, plan, on_the_way)
    working = _Working(way, limits, how, progress)
    told = working.run()
    now = time.monotonic()
    return dataclasses.replace(
        found,
        transition=way,
        **told,
        seconds={"target": solved - began, "order": now - solved, "total": now - began},
    )


def limits_of(
    instance: Instance,
    budget: Amount | Sequence[Amount] | None,
    moves: int | None,
    years: int | None,
) -> Limits:
    """Return the limits asked, in last places.

    Raises
    ------
    UsageError
        One of them makes no sense.
    """
    count = min(instance.settings.years, YEARS) if years is None else years
    if not 1 <= count <= 1000:
        raise UsageError(f"years is {count}; it is between 1 and 1000")
    if moves is not None and moves < 0:
        raise UsageError(f"moves is {moves}; give 0 or more, or none for no limit")
    if budget is None:
        return Limits(years=count, moves=moves)
    given = [budget] if isinstance(budget, Amount) else list(budget)
    if len(given) not in (1, count):
        raise UsageError(
            f"budget has {len(given)} amounts for {count} years; give one for all years, or one "
            "for each"
        )
    amounts = [_units(each, instance.settings.money_decimals) for each in given]
    amounts *= count // len(amounts)
    return Limits(years=count, budget=tuple(amounts), moves=moves)


def _units(amount: Amount, decimals: int) -> int:
    try:
        exact = Fraction(repr(amount) if isinstance(amount, float) else amount) * 10**decimals
    except (ValueError, ZeroDivisionError, OverflowError):
        raise UsageError(f"budget {amount!r} is no amount of money") from None
    if exact < 0 or exact.denominator != 1:
        raise UsageError(
            f"budget {amount} must not be negative, and have at most {decimals} decimals"
        )
    return int(exact)


class _Working:
    """One order while it is found."""

    def __init__(self, way: Transition, limits: Limits, how: How, progress: Tell | None) -> None:
        self.way, self.limits, self.how, self.progress = way, limits, how, progress
        self._proved = True
        #: One entry per interrupt, in common with all that asks something beside.
        self.stops: list[str] = []

    def _within(self, limits: Limits) -> _Working:
        """Return the same with other limits."""
        part = _Working(self.way, limits, self.how, self.progress)
        part.stops = self.stops
        return part

    def run(self) -> dict[str, object]:
        """Return what came of it, by the names of `Phasing`."""
        way, limits = self.way, self.limits
        told: dict[str, object] = {"at_once": self._at_once()}
        rank = greedy_order(way, limits)
        greedy = None if rank is None else way.course(rank, limits.years)
        told["greedy"] = None if isinstance(greedy, str) else greedy
        why = self._plainly()
        if why:
            joint = Joint(status="infeasible", reasons=why)
            advice = self._advice()
            return told | {"joint": joint, "why": why, "advice": advice,
                           "interrupted": bool(self.stops)}  # fmt: skip
        joint = self._solve(None if isinstance(greedy, str) else greedy)
        told["joint"] = joint
        if joint.value is not None:
            course = self._course(joint.plans)
            assert not isinstance(course, str)
            told["course"] = course
        elif joint.status == "infeasible":
            told["advice"] = self._advice()
        return told | {"interrupted": bool(self.stops)}

    def _at_once(self) -> Course:
        schedule = np.zeros(len(self.way.instance["demand"]), dtype=np.int64)
        schedule[self.way.movers] = 1
        course = self.way.course(schedule, 1)
        assert not isinstance(course, str)
        return course

    def _plainly(self) -> tuple[str, ...]:
        """Return why no order keeps the limits, where counting shows it."""
        way, limits = self.way, self.limits
        found = []
        need, most = len(way.movers), limits.moves
        if most is not None and need > most * limits.years:
            found.append(
                f"{need:,} moves are needed, and {most:,} a year for {limits.years} years are "
                f"only {most * limits.years:,}"
            )
        if limits.budget is not None and way.one_offs > sum(limits.budget):
            money = self._money
            found.append(
                f"{money(way.one_offs)} have to be paid once in all, and the budget of all years "
                f"together is only {money(sum(limits.budget))}"
            )
        return tuple(found)

    def _money(self, units: int) -> str:
        settings = self.way.instance.settings
        return f"{units / 10**settings.money_decimals:,.0f} {settings.currency}"

    def _course(self, plans: Sequence[Plan]) -> Course | str:
        """Reckon the order that the years' plans amount to."""
        return self.way.course(self.way.schedule(plans), self.limits.years)

    def _reckon(self, plans: tuple[Plan, ...]) -> Fraction | str:
        course = self._course(plans)
        if isinstance(course, str):
            return f"an order breaks a rule {course}"
        wrong = self._over(course)
        return wrong or self.way.discounted(course)

    def _over(self, course: Course) -> str:
        """Return which limit a course exceeds, or ''."""
        budget, moves = self.limits.budget, self.limits.moves
        for year, (spent, count) in enumerate(
            zip(course.spending, course.moves, strict=True), start=1
        ):
            if budget is not None and spent > budget[year - 1]:
                return f"an order spends {self._money(spent)} in year {year}: over its budget"
            if moves is not None and count > moves:
                return f"an order has {count:,} moves in year {year}: over the most"
        return ""

    def plans(self, course: Course) -> tuple[Plan, ...]:
        """Return the arrangements of all years but the last."""
        return tuple(
            self.way.plan((course.schedule > 0) & (course.schedule <= year))
            for year in range(1, course.years)
        )

    def _solve(self, greedy: Course | None) -> Joint:
        """Find the best order."""
        limits = self.limits
        if limits.years == 1:  # nothing to decide
            value = self._reckon(())
            if isinstance(value, str):
                return Joint(status="infeasible", reasons=(value,))
            return Joint(status="optimal", value=value, bound=value)
        if self.progress is not None:
            self.progress(
                f"{len(self.way.movers):,} moves over {limits.years} years: the order is sought"
            )
        start = () if greedy is None else self.plans(greedy)
        return self._ask(ordered_bundle(self.way, limits), self._reckon, start)

    def _ask(
        self,
        bundle: Bundle,
        reckon: Callable[[tuple[Plan, ...]], Fraction | str],
        start: Sequence[Plan] = (),
        seconds: float | None = None,
    ) -> Joint:
        how = self.how
        limits = [each for each in (how.time_limit, seconds) if each is not None]
        if self.stops:
            return Joint(status="unknown", interrupted=True)
        joint = solve_bundle(
            bundle,
            reckon,
            solver="auto" if how.solver == "decomposition" else how.solver,
            time_limit=min(limits, default=None),
            gap=how.gap,
            threads=how.threads,
            seed=how.seed,
            start=start,
            money_decimals=self.way.instance.settings.money_decimals,
            progress=self.progress,
        )
        if joint.interrupted:
            self.stops.append("interrupted")
        return joint

    # What would do

    def _advice(self) -> Advice:
        """Say what would do: a budget, a number of moves, more years."""
        limits = self.limits
        found = Advice()
        if self.progress is not None:
            self.progress("it cannot be done within these limits: what would do is sought")
        if limits.budget is not None:
            found = dataclasses.replace(found, budget=self._least(
                dataclasses.replace(limits, budget=None), budget_bundle,
                lambda course: max(course.spending), -(-self.way.one_offs // limits.years)
            ))  # fmt: skip
        if limits.moves is not None:
            found = dataclasses.replace(found, moves=self._least(
                dataclasses.replace(limits, moves=None), moves_bundle,
                lambda course: max(course.moves), -(-len(self.way.movers) // limits.years)
            ))  # fmt: skip
        if limits.budget is None and limits.moves is None:
            return found
        return self._years(found)

    def _least(
        self,
        limits: Limits,
        make: Callable[[Transition, Limits], Bundle],
        measure: Callable[[Course], int],
        least: int,
    ) -> Interval | None:
        """Return the least of what a limit would have to be; None if nothing will do."""
        part = self._within(limits)

        def reckon(plans: tuple[Plan, ...]) -> Fraction | str:
            course = part._course(plans)
            if isinstance(course, str):
                return f"an order breaks a rule {course}"
            return part._over(course) or Fraction(measure(course))

        if part._plainly():
            return None
        if limits.years == 1:
            value = reckon(())
            return None if isinstance(value, str) else Interval.of(value)
        joint = self._ask(make(self.way, limits), reckon, seconds=SECONDS)
        if joint.value is None:
            return None
        low = max(Fraction(least), joint.bound or Fraction(0))
        return Interval(low=min(low, joint.value), high=joint.value)

    def _years(self, found: Advice) -> Advice:
        """Look for the least number of years; one more year never hurts, so that halving will do.

        Without an idle year there are no more years than moves, but for the first and the last, in
        which something may be due whatever moves, and those before the budget is alike every year.
        """
        limits = self.limits
        uneven = limits.years if limits.budget and len(set(limits.budget)) > 1 else 0
        enough = uneven + len(self.way.movers) + 2
        most = max(min(enough, max(MOST_YEARS, self.way.instance.settings.years)), limits.years + 1)
        self._proved = True
        tried = range(limits.years + 1, min(limits.years + 4, most + 1))
        years = next((each for each in tried if self._enough(each)), None)
        if years is None and tried[-1] < most and self._enough(most):
            low, years = tried[-1], most
            while years - low > 1:
                middle = (low + years) // 2
                if self._enough(middle):
                    years = middle
                else:
                    low = middle
        return dataclasses.replace(
            found, years=years, tried=most, proved=self._proved, ever=most >= enough
        )

    def _enough(self, years: int) -> bool:
        """Whether an order was found in so many years; notes where that there is none is unsure."""
        limits = self.limits
        budget = limits.budget
        if budget is not None:
            budget = (*budget, *[budget[-1]] * (years - len(budget)))
        longer = Limits(years=years, budget=budget, moves=limits.moves)
        part = self._within(longer)
        if part._plainly() or part._hopeless():
            return False
        rank = greedy_order(self.way, longer)
        if rank is not None and not isinstance(self.way.course(rank, years), str):
            return True
        joint = part._ask(_any_order(self.way, longer), part._reckon, seconds=SECONDS)
        self._proved &= joint.value is not None or joint.status == "infeasible"
        return joint.value is not None

    def _hopeless(self) -> bool:
        """Whether a single pair's own payments, or one payment, are over every year's budget."""
        budget = self.limits.budget
        if budget is None:
            return self.limits.moves == 0 and len(self.way.movers) > 0
        own: dict[tuple[int, ...], int] = {}
        for payment in self.way.payments:
            if not payment.fixed and len(payment.pairs) == 1:
                own[payment.pairs] = own.get(payment.pairs, 0) + payment.amount
        single = max([*own.values(), *(p.amount for p in self.way.payments)], default=0)
        return single > max(budget)


def _any_order(way: Transition, limits: Limits) -> Bundle:
    """Return the program that asks only whether there is an order."""
    bundle = ordered_bundle(way, limits)
    common = dataclasses.replace(bundle.common, cost=np.zeros(len(bundle.common)))
    return dataclasses.replace(bundle, weights=np.zeros(len(bundle.copies)), common=common)

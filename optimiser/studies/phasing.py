"""Phases: from today's arrangement to a plan over several years, in the best order."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Final, TypeAlias

from optimiser.errors import UsageError
from optimiser.model.plan import Plan
from optimiser.solvers.result import Result
from optimiser.solvers.together import Joint
from optimiser.studies.interval import Interval
from optimiser.studies.orderings import Ordering
from optimiser.studies.pool import How, Work, solve_all
from optimiser.studies.transition_bundles import Limits
from optimiser.studies.transitions import ON_THE_WAY, Transition, transition

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from optimiser.files.studies import Record
    from optimiser.model.instance import Instance
    from optimiser.studies.orderings import Advice
    from optimiser.studies.pool import Tell
    from optimiser.studies.transitions import Course

#: An amount of money, in currency.
Amount: TypeAlias = int | str | Decimal | Fraction | float
#: Years within which all moves are made, unless it is said otherwise.
YEARS: Final = 5


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
    told = Ordering(way, limits, how, progress).run()
    now = time.monotonic()
    return dataclasses.replace(
        found,
        transition=way,
        joint=told.joint,
        course=told.course,
        at_once=told.at_once,
        greedy=told.greedy,
        why=told.why,
        advice=told.advice,
        interrupted=told.interrupted,
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

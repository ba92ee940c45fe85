"""The best order of moves within limits, and what would do where there is none."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import numpy as np

from optimiser.solvers.together import Joint, solve_bundle
from optimiser.studies.greedy_orders import greedy_order
from optimiser.studies.interval import Interval
from optimiser.studies.transition_bundles import (
    Limits,
    budget_bundle,
    moves_bundle,
    ordered_bundle,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from optimiser.model.bundles import Bundle
    from optimiser.model.plan import Plan
    from optimiser.studies.pool import How, Tell
    from optimiser.studies.transitions import Course, Transition

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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ordered:
    """What came of an ordering; see `phasing.Phasing` for its parts."""

    joint: Joint
    at_once: Course
    course: Course | None = None
    greedy: Course | None = None
    why: tuple[str, ...] = ()
    advice: Advice | None = None
    interrupted: bool = False


class Ordering:
    """One order while it is found.

    Parameters
    ----------
    way
        What the way to the plan takes.
    limits
        Years, budget and moves.
    how
        How the order is found.
    progress
        Called with lines and progress.
    """

    def __init__(self, way: Transition, limits: Limits, how: How, progress: Tell | None) -> None:
        self.way, self.limits, self.how, self.progress = way, limits, how, progress
        self._proved = True
        #: By how much an order that the solver thought well of went over a budget.
        self.over = 0
        #: One entry per interrupt, in common with all that asks something beside.
        self.stops: list[str] = []

    def _other(self, limits: Limits) -> Ordering:
        """Return the same with other limits."""
        part = Ordering(self.way, limits, self.how, self.progress)
        part.stops = self.stops
        return part

    def run(self) -> Ordered:
        """Return what came of it."""
        way, limits = self.way, self.limits
        rank = greedy_order(way, limits)
        reckoned = None if rank is None else way.course(rank, limits.years)
        greedy = None if isinstance(reckoned, str) else reckoned
        why = self.obstacles()
        joint = Joint(status="infeasible", reasons=why) if why else self._solve(greedy)
        course = self.course_of(joint.plans) if joint.value is not None else None
        assert not isinstance(course, str)
        advice = self._advice() if joint.status == "infeasible" else None
        return Ordered(
            joint=joint,
            at_once=self._at_once(),
            course=course,
            greedy=greedy,
            why=why,
            advice=advice,
            interrupted=bool(self.stops),
        )

    def _at_once(self) -> Course:
        schedule = np.zeros(len(self.way.instance["demand"]), dtype=np.int64)
        schedule[self.way.movers] = 1
        course = self.way.course(schedule, 1)
        assert not isinstance(course, str)
        return course

    def obstacles(self) -> tuple[str, ...]:
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
        alone = self.hopeless()
        return (*found, alone) if alone else tuple(found)

    def _money(self, units: int) -> str:
        settings = self.way.instance.settings
        return f"{units / 10**settings.money_decimals:,.0f} {settings.currency}"

    def course_of(self, plans: Sequence[Plan]) -> Course | str:
        """Reckon the order that the years' plans amount to."""
        return self.way.course(self.way.schedule(plans), self.limits.years)

    def reckon(self, plans: tuple[Plan, ...]) -> Fraction | str:
        """Return the exact value of the years' plans, or why they will not do."""
        course = self.course_of(plans)
        if isinstance(course, str):
            return f"an order breaks a rule {course}"
        wrong = self.exceeded(course)
        return wrong or self.way.discounted(course)

    def exceeded(self, course: Course) -> str:
        """Return which limit a course exceeds, or ''."""
        budget, moves = self.limits.budget, self.limits.moves
        for year, (spent, count) in enumerate(
            zip(course.spending, course.moves, strict=True), start=1
        ):
            if budget is not None and spent > budget[year - 1]:
                self.over = max(self.over, spent - budget[year - 1])
                return f"an order spends {self._money(spent)} in year {year}: over its budget"
            if moves is not None and count > moves:
                return f"an order has {count:,} moves in year {year}: over the most"
        return ""

    def _plans(self, course: Course) -> tuple[Plan, ...]:
        """Return the arrangements of all years but the last."""
        return tuple(
            self.way.plan((course.schedule > 0) & (course.schedule <= year))
            for year in range(1, course.years)
        )

    def _solve(self, greedy: Course | None) -> Joint:
        """Find the best order."""
        limits = self.limits
        if limits.years == 1:  # nothing to decide
            value = self.reckon(())
            if isinstance(value, str):
                return Joint(status="infeasible", reasons=(value,))
            return Joint(status="optimal", value=value, bound=value)
        if self.progress is not None:
            self.progress(
                f"{len(self.way.movers):,} moves over {limits.years} years: the order is sought"
            )
        start = () if greedy is None else self._plans(greedy)
        joint = self.ask(ordered_bundle(self.way, limits), self.reckon, start)
        if self.over and limits.budget is not None:
            # A solver's tolerance has let an order pass that the integers do not: it is asked for
            # one that is as much below the budget. Its first bound stands.
            tighter = tuple(max(each - self.over, 0) for each in limits.budget)
            bundle = ordered_bundle(self.way, dataclasses.replace(limits, budget=tighter))
            joint = _merged(joint, self.ask(bundle, self.reckon, start), self.how.gap)
        return joint

    def ask(
        self,
        bundle: Bundle,
        reckon: Callable[[tuple[Plan, ...]], Fraction | str],
        start: Sequence[Plan] = (),
        seconds: float | None = None,
    ) -> Joint:
        """Solve a program; after an interrupt nothing is asked any more."""
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
        part = self._other(limits)

        def reckon(plans: tuple[Plan, ...]) -> Fraction | str:
            course = part.course_of(plans)
            if isinstance(course, str):
                return f"an order breaks a rule {course}"
            return part.exceeded(course) or Fraction(measure(course))

        if part.obstacles():
            return None
        if limits.years == 1:
            value = reckon(())
            return None if isinstance(value, str) else Interval.of(value)
        joint = self.ask(make(self.way, limits), reckon, seconds=SECONDS)
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
        if self.hopeless():
            return dataclasses.replace(found, ever=True)
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
        part = self._other(longer)
        if part.obstacles():
            return False
        rank = greedy_order(self.way, longer)
        if rank is not None and not isinstance(self.way.course(rank, years), str):
            return True
        joint = part.ask(_any_order(self.way, longer), part.reckon, seconds=SECONDS)
        self._proved &= joint.value is not None or joint.status == "infeasible"
        return joint.value is not None

    def hopeless(self) -> str:
        """Return what alone is over every year's limit, however many years there are; or ''."""
        budget, way = self.limits.budget, self.way
        if self.limits.moves == 0 and len(way.movers):
            return "nothing can move with no moves a year"
        if budget is None:
            return ""
        keys = way.instance["providers"].keys
        names = [way.instance.texts("demand", name) for name in ("service", "organisation")]
        single: dict[str, int] = {}
        for payment in way.payments:
            if payment.organisation >= 0 and payment.pairs:
                service, organisation = (column[payment.pairs[0]] for column in names)
                what = f"moving {service} of {organisation}"
            elif payment.organisation >= 0:
                continue  # pairs without an incumbent: all in the first year, which the sum shows
            else:
                what = f"the {payment.kind.replace('_', '-')} of {keys[payment.provider]}"
            single[what] = single.get(what, 0) + payment.amount
        what, amount = max(single.items(), key=lambda item: item[1], default=("", 0))
        if amount <= max(budget):
            return ""
        return f"{what} alone costs {self._money(amount)}, more than any year's budget"


def _merged(first: Joint, second: Joint, gap: float) -> Joint:
    """Return the better plans of two, with the bound of the first."""
    best = second if first.value is None or (
        second.value is not None and second.value < first.value
    ) else first  # fmt: skip
    status = best.status
    if best.value is not None:
        close = first.bound is not None and best.value - first.bound <= gap * abs(best.value) + 1
        status = "optimal" if close else "feasible"
    elif status == "infeasible":  # of the tighter budget only
        status = "unknown"
    return dataclasses.replace(
        best,
        status=status,
        bound=first.bound,
        reasons=tuple(dict.fromkeys((*first.reasons, *second.reasons))),
        seconds=first.seconds + second.seconds,
        interrupted=first.interrupted or second.interrupted,
    )


def _any_order(way: Transition, limits: Limits) -> Bundle:
    """Return the program that asks only whether there is an order."""
    bundle = ordered_bundle(way, limits)
    common = dataclasses.replace(bundle.common, cost=np.zeros(len(bundle.common)))
    return dataclasses.replace(bundle, weights=np.zeros(len(bundle.copies)), common=common)

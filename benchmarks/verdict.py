"""What a result is worth: solved or not, what failed, and every wrong answer in a sentence."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from optimiser.model.check import check, in_house_account, todays_plan
from optimiser.solvers.judge import CLOSE
from optimiser.solvers.process import ASK
from optimiser.solvers.result import FAILURES, LIES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.suites import Task
    from optimiser.solvers.result import Result

#: Seconds past the limit from which on a run overran it: then it is asked to stop.
OVERRUN: Final = ASK - 0.1
#: How a published value is called that no other can be below.
OPTIMAL: Final = "optimal"


def classify(task: Task, result: Result, elapsed: float) -> dict[str, Any]:
    """Return gap_reached, solved, failure, failure_text, wrong, best_known, best_known_status.

    Parameters
    ----------
    task, result
        What was asked, and what came of it.
    elapsed
        Seconds that the solver took of its limit.
    """
    case = task.case
    wrong = [fault.text for fault in result.faults if fault.kind in LIES]
    if result.objective_units is None:
        wrong += _against_simple_plans(result)
    if case.best_known is not None:
        wrong += _against(Decimal(case.best_known), case.best_known_status, result)
    failures = [(each.kind, each.text) for each in result.faults if each.kind in FAILURES]
    if not failures and elapsed > task.limit + OVERRUN:
        failures = [("overran", f"{result.solver} took {elapsed:.1f} s of {task.limit:g} s")]
    failure, text = failures[0] if failures else ("", "")
    # The status compares in whole numbers: (objective − bound) ≤ gap × |objective|.
    done = result.status in ("optimal", "infeasible") and failure != "overran"
    return {
        # Relative to an objective of 0 every gap is without end, which JSON cannot say.
        "gap_reached": None if result.gap is None or math.isinf(result.gap) else result.gap,
        "solved": done and not wrong,
        "failure": failure,
        "failure_text": text,
        "wrong": wrong,
        "best_known": case.best_known,
        "best_known_status": case.best_known_status,
    }


def _against_simple_plans(result: Result) -> Iterator[str]:
    """Say where a result without a plan denies one that needs no solver, if that breaks no rule."""
    instance, solver = result.instance, result.solver
    today = todays_plan(instance)
    plans = {
        "the plan all in-house": in_house_account(instance),
        "today's plan": None if today is None else check(instance, today),
    }
    for name, account in plans.items():
        if account is None or not account.feasible:
            continue
        if result.status == "infeasible":
            yield f"{solver} claims that there is no plan, but {name} breaks no rule"
        elif result.bound_units is not None and result.bound_units > account.objective + max(
            CLOSE * abs(account.objective), 0.5
        ):
            yield f"{solver} claims that no plan costs as little as {name} does"


def _against(published: Decimal, status: str, result: Result) -> list[str]:
    """Say where a result contradicts a published value by more than rounding explains."""
    unit = Decimal(1).scaleb(-result.instance.settings.money_decimals)
    # Published values are rounded to their last digit; under split sourcing the cost of each part
    # of a pair is rounded, too, here.
    room = Decimal(1).scaleb(min(int(published.as_tuple().exponent), 0))
    if result.instance.settings.split:
        room += unit * len(result.instance["demand"])
    solver, found = result.solver, []
    if result.status == "infeasible":
        found.append(f"{solver} claims that there is no plan, but one at {published} is published")
    if result.objective_units is not None and status == OPTIMAL:
        objective = result.objective_units * unit
        if objective < published - room:
            found.append(
                f"a plan at {objective} was accepted, below the published optimum of {published}"
            )
    if result.bound_units is not None:
        bound = result.bound_units * unit
        if bound > published + room:
            found.append(
                f"{solver} claims that no plan costs less than {bound}, but one at {published} is "
                "published"
            )
    return found

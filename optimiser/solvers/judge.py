"""What a solver says, against what the checker says: nothing is believed.

The `Judge` collects plans and bounds while a solve runs. In the end it finds the best plan that the
checker accepts, and the bound unless that contradicts it, and names the solver where it was wrong.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from optimiser.errors import InternalError
from optimiser.model.check import check
from optimiser.solvers.result import Point, SolverFault, decimals_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimiser.model.account import Account
    from optimiser.model.instance import Instance
    from optimiser.model.plan import Plan
    from optimiser.model.problem import Problem
    from optimiser.model.rows import Objective, SideRow
    from optimiser.solvers.base import Event, Outcome

#: Relative difference up to which a bound claimed is the objective itself, told in floats.
CLOSE: Final = 1e-9
#: Relative noise of a float bound, which does not lift it to the next whole number.
NOISE: Final = 1e-11
#: Relative difference by which a plan may be dearer than claimed without a word.
CLAIM: Final = 1e-6
#: Plans that are checked before a solver is given up.
TRIES: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A plan, its objective if we can reckon it fast (else as claimed), the claim, and by whom."""

    plan: Plan
    objective: float
    claimed: float | None
    by: str


@dataclass(slots=True, kw_only=True)
class Verdict:
    """What is left of a solver's claims.

    `status` is one of `result.STATUSES`, or '' where no plan was accepted and nothing was proved.
    """

    status: str = ""
    account: Account | None = None
    bound: int | None = None
    reasons: list[str] = field(default_factory=list)
    faults: list[SolverFault] = field(default_factory=list)

    def blame(self, kind: str, text: str) -> None:
        """Note something that the solver did wrong, of a kind of `result.FAILURES` or `LIES`."""
        self.reasons.append(text)
        self.faults.append(SolverFault(kind=kind, text=text))


class Judge:
    """Collects what a solver says.

    Parameters
    ----------
    instance, rows, objective
        What plans are checked against.
    problem
        Compiled from them and not cleaned.
    solver
        Name, for the reasons.
    """

    def __init__(
        self,
        instance: Instance,
        problem: Problem,
        rows: Sequence[SideRow],
        objective: Objective | None,
        solver: str,
    ) -> None:
        self._instance = instance
        self._objective = objective
        self._problem = problem
        self._rows = rows
        self._solver = solver
        self._candidates: dict[Plan, Candidate] = {}
        self._accounts: dict[Plan, Account] = {}
        self.best: float | None = None
        self.bound: float | None = None
        self.trace: list[Point] = []

    def accept(self, account: Account, time: float) -> None:
        """Take the warm start, already checked and without violations."""
        self._accounts[account.plan] = account
        self._add(account.plan, None, "the start")
        self._mark(time)

    def hear(self, event: Event, time: float) -> bool:
        """Take an event at `time`; say whether the best plan or the bound has changed."""
        before = (self.best, self.bound)
        if event.plan is not None:
            self._add(event.plan, event.objective, self._solver)
        self._hear_bound(event.bound)
        changed = before != (self.best, self.bound)
        if changed:
            self._mark(time)
        return changed

    def hear_outcome(self, outcome: Outcome, time: float) -> None:
        """Take the outcome's plan and bound."""
        if outcome.plan is not None:
            self._add(outcome.plan, outcome.objective, self._solver)
        if outcome.reason != "infeasible":
            self._hear_bound(outcome.bound)
        self._mark(time)

    def verdict(self, gap: float, outcome: Outcome | None) -> Verdict:
        """Check the plans, best first, and weigh the claims."""
        verdict = Verdict()
        chosen = self._choose(verdict)
        claims_none = outcome is not None and outcome.reason == "infeasible"
        if chosen is None:
            if claims_none:
                self._none_found(verdict, outcome.message if outcome is not None else "")
            elif self.bound is not None:
                verdict.bound = whole(self.bound)
            return verdict
        account = self._accounts[chosen.plan]
        verdict.account = account
        self._compare(chosen, account, verdict)
        if claims_none:
            verdict.blame(
                "infeasible",
                f"{self._solver} claims that there is no plan, although there is one: it is wrong",
            )
        elif self.bound is not None:
            finished = outcome is not None and outcome.reason == "finished"
            verdict.bound = self._settle(account.objective, verdict, finished=finished)
        verdict.status = "feasible"
        if verdict.bound is not None:
            apart = account.objective - verdict.bound
            if apart <= Fraction(gap) * abs(account.objective):
                verdict.status = "optimal"
            elif outcome is not None and outcome.reason == "finished" and not verdict.faults:
                self._doubt(gap, account.objective, apart, verdict)
        return verdict

    def _add(self, plan: Plan, claimed: float | None, by: str) -> None:
        ours = self._problem.evaluate(plan)
        objective = claimed if ours is None else ours
        if objective is None and plan in self._accounts:
            objective = self._accounts[plan].objective
        if objective is None or math.isnan(objective):
            objective = math.inf
        known = self._candidates.get(plan)
        # Under split sourcing a plan may be claimed again, at a lower objective than at first.
        if known is None or objective < known.objective:
            self._candidates[plan] = Candidate(
                plan=plan, objective=objective, claimed=claimed, by=by
            )
        if math.isfinite(objective) and (self.best is None or objective < self.best):
            self.best = objective

    def _hear_bound(self, bound: float | None) -> None:
        if bound is None or not math.isfinite(bound):
            return
        if self.bound is None or bound > self.bound:
            self.bound = bound

    def _mark(self, time: float) -> None:
        objective = None if self.best is None else round(self.best)
        bound = None if self.bound is None else whole(self.bound)
        self.trace.append(Point(time=time, objective=objective, bound=bound))

    def _choose(self, verdict: Verdict) -> Candidate | None:
        """Return the best candidate without violations; name the solver if others have some."""
        order = sorted(self._candidates.values(), key=lambda c: c.objective)
        refused = 0
        for candidate in order:
            account = self._accounts.get(candidate.plan)
            if account is None:
                if refused >= TRIES:
                    continue
                account = self._accounts[candidate.plan] = self._check(candidate.plan)
            if account.feasible:
                return candidate
            refused += 1
            if refused == 1:
                verdict.blame(
                    "plan",
                    f"{self._solver} offers a plan that breaks a rule, which was refused: "
                    f"{account.violations[0].message}",
                )
        return None

    def _check(self, plan: Plan) -> Account:
        account = check(self._instance, plan, self._rows, self._objective)
        ours = self._problem.evaluate(plan)
        if account.feasible and not self._problem.split and ours != account.objective:
            raise InternalError(
                f"the checker reckons {account.objective} for a plan, the compiled problem {ours}"
            )
        return account

    def _none_found(self, verdict: Verdict, message: str) -> None:
        if self._candidates:
            verdict.blame(
                "infeasible",
                f"{self._solver} claims that there is no plan, but offered one itself: "
                "its claim counts for nothing",
            )
            return
        verdict.status = "infeasible"
        why = f": {message}" if message else ""
        verdict.reasons.append(f"{self._solver} proved that no plan keeps every rule{why}")

    def _compare(self, chosen: Candidate, account: Account, verdict: Verdict) -> None:
        """Name the solver if the plan is dearer than it claimed."""
        claimed = chosen.claimed
        if claimed is None:
            return
        room = CLAIM * abs(account.objective) + self._problem.slack + 1
        if not claimed >= account.objective - room:
            verdict.blame(
                "objective",
                f"{self._solver} claims an objective of {self._money(claimed)} for its plan; "
                f"it is {self._money(account.objective)}",
            )

    def _doubt(self, gap: float, objective: int, apart: int, verdict: Verdict) -> None:
        """Name the solver if it claims to have finished at a gap that its own bound denies."""
        if apart > (gap + CLAIM) * abs(objective) + self._problem.slack + 1:
            reached = apart / abs(objective) if objective else math.inf
            verdict.blame(
                "finished",
                f"{self._solver} claims to have finished within a gap of {gap:g}, but by its own "
                f"bound the gap is {reached:.3g}",
            )

    def _settle(self, objective: int, verdict: Verdict, *, finished: bool) -> int | None:
        """Return the bound in whole units; None if it contradicts a checked plan."""
        assert self.bound is not None
        room = CLOSE * abs(objective)
        if self.bound > objective + max(room, 0.5):
            verdict.blame(
                "bound",
                f"{self._solver} claims that no plan costs less than {self._money(self.bound)}, "
                f"although one costs {self._money(objective)}: its bound is wrong and was dropped",
            )
            return None
        bound = min(whole(self.bound), objective)
        return objective if finished and objective - bound <= room else bound

    def _money(self, units: float) -> str:
        decimals = decimals_of(self._objective, self._instance) or 0
        unit = self._instance.settings.currency if self._objective is None else ""
        return f"{units / 10**decimals:,.{decimals}f} {unit}".rstrip()


def whole(bound: float) -> int:
    """Round a bound on whole objectives up, but for noise."""
    return math.ceil(bound - max(1e-6, NOISE * abs(bound)))

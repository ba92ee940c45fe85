"""solve_bundle(): copies of problems decided together by a general solver, judged by the caller."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from optimiser.errors import SolverError, UsageError
from optimiser.model.bundles import joined, parted
from optimiser.solvers import registry
from optimiser.solvers.base import Options
from optimiser.solvers.child import Task
from optimiser.solvers.judge import CLOSE, whole
from optimiser.solvers.process import Interrupts, run
from optimiser.solvers.result import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from optimiser.model.bundles import Bundle
    from optimiser.model.plan import Plan
    from optimiser.solvers.base import Event, Outcome

    #: Exact value of the copies' plans in last places of money, or why they do not keep the rules.
    Reckoner = Callable[[tuple[Plan, ...]], Fraction | str]

#: The solver of bundles: the engine knows single problems only.
AUTO: Final = "highs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Joint:
    """What came of a bundle.

    Parameters
    ----------
    status
        One of `result.STATUSES`.
    plans
        The plan of each copy, as the caller's reckoning accepts them; () if there are none.
    value
        Their exact value, in last places of money.
    bound
        The best bound on the value that the solver claims, in last places of money.
    solver, reasons, seconds, interrupted
        As in `result.Result`.
    """

    status: str
    plans: tuple[Plan, ...] = ()
    value: Fraction | None = None
    bound: Fraction | None = None
    solver: str = ""
    reasons: tuple[str, ...] = ()
    seconds: float = 0.0
    interrupted: bool = False

    @property
    def gap(self) -> float | None:
        """Relative gap; None without a plan or a bound."""
        if self.value is None or self.bound is None:
            return None
        if self.value == self.bound:
            return 0.0
        return float((self.value - self.bound) / abs(self.value)) if self.value else math.inf


def solve_bundle(
    bundle: Bundle,
    reckon: Reckoner,
    *,
    solver: str = "auto",
    time_limit: float | None = None,
    gap: float = 1e-4,
    threads: int = 1,
    seed: int = 0,
    start: Sequence[Plan] = (),
    money_decimals: int = 2,
    progress: Callable[[Progress | str], object] | None = None,
) -> Joint:
    """Find plans for all copies at the least value.

    Parameters
    ----------
    bundle
        What is decided together.
    reckon
        Checks the copies' plans against their own tables and reckons the exact value; the solver's
        word counts for nothing.
    solver
        A general solver; ``auto`` is HiGHS. ``decomposition`` knows single problems only.
    time_limit, gap, threads, seed, progress
        As in `session.solve`.
    start
        Plans to start from, one per copy; they count as found if `reckon` accepts them.
    money_decimals
        For progress.

    Raises
    ------
    UsageError
        There is no such solver, or it cannot take a bundle.
    SolverError
        It is not installed.
    """
    name = AUTO if solver == "auto" else solver
    if name == "decomposition":
        raise UsageError(
            "decomposition cannot decide several copies together; name a general solver such as "
            "highs or scip, or leave it to auto."
        )
    spec = registry.spec_of(name)
    loaded = registry.load(spec)
    found = loaded.availability()
    if not found.installed:
        raise SolverError(f"the solver {loaded.name} is not installed: {found.remedy}")
    began = time.monotonic()
    judging = _Judging(bundle, reckon)
    if start:
        judging.offer(tuple(start))
    options = Options(
        time_limit=time_limit,
        gap=gap,
        threads=threads,
        seed=seed,
        start=joined(bundle, start) if start else None,
    )
    task = Task(spec=spec, problem=bundle, options=options, began=began, sent=began)
    scale = 10.0**money_decimals

    def take(event: Event) -> None:
        judging.hear(event)
        if progress is not None:
            progress(
                Progress(
                    time=time.monotonic() - began,
                    objective=None if judging.claimed is None else judging.claimed / scale,
                    bound=None if judging.bound is None else judging.bound / scale,
                    phase=event.phase,
                )
            )

    with Interrupts() as interrupts:
        ending = run(task, take, interrupts)
    outcome = ending.outcome
    if outcome is not None:
        judging.hear_outcome(outcome)
    if ending.failure:
        judging.reasons.append(f"{loaded.name} {ending.failure}")
    return judging.joint(
        gap, outcome, loaded.name, time.monotonic() - began, interrupted=ending.interrupted
    )


@dataclass(slots=True)
class _Judging:
    """Collects what a solver says of a bundle, and believes what `reckon` accepts."""

    bundle: Bundle
    reckon: Reckoner
    best: tuple[Plan, ...] = ()
    value: Fraction | None = None
    claimed: float | None = None
    bound: float | None = None
    last: Plan | None = None
    reasons: list[str] = field(default_factory=list)

    def offer(self, plans: tuple[Plan, ...]) -> None:
        """Take plans if they keep the rules and are better than those before."""
        value = self.reckon(plans)
        if isinstance(value, str):
            if value not in self.reasons:
                self.reasons.append(value)
        elif self.value is None or value < self.value:
            self.best, self.value = plans, value

    def hear(self, event: Event) -> None:
        """Note a plan, which is looked at in the end, and a bound."""
        if event.plan is not None:
            self.last, self.claimed = event.plan, event.objective
        if event.bound is not None and math.isfinite(event.bound):
            self.bound = event.bound if self.bound is None else max(self.bound, event.bound)

    def hear_outcome(self, outcome: Outcome) -> None:
        """Take the outcome's plan and bound."""
        plan = outcome.plan if outcome.plan is not None else self.last
        if plan is not None:
            self.offer(parted(self.bundle, plan))
        if outcome.reason != "infeasible" and outcome.bound is not None:
            bound = outcome.bound
            if math.isfinite(bound):
                self.bound = bound if self.bound is None else max(self.bound, bound)
        if outcome.reason in ("failed", "unsupported"):
            self.reasons.append(outcome.message)

    def joint(
        self,
        gap: float,
        outcome: Outcome | None,
        solver: str,
        seconds: float,
        *,
        interrupted: bool,
    ) -> Joint:
        """Give the verdict."""
        if outcome is None and self.last is not None:
            self.offer(parted(self.bundle, self.last))
        bound = None if self.bound is None else Fraction(self.bound)
        status = "unknown"
        if self.value is not None:
            status = "feasible"
            if bound is not None:
                room = Fraction(CLOSE) * abs(self.value) + Fraction(1, 2)
                if bound > self.value + room:
                    self.reasons.append(f"{solver} claims a bound above the value: it was dropped")
                    bound = None
                else:
                    bound = min(bound, self.value)
                    if self.value - bound <= Fraction(gap) * abs(self.value) + room:
                        status = "optimal"
        elif outcome is None:
            status = "unknown" if interrupted else "error"
        elif outcome.reason == "infeasible":
            status = "infeasible"
        elif outcome.reason in ("failed", "unsupported"):
            status = "error"
        return Joint(
            status=status,
            plans=self.best,
            value=self.value,
            bound=None if bound is None else min(bound, Fraction(whole(float(bound)))),
            solver=solver,
            reasons=tuple(self.reasons),
            seconds=seconds,
            interrupted=interrupted,
        )

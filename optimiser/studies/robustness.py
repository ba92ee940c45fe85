"""One plan for many futures, and openings decided now with assignments once the future is known."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from optimiser.errors import UsageError
from optimiser.model.check import check
from optimiser.model.plan import BY_ITSELF
from optimiser.solvers.together import Joint, solve_bundle
from optimiser.studies.changes import Change, changed
from optimiser.studies.futures import Futures, opened_bundle, shared_bundle
from optimiser.studies.interval import Interval
from optimiser.studies.means import mean_instance
from optimiser.studies.pool import How, Work, solve_all
from optimiser.studies.sweeps import ALPHA, Sweep, carried, cvar, sweep

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from optimiser.files.studies import Record
    from optimiser.model.instance import Instance
    from optimiser.model.plan import Plan
    from optimiser.studies.pool import Tell
    from optimiser.studies.scenarios import Scenario

#: What may be minimised over the scenarios, and in words.
AIMS: Final = {
    "expected": "expected cost",
    "worst": "cost in the worst case",
    "regret": "largest regret",
    "cvar": "mean cost of the worst cases (CVaR)",
}
#: What is decided now: the whole plan, or openings only.
STAGES: Final = ("plan", "openings")


@dataclass(frozen=True, kw_only=True, eq=False)
class Robust:
    """What came of planning for all scenarios at once.

    Parameters
    ----------
    sweep
        Every scenario by itself: what would be best if it were known.
    aim, alpha, stage
        What was minimised, the level of CVaR, and what is decided now.
    joint
        What came of the solve; its plans are one per likely scenario.
    names
        Scenarios of positive probability, in the order of the plans.
    openings
        Keys of the providers that are open, under ``openings`` only.
    value
        What is known of the least value: its high end is that of the plans, in last places.
    objectives
        Objective of the plan (or of its recourse) in each scenario, in last places; {} without one.
    known
        Expected objective if the future were known (wait and see), in last places.
    mean
        Expected objective of the openings that are best for the mean of the scenarios, in last
        places, each scenario at its best; None where that has no meaning or was not asked.
    mean_fails
        Scenarios that those openings leave without a plan.
    seconds
        Wall time by stage.
    """

    sweep: Sweep
    aim: str
    alpha: float
    stage: str
    joint: Joint
    names: tuple[str, ...]
    openings: tuple[str, ...] = ()
    value: Interval
    objectives: Mapping[str, int] = field(default_factory=dict)
    known: Interval
    mean: Interval | None = None
    mean_fails: tuple[str, ...] = ()
    interrupted: bool = False
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """Status of the joint solve, as in `result.STATUSES`."""
        return self.joint.status

    @property
    def evpi(self) -> Interval | None:
        """Expected value of perfect information: what knowing the future first is worth.

        The least expected cost less the expected cost of the best plan of each scenario (Birge &
        Louveaux 2011, section 4.1). None unless expected cost was minimised.
        """
        if self.aim != "expected":
            return None
        return _not_negative(self.value - self.known)

    @property
    def vss(self) -> Interval | None:
        """Value of the stochastic solution: what planning for the mean would cost more.

        Birge & Louveaux 2011, section 4.2. None if it was not asked, or the mean's openings leave a
        scenario without a plan (`mean_fails`): then it has no limit.
        """
        if self.aim != "expected" or self.mean is None:
            return None
        return _not_negative(self.mean - self.value)

    def record(self) -> Record:
        """Return what is to be kept of it."""
        from optimiser.studies.robust_tables import record

        return record(self)


def _not_negative(value: Interval) -> Interval:
    low = Fraction(0) if value.low is None else max(value.low, Fraction(0))
    return Interval(low=low, high=value.high)


def robust(
    instance: Instance,
    scenarios: Iterable[Scenario],
    *,
    aim: str = "expected",
    stage: str = "plan",
    alpha: float = ALPHA,
    how: How | None = None,
    progress: Tell | None = None,
) -> Robust:
    """Find what is feasible in all scenarios and best over them.

    Parameters
    ----------
    instance, scenarios
        As for `sweeps.sweep`; scenarios of probability 0 do not count.
    aim
        One of `AIMS`.
    stage
        ``plan``: one plan that holds whatever comes. ``openings``: which providers are open is
        decided now and paid in every scenario, used there or not; who delivers, once it is known.
    alpha
        Level of CVaR.
    how
        How each scenario is solved by itself, and how long all together; the engine
        `decomposition` knows single problems only, so ``auto`` is HiGHS for all together.
    progress
        Called with lines and progress.

    Raises
    ------
    UsageError
        There is no such aim or stage.
    InstanceError, SolverError, FileError
        As `sweeps.sweep`.
    """
    if aim not in AIMS:
        raise UsageError(f"aim is {aim!r}; the aims are {', '.join(AIMS)}")
    if stage not in STAGES:
        raise UsageError(f"stage is {stage!r}; it is {' or '.join(STAGES)}")
    began = time.monotonic()
    how = how or How()
    each = sweep(instance, scenarios, how=how, alpha=alpha, progress=progress)
    alone = time.monotonic()
    names = tuple(name for name, share in each.probability.items() if share > 0)
    missing = [name for name in names if name not in each.results]
    if missing:
        joint = Joint(status="unknown", reasons=("interrupted before all was solved",),
                      interrupted=True)  # fmt: skip
        nothing = Interval(low=None, high=None)
        return Robust(sweep=each, aim=aim, alpha=alpha, stage=stage, joint=joint, names=names,
                      value=nothing, known=nothing, interrupted=True)  # fmt: skip
    working = _Working(each, names, aim, stage, alpha, how, progress)
    joint = working.solve()
    together = time.monotonic()
    mean, fails = working.mean() if stage == "openings" and aim == "expected" else (None, ())
    value = working.value(joint)
    return Robust(
        sweep=each,
        aim=aim,
        alpha=alpha,
        stage=stage,
        joint=joint,
        names=names,
        openings=working.openings(joint.plans),
        value=value,
        objectives=working.objectives(joint.plans),
        known=working.known(),
        mean=mean,
        mean_fails=fails,
        interrupted=each.interrupted or joint.interrupted,
        seconds={
            "alone": alone - began,
            "together": together - alone,
            "mean": time.monotonic() - together,
            "total": time.monotonic() - began,
        },
    )


class _Working:
    """One robust solve: what the scenarios are, and how plans are judged."""

    def __init__(
        self,
        each: Sweep,
        names: tuple[str, ...],
        aim: str,
        stage: str,
        alpha: float,
        how: How,
        progress: Tell | None,
    ) -> None:
        self.each, self.names, self.aim, self.stage = each, names, aim, stage
        self.alpha = Fraction(str(alpha))
        self.how, self.progress = how, progress
        self.instances = [each.instances[name] for name in names]
        self.shares = [each.probability[name] for name in names]
        self.best = [each.best[name] for name in names]
        self._futures: Futures | None = None

    # What plans come to

    def combine(self, values: Sequence[Fraction], *, reference: Sequence[Fraction]) -> Fraction:
        """Return what is minimised, of the objectives in the scenarios."""
        if self.aim == "expected":
            return sum((p * v for p, v in zip(self.shares, values, strict=True)), Fraction(0))
        if self.aim == "worst":
            return max(values)
        if self.aim == "regret":
            return max(v - b for v, b in zip(values, reference, strict=True))
        return cvar(values, self.shares, self.alpha)

    def reference(self) -> list[Fraction]:
        """Return the best known objective of each scenario, from which regret is counted."""
        return [Fraction(0) if b.high is None else b.high for b in self.best]

    def plans(self, plans: Sequence[Plan]) -> list[Plan]:
        """Return what is done in each scenario: of one plan, the same shares in all."""
        if self.stage == "openings" or not plans:
            return list(plans)
        return [carried(plans[0], self.instances[0], each) for each in self.instances]

    def openings(self, plans: Sequence[Plan]) -> tuple[str, ...]:
        """Return the keys of the providers that plans need open, where openings are decided."""
        if self.stage != "openings" or not plans:
            return ()
        keys = self.instances[0]["providers"].keys
        used = {by for plan in plans for by in plan.deliverer.tolist() if by != BY_ITSELF}
        # Where an open provider costs less than its closing, it stands whether it is used or not.
        used |= self.futures().standing
        return tuple(str(keys[row]) for row in sorted(used))

    def recourse(self, openings: Sequence[str]) -> list[Instance]:
        """Return each scenario's instance once these providers are open, and no others."""
        return [opened(each, openings) for each in self.instances]

    def objectives(self, plans: Sequence[Plan]) -> dict[str, int]:
        """Return what plans cost in each scenario, as minimised; {} if there are none."""
        found = self.priced(plans) if plans else None
        if found is None or isinstance(found, str):
            return {}
        return dict(zip(self.names, found, strict=True))

    def priced(self, plans: Sequence[Plan]) -> list[int] | str:
        """Return the objectives in all scenarios, or the first rule that is broken."""
        instances = self.instances
        if self.stage == "openings":
            instances = self.recourse(self.openings(plans))
        found = []
        for name, each, plan in zip(self.names, instances, self.plans(plans), strict=True):
            account = check(each, plan)
            if account.violations:
                return f"a plan breaks a rule in {name}: {account.violations[0].message}"
            found.append(account.objective)
        return found

    def reckon(self, plans: tuple[Plan, ...]) -> Fraction | str:
        """Return the exact value of plans, or why they do not keep the rules."""
        found = self.priced(plans)
        if isinstance(found, str):
            return found
        return self.combine([Fraction(v) for v in found], reference=self.reference())

    # Solving

    def futures(self) -> Futures:
        """Return the compiled scenarios."""
        if self._futures is None:
            self._futures = Futures.of(self.instances)
        return self._futures

    def solve(self) -> Joint:
        """Solve all scenarios together."""
        nobody = [n for n in self.names if self.each.results[n].status == "infeasible"]
        if nobody:
            return Joint(
                status="infeasible",
                reasons=(f"no plan keeps every rule in {', '.join(nobody)}",),
            )
        make = shared_bundle if self.stage == "plan" else opened_bundle
        bundle = make(
            self.futures(), self.aim, self.shares, float(self.alpha), self.reference()
        )
        if self.progress is not None:
            self.progress(f"all {len(self.names)} scenarios together")
        solver = "auto" if self.how.solver == "decomposition" else self.how.solver
        return solve_bundle(
            bundle,
            self.reckon,
            solver=solver,
            time_limit=self.how.time_limit,
            gap=self.how.gap,
            threads=self.how.threads,
            seed=self.how.seed,
            start=self.start(),
            money_decimals=self.instances[0].settings.money_decimals,
            progress=self.progress,
        )

    def start(self) -> Sequence[Plan]:
        """Return the best plan found for one scenario that holds in all; () if none does."""
        if self.stage != "plan":
            return ()
        best: tuple[Fraction, list[Plan]] | None = None
        for name in self.each.plans:
            plan = self.each.results[name].plan
            if plan is None:
                continue
            plans = [carried(plan, self.each.instances[name], each) for each in self.instances]
            value = self.reckon(tuple(plans))
            if isinstance(value, Fraction) and (best is None or value < best[0]):
                best = value, plans
        return () if best is None else best[1]

    def value(self, joint: Joint) -> Interval:
        """Return what is known of the least value: by the joint solve and by each scenario's bound.

        No plan for all does better in a scenario than the best plan for it alone, and every aim
        grows with each scenario's objective.
        """
        lows = [] if joint.bound is None else [joint.bound]
        alone = [b.low for b in self.best]
        if all(low is not None for low in alone) and not self.futures().standing:
            values = [low for low in alone if low is not None]
            lows.append(self.combine(values, reference=self.reference()))
        low = max(lows, default=None)
        if self.aim == "regret" and low is not None:
            low = max(low, Fraction(0))
        if low is not None and joint.value is not None:
            low = min(low, joint.value)
        return Interval(low=low, high=joint.value)

    def known(self) -> Interval:
        """Return the expected objective of the best plan of each scenario."""
        total = Interval.of(0)
        for share, best in zip(self.shares, self.best, strict=True):
            total = total + best.times(share)
        return total

    def mean(self) -> tuple[Interval | None, tuple[str, ...]]:
        """Return the expected objective with the openings that are best for the mean scenario."""
        instance = mean_instance(self.instances, self.shares)
        if instance is None:
            return None, ()
        how = How(solver=self.how.solver, time_limit=self.how.time_limit, gap=self.how.gap,
                  threads=self.how.threads, seed=self.how.seed, jobs=self.how.jobs,
                  cluster=self.how.cluster)  # fmt: skip
        result = solve_all([Work(name="mean", instance=instance)], how, self.progress)
        plan = result.results["mean"].plan if result.results else None
        if plan is None:
            return None, ()
        keys = instance["providers"].keys
        used = {by for by in plan.deliverer.tolist() if by != BY_ITSELF} | self.futures().standing
        openings = [str(keys[row]) for row in sorted(used)]
        tasks = [
            Work(name=name, instance=each)
            for name, each in zip(self.names, self.recourse(openings), strict=True)
        ]
        batch = solve_all(tasks, how, self.progress)
        total, fails = Interval.of(0), []
        for name, share in zip(self.names, self.shares, strict=True):
            found = batch.results.get(name)
            if found is None or found.status == "infeasible":
                fails.append(name)
                continue
            high = found.objective_units
            low = found.bound_units
            total = total + Interval(
                low=None if low is None else Fraction(low),
                high=None if high is None else Fraction(high),
            ).times(share)
        return (None if fails else total), tuple(fails)


def opened(instance: Instance, openings: Sequence[str]) -> Instance:
    """Return the instance in which exactly these providers are open, used or not."""
    providers = instance["providers"]
    settled = [*openings, *providers.keys[providers["decision"] == "required"].tolist()]
    others = [key for key in providers.keys.tolist() if key not in set(settled)]
    changes = []
    if openings:
        changes.append(_decided(openings, "required"))
    if others:
        changes.append(_decided(others, "barred"))
    return changed(instance, changes, name="openings")


def _decided(keys: Sequence[str], decision: str) -> Change:
    where: dict[str, tuple[str, ...]] = {"provider": tuple(keys)}
    told: dict[str, Any] = {"decision": decision}
    return Change(table="providers", where=where, set=told)

"""Sweeps: every scenario solved, every plan priced under every scenario."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from optimiser.errors import Fault, UsageError
from optimiser.model.check import check
from optimiser.model.plan import BY_ITSELF, Plan
from optimiser.model.schema import IN_HOUSE
from optimiser.solvers.frames import Sheet
from optimiser.studies.changes import changed
from optimiser.studies.interval import Interval, optimum
from optimiser.studies.pool import Batch, How, Work, do_all, solve_all
from optimiser.studies.scenarios import AS_IS, Scenario, check_scenarios, probabilities

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

    import optimiser
    from optimiser.files.studies import Record
    from optimiser.model.instance import Instance
    from optimiser.solvers.result import Result
    from optimiser.studies.pool import Tell

#: Share of the worst cases that CVaR leaves out by default.
ALPHA = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a plan costs under a scenario, in last places of money.

    Parameters
    ----------
    objective, cost
        As minimised, and unweighted.
    broken
        The first rule that the plan breaks there, in words; '' if it keeps all.
    """

    objective: int
    cost: int
    broken: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """What a plan comes to over all scenarios, in last places of money; None where it breaks rules.

    Parameters
    ----------
    plan
        Name of the scenario whose plan it is.
    expected, worst, cvar
        Expected and largest objective, and the conditional value at risk.
    regret
        Largest regret, as an interval.
    broken
        Scenarios of positive probability in which it breaks a rule.
    """

    plan: str
    expected: Fraction | None
    worst: Fraction | None
    cvar: Fraction | None
    regret: Interval | None
    broken: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Sweep:
    """What came of a sweep.

    Parameters
    ----------
    instance
        As it stands.
    scenarios
        All of them; ``as-is`` is among them, with probability 0 unless it was listed.
    instances
        The changed instance of each scenario, by name.
    results
        What came of each, by name; one that an interrupt prevented is missing.
    prices
        Of the plan of one scenario under another, by both names; none if it was interrupted.
    alpha
        Level of CVaR.
    how
        How it was solved.
    taken
        Names of the results that were there before.
    interrupted
        Whether it was stopped by Ctrl-C.
    seconds
        Wall time by stage.
    """

    instance: Instance
    scenarios: tuple[Scenario, ...]
    instances: Mapping[str, Instance]
    results: Mapping[str, Result]
    prices: Mapping[tuple[str, str], Price]
    alpha: float
    how: How
    taken: tuple[str, ...] = ()
    interrupted: bool = False
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def plans(self) -> list[str]:
        """Names of the scenarios that have a plan."""
        return [name for name, result in self.results.items() if result.plan is not None]

    @cached_property
    def probability(self) -> dict[str, Fraction]:
        """Probability of each scenario."""
        values = probabilities(self.scenarios)
        return {s.name: p for s, p in zip(self.scenarios, values, strict=True)}

    @cached_property
    def best(self) -> dict[str, Interval]:
        """What is known of each scenario's least objective: any plan priced there bounds it."""
        least: dict[str, Fraction] = {}
        for (_, where), price in self.prices.items():
            if not price.broken and (where not in least or price.objective < least[where]):
                least[where] = Fraction(price.objective)
        found = {}
        for name, result in self.results.items():
            known = optimum(result)
            found[name] = Interval(low=known.low, high=least.get(name, known.high))
        return found

    def regret(self, plan: str, scenario: str) -> Interval | None:
        """How much dearer a plan is than the best one under a scenario; None if it breaks rules."""
        price = self.prices.get((plan, scenario))
        if price is None or price.broken:
            return None
        difference = Interval.of(price.objective) - self.best[scenario]
        low = None if difference.low is None else max(difference.low, Fraction(0))
        return Interval(low=low, high=difference.high)

    @cached_property
    def risks(self) -> list[Risk]:
        """Expected cost, worst cost, CVaR and largest regret of every plan."""
        return [self._risk(plan) for plan in self.plans]

    def _risk(self, plan: str) -> Risk:
        likely = [name for name, share in self.probability.items() if share > 0]
        priced = [name for name in likely if (plan, name) in self.prices]
        broken = tuple(name for name in priced if self.prices[plan, name].broken)
        if broken or len(priced) < len(likely):
            return Risk(plan=plan, expected=None, worst=None, cvar=None, regret=None, broken=broken)
        values = [Fraction(self.prices[plan, name].objective) for name in likely]
        shares = [self.probability[name] for name in likely]
        regrets = [r for name in likely if (r := self.regret(plan, name)) is not None]
        return Risk(
            plan=plan,
            expected=sum((p * v for p, v in zip(shares, values, strict=True)), Fraction(0)),
            worst=max(values),
            cvar=cvar(values, shares, Fraction(str(self.alpha))),
            regret=_largest(regrets),
        )

    @cached_property
    def decisions(self) -> list[tuple[int, dict[str, str]]]:
        """Of each pair (row of demand) the deliverer by scenario, as text, in solved scenarios."""
        chosen = {
            name: _deliverers(self.instances[name], self.results[name].plan) for name in self.plans
        }
        return [
            (row, {name: texts[row] for name, texts in chosen.items()})
            for row in range(len(self.instance["demand"]))
        ]

    @property
    def flipping(self) -> list[int]:
        """Rows of demand whose deliverer is not the same in all solved scenarios."""
        return [row for row, by in self.decisions if len(set(by.values())) > 1]

    def frame(self, name: str = "scenarios") -> pd.DataFrame:
        """Return one of the tables of `record` as a DataFrame."""
        return self.record().tables[name].frame()

    @property
    def plot(self) -> optimiser.StudyPlots:
        """Figures, as `optimiser report` draws them."""
        import optimiser  # public names load lazily: nothing here knows who draws

        return optimiser.StudyPlots(self)

    def _repr_html_(self) -> str:
        return str(self.frame().to_html(index=False)) + self.plot.html()

    def record(self) -> Record:
        """Return what is to be kept of it."""
        from optimiser.studies.sweep_tables import record

        return record(self)


def cvar(values: Sequence[Fraction], shares: Sequence[Fraction], alpha: Fraction) -> Fraction:
    """Return the conditional value at risk of a discrete cost: the mean of its worst 1 − alpha.

    min over η of η + Σ p max(v − η, 0) / (1 − alpha), which one of the values attains (Rockafellar
    & Uryasev 2000, theorem 1 and equation 8). At alpha = 1 it is the largest value.
    """
    if alpha >= 1:
        return max(v for v, p in zip(values, shares, strict=True) if p > 0)
    tail = 1 - alpha
    return min(
        eta
        + sum((p * max(v - eta, Fraction(0)) for v, p in zip(values, shares, strict=True)),
              Fraction(0)) / tail
        for eta in values
    )  # fmt: skip


def carried(plan: Plan, old: Instance, new: Instance) -> Plan:
    """Return the plan that delivers the same shares of each pair where volumes have changed.

    Rows of demand and of providers are the same in both. What rounding leaves of a pair that is
    split goes to its largest delivery.
    """
    before, after = old["demand"]["volume"], new["demand"]["volume"]
    if np.array_equal(before, after):
        return plan
    volumes = [
        int(after[pair]) * int(volume) // int(before[pair])
        for pair, volume in zip(plan.pair.tolist(), plan.volume.tolist(), strict=True)
    ]
    left = dict(enumerate(after.tolist()))
    largest: dict[int, int] = {}
    for at, pair in enumerate(plan.pair.tolist()):
        left[pair] -= volumes[at]
        if pair not in largest or volumes[at] > volumes[largest[pair]]:
            largest[pair] = at
    for pair, at in largest.items():
        volumes[at] += left[pair]
    kept = np.array(volumes, dtype=np.int64) > 0
    return Plan.from_arrays(
        plan.pair[kept], plan.deliverer[kept], np.array(volumes, dtype=np.int64)[kept]
    )


def sweep(
    instance: Instance,
    scenarios: Iterable[Scenario],
    *,
    how: How | None = None,
    alpha: float = ALPHA,
    progress: Tell | None = None,
) -> Sweep:
    """Solve an instance under every scenario, and price every plan under every scenario.

    Parameters
    ----------
    instance
        What to start from. It is solved as it stands, too, as the scenario ``as-is``.
    scenarios
        What to change.
    how
        How to solve, and where; by default one after the other, here.
    alpha
        Level of the conditional value at risk, from 0 to 1.
    progress
        Called with lines and progress.

    Raises
    ------
    InstanceError
        Scenarios whose names or probabilities do not fit, and changes that cannot be made.
    UsageError, SolverError, FileError
        As `pool.solve_all`.
    """
    began = time.monotonic()
    how = how or How()
    if not 0 <= alpha <= 1:
        raise UsageError(f"alpha is {alpha}; give a number from 0 to 1, such as 0.9")
    given = tuple(scenarios)
    check_scenarios(given)
    cases = _with_as_is(given)
    instances = _instances(instance, cases)
    prepared = time.monotonic()
    batch = _solved(instances, how, progress)
    solved = time.monotonic()
    prices: dict[tuple[str, str], Price] = {}
    if not batch.interrupted:  # who has pressed Ctrl-C does not want to wait
        try:
            prices = _prices(instances, batch.results, how, progress)
        except KeyboardInterrupt:
            batch.interrupted = True
    seconds = {
        "prepare": prepared - began,
        "solve": solved - prepared,
        "price": time.monotonic() - solved,
        "total": time.monotonic() - began,
    }
    return Sweep(
        instance=instance,
        scenarios=cases,
        instances=instances,
        results=batch.results,
        prices=prices,
        alpha=alpha,
        how=how,
        taken=tuple(batch.taken),
        interrupted=batch.interrupted,
        seconds=seconds,
    )


def _with_as_is(given: tuple[Scenario, ...]) -> tuple[Scenario, ...]:
    if any(scenario.name == AS_IS for scenario in given):
        return given
    shares = probabilities(given)
    listed = tuple(
        Scenario(name=s.name, title=s.title, changes=s.changes, probability=p)
        for s, p in zip(given, shares, strict=True)
    )
    as_is = Scenario(name=AS_IS, title="The instance as it stands", probability=Fraction(0))
    return (as_is, *listed)


def _instances(instance: Instance, scenarios: Sequence[Scenario]) -> dict[str, Instance]:
    """Change the instance for each scenario; all that is wrong with any is said at once."""
    from optimiser.errors import InstanceError

    made: dict[str, Instance] = {}
    faults: list[Fault] = []
    for scenario in scenarios:
        try:
            made[scenario.name] = changed(instance, scenario.changes, name=scenario.name)
            faults += _incomparable(instance, made[scenario.name], scenario.name)
        except InstanceError as error:
            faults += error.faults
    if faults:
        raise InstanceError(faults)
    return made


def _incomparable(old: Instance, new: Instance, name: str) -> list[Fault]:
    """Find settings that must not change, since amounts of scenarios are compared."""
    return [
        Fault(
            source=name,
            column=setting,
            value=str(getattr(new.settings, setting)),
            rule=f"scenarios are compared, so {setting} must stay {getattr(old.settings, setting)}",
            remedy="Leave it out of the changes.",
        )
        for setting in ("currency", "money_decimals", "volume_decimals")
        if getattr(old.settings, setting) != getattr(new.settings, setting)
    ]


def _solved(instances: Mapping[str, Instance], how: How, progress: Tell | None) -> Batch:
    """Solve all; the first one alone, if there are more, since the others start from its plan.

    Scenarios that come to the same instance, as levels of a range may, are solved once.
    """
    first, *others = instances
    base = instances[first]
    batch = solve_all([Work(name=first, instance=base)], how, progress)
    if batch.interrupted:
        return batch
    plan, prices = batch.results[first].plan, batch.results[first].prices
    same = {base.hash: first}
    todo = []
    for name in others:
        instance = instances[name]
        if same.setdefault(instance.hash, name) == name:
            start = None if plan is None else carried(plan, base, instance)
            todo.append(Work(name=name, instance=instance, start=start, prices=prices))
    rest = solve_all(todo, how, progress)
    found = {**batch.results, **rest.results}
    results = {
        name: dataclasses.replace(found[same[instance.hash]], instance=instance)
        for name, instance in instances.items()
        if same[instance.hash] in found
    }
    return Batch(
        results=results, taken=[*batch.taken, *rest.taken], interrupted=rest.interrupted
    )


def _prices(
    instances: Mapping[str, Instance],
    results: Mapping[str, Result],
    how: How,
    progress: Tell | None,
) -> dict[tuple[str, str], Price]:
    """Price every plan under every scenario, by the checker; side by side if solves are."""
    plans = {name: result.plan for name, result in results.items() if result.plan is not None}
    if progress is not None and plans:
        count = len(plans) * len(results)
        progress(f"pricing {len(plans):,} plans under {len(results):,} scenarios: {count:,} checks")
    # One list of plans for each scenario, carried here, so that workers need one instance each.
    calls = []
    for other in results:
        there = {n: carried(p, instances[n], instances[other]) for n, p in plans.items()}
        calls.append((other, (_priced, (instances[other], there))))
    found: dict[str, dict[str, Price]] = do_all(calls, how)
    return {(name, other): found[other][name] for name in plans for other in results}


def _priced(instance: Instance, plans: Mapping[str, Plan], _: object) -> dict[str, Price]:
    """Price plans under one scenario; plans that are the same are reckoned once."""
    known: dict[Plan, Price] = {}
    for plan in plans.values():
        if plan not in known:
            account = check(instance, plan)
            broken = account.violations[0].message if account.violations else ""
            known[plan] = Price(objective=account.objective, cost=account.cost, broken=broken)
    return {name: known[plan] for name, plan in plans.items()}


def _largest(regrets: Sequence[Interval]) -> Interval:
    """Return what is known of the largest of several numbers."""
    lows = [r.low for r in regrets if r.low is not None]
    highs = [r.high for r in regrets]
    known = [high for high in highs if high is not None]
    return Interval(
        low=max(lows, default=None), high=max(known) if len(known) == len(highs) else None
    )


def _deliverers(instance: Instance, plan: Plan | None) -> list[str]:
    """Who delivers each pair, as text; several with their shares."""
    names = instance["providers"].keys
    volume = instance["demand"]["volume"]
    texts: list[list[str]] = [[] for _ in range(len(volume))]
    if plan is None:
        return [""] * len(volume)
    for pair, by, part in zip(
        plan.pair.tolist(), plan.deliverer.tolist(), plan.volume.tolist(), strict=True
    ):
        name = IN_HOUSE if by == BY_ITSELF else str(names[by])
        whole = part == volume[pair]
        texts[pair].append(name if whole else f"{name} {100 * part / int(volume[pair]):.0f} %")
    return [" + ".join(each) for each in texts]


def deliverers(instance: Instance, plan: Plan) -> list[str]:
    """Return who delivers each pair, as text, in the order of ``demand``."""
    return _deliverers(instance, plan)


def sheet(instance: Instance, kinds: Mapping[str, str], rows: list[tuple[Any, ...]]) -> Sheet:
    """Return a table in the units of an instance."""
    settings = instance.settings
    return Sheet(
        kinds=kinds,
        rows=rows,
        decimals={"money": settings.money_decimals, "volume": settings.volume_decimals},
    )

"""Near-optimal alternatives: plans that cost hardly more than the best, and differ most from it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from optimiser.errors import UsageError
from optimiser.files.studies import Record
from optimiser.model.plan import BY_ITSELF
from optimiser.model.rows import Objective, Quantity, SideRow
from optimiser.model.schema import COST_PARTS, IN_HOUSE
from optimiser.studies.pool import How, Work, solve_all
from optimiser.studies.sweeps import deliverers, sheet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optimiser.model.instance import Instance
    from optimiser.model.plan import Plan
    from optimiser.solvers.frames import Sheet
    from optimiser.solvers.result import Result
    from optimiser.studies.pool import Batch, Tell

#: Share by which an alternative may be dearer than the best plan, by default.
WITHIN: Final = Fraction(1, 100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """One plan beside the best.

    Parameters
    ----------
    result
        The plan: least money at its difference.
    common
        Pairs that it shares with all plans before it together, each counted once per plan.
    common_bound
        No plan within the limit shares fewer with them; None if that is not known.
    """

    result: Result
    common: Fraction
    common_bound: Fraction | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Alternatives:
    """What came of the search for alternatives.

    Parameters
    ----------
    instance
        What was studied.
    best
        The plan that the others are compared with.
    found
        Alternatives by name, in the order found.
    within
        Share by which they may be dearer.
    why
        Why there are no more.
    solved
        Every result by name.
    """

    instance: Instance
    best: Result
    found: Mapping[str, Alternative]
    within: Fraction
    why: str
    solved: Mapping[str, Result]
    how: How
    interrupted: bool = False
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def plans(self) -> dict[str, Plan]:
        """All plans by name, the best first."""
        plans = {"best": self.best.plan, **{n: a.result.plan for n, a in self.found.items()}}
        return {name: plan for name, plan in plans.items() if plan is not None}

    @property
    def shared(self) -> list[int]:
        """Rows of demand whose deliverer is the same in all plans."""
        chosen = [deliverers(self.instance, plan) for plan in self.plans.values()]
        return [row for row in range(len(self.instance["demand"]))
                if len({texts[row] for texts in chosen}) <= 1]  # fmt: skip

    def distance(self, one: str, other: str) -> int:
        """Pairs that two plans deliver differently."""
        texts = [deliverers(self.instance, self.plans[name]) for name in (one, other)]
        return sum(a != b for a, b in zip(*texts, strict=True))

    def record(self) -> Record:
        """Return what is to be kept of it."""
        return Record(
            kind="alternatives",
            instance=self.instance,
            options={**self.how.document(), "within": float(self.within)},
            headline=self._headline(),
            facts={"found": len(self.found), "shared": len(self.shared), "why": self.why,
                   "pairs": len(self.instance["demand"]), "interrupted": self.interrupted},
            tables={"plans": self._plans(), "decisions": self._decisions()},
            results=self.solved,
            seconds=self.seconds,
        )  # fmt: skip

    def _headline(self) -> list[str]:
        pairs = len(self.instance["demand"])
        if self.best.plan is None:
            return [f"There is no plan to find alternatives of: {self.best.status}."]
        count = len(self.found)
        text = [
            f"{count} other plan{'' if count == 1 else 's'} within {float(self.within):.2%} of the "
            f"best. {len(self.shared)} of {pairs} decisions are the same in all of them."
        ]
        first = next(iter(self.found.values()), None)
        if first is not None and first.common_bound is not None:
            most = pairs - first.common_bound
            text.append(
                f"No plan within {float(self.within):.2%} of the best differs from it in more than "
                f"{int(most)} pairs (by {first.result.solver}'s bound)."
            )
        return [*text, self.why] if self.why else text

    def _plans(self) -> Sheet:
        kinds = {"plan": "text", "cost": "money", "extra": "quantity", "extra_share": "quantity",
                 "differs": "count", "nearest": "count", "providers": "count"}  # fmt: skip
        unit = 10**self.instance.settings.money_decimals
        base = self.best.objective_units or 0
        rows: list[tuple[Any, ...]] = []
        names = list(self.plans)
        results = {"best": self.best, **{n: a.result for n, a in self.found.items()}}
        for at, name in enumerate(names):
            account = results[name].account
            if account is None:
                continue
            own = sum(part for part in _weighed(self.instance, account.parts))
            extra = own - base
            nearest = min((self.distance(name, other) for other in names[:at]), default=None)
            rows.append((
                name, account.cost, extra / unit, extra / base if base else None,
                self.distance(name, "best"), nearest, sum(p.in_use for p in account.providers),
            ))  # fmt: skip
        return sheet(self.instance, kinds, rows)

    def _decisions(self) -> Sheet:
        demand = self.instance["demand"]
        organisations = self.instance["organisations"].keys[demand["organisation"]]
        services = self.instance["services"].keys[demand["service"]]
        chosen = {name: deliverers(self.instance, plan) for name, plan in self.plans.items()}
        kinds = {"organisation": "text", "service": "text", "same": "flag",
                 **dict.fromkeys(chosen, "text")}  # fmt: skip
        shared = set(self.shared)
        rows = [
            (str(organisations[row]), str(services[row]), row in shared,
             *(texts[row] for texts in chosen.values()))
            for row in range(len(demand))
        ]  # fmt: skip
        return sheet(self.instance, kinds, rows)


def _weighed(instance: Instance, parts: Mapping[str, int]) -> list[Fraction]:
    weights = instance.settings.weights
    return [weights[part] * money for part, money in parts.items()]


def alternatives(
    instance: Instance,
    *,
    count: int = 5,
    within: Fraction | float = WITHIN,
    best: Result | None = None,
    how: How | None = None,
    progress: Tell | None = None,
) -> Alternatives:
    """Find plans within a share of the best that differ from it and from each other.

    Each alternative shares as few decisions as possible with all plans before it (the "hop, skip
    and jump" of Brill 1979, with the deliveries of those plans as what is minimised), and is the
    cheapest that does.

    Parameters
    ----------
    instance
        What is studied.
    count
        Most alternatives sought.
    within
        Share by which they may be dearer than the best plan found.
    best
        That plan, or None to find it.
    how
        How each solve is done; a time limit holds for each.
    progress
        Called with lines and progress.

    Raises
    ------
    UsageError
        The count or the share makes no sense.
    """
    if count < 1:
        raise UsageError(f"count is {count}; give a whole number from 1")
    share = within if isinstance(within, Fraction) else Fraction(str(within))
    if not share >= 0:
        raise UsageError(f"within is {within}; give a share from 0, such as 0.01")
    began = time.monotonic()
    how = how or How()
    solved: dict[str, Result] = {}
    interrupted = False

    def ask(work: Work) -> Result | None:
        nonlocal interrupted
        batch: Batch = solve_all([work], how, progress)
        interrupted |= batch.interrupted
        solved.update(batch.results)
        return batch.results.get(work.name)

    if best is None:
        best = ask(Work(name="best", instance=instance))
    else:
        solved["best"] = best
    assert best is not None
    found: dict[str, Alternative] = {}
    why = ""
    if best.plan is not None and best.objective_units is not None and not interrupted:
        limit = _limit(instance, Fraction(best.objective_units) * (1 + share))
        plans = [best.plan]
        for number in range(1, count + 1):
            name = f"alternative{number}"
            made = _next(instance, name, plans, limit, ask)
            if made is None:
                why = "The search for more was stopped before another plan was found."
                break
            if any(made.result.plan == plan for plan in plans):
                why = "There is no other plan so near the best."
                solved.pop(name, None)
                break
            found[name] = made
            assert made.result.plan is not None
            plans.append(made.result.plan)
            if interrupted:
                why = "Interrupted: there may be more."
                break
    return Alternatives(
        instance=instance, best=best, found=found, within=share, why=why, solved=solved, how=how,
        interrupted=interrupted, seconds={"total": time.monotonic() - began},
    )  # fmt: skip


def _limit(instance: Instance, units: Fraction) -> SideRow:
    """Return the row that holds the objective's money to a limit in last places."""
    weights = instance.settings.weights
    terms: tuple[Quantity, ...] = (Quantity(measure="cost"),)
    if any(weights[part] != 1 for part in COST_PARTS):
        terms = tuple(
            Quantity(measure="cost", part=part, coefficient=weights[part])
            for part in COST_PARTS
            if weights[part]
        )
    money = 10**instance.settings.money_decimals
    return SideRow(name="near the best", terms=terms, maximum=units / money)


def _deliveries(instance: Instance, plan: Plan) -> tuple[tuple[str, str, str], ...]:
    demand = instance["demand"]
    organisations = instance["organisations"].keys[demand["organisation"]]
    services = instance["services"].keys[demand["service"]]
    names = instance["providers"].keys
    return tuple(
        (str(organisations[q]), str(services[q]), IN_HOUSE if by == BY_ITSELF else str(names[by]))
        for q, by in zip(plan.pair.tolist(), plan.deliverer.tolist(), strict=True)
    )


def _next(
    instance: Instance, name: str, plans: list[Plan], limit: SideRow, ask: Any
) -> Alternative | None:
    """Find the plan that shares least with all others, and of those the cheapest."""
    terms = tuple(Quantity(measure="pairs", listed=_deliveries(instance, plan)) for plan in plans)
    objective = Objective(name="decisions in common", terms=terms)
    apart: Result | None = ask(
        Work(name=f"{name}-apart", instance=instance, rows=(limit,), objective=objective,
             start=plans[-1])
    )  # fmt: skip
    if apart is None or apart.plan is None or apart.objective_units is None:
        return None
    unit = 10**apart.places
    common = Fraction(apart.objective_units, unit)
    row = SideRow(name="as different", terms=terms, maximum=common)
    cheap: Result | None = ask(
        Work(name=name, instance=instance, rows=(limit, row), start=apart.plan)
    )
    result = apart if cheap is None or cheap.plan is None else cheap
    bound = None if apart.bound_units is None else Fraction(apart.bound_units, unit)
    return Alternative(result=result, common=common, common_bound=bound)

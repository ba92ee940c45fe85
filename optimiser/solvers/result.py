"""Result: what `solve` returns. Every figure of the plan comes from the checker."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from html import escape
from typing import TYPE_CHECKING, Final

from optimiser.model.account import Account
from optimiser.model.plan import Plan
from optimiser.model.rows import places
from optimiser.solvers import frames

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    import optimiser
    from optimiser.certificate.proof import Certificate
    from optimiser.model.instance import Instance
    from optimiser.model.rows import Objective, SideRow
    from optimiser.solvers.base import Options, Prices
    from optimiser.solvers.frames import Sheet

#: Every status, and what it says.
STATUSES: Final = {
    "optimal": "no plan is better by more than the gap asked for",
    "feasible": "a plan that keeps every rule; how far from the best is the gap",
    "infeasible": "no plan keeps every rule",
    "unknown": "no plan was found in the time given",
    "error": "the solver failed",
}


#: How a solver can fail, as `SolverFault.kind`.
FAILURES: Final = {
    "crashed": "its process ended before it gave an outcome",
    "hung": "it did not stop at its limit and was killed",
    "memory": "it ran out of memory",
    "unsupported": "it cannot represent the problem",
    "failed": "it says that it failed, or what it says makes no sense",
}
#: How a solver can be wrong, as `SolverFault.kind`.
LIES: Final = {
    "plan": "it offered a plan that breaks a rule",
    "objective": "its plan is dearer than it claims",
    "bound": "its bound is above the objective of a plan that keeps every rule",
    "infeasible": "it claims that there is no plan where there is one",
    "finished": "it claims to have finished, without a plan or at a gap above the one asked for",
}


def decimals_of(objective: Objective | None, instance: Instance) -> int | None:
    """Return the decimals of what is minimised: those of money, or of `rows.places`."""
    if objective is None:
        return instance.settings.money_decimals
    return places(objective, instance)


def relative_gap(objective: float | None, bound: float | None) -> float | None:
    """Return (objective − bound) / |objective|, 0 if both are 0, None if either is missing."""
    if objective is None or bound is None:
        return None
    if objective == bound:
        return 0.0
    return float("inf") if objective == 0 else (objective - bound) / abs(objective)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One line of news while a solve runs. Money is in currency; None where there is none yet.

    Parameters
    ----------
    time
        Seconds since the solve began.
    objective
        Objective of the best plan so far, not yet checked.
    bound
        Best bound claimed so far.
    phase
        What is going on, in a word or two.
    """

    time: float
    objective: float | None = None
    bound: float | None = None
    phase: str = ""

    @property
    def gap(self) -> float | None:
        """Relative gap, None without a plan or a bound."""
        return relative_gap(self.objective, self.bound)

    def __str__(self) -> str:
        text = f"{self.time:8.1f} s"
        if self.objective is not None:
            text += f"  best {self.objective:,.2f}"
        if self.bound is not None:
            text += f"  bound {self.bound:,.2f}"
        if self.gap is not None:
            text += f"  gap {self.gap:.4%}"
        return f"{text}  {self.phase}" if self.phase else text


@dataclass(frozen=True, slots=True, kw_only=True)
class SolverFault:
    """One thing that a solver did wrong: a kind of `FAILURES` or `LIES`, and a sentence."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One point of the trace: seconds since the solve began, objective and bound in last places."""

    time: float
    objective: int | None
    bound: int | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Result:
    """What came of a solve.

    Parameters
    ----------
    status
        One of `STATUSES`.
    instance
        What was solved.
    plan, account
        The best plan that the checker accepts, and what the checker reckoned for it; or None.
    bound_units
        The best bound on the objective that the solver claims, in units of its last place, or None.
    certified_bound_units
        The bound that a certificate alone proves, or None.
    certificate
        That certificate, of the problem as compiled, or None.
    solver, solver_version
        Who solved it; ``counting`` where a proof by counting sufficed.
    options
        What was asked.
    reasons
        Why it is infeasible, unknown or failed, by whom that was shown, and which of the solver's
        claims were wrong.
    faults
        What the solver did wrong; each is among the reasons, too.
    cleaning
        What was removed before solving, in the planner's words.
    rows
        Side rows that held as well.
    minimised
        What was minimised instead of money, or None.
    trace
        Best objective and bound over time.
    seconds
        Wall time by stage: ``compile``, ``clean``, ``start`` (of the solver's process), ``build``,
        ``hand over``, ``solve``, ``certify``, ``check``, and ``total``; and ``solver``, what passed
        in the solver, which is build, hand over and solve as measured from outside.
    interrupted
        Whether it was stopped by Ctrl-C or SIGTERM.
    prices
        What rules were worth in the end, from which `optimiser.solve` bounds something similar
        sooner; None from solvers that do not tell. It is not saved.
    """

    status: str
    instance: Instance
    plan: Plan | None = None
    account: Account | None = None
    bound_units: int | None = None
    certified_bound_units: int | None = None
    certificate: Certificate | None = None
    solver: str = ""
    solver_version: str = ""
    options: Options
    reasons: tuple[str, ...] = ()
    faults: tuple[SolverFault, ...] = ()
    cleaning: tuple[str, ...] = ()
    rows: tuple[SideRow, ...] = ()
    minimised: Objective | None = None
    trace: tuple[Point, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)
    interrupted: bool = False
    prices: Prices | None = None

    @property
    def instance_hash(self) -> str:
        """SHA-256 over the instance's content."""
        return self.instance.hash

    @property
    def currency(self) -> str:
        """Currency of every amount of money."""
        return self.instance.settings.currency

    @property
    def cost_units(self) -> int | None:
        """Cost of the plan in units of the last place of money."""
        return None if self.account is None else self.account.cost

    @property
    def objective_units(self) -> int | None:
        """Objective of the plan in units of its last place."""
        return None if self.account is None else self.account.objective

    @property
    def cost(self) -> float | None:
        """Cost of the plan in currency, every part with weight 1."""
        return self._money(self.cost_units)

    @property
    def objective(self) -> float | None:
        """What was minimised, in currency: the cost, its parts weighted; or `minimised`."""
        return self._in_units(self.objective_units)

    @property
    def bound(self) -> float | None:
        """Best bound on the objective that the solver claims, in currency or as `minimised`."""
        return self._in_units(self.bound_units)

    @property
    def certified_bound(self) -> float | None:
        """Bound that a certificate alone proves, in currency or as `minimised`."""
        return self._in_units(self.certified_bound_units)

    @property
    def gap(self) -> float | None:
        """Relative gap: `relative_gap` of objective and bound; None without a plan or a bound."""
        return relative_gap(self.objective_units, self.bound_units)

    @property
    def allocation(self) -> pd.DataFrame:
        """Deliveries: organisation, service, mode, provider, volume, cost by part, hours."""
        return self._frame(frames.allocation)

    @property
    def offers(self) -> pd.DataFrame:
        """Offers in use, with the band in force."""
        return self._frame(frames.offers)

    @property
    def providers(self) -> pd.DataFrame:
        """Providers, open or not."""
        return self._frame(frames.providers)

    @property
    def contracts(self) -> pd.DataFrame:
        """Contracts, their cost and hours."""
        return self._frame(frames.contracts)

    @property
    def oversight(self) -> pd.DataFrame:
        """Authorities: hours, officers, managers, limits."""
        return self._frame(frames.oversight)

    @property
    def costs(self) -> pd.DataFrame:
        """Cost and objective by part."""
        return self._frame(frames.costs)

    @property
    def plot(self) -> optimiser.Plots:
        """Figures of the plan, as `optimiser report` draws them: ``plot.map()`` and others.

        Raises
        ------
        UsageError
            There is no plan.
        """
        import optimiser  # public names load lazily: nothing here knows who draws

        return optimiser.Plots(self)

    def __repr__(self) -> str:
        return f"<Result {', '.join(f'{name} {text}' for name, text in self._summary())}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>"
            for name, text in self._summary()
        )
        if self.account is None:
            return f"<table>{rows}</table>"
        costs = self.costs.query("cost != 0").to_html(index=False)
        return f"<table>{rows}</table>{costs}{self.plot.html()}"

    def _summary(self) -> list[tuple[str, str]]:
        rows = [("status", self.status)]
        for name in ("cost", "objective", "bound"):
            amount = getattr(self, name)
            if amount is not None and not (name == "objective" and amount == self.cost):
                money = name == "cost" or self.minimised is None
                decimals = self.instance.settings.money_decimals if money else self.places
                unit = f" {self.currency}" if money else ""
                rows.append((name, f"{amount:,.{decimals}f}{unit}"))
        if self.gap is not None:
            rows.append(("gap", f"{self.gap:.4%}"))
        rows.append(("solver", f"{self.solver} {self.solver_version}".strip()))
        if "total" in self.seconds:
            rows.append(("time", f"{self.seconds['total']:.1f} s"))
        if self.interrupted:
            rows.append(("interrupted", "yes"))
        return rows + [("because", reason) for reason in self.reasons]

    def _money(self, units: int | None) -> float | None:
        decimals = self.instance.settings.money_decimals
        return None if units is None else float(units / 10**decimals)

    @property
    def places(self) -> int:
        """Decimals that the objective and its bounds are held with."""
        return decimals_of(self.minimised, self.instance) or 0

    def _in_units(self, units: int | None) -> float | None:
        return None if units is None else float(units / 10**self.places)

    def sheet(self, make: Callable[[Instance, Account], Sheet]) -> Sheet:
        """Return one of the tables of `frames`, exact; without rows if there is no plan."""
        return make(self.instance, self.account or _no_plan())

    def _frame(self, make: Callable[[Instance, Account], Sheet]) -> pd.DataFrame:
        return self.sheet(make).frame()


def _no_plan() -> Account:
    return Account(
        plan=Plan.of(()), cost=0, objective=0, parts={}, objective_parts={}, violations=(),
        deliveries=(), offers=(), providers=(), contracts=(), authorities=(), one_off={},
        moved=Fraction(0),
    )  # fmt: skip

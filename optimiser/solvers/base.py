"""The protocol between `solve` and a solver.

A solver gets the compiled problem and says what it finds while it runs; it is believed in nothing.
All amounts of money are in units of the last place, constants included, as floats.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    import numpy as np
    from numpy.typing import NDArray

    from optimiser.certificate.proof import Certificate
    from optimiser.model.plan import Plan
    from optimiser.model.problem import Problem


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prices:
    """What rules were worth at the end of a solve: where a solve of something similar may begin.

    Parameters
    ----------
    keys
        Number of a row, known again in other instances with the same tables, shape (rows,).
    values
        Its multiplier in last places of money, the row divided by what the solver scales it by,
        shape (rows,).
    """

    keys: NDArray[np.uint64]
    values: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the user asked for.

    Parameters
    ----------
    time_limit
        Seconds of wall time from the compiled problem, or None.
    gap
        Relative gap at which to stop; 0 asks for proof.
    threads
        Threads that may be used.
    seed
        Seed of whatever is random in the solver.
    start
        A plan to start from, or None.
    hint
        A plan that breaks a rule, near which a good one may be, or None; a solver may use that or
        not. None again in `result.Result`.
    prices
        What rules were worth in a solve of something similar, or None; a solver may use that or
        not. None again in `result.Result`.
    log
        File to which the solver's own log goes, or None.
    executor
        Takes calls of functions that pickle, or None. A solver that does not say so in its
        capabilities leaves it alone. None again in `result.Result`.
    """

    time_limit: float | None = None
    gap: float = 1e-4
    threads: int = 1
    seed: int = 0
    start: Plan | None = None
    hint: Plan | None = None
    prices: Prices | None = None
    log: str | None = None
    executor: Executor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What a solver says while it runs: a plan, a bound, or both.

    Parameters
    ----------
    time
        Seconds since the solver was called.
    objective
        Objective that the solver claims for `plan`.
    plan
        A new best plan, or None.
    bound
        A bound on the objective that the solver claims, or None.
    phase
        What it is doing, in a word or two, for the progress line.
    waits
        Whether the clock of the time limit stands still from here on; None if that is as before.
        For what is done once per machine and not once per solve.
    """

    time: float
    objective: float | None = None
    plan: Plan | None = None
    bound: float | None = None
    phase: str = ""
    waits: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a solver says at its end.

    Parameters
    ----------
    reason
        Why it ended: ``finished`` (it claims the gap asked for), ``limit`` (time or memory),
        ``infeasible`` (it claims there is no plan), ``interrupted``, ``unsupported`` (it cannot
        represent the model; `message` says which part) or ``failed`` (`message` says how).
    plan, objective, bound
        Its last best plan, the objective it claims for that, and its last bound; None if none.
    message
        What else is worth telling.
    seconds
        Wall time by stage (``build``, ``hand over``, ``solve``).
    certificate
        Grounds for a bound, in rows and columns of the strong `milp.formulation.Formulation` of the
        problem given, or None. What it proves is for `session` to find out.
    prices
        What rules were worth in the end, for a solve of something similar, or None.
    """

    reason: str
    plan: Plan | None = None
    objective: float | None = None
    bound: float | None = None
    message: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    certificate: Certificate | None = None
    prices: Prices | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a solver can do.

    `stays` says that a process in which it has finished may solve the next problem as well: nothing
    is left of the one before but what it has loaded.
    """

    incumbents: bool = False
    bounds: bool = False
    warm_start: bool = False
    threads: bool = False
    seed: bool = False
    interrupt: bool = False
    executor: bool = False
    stays: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """Whether a solver can be used here, which version, and how to get it if not."""

    installed: bool
    version: str = ""
    remedy: str = ""


class Solver(Protocol):
    """What a solver has to offer; see `registry` for how it is found."""

    name: str
    capabilities: Capabilities

    def availability(self) -> Availability:
        """Say whether it can be used, without importing anything heavy."""
        ...

    def solve(self, problem: Problem, options: Options, emit: Callable[[Event], None]) -> Outcome:
        """Solve `problem`; called in a process of its own, interrupted by SIGINT."""
        ...

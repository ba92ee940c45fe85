"""What the back ends of general solvers share: build, check, hand over, decode, bounds, times.

A back end gets a `Job` and gives an `Answer`, both in its matrix's own columns and money. While it
runs it reports column vectors and bounds; here they become plans and events.
"""

from __future__ import annotations

import dataclasses
import math
import threading
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from optimiser.errors import UnsupportedError
from optimiser.model.bundles import Bundle
from optimiser.model.rounding import LARGEST
from optimiser.solvers.base import Availability, Capabilities, Event, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from optimiser.model.plan import Plan
    from optimiser.model.problem import Problem
    from optimiser.solvers.base import Options
    from optimiser.solvers.milp.bundles import BundleFormulation
    from optimiser.solvers.milp.formulation import Formulation
    from optimiser.solvers.milp.matrix import Matrix

    Floats = NDArray[np.float64]

#: From here on a general solver cannot tell one unit of a row from none (SCIP and CBC, 2026-11).
INDISTINCT: Final = 1e11
#: About the largest coefficient that is handed over, and the least that scaling makes.
LARGE, SMALL = 2.0**10, 2.0**-20
#: Seconds between two reports of a bound alone.
PAUSE: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a back end says at its end; money in the matrix's own units, offset included.

    Parameters
    ----------
    reason
        As in `base.Outcome`.
    x
        Its best column vector, shape (columns,), or None.
    objective, bound
        Claimed for `x`, and for every solution; None if not known.
    message
        What else is worth telling.
    """

    reason: str
    x: Floats | None = None
    objective: float | None = None
    bound: float | None = None
    message: str = ""


@dataclass(slots=True, kw_only=True)
class Job:
    """One matrix to solve, and how.

    Parameters
    ----------
    matrix
        What is to be solved, rows scaled.
    gap, threads, seed
        As in `base.Options`.
    log
        Whether the solver's own log is wanted; it goes to standard output.
    start
        A column vector to start from, or None.
    deadline
        Time of `time.monotonic` at which to stop, or None.
    cutoff
        Objective from which on solutions are not wanted; infinite if all are.
    report
        Takes ``x`` and ``objective``, a ``bound``, a ``phase``; callable from any thread.
    """

    matrix: Matrix
    gap: float
    threads: int
    seed: int
    log: bool
    start: Floats | None
    deadline: float | None
    cutoff: float
    report: Report
    _stages: dict[str, float] = field(default_factory=dict)
    _since: float = field(default_factory=time.monotonic)

    def left(self) -> float | None:
        """Seconds left, at least a hundredth; None if there is no limit."""
        return None if self.deadline is None else max(self.deadline - time.monotonic(), 0.01)

    def handed_over(self) -> None:
        """Say that the model has been handed over and the search begins; once is enough."""
        if "hand over" in self._stages:  # a back end may solve twice
            return
        now = time.monotonic()
        self._stages["hand over"], self._since = now - self._since, now
        self.report(phase="solving")

    def stages(self) -> dict[str, float]:
        """Seconds of handing over and of solving, up to now."""
        name = "solve" if "hand over" in self._stages else "hand over"
        return {**self._stages, name: time.monotonic() - self._since}


class Report:
    """Turns what a back end reports into events; bounds alone only now and then.

    Parameters
    ----------
    formulation
        Decodes column vectors.
    emit
        Takes events.
    """

    def __init__(
        self, formulation: Formulation | BundleFormulation, emit: Callable[[Event], None]
    ) -> None:
        self._formulation = formulation
        self._emit = emit
        #: What the matrix's money was multiplied with.
        self.factor = 1.0
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._told = -np.inf
        self.bound: float | None = None
        self.plan: Plan | None = None
        self.objective: float | None = None

    def __call__(
        self,
        *,
        x: Floats | None = None,
        objective: float | None = None,
        bound: float | None = None,
        phase: str = "",
    ) -> None:
        """Report a column vector and its objective, a bound, or a phase."""
        with self._lock:
            now = time.monotonic() - self._began
            known = self.tighten(bound)
            plan = None
            objective = self.units(objective)
            if x is not None:
                plan = self._formulation.decode(x)
                self.plan, self.objective = plan, objective
            elif not phase and (not known or now < self._told + PAUSE):
                return
            self._told = now
            self._emit(Event(time=now, objective=objective if plan is not None else None,
                             plan=plan, bound=self.bound, phase=phase))  # fmt: skip

    def tighten(self, bound: float | None) -> bool:
        """Take a claimed bound on the matrix; say whether it is better than those before."""
        if bound is None or not np.isfinite(bound):
            return False
        bound = bound / self.factor - self._formulation.matrix.slack
        if self.bound is not None and bound <= self.bound:
            return False
        self.bound = bound
        return True

    def units(self, objective: float | None) -> float | None:
        """Return a claimed objective in units of the last place."""
        return None if objective is None else objective / self.factor


class MatrixSolver(ABC):
    """A `base.Solver` made of a back end that knows matrices only."""

    name: str
    capabilities: Capabilities
    #: Numbers from here on are refused by name.
    largest: float = LARGEST
    #: What the largest cost is divided down to, if it is larger; 0 leaves costs alone. Solvers
    #: compare reduced costs with absolute tolerances, which in pence they cannot keep.
    dearest: float = 0.0
    #: Whether what a pair costs at least is handed over as a constant.
    reduces_costs: bool = True
    #: Rows are divided by powers of this number; by none if it is 0.
    row_base: int = 2
    #: Objective, in last places of money, from which on plans are not wanted; infinite if all are.
    cutoff: float = math.inf
    #: Whether flows under split sourcing may be continuous where they are not whole by themselves.
    relaxed: bool = False

    @abstractmethod
    def availability(self) -> Availability:
        """Say whether it can be used, without importing anything heavy."""

    @abstractmethod
    def run(self, job: Job) -> Answer:
        """Solve one matrix."""

    def solve(
        self, problem: Problem | Bundle, options: Options, emit: Callable[[Event], None]
    ) -> Outcome:
        """Build the matrix, hand it over, and give back plans; a bundle's counts pairs through."""
        began = time.monotonic()
        deadline = None if options.time_limit is None else began + options.time_limit
        emit(Event(time=0.0, phase="building"))
        formulation = _formulate(problem, relaxed=self.relaxed)
        matrix = formulation.matrix
        start = None if options.start is None else formulation.encode(options.start)
        seconds = {"build": time.monotonic() - began}
        report = Report(formulation, emit)
        try:
            inspect(matrix)
            if not matrix.columns:
                return _nothing_to_decide(formulation, seconds)
            if never := _never(matrix):
                return Outcome(reason="infeasible", message=never, seconds=seconds)
            report(phase="handing over")
            handed = reduced(matrix) if self.reduces_costs else matrix
            report.factor = self._factor(handed)
            handed = cheaper(handed, report.factor)
            if self.row_base:
                handed = scaled(handed, self.row_base)
            inspect(handed, self.largest)
            job = Job(matrix=handed, gap=options.gap, threads=options.threads, seed=options.seed,
                      log=options.log is not None, start=start, deadline=deadline,
                      cutoff=self.cutoff * report.factor,
                      report=report)  # fmt: skip
            answer = self.run(job)
            if answer.reason == "infeasible" and self.row_base:
                distrust(matrix)
        except UnsupportedError as error:
            return Outcome(reason="unsupported", message=str(error), seconds=seconds)
        seconds |= job.stages()
        report.tighten(answer.bound)
        plan, objective = report.plan, report.objective
        if answer.x is not None:
            plan, objective = formulation.decode(answer.x), report.units(answer.objective)
        return Outcome(reason=answer.reason, plan=plan, objective=objective, bound=report.bound,
                       message=answer.message, seconds=seconds)  # fmt: skip

    def _factor(self, matrix: Matrix) -> float:
        """Power of two, at most 1, with which money is multiplied."""
        most = float(np.abs(matrix.cost).max())
        if not self.dearest or most <= self.dearest:
            return 1.0
        return float(2.0 ** -math.ceil(math.log2(most / self.dearest)))


def _formulate(problem: Problem | Bundle, *, relaxed: bool) -> Formulation | BundleFormulation:
    if isinstance(problem, Bundle):
        from optimiser.solvers.milp.bundles import BundleFormulation

        return BundleFormulation(problem, relaxed=relaxed)
    from optimiser.solvers.milp.formulation import Formulation

    return Formulation(problem, relaxed=relaxed)


def inspect(matrix: Matrix, largest: float = LARGEST) -> None:
    """Refuse what solvers take without a word and answer wrongly; raise `UnsupportedError`."""
    for what, values, names in (
        ("cost", matrix.cost, matrix.column_names),
        ("lower bound", matrix.lower, matrix.column_names),
        ("upper bound", matrix.upper, matrix.column_names),
        ("lower limit", matrix.row_lower, matrix.row_names),
        ("upper limit", matrix.row_upper, matrix.row_names),
    ):
        infinite = "bound" in what or "limit" in what
        bad = np.isnan(values) if infinite else ~np.isfinite(values)
        bad |= np.isfinite(values) & (np.abs(values) >= largest)
        if bad.any():
            at = int(np.flatnonzero(bad)[0])
            raise UnsupportedError(_bad(f"the {what} of {names()[at]}", values[at], largest))
    values = matrix.a.data
    bad = ~np.isfinite(values) | (np.abs(values) >= largest)
    if bad.any():
        at = int(np.flatnonzero(bad)[0])
        row = _row_of(matrix, at)
        column = matrix.column_names()[int(matrix.a.indices[at])]
        raise UnsupportedError(
            _bad(f"the coefficient of {column} in row {row}", values[at], largest)
        )
    if not np.isfinite(matrix.offset) or abs(matrix.offset) >= LARGEST:
        raise UnsupportedError(_bad("the constant of the objective", matrix.offset, LARGEST))


def distrust(matrix: Matrix) -> None:
    """Refuse a proof of infeasibility in floats where one unit of a row is below any tolerance."""
    size = np.abs(matrix.a.data)
    if len(size) and size.max() >= INDISTINCT:
        at = int(size.argmax())
        row = _row_of(matrix, at)
        raise UnsupportedError(
            f"it claims that no plan exists, but the numbers of row {row} are too large (up to "
            f"{size[at]:.3g}) for it to tell one unit more from less; use fewer volume_decimals or "
            "larger units, or the solver cp-sat"
        )


def _row_of(matrix: Matrix, entry: int) -> str:
    """Name the row in which an entry of the matrix stands."""
    return matrix.row_names()[int(np.searchsorted(matrix.a.indptr, entry, side="right")) - 1]


def _bad(what: str, value: float, largest: float) -> str:
    return f"{what} is {value:g}; it must be a number below {largest:.3g}"


def reduced(matrix: Matrix) -> Matrix:
    """Take the least cost of each row "Σ x = whole" of disjoint columns out, as a constant.

    Exact, and what is left is what the decisions change: solvers compare objectives relative to
    their size, by which pennies vanish in thousands of millions.
    """
    a, cost = matrix.a, matrix.cost
    equal = (matrix.row_lower == matrix.row_upper) & (np.diff(a.indptr) > 0)
    row = np.repeat(np.arange(matrix.rows), np.diff(a.indptr))
    odd = (a.data != 1.0) | (cost[a.indices] != np.rint(cost[a.indices]))
    equal[row[odd]] = False
    owner = np.full(matrix.columns, -1)
    entries = np.flatnonzero(equal[row])
    owner[a.indices[entries]] = row[entries]
    # A row that shares a column with another one is left out.
    equal[row[entries[owner[a.indices[entries]] != row[entries]]]] = False
    owned = np.flatnonzero(owner >= 0)
    owned = owned[equal[owner[owned]]]
    least = np.full(matrix.rows, np.inf)
    np.minimum.at(least, owner[owned], cost[owned])
    left = cost.copy()
    left[owned] -= least[owner[owned]]
    some = np.isfinite(least)
    constant = math.fsum((least[some] * matrix.row_lower[some]).tolist())
    return dataclasses.replace(matrix, cost=left, offset=matrix.offset + constant)


def cheaper(matrix: Matrix, factor: float) -> Matrix:
    """Multiply money with a power of two, exactly."""
    return dataclasses.replace(matrix, cost=matrix.cost * factor, offset=matrix.offset * factor)


def scaled(matrix: Matrix, base: int = 2) -> Matrix:
    """Divide rows by powers of `base`, so that large volumes fit absolute tolerances.

    The largest coefficient of a row becomes about a thousand: larger, and rounding alone nears a
    tolerance of 1e-9 (and solving slows down); smaller, and the last unit of a capacity gets lost
    in it. No coefficient becomes so small that it could be dropped. With base 2 this is exact; with
    base 10 the decimals are, as a file holds them.
    """
    from scipy.sparse import csr_array

    a = matrix.a
    if not a.nnz or np.abs(a.data).max() <= LARGE:
        return matrix
    count = np.diff(a.indptr)
    some = np.flatnonzero(count)
    size = np.log2(np.abs(a.data))
    most, least = (extreme.reduceat(size, a.indptr[some]) for extreme in (np.maximum, np.minimum))
    power = np.minimum(most - math.log2(LARGE), least - math.log2(SMALL))
    power = np.maximum(power, 0) / math.log2(base)
    divisor = np.ones(matrix.rows)
    divisor[some] = float(base) ** np.rint(power)
    data = a.data / np.repeat(divisor, count)
    return dataclasses.replace(
        matrix,
        a=csr_array((data, a.indices, a.indptr), shape=a.shape),
        row_lower=matrix.row_lower / divisor,
        row_upper=matrix.row_upper / divisor,
    )


def _never(matrix: Matrix) -> str:
    """Name a row that cannot hold: its limits cross, or it is empty. Some solvers choke on it."""
    empty = np.diff(matrix.a.indptr) == 0
    bad = matrix.row_lower > matrix.row_upper
    bad |= empty & ((matrix.row_lower > 0) | (matrix.row_upper < 0))
    return f"row {matrix.row_names()[int(np.flatnonzero(bad)[0])]} cannot hold" if bad.any() else ""


def _nothing_to_decide(
    formulation: Formulation | BundleFormulation, seconds: dict[str, float]) -> Outcome:
    """Answer for a matrix without columns: its rows hold or they do not."""
    matrix = formulation.matrix
    if np.any(matrix.row_lower > 0) or np.any(matrix.row_upper < 0):
        return Outcome(reason="infeasible", message="nothing is left to decide", seconds=seconds)
    return Outcome(reason="finished", plan=formulation.decode(np.zeros(0)),
                   objective=matrix.offset, bound=matrix.offset - matrix.slack,
                   seconds=seconds)  # fmt: skip

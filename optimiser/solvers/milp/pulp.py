"""Whatever solver PuLP finds on the machine, such as Gurobi, CPLEX, Xpress or GLPK."""

from __future__ import annotations

import time
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from optimiser.errors import SolverError
from optimiser.solvers.base import Availability, Capabilities
from optimiser.solvers.milp.adapter import Answer, MatrixSolver
from optimiser.solvers.packages import availability

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from optimiser.solvers.milp.adapter import Job
    from optimiser.solvers.milp.matrix import Matrix

    Floats = NDArray[np.float64]

#: Solvers of PuLP's list that have a back end of their own here.
_OWN: Final = frozenset({"PULP_CBC_CMD", "COIN_CMD", "SCIP_PY", "HiGHS"})
#: How far from whole a column may be to count as whole.
WHOLE: Final = 1e-5


def others() -> list[str]:
    """Return the solvers that PuLP finds and that have no back end of their own."""
    import pulp

    return sorted(set(_found(pulp)) - _OWN)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep back PuLP's words, at each call, about what PuLP 4 will drop."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def _found(pulp: Any) -> list[str]:
    with quiet():
        found: list[str] = pulp.listSolvers(onlyAvailable=True)
    return found


def program(matrix: Matrix) -> tuple[Any, list[Any]]:
    """Return the matrix as a PuLP program, without its constant, and its columns in order."""
    import pulp

    model = pulp.LpProblem("optimiser", pulp.LpMinimize)
    add = getattr(model, "add_variable", None)
    bounds = zip(matrix.lower.tolist(), matrix.upper.tolist(), strict=True)
    columns = []
    for number, (low, high) in enumerate(bounds):
        named = (f"c{number}", low, high, pulp.LpInteger)
        columns.append(add(*named) if add else pulp.LpVariable(*named))
    model.setObjective(_sum(pulp, zip(columns, matrix.cost.tolist(), strict=True)))
    a = matrix.a
    start, index, data = a.indptr.tolist(), a.indices.tolist(), a.data.tolist()
    lower, upper = matrix.row_lower.tolist(), matrix.row_upper.tolist()
    for row in range(matrix.rows):
        entries = range(start[row], start[row + 1])
        expression = _sum(pulp, ((columns[index[k]], data[k]) for k in entries))
        if lower[row] == upper[row]:
            sides = [(pulp.LpConstraintEQ, upper[row])]
        else:
            sides = [(pulp.LpConstraintLE, upper[row]), (pulp.LpConstraintGE, lower[row])]
        for number, (sense, bound) in enumerate(sides):
            if np.isfinite(bound):
                model += pulp.LpConstraint(expression, sense, f"r{row}_{number}", bound)
    return model, columns


def _sum(pulp: Any, terms: Any) -> Any:
    return pulp.LpAffineExpression([(column, value) for column, value in terms if value])


def vector(columns: list[Any]) -> Floats | None:
    """Return the columns' values; None where there are none, or one is far from whole.

    A column that stands in no row and costs nothing never reaches the solver; it is 0.
    """
    values = [column.value() for column in columns]
    if all(value is None for value in values):
        return None
    x = np.array([value or 0.0 for value in values], dtype=np.float64)
    return x if np.all(np.abs(x - np.rint(x)) <= WHOLE) else None


def set_start(columns: list[Any], start: Floats) -> None:
    """Give every column its value in a start."""
    for column, value in zip(columns, np.rint(start).tolist(), strict=True):
        column.setInitialValue(value)


class Pulp(MatrixSolver):
    """A solver called by PuLP: says nothing while it runs and gives no bound of its own.

    Parameters
    ----------
    solver
        Its name in ``pulp.listSolvers()``.
    """

    capabilities = Capabilities()
    row_base = 10
    reduces_costs = False  # PuLP hands no constant on, which relative gaps would need

    def __init__(self, solver: str) -> None:
        self._solver = solver
        self.name = f"pulp:{solver}"

    def availability(self) -> Availability:
        """Say whether PuLP finds it."""
        found = availability("pulp")
        if not found.installed:
            return found
        import pulp

        known, there = pulp.listSolvers(), _found(pulp)
        if self._solver in there:
            return found
        if self._solver in known:
            remedy = f"install {self._solver} so that PuLP finds it (see PuLP's documentation)"
        else:
            remedy = f"PuLP knows no {self._solver}; it knows {', '.join(sorted(set(known)))}"
        return Availability(installed=False, version=found.version, remedy=remedy)

    def run(self, job: Job) -> Answer:
        """Solve one matrix."""
        import pulp

        model, columns = program(job.matrix)
        left = job.left()
        wanted = {"msg": job.log, "gapRel": job.gap, "timeLimit": left, "threads": job.threads}
        solver = _made(pulp, self._solver, wanted)
        job.handed_over()
        began = time.monotonic()
        try:
            model.solve(solver)
        except pulp.PulpError as error:
            raise SolverError(f"{self._solver} failed: {error}") from error
        in_time = left is None or time.monotonic() - began < left
        if model.sol_status == pulp.LpSolutionInfeasible:
            # Some say so when they merely ran out of time.
            return Answer(reason="infeasible" if in_time else "limit")
        x = vector(columns)
        objective = None if x is None else float(job.matrix.cost @ x) + job.matrix.offset
        if model.sol_status == pulp.LpSolutionOptimal and in_time and objective is not None:
            # PuLP hands no bound on: what "optimal" claims is the gap that was asked for.
            bound = objective - job.gap * abs(objective)
            return Answer(reason="finished", x=x, objective=objective, bound=bound)
        reason = "failed" if in_time and x is None else "limit"
        status = pulp.LpSolution.get(model.sol_status, str(model.sol_status))
        return Answer(reason=reason, x=x, objective=objective,
                      message=f"{self._solver} ended with: {status}")  # fmt: skip


def _made(pulp: Any, name: str, wanted: dict[str, Any]) -> Any:
    """Make a solver with those of the options that it takes."""
    while True:
        try:
            return pulp.getSolver(name, **wanted)
        except TypeError as error:
            refused = [option for option in wanted if option in str(error)]
            if not refused:
                raise SolverError(f"{name} cannot be called through PuLP: {error}") from error
            for option in refused:
                del wanted[option]

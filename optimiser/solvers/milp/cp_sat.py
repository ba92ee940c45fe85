"""CP-SAT, through OR-Tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from optimiser.errors import UnsupportedError
from optimiser.solvers.base import Availability, Capabilities
from optimiser.solvers.milp.adapter import Answer, MatrixSolver
from optimiser.solvers.packages import availability

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimiser.solvers.milp.adapter import Job
    from optimiser.solvers.milp.matrix import Matrix

#: Once the Boolean terms of a row total more, CP-SAT may call a wrong answer optimal (#5293).
MOST_BOOLEAN: Final = 2**31 - 1
#: Largest total of an objective that CP-SAT is given.
MOST_OBJECTIVE: Final = 2.0**60
_LOWEST, _HIGHEST = -(2**63), 2**63 - 1


class CpSat(MatrixSolver):
    """CP-SAT: whole numbers throughout; refuses rows whose coefficients are too large for it."""

    name = "cp-sat"
    capabilities = Capabilities(incumbents=True, bounds=True, warm_start=True, threads=True,
                                seed=True, interrupt=True, stays=True)  # fmt: skip
    row_base = 0

    def availability(self) -> Availability:
        """Say whether OR-Tools is installed."""
        return availability("ortools")

    def run(self, job: Job) -> Answer:
        """Solve one matrix with CP-SAT."""
        from ortools.sat.python import cp_model

        _refuse(job.matrix)
        model = cp_model.CpModel()
        _columns(model, job)
        _rows(model, job.matrix)
        error = _objective(model, job.matrix)
        solver = cp_model.CpSolver()
        _set(solver.parameters, job)
        listener = _listener(cp_model, job, error)
        solver.best_bound_callback = lambda bound: job.report(bound=bound - error)
        if job.log:
            solver.log_callback = print
        job.handed_over()
        left = job.left()
        if left is not None:
            solver.parameters.max_time_in_seconds = left
        status = solver.solve(model, listener)
        return _answer(cp_model, solver, status, error, job)


def _refuse(matrix: Matrix) -> None:
    """Refuse by name a row that CP-SAT may answer wrongly."""
    boolean = (matrix.lower >= 0) & (matrix.upper <= 1)
    a = matrix.a
    total = np.zeros(matrix.rows)
    row = np.repeat(np.arange(matrix.rows), np.diff(a.indptr))
    np.add.at(total, row, np.where(boolean[a.indices], np.abs(a.data), 0.0))
    bad = np.flatnonzero(total > MOST_BOOLEAN)
    if len(bad):
        raise UnsupportedError(
            f"CP-SAT cannot be trusted with row {matrix.row_names()[int(bad[0])]}: its "
            f"coefficients total {total[bad[0]]:,.0f}, over 2^31 - 1. Use fewer volume_decimals "
            "or larger units, or another solver."
        )


def _columns(model: Any, job: Job) -> None:
    variables = model.proto.variables
    bounds = zip(job.matrix.lower.astype(np.int64).tolist(),
                 job.matrix.upper.astype(np.int64).tolist(), strict=True)  # fmt: skip
    for low, high in bounds:
        variables.add().domain.extend([low, high])
    if job.start is not None:
        hint = model.proto.solution_hint
        hint.vars.extend(range(job.matrix.columns))
        hint.values.extend(np.rint(job.start).astype(np.int64).tolist())


def _rows(model: Any, matrix: Matrix) -> None:
    a = matrix.a
    start, columns = a.indptr.tolist(), a.indices.tolist()
    values = np.rint(a.data).astype(np.int64).tolist()
    lower, upper = (
        [otherwise if np.isinf(value) else int(value) for value in bounds.tolist()]
        for bounds, otherwise in ((matrix.row_lower, _LOWEST), (matrix.row_upper, _HIGHEST))
    )
    constraints = model.proto.constraints
    for row in range(matrix.rows):
        linear = constraints.add().linear
        linear.vars.extend(columns[start[row] : start[row + 1]])
        linear.coeffs.extend(values[start[row] : start[row + 1]])
        linear.domain.extend([lower[row], upper[row]])


def _objective(model: Any, matrix: Matrix) -> float:
    """Set the objective in whole numbers; return how far rounding may move its value."""
    cost, reach = matrix.cost, np.maximum(np.abs(matrix.lower), np.abs(matrix.upper))
    some = np.flatnonzero(cost)
    factor = 1.0
    if np.all(cost == np.rint(cost)):
        if len(some):  # the divisor of all costs, so that the numbers are small
            factor = 1.0 / float(np.gcd.reduce(np.abs(cost[some]).astype(np.int64)))
    else:
        total = float(np.abs(cost) @ reach)
        factor = 2.0 ** np.floor(np.log2(MOST_OBJECTIVE / max(total, 1.0)))
        factor = min(factor, 2.0**40)
    whole: NDArray[np.int64] = np.rint(cost[some] * factor).astype(np.int64)
    if float(np.abs(whole).astype(float) @ reach[some]) > 2 * MOST_OBJECTIVE:
        raise UnsupportedError(
            "CP-SAT cannot hold the objective: costs total more than 2^61 last places of money. "
            "Use fewer money_decimals, or another solver."
        )
    objective = model.proto.objective
    objective.vars.extend(some.tolist())
    objective.coeffs.extend(whole.tolist())
    objective.scaling_factor = 1.0 / factor
    objective.offset = matrix.offset * factor
    return float(np.abs(cost[some] - whole / factor) @ reach[some])


def _set(parameters: Any, job: Job) -> None:
    parameters.num_workers = max(job.threads, 1)
    parameters.random_seed = job.seed % 2**31
    parameters.relative_gap_limit = job.gap
    parameters.absolute_gap_limit = 0.0
    # Without a linear relaxation it is a straw man on these models.
    parameters.linearization_level = 2
    # The step of presolve behind #5293.
    parameters.presolve_inclusion_work_limit = 0
    parameters.log_search_progress = job.log
    parameters.log_to_stdout = False


def _listener(cp_model: Any, job: Job, error: float) -> Any:
    class Listener(cp_model.CpSolverSolutionCallback):  # type: ignore[misc]
        """Reports every new solution."""

        def on_solution_callback(self) -> None:
            x = np.array(self.response_proto.solution, dtype=np.float64)
            job.report(x=x, objective=self.objective_value,
                       bound=self.best_objective_bound - error)  # fmt: skip

    return Listener()


def _answer(cp_model: Any, solver: Any, status: Any, error: float, job: Job) -> Answer:
    if status == cp_model.INFEASIBLE:
        return Answer(reason="infeasible")
    if status == cp_model.MODEL_INVALID:
        return Answer(reason="unsupported", message=f"CP-SAT refuses the model: {solver.solve_log}")
    bound = solver.best_objective_bound - error
    if status == cp_model.UNKNOWN:
        return Answer(reason=_stopped(job), bound=bound)
    x = np.array(solver.response_proto.solution, dtype=np.float64)
    reason = "finished" if status == cp_model.OPTIMAL else _stopped(job)
    return Answer(reason=reason, x=x, objective=solver.objective_value, bound=bound)


def _stopped(job: Job) -> str:
    left = job.left()
    return "interrupted" if left is None or left > 0.5 else "limit"

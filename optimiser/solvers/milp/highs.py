"""HiGHS, through highspy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from optimiser.errors import SolverError
from optimiser.solvers.base import Availability, Capabilities
from optimiser.solvers.milp.adapter import Answer, MatrixSolver
from optimiser.solvers.packages import availability

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from optimiser.solvers.milp.adapter import Job
    from optimiser.solvers.milp.matrix import Matrix

#: Returns 15 where the optimum is 9 (HiGHS #2957, #3043).
WRONG: Final = "1.14.0"


class Highs(MatrixSolver):
    """HiGHS: streams incumbents and bounds, takes a start, stops at once."""

    name = "highs"
    capabilities = Capabilities(incumbents=True, bounds=True, warm_start=True, threads=True,
                                seed=True, interrupt=True)  # fmt: skip
    largest = 1e15  # from here on it drops rows or takes bounds for infinite
    dearest = 2.0**14

    def availability(self) -> Availability:
        """Say whether highspy is installed, in a version that can be trusted."""
        found = availability("highspy")
        if found.version == WRONG:
            return Availability(
                installed=False,
                version=WRONG,
                remedy=f"highspy {WRONG} gives wrong answers; pip install 'highspy!={WRONG}'",
            )
        return found

    def run(self, job: Job) -> Answer:
        """Solve one matrix with HiGHS."""
        answer = _solve(job, job.start)
        if job.start is not None and not _agrees(job.matrix, answer):
            # Where presolve alone solves the problem, HiGHS 1.16.0 may claim the optimum and hand
            # back the start (seen on 4 of 117 tiny instances).
            answer = _solve(job, None)
        return answer


def _solve(job: Job, start: NDArray[np.float64] | None) -> Answer:
    import highspy

    highs: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    if highs.version() == WRONG:
        raise SolverError(f"highspy {WRONG} gives wrong answers and is refused")
    _set(highs, job)
    pass_matrix(highs, job.matrix)
    if start is not None:
        index = np.arange(job.matrix.columns, dtype=np.int32)
        _ok(highs.setSolution(job.matrix.columns, index, start), "passing the start")
    trouble = _listen(highs, job)
    highs.HandleKeyboardInterrupt = True
    job.handed_over()
    _set_limit(highs, job)
    status = highs.solve()
    if trouble:
        raise trouble[0]
    return _answer(highs, status)


def _agrees(matrix: Matrix, answer: Answer) -> bool:
    """Whether the column vector costs what is claimed for it."""
    if answer.x is None or answer.objective is None:
        return True
    cost = float(matrix.cost @ answer.x) + matrix.offset
    return abs(cost - answer.objective) <= 1e-6 * max(1.0, abs(cost))


def _set(highs: Any, job: Job) -> None:
    for option, value in {
        "output_flag": job.log,
        "log_to_console": job.log,
        "threads": max(job.threads, 1),
        "parallel": "on" if job.threads > 1 else "off",
        "random_seed": job.seed % 2**31,
        "mip_rel_gap": job.gap,
        "mip_abs_gap": 0.0,
        # Also the tolerance of reduced costs: unscaled pence under it stall the search.
        "mip_feasibility_tolerance": 1e-9,
    }.items():
        _ok(highs.setOptionValue(option, value), f"setting {option}")


def _set_limit(highs: Any, job: Job) -> None:
    left = job.left()
    if left is not None:
        _ok(highs.setOptionValue("time_limit", left), "setting time_limit")


def pass_matrix(highs: Any, matrix: Matrix) -> None:
    """Hand a matrix over in bulk, and make sure that all of it arrived."""
    import highspy

    a, infinity = matrix.a, highspy.kHighsInf
    bounds = [
        np.clip(values, -infinity, infinity)
        for values in (matrix.lower, matrix.upper, matrix.row_lower, matrix.row_upper)
    ]
    status = highs.passModel(
        matrix.columns,
        matrix.rows,
        a.nnz,
        int(highspy.MatrixFormat.kRowwise),
        int(highspy.ObjSense.kMinimize),
        matrix.offset,
        matrix.cost,
        *bounds,
        a.indptr.astype(np.int32),
        a.indices.astype(np.int32),
        a.data,
        matrix.integer.astype(np.int32),
    )
    _ok(status, "passing the model")
    if (highs.getNumRow(), highs.getNumCol()) != (matrix.rows, matrix.columns) or (
        highs.getNumNz() != a.nnz
    ):
        raise SolverError("HiGHS did not take the model as it was handed over")


def _listen(highs: Any, job: Job) -> list[BaseException]:
    """Subscribe to incumbents and bounds; what goes wrong in there is put in the list returned."""
    trouble: list[BaseException] = []

    def guarded(take: Callable[[Any], None]) -> Callable[[Any], None]:
        def call(event: Any) -> None:
            # HiGHS makes a silent kError of whatever is raised here.
            try:
                take(event)
            except BaseException as error:
                trouble.append(error)
                event.interrupt()

        return call

    def incumbent(event: Any) -> None:
        out = event.data_out
        x = np.array(out.mip_solution, dtype=np.float64)
        job.report(x=x, objective=out.objective_function_value, bound=out.mip_dual_bound)

    def bound(event: Any) -> None:
        job.report(bound=event.data_out.mip_dual_bound)

    highs.cbMipImprovingSolution += guarded(incumbent)
    highs.cbMipInterrupt += guarded(bound)
    return trouble


def _answer(highs: Any, status: Any) -> Answer:
    import highspy
    from highspy import HighsStatus, SolutionStatus

    model = highs.getModelStatus()
    statuses: Any = highspy.HighsModelStatus
    reasons = {
        statuses.kOptimal: "finished",
        statuses.kInfeasible: "infeasible",
        statuses.kTimeLimit: "limit",
        statuses.kMemoryLimit: "limit",
        statuses.kInterrupt: "interrupted",
        statuses.kHighsInterrupt: "interrupted",
        statuses.kModelEmpty: "finished",
    }
    reason = reasons.get(model, "failed")
    if status == HighsStatus.kError:
        reason = "failed"
    info = highs.getInfo()
    x = objective = None
    if info.primal_solution_status == int(SolutionStatus.kSolutionStatusFeasible) or (
        reason == "finished"
    ):
        x = np.array(highs.getSolution().col_value, dtype=np.float64)
        objective = info.objective_function_value
    bound = None if reason in {"failed", "infeasible"} else info.mip_dual_bound
    message = highs.modelStatusToString(model) if reason == "failed" else ""
    return Answer(reason=reason, x=x, objective=objective, bound=bound, message=message)


def _ok(status: Any, what: str) -> None:
    from highspy import HighsStatus

    if status != HighsStatus.kOk:
        raise SolverError(f"HiGHS failed at {what} ({status.name})")

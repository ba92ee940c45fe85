"""HiGHS, through highspy."""

from __future__ import annotations

import contextlib
import functools
import math
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from optimiser.errors import SolverError
from optimiser.solvers.base import Availability, Capabilities
from optimiser.solvers.errands import away
from optimiser.solvers.milp.adapter import Answer, MatrixSolver
from optimiser.solvers.packages import availability

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from optimiser.solvers.milp.adapter import Job
    from optimiser.solvers.milp.matrix import Matrix

#: Seconds that HiGHS is given to hear that it shall stop.
GRACE: Final = 0.3
#: Those that did not; their threads still work on them.
_left_behind: list[Any] = []
_hushing: Final = threading.Lock()
#: Threads of the last run in this process.
_threads: Final[list[int]] = []
#: Returns 15 where the optimum is 9 (HiGHS #2957, #3043).
WRONG: Final = "1.14.0"


class Highs(MatrixSolver):
    """HiGHS: streams incumbents and bounds, takes a start, stops at once.

    Parameters
    ----------
    cutoff
        Objective, in last places of money, from which on plans are not wanted. With a finite one,
        the bound holds for better plans only, and it is at most the cutoff.
    looks
        Times that HiGHS may look whether it shall stop before it does; a measure of work that does
        not hang on the clock. None if it may go on.

    Attributes
    ----------
    looked
        Times that it looked in its last run.
    """

    name = "highs"
    capabilities = Capabilities(incumbents=True, bounds=True, warm_start=True, threads=True,
                                seed=True, interrupt=True, stays=True)  # fmt: skip
    largest = 1e15  # from here on it drops rows or takes bounds for infinite
    dearest = 2.0**14

    def __init__(
        self, *, cutoff: float = math.inf, looks: int | None = None, relaxed: bool = False
    ) -> None:
        self.cutoff, self._looks, self.relaxed = cutoff, looks, relaxed
        self.looked = 0

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
        answer, self.looked = _solve(job, job.start, self._looks)
        if job.start is not None and not _agrees(job.matrix, answer.x, answer.objective):
            # Where presolve alone solves the problem, HiGHS 1.16.0 may claim the optimum and hand
            # back the start (seen on 4 of 117 tiny instances).
            answer, self.looked = _solve(job, None, self._looks)
        return answer


def _solve(job: Job, start: NDArray[np.float64] | None, looks: int | None) -> tuple[Answer, int]:
    import highspy

    if away() or not job.log:
        hush()
    highs: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    if highs.version() == WRONG:
        raise SolverError(f"highspy {WRONG} gives wrong answers and is refused")
    _set(highs, job)
    pass_matrix(highs, job.matrix)
    if start is not None:
        index = np.arange(job.matrix.columns, dtype=np.int32)
        _ok(highs.setSolution(job.matrix.columns, index, start), "passing the start")
    watch = _Watch(highs, job, looks)
    job.handed_over()
    _settle_threads(highs, max(job.threads, 1))
    _set_limit(highs, job)
    status, left = _run(highs, job)
    if watch.trouble:
        raise watch.trouble[0]
    if left:
        return Answer(reason=left), watch.looked
    return _answer(highs, status, job.cutoff, spent=watch.spent), watch.looked


def hush() -> None:
    """Keep what HiGHS says of itself, once per process, off the terminal."""
    with _hushing:
        _hush_once()


@functools.cache
def _hush_once() -> None:
    """Have HiGHS 1.16.0 say who it is, as it does once per process whatever it is told, to nobody.

    A child's output goes nowhere or to the log, but a worker's is its program's. What others write
    to standard output in this moment is lost with it.
    """
    import highspy

    with contextlib.suppress(OSError), Path(os.devnull).open("wb") as nowhere:
        output = os.dup(1)
        try:
            os.dup2(nowhere.fileno(), 1)
            highspy.Highs()  # type: ignore[no-untyped-call]
        finally:
            os.dup2(output, 1)
            os.close(output)


def _settle_threads(highs: Any, threads: int) -> None:
    """Let HiGHS run with other threads than in its last run in this process, which it refuses.

    Not while one runs: that would be left without its own.
    """
    if _threads and _threads[-1] != threads and not highs.is_solver_running():
        highs.resetGlobalScheduler(True)
    _threads[:] = [threads]


def _run(highs: Any, job: Job) -> tuple[Any, str]:
    """Run HiGHS; return its status, or why it was left though it did not hear of it.

    In presolve, and in a large linear program, HiGHS 1.16.0 looks at no clock (5 s over a limit of
    60 s seen). It is left behind then, and ends with the process; what it reported counts. Not so
    in a worker, which goes on to other work: highspy runs one such thread per process.
    """
    if away() or highs.is_solver_running():  # one is left behind
        return highs.run(), ""
    highs.HandleKeyboardInterrupt = True
    highs.startSolve()
    interrupted = math.inf
    while True:
        try:
            done, status = highs.wait(0.05)
        except KeyboardInterrupt:
            highs.cancelSolve()
            interrupted = min(interrupted, time.monotonic())
            continue
        if done:
            return status, ""
        now = time.monotonic()
        if now > interrupted + GRACE:
            _left_behind.append(highs)
            return None, "interrupted"
        if job.deadline is not None and now > job.deadline + GRACE:
            highs.cancelSolve()
            _left_behind.append(highs)
            return None, "limit"


def _agrees(matrix: Matrix, x: NDArray[np.float64] | None, objective: float | None) -> bool:
    """Whether a column vector costs what is claimed for it."""
    if x is None or objective is None:
        return True
    cost = float(matrix.cost @ x) + matrix.offset
    return abs(cost - objective) <= 1e-6 * max(1.0, abs(cost))


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
    if math.isfinite(job.cutoff):
        _ok(highs.setOptionValue("objective_bound", job.cutoff), "setting objective_bound")


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


class _Watch:
    """Hears incumbents and bounds; what goes wrong in there is kept as `trouble`."""

    def __init__(self, highs: Any, job: Job, looks: int | None) -> None:
        self._job, self._most = job, looks
        self.looked = 0
        self.trouble: list[BaseException] = []
        #: Whether its looks are used up.
        self.spent = False
        highs.cbMipImprovingSolution += self._guarded(self._incumbent)
        highs.cbMipInterrupt += self._guarded(self._look)

    def _guarded(self, take: Callable[[Any], None]) -> Callable[[Any], None]:
        def call(event: Any) -> None:
            # HiGHS makes a silent kError of whatever is raised here.
            try:
                take(event)
            except BaseException as error:
                self.trouble.append(error)
                event.interrupt()

        return call

    def _incumbent(self, event: Any) -> None:
        out = event.data_out
        x = np.array(out.mip_solution, dtype=np.float64)
        if not _agrees(self._job.matrix, x, out.objective_function_value):
            return  # the start, under the objective of another; see `Highs.run`
        self._job.report(x=x, objective=out.objective_function_value,
                         bound=min(out.mip_dual_bound, self._job.cutoff))  # fmt: skip

    def _look(self, event: Any) -> None:
        self._job.report(bound=min(event.data_out.mip_dual_bound, self._job.cutoff))
        self.looked += 1
        if self._most is not None and self.looked >= self._most:
            self.spent = True
            event.interrupt()


def _answer(highs: Any, status: Any, cutoff: float, *, spent: bool) -> Answer:
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
    if spent and reason == "interrupted":
        reason = "limit"
    if status == HighsStatus.kError:
        reason = "failed"
    info = highs.getInfo()
    x = objective = None
    if info.primal_solution_status == int(SolutionStatus.kSolutionStatusFeasible) or (
        reason == "finished" and math.isinf(cutoff)
    ):
        x = np.array(highs.getSolution().col_value, dtype=np.float64)
        objective = info.objective_function_value
    bound = None if reason in {"failed", "infeasible"} else min(info.mip_dual_bound, cutoff)
    message = highs.modelStatusToString(model) if reason == "failed" else ""
    return Answer(reason=reason, x=x, objective=objective, bound=bound, message=message)


def _ok(status: Any, what: str) -> None:
    from highspy import HighsStatus

    if status != HighsStatus.kOk:
        raise SolverError(f"HiGHS failed at {what} ({status.name})")

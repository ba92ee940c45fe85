"""SCIP, through PySCIPOpt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from optimiser.solvers.base import Availability, Capabilities
from optimiser.solvers.milp.adapter import Answer, MatrixSolver
from optimiser.solvers.packages import availability

if TYPE_CHECKING:
    from optimiser.solvers.milp.adapter import Job


class Scip(MatrixSolver):
    """SCIP: streams incumbents and bounds through its events, takes a start, stops at once."""

    name = "scip"
    capabilities = Capabilities(
        incumbents=True, bounds=True, warm_start=True, seed=True, interrupt=True, stays=True
    )
    largest = 1e15  # numbers near its infinity of 1e20 lose their last digits long before

    def availability(self) -> Availability:
        """Say whether PySCIPOpt is installed."""
        return availability("pyscipopt")

    def run(self, job: Job) -> Answer:
        """Solve one matrix with SCIP."""
        import pyscipopt

        model = pyscipopt.Model()
        _set(model, job)
        columns = _pass(pyscipopt, model, job)
        _listen(pyscipopt, model, columns, job)
        if job.start is not None:
            _start(model, columns, job)
        job.handed_over()
        left = job.left()
        if left is not None:
            model.setParam("limits/time", left)
        model.optimizeNogil()  # so that other threads see the parent die, and write events
        return _answer(model, columns)


def _set(model: Any, job: Job) -> None:
    model.hideOutput(not job.log)
    parameters = {
        "limits/gap": job.gap,
        "limits/absgap": 0.0,
        "numerics/feastol": 1e-9,
        "numerics/dualfeastol": 1e-9,
        "randomization/randomseedshift": job.seed % 2**31,
        "randomization/permutationseed": job.seed % 2**31,
        "misc/catchctrlc": True,  # SIGINT ends the search, with incumbent and bound
        "timing/clocktype": 2,  # wall time
        "display/verblevel": 4 if job.log else 0,
    }
    for name, value in parameters.items():
        model.setParam(name, value)


def _pass(pyscipopt: Any, model: Any, job: Job) -> list[Any]:
    """Add columns, then rows as sums of them; return the columns."""
    matrix = job.matrix
    columns = [
        model.addVar(lb=low, ub=high, obj=cost, vtype="B" if (low, high) == (0.0, 1.0) else "I")
        for low, high, cost in zip(
            matrix.lower.tolist(), matrix.upper.tolist(), matrix.cost.tolist(), strict=True
        )
    ]
    model.addObjoffset(matrix.offset)
    a = matrix.a
    start, index, data = a.indptr.tolist(), a.indices.tolist(), a.data.tolist()
    lower = [None if np.isinf(value) else value for value in matrix.row_lower.tolist()]
    upper = [None if np.isinf(value) else value for value in matrix.row_upper.tolist()]
    terms = [pyscipopt.scip.Term(column) for column in columns]
    for row in range(matrix.rows):
        entries = range(start[row], start[row + 1])
        expression = pyscipopt.Expr({terms[index[k]]: data[k] for k in entries})
        if not expression.terms:
            continue  # the adapter has seen that it holds
        model.addCons(pyscipopt.scip.ExprCons(expression, lower[row], upper[row]))
    return columns


def _start(model: Any, columns: list[Any], job: Job) -> None:
    solution = model.createSol()
    assert job.start is not None
    for column, value in zip(columns, job.start.tolist(), strict=True):
        if value:
            model.setSolVal(solution, column, value)
    model.addSol(solution, free=True)


def _listen(pyscipopt: Any, model: Any, columns: list[Any], job: Job) -> None:
    """Report every new incumbent, and the bound now and then."""
    kinds = pyscipopt.SCIP_EVENTTYPE
    watched = (kinds.BESTSOLFOUND, kinds.NODESOLVED, kinds.LPSOLVED)

    class Listener(pyscipopt.Eventhdlr):  # type: ignore[misc]
        """Passes SCIP's events on."""

        def eventinit(self) -> None:
            for kind in watched:
                self.model.catchEvent(kind, self)

        def eventexit(self) -> None:
            for kind in watched:
                self.model.dropEvent(kind, self)

        def eventexec(self, event: Any) -> None:
            bound = _finite(self.model, self.model.getDualbound())
            if event.getType() == kinds.BESTSOLFOUND:
                solution = self.model.getBestSol()
                x = np.array([self.model.getSolVal(solution, column) for column in columns])
                job.report(x=x, objective=self.model.getSolObjVal(solution), bound=bound)
            else:
                job.report(bound=bound)

    model.includeEventhdlr(Listener(), "optimiser", "reports incumbents and bounds")


def _finite(model: Any, value: float) -> float | None:
    return None if abs(value) >= model.infinity() else value


def _answer(model: Any, columns: list[Any]) -> Answer:
    status = model.getStatus()
    reasons = {
        "optimal": "finished",
        "gaplimit": "finished",
        "infeasible": "infeasible",
        "inforunbd": "failed",
        "unbounded": "failed",
        "userinterrupt": "interrupted",
        "terminate": "interrupted",
        "timelimit": "limit",
        "memlimit": "limit",
    }
    reason = reasons.get(status, "failed")
    x = objective = None
    if model.getNSols():
        solution = model.getBestSol()
        x = np.array([model.getSolVal(solution, column) for column in columns])
        objective = model.getSolObjVal(solution)
    bound = None
    if reason not in ("infeasible", "failed"):
        bound = _finite(model, model.getDualbound())
    return Answer(
        reason=reason,
        x=x,
        objective=objective,
        bound=bound,
        message=f"SCIP ended with {status}" if reason == "failed" else "",
    )

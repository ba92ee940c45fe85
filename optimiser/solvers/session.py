"""solve(): from an instance to a checked result."""

from __future__ import annotations

import dataclasses
import math
import time
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from optimiser.errors import InternalError, SolverError, UsageError
from optimiser.model.check import check
from optimiser.model.instance import Instance
from optimiser.model.plan import BY_ITSELF, Plan
from optimiser.solvers import registry
from optimiser.solvers.base import Event, Options
from optimiser.solvers.child import Task
from optimiser.solvers.judge import Judge, Verdict
from optimiser.solvers.process import Ending, Interrupts, run
from optimiser.solvers.result import Progress, Result, decimals_of

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Sequence

    from optimiser.certificate.proof import Certificate
    from optimiser.model.account import Account
    from optimiser.model.problem import Problem
    from optimiser.model.rows import Objective, SideRow
    from optimiser.solvers.base import Prices

#: Seconds that a certificate may take once the user has interrupted the solve.
CERTIFYING: Final = 1.0
#: Option-bands up to which a certificate takes no longer.
AT_ONCE: Final = 100_000


def solve(
    instance: Instance,
    *,
    solver: str = "auto",
    time_limit: float | None = None,
    gap: float = 1e-4,
    threads: int = 1,
    seed: int = 0,
    start: Plan | Result | None = None,
    prices: Prices | None = None,
    rows: Sequence[SideRow] = (),
    objective: Objective | None = None,
    clean: bool = True,
    executor: Executor | None = None,
    progress: Callable[[Progress | str], object] | None = None,
    log: str | os.PathLike[str] | None = None,
    export: str | os.PathLike[str] | None = None,
) -> Result:
    """Find the plan of least objective.

    The solver runs in a process of its own. Ctrl-C and SIGTERM stop it within two seconds and keep
    the best plan found; the result then says `interrupted`.

    Parameters
    ----------
    instance
        What is to be solved.
    solver
        A name of `registry.names`, ``auto`` for the best installed, or ``pulp:NAME``.
    time_limit
        Seconds of wall time from the compiled problem; None for no limit. What is done once per
        machine, as compiling the kernels of `decomposition`, does not count.
    gap
        Relative gap at which to stop; 0 asks for proof to the last place of money.
    threads
        Threads that the solver may use.
    seed
        Seed of whatever is random in the solver.
    start
        A plan to start from, or a result that has one; it is checked first, and counts as found
        whatever the solver can do with it. One that breaks a rule does not count, but
        ``decomposition`` searches near it, too. With a result come its `prices`.
    prices
        What rules were worth in a solve of something similar (`Result.prices`): ``decomposition``
        bounds from there if that is better. It may be of an instance with other rows.
    rows
        Side rows that hold as well.
    objective
        What to minimise instead of money, or None. `Result.objective`, `bound` and `gap` then speak
        of it, `Result.cost` still of money.
    clean
        Whether to drop what cannot matter before solving.
    executor
        Where to have parts of the work done: a thread or process pool of `concurrent.futures`,
        Dask's ``client.get_executor()`` or another of that interface. ``decomposition`` has it
        bound services, all at once; the other solvers have no use for it and say so in a line to
        `progress`. The answer does not depend on it, unless time runs out. If it fails, the solver
        goes on without, and `Result.reasons` say so. It is not shut down.
    progress
        Called with lines of text and `Progress` records while it runs; ``print`` will do.
    log
        File to which the solver's own log is appended.
    export
        File to which the mixed-integer program is written, as free MPS.

    Returns
    -------
    Result
        Its plan, if any, has passed the checker. A solver that fails gives status ``error``.

    Raises
    ------
    UsageError
        If there is no such solver, or an option does not fit.
    SolverError
        If the solver is not installed.
    FileError
        If a file cannot be written.
    InternalError
        If two of our own computations disagree.
    """
    if not isinstance(instance, Instance):
        raise UsageError(
            f"instance is a {type(instance).__name__}; give what optimiser.read(PATH) returns"
        )
    if executor is not None and not isinstance(executor, Executor):
        raise UsageError(
            f"executor is a {type(executor).__name__}; give a concurrent.futures.Executor, such as "
            "a ProcessPoolExecutor, or what get_executor() of a Dask client returns"
        )
    solving = _Solving(instance, solver, rows, objective, progress, executor)
    options = _options(
        instance, time_limit=time_limit, gap=gap, threads=threads, seed=seed, start=start,
        prices=prices, log=log,
    )  # fmt: skip
    return solving.run(options, clean=clean, export=export)


def _options(
    instance: Instance,
    *,
    time_limit: float | None,
    gap: float,
    threads: int,
    seed: int,
    start: Plan | Result | None,
    prices: Prices | None,
    log: str | os.PathLike[str] | None,
) -> Options:
    if time_limit is not None and not time_limit > 0:
        raise UsageError(f"time_limit is {time_limit}; give seconds above 0, or None")
    if not 0 <= gap < math.inf:
        raise UsageError(f"gap is {gap}; give a number from 0, such as 1e-4")
    if threads < 1:
        raise UsageError(f"threads is {threads}; give a whole number from 1")
    if seed < 0:
        raise UsageError(f"seed is {seed}; give a whole number from 0")
    if isinstance(start, Result):
        prices = start.prices if prices is None else prices
        start = start.plan
    if start is not None and not _fits(instance, start):
        raise UsageError("the start is a plan of another instance")
    if time_limit is not None and math.isinf(time_limit):
        time_limit = None
    where = None if log is None else str(Path(log).absolute())
    return Options(time_limit=time_limit, gap=float(gap), threads=int(threads), seed=int(seed),
                   start=start, prices=prices, log=where)  # fmt: skip


def _fits(instance: Instance, plan: Plan) -> bool:
    pairs, providers = len(instance["demand"]), len(instance["providers"])
    by = plan.deliverer
    return bool(
        np.all((plan.pair >= 0) & (plan.pair < pairs))
        and np.all((by == BY_ITSELF) | ((by >= 0) & (by < providers)))
    )


class _Solving:
    """One solve, stage by stage."""

    def __init__(
        self,
        instance: Instance,
        solver: str,
        rows: Sequence[SideRow],
        objective: Objective | None,
        progress: Callable[[Progress | str], object] | None,
        executor: Executor | None,
    ) -> None:
        self._began = time.monotonic()
        self._instance = instance
        self._rows = tuple(rows)
        self._objective = objective
        self._tell = progress if progress is not None else _silent
        self._spec = registry.spec_of(solver)
        self._solver = registry.load(self._spec)
        self._seconds: dict[str, float] = {}
        self._scale = 10.0 ** (decimals_of(objective, instance) or 0)
        self._found = self._solver.availability()
        self._executor = executor

    def run(
        self, options: Options, *, clean: bool, export: str | os.PathLike[str] | None
    ) -> Result:
        from optimiser.model.compile import compile_problem
        from optimiser.model.impossible import reasons

        if not self._found.installed:
            remedy = self._found.remedy
            raise SolverError(f"the solver {self._solver.name} is not installed: {remedy}")
        with self._stage("compile"):
            problem = compile_problem(self._instance, self._rows, self._objective)
        counted = time.monotonic()
        judge = Judge(self._instance, problem, self._rows, self._objective, self._solver.name)
        with self._stage("check"):
            options, start, notes = self._check_start(options)
        if start is not None:
            judge.accept(start, self._now())
        with self._stage("clean"):
            proofs = reasons(problem)
            if proofs and start is not None:
                raise InternalError(f"a plan keeps every rule, and yet: {proofs[0]}")
            smaller, lines = self._clean(problem, wanted=clean and not proofs)
        if export is not None:
            _export(smaller, export)
        if proofs:
            told: dict[str, Any] = {"solver": "counting", "solver_version": ""}
            verdict = Verdict(status="infeasible", reasons=notes + proofs)
            return self._result(verdict, options, Ending(), judge, lines, told)
        task = Task(spec=self._spec, problem=smaller, options=options, began=counted,
                    sent=time.monotonic())  # fmt: skip
        with Interrupts() as interrupts:
            ending = self._solve(task, judge, interrupts)
            with self._stage("certify"):
                certificate = self._certify(ending, smaller, problem, judge, interrupts)
            with self._stage("check"):
                verdict = judge.verdict(options.gap, ending.outcome)
        if ending.executor and not ending.interrupted:
            notes.append(f"{self._solver.name} went on without the executor: {ending.executor}")
        verdict.reasons[:0] = notes
        _conclude(verdict, ending, self._solver.name)
        told = {} if certificate is None else self._certified(certificate, verdict)
        told["prices"] = None if ending.outcome is None else ending.outcome.prices
        return self._result(verdict, options, ending, judge, lines, told)

    def _certify(
        self,
        ending: Ending,
        given: Problem,
        compiled: Problem,
        judge: Judge,
        interrupts: Interrupts,
    ) -> Certificate | str | None:
        """Find out what the solver's certificate proves of the compiled problem; see `certify`."""
        certificate = None if ending.outcome is None else ending.outcome.certificate
        if certificate is None:
            return None
        from optimiser.solvers.certifying import certify

        before = interrupts.count
        if before and len(compiled.banded_option) > AT_ONCE:
            return "no bound was certified: the solve was interrupted"
        self._tell(self._progress(judge, "certifying the bound"))
        end = time.monotonic() + CERTIFYING if before else math.inf
        found = certify(
            certificate,
            given,
            compiled,
            lambda: interrupts.count > before or time.monotonic() > end,
        )
        if not isinstance(found, str) and found.bound is not None:
            judge.hear(Event(time=self._now(), bound=float(found.bound)), self._now())
        return found

    def _certified(self, found: Certificate | str, verdict: Verdict) -> dict[str, Any]:
        """Return what the result says of a certificate; note why there is none."""
        if isinstance(found, str):
            verdict.reasons.append(found)
            return {}
        objective = None if verdict.account is None else verdict.account.objective
        if objective is not None and (found.bound is None or found.bound > objective):
            raise InternalError(
                f"a certificate was accepted for a bound of {found.bound}, above the {objective} "
                "of a plan that the checker accepted"
            )
        if found.bound is None:
            verdict.reasons.append("the certificate proves that no plan keeps every rule")
        return {"certificate": found, "certified_bound_units": found.bound}

    def _check_start(self, options: Options) -> tuple[Options, Account | None, list[str]]:
        """Check the start; it is but a hint, with a note, if it breaks a rule."""
        if options.start is None:
            return options, None, []
        account = check(self._instance, options.start, self._rows, self._objective)
        if account.feasible:
            return options, account, []
        note = f"the start breaks a rule and does not count: {account.violations[0].message}"
        return dataclasses.replace(options, start=None, hint=options.start), None, [note]

    def _clean(self, problem: Problem, *, wanted: bool) -> tuple[Problem, tuple[str, ...]]:
        from optimiser.model.clean import clean

        lines = list(problem.notes)
        if wanted:
            problem, report = clean(problem)
            lines += report.lines()
        for line in lines:
            self._tell(line)
        return problem, tuple(lines)

    def _solve(self, task: Task, judge: Judge, interrupts: Interrupts) -> Ending:
        began = time.monotonic()

        def take(event: Event) -> None:
            changed = judge.hear(event, self._now())
            if changed or event.phase:
                self._tell(self._progress(judge, event.phase))

        executor = self._executor
        if executor is not None and not self._solver.capabilities.executor:
            self._tell(f"{self._solver.name} has no work for an executor and leaves it alone")
            executor = None
        ending = run(task, take, interrupts, executor)
        whole = time.monotonic() - began
        if ending.outcome is not None:
            judge.hear_outcome(ending.outcome, self._now())
            self._seconds |= ending.outcome.seconds
        if "solve" not in self._seconds:
            stages = ("start", "build", "hand over")
            known = sum(self._seconds.get(stage, 0.0) for stage in stages)
            self._seconds["solve"] = whole - known
        return ending

    def _progress(self, judge: Judge, phase: str) -> Progress:
        best, bound = judge.best, judge.bound
        return Progress(
            time=self._now(),
            objective=None if best is None else best / self._scale,
            bound=None if bound is None else bound / self._scale,
            phase=phase,
        )

    def _result(
        self,
        verdict: Verdict,
        options: Options,
        ending: Ending,
        judge: Judge,
        lines: tuple[str, ...],
        told: dict[str, Any],
    ) -> Result:
        self._seconds["total"] = self._now()
        who = {"solver": self._solver.name, "solver_version": self._found.version} | told
        return Result(
            status=verdict.status,
            instance=self._instance,
            plan=None if verdict.account is None else verdict.account.plan,
            account=verdict.account,
            bound_units=verdict.bound,
            options=dataclasses.replace(options, hint=None, prices=None),
            reasons=tuple(verdict.reasons),
            faults=tuple(verdict.faults),
            cleaning=lines,
            rows=self._rows,
            minimised=self._objective,
            trace=tuple(judge.trace),
            seconds=self._seconds,
            interrupted=ending.interrupted,
            **who,
        )

    def _now(self) -> float:
        return time.monotonic() - self._began

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self._seconds[name] = self._seconds.get(name, 0.0) + time.monotonic() - began


def _conclude(verdict: Verdict, ending: Ending, solver: str) -> None:
    """Give a status where no plan was accepted, and say what went wrong."""
    outcome = ending.outcome
    reason = "interrupted" if outcome is None else outcome.reason
    if ending.failure:
        verdict.blame(ending.kind, f"{solver} {ending.failure}")
        reason = "failed"
    elif outcome is not None and reason in {"failed", "unsupported"}:
        verb = "failed" if reason == "failed" else "cannot take this problem"
        starved = outcome.message.startswith(MemoryError.__name__)
        kind = "memory" if starved and reason == "failed" else reason
        verdict.blame(kind, f"{solver} {verb}: {outcome.message or 'it does not say why'}")
    elif outcome is not None and reason not in _REASONS:
        verdict.blame("failed", f"{solver} ended for an unknown reason, {reason!r}")
        reason = "failed"
    if verdict.status:
        return
    if reason == "limit":
        verdict.status = "unknown"
        verdict.reasons.append(f"{solver} reached its limit before it found a plan")
    elif reason == "interrupted":
        verdict.status = "unknown"
        verdict.reasons.append(f"{solver} was interrupted before it found a plan")
    else:
        verdict.status = "error"
        if reason == "finished":
            verdict.blame(
                "finished", f"{solver} claims to have finished, but there is no valid plan"
            )


_REASONS = frozenset({"finished", "limit", "infeasible", "interrupted", "unsupported", "failed"})


def _silent(_: Progress | str) -> None:
    pass


def _export(problem: Problem, path: str | os.PathLike[str]) -> None:
    from optimiser.solvers.milp.formulation import Formulation
    from optimiser.solvers.milp.mps import write_mps

    write_mps(Formulation(problem).matrix, path)

"""CBC, the program that PuLP brings: its log is read as it grows."""

from __future__ import annotations

import math
import re
import shutil
import signal
import subprocess
import tempfile
import time
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from optimiser.errors import SolverError
from optimiser.solvers.base import Availability, Capabilities
from optimiser.solvers.milp.adapter import Answer, MatrixSolver
from optimiser.solvers.milp.pulp import program, quiet, set_start, vector
from optimiser.solvers.packages import availability

if TYPE_CHECKING:
    from optimiser.solvers.milp.adapter import Job

#: Seconds between two looks at the log, and seconds left to CBC after it was told to stop.
PAUSE: Final = 0.05
GRACE: Final = 1.0
#: Seconds past its limit at which CBC is stopped from outside.
LATE: Final = 1.0

_NUMBER: Final = r"(-?\d[\d.]*(?:e[+-]?\d+)?)"
_BOUND: Final = re.compile(rf"(?:best possible|^Continuous objective value is) {_NUMBER}")
_LAST_BOUND: Final = re.compile(rf"^Lower bound:\s+{_NUMBER}", re.MULTILINE)
_INFEASIBLE: Final = re.compile(
    # All columns are bounded, so that "or unbounded" cannot be.
    r"^(?:Problem (?:is|proven) infeasible|Pre-processing says infeasible or unbounded)",
    re.MULTILINE,
)
_RESULT: Final = re.compile(r"^Result - (.*?)\s*$", re.MULTILINE)


class Cbc(MatrixSolver):
    """CBC: streams bounds, and gives its plan at its end."""

    name = "cbc"
    capabilities = Capabilities(
        bounds=True, warm_start=True, threads=True, seed=True, interrupt=True, stays=True
    )
    row_base = 10
    largest = 1e13  # the file that it reads holds thirteen digits

    def availability(self) -> Availability:
        """Say whether PuLP is installed and brings CBC."""
        found = availability("pulp")
        if not found.installed:
            return found
        if shutil.which("cbc") is None and not _bundled():
            remedy = "pip install 'pulp<4', which brings CBC, or install coinor-cbc"
            return Availability(installed=False, version=found.version, remedy=remedy)
        return Availability(installed=True, version=f"of PuLP {found.version}")

    def run(self, job: Job) -> Answer:
        """Solve one matrix with CBC, in a folder of its own."""
        with tempfile.TemporaryDirectory(prefix="cbc-") as folder:
            return _solve(Path(folder), job)


def _bundled() -> bool:
    """Say whether PuLP brings CBC, without importing it, which imports all that it finds."""
    found = util.find_spec("pulp")
    if found is None or found.origin is None:
        return False
    folder = Path(found.origin).parent / "solverdir" / "cbc"
    return any(folder.rglob("cbc")) or any(folder.rglob("cbc.exe"))


def _program() -> Any | None:
    """Return PuLP's means of calling CBC: one on the path, else the one that PuLP brings."""
    import pulp

    with quiet():  # until PuLP 4 it brings a CBC of its own
        for name in ("COIN_CMD", "PULP_CBC_CMD"):
            make = getattr(pulp, name, None)
            solver = make and make(msg=False)
            if solver and solver.available():
                return solver
    return None


def _solve(folder: Path, job: Job) -> Answer:
    solver = _program()
    if solver is None:
        raise SolverError("PuLP finds no CBC")
    model, columns = program(job.matrix)
    solution, log = folder / "model.sol", folder / "cbc.log"
    written, names, rows, _ = model.writeMPS(str(folder / "model.mps"), rename=1)
    # Names without their folder, which may have spaces: CBC cannot read those.
    command = [str(Path(solver.path).absolute()), "model.mps"]
    if job.start is not None:
        set_start(columns, job.start)
        solver.writesol(str(folder / "start.mst"), model, written, names, rows)
        command += ["-mips", "start.mst"]
    command += _options(job)
    command += ["-solve", "-printingOptions", "all", "-solution", "model.sol"]
    job.handed_over()
    interrupted = _watch(command, log, job)
    text = log.read_text(encoding="utf-8", errors="replace")
    x = None
    if solution.exists() and solution.stat().st_size:
        values = solver.readsol_MPS(str(solution), model, written, names, rows)[1]
        model.assignVarsVals(values)
        x = vector(columns)
    return _answer(text, x, job, interrupted=interrupted)


def _options(job: Job) -> list[str]:
    matrix = job.matrix
    # It does not see the constant, to which the gap relates as well; without negative costs the
    # objective is at least that.
    least = max(matrix.offset, 0.0) if matrix.cost.min() >= 0 else 0.0
    given: dict[str, Any] = {
        "ratioGap": job.gap,
        "allowableGap": job.gap * least,
        "integerTolerance": 1e-9,
        "primalTolerance": 1e-8,
        "dualTolerance": 1e-9,
        "randomCbcSeed": job.seed % 2**31,
        "timeMode": "elapsed",
    }
    left = job.left()
    if left is not None:
        given["sec"] = f"{left:.2f}"
    if job.threads > 1:
        given["threads"] = job.threads
    return [word for name, value in given.items() for word in (f"-{name}", str(value))]


def _watch(command: list[str], log: Path, job: Job) -> bool:
    """Run CBC, report the bounds of its log; pass an interruption on, and say whether one came."""
    with (
        log.open("wb") as out,
        subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=log.parent
        ) as process,
    ):
        try:
            _follow(process, log, job)
        except KeyboardInterrupt:
            _stop(process)
            return True
        except BaseException:
            process.kill()
            raise
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Tell it to stop, upon which it writes what it has; end it if it does not listen."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        process.kill()


def _follow(process: subprocess.Popen[bytes], log: Path, job: Job) -> None:
    """Read the log as it grows, until CBC ends; stop it if it forgets its limit, as it may."""
    begun = ""
    with log.open(encoding="utf-8", errors="replace") as growing:
        while True:
            ended = process.poll() is not None
            text = growing.read()
            if job.log:
                # Standard output of the child is the user's log.
                print(text, end="", flush=True)  # noqa: T201
            lines = (begun + text).split("\n")
            begun = lines.pop()
            for line in lines:
                found = _BOUND.search(line)
                if found:
                    job.report(bound=_below(found[1]) + job.matrix.offset)
            if ended:
                return
            if job.deadline is not None and time.monotonic() > job.deadline + LATE:
                _stop(process)
                continue
            time.sleep(PAUSE)


def _below(text: str) -> float:
    """Return a printed number less half its last digit, which rounding may have added."""
    value = float(text)
    if not value:
        return value
    mantissa, _, _ = text.lower().partition("e")
    digits = len(mantissa.replace("-", "").replace(".", "").lstrip("0")) or 1
    if "." not in mantissa and "e" not in text.lower():
        return value - 0.5 if digits >= 6 else value
    return value - 0.5 * 10.0 ** (math.floor(math.log10(abs(value))) - digits + 1)


def _answer(text: str, x: Any, job: Job, *, interrupted: bool) -> Answer:
    """Judge by the log: the status that PuLP reads calls a stopped run optimal."""
    matrix = job.matrix
    objective = None if x is None else float(matrix.cost @ x) + matrix.offset
    results = _RESULT.findall(text)
    result = results[-1] if results else ""
    bounds = _LAST_BOUND.findall(text)
    bound = _below(bounds[-1]) + matrix.offset if bounds else None
    if "infeasible" in result.lower() or _INFEASIBLE.search(text):
        return Answer(reason="infeasible")
    if result.startswith("Optimal solution found"):
        if bound is None and objective is not None:
            bound = objective
        reason = "finished" if x is not None else "failed"
        return Answer(reason=reason, x=x, objective=objective, bound=bound,
                      message="" if x is not None else "CBC gave no whole solution")  # fmt: skip
    late = job.deadline is not None and time.monotonic() > job.deadline - PAUSE
    if interrupted or late or result.startswith(("Stopped on", "User ctrl-c")):
        reason = "limit" if late or "Stopped on time" in text else "interrupted"
        return Answer(reason=reason, x=x, objective=objective, bound=bound)
    raise SolverError(f"CBC ended too early; its log ends: {text.strip()[-300:]!r}")

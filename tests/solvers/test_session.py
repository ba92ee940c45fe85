"""solve() against solvers that crash, hang, lie or mumble: each is caught and named."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from toy_result import BEST, best_plan, toy

from optimiser.errors import FileError, SolverError, UsageError
from optimiser.model.check import in_house_account
from optimiser.model.plan import Plan
from optimiser.solvers import registry
from optimiser.solvers.process import release
from optimiser.solvers.result import FAILURES, LIES, Progress, Result
from optimiser.solvers.session import solve
from solvers import fakes


def run(fake: str, **options: Any) -> Result:
    """Solve the toy with one of the fakes."""
    name = f"fake-{fake}"
    registry.register(name, f"solvers.fakes:{fake}")
    return solve(toy(), solver=name, **options)


def at_home() -> int:
    """Objective of having everything in-house, which the fakes offer."""
    account = in_house_account(toy())
    assert account is not None
    return account.objective


@pytest.fixture(autouse=True)
def _no_leftovers(tmp_path, monkeypatch):
    """Whatever happens, no process of ours and no folder is left."""
    folder = tmp_path / "temporary files"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    release()
    yield
    release()
    assert list(folder.iterdir()) == []
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


CRASHES = {
    "Segfault": "was ended by SIGSEGV",
    "Killed": "was ended by SIGKILL, as the system does when memory runs out",
    "Exits": "ended early with exit code 3; its last words: licence expired",
    "Raises": "failed: RuntimeError: matrix is upside down",
    "Starves": "failed: MemoryError",
    "Mumbles": "it returned a dict instead of an Outcome",
}


@pytest.mark.parametrize("fake", CRASHES)
def test_crash_is_named_and_the_streamed_plan_kept(fake):
    """A solver that ends in any wrong way leaves its last plan, and a reason that names it."""
    result = run(fake)
    assert result.status == "feasible"
    assert result.objective_units == at_home()
    assert result.bound_units == 1
    assert CRASHES[fake] in result.reasons[-1]
    assert "fake" in result.reasons[-1]


def test_crash_without_a_plan_is_an_error():
    """Without any plan the status is error, and no figures are made up."""
    result = run("Invents")
    assert result.status == "error"
    assert result.plan is None
    assert result.gap is None
    assert "'tired'" in result.reasons[0]


def test_hang_is_killed_after_its_limit(monkeypatch, tmp_path):
    """A solver deaf to its limit and to SIGINT is killed with its children; its plan stays."""
    monkeypatch.setattr("optimiser.solvers.process.ASK", 0.3)
    monkeypatch.setattr("optimiser.solvers.process.OVERRUN", 0.6)
    log, began = tmp_path / "log", time.monotonic()
    result = run("Hangs", time_limit=1.0, log=log)
    assert time.monotonic() - began < 4
    assert result.status == "feasible"
    assert "ran past its time limit" in result.reasons[-1]
    for number in log.read_text().split():
        assert gone(int(number))


@pytest.mark.parametrize("stands", [120.0, 0.1])
def test_a_clock_that_stands_still_is_no_overrun_for_so_long(monkeypatch, stands):
    """What a solver does while its clock stands does not count, up to a limit."""
    monkeypatch.setattr("optimiser.solvers.process.ASK", 0.3)
    monkeypatch.setattr("optimiser.solvers.process.OVERRUN", 0.6)
    monkeypatch.setattr("optimiser.solvers.process.STANDS", stands)
    began = time.monotonic()
    result = run("StopsItsClock", time_limit=2.5)
    assert result.status == "feasible"
    assert (time.monotonic() - began > 4) == (stands > 4)


def gone(process: int, within: float = 1.0) -> bool:
    """Whether a process ends within so many seconds; a zombie of another parent has ended."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


def test_printing_disturbs_nothing(capfd, tmp_path):
    """What a solver prints goes to the log, or nowhere, and never to our own output."""
    log = tmp_path / "solver.log"
    assert run("Prints", log=log).status == "feasible"
    assert run("Prints").status == "feasible"
    assert capfd.readouterr() == ("", "")
    assert log.read_text().count("banner") == 10000


def test_claim_of_infeasibility_without_a_plan_names_its_author():
    """Infeasible is reported as that solver's proof."""
    result = run("ClaimsNoPlan")
    assert result.status == "infeasible"
    assert result.reasons == ("fake proved that no plan keeps every rule",)


@pytest.mark.parametrize(("fake", "start"), [("Contradicts", False), ("ClaimsNoPlan", True)])
def test_claim_of_infeasibility_against_a_plan_is_a_lie(fake, start):
    """Where a checked plan exists, the claim that there is none is named and dropped."""
    result = run(fake, start=best_plan(toy()) if start else None)
    assert result.status == "feasible"
    assert result.bound is None
    assert "claims that there is no plan, although there is one" in result.reasons[-1]


def test_bound_above_a_plan_is_dropped():
    """A bound that contradicts a checked plan is dropped, and its author named."""
    result = run("ClaimsBound")
    assert (result.status, result.bound) == ("feasible", None)
    assert "its bound is wrong and was dropped" in result.reasons[-1]


def test_cost_claimed_is_not_believed():
    """The cost is the checker's; a lower claim is named, and does not make a plan optimal."""
    result = run("ClaimsCost")
    assert result.status == "feasible"
    assert result.objective_units == at_home()
    assert "claims an objective of 1.00 GBP" in result.reasons[-1]


def test_optimum_claimed_is_not_believed():
    """Finished or not: optimal is what cost and bound say."""
    result = run("ClaimsOptimum")
    assert result.status == "feasible"
    assert result.gap == pytest.approx(0.5)


KINDS = {
    "Segfault": ["crashed"],
    "Exits": ["crashed"],
    "Starves": ["memory"],
    "Raises": ["failed"],
    "Mumbles": ["failed"],
    "Invents": ["failed"],
    "Refuses": ["unsupported"],
    "Contradicts": ["infeasible"],
    "ClaimsBound": ["bound"],
    "ClaimsCost": ["objective"],
    "ClaimsOptimum": ["finished"],
    "BreaksRules": ["plan"],
    "OnlyBreaksRules": ["plan", "finished"],
    "Fake": [],
}


@pytest.mark.parametrize("fake", KINDS)
def test_faults_are_told_by_kind(fake):
    """What a solver did wrong is there for programs, by kind, with a sentence of the reasons."""
    result = run(fake)
    assert [fault.kind for fault in result.faults] == KINDS[fake]
    assert set(KINDS[fake]) <= {*FAILURES, *LIES}
    assert {fault.text for fault in result.faults} <= set(result.reasons)


def test_plan_that_breaks_a_rule_is_refused_for_an_earlier_one():
    """The cheapest plan fails the check, so the streamed one stands, and the solver is named."""
    result = run("BreaksRules")
    assert result.status == "feasible"
    assert result.objective_units == at_home()
    assert any("breaks a rule" in reason for reason in result.reasons)


def test_only_plans_that_break_rules_are_an_error():
    """A solver that says finished with no valid plan has failed; its bound is still shown."""
    result = run("OnlyBreaksRules")
    assert result.status == "error"
    assert result.plan is None
    assert any("breaks a rule" in reason for reason in result.reasons)


def test_nonsense_is_caught():
    """Infinite and undefined numbers and plans out of range do no harm."""
    result = run("Nonsense")
    assert result.status == "feasible"
    assert result.objective_units == at_home()
    assert result.bound is None


def test_refusal_is_an_error_with_the_part_named():
    """A solver that cannot represent the problem gives status error and says which part."""
    result = run("Refuses")
    assert result.status == "error"
    assert result.reasons == ("fake cannot take this problem: row 7 is too long",)


def test_options_reach_the_solver():
    """Threads, seed, gap and start arrive; the limit arrives less the time that has gone."""
    result = run("Counts", threads=2, seed=7, gap=0.25, time_limit=30, start=best_plan(toy()))
    assert result.reasons == ("fake failed: 2 7 0.25 True True",)


def test_start_is_the_first_incumbent_of_every_solver():
    """A start better than all the solver finds is the answer, even of one that ignores starts."""
    result = run("Fake", start=best_plan(toy()))
    assert result.objective_units == BEST
    assert result.trace[0].objective == BEST
    assert run("Raises", start=result).objective_units == BEST


def test_start_that_breaks_a_rule_is_dropped_with_a_note():
    """It is neither used nor handed on."""
    result = run("Counts", start=Plan.of([(0, 0, 1)]), time_limit=30)
    assert "the start breaks a rule and does not count" in result.reasons[0]
    assert result.reasons[1] == "fake failed: 1 0 0.0001 False True"


def test_start_of_another_instance_is_refused():
    """A plan with rows that this instance has not is a usage error."""
    with pytest.raises(UsageError, match="another instance"):
        run("Fake", start=Plan.of([(999, 0, 1)]))


def test_progress_gets_lines_and_records():
    """Cleaning is told in words, the rest in records that print as a line."""
    seen: list[Progress | str] = []
    run("Fake", progress=seen.append)
    records = [item for item in seen if isinstance(item, Progress)]
    assert records[-1].objective == at_home() / 100
    assert "best" in str(records[-1])


def test_progress_that_raises_ends_the_solve():
    """An error in the caller's own function goes to the caller, and nothing is left behind."""

    def angry(item: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run("Waits", progress=angry)


@pytest.mark.parametrize(
    "bad",
    [{"time_limit": 0}, {"time_limit": float("nan")}, {"gap": -1}, {"gap": float("nan")},
     {"threads": 0}, {"seed": -1}],
)  # fmt: skip
def test_options_that_do_not_fit_are_refused(bad):
    """Each names itself."""
    with pytest.raises(UsageError, match=next(iter(bad))):
        run("Fake", **bad)


def test_missing_solver_says_how_to_get_it():
    """A solver that is not installed is named with its remedy."""
    with pytest.raises(SolverError, match="pip install nothing"):
        run("Missing")


def test_log_that_cannot_be_written_is_a_file_error(tmp_path):
    """It says so before any solving."""
    with pytest.raises(FileError):
        run("Fake", log=tmp_path / "nowhere" / "log")


def test_proof_by_counting_needs_no_solver():
    """What cannot work by mere counting is infeasible with its reasons, and no solver runs."""
    from small_tables import small_settings, small_tables

    from optimiser.model.build import instance_from

    tables = small_tables()
    tables["demand"]["in_house_cost"] = ["50000", "", "", "90000"]
    tables["offers"]["capacity"] = ["1000", "5", ""]
    instance = instance_from(tables, small_settings())
    registry.register("fake-any", "solvers.fakes:Segfault")
    result = solve(instance, solver="fake-any")
    assert (result.status, result.solver) == ("infeasible", "counting")
    assert result.reasons


def test_seconds_are_told_by_stage():
    """Every stage has its seconds, and they add up to no more than the total."""
    seconds = dict(run("Fake").seconds)
    total = seconds.pop("total")
    solver = seconds.pop("solver")
    assert {"compile", "clean", "start", "solve", "check"} <= set(seconds)
    assert sum(seconds.values()) <= total + 1e-6
    assert solver <= total


def test_fakes_are_importable_in_the_child():
    """The child looks for modules where its parent does, tests included."""
    assert fakes.Fake().availability().installed
    assert run("Fake").status == "feasible"


def test_a_path_is_no_instance():
    """Who hands a path over is told how to read it."""
    with pytest.raises(UsageError, match=r"optimiser\.read"):
        solve("instances/toy")

"""One run: whatever a solver does, the record says what it was, and nothing stays behind."""

from __future__ import annotations

import time

import pytest
from cases import AT_HOME, BEST, TOY, published, task

from benchmarks import limits
from benchmarks.limits import run_task
from benchmarks.permute import permute
from benchmarks.suites import Case, Task
from benchmarks.worker import read_instance
from optimiser.model.compile import compile_problem


def run(solver: str, case: Case = TOY, **changed):
    """Run one task to its end."""
    record = run_task(task(solver, case, **changed), lambda: False)
    assert record is not None
    return record


def test_honest_run_is_recorded_whole(fakes):
    """A run by a real solver has its plan's objective, its hash, its times and its trace."""
    record = run("highs")
    assert (record["status"], record["solved"], record["failure"]) == ("optimal", True, "")
    assert record["objective"] == record["bound"] == BEST
    assert record["wrong"] == record["reasons"] == []
    assert record["sizes"]["pairs"] == 6
    assert record["instance_hash"] == read_instance(TOY.source).hash
    seconds = record["seconds"]
    assert {"read", "compile", "clean", "start", "solver", "check", "total"} <= set(seconds)
    assert record["time"] == pytest.approx(seconds["clean"] + seconds["solver"], abs=1e-3)
    assert record["wall"] >= seconds["read"] + seconds["total"]
    assert record["peak_mib"] > 50
    assert record["trace"][-1][1:] == [BEST, BEST]
    assert all(0 <= point[0] <= record["time"] + 1e-3 for point in record["trace"])


FAILURES = {
    "segfault": ("crashed", "SIGSEGV"),
    "exits": ("crashed", "licence expired"),
    "raises": ("failed", "matrix is upside down"),
    "starves": ("memory", "MemoryError"),
    "mumbles": ("failed", "dict instead of an Outcome"),
    "invents": ("failed", "'tired'"),
    "refuses": ("unsupported", "row 7 is too long"),
}


@pytest.mark.parametrize("fake", FAILURES)
def test_failure_is_told_by_kind(fakes, fake):
    """A solver that crashes, raises, starves or refuses is recorded as that, with its words."""
    record = run(f"fake-{fake}")
    assert record["failure"] == FAILURES[fake][0]
    assert FAILURES[fake][1] in record["failure_text"]
    assert not record["solved"]
    assert record["wrong"] == []


LIES = {
    "no-plan": "but the plan all in-house breaks no rule",
    "contradicts": "although there is one",
    "bound": "its bound is wrong",
    "cost": "claims an objective of 1.00 GBP",
    "optimum": "by its own bound the gap is 0.5",
    "breaks-rules": "breaks a rule",
    "only-breaks-rules": "there is no valid plan",
}


@pytest.mark.parametrize("fake", LIES)
def test_lie_is_a_wrong_answer(fakes, fake):
    """Lies about status, cost, bound and feasibility are wrong answers, and solve nothing."""
    record = run(f"fake-{fake}")
    assert any(LIES[fake] in sentence for sentence in record["wrong"])
    assert not record["solved"]
    assert record["failure"] == ""


def test_nonsense_does_no_harm(fakes):
    """Infinite and undefined numbers end in a record that JSON can hold."""
    record = run("fake-nonsense")
    assert record["objective"] == AT_HOME
    assert record["wrong"]


def test_infeasible_is_wrong_where_a_plan_is_published(fakes):
    """Claimed infeasibility is compared with what is known."""
    record = run("fake-no-plan", published("220600"))
    assert not record["solved"]
    assert any("one at 220600 is published" in sentence for sentence in record["wrong"])


def test_hang_is_killed_and_its_plan_kept(fakes):
    """A solver deaf to everything is killed five seconds past its limit; its last plan counts."""
    record = run("fake-hangs", limit=0.5)
    assert (record["failure"], record["status"]) == ("hung", "feasible")
    assert record["objective"] == AT_HOME


def test_overrun_is_no_solution(fakes):
    """A solver that stops only when reminded, past its limit, has overrun, whatever it found."""
    record = run("fake-overruns", limit=0.5)
    assert (record["failure"], record["status"], record["solved"]) == ("overran", "optimal", False)
    assert record["time"] > 1.5


def test_stopped_worker_is_killed_by_the_runner(fakes, monkeypatch):
    """Where even the process that watches the solver hangs, the runner ends all of it."""
    monkeypatch.setattr(limits, "SLACK", 2.0)
    began = time.monotonic()
    record = run("fake-stops-worker", limit=0.5)
    assert time.monotonic() - began < 15
    assert (record["failure"], record["status"], record["solved"]) == ("hung", "error", False)
    assert record["instance_hash"]
    assert 2.5 < record["time"] < 10


def test_killed_worker_is_a_crash(fakes):
    """A worker that ends without a record is recorded as crashed, with the instance it had read."""
    record = run("fake-kills-worker")
    assert (record["failure"], record["status"]) == ("crashed", "error")
    assert "SIGKILL" in record["failure_text"]
    assert record["sizes"]["pairs"] == 6


def test_reading_has_an_allowance_of_its_own(fakes, monkeypatch):
    """A run whose instance cannot be read in time is killed and says so."""
    monkeypatch.setattr(limits, "READING", 0.05)
    record = run("fake-quick")
    assert record["failure"] == "hung"
    assert "reading the instance" in record["failure_text"]


@pytest.mark.parametrize("fake", ["hoards", "hoards-below"])
def test_memory_limit_holds_for_the_whole_tree(fakes, fake):
    """Solver or solver's child: what takes too much is killed, and the plan before that kept."""
    record = run(f"fake-{fake}", memory_mib=400)
    assert (record["failure"], record["status"]) == ("memory", "feasible")
    assert record["objective"] == AT_HOME
    assert 400 < record["peak_mib"] < 1000
    assert "more than 400" in record["failure_text"]


def test_memory_of_the_worker_itself_is_limited(fakes):
    """A limit below what the worker needs ends the whole run."""
    record = run("fake-slow", memory_mib=10)
    assert (record["failure"], record["status"]) == ("memory", "error")


def test_strays_are_ended(fakes):
    """What a solver leaves behind in a session of its own ends with the run."""
    assert run("fake-strays")["solved"]


def test_run_can_be_stopped(fakes):
    """Once told to stop, everything ends and there is no record."""
    began = time.monotonic()
    assert run_task(task("fake-slow"), lambda: time.monotonic() > began + 1.0) is None
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("case", "solver", "words"),
    [
        (TOY, "fake-missing", "pip install nothing"),
        (TOY, "fake-unknown", "no solver called"),
        (Case(set="x", instance="x", source={"file": "/nowhere", "reader": "orlib"}), "highs",
         "/nowhere"),
        (Case(set="x", instance="x", source={"family": "toys", "seed": 0, "sizes": {}}), "highs",
         "no family"),
    ],
)  # fmt: skip
def test_what_cannot_be_run_is_refused(fakes, case, solver, words):
    """No such solver, file or family is no run that failed, but a reason why there is none."""
    record = run(solver, case)
    assert set(record) == {"refused"}
    assert words in record["refused"]


def test_run_keeps_to_its_cores(fakes):
    """The worker and what it starts may use the cores named, and no others."""
    record = run_task(task("fake-quick"), lambda: False, [0])
    assert record is not None
    assert record["solved"]


def test_permuted_instance_is_the_same_in_another_order(fakes):
    """A seed permutes rows and columns of the program; content and best objective stay."""
    source = {"family": "everything", "seed": 1,
              "sizes": {"organisations": 8, "services": 2, "centres": 3,
                        "co_operatives": 4}}  # fmt: skip
    plain = read_instance(source)
    other = permute(plain, 3)
    assert other.hash == plain.hash
    assert permute(plain, 0) is plain
    assert permute(plain, 3)["demand"]["volume"].tolist() == other["demand"]["volume"].tolist()
    one, two = compile_problem(plain), compile_problem(other)
    assert one.pair_volume.tolist() != two.pair_volume.tolist()
    assert sorted(one.pair_volume.tolist()) == sorted(two.pair_volume.tolist())
    case = Case(set="everything", instance="e", source=source)
    objectives = {run("highs", case, seed=seed, gap=0.0)["objective"] for seed in (0, 3)}
    assert len(objectives) == 1


def test_task_survives_its_document():
    """A task as JSON and back is the same task, with the same key."""
    given = task("highs", published("1.50"), seed=4, gap=0.0)
    assert Task.of(given.document()) == given
    assert Task.of(given.document()).key == given.key

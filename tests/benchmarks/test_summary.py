"""What runs say of each other, and the figures by which solvers are compared, worked by hand."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import pytest
from made_runs import made_run, unsolved_run, write_records

from benchmarks.crosschecks import cross_check, read_entries
from benchmarks.summary import (
    VIRTUAL_BEST,
    compare_solvers,
    gap_at_end,
    integrals,
    summarise,
)
from optimiser.errors import FileError


def wrong(*runs):
    """Return what is wrong with each run."""
    return [entry.wrong for entry in cross_check(runs)]


def lines(*runs, shift=10.0):
    """Return the figures of each solver."""
    return {line.solver: line for line in compare_solvers(cross_check(runs), shift).lines}


def test_bound_above_another_runs_plan_is_wrong():
    """Who claims that nothing is below 99.99 is wrong if another has a checked plan for 99.00."""
    found = wrong(made_run("a", objective=10_000, bound=9_999), made_run("b", objective=9_900,
                                                                         bound=9_900))  # fmt: skip
    assert found[1] == ()
    assert len(found[0]) == 1
    assert "its bound is 99.99" in found[0][0]
    assert "99.00" in found[0][0]


def test_bound_above_by_rounding_is_not_wrong():
    """A billionth above is a float's rounding; a hundred times that is not."""
    plan = made_run("b", objective=10**12, bound=10**12)
    assert wrong(unsolved_run("a", objective=2 * 10**12, bound=10**12 + 900), plan) == [(), ()]
    found = wrong(unsolved_run("a", objective=2 * 10**12, bound=10**12 + 100_000), plan)
    assert len(found[0]) == 1


def test_infeasible_where_another_has_a_plan_is_wrong():
    """A claim that there is no plan falls by any checked plan, also of another seed and limit."""
    claim = made_run("a", status="infeasible", objective=None, bound=None)
    found = wrong(claim, unsolved_run("b", seed=3, limit=10.0))
    assert found[1] == ()
    assert "there is no plan" in found[0][0]
    assert not cross_check([claim, unsolved_run("b", seed=3, limit=10.0)])[0].solved


def test_infeasible_where_none_has_a_plan_stands():
    """Where nobody has a plan, the proof that there is none counts as solved, at a gap of 0."""
    claim = made_run("a", status="infeasible", objective=None, bound=None)
    entries = cross_check([claim, unsolved_run("b", status="unknown", objective=None, bound=None)])
    assert entries[0].solved
    assert gap_at_end(entries[0]) == 0
    assert gap_at_end(entries[1]) == 1


def test_two_optima_apart_by_more_than_the_gap_are_wrong():
    """At gap 1 %, 100.00 as optimal allows 99.00 elsewhere and not 98.99."""
    claim = made_run("a", gap=0.01, objective=10_000, bound=None)
    assert wrong(claim, made_run("b", gap=0.01, objective=9_900, bound=9_900)) == [(), ()]
    found = wrong(claim, made_run("b", gap=0.01, objective=9_899, bound=9_899))
    assert "optimal" in found[0][0]
    assert found[1] == ()


def test_runs_of_other_instances_say_nothing():
    """The same name in another set, or with another hash, is another instance."""
    cheap = made_run("b", objective=1, bound=1)
    assert wrong(made_run("a"), dataclasses.replace(cheap, instance_hash="other")) == [(), ()]
    assert wrong(made_run("a"), dataclasses.replace(
        cheap, set="elsewhere", instance_hash="other")) == [(), ()]  # fmt: skip


def test_run_that_died_without_a_hash_belongs_to_its_name():
    """A run that was killed before it read its instance is compared under its name."""
    dead = made_run("b", instance_hash="", solved=False, status="error", objective=None,
                    bound=None, failure="memory")  # fmt: skip
    entries = cross_check([made_run("a"), dead])
    assert entries[0].case == entries[1].case


def test_best_known_is_the_least_of_all_runs_and_published():
    """Published 99.5 beats plans for 100.00 and 101.00; a plan for 99.00 beats that."""
    runs = [made_run("a", best_known="99.5", bound=9_900), made_run("b", objective=10_100,
                                                                    bound=9_900)]  # fmt: skip
    assert [entry.best for entry in cross_check(runs)] == [Fraction(9_950)] * 2
    runs.append(made_run("c", objective=9_900, bound=9_900))
    assert [entry.best for entry in cross_check(runs)] == [Fraction(9_900)] * 3


def test_best_known_of_nothing_is_none():
    """Without plans and without a published value there is nothing to measure integrals by."""
    entries = cross_check([unsolved_run(objective=None, bound=5, status="unknown")])
    assert entries[0].best is None
    assert integrals(entries[0]) is None


def test_integrals_of_a_run():
    """Limit 60, z* = 100.00 from the other run.

    Plan 200.00 at 10 s (p = 1/2), 100.00 at 20 s: 10 + 10/2 = 15. Bound 50.00 at 5 s (1/2), 80.00
    at 20 s (1/5): 5 + 15/2 + 40/5 = 20.5.
    """
    trace = ((5.0, None, 5_000), (10.0, 20_000, 5_000), (20.0, 10_000, 8_000))
    entries = cross_check([unsolved_run("a", trace=trace), made_run("b")])
    assert integrals(entries[0]) == pytest.approx((15, 20.5))


def test_wrong_answer_earns_nothing():
    """A run with a wrong answer is unsolved, at gap 1 and with both integrals at the limit."""
    run = made_run("a", wrong=("its plan breaks a rule",), trace=((1.0, 10_000, 10_000),))
    entry = cross_check([run])[0]
    assert not entry.solved
    assert gap_at_end(entry) == 1
    assert integrals(entry) == (60, 60)


def test_figures_of_two_solvers():
    """Cases one and two, limit 60; a: 6 s and unsolved at 20 %; b: 30 s and 40 s.

    σ = 10. a: √(16 × 70) − 10 = 23.466…; b: √(40 × 50) − 10 = 34.721…; ratio b / a = 1.4796….
    PAR10 a: (6 + 600) / 2 = 303, b: 35. Solved by both: case one, so 6 and 30.
    Gap a: (0 + 0.2) / 2 = 0.1. Virtual best: 6 and 40, √(16 × 50) − 10 = 18.284…
    """
    found = lines(
        made_run("a", "one", time=6.0), unsolved_run("a", "two"),
        made_run("b", "one", time=30.0), made_run("b", "two", time=40.0),
    )  # fmt: skip
    a, b, best = found["a"], found["b"], found[VIRTUAL_BEST]
    assert (a.solved, b.solved, best.solved) == (1, 2, 2)
    assert a.mean == pytest.approx((16 * 70) ** 0.5 - 10)
    assert b.mean == pytest.approx((40 * 50) ** 0.5 - 10)
    assert a.ratio == 1
    assert b.ratio == pytest.approx(((40 * 50) ** 0.5 - 10) / ((16 * 70) ** 0.5 - 10))
    assert (a.par10, b.par10, best.par10) == (303, 35, 23)
    assert (a.joint_mean, b.joint_mean, best.joint_mean) == (6, 30, 6)
    assert (a.gap, b.gap) == (pytest.approx(0.1), 0)
    assert best.mean == pytest.approx((16 * 50) ** 0.5 - 10)
    assert list(found) == ["b", "a", VIRTUAL_BEST]


def test_times_above_the_limit_count_as_the_limit():
    """A run solved at 60.4 s of 60 counts 60 s."""
    assert lines(made_run("a", time=60.4))["a"].par10 == 60


def test_no_plan_and_no_bound_are_counted():
    """Unsolved runs without plan or bound are counted, proofs that there is none are not."""
    found = lines(
        unsolved_run("a", "one", objective=None, status="unknown"),
        unsolved_run("a", "two", bound=None),
        unsolved_run("a", "three", objective=None, bound=None, failure="crashed"),
        made_run("a", "four", status="infeasible", objective=None, bound=None),
    )["a"]
    assert (found.no_plan, found.no_bound, found.failed, found.solved) == (2, 2, 1, 1)
    assert found.gap == pytest.approx(3 / 4)


def test_only_cases_of_all_solvers_are_compared():
    """A case that one solver lacks is left out for all, but for its wrong answers."""
    runs = [made_run("a", "one"), made_run("b", "one"), made_run("a", "two", wrong=("a lie",))]
    scope = compare_solvers(cross_check(runs), 10)
    assert (scope.cases, scope.compared) == (2, 1)
    by_name = {line.solver: line for line in scope.lines}
    assert by_name["b"].missing == 1
    assert by_name["a"].wrong == 1
    assert by_name["a"].solved == 1


def test_no_case_in_common_gives_no_figures():
    """Where no case was run by all there are no means, and nothing breaks."""
    scope = compare_solvers(cross_check([made_run("a", "one"), made_run("b", "two")]), 10)
    assert scope.compared == 0
    assert [line.mean for line in scope.lines] == [None, None]


def test_one_run_only():
    """One run of one solver has every figure and no virtual best."""
    found = lines(made_run("a", time=6.0))
    assert list(found) == ["a"]
    assert found["a"].mean == pytest.approx(6)
    assert found["a"].ratio == 1


def test_sets_come_after_all():
    """The first scope is everything, then each set in order, with one shift for all."""
    runs = [made_run(set="y", limit=10.0), made_run(set="x", instance="two", limit=100.0)]
    scopes = summarise(cross_check(runs))
    assert [scope.name for scope in scopes] == ["", "x", "y"]
    assert {scope.shift for scope in scopes} == {10}
    assert [scope.name for scope in summarise(cross_check(runs[:1]))] == [""]
    assert summarise(cross_check(runs[:1]))[0].shift == 1


def test_solvers_are_told_apart_by_threads_and_version():
    """The same solver with two and four threads, or in two versions, is two solvers."""
    by_threads = cross_check([made_run("a", threads=2), made_run("a", threads=4)])
    assert [entry.solver for entry in by_threads] == ["a, 2 threads", "a, 4 threads"]
    by_version = cross_check([made_run("a"), made_run("a", solver_version="2.0"), made_run("b")])
    assert [entry.solver for entry in by_version] == ["a 1.0", "a 2.0", "b"]


def test_runs_in_two_files_count_once(tmp_path):
    """A run that two files hold counts as in the first, and that is said."""
    one = write_records(tmp_path / "one.jsonl", [made_run("a", time=1.0)])
    two = write_records(tmp_path / "two.jsonl", [made_run("a", time=2.0), made_run("b")])
    records = read_entries([one, two])
    assert [(entry.solver, entry.run.time) for entry in records.entries] == [("a", 1.0), ("b", 6.0)]
    assert records.repeated == 1


def test_file_without_runs_is_refused(tmp_path):
    """A file with a session and no run says what to do."""
    with pytest.raises(FileError, match="no finished run"):
        read_entries([write_records(tmp_path / "none.jsonl", [])])


def test_ties_go_to_the_smaller_gap():
    """Where nobody solves anything in time the solver that is nearest to it comes first."""
    entries = cross_check([unsolved_run("a", bound=5_000), unsolved_run("b", bound=9_000)])
    (scope,) = summarise(entries)
    assert [line.solver for line in scope.lines] == ["b", "a", "virtual best"]

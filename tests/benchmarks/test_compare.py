"""Comparisons of two files and of two solvers: what counts as worse, and what is printed."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest
from made_runs import made_run, made_session, unsolved_run, write_records

from benchmarks.compare import (
    NO_REGRESSION,
    REGRESSION,
    Pair,
    compare_files,
    compare_pairs,
    compare_solvers,
)
from benchmarks.crosschecks import cross_check
from optimiser.errors import UsageError

ROOT = Path(__file__).parents[2]


def many(solver="a", *, factor=1.0, count=12, **changes):
    """Return runs of `count` instances that take 4, 6, 8, … seconds times a factor."""
    return [
        made_run(solver, f"instance {k}", time=(4.0 + 2 * k) * factor, **changes)
        for k in range(count)
    ]


@pytest.fixture
def compared(tmp_path, capsys):
    """Compare two lists of runs as files; return the exit code and what was printed."""

    def call(old, new, **options):
        for path in tmp_path.iterdir():
            path.unlink()
        files = [write_records(tmp_path / f"{name}.jsonl", runs)
                 for name, runs in (("old", old), ("new", new))]  # fmt: skip
        code = compare_files(*files, **options)
        # On a terminal of any width the words are the same.
        return code, " ".join(capsys.readouterr().out.split())

    return call


def test_same_runs_are_no_regression(compared):
    """Nothing changed: ratio 1, the test undefined, exit code 0."""
    code, out = compared(many(), many())
    assert code == NO_REGRESSION
    assert "1.00 (1.00–1.00) – 0 % → 0 % no difference" in out
    assert "No regression." in out


def test_slower_beyond_tolerance_is_a_regression(compared):
    """All twelve instances take 1.5 times as long: the interval lies above 1.05 and p is small."""
    code, out = compared(many(), many(factor=1.5))
    assert code == REGRESSION
    assert "slower" in out
    assert "REGRESSION a: mean time grew by more than 5%" in out


def test_slower_within_tolerance_is_none(compared):
    """The same slowdown passes where the mean may double."""
    code, out = compared(many(), many(factor=1.5), tolerance=1.0)
    assert code == NO_REGRESSION
    assert "slower" in out


def test_faster_is_told(compared):
    """Half the time on every instance is faster, and no regression."""
    code, out = compared(many(), many(factor=0.5))
    assert code == NO_REGRESSION
    assert "faster" in out


def test_three_instances_prove_nothing(compared):
    """Three of three slower may be chance: 2 / 2³ = 0.25, so no regression is claimed."""
    code, out = compared(many(count=3), many(count=3, factor=2.0))
    assert code == NO_REGRESSION
    assert "0.25" in out


def test_new_wrong_answer_is_a_regression(compared):
    """One wrong answer that was none before; the same one before is no news."""
    lie = dataclasses.replace(many()[0], wrong=("its plan breaks a rule",))
    code, out = compared(many(), [lie, *many()[1:]])
    assert code == REGRESSION
    assert "new wrong answers: 1" in out
    assert "its plan breaks a rule" in out
    code, out = compared([lie, *many()[1:]], [lie, *many()[1:]])
    assert code == NO_REGRESSION


def test_plan_of_the_other_file_shows_a_wrong_bound(compared):
    """A bound above a plan that only the older file has is a new wrong answer."""
    old = [unsolved_run("a", objective=9_000, bound=8_000)]
    new = [unsolved_run("a", objective=10_000, bound=9_500)]
    code, out = compared(old, new)
    assert code == REGRESSION
    assert "its bound is 95.00" in out
    assert compared(new, new)[0] == NO_REGRESSION


def test_wrong_answer_in_a_run_that_old_lacks_counts(compared):
    """A wrong answer is one wherever it is."""
    lie = made_run("a", "unheard of", wrong=("a lie",))
    assert compared(many(), [*many(), lie])[0] == REGRESSION


def test_lost_with_time_to_spare_is_a_regression(compared):
    """Solved in 28 s of 60 before and not solved now."""
    code, out = compared([made_run(time=28.0)], [unsolved_run()])
    assert code == REGRESSION
    assert "lost although solved within half the limit before: 1" in out
    assert "28.0 s → gap 20 %" in out


def test_lost_near_the_limit_is_noise(compared):
    """One run solved in 55 s of 60 before and not now is no regression, but it is told."""
    code, out = compared([made_run(time=55.0)], [unsolved_run()])
    assert code == NO_REGRESSION
    assert "a: lost (1)" in out


def test_many_lost_near_the_limit_are_a_regression(compared):
    """Five lost and none won is 1 / 2⁵, less than 0.05; four are 1 / 16, and may be chance."""
    old = [made_run(instance=str(k), time=55.0) for k in range(5)]
    new = [unsolved_run(instance=str(k)) for k in range(5)]
    assert compared(old[:4], new[:4])[0] == NO_REGRESSION
    code, out = compared(old, new)
    assert code == REGRESSION
    assert "lost 5, won 0: more than chance" in out


def test_won_runs_are_told(compared):
    """Runs that are solved now and were not before are listed."""
    code, out = compared([unsolved_run()], [made_run(time=5.0)])
    assert code == NO_REGRESSION
    assert "a: won (1)" in out


def test_new_failures_are_told(compared):
    """A crash where there was none is listed with its reason."""
    crash = unsolved_run(failure="crashed", failure_text="signal 11", objective=None)
    assert "a: new failures (1)" in compared([unsolved_run()], [crash])[1]


def test_only_joint_runs_are_compared(compared):
    """Another limit is another run, and a changed instance another instance: left out, and said."""
    old = [*many(), made_run("a", "extra", limit=10.0), made_run("a", "drawn")]
    new = [*many(), made_run("a", "extra", limit=20.0),
           made_run("a", "drawn", instance_hash="anew")]  # fmt: skip
    _, out = compared(old, new)
    assert "12 runs are in both; 1 only in OLD and 1 only in NEW" in out
    assert "because their instance is another under the same name: 1." in out


def test_nothing_in_common_is_a_mistake(compared):
    """Files without a common run cannot be compared."""
    with pytest.raises(UsageError, match="no run in common"):
        compared([made_run("a")], [made_run("b")])


def test_other_machine_is_told(tmp_path, capsys):
    """Times of another processor are compared with a warning."""
    other = made_session(machine={"cpu": "another", "cores": 64})
    old = write_records(tmp_path / "old.jsonl", many())
    new = write_records(tmp_path / "new.jsonl", many(), other)
    compare_files(old, new)
    assert "like is not compared with like" in capsys.readouterr().out


def test_faster_solver_of_one_file(tmp_path, capsys):
    """a takes half of b's time everywhere: "a is faster than b" holds, the reverse is worse."""
    file = write_records(tmp_path / "both.jsonl", [*many("a"), *many("b", factor=2.0)])
    assert compare_solvers(file, "a", "b") == NO_REGRESSION
    assert "a is faster than b: ratio 0.5" in capsys.readouterr().out
    assert compare_solvers(file, "b", "a") == REGRESSION
    assert "b is not faster than a: it is slower" in capsys.readouterr().out


def test_no_difference_between_solvers_is_not_shown(tmp_path, capsys):
    """Where nothing differs the claim is not shown, and nothing is worse."""
    file = write_records(tmp_path / "both.jsonl", [*many("a"), *many("b")])
    assert compare_solvers(file, "a", "b") == NO_REGRESSION
    assert "That a is faster than b is not shown" in capsys.readouterr().out


def test_solver_that_is_not_there_is_named(tmp_path):
    """An unknown solver gets the list of those in the file."""
    file = write_records(tmp_path / "one.jsonl", many("highs"))
    with pytest.raises(UsageError, match="It has: highs"):
        compare_solvers(file, "high", "highs")


def test_seeds_of_one_instance_are_one_observation():
    """Six seeds of one instance, all slower: one observation, no interval, no claim."""
    old = [made_run(seed=k, time=5.0) for k in range(6)]
    new = [made_run(seed=k, time=50.0) for k in range(6)]
    entries = cross_check([*old, *new])
    pairs = [Pair(old=a, new=b) for a, b in zip(entries[:6], entries[6:], strict=True)]
    found = compare_pairs("a", pairs, (), 10, 0.05)
    assert (found.times.pairs, found.times.instances, found.times.low) == (6, 1, None)
    assert found.direction == "no difference"
    assert found.regressions == ()


def test_hostile_names_do_not_steer_the_terminal(compared):
    """An escape sequence in a name is not written."""
    name = "x\x1b[2J[red]y"
    _, out = compared([made_run(instance=name)], [unsolved_run(instance=name)])
    assert "\x1b" not in out
    assert "[red]y" in out


def test_command_line(tmp_path):
    """Exit codes 0, 1 and 2 reach the shell, and no traceback."""
    old = write_records(tmp_path / "old.jsonl", many())
    new = write_records(tmp_path / "new.jsonl", many(factor=2.0))
    codes = []
    for arguments in ([old, old], [old, new], [old, tmp_path / "nowhere"], [old]):
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks", "compare", *map(str, arguments)],
            cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert "Traceback" not in done.stderr
        codes.append(done.returncode)
    assert codes == [0, 1, 2, 2]

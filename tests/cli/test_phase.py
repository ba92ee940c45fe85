"""``optimiser phase``: answers, folder, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import optimiser as opt

ROOT = Path(__file__).parents[2]
SOUTHWEST = str(ROOT / "instances/southwest-one")


def run(*arguments):
    """Run the command line."""
    return subprocess.run(
        [sys.executable, "-m", "optimiser.cli.main", "phase", *arguments],
        capture_output=True, text=True, timeout=120, cwd=ROOT, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    """A saved result of southwest-one."""
    folder = tmp_path_factory.mktemp("saved") / "result"
    opt.write(opt.solve(opt.read(SOUTHWEST), solver="highs", gap=0.01), folder)
    return str(folder)


def test_answer_of_a_saved_result(result, tmp_path):
    """The headline comes first, then years, moves and orders; all of it is saved."""
    out = tmp_path / "out"
    done = run(SOUTHWEST, result, "--budget", "4m", "--years", "4", "--gap", "0.1%",
               "--out", str(out))  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "moves in" in lines[0]
    assert "within 4,000,000 GBP a year" in lines[0]
    assert len(lines) <= 45
    for title in ("Year by year", "Moves", "Orders"):
        assert title in lines
    study = opt.read_study(out)
    assert study.kind == "phase"
    assert study.content["options"]["budget"] == [4e6] * 4
    assert {each["name"] for each in study.content["tables"]} == {
        "years", "moves", "payments", "orders", "rules"
    }  # fmt: skip


def test_what_cannot_be_done_exits_4(result):
    """A budget too small is said to be, with what would do, and as JSON with stable keys."""
    done = run(SOUTHWEST, result, "--budget", "10", "--years", "2", "--format", "json", "--quiet",
               "--time-limit", "5")  # fmt: skip
    assert done.returncode == 4, done.stderr
    answer = json.loads(done.stdout)
    assert answer["kind"] == "phase"
    assert answer["headline"][0].startswith("The plan cannot be reached in 2 years")
    assert answer["facts"]["status"] == "infeasible"
    assert answer["facts"]["least_budget"] > 10
    assert answer["facts"]["least_years"] is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--budget", "lots"], "no amount"),
        (["--budget", "1m", "--budget", "2m", "--years", "3"], "3 years"),
        (["--budget", "0.001"], "decimals"),
    ],
)
def test_bad_limits_exit_2(arguments, said, result):
    """Amounts that are none, too many or too fine are named."""
    done = run(SOUTHWEST, result, *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_result_of_another_instance_is_refused(result):
    """A result whose plan is not one of the instance is no plan to move to."""
    done = run(str(ROOT / "instances/toy"), result)
    assert done.returncode == 2
    assert "no result of this instance" in done.stderr

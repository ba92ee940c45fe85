"""``optimiser sweep``: answers, exit codes, resuming after a kill, Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import optimiser as opt

ROOT = Path(__file__).parents[2]
TOY = str(ROOT / "instances/toy")

FILE = """
[change.dear]
table = "tariffs"
where = { "provider.mode" = "co-operative" }
multiply = { unit_cost = 1.2 }

[[scenario]]
name = "dear"
title = "Co-operatives cost a fifth more"
probability = 0.25
use = "dear"

[[scenario]]
name = "watched"
probability = 0.75
use = ["dear"]
  [[scenario.change]]
  multiply = { oversight.hour_cost = 3 }
"""


@pytest.fixture
def scenarios(tmp_path):
    """A file of two scenarios."""
    path = tmp_path / "scenarios.toml"
    path.write_text(FILE)
    return str(path)


def run(*arguments, **more):
    """Run the command line."""
    return subprocess.run(
        [sys.executable, "-m", "optimiser.cli.main", "sweep", *arguments],
        capture_output=True, text=True, timeout=120, cwd=ROOT, check=False, **more,
    )  # fmt: skip


def tables(folder):
    """Tables of a saved sweep, without the seconds."""
    study = opt.read_study(folder)
    found = {}
    for each in study.content["tables"]:
        rows = study.table(each["name"])
        at = [i for i, name in enumerate(rows[0]) if name != "seconds"]
        found[each["name"]] = [[row[i] for i in at] for row in rows]
    return found


def test_answer_as_text_and_folder(scenarios, tmp_path):
    """The headline comes first, each scenario has its line, and all of it is saved."""
    out = tmp_path / "out"
    done = run(TOY, scenarios, "--solver", "highs", "--gap", "0", "--out", str(out))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("3 of 3 scenarios have a plan.")
    for name in ("as-is", "dear", "watched"):
        assert any(line.startswith(name) for line in lines)
    assert len(lines) < 40
    assert "3 of 3" not in done.stderr  # two rounds: the first alone
    assert set(tables(out)) == {"scenarios", "decisions", "providers", "prices", "risks"}
    for name in ("as-is", "dear", "watched"):
        assert opt.verify(out / "results" / name).ok
    assert opt.read(out / "instances" / "dear") != opt.read(TOY)


def test_answer_as_json(scenarios):
    """One document with stable keys and exact figures; stdout has nothing else."""
    done = run(TOY, scenarios, "--solver", "highs", "--gap", "0", "--format", "json", "--quiet")
    assert done.returncode == 0
    assert not done.stderr
    content = json.loads(done.stdout)
    assert content["format"] == "optimiser-study-answer"
    assert content["kind"] == "sweep"
    assert content["facts"]["status"] == "optimal"
    shares = {row["scenario"]: row["probability"] for row in content["tables"]["scenarios"]}
    assert shares == {"as-is": "0", "dear": "0.25", "watched": "0.75"}
    assert content["tables"]["scenarios"][0]["cost"] == "220600.00"


def test_all_that_is_wrong_is_told_at_once(tmp_path):
    """Every fault of the file is listed with place and remedy; exit code 2, no traceback."""
    path = tmp_path / "scenarios.toml"
    path.write_text(FILE.replace("0.25", "0.3").replace('use = "dear"', 'use = "deer"') + "x = 1\n")
    done = run(TOY, str(path))
    assert done.returncode == 2
    for words in ("add up to 1", "deer", "Did you mean 'dear'?", "x"):
        assert words in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


def test_change_that_cannot_be_made_is_told(tmp_path):
    """A filter that finds nothing names scenario, column, value and the word that was meant."""
    path = tmp_path / "scenarios.toml"
    path.write_text(FILE.replace('mode" = "co-operative"', 'mode" = "cooperative"'))
    done = run(TOY, str(path), "--format", "json")
    assert done.returncode == 2
    faults = json.loads(done.stdout)["faults"]
    assert {fault["source"] for fault in faults} == {"dear, change 1", "watched, change 1"}
    assert all("co-operative" in fault["remedy"] for fault in faults)


@pytest.mark.parametrize(
    ("text", "words"),
    [(None, "no such file"), ("[[", "no valid TOML"), ("", "no scenario"), ("\xff", "no valid")],
)
def test_file_that_cannot_be_used_is_told(tmp_path, text, words):
    """A missing, broken or empty file is an error in words."""
    path = tmp_path / "scenarios.toml"
    if text is not None:
        path.write_bytes(text.encode("latin-1"))
    done = run(TOY, str(path))
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_foreign_folder_is_refused_before_solving(scenarios, tmp_path):
    """Nothing is solved for a folder that may not be written to."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.docx").write_text("mine")
    done = run(TOY, scenarios, "--out", str(tmp_path / "out"))
    assert done.returncode == 2
    assert "thesis.docx" in done.stderr
    assert "solved" not in done.stderr


def test_no_plan_anywhere_is_an_answer(tmp_path):
    """Where no scenario has a plan the exit code says so; where one has, it is 0."""
    path = tmp_path / "scenarios.toml"
    path.write_text(
        '[[scenario]]\nname = "none"\n[[scenario.change]]\ntable = "demand"\n'
        'set = { in_house_cost = "" }\n[[scenario.change]]\ntable = "offers"\n'
        "set = { capacity = 1 }\n"
    )
    done = run(TOY, str(path), "--solver", "highs", "--format", "json", "--quiet")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)["tables"]["scenarios"]
    assert [row["status"] for row in rows] == ["optimal", "infeasible"]


def test_killed_and_given_again(scenarios, tmp_path):
    """Killed in between, the same command takes what was solved, and all tables are the same."""
    whole, out = tmp_path / "whole", tmp_path / "out"
    options = ["--solver", "highs", "--gap", "0", "--jobs", "2"]
    assert run(TOY, scenarios, *options, "--out", str(whole)).returncode == 0
    line = [sys.executable, "-m", "optimiser.cli.main", "sweep", TOY, scenarios, *options,
            "--out", str(out)]  # fmt: skip
    process = subprocess.Popen(line, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    assert process.stderr is not None
    for text in process.stderr:
        if text.startswith("1 of 1"):
            break
    process.kill()
    process.communicate()
    assert not (out / "study.json").exists()
    again = run(TOY, scenarios, *options, "--out", str(out))
    assert again.returncode == 0
    assert "were solved before" in again.stderr
    assert tables(out) == tables(whole)


def test_interrupted(tmp_path):
    """Ctrl-C: what there is is shown and saved, and the exit code is 130."""
    hard = tmp_path / "regional"
    opt.write(opt.generate("regional", organisations=40, seed=1), hard)
    path = tmp_path / "scenarios.toml"
    path.write_text(
        '[[factor]]\nname = "v"\ntable = "demand"\nmultiply = { volume = [0.9, 1.1] }\n'
    )
    out = tmp_path / "out"
    line = [sys.executable, "-m", "optimiser.cli.main", "sweep", str(hard), str(path), "--solver",
            "highs", "--time-limit", "8", "--gap", "0", "--jobs", "2",
            "--out", str(out)]  # fmt: skip
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(
            line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
        )
    finally:
        signal.signal(signal.SIGINT, before)
    assert process.stderr is not None
    for text in process.stderr:
        if "best" in text and "of 2" in text:
            break
    process.send_signal(signal.SIGINT)
    sent = time.monotonic()
    printed, _ = process.communicate(timeout=60)
    assert time.monotonic() - sent < 15
    assert process.returncode == 130
    assert "Interrupted" in printed
    content = opt.read_study(out).content
    assert content["facts"]["interrupted"] is True
    assert "as-is" in content["results"]

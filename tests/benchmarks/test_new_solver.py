"""The page on a new solver works as it stands: class and line taken from it, run, compared."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from benchmarks.records import read_records

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    """Return the one code block of a language in the section on a new solver."""
    section = PAGE.split("## A new solver", 1)[1]
    (found,) = re.findall(rf"```{language}\n(.*?)```", section, flags=re.DOTALL)
    return found


@pytest.fixture
def package(tmp_path):
    """The example as a package manager would install it; returns the environment to run in."""
    project = tomllib.loads(block("toml"))["project"]
    ((group, points),) = project["entry-points"].items()
    ((name, target),) = points.items()
    place = tmp_path / "site"
    about = place / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    (about / "entry_points.txt").write_text(f"[{group}]\n{name} = {target}\n")
    module = target.partition(":")[0]
    (place / f"{module}.py").write_text(block("python"), encoding="utf-8")
    return {**os.environ, "PYTHONPATH": str(place)}


def test_example_joins_by_its_class_and_its_line(package, tmp_path):
    """It solves the toy to its published optimum, is reported, and compares with HiGHS."""

    def call(*arguments: object) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks", *map(str, arguments)],
            cwd=ROOT, env=package, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done

    file = tmp_path / "trial.jsonl"
    call("run", "smoke", "--solvers", "highs,scipy", "--instances", "toy", "--gap", 0,
         "--limit", 60, "--out", file)  # fmt: skip
    _, runs = read_records(file)
    assert {run.solver for run in runs} == {"highs", "scipy"}
    for run in runs:
        assert (run.status, run.solved, run.wrong, run.failure) == ("optimal", True, (), "")
        assert run.objective == 22_060_000  # 220,600.00, as instances/toy says
    page = Path(call("report", file).stdout.strip())
    assert "scipy" in (page.parent / "summary.csv").read_text(encoding="utf-8")
    assert "scipy against highs" in call("compare", file, "--solvers", "scipy,highs",
                                         "--tolerance", 1000).stdout  # fmt: skip

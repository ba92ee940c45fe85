"""All solvers give the same cost, to the last penny, for the named instances."""

from __future__ import annotations

import csv
import tomllib
from pathlib import Path

import pytest
from brute import solve_brute

from optimiser.files.folder import read_folder
from optimiser.solvers.session import solve

HOME = Path(__file__).parent.parent / "instances"
#: Objectives proved by HiGHS, SCIP and CP-SAT alike (2026-11-24), in pence.
BEST = {
    "toy": 22_060_000,
    "southwest-one": 9_108_614_452,
    "whitehall-2010": 26_201_437_131,
    "micro-outsourcing": 571_859_259,
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test with each solver that was asked for."""
    if "solver" in metafunc.fixturenames:
        metafunc.parametrize("solver", metafunc.config.getoption("--solvers"))


def agree(name: str, solver: str, time_limit: float) -> None:
    """Prove the instance with the solver, and hold its cost against the others'."""
    result = solve(read_folder(HOME / name), solver=solver, gap=0, time_limit=time_limit)
    assert (result.status, result.objective_units) == ("optimal", BEST[name]), result


@pytest.mark.parametrize("name", ["toy", "micro-outsourcing"])
def test_solvers_agree_to_the_penny(name: str, solver: str) -> None:
    """The small ones, within a minute or so each."""
    agree(name, solver, 300)


@pytest.mark.long
@pytest.mark.parametrize("name", ["southwest-one", "whitehall-2010"])
def test_solvers_agree_to_the_penny_on_the_larger(name: str, solver: str) -> None:
    """The larger ones: from a quarter of a minute to many, by solver."""
    agree(name, solver, 1800)


def test_brute_force_agrees_on_the_toy() -> None:
    """Every plan of the toy, counted through: none is cheaper."""
    folder = HOME / "toy"
    tables = {
        path.stem: list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
        for path in sorted(folder.glob("*.csv"))
    }
    settings = tomllib.loads((folder / "instance.toml").read_text(encoding="utf-8"))
    best = solve_brute(tables, settings)
    assert (best.status, best.objective) == ("optimal", BEST["toy"])

"""What every solver promises, whichever it is: ``pytest --solvers highs scip cp-sat cbc``."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from toy_result import BEST, best_plan, toy

from optimiser.model.build import instance_from
from optimiser.solvers import registry
from optimiser.solvers.session import solve
from optimiser.studies.generate import generate
from solvers.pennies import pennies

#: Too hard to finish, easy to find plans for.
HARD = {"family": "regional", "seed": 1}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each once with each solver that was asked for."""
    if "solver" in metafunc.fixturenames:
        named = metafunc.config.getoption("--solvers")
        everybody = named == ["highs", "scip", "cp-sat", "cbc"]
        metafunc.parametrize("solver", [*named, "decomposition"] if everybody else named)


def packing(volumes: list[str], capacity: str, credit: str = "-20") -> Any:
    """Two providers, each with a capacity, for organisations that cannot help themselves."""
    names = [f"o{i}" for i in range(len(volumes))]
    return instance_from(
        {
            "organisations": {"organisation": names},
            "services": {"service": ["s"]},
            "demand": {"organisation": names, "service": ["s"] * len(names), "volume": volumes},
            "providers": {
                "provider": ["a", "b"],
                "mode": ["shared-centre"] * 2,
            },
            "offers": {
                "provider": ["a", "b"],
                "service": ["s"] * 2,
                "capacity": [capacity] * 2,
            },
            "tariffs": {
                "provider": ["a", "b"],
                "service": ["s"] * 2,
                "band": ["1"] * 2,
                "fixed_cost": ["10", credit],
                "unit_cost": ["0", "0"],
            },
        },
        {"title": "packing"},
    )


def test_toy_is_solved_to_the_last_penny(solver):
    """The toy's best plan, worked out by hand, is found and proved."""
    result = solve(toy(), solver=solver, gap=0)
    assert (result.status, result.objective_units, result.bound_units) == ("optimal", BEST, BEST)
    assert result.reasons == ()


@pytest.mark.parametrize("base", [10**9, 10**11, 10**13])
def test_pennies_in_thousands_of_millions_are_proved(solver, base):
    """At gap 0 pennies count, in a total of £300 million, £30 thousand million, or £3 million²."""
    instance, best = pennies(1, base=base)
    result = solve(instance, solver=solver, gap=0, time_limit=120)
    assert (result.status, result.objective_units, result.bound_units) == ("optimal", best, best)


def test_infeasible_is_proved(solver):
    """Three that fit one by one into two places have no plan, though the total would fit."""
    result = solve(packing(["2", "2", "2"], "3"), solver=solver, time_limit=60)
    assert result.status == "infeasible"
    assert solver in result.reasons[0]
    assert (result.plan, result.bound, result.gap) == (None, None, None)


@pytest.mark.parametrize("half", [500, 50_000])
def test_last_unit_of_a_capacity_counts(solver, half):
    """A plan one thousandth over a capacity is none, and one that just fits is a plan."""
    result = solve(packing([f"{half}"] * 3, f"{2 * half}"), solver=solver, time_limit=60)
    assert result.status == "optimal"
    volumes = [f"{half}.001", f"{half}", f"{half}.001"]
    result = solve(packing(volumes, f"{2 * half}"), solver=solver, time_limit=60)
    assert result.status == "infeasible"
    assert solver in result.reasons[0]


def test_last_unit_of_a_huge_capacity_is_never_missed_silently(solver):
    """In thousands of millions a solver may fail to see it, but then no plan is called valid."""
    volumes = ["500000000.001", "500000000", "500000000.001"]
    result = solve(packing(volumes, "1000000000"), solver=solver, time_limit=60)
    named = any("breaks a rule" in why or "cannot take" in why for why in result.reasons)
    assert result.status == "infeasible" or (result.status == "error" and named), result.reasons


def test_negative_and_zero_objectives(solver):
    """The gap is right where the objective is below 0, and where it is 0."""
    result = solve(packing(["1", "1"], "9"), solver=solver, gap=0)
    assert (result.status, result.objective_units, result.gap) == ("optimal", -2000, 0)
    result = solve(packing(["1", "1"], "1"), solver=solver, gap=0)
    assert (result.status, result.objective_units, result.gap) == ("optimal", -1000, 0)
    result = solve(packing(["1", "1"], "1", credit="-10"), solver=solver, gap=0)
    assert (result.status, result.objective_units, result.gap) == ("optimal", 0, 0)


def test_nothing_to_decide(solver):
    """Where each has one choice, that is the plan."""
    instance = instance_from(
        {
            "organisations": {"organisation": ["o"]},
            "services": {"service": ["s"]},
            "demand": {
                "organisation": ["o"],
                "service": ["s"],
                "volume": ["3"],
                "in_house_cost": ["0"],
            },
            "providers": {"provider": ["a"], "mode": ["co-operative"], "decision": ["barred"]},
            "offers": {"provider": ["a"], "service": ["s"]},
            "tariffs": {"provider": ["a"], "service": ["s"], "band": ["1"], "unit_cost": ["1"]},
        },
        {},
    )
    result = solve(instance, solver=solver, gap=0)
    assert (result.status, result.objective_units, result.gap) == ("optimal", 0, 0)


def test_limit_is_kept_and_is_no_proof(solver):
    """It ends in time with what it has, and calls that neither optimal nor infeasible."""
    began = time.monotonic()
    result = solve(generate(**HARD), solver=solver, gap=0, time_limit=2)
    assert time.monotonic() - began < 2 + 5
    assert result.status in ("feasible", "unknown"), result.reasons
    assert not result.interrupted


def test_start_is_never_made_worse(solver):
    """However short the time, the plan is at least as good as the start."""
    instance = generate(**HARD)
    first = solve(instance, solver="highs", time_limit=4, gap=0)
    result = solve(instance, solver=solver, time_limit=2, gap=0, start=first)
    assert result.status == "feasible"
    assert result.objective_units <= first.objective_units


def test_optimal_start_is_confirmed(solver):
    """A start that is already best stays, and is proved."""
    result = solve(toy(), solver=solver, gap=0, start=best_plan(toy()))
    assert (result.status, result.objective_units) == ("optimal", BEST)


def test_gap_is_kept(solver):
    """A wide gap is enough for optimal, and what is told is within it."""
    result = solve(toy(), solver=solver, gap=0.5)
    assert result.status == "optimal"
    assert result.gap <= 0.5


def test_threads_and_seed_are_taken(solver):
    """Two threads and any seed find the same optimum."""
    for seed in (1, 2**40):
        result = solve(toy(), solver=solver, gap=0, threads=2, seed=seed)
        assert (result.status, result.objective_units) == ("optimal", BEST)


def test_log_is_the_solvers_own(solver, tmp_path, capfd):
    """What the solver says is in the log and nowhere else."""
    solve(toy(), solver=solver, log=tmp_path / "log")
    assert len((tmp_path / "log").read_text()) > 100
    assert capfd.readouterr() == ("", "")


def test_split_sourcing(solver):
    """Plans that share pairs out pass the checker, and the bound is below them."""
    sizes = {"organisations": 8, "centres": 4, "ratio": 3.0}
    result = solve(generate("cornuejols", seed=1, **sizes), solver=solver, time_limit=30)
    assert result.plan is not None, result.reasons
    assert result.status in ("optimal", "feasible")
    assert result.bound_units <= result.objective_units


def test_everything_at_once(solver):
    """The family that uses every rule is solved, and the claims hold."""
    instance = generate("everything", seed=1, organisations=6, services=2, centres=2,
                        co_operatives=3)  # fmt: skip
    result = solve(instance, solver=solver, gap=0, time_limit=120)
    assert result.status == "optimal", result.reasons
    assert result.objective_units == solve(instance, solver="highs", gap=0).objective_units


#: Solves what is too hard, and says how it ended.
PROGRAM = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a run in the background has it ignored
from optimiser.solvers.session import solve
from optimiser.studies.generate import generate
def tell(item):
    begun = getattr(item, "phase", "") in ("solving", "searching")
    print("solving" if begun else "", flush=True)
result = solve(generate(**{hard}), solver={solver!r}, gap=0, progress=tell)
print(result.status, result.interrupted, result.reasons)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_in_time(solver, number):
    """A signal in the midst of the search ends it within two seconds, with what it had."""
    program = PROGRAM.format(hard=HARD, solver=solver)
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            while "solving" not in process.stdout.readline():
                assert process.poll() is None
            time.sleep(6)
            began = time.monotonic()
            process.send_signal(number)
            out, _ = process.communicate(timeout=20)
        finally:
            process.kill()
    assert time.monotonic() - began < 2.5
    streams = registry.get(solver).capabilities.incumbents
    ends = ("feasible True ()",) if streams else ("feasible True", "unknown True")
    assert out.splitlines()[-1].startswith(ends)


def test_availability_costs_no_import(solver):
    """Whether a solver is there is told without importing its package."""
    code = (
        "import sys; from optimiser.solvers import registry; "
        f"registry.get({solver!r}).availability(); "
        "print([m for m in ('highspy', 'ortools', 'pyscipopt', 'scipy') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
    assert Path(sys.executable).exists()

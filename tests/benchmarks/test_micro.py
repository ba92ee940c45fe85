"""What each stage costs on its own; `make bench-micro` measures, the test run only tries each once.

The instance is `regional`, 120 × 6: some 600 pairs and 7,000 options.
"""

from __future__ import annotations

import pytest

from benchmarks.pipe import hand_over
from optimiser.files.instances import read, write
from optimiser.files.public.reading import read_public
from optimiser.model.check import check, in_house_account
from optimiser.model.clean import clean
from optimiser.model.compile import compile_problem
from optimiser.solvers.milp.formulation import Formulation
from optimiser.studies.generate import generate

SIZES = {"organisations": 120, "services": 6, "centres": 16, "co_operatives": 60}


@pytest.fixture(scope="module")
def instance():
    """The instance."""
    return generate("regional", seed=0, **SIZES)


@pytest.fixture(scope="module")
def problem(instance):
    """The instance, compiled."""
    return compile_problem(instance)


@pytest.fixture(scope="module")
def smaller(problem):
    """The compiled problem, cleaned."""
    return clean(problem)[0]


def test_read_folder(benchmark, instance, tmp_path):
    """Reading a folder of CSV files gives the instance that was written."""
    write(instance, tmp_path / "instance")
    assert benchmark(read, tmp_path / "instance") == instance


def test_read_public(benchmark, tmp_path):
    """Reading a public file of 100 sites and 300 customers."""
    sites, customers = 100, 300
    lines = [f"{sites} {customers}", *["4000 7500.5"] * sites, *["10"] * customers]
    lines += [" ".join(f"{(7 * i + 13 * j) % 997}.25" for j in range(customers))
              for i in range(sites)]  # fmt: skip
    path = tmp_path / "file"
    path.write_text("\n".join(lines))
    assert len(benchmark(read_public, path, "holmberg")["demand"]) == customers


def test_generate(benchmark):
    """Drawing the instance."""
    assert len(benchmark(generate, "regional", seed=0, **SIZES)["organisations"]) == 120


def test_compile(benchmark, instance):
    """Compiling it to flat arrays."""
    assert benchmark(compile_problem, instance).options > 5000


def test_clean(benchmark, problem):
    """Removing what cannot matter."""
    assert benchmark(clean, problem)[0].options <= problem.options


def test_build(benchmark, smaller):
    """Building the strong formulation's matrix."""
    assert benchmark(lambda: Formulation(smaller).matrix).columns > 5000


def test_hand_over(benchmark, smaller):
    """Passing the matrix to HiGHS."""
    benchmark(hand_over, Formulation(smaller).matrix)


def test_evaluate(benchmark, instance, problem):
    """Reckoning a plan's objective from the compiled problem."""
    account = in_house_account(instance)
    assert account is not None
    assert benchmark(problem.evaluate, account.plan) == account.objective


def test_check(benchmark, instance):
    """Checking a plan against the tables, which shares no code with the above."""
    account = in_house_account(instance)
    assert account is not None
    assert benchmark(check, instance, account.plan).objective == account.objective

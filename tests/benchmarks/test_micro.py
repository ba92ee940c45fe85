"""What each stage costs on its own; `make bench-micro` measures, the test run only tries each once.

The instance is `regional`, 120 × 6: some 600 pairs and 7,000 options; for the engine 300 × 8.
"""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.pipe import hand_over
from optimiser.files.instances import read, write
from optimiser.files.public.reading import read_public
from optimiser.model.check import check, in_house_account
from optimiser.model.clean import clean
from optimiser.model.compile import compile_problem
from optimiser.solvers.decomposition import blocks
from optimiser.solvers.decomposition.knapsack import STATES, knapsack
from optimiser.solvers.decomposition.relaxation import Ascent, Relaxation
from optimiser.solvers.decomposition.searching import Search, pulls
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


# --- the engine, at 300 × 8: some 2,150 pairs and 25,000 options ----------------------------------


@pytest.fixture(scope="module")
def relaxation():
    """The larger instance, cleaned, its rows priced."""
    sizes = {"organisations": 300, "services": 8, "centres": 40, "co_operatives": 200}
    problem = clean(compile_problem(generate("regional", seed=0, **sizes)))[0]
    return Relaxation(Formulation(problem))


@pytest.fixture(scope="module")
def ascent(relaxation):
    """Multipliers after a hundred steps."""
    ascent = Ascent(relaxation, relaxation.prices())
    ascent.run(100, 1.01 * ascent.look())
    return ascent


def test_one_evaluation(benchmark, relaxation, ascent):
    """One evaluation of the Lagrangian: reduced costs, and every provider's block solved."""
    columns, bands = relaxation.columns.count, relaxation.problem.size("band")
    reduced, x, values = np.empty(columns), np.empty(columns), np.empty(bands)
    bound = benchmark(
        blocks.evaluate, relaxation.blocks, relaxation.lower, relaxation.upper, ascent.multipliers,
        reduced, x, values,
    )  # fmt: skip
    assert bound + relaxation.offset == pytest.approx(ascent.bound, rel=0.01)


def test_one_knapsack(benchmark, relaxation, ascent):
    """One knapsack that needs the search: of a band with the most items to take at these prices."""
    b = relaxation.blocks
    reduced = np.empty(relaxation.columns.count)
    blocks.reduce_costs(b, ascent.multipliers, reduced)
    cost = reduced[relaxation.slices["x"]]
    hard = []
    for band in range(len(b.lo)):
        items = b.item[b.item_start[band] : b.item_start[band + 1]]
        wanted = items[cost[items] < 0]
        if b.lo[band] <= 0 and np.dot(b.weight[wanted], b.most[wanted]) > b.hi[band]:
            hard.append((len(wanted), band))
    assert hard
    band = max(hard)[1]
    items = b.item[b.item_start[band] : b.item_start[band + 1]]
    r, w, a = cost[items], b.weight[items], b.most[items]
    x = np.empty(len(items))
    size = max(len(items), STATES)
    room, places = np.empty((6, size)), np.empty((5, size), dtype=np.int64)
    value = benchmark(knapsack, r, w, a, b.lo[band], b.hi[band], True, x, room, places)
    assert value < 0
    assert np.dot(w, x) <= b.hi[band] + 1e-6


def test_thousand_moves(benchmark, relaxation, ascent):
    """A thousand moves of the search, ruin and recreate: its milliseconds are a move's µs."""
    search = Search(relaxation.problem, pulls(relaxation, ascent.multipliers), 0)
    assert search.venture(ascent)
    benchmark(search.explore, 1_000, 0.1)

"""The public names, and what importing them costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import optimiser

NAMES = [
    "Alternatives",
    "Change",
    "Comparison",
    "Draft",
    "Fault",
    "FileError",
    "Frontier",
    "How",
    "Impossibility",
    "InputError",
    "Instance",
    "InstanceError",
    "InternalError",
    "Objective",
    "OptimiserError",
    "Phasing",
    "Plan",
    "Plots",
    "Quantity",
    "Reasons",
    "Result",
    "Robust",
    "Scenario",
    "Shares",
    "SideRow",
    "SolverError",
    "StudyPlots",
    "Sweep",
    "UnsupportedError",
    "UsageError",
    "__version__",
    "alternatives",
    "available_solvers",
    "check",
    "compare",
    "draft",
    "explain",
    "explain_infeasible",
    "families",
    "frontier",
    "generate",
    "in_house_account",
    "instance_from",
    "phase",
    "read",
    "read_public",
    "read_result",
    "read_scenarios",
    "read_study",
    "robust",
    "share",
    "solve",
    "sweep",
    "todays_account",
    "verify",
    "write",
]


def test_names():
    """The public names are these, sorted, and no others."""
    assert optimiser.__all__ == NAMES == sorted(NAMES)
    assert dir(optimiser) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_each_name_loads(name):
    """Each public name is there, and documented unless it is the version."""
    value = getattr(optimiser, name)
    assert name == "__version__" or value.__doc__


def test_unknown_name():
    """A name that is not there is an AttributeError that names it."""
    with pytest.raises(AttributeError, match="nonsense"):
        _ = optimiser.nonsense


def _loaded(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return {name.partition(".")[0] for name in done.stdout.split()}


@pytest.mark.parametrize("statement", ["import optimiser", "import optimiser.cli.main"])
def test_import_is_light(statement):
    """Neither the package nor its command line loads anything heavy before it is needed."""
    heavy = {"numpy", "pandas", "scipy", "networkx", "highspy", "ortools", "pulp", "pyscipopt"}
    assert not _loaded(statement) & heavy


def test_import_time():
    """Importing the package takes well under a tenth of a second beyond Python's own start."""
    code = (
        "import time; began = time.perf_counter(); import optimiser; "
        "print(time.perf_counter() - began)"
    )
    times = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                             check=True, timeout=60).stdout)
        for _ in range(3)
    ]  # fmt: skip
    assert min(times) < 0.1

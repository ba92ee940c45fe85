"""What is recorded of the machine and of the versions of packages."""

from __future__ import annotations

import re

import pytest

from benchmarks import machine
from optimiser.solvers import registry


@pytest.mark.parametrize(
    ("solver", "package", "embedded"),
    [("highs", "highspy", "HiGHS"), ("scip", "pyscipopt", "SCIP"), ("cbc", "pulp", "CBC")],
)
def test_versions_hold_what_a_package_embeds(solver, package, embedded):
    """The package and the solver within it are named, each with all three numbers."""
    if not registry.get(solver).availability().installed:
        pytest.skip(f"{solver} is not installed")
    found = machine.versions([solver])
    assert {"optimiser", "numpy", "scipy", package, embedded} == set(found)
    for name in (package, embedded):
        assert re.match(r"\d+\.\d+\.\d+", found[name]), f"{name} {found[name]}"


def test_what_is_not_known_is_left_out():
    """A solver of another package adds nothing, and is no fault."""
    assert set(machine.versions(["of another package"])) == {"optimiser", "numpy", "scipy"}

"""Names of solvers: found, registered, suggested, listed."""

from __future__ import annotations

from importlib import metadata

import pytest

from optimiser.errors import SolverError, UsageError
from optimiser.solvers import registry


@pytest.fixture(autouse=True)
def _as_before(monkeypatch):
    """What a test registers is gone after it."""
    monkeypatch.setattr(registry, "_registered", {})


def test_every_built_in_solver_is_found_under_its_own_name():
    """The name in the registry is the solver's own."""
    for name in ("decomposition", "highs", "scip", "cp-sat", "cbc"):
        assert registry.get(name).name == name


def test_auto_is_the_best_installed():
    """The engine comes first."""
    assert registry.get("auto").name == "decomposition"


@pytest.mark.parametrize(
    ("typed", "meant"), [("higs", "highs"), ("cpsat", "cp-sat"), ("cbcc", "cbc"), ("atuo", "auto")]
)
def test_misspelt_name_gets_a_suggestion_and_the_list(typed, meant):
    """The error says what may have been meant, and all there are."""
    said = f"did you mean '{meant}'.*auto, decomposition, highs.*pulp:NAME"
    with pytest.raises(UsageError, match=said):
        registry.get(typed)


@pytest.mark.parametrize("name", ["", "pulp:", "zzz"])
def test_name_like_no_other_gets_the_list(name):
    """Without anything near, there is no suggestion."""
    with pytest.raises(UsageError, match=r"there is no solver called .*; There are: auto"):
        registry.get(name)


def test_registered_solver_is_found_and_replaces_one_of_the_same_name():
    """A program's own solver counts before those of packages and our own."""
    registry.register("mine", "solvers.fakes:Fake")
    registry.register("highs", "solvers.fakes:Fake")
    assert registry.get("mine").name == "fake"
    assert registry.get("highs").name == "fake"
    assert "mine" in registry.names()


@pytest.mark.parametrize(
    ("name", "spec"), [("auto", "a:B"), ("", "a:B"), ("a:b", "a:B"), ("a", "nothing"), ("a", ":B")]
)
def test_registration_that_cannot_work_is_refused(name, spec):
    """Neither names that mean something else nor specs without a class."""
    with pytest.raises(UsageError):
        registry.register(name, spec)


def test_packages_add_solvers_by_entry_points(monkeypatch):
    """What stands under the group optimiser.solvers is a solver."""
    point = metadata.EntryPoint("theirs", "solvers.fakes:Fake", registry.GROUP)
    monkeypatch.setattr(metadata, "entry_points", lambda group: [point])
    assert registry.get("theirs").name == "fake"


def test_solver_that_cannot_be_loaded_is_named():
    """A module or class that is not there is a solver error, and listed as one."""
    registry.register("broken", "solvers.fakes:Nobody")
    with pytest.raises(SolverError, match=r"solvers\.fakes:Nobody cannot be loaded"):
        registry.get("broken")
    table = registry.solvers().set_index("name")
    assert not table.loc["broken", "installed"]
    assert "Nobody" in table.loc["broken", "remedy"]


def test_table_of_solvers():
    """Each solver has its version and capabilities, or a remedy."""
    registry.register("missing", "solvers.fakes:Missing")
    table = registry.solvers().set_index("name")
    assert list(table.columns) == ["installed", "version", "capabilities", "remedy"]
    assert table.loc["highs", "installed"]
    assert table.loc["highs", "version"].count(".") == 2
    assert "warm start" in table.loc["highs", "capabilities"]
    assert table.loc["missing", "remedy"] == "pip install nothing"


def test_solver_that_pulp_does_not_know_is_not_installed():
    """The remedy lists those that PuLP knows."""
    found = registry.get("pulp:NOBODY").availability()
    assert not found.installed
    assert "GLPK_CMD" in found.remedy


def test_highs_1_14_0_is_refused(monkeypatch):
    """The version that answers wrongly counts as not installed, with the way out."""
    monkeypatch.setattr(metadata, "version", lambda name: "1.14.0")
    found = registry.get("highs").availability()
    assert not found.installed
    assert "highspy!=1.14.0" in found.remedy

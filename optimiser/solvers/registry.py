"""Names of solvers -> solvers, imported when asked for.

A solver is given as ``"module:Class"``. Packages add theirs by the entry points group
``optimiser.solvers``, programs by `register`. ``pulp:NAME`` is any solver that PuLP finds.
"""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module, metadata
from typing import TYPE_CHECKING, Final

from optimiser.errors import SolverError, UsageError

if TYPE_CHECKING:
    import pandas as pd

    from optimiser.solvers.base import Solver

#: Group of entry points by which other packages add solvers.
GROUP: Final = "optimiser.solvers"
#: Stands for the best solver that is installed.
AUTO: Final = "auto"
#: Starts the name of a solver that PuLP finds.
PULP: Final = "pulp:"

#: Best first.
_BUILT_IN: Final = {
    "decomposition": "optimiser.solvers.decomposition.engine:Decomposition",
    "highs": "optimiser.solvers.milp.highs:Highs",
    "scip": "optimiser.solvers.milp.scip:Scip",
    "cp-sat": "optimiser.solvers.milp.cp_sat:CpSat",
    "cbc": "optimiser.solvers.milp.cbc:Cbc",
}
_registered: dict[str, str] = {}


def register(name: str, spec: str) -> None:
    """Add a solver, or replace one of the same name, for this program.

    Parameters
    ----------
    name
        What `solve` calls it.
    spec
        ``"module:Class"``; the class is called without arguments, and imported when asked for.
    """
    if ":" in name or name == AUTO or not name:
        raise UsageError(f"a solver cannot be called {name!r}")
    module, _, attribute = spec.partition(":")
    if not module or not attribute:
        raise UsageError(f"{spec!r} is not of the form module:Class")
    _registered[name] = spec


def specs() -> dict[str, str]:
    """Return every name and its ``module:Class``."""
    found = dict(_BUILT_IN)
    found.update({point.name: point.value for point in metadata.entry_points(group=GROUP)})
    return found | _registered


def names() -> list[str]:
    """Return every name but ``auto`` and those that PuLP finds."""
    return list(specs())


def spec_of(name: str) -> str:
    """Return what `load` makes the solver called `name` of; raise `UsageError` if none is."""
    if name.startswith(PULP) and len(name) > len(PULP):
        return name
    found = specs()
    if name == AUTO:
        return found[best()]
    if name not in found:
        near = get_close_matches(name, [*found, AUTO], n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}? " if near else ""
        known = ", ".join([AUTO, *found, f"{PULP}NAME"])
        raise UsageError(f"there is no solver called {name!r}; {hint}There are: {known}.")
    return found[name]


def load(spec: str) -> Solver:
    """Make a solver of ``module:Class`` or ``pulp:NAME``."""
    if spec.startswith(PULP):
        from optimiser.solvers.milp.pulp import Pulp

        pulp: Solver = Pulp(spec.removeprefix(PULP))
        return pulp
    module, _, attribute = spec.partition(":")
    try:
        solver: Solver = getattr(import_module(module), attribute)()
    except (ImportError, AttributeError) as error:
        raise SolverError(f"the solver {spec} cannot be loaded: {error}") from error
    return solver


def get(name: str) -> Solver:
    """Return the solver called `name`.

    Raises
    ------
    UsageError
        If there is none of that name.
    SolverError
        If it cannot be loaded.
    """
    return load(spec_of(name))


def best() -> str:
    """Return the name of the first solver that is installed; raise `SolverError` if none is."""
    for name, spec in _BUILT_IN.items():
        if load(spec).availability().installed:
            return name
    raise SolverError("no solver is installed; pip install highspy")


def solvers() -> pd.DataFrame:
    """Return a table of all solvers: name, installed, version, capabilities, remedy."""
    import dataclasses

    import pandas as pd

    rows = []
    for name, spec in specs().items():
        try:
            solver = load(spec)
        except SolverError as error:
            rows.append((name, False, "", "", str(error)))
            continue
        found = solver.availability()
        flags = dataclasses.asdict(solver.capabilities)
        able = [key.replace("_", " ") for key, value in flags.items() if value]
        rows.append((name, found.installed, found.version, ", ".join(able), found.remedy))
    for other in _others():
        solver = load(PULP + other)
        rows.append((solver.name, True, solver.availability().version, "", ""))
    columns = ["name", "installed", "version", "capabilities", "remedy"]
    return pd.DataFrame.from_records(rows, columns=columns)


def _others() -> list[str]:
    """Return what PuLP finds; nothing where it is there but broken."""
    from optimiser.solvers.milp.pulp import others

    try:
        return list(others())
    except ImportError:
        return []

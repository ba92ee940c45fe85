"""Decide who delivers each public service: a shared centre, a co-operative, or each by itself.

The public names; each is loaded on its first use, so that importing the package costs next to
nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from optimiser.errors import (
        Fault,
        FileError,
        InputError,
        InstanceError,
        InternalError,
        OptimiserError,
        SolverError,
        UnsupportedError,
        UsageError,
    )
    from optimiser.files.instances import read
    from optimiser.files.public.reading import read_public
    from optimiser.files.results import read_result
    from optimiser.files.studies import read_study
    from optimiser.files.verification import verify
    from optimiser.files.writing import write
    from optimiser.model.build import instance_from
    from optimiser.model.check import check, in_house_account, todays_account
    from optimiser.model.instance import Instance
    from optimiser.model.plan import Plan
    from optimiser.model.rows import Objective, Quantity, SideRow
    from optimiser.report.plots import Plots, StudyPlots
    from optimiser.solvers.registry import solvers as available_solvers
    from optimiser.solvers.result import Result
    from optimiser.solvers.session import solve
    from optimiser.studies.alternative_plans import Alternatives, alternatives
    from optimiser.studies.changes import Change
    from optimiser.studies.comparisons import Comparison, compare
    from optimiser.studies.drafts import Draft, draft
    from optimiser.studies.frontiers import Frontier, frontier
    from optimiser.studies.generate import families, generate
    from optimiser.studies.impossibility import Impossibility, explain_infeasible
    from optimiser.studies.phasing import Phasing, phase
    from optimiser.studies.pool import How
    from optimiser.studies.reasons import Reasons, explain
    from optimiser.studies.robustness import Robust, robust
    from optimiser.studies.scenarios import Scenario, read_scenarios
    from optimiser.studies.shares import Shares, share
    from optimiser.studies.sweeps import Sweep, sweep

    __version__: str

#: Public name -> where it is and what it is called there.
_HOMES: Final = {
    "Alternatives": "studies.alternative_plans:Alternatives",
    "Change": "studies.changes:Change",
    "Comparison": "studies.comparisons:Comparison",
    "Draft": "studies.drafts:Draft",
    "Fault": "errors:Fault",
    "FileError": "errors:FileError",
    "Frontier": "studies.frontiers:Frontier",
    "How": "studies.pool:How",
    "Impossibility": "studies.impossibility:Impossibility",
    "InputError": "errors:InputError",
    "Instance": "model.instance:Instance",
    "InstanceError": "errors:InstanceError",
    "InternalError": "errors:InternalError",
    "Objective": "model.rows:Objective",
    "OptimiserError": "errors:OptimiserError",
    "Phasing": "studies.phasing:Phasing",
    "Plan": "model.plan:Plan",
    "Plots": "report.plots:Plots",
    "Quantity": "model.rows:Quantity",
    "Reasons": "studies.reasons:Reasons",
    "Result": "solvers.result:Result",
    "Robust": "studies.robustness:Robust",
    "Scenario": "studies.scenarios:Scenario",
    "Shares": "studies.shares:Shares",
    "SideRow": "model.rows:SideRow",
    "SolverError": "errors:SolverError",
    "StudyPlots": "report.plots:StudyPlots",
    "Sweep": "studies.sweeps:Sweep",
    "UnsupportedError": "errors:UnsupportedError",
    "UsageError": "errors:UsageError",
    "alternatives": "studies.alternative_plans:alternatives",
    # Not `solvers`: that is the subpackage, which the import system puts here under that name.
    "available_solvers": "solvers.registry:solvers",
    "check": "model.check:check",
    "compare": "studies.comparisons:compare",
    "draft": "studies.drafts:draft",
    "explain": "studies.reasons:explain",
    "explain_infeasible": "studies.impossibility:explain_infeasible",
    "families": "studies.generate:families",
    "frontier": "studies.frontiers:frontier",
    "generate": "studies.generate:generate",
    "in_house_account": "model.check:in_house_account",
    "instance_from": "model.build:instance_from",
    "phase": "studies.phasing:phase",
    "read": "files.instances:read",
    "read_public": "files.public.reading:read_public",
    "read_result": "files.results:read_result",
    "read_scenarios": "studies.scenarios:read_scenarios",
    "read_study": "files.studies:read_study",
    "robust": "studies.robustness:robust",
    "share": "studies.shares:share",
    "solve": "solvers.session:solve",
    "sweep": "studies.sweeps:sweep",
    "todays_account": "model.check:todays_account",
    "verify": "files.verification:verify",
    "write": "files.writing:write",
}

__all__ = [
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


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("optimiser")
    elif name in _HOMES:
        from importlib import import_module

        module, _, attribute = _HOMES[name].partition(":")
        value = getattr(import_module(f"optimiser.{module}"), attribute)
    else:
        raise AttributeError(f"module 'optimiser' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__

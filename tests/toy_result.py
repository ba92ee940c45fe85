"""The toy instance and results of it made by hand, without any solver."""

from __future__ import annotations

import functools
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimiser.files.instances import read
from optimiser.model.check import check
from optimiser.model.plan import BY_ITSELF, Plan
from optimiser.model.rows import Quantity, SideRow
from optimiser.solvers.base import Options
from optimiser.solvers.result import Point, Result

if TYPE_CHECKING:
    from optimiser.model.instance import Instance

TOY = Path(__file__).parents[1] / "instances" / "toy"
#: Cost of the best plan, in pence; instances/toy/README.md works it out.
BEST = 22060000
#: A side row that the best plan keeps: at most two thirds of an organisation more than it has.
ROW = SideRow(
    name="contracts",
    terms=(Quantity(measure="contracts", coefficient=Fraction(1, 3)),),
    maximum=Fraction(17, 9),
)


@functools.cache
def toy() -> Instance:
    """Read the toy instance."""
    return read(TOY)


def best_plan(instance: Instance) -> Plan:
    """Payroll from the Hub, IT from Valley, Cedar's IT in-house."""
    who = {("alder", "payroll"): 0, ("birch", "payroll"): 0, ("cedar", "payroll"): 0,
           ("alder", "it"): 1, ("birch", "it"): 1, ("cedar", "it"): BY_ITSELF}  # fmt: skip
    demand = instance["demand"]
    organisations = instance["organisations"].keys[demand["organisation"]]
    services = instance["services"].keys[demand["service"]]
    return Plan.of(
        (row, who[organisation, service], int(demand["volume"][row]))
        for row, (organisation, service) in enumerate(zip(organisations, services, strict=True))
    )


def result(instance: Instance | None = None, **changes: Any) -> Result:
    """Make the result that a solver would have given, with `changes`."""
    instance = toy() if instance is None else instance
    if "account" not in changes:
        plan = best_plan(instance)
        changes |= {"plan": plan, "account": check(instance, plan, (ROW,))}
    given: dict[str, Any] = {
        "status": "optimal",
        "instance": instance,
        "bound_units": BEST - 1000,
        "solver": "by hand",
        "solver_version": "1",
        "options": Options(time_limit=60.0),
        "cleaning": ("2 options",),
        "rows": (ROW,),
        "trace": (Point(time=0.5, objective=BEST, bound=None),),
        "seconds": {"solve": 0.5, "total": 0.75},
    }
    return Result(**given | changes)


def without_plan(status: str, **changes: Any) -> Result:
    """Make a result that has no plan."""
    nothing: dict[str, Any] = {"status": status, "plan": None, "account": None,
                               "bound_units": None}  # fmt: skip
    return result(**nothing | changes)

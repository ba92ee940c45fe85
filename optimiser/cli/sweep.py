"""``optimiser sweep``: an instance under every scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from optimiser.cli.common import read_instance
from optimiser.cli.studies import conduct, how_of, jobs_options, solving_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimiser.files.studies import Record
    from optimiser.report.studies import View

_EPILOG = """
\b
Examples:
  optimiser sweep instances/southwest-one instances/southwest-one/scenarios.toml
  optimiser sweep my-study scenarios.toml --jobs 2 --gap 1% --out sweeps/my-study
  optimiser sweep my-study scenarios.toml --cluster tcp://scheduler:8786 --out sweeps/my-study

\b
Exit codes: 0 every scenario solved within the gap or proved to have no plan, 2 input or usage,
3 one stopped at a limit, 4 no scenario has a plan, 5 one has none found in time, 6 the solver
failed in one, 130 interrupted.
"""


@click.command(short_help="Solve under many scenarios.", epilog=_EPILOG, no_args_is_help=True)
@click.argument("path")
@click.argument("scenarios")
@click.option("--alpha", type=click.FloatRange(0, 1), default=0.9, show_default=True, metavar="A",
              help="Level of the conditional value at risk: mean of the worst 1 − A.")  # fmt: skip
@jobs_options
@solving_options()
def sweep(path: str, scenarios: str, alpha: float, **options: Any) -> int:
    """Solve the instance at PATH under every scenario of the file SCENARIOS.

    Says what each scenario costs, which decisions never change and which flip, and what each plan
    costs should another scenario come true. With --out, what is solved is kept at once: the same
    command again goes on where it was stopped.
    """
    from optimiser.studies.scenarios import read_scenarios
    from optimiser.studies.sweeps import sweep as run

    return conduct(
        options,
        lambda: read_instance(path, options["reader"]),
        lambda instance, tell: run(
            instance, read_scenarios(scenarios), how=how_of(options), alpha=alpha, progress=tell
        ),
        _views,
    )


def _views(record: Record) -> Sequence[View]:
    from optimiser.report.studies import View

    # Where all went well there is no need to say so in each line.
    names = list(record.tables["scenarios"].kinds)
    at = names.index("status")
    odd = any(row[at] != "optimal" for row in record.tables["scenarios"].rows)
    columns = {
        "scenario": "scenario", **({"status": "status"} if odd else {}), "cost": "cost a year",
        "gap": "gap", "oversight_hours": "hours", "in_house": "in-house",
        "shared_centre": "centres", "co_operative": "co-ops", "differs": "differ",
        "against": "against as-is",
    }  # fmt: skip
    return [
        View(table="scenarios", title="Scenarios (pairs by mode; differ: from as-is)", rows=25,
             columns=columns),
        View(table="decisions", title="Decisions that flip", rows=8, where=lambda r: r["flips"],
             columns={"organisation": "organisation", "service": "service",
                      "deliverer": "mostly", "scenarios": "in", "elsewhere": "but"}),
        View(table="risks", title="Each plan over all scenarios", rows=25, columns={
            "plan": "plan of", "expected": "expected £", "cvar": "CVaR £", "worst": "worst £",
            "regret_high": "most regret £", "breaks_rules": "breaks rules in"}),
    ]  # fmt: skip

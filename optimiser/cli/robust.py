"""``optimiser robust``: one plan, or openings, for all scenarios."""

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
  optimiser robust instances/southwest-one instances/southwest-one/scenarios.toml
  optimiser robust my-study scenarios.toml --aim regret
  optimiser robust my-study scenarios.toml --stage openings --out robust/my-study
"""


@click.command(short_help="One plan for many futures.", epilog=_EPILOG, no_args_is_help=True)
@click.argument("path")
@click.argument("scenarios")
@click.option("--aim", type=click.Choice(["expected", "worst", "regret", "cvar"]),
              default="expected", show_default=True,
              help="What is least over the scenarios: expected cost, the worst cost, the largest "
              "regret, or the mean of the worst cases.")  # fmt: skip
@click.option("--stage", type=click.Choice(["plan", "openings"]), default="plan",
              show_default=True,
              help="What is decided now: the whole plan, or which providers are open.")  # fmt: skip
@click.option("--alpha", type=click.FloatRange(0, 1), default=0.9, show_default=True, metavar="A",
              help="Level of CVaR.")  # fmt: skip
@jobs_options
@solving_options()
def robust(path: str, scenarios: str, aim: str, stage: str, alpha: float, **options: Any) -> int:
    """Find the plan that holds in every scenario of SCENARIOS, and is best over them.

    With --stage openings only the openings are decided now; who delivers is decided once it is
    known which scenario has come. Says what knowing the future would be worth, and what planning
    for the mean would cost.
    """
    from optimiser.studies.robustness import robust as run
    from optimiser.studies.scenarios import read_scenarios

    return conduct(
        options,
        lambda: read_instance(path, options["reader"]),
        lambda instance, tell: run(
            instance,
            read_scenarios(scenarios),
            aim=aim,
            stage=stage,
            alpha=alpha,
            how=how_of(options),
            progress=tell,
        ),
        _views,
    )


def _views(record: Record) -> Sequence[View]:
    from optimiser.report.studies import View

    return [
        View(table="scenarios", title="What it costs, should the scenario come true", rows=25,
             columns={"scenario": "scenario", "probability": "probability",
                      "objective": "this", "best": "best there £", "regret_high": "regret £"}),
    ]  # fmt: skip

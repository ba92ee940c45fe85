"""``optimiser share``: who should pay what, and whether anyone would leave."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from optimiser.cli.common import read_instance
from optimiser.cli.studies import conduct, how_of, jobs_options, restored, solving_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimiser.files.studies import Record
    from optimiser.model.instance import Instance
    from optimiser.report.studies import View
    from optimiser.studies.pool import Tell
    from optimiser.studies.shares import Shares

_METHODS = ("volume", "stand-alone", "shapley", "core", "nucleolus")
_EPILOG = """
\b
Examples:
  optimiser share instances/toy
  optimiser share results/southwest-one --jobs 2 --samples 40
  optimiser share my-study --method shapley --method core --out shares/my-study
"""


@click.command(short_help="Who should pay what; who would leave.", epilog=_EPILOG,
               no_args_is_help=True)
@click.argument("path")
@click.option("--method", "methods", multiple=True, type=click.Choice(_METHODS),
              help="A way to share; repeatable.  [default: all]")
@click.option("--exact", type=click.IntRange(1, 16), default=8, show_default=True, metavar="N",
              help="Up to so many organisations every group is solved.")
@click.option("--samples", type=click.IntRange(2, 100_000), default=20, show_default=True,
              metavar="N", help="Beyond: orders of joining for the Shapley value.")
@jobs_options
@solving_options()
def share(
    path: str, methods: tuple[str, ...], exact: int, samples: int, **options: Any
) -> int:
    """Say what each organisation should pay of what a plan costs.

    The plan is that of the result at PATH, or the best for the instance at PATH. For each way to
    share: who pays what, whether anyone or any group would be better off by itself, and the
    cheapest side payments that prevent it.
    """
    from optimiser.studies.shares import METHODS, share_instance
    from optimiser.studies.shares import share as run

    saved = (Path(path) / "result.json").is_file() or Path(path).name == "result.json"
    result = restored(path) if saved else None
    how = how_of(options)

    def work(instance: Instance, tell: Tell) -> Shares:
        plan = result or share_instance(instance, how=how, progress=tell)
        return run(plan, methods=methods or tuple(METHODS), exact=exact, samples=samples, how=how,
                   progress=tell)  # fmt: skip

    return conduct(
        options,
        lambda: read_instance(path, options["reader"]) if result is None else result.instance,
        work,
        _views,
    )


def _views(record: Record) -> Sequence[View]:
    from optimiser.report.studies import View

    columns = record.tables["shares"].kinds
    headings = {"organisation": "organisation", "alone": "alone"}
    headings |= {
        name: name.removeprefix("by_").replace("_", "-").replace("-error", " ±")
        for name in columns
        if name.startswith("by_")
    }
    return [
        View(table="ways", title="Would a group be better off leaving?", columns={
            "what": "costs shared", "leaving": "leaving", "group": "who", "gain_low": "gains",
            "side_payments": "side payments", "note": "note"}),
        View(table="shares", title="What each pays a year", rows=40, columns=headings),
    ]  # fmt: skip

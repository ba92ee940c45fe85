"""``optimiser alternatives``: other plans that cost hardly more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from optimiser.cli.common import Gap, read_instance
from optimiser.cli.studies import conduct, how_of, solving_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimiser.files.studies import Record
    from optimiser.report.studies import View

_EPILOG = """
\b
Examples:
  optimiser alternatives instances/southwest-one --within 0.5%
  optimiser alternatives my-study --count 3 --time-limit 60 --out alternatives/my-study
"""


@click.command(short_help="Other plans, hardly dearer.", epilog=_EPILOG, no_args_is_help=True)
@click.argument("path")
@click.option("--within", type=Gap(), default="1%", show_default=True, metavar="SHARE",
              help="How much dearer than the best they may be: 0.01, 1%.")
@click.option("--count", type=click.IntRange(1, 100), default=5, show_default=True, metavar="N",
              help="Most plans sought.")
@solving_options()
def alternatives(path: str, within: float, count: int, **options: Any) -> int:
    """Find other plans for the instance at PATH that cost hardly more, as different as possible.

    Says what all of them have in common: decisions that hardly any plan so good can avoid.
    """
    from optimiser.studies.alternative_plans import alternatives as run

    return conduct(
        options,
        lambda: read_instance(path, options["reader"]),
        lambda instance, tell: run(
            instance, count=count, within=within, how=how_of(options), progress=tell
        ),
        _views,
    )


def _views(record: Record) -> Sequence[View]:
    from optimiser.report.studies import View

    names = [name for name in record.tables["decisions"].kinds
             if name not in ("organisation", "service", "same")]  # fmt: skip
    short = {name: name.replace("alternative", "no. ") for name in names}
    return [
        View(table="plans", title="Plans", rows=40, columns={
            "plan": "plan", "cost": "cost a year", "extra": "more £", "extra_share": "more",
            "differs": "pairs unlike the best", "providers": "providers"}),
        View(table="decisions", title="Decisions that differ", rows=12,
             where=lambda row: not row["same"],
             columns={"organisation": "organisation", "service": "service", **short}),
    ]  # fmt: skip

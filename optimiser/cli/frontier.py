"""``optimiser frontier``: cost against another measure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from optimiser.cli.common import read_instance
from optimiser.cli.studies import conduct, how_of, jobs_options, solving_options

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    from optimiser.files.studies import Record
    from optimiser.report.studies import View

_EPILOG = """
\b
Examples:
  optimiser frontier instances/southwest-one --measure co-operatives --points 8
  optimiser frontier my-study --measure moved --all --gap 0
  optimiser frontier my-study --measure hours --weight 20 --weight 50 --out frontier/my-study
"""


@click.command(short_help="Cost against another measure.", epilog=_EPILOG, no_args_is_help=True)
@click.argument("path")
@click.option("--measure", default="hours", show_default=True, metavar="NAME",
              help="hours, co-operatives, co-operative-volume, moved, burden, largest-provider.")
@click.option("--points", type=click.IntRange(2, 1000), default=10, show_default=True, metavar="N",
              help="Limits between the cheapest plan and the furthest one.")
@click.option("--all", "complete", is_flag=True,
              help="Every point of the frontier, one by one; with --gap 0 each is proved.")
@click.option("--weight", "weights", multiple=True, metavar="£",
              help="Price the measure at so much a unit and find that plan, too; repeatable.")
@jobs_options
@solving_options()
def frontier(
    path: str,
    measure: str,
    points: int,
    complete: bool,
    weights: tuple[str, ...],
    **options: Any,
) -> int:
    """Say what each step of a measure costs, for the instance at PATH."""
    from optimiser.studies.frontiers import frontier as run

    prices = [_price(text) for text in weights]
    return conduct(
        options,
        lambda: read_instance(path, options["reader"]),
        lambda instance, tell: run(
            instance,
            measure,
            points=None if complete else points,
            weights=prices,
            how=how_of(options),
            progress=tell,
        ),
        _views,
    )


def _price(text: str) -> Fraction:
    from fractions import Fraction

    from optimiser.errors import UsageError

    try:
        price = Fraction(text.strip())
    except (ValueError, ZeroDivisionError):
        price = Fraction(-1)
    if price < 0:
        raise UsageError(f"--weight {text}: this is no price. Write a number from 0, such as 25.")
    return price


def _views(record: Record) -> Sequence[View]:
    from optimiser.report.studies import View

    share = any(row[2] is not None for row in record.tables["points"].rows)
    return [
        View(table="points", title=str(record.facts["title"]).capitalize(), rows=40, columns={
            **({"share": "share"} if share else {}), "value": "value", "cost": "cost a year",
            "extra": "more than cheapest £", "step_price": "per step £", "gap": "gap",
            "knee": "knee"}),
        View(table="weighted", title="Priced by weight", rows=40, columns={
            "weight": "weight £", "value": "value", "cost": "cost a year"}),
    ]  # fmt: skip

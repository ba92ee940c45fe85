"""``optimiser explain``: why there is no plan, or why a plan is as it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from optimiser.cli.common import read_instance
from optimiser.cli.studies import conduct, jobs_options, solving_options
from optimiser.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    from optimiser.files.studies import Record
    from optimiser.report.studies import View

_EPILOG = """
\b
Examples:
  optimiser explain my-study
  optimiser explain my-study --never 'policies.*' --weight offers.capacity=3
  optimiser explain results/southwest-one --pair mendip/hr --pair police/finance
"""


@click.command(short_help="Why there is no plan, or why it is so.", epilog=_EPILOG,
               no_args_is_help=True)
@click.argument("path")
@click.option("--pair", "pairs", multiple=True, metavar="ORGANISATION/SERVICE",
              help="Of a result: a pair to explain; repeatable.")
@click.option("--count", type=click.IntRange(1, 1000), default=10, show_default=True, metavar="N",
              help="Of a result, without --pair: how many of the dearest pairs.")
@click.option("--weight", "weights", multiple=True, metavar="RULE=NUMBER",
              help="Without a plan: how much a rule counts when fewest are sought; repeatable.")
@click.option("--never", multiple=True, metavar="RULE",
              help="Without a plan: a rule that must not be touched; repeatable.")
@jobs_options
@solving_options()
def explain(
    path: str,
    pairs: tuple[str, ...],
    count: int,
    weights: tuple[str, ...],
    never: tuple[str, ...],
    **options: Any,
) -> int:
    """Say why the instance at PATH has no plan, or why the plan of the result at PATH is as it is.

    Without a plan: the fewest rules that would have to change, by how much, and rules that cannot
    hold together. Rules are named TABLE.COLUMN, TABLE.COLUMN[KEY], or with a *.

    Of a saved result: for each pair the next-best deliverer and what it would cost, with all else
    as it is and with all else free to adapt, and how far prices may move before it flips.
    """
    if (Path(path) / "result.json").is_file() or Path(path).name == "result.json":
        from optimiser.cli.reasons import explain_result

        return explain_result(path, pairs, count, options)
    if pairs:
        raise UsageError(
            f"--pair is for results, and {path} is an instance. Solve it first: "
            f"optimiser solve {path} --out DIR, then optimiser explain DIR."
        )
    from optimiser.studies.impossibility import explain_infeasible

    prices = dict(_weight(text) for text in weights)
    return conduct(
        options,
        lambda: read_instance(path, options["reader"]),
        lambda instance, tell: explain_infeasible(
            instance,
            weights=prices,
            never=never,
            time_limit=options["time_limit"],
            progress=tell,
        ),
        _views,
    )


def _weight(text: str) -> tuple[str, Fraction]:
    from fractions import Fraction

    rule, sign, number = text.rpartition("=")
    try:
        if not sign:
            raise ValueError
        return rule, Fraction(number.strip())
    except (ValueError, ZeroDivisionError):
        raise UsageError(
            f"--weight {text}: write RULE=NUMBER, such as offers.capacity=2."
        ) from None


def _views(record: Record) -> Sequence[View]:
    from optimiser.report.studies import View

    return [
        View(table="relaxations", title="What would have to change", rows=40, columns={
            "what": "change", "change_share": "by"}),
        View(table="conflict", title="What cannot hold together", rows=40, columns={
            "what": "rule", "table": "table", "key": "row", "column": "column", "now": "now"}),
    ]  # fmt: skip

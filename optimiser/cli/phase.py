"""``optimiser phase``: from today's arrangement to a plan, over several years."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from optimiser.cli.common import read_instance
from optimiser.cli.studies import conduct, how_of, solving_options
from optimiser.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    from optimiser.files.studies import Record
    from optimiser.model.instance import Instance
    from optimiser.model.plan import Plan
    from optimiser.report.studies import View
    from optimiser.solvers.result import Result

_EPILOG = """
\b
Examples:
  optimiser phase instances/southwest-one --budget 2m
  optimiser phase my-study results/my-study --moves 10 --years 4
  optimiser phase my-study --budget 3m --budget 2m --budget 1m --years 3 --out phases/my-study
"""


@click.command(short_help="Move to a plan over years.", epilog=_EPILOG, no_args_is_help=True)
@click.argument("path", metavar="INSTANCE")
@click.argument("result", required=False)
@click.option("--budget", "budgets", multiple=True, metavar="AMOUNT",
              help="Most one-off money a year: 2000000, 2m, 250k; repeated: one for each year.")
@click.option("--moves", type=click.IntRange(0), metavar="N", help="Most pairs that move a year.")
@click.option("--years", type=click.IntRange(1, 1000), metavar="N",
              help="Years in which the plan must be reached.  [default: the horizon, 5 at most]")
@click.option("--on-the-way", type=click.Choice(["rules", "capacities"]), default="rules",
              show_default=True,
              help="What holds before the last year: every rule that today's arrangement keeps, "
              "or only capacities, most members, tariffs and links.")
@solving_options()
def phase(
    path: str,
    result: str | None,
    budgets: tuple[str, ...],
    moves: int | None,
    years: int | None,
    on_the_way: str,
    **options: Any,
) -> int:
    """Say in which order to move from today's arrangement to a plan, over several years.

    The plan is that of the saved RESULT; without one INSTANCE is solved first.
    """
    from optimiser.studies.phasing import phase as run

    amounts = [_amount(text) for text in budgets]

    def study(instance: Instance, tell: Any) -> Any:
        return run(
            instance,
            None if result is None else _target(result, instance),
            budget=amounts or None,
            moves=moves,
            years=years,
            on_the_way=on_the_way,
            how=how_of(options),
            progress=tell,
        )

    return conduct(options, lambda: read_instance(path, options["reader"]), study, _views)


def _amount(text: str) -> Fraction:
    from fractions import Fraction

    match = re.fullmatch(r"(\d{1,15}(?:\.\d{1,6})?)([km]?)", text.strip().lower().replace(",", ""))
    if match is None:
        raise UsageError(f"--budget {text}: this is no amount. Write 2000000, 2m or 250k.")
    return Fraction(match[1]) * {"": 1, "k": 1000, "m": 1_000_000}[match[2]]


def _target(path: str, instance: Instance) -> Result | Plan:
    """Return a saved result, or its plan where it is of another version of the instance."""
    from pathlib import Path

    from optimiser.files.restoring import restore_result
    from optimiser.files.results import read_result, rows_of

    saved = read_result(path)
    if not saved.deliveries:
        raise UsageError(f"{path} holds no plan to move to (its status is {saved.status}).")
    rows, _ = rows_of(saved.content.get("rows", []))
    folder = Path(path) if Path(path).is_dir() else Path(path).parent
    restored = restore_result(folder, instance, rows=rows, interrupted=True)
    if restored is not None:
        return restored
    plan, unknown = saved.plan_for(instance)
    if unknown:
        raise UsageError(
            f"{path} is no result of this instance: {unknown[0]}. Solve the instance again, or "
            "leave the result out."
        )
    return plan


def _views(record: Record) -> Sequence[View]:
    from optimiser.report.studies import View

    limited = any(row["budget"] for row in _rows(record, "years"))
    last = int(record.facts["years"])
    return [
        View(table="years", title="Year by year", rows=max(6, min(last + 1, 12)), columns={
            "year": "year", "moves": "moves", "running": "running cost", "one_off": "one-off",
            **({"budget": "budget"} if limited else {}),
            "saving": "saved against today", "cumulative": "in all"}),
        View(table="moves", title="Moves", rows=10, columns={
            "year": "year", "organisation": "organisation", "service": "service", "from": "from",
            "to": "to", "one_off": "one-off"}),
        View(table="orders", title="Orders", columns={
            "order": "order", "within_limits": "within limits", "most_spent": "most in a year",
            "worth": "net present value £", "pays_back": "pays back in year"}),
        View(table="rules", title="Broken today, and no further until the last year", rows=3,
             columns={"until_the_last_year": "as if we were to"}),
    ]  # fmt: skip


def _rows(record: Record, table: str) -> list[dict[str, Any]]:
    sheet = record.tables[table]
    return [dict(zip(sheet.kinds, row, strict=True)) for row in sheet.rows]

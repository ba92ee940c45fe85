"""``optimiser solve``: from an instance to a checked plan."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from optimiser.cli import codes
from optimiser.cli.common import (
    Duration,
    Gap,
    draw,
    fail_in_json,
    format_option,
    read_instance,
    reader_option,
    say,
    screen,
    write_json,
)
from optimiser.errors import OptimiserError, UsageError

if TYPE_CHECKING:
    from optimiser.model.instance import Instance
    from optimiser.model.plan import Plan
    from optimiser.solvers.result import Result

_EPILOG = """
\b
Examples:
  optimiser solve instances/southwest-one
  optimiser solve my-study --solver scip --time-limit 10m --gap 0 --out results/my-study
  optimiser solve cap41.txt --reader orlib --gap 0
  optimiser solve my-study.xlsx --start results/my-study --format json --quiet > answer.json

\b
Exit codes: 0 solved within the gap, 2 input or usage, 3 stopped at a limit with a plan,
4 there is no plan, 5 no plan found in time, 6 the solver failed, 130 interrupted (the best plan
so far is shown and, with --out, saved).
"""


@click.command(short_help="Find the plan of least cost.", epilog=_EPILOG, no_args_is_help=True)
@click.argument("path")
@reader_option
@click.option(
    "--solver",
    default="auto",
    show_default=True,
    metavar="NAME",
    help="Which solver; `optimiser solvers` lists them.",
)
@click.option(
    "--time-limit",
    type=Duration(),
    metavar="TIME",
    help="Stop after this time and keep the best plan: 90, 90s, 5m, 1h.  [default: none]",
)
@click.option(
    "--gap",
    type=Gap(),
    default="1e-4",
    show_default=True,
    metavar="GAP",
    help="Stop when no plan can be better by more than this share; 0 asks for proof.",
)
@click.option(
    "--threads",
    type=click.IntRange(1, 1024),
    metavar="N",
    help="Threads that the solver may use.  [default: 1]",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**31 - 1),
    default=0,
    show_default=True,
    metavar="N",
    help="Seed of what is random in the solver.",
)
@click.option("--start", metavar="RESULT", help="Start from the plan of a saved result.")
@click.option("--out", metavar="DIR", help="Save the result as this folder; of a workbook, also as "
              "FILE.xlsx.  [default for x.xlsx: x-result.xlsx]")
@click.option("--export", metavar="FILE", help="Write the model to FILE, such as model.mps, too.")
@click.option("--log", metavar="FILE", help="Write what the solver says to FILE.")
@click.option(
    "--clean/--no-clean",
    default=True,
    show_default=True,
    help="Drop what cannot matter before solving.",
)
@format_option
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
def solve(
    path: str,
    reader: str | None,
    solver: str,
    time_limit: float | None,
    gap: float,
    threads: int | None,
    seed: int,
    start: str | None,
    out: str | None,
    export: str | None,
    log: str | None,
    clean: bool,
    form: str,
    quiet: bool,
) -> int:
    """Find the plan of least cost for the instance at PATH.

    PATH is a folder, a workbook or, with --reader, a public facility location file.
    """
    with contextlib.ExitStack() as stack:
        try:
            # Now, not after an hour of solving.
            copy = _copy_of(path, out, reader)
            if copy is not None:
                from optimiser.files.workbook_results import refuse_foreign_workbook

                refuse_foreign_workbook(copy, Path(path))
            elif out is not None:
                from optimiser.files.results import refuse_foreign

                refuse_foreign(out)
            _refuse_tables("--export", export)
            _refuse_tables("--log", log)
            instance = read_instance(path, reader)
            result = _solve(
                instance,
                quiet=quiet,
                solver=solver,
                time_limit=time_limit,
                gap=gap,
                threads=threads or 1,
                seed=seed,
                start=None if start is None else _start(start, instance),
                clean=clean,
                log=log,
                export=export,
            )
            from optimiser.solvers.process import Interrupts

            # An impatient second Ctrl-C must not cost the plan; the third one gets through.
            stack.enter_context(Interrupts())
            if copy is not None:
                from optimiser.files.workbook_results import write_result_workbook

                write_result_workbook(result, Path(path), copy)
            saved = None if out is None or copy is not None else _save(result, out)
        except OptimiserError as error:
            if form == "json":
                fail_in_json(error)
            raise
        if form == "json":
            _as_json(result, saved)
        else:
            _as_text(result, saved, export, copy)
    return codes.of_status(result.status, interrupted=result.interrupted)


def _copy_of(path: str, out: str | None, reader: str | None) -> Path | None:
    """Return the workbook that the answer to a workbook goes to; None if it goes elsewhere."""
    if reader is not None or Path(path).suffix.lower() != ".xlsx":
        if out is not None and Path(out).suffix.lower() == ".xlsx":
            raise UsageError(
                f"--out {out}: a workbook is written for a workbook only, and {path} is none. "
                "Name a folder."
            )
        return None
    if out is None:
        from optimiser.files.workbook_results import beside

        return beside(Path(path))
    return Path(out) if Path(out).suffix.lower() == ".xlsx" else None


#: Endings of files that hold tables or results, never a model or a log.
_TABLES: Final = (".csv", ".toml", ".xlsx", ".xlsm", ".json")


def _refuse_tables(option: str, path: str | None) -> None:
    """Raise if the option would write over a table."""
    if path is not None and Path(path).suffix.lower() in _TABLES and Path(path).exists():
        raise UsageError(f"{option} {path}: this file exists and may be a table. Name another.")


def _solve(instance: Instance, *, quiet: bool, **options: Any) -> Result:
    from optimiser.cli.progress import Reporter
    from optimiser.report.words import Money
    from optimiser.solvers.session import solve as run

    # An empty amount shows what stands before amounts of this currency.
    symbol = Money(currency=instance.settings.currency, decimals=0).exact(0).removesuffix("0")
    with Reporter(symbol, quiet=quiet) as reporter:
        return run(instance, progress=reporter, **options)


def _start(path: str, instance: Instance) -> Plan:
    from optimiser.files.results import read_result

    saved = read_result(path)
    if not saved.deliveries:
        raise UsageError(f"{path} holds no plan to start from (its status is {saved.status}).")
    plan, unknown = saved.plan_for(instance)
    if unknown:
        click.echo(
            f"--start: {unknown[0]}"
            + (f", and {len(unknown) - 1:,} more like this" if len(unknown) > 1 else "")
            + "; left out.",
            err=True,
        )
    return plan


def _save(result: Result, out: str) -> str:
    from optimiser.files.results import write_result

    return str(write_result(result, out))


def _as_json(result: Result, saved: str | None) -> None:
    from optimiser.files.results import document

    write_json({**document(result), "saved": None if saved is None else os.path.abspath(saved)})  # noqa: PTH100 - a text for the reader


def _as_text(
    result: Result, saved: str | None, export: str | None, copy: Path | None = None
) -> None:
    from optimiser.report.text import answer

    width, height, plain = screen()
    draw(answer(result, width=width, height=height, plain=plain))
    if saved is not None:
        say(f"Saved in {saved}; check it again with: optimiser verify {saved}")
    elif copy is not None:
        say(f"The answer is in {copy}, in sheets beside the tables; {result.instance.source} is "
            "as it was.")  # fmt: skip
    elif result.account is not None:
        say("Nothing was saved; add --out DIR for the tables of this plan.")
    if export is not None:
        say(f"The model is in {export}.")
    sys.stdout.flush()

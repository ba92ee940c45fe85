"""What the commands of studies share: options, solving, the answer as text or JSON, saving."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, TypeVar

import click

from optimiser.cli import codes
from optimiser.cli.common import (
    Duration,
    Gap,
    draw,
    fail_in_json,
    format_option,
    reader_option,
    say,
    screen,
    write_json,
)
from optimiser.errors import OptimiserError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from optimiser.files.studies import Record, Recorded
    from optimiser.model.instance import Instance
    from optimiser.report.studies import View
    from optimiser.solvers.result import Result
    from optimiser.studies.pool import How, Tell

    Study = TypeVar("Study", bound=Recorded)

F = TypeVar("F", bound="Callable[..., Any]")


def solving_options(gap: str = "1e-4") -> Callable[[F], F]:
    """Return a decorator that adds the options of every study; `gap` is the default gap."""
    options = [
        reader_option,
        click.option("--solver", default="auto", show_default=True, metavar="NAME",
                     help="Which solver; `optimiser solvers` lists them."),
        click.option("--time-limit", type=Duration(), metavar="TIME",
                     help="Most time for each solve: 90, 90s, 5m.  [default: none]"),
        click.option("--gap", type=Gap(), default=gap, show_default=True, metavar="GAP",
                     help="Gap at which each solve stops: 0, 0.001, 1%."),
        click.option("--threads", type=click.IntRange(1, 1024), default=1, show_default=True,
                     metavar="N", help="Threads of each solve."),
        click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True,
                     metavar="N", help="Seed of what is random."),
        click.option("--out", metavar="DIR",
                     help="Save tables and results as this folder; again, to resume."),
        format_option,
        click.option("--quiet", is_flag=True, help="No progress on stderr."),
    ]  # fmt: skip

    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def jobs_options(function: F) -> F:
    """Add the options of studies that solve several things side by side."""
    options = [
        click.option("--jobs", type=click.IntRange(1, 1024), default=1, show_default=True,
                     metavar="N", help="Solves side by side on this machine."),
        click.option("--cluster", default="", metavar="ADDRESS",
                     help="Dask scheduler that gets the solves, such as tcp://host:8786."),
    ]  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


def how_of(options: dict[str, Any]) -> How:
    """Return how solves are done by the options of a command."""
    from optimiser.studies.pool import How

    names = ("solver", "time_limit", "gap", "threads", "seed", "jobs", "cluster")
    return How(**{name: options[name] for name in names if name in options}, keep=options["out"])


def conduct(
    options: dict[str, Any],
    instance: Callable[[], Instance],
    run: Callable[[Instance, Tell], Study],
    views: Callable[[Record], Sequence[View]],
) -> int:
    """Run a study and show what came of it; return the exit code.

    Parameters
    ----------
    options
        Of the command, with ``out``, ``form`` and ``quiet``.
    instance
        Reads what is studied.
    run
        Does the work.
    views
        What to show of the study as text.
    """
    from optimiser.files.studies import refuse_foreign_study, write_study

    form, out = options["form"], options["out"]
    with contextlib.ExitStack() as stack:
        try:
            if out is not None:
                refuse_foreign_study(out)
            subject = instance()
            study = _watched(subject, run, quiet=options["quiet"])
            from optimiser.solvers.process import Interrupts

            stack.enter_context(Interrupts())
            record = study.record()
            if out is not None:
                write_study(record, out)
        except OptimiserError as error:
            if form == "json":
                fail_in_json(error)
            raise
        if form == "json":
            write_json({**document(record), "saved": out})
        else:
            from optimiser.report.studies import study_lines

            width, _, plain = screen()
            draw(study_lines(record, views(record), width=max(width, 100), plain=plain))
            if out is None:
                say("Nothing was saved; add --out DIR for all tables.")
            else:
                say(f"Saved in {out}.")
    if record.facts.get("interrupted"):
        return codes.INTERRUPTED
    return codes.of_status(str(record.facts.get("status", "optimal")), interrupted=False)


def restored(path: str) -> Result:
    """Return the saved result at a path, its plan checked anew against its instance."""
    from optimiser.files.restoring import open_result

    return open_result(path)


def _watched(
    instance: Instance, run: Callable[[Instance, Tell], Study], *, quiet: bool
) -> Study:
    from optimiser.cli.progress import Reporter
    from optimiser.report.words import Money

    symbol = Money(currency=instance.settings.currency, decimals=0).exact(0).removesuffix("0")
    with Reporter(symbol, quiet=quiet, lines=True) as reporter:
        return run(instance, reporter)


def document(record: Record) -> dict[str, Any]:
    """Return a study as one JSON document with stable keys; numbers of tables are exact texts."""
    return {
        "format": "optimiser-study-answer",
        "version": 1,
        "kind": record.kind,
        "headline": list(record.headline),
        "options": dict(record.options),
        "facts": dict(record.facts),
        "tables": {
            name: [dict(zip(texts[0], row, strict=True)) for row in texts[1:]]
            for name, texts in ((name, sheet.texts()) for name, sheet in record.tables.items())
        },
    }

"""``optimiser verify``: check a saved result against its instance once more."""

from __future__ import annotations

import click

from optimiser.cli import codes
from optimiser.cli.common import (
    fail_in_json,
    format_option,
    read_instance,
    reader_option,
    say,
    write_json,
)
from optimiser.errors import OptimiserError, UsageError


@click.command(
    short_help="Check a saved result against its instance.",
    no_args_is_help=True,
    epilog="\b\nExamples:\n  optimiser verify results/my-study\n"
    "  optimiser verify results/my-study --instance elsewhere/my-study\n\n"
    "\b\nExit codes: 0 everything agrees, 2 something does not (each thing is named).",
)
@click.argument("result")
@click.option(
    "--instance", metavar="PATH", help="The instance, where it no longer lies where it was."
)
@reader_option
@format_option
def verify(result: str, instance: str | None, reader: str | None, form: str) -> int:
    """Check the saved RESULT: cost and every rule reckoned anew, every saved figure compared."""
    from optimiser.files.verification import verify as run

    try:
        if reader is not None and instance is None:
            raise UsageError("--reader says how to read --instance PATH: give both.")
        given = None if instance is None else read_instance(instance, reader)
        report = run(result, given)
    except OptimiserError as error:
        if form == "json":
            fail_in_json(error)
        raise
    if form == "json":
        write_json(report.document())
    else:
        for line in report.lines():
            say(line)
    return codes.SOLVED if report.ok else codes.INPUT

"""``optimiser convert``: a public file, a folder or a workbook to a folder or a workbook."""

from __future__ import annotations

from pathlib import Path

import click

from optimiser.cli.common import read_instance, reader_option, refuse_existing, say


@click.command(
    short_help="Write an instance, or a public file, as tables.",
    no_args_is_help=True,
    epilog="\b\nExamples:\n  optimiser convert cap41.txt --reader orlib --out cap41\n"
    "  optimiser convert capa.txt --reader orlib:cap=8000 --out capa --workbook\n"
    "  optimiser convert my-study --out my-study.xlsx\n"
    "  optimiser convert my-study.xlsx --out my-study\n\n"
    "\b\nExit codes: 0 written, 2 the input has faults, or PATH of --out is taken.",
)
@click.argument("path")
@reader_option
@click.option(
    "--out",
    required=True,
    metavar="PATH",
    help="Folder to make, or a workbook if it ends in .xlsx.",
)
@click.option("--workbook", is_flag=True, help="Make one .xlsx workbook rather than a folder.")
def convert(path: str, reader: str | None, out: str, workbook: bool) -> None:
    """Write the instance at PATH (a folder, a workbook or, with --reader, a file) to --out."""
    from optimiser.files.instances import write

    target = Path(out)
    if workbook and target.suffix.lower() != ".xlsx":
        target = target.with_name(target.name + ".xlsx")
    refuse_existing(target)
    instance = read_instance(path, reader)
    write(instance, target)
    say(
        f"Wrote {instance.settings.title or path} to {target}: "
        f"{len(instance['organisations']):,} organisations, {len(instance['demand']):,} pairs, "
        f"{len(instance['providers']):,} providers, {instance.settings.sourcing} sourcing."
    )
    say(f"Solve it with: optimiser solve {target}")

"""``optimiser draft``: a list of organisations and a catalogue become an instance."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from optimiser.cli.common import (
    draw,
    fail_in_json,
    format_option,
    refuse_existing,
    say,
    screen,
    write_json,
)
from optimiser.errors import OptimiserError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimiser.studies.drafts import Draft

_EPILOG = """
\b
Examples:
  optimiser draft councils.csv --out councils
  optimiser draft schools.xlsx --catalogue my.toml --co-operatives 12 --out schools.xlsx
  optimiser draft councils.csv --where region="South West" --max-distance 60 --out south-west
  optimiser draft --towns England --minimum 50000 --out towns
  optimiser draft --write-catalogue my.toml

\b
The list is a CSV file or a workbook with a row per organisation. Headings may be as people write
them: name, code, type, lat/latitude, lng/longitude, easting, northing, staff/employees, population;
and, where you know them, volumes and costs of single services: "finance cost", "IT volume".
"""


@click.command(
    short_help="Make an instance from a list of organisations.",
    epilog=_EPILOG,
    no_args_is_help=True,
)
@click.argument("path", required=False, metavar="[LIST]")
@click.option("--out", metavar="PATH", help="Folder to make, or a workbook if it ends in .xlsx.")
@click.option(
    "--catalogue", metavar="FILE", help="Catalogue of services.  [default: the shipped one]"
)
@click.option("--write-catalogue", metavar="FILE", help="Copy the shipped catalogue to FILE.")
@click.option("--towns", metavar="AREA", help="Take the towns of England or of a country.")
@click.option(
    "--minimum",
    type=click.IntRange(500),
    metavar="N",
    help="With --towns: fewest inhabitants.  [default: 50000]",
)
@click.option("--centres", type=click.IntRange(0), metavar="N", help="Most shared centres.")
@click.option("--co-operatives", type=click.IntRange(0), metavar="N", help="Most co-operatives.")
@click.option(
    "--max-distance",
    type=click.FloatRange(0, min_open=True),
    metavar="KM",
    help="Farthest that any provider serves, km by road.",
)
@click.option("--services", metavar="KEYS", help="Only these services, with commas between.")
@click.option("--kinds", metavar="KINDS", help="Only organisations of these kinds.")
@click.option("--country", metavar="NAMES", help="Only organisations of these countries.")
@click.option(
    "--where",
    multiple=True,
    metavar="COLUMN=VALUES",
    help="Only rows with one of these values; may be repeated.",
)
@click.option(
    "--skip-incomplete", is_flag=True, help="Leave out rows without size or place, and say which."
)
@click.option("--title", default="", metavar="TEXT", help="Title of the instance.")
@format_option
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
def draft(
    path: str | None,
    out: str | None,
    catalogue: str | None,
    write_catalogue: str | None,
    towns: str | None,
    minimum: int | None,
    services: str | None,
    kinds: str | None,
    country: str | None,
    where: Sequence[str],
    skip_incomplete: bool,
    form: str,
    quiet: bool,
    **options: Any,
) -> None:
    """Make an instance from a LIST of organisations with places and sizes.

    Volumes and costs follow a catalogue of services; centres and co-operatives are proposed from
    the geography. Every figure of the catalogue says its source, or that it is an assumption.
    """
    from optimiser.files.instances import write

    try:
        if write_catalogue is not None:
            _copy_catalogue(write_catalogue)
            if path is None and towns is None:
                return
        if out is None:
            raise UsageError("Say where to write the instance: --out DIR or --out FILE.xlsx.")
        refuse_existing(Path(out))
        wanted = None if services is None else _parts(services)
        filters = _filters(kinds, country, where)
        made = _made(
            path,
            towns,
            minimum,
            filters,
            catalogue=catalogue,
            services=wanted,
            skip_incomplete=skip_incomplete,
            progress=None if quiet else _tell,
            **options,
        )
        write(made.instance, out, notes=made.readme())
    except OptimiserError as error:
        if form == "json":
            fail_in_json(error)
        raise
    if form == "json":
        saved = os.path.abspath(out)  # noqa: PTH100 - a text for the reader
        write_json({**made.facts(), "saved": saved})
        return
    from optimiser.report.drafts import draft_lines

    width, _, plain = screen()
    draw(draft_lines(made, width=width, plain=plain))
    say(f"Saved in {out}, with every figure and its source in its notes (readme).")
    say(f"Solve it with: optimiser solve {out} --gap 1%")


def _tell(message: str) -> None:
    click.echo(f"{message} ...", err=True)


def _made(
    path: str | None,
    area: str | None,
    minimum: int | None,
    filters: dict[str, list[str]],
    *,
    catalogue: str | None,
    skip_incomplete: bool,
    **options: Any,
) -> Draft:
    from optimiser.studies.drafting.catalogue import read_catalogue
    from optimiser.studies.drafting.towns import towns
    from optimiser.studies.drafts import draft as make
    from optimiser.studies.drafts import draft_from

    if (path is None) == (area is None):
        raise UsageError("Name a list of organisations, or --towns AREA; one of the two.")
    if area is None:
        if minimum is not None:
            raise UsageError("--minimum goes with --towns only.")
        assert path is not None
        return make(
            path, catalogue=catalogue, filters=filters, skip_incomplete=skip_incomplete, **options
        )
    if filters or skip_incomplete:
        raise UsageError("--kinds, --country, --where and --skip-incomplete go with a list only.")
    read = read_catalogue(catalogue)
    rows = towns(area, read, minimum=50_000 if minimum is None else minimum)
    return draft_from(rows, read, **options)


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _filters(kinds: str | None, country: str | None, where: Sequence[str]) -> dict[str, list[str]]:
    filters = {
        name: _parts(text) for name, text in (("kind", kinds), ("country", country)) if text
    }
    for each in where:
        column, equals, values = each.partition("=")
        if not equals or not column.strip() or not _parts(values):
            raise UsageError(f"--where {each!r}: write COLUMN=VALUE, such as region=London.")
        filters.setdefault(column.strip(), []).extend(_parts(values))
    return filters


def _copy_catalogue(target: str) -> None:
    from optimiser.files.atomic import replace_file
    from optimiser.studies.drafting.catalogue import DEFAULT

    refuse_existing(Path(target))
    replace_file(Path(target), DEFAULT.read_bytes())
    say(f"Wrote the shipped catalogue to {target}.")

"""``optimiser compare``: what differs between saved plans."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from optimiser.cli import codes
from optimiser.cli.common import draw, fail_in_json, format_option, say, screen, write_json
from optimiser.errors import OptimiserError

if TYPE_CHECKING:
    from optimiser.report.studies import View
    from optimiser.studies.comparisons import Comparison


@click.command(
    short_help="Say what differs between saved plans.",
    no_args_is_help=True,
    epilog="\b\nExamples:\n  optimiser compare results/base results/with-centre\n"
    "  optimiser compare results/a results/b results/c --out compared.html\n\n"
    "The first result is what the others are held against.",
)
@click.argument("results", nargs=-1, required=True, metavar="RESULT RESULT...")
@click.option("--out", metavar="FILE.html", help="Write everything as a page, with each plan.")
@format_option
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
def compare(results: tuple[str, ...], out: str | None, form: str, quiet: bool) -> int:
    """Hold the plans of RESULTs against the first: pairs, costs, providers, organisations."""
    from optimiser.cli.progress import Reporter
    from optimiser.cli.report import page_path
    from optimiser.cli.studies import document
    from optimiser.files.atomic import replace_file
    from optimiser.files.restoring import open_result
    from optimiser.report.studies import study_lines
    from optimiser.studies.comparisons import compare as run

    try:
        target = None if out is None else page_path(results[0], out)
        opened = []
        with Reporter("", quiet=quiet, lines=True) as reporter:
            for path in results:
                reporter(f"Reading and verifying {path}")
                opened.append(open_result(path))
        comparison = run(opened, [_name(path) for path in results])
        if target is not None:
            from optimiser.report.pages import comparison_page

            replace_file(target, comparison_page(comparison))
    except OptimiserError as error:
        if form == "json":
            fail_in_json(error)
        raise
    record = comparison.record()
    if form == "json":
        write_json({**document(record), "saved": out})
        return codes.SOLVED
    width, _, plain = screen()
    draw(study_lines(record, _views(comparison), width=max(width, 100), plain=plain))
    say(f"Wrote {target}." if target else "All of it, and each plan, as a page: --out FILE.html")
    return codes.SOLVED


def _name(path: str) -> str:
    given = Path(path)
    return (given.parent if given.suffix == ".json" else given).absolute().name


def _views(comparison: Comparison) -> list[View]:
    from optimiser.report.comparing import headings
    from optimiser.report.studies import View

    titles = headings(comparison)
    plans = [f"plan_{at}" for at in range(1, len(comparison.names) + 1)]
    more = [f"more_{at}" for at in range(2, len(comparison.names) + 1)]
    rest = "on the page (--out FILE.html)"
    return [
        View(table="plans", title="The plans", columns={
            "name": "plan", "cost": "cost a year", "more": "more", "differs": "pairs differ",
            "open_providers": "open", "in_house": "in-house", "shared_centre": "centres",
            "co_operative": "co-ops", "oversight_hours": "hours"}),
        View(table="costs", title="Cost by part", rows=8, rest=rest,
             columns={"meaning": "part", **{name: titles[name] for name in (*plans, *more)}},
             where=lambda row: any(row[name] for name in more)),
        View(table="providers", title="Opened and closed", rows=8, rest=rest,
             columns={"provider": "provider", "mode": "mode",
                      **{name: titles[name] for name in plans}},
             where=lambda row: bool(row["differs"])),
        View(table="decisions", title="Pairs that differ", rows=10, rest=rest,
             columns={"organisation": "organisation", "service": "service",
                      **{name: titles[name] for name in plans}}),
    ]  # fmt: skip

"""``optimiser report``: saved results and studies as one HTML page."""

from __future__ import annotations

from pathlib import Path

import click

from optimiser.cli import codes
from optimiser.cli.common import say


@click.command(
    short_help="Write one HTML page about results and studies.",
    no_args_is_help=True,
    epilog="\b\nExamples:\n  optimiser report results/my-study\n"
    "  optimiser report results/my-study sweep/my-study --out board.html\n\n"
    "The page opens in any browser without a network, and prints.",
)
@click.argument("results", nargs=-1, required=True, metavar="RESULT...")
@click.option("--out", metavar="FILE.html",
              help="Where to write the page.  [default: beside the first RESULT, as NAME.html]")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
def report(results: tuple[str, ...], out: str | None, quiet: bool) -> int:
    """Write one HTML page about each RESULT, a folder that solve or a study has saved."""
    from optimiser.cli.progress import Reporter
    from optimiser.files.atomic import replace_file
    from optimiser.report.pages import report_page

    target = page_path(results[0], out)
    with Reporter("", quiet=quiet, lines=True) as reporter:
        content = report_page(results, progress=reporter)
    replace_file(target, content)
    say(f"Wrote {target} ({len(content) / 1e6:.1f} MB). Open it in a browser.")
    return codes.SOLVED


def page_path(first: str, out: str | None) -> Path:
    """Return where a page goes; raise UsageError if something else than a page would be lost."""
    from optimiser.errors import FileError, UsageError
    from optimiser.report.pages import MARK

    given = Path(first)
    if out is not None:
        target = Path(out)
    else:
        folder = (given.parent if given.suffix == ".json" else given).absolute()
        target = folder.with_name(f"{folder.name or 'report'}.html")
        if target.parent == Path.cwd():
            target = Path(target.name)
    try:
        if target.is_dir():
            raise UsageError(f"{target} is a folder. Name a file for the page: --out FILE.html.")
        if target.exists():
            with target.open("rb") as file:
                mine = file.read(len(MARK)) == MARK
            if not mine:
                raise UsageError(
                    f"{target} is there already and no page of this program, so it is not "
                    "replaced. Name another file: --out FILE.html."
                )
    except OSError as error:
        raise FileError(f"{target} cannot be read: {error.strerror}.") from error
    return target

"""``optimiser view``: results in a folder, in the browser of this machine."""

from __future__ import annotations

from pathlib import Path

import click

from optimiser.cli import codes
from optimiser.cli.common import say
from optimiser.errors import UsageError


@click.command(
    short_help="See the results in a folder in your browser.",
    epilog="\b\nExamples:\n  optimiser view out\n  optimiser view results --port 8000 --no-browser",
)
@click.argument("folder", metavar="FOLDER", default=".")
@click.option("--port", type=click.IntRange(0, 65535), default=0, metavar="N",
              help="Port of the page.  [default: any that is free]")
@click.option("--browser/--no-browser", default=True, help="Open it in the browser at once.")
def view(folder: str, port: int, browser: bool) -> int:
    """List the results and studies in FOLDER on a local page, and open their reports.

    The page is for this machine only: it listens on 127.0.0.1 and refuses requests that came by
    another name, and paths outside of FOLDER. Ctrl-C ends it.
    """
    from optimiser.report.shelves import Shelf

    place = Path(folder)
    if not place.is_dir():
        raise UsageError(f"{folder} is no folder. Name one that --out of a command has written to.")
    try:
        shelf = Shelf(place, port)
    except OSError as error:
        raise UsageError(
            f"--port {port}: it cannot be used ({error.strerror}). Leave --port out for one that "
            "is free."
        ) from error
    try:
        with shelf:
            say(f"Results in {folder}: {shelf.address}   (Ctrl-C to end)")
            if browser:
                import webbrowser

                webbrowser.open(shelf.address)
            shelf.serve_forever(poll_interval=0.2)
    except KeyboardInterrupt:
        say("Ended.")
    return codes.SOLVED

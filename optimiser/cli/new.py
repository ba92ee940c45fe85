"""``optimiser new``: a copy of a shipped instance, or an empty one, to begin with."""

from __future__ import annotations

from pathlib import Path

import click

from optimiser.cli.common import refuse_existing, say
from optimiser.errors import FileError, UsageError

BLANK = "blank"


@click.command(
    short_help="Begin with a copy of a shipped instance.",
    no_args_is_help=True,
    epilog="\b\nExamples:\n  optimiser new my-study --from southwest-one\n"
    "  optimiser new my-study.xlsx --from toy --workbook\n  optimiser new my-study --from blank",
)
@click.argument("folder", metavar="DIR")
@click.option(
    "--from",
    "source",
    required=True,
    metavar="NAME",
    help="A shipped instance (toy, southwest-one, …), or `blank` for empty tables.",
)
@click.option("--workbook", is_flag=True, help="Make one .xlsx workbook rather than a folder.")
def new(folder: str, source: str, workbook: bool) -> None:
    """Make an instance of your own in DIR, as a copy of a shipped one."""
    from optimiser.files.shipped import shipped
    from optimiser.model.faults import did_you_mean

    known = shipped()
    if source != BLANK and source not in known:
        names = [*known, BLANK]
        hint = did_you_mean(source, names) or f"Choose from {', '.join(names)}."
        raise UsageError(f"There is no shipped instance {source!r}. {hint}")
    target = Path(folder)
    if workbook or target.suffix.lower() == ".xlsx":
        target = (
            target if target.suffix.lower() == ".xlsx" else target.with_name(target.name + ".xlsx")
        )
        workbook = True
    refuse_existing(target)
    if source == BLANK:
        from optimiser.files.blank import write_blank

        write_blank(target, workbook=workbook)
    elif workbook:
        from optimiser.files.instances import read, write

        write(read(known[source]), target)
    else:
        _copy(known[source], target)
    say(f"Made {target} from {source}.")
    if source == BLANK:
        say(f"Fill in the tables (optimiser schema explains them), then: optimiser check {target}")
    else:
        say(f"Solve it with: optimiser solve {target}")


def _copy(source: Path, target: Path) -> None:
    from optimiser.files.atomic import replace_folder

    try:
        files = {
            path.name: path.read_bytes()
            for path in sorted(source.iterdir())
            if path.is_file() and not path.name.startswith(".")
        }
    except OSError as error:
        raise FileError(f"{source} could not be read: {error.strerror}.") from error
    replace_folder(target, files)

"""What several commands share: types of options, reading an instance, drawing lines."""

from __future__ import annotations

import json
import math
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from optimiser.errors import InstanceError, OptimiserError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.text import Text

    from optimiser.model.instance import Instance

_UNITS: Final = {"": 1, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600}
#: Widest that an answer is drawn; longer lines are hard to follow.
_WIDEST: Final = 100


class Duration(click.ParamType[float]):
    """Seconds, or a number with a unit: 90, 90s, 5m, 1.5h."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the duration in seconds."""
        if isinstance(value, int | float):
            return float(value)
        match = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([a-z]*)\s*", str(value).lower())
        if not match or match[2] not in _UNITS:
            self.fail(
                f"{value!r} is no time. Write seconds or a unit: 90, 90s, 5m, 1h.", param, ctx
            )
        seconds = float(match[1]) * _UNITS[match[2]]
        if not 0 < seconds < math.inf:
            self.fail(f"{value!r} is not more than no time at all.", param, ctx)
        return seconds


class Gap(click.ParamType[float]):
    """A relative gap: 0, 0.001, 1e-4, or in percent: 0.1%."""

    name = "gap"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the gap as a fraction of 1."""
        text = str(value).strip()
        try:
            number = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            number = math.nan
        if not 0 <= number < math.inf:
            self.fail(f"{value!r} is no gap. Write 0 for a proof, 0.001 or 0.1%.", param, ctx)
        return number


format_option = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to write the answer; json is one document with stable keys.",
)


reader_option = click.option(
    "--reader",
    metavar="NAME",
    help="Read a public facility location file: orlib, holmberg, delmaire, plc, ufllib or mfile, "
    "also with what the file leaves open: orlib:cap=8000,problem=CFLP.",
)


def read_instance(path: str, reader: str | None = None) -> Instance:
    """Read an instance, by a reader of public files if one is named.

    Where there is none, say which shipped one may be meant.
    """
    from optimiser.files.instances import read
    from optimiser.files.public.reading import read_public
    from optimiser.files.shipped import shipped
    from optimiser.model.faults import did_you_mean

    if not Path(path).exists():
        name = Path(path).name
        near = did_you_mean(name, shipped())
        if near:
            meant = near.split("'")[1]
            raise UsageError(
                f"There is no file or folder {path}. {near} It comes with this package; make a "
                f"copy with: optimiser new {meant} --from {meant}"
            )
        siblings = (
            [each.name for each in Path(path).parent.iterdir()]
            if (Path(path).parent.is_dir())
            else []
        )
        near = did_you_mean(name, siblings)
        raise UsageError(
            f"There is no file or folder {path}. "
            + (near or "Check the path, or make an instance with: optimiser new DIR --from NAME.")
        )
    return read(path) if reader is None else read_public(path, reader)


def refuse_existing(target: Path) -> None:
    """Raise if there is something at `target` that would be lost."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{target} exists already. Choose another name, or delete it first.")


def draw(lines: Iterable[Text]) -> None:
    """Write lines to stdout, in colour where that is a terminal."""
    from rich.console import Console

    console = Console(file=sys.stdout, markup=False, emoji=False, highlight=False, soft_wrap=True)
    for line in lines:
        console.print(line)


def screen() -> tuple[int, int, bool]:
    """Return the width and height to draw for, and whether only ASCII may be drawn."""
    import shutil

    plain = not (getattr(sys.stdout, "encoding", None) or "").lower().startswith("utf")
    if not sys.stdout.isatty():
        return 80, 40, plain
    size = shutil.get_terminal_size((80, 40))
    return min(size.columns, _WIDEST), max(size.lines, 24), plain


def say(text: str = "") -> None:
    """Write a line to stdout, safe for terminals."""
    from optimiser.report.words import safe

    click.echo(safe(text))


def write_json(document: Any) -> None:
    """Write one JSON document to stdout."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False))


def fail_in_json(error: OptimiserError) -> NoReturn:
    """Write the error as a JSON document to stdout, then raise it for stderr and the exit code."""
    document: dict[str, Any] = {
        "format": "optimiser-error",
        "version": 1,
        "status": "error",
        "error": type(error).__name__,
        "message": str(error),
    }
    if isinstance(error, InstanceError):
        names = ("source", "row", "column", "value", "rule", "remedy")
        document["faults"] = [
            {name: getattr(fault, name) for name in names} for fault in error.faults
        ]
    write_json(document)
    raise error

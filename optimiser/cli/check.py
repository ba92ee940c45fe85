"""``optimiser check``: whether the instance is sound, how large it is, whether it can work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
from optimiser.errors import OptimiserError

if TYPE_CHECKING:
    from optimiser.model.instance import Instance


@click.command(
    short_help="Check an instance and show its size.",
    no_args_is_help=True,
    epilog="\b\nExamples:\n  optimiser check my-study\n  optimiser check my-study.xlsx\n"
    "  optimiser check cap41.txt --reader orlib"
    "\n\n\b\nExit codes: 0 sound, 2 faults in the tables, 4 no plan can keep the rules.",
)
@click.argument("path")
@reader_option
@format_option
def check(path: str, reader: str | None, form: str) -> int:
    """Check the instance at PATH: every fault at once, its size, and whether it can work."""
    from optimiser.model.clean import clean
    from optimiser.model.compile import compile_problem
    from optimiser.model.impossible import reasons

    try:
        instance = read_instance(path, reader)
        problem = compile_problem(instance)
    except OptimiserError as error:
        if form == "json":
            fail_in_json(error)
        raise
    impossible = reasons(problem)
    cleaning = [] if impossible else clean(problem)[1].lines()
    document: dict[str, Any] = {
        "format": "optimiser-check",
        "version": 1,
        "status": "infeasible" if impossible else "sound",
        "title": instance.settings.title,
        "sourcing": instance.settings.sourcing,
        "currency": instance.settings.currency,
        "hash": instance.hash,
        "rows": {name: len(table) for name, table in instance.tables.items()},
        "options": problem.options,
        "reasons": impossible,
        "warnings": warnings(instance),
        "cleaning": cleaning,
    }
    if form == "json":
        write_json(document)
    else:
        _text(path, reader, document)
    return codes.INFEASIBLE if impossible else codes.SOLVED


def warnings(instance: Instance) -> list[str]:
    """Return what is allowed but looks like an oversight."""
    import numpy as np

    found = []
    for table, words, users in (
        ("organisations", "need no service", instance["demand"]["organisation"]),
        ("services", "are needed by nobody", instance["demand"]["service"]),
        ("services", "are offered by no provider", instance["offers"]["service"]),
        ("providers", "have no offer", instance["offers"]["provider"]),
    ):
        keys = instance[table].keys
        idle = np.setdiff1d(np.arange(len(keys)), users)
        if len(idle):
            names = ", ".join(keys[idle[:3]]) + (", …" if len(idle) > 3 else "")
            found.append(f"{table} that {words}: {len(idle)} ({names})")
    offers, tariffs = instance["offers"], instance["tariffs"]
    banded = offers.find(tariffs["provider"], tariffs["service"])
    bare = np.setdiff1d(np.arange(len(offers)), banded)
    if len(bare):
        found.append(f"offers without a tariff, which can deliver nothing: {len(bare)}")
    return found


def _text(path: str, reader: str | None, document: dict[str, Any]) -> None:
    rows = document["rows"]
    say(f"{document['title'] or path}: {document['sourcing']} sourcing, {document['currency']}")
    say("  " + ", ".join(f"{count:,} {name}" for name, count in rows.items() if count))
    say(f"  {document['options']:,} options of pairs and providers")
    say(f"  hash {document['hash']}")
    for line in document["cleaning"]:
        say(
            f"  can be dropped before solving: {line}"
            if not line.startswith("left")
            else f"  {line}"
        )
    for warning in document["warnings"]:
        say(f"Warning: {warning}")
    if document["reasons"]:
        say("No plan can keep the rules:")
        for reason in document["reasons"]:
            say(f"  - {reason}")
    else:
        how = "" if reader is None else f" --reader {reader}"
        say(f"Sound. Solve it with: optimiser solve {path}{how}")

"""``optimiser solvers``: what is installed, what it can do, how to get the rest."""

from __future__ import annotations

import click

from optimiser.cli.common import format_option, say, write_json


@click.command(short_help="List the solvers and what each can do.")
@format_option
def solvers(form: str) -> None:
    """List the solvers: installed or not, version, what each can do, how to get it."""
    from optimiser.solvers.registry import solvers as table

    records = table().to_dict(orient="records")
    if form == "json":
        records = [{**row, "installed": bool(row["installed"])} for row in records]
        write_json({"format": "optimiser-solvers", "version": 1, "solvers": records})
        return
    for row in records:
        if row["installed"]:
            say(f"{row['name']:<14}{row['version'] or 'installed'}")
            say(f"{'':<14}{row['capabilities'] or 'final answer only'}")
        else:
            say(f"{row['name']:<14}not installed")
            say(f"{'':<14}{row['remedy']}")
    say()
    say("Use one with: optimiser solve PATH --solver NAME; pulp:NAME is any that PuLP finds.")

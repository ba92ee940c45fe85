"""``optimiser schema``: the tables, from the one schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from optimiser.cli.common import say, write_json
from optimiser.errors import UsageError

if TYPE_CHECKING:
    from optimiser.model.schema import Column, TableSchema


@click.command(
    short_help="Explain the tables and their columns.",
    epilog="\b\nExamples:\n  optimiser schema\n  optimiser schema tariffs\n"
    "  optimiser schema --format markdown > tables.md",
)
@click.argument("table", required=False)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "json"]),
    default="text",
    show_default=True,
    help="How to write it.",
)
def schema(table: str | None, form: str) -> None:
    """Show the tables of an instance, or one TABLE: columns, units, bounds, defaults, meaning."""
    from optimiser.model.faults import did_you_mean
    from optimiser.model.schema import TABLES

    if table is not None and table not in TABLES:
        hint = did_you_mean(table, TABLES) or f"The tables are {', '.join(TABLES)}."
        raise UsageError(f"There is no table {table!r}. {hint}")
    tables = [TABLES[table]] if table else list(TABLES.values())
    if form == "json":
        write_json(
            {
                "format": "optimiser-schema",
                "version": 1,
                "tables": [_document(each) for each in tables],
            }
        )
    elif form == "markdown":
        for each in tables:
            _markdown(each)
    elif table is None:
        _overview(tables)
    else:
        _text(tables[0])


def _document(table: TableSchema) -> dict[str, Any]:
    return {
        "name": table.name,
        "required": table.required,
        "meaning": table.meaning,
        "columns": [
            {
                "name": column.name,
                "kind": column.kind,
                "unit": column.unit,
                "key": column.key,
                "required": column.required,
                "default": column.default,
                "blank": column.blank,
                "minimum": column.minimum if column.number else None,
                "above_minimum": column.above,
                "maximum": column.maximum,
                "choices": list(column.choices),
                "refers_to": column.refers_to,
                "in_house": column.in_house,
                "meaning": column.meaning,
            }
            for column in table.columns
        ],
    }


def _kind(column: Column) -> str:
    """Say what may stand in a cell, in a few words."""
    if column.kind == "choice":
        return " / ".join(column.choices)
    if column.kind in ("reference", "references"):
        extra = " or in-house" if column.in_house else ""
        extra += ", several with ;" if column.kind == "references" else ""
        return f"a row of {column.refers_to}{extra}"
    if column.number:
        unit = column.unit or column.kind
        bounds = []
        if column.minimum is not None:
            bounds.append(f"{'>' if column.above else '≥'} {column.minimum:g}")
        if column.maximum is not None:
            bounds.append(f"≤ {column.maximum:g}")
        return ", ".join([unit, *bounds])
    return "text"


def _blank(column: Column) -> str:
    if column.default:
        return column.default
    if column.required:
        return "not allowed"
    return column.blank or "blank"


def _overview(tables: list[TableSchema]) -> None:
    say("An instance is a folder of CSV files with one instance.toml, or a workbook (.xlsx) whose")
    say("sheets bear the same names. Tables marked * are required; key columns come first.")
    for table in tables:
        say()
        say(f"{table.name}{'*' if table.required else ''}: {table.meaning}")
        names = [column.name + ("*" if column.required else "") for column in table.columns]
        line = "   "
        for at, name in enumerate(names):
            piece = " " + name + ("," if at + 1 < len(names) else "")
            if len(line) + len(piece) > 80:
                say(line)
                line = "   "
            line += piece
        say(line)
    say()
    say("One table with units, bounds and defaults: optimiser schema TABLE")


def _text(table: TableSchema) -> None:
    say(f"{table.name}{' (required)' if table.required else ''}: {table.meaning}")
    for column in table.columns:
        marks = [word for word, on in (("key", column.key), ("required", column.required)) if on]
        say()
        say(f"  {column.name}" + (f" ({', '.join(marks)})" if marks else ""))
        if column.meaning != f"A row of {column.refers_to}":
            say(f"      {column.meaning}")
        say(f"      {_kind(column)}; if blank: {_blank(column)}")


def _markdown(table: TableSchema) -> None:
    say(f"## {table.name}{' (required)' if table.required else ''}")
    say()
    say(table.meaning + ".")
    say()
    say("| column | holds | if blank | meaning |")
    say("|---|---|---|---|")
    for column in table.columns:
        name = f"**{column.name}**" if column.key else column.name
        cells = (name, _kind(column), _blank(column), column.meaning)
        say("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    say()

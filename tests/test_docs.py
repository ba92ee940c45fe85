"""What the documents say of the tables and the commands is what the code does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from optimiser.cli.main import main as cli
from optimiser.model.schema import COST_PARTS, TABLES

ROOT = Path(__file__).parent.parent
README_PATH = ROOT / "README.md"
README = README_PATH.read_text(encoding="utf-8")

HEAD = """# The tables

Made with `optimiser schema --format markdown`; the one source is `optimiser/model/schema.py`. Bold
columns are the key. `£` stands for the instance's currency.

"""


def summary(name: str) -> str:
    """One table as the README lists it: columns with units, keys marked."""
    table = TABLES[name]
    columns = []
    for column in table.columns:
        said = column.unit or " / ".join(column.choices)
        columns.append(f"{column.name}{'*' if column.key else ''}{f' ({said})' if said else ''}")
    return f"| {f'**{name}**' if table.required else name} | {', '.join(columns)} |"


def test_tables_page_is_the_schema() -> None:
    """docs/tables.md is what the command prints."""
    printed = CliRunner().invoke(cli, ["schema", "--format", "markdown"]).output
    assert (ROOT / "docs" / "tables.md").read_text(encoding="utf-8") == HEAD + printed


@pytest.mark.parametrize("name", TABLES)
def test_readme_lists_every_column(name: str) -> None:
    """The README's list of tables has every column with its unit."""
    assert summary(name) in README


def test_readme_names_every_solver() -> None:
    """The README's list of solvers is the registry's, before other tests add theirs to it."""
    code = "from optimiser.solvers import registry; print(*registry.names())"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names = told.stdout.split()
    assert names
    for name in names:
        assert f"`{name}`" in README


def test_rules_name_every_cost_part() -> None:
    """The rules say which weights there are."""
    rules = (ROOT / "docs" / "problem.md").read_text(encoding="utf-8")
    for part in COST_PARTS:
        assert f"`{part}`" in rules


def test_links_in_documents_lead_somewhere() -> None:
    """Every relative link of the project's own pages names a file that is there."""
    pages = [README_PATH, *(ROOT / "docs").glob("*.md"), *(ROOT / "instances").rglob("*.md"),
             *(ROOT / "benchmarks").glob("*.md")]  # fmt: skip
    for page in pages:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page}: {target}"


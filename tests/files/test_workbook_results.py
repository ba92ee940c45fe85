"""Results in copies of workbooks, LibreOffice's round trip, and hostile names."""

from __future__ import annotations

import copy
import itertools
import shutil
import subprocess
import zipfile
from pathlib import Path

import openpyxl
import pytest
from hostile_names import HOSTILE
from small_tables import small_tables

import optimiser
from optimiser.errors import UsageError
from optimiser.files.workbook import read_workbook, write_workbook
from optimiser.files.workbook_results import (
    beside,
    refuse_foreign_workbook,
    write_result_workbook,
)
from optimiser.model.build import instance_from
from optimiser.model.schema import TABLES

OFFICE = shutil.which("soffice") or shutil.which("libreoffice")
INSTANCES = Path(__file__).parents[2] / "instances"
NAMED = ("toy", "southwest-one", "whitehall-2010", "micro-outsourcing")
@pytest.fixture(scope="module")
def solved(tmp_path_factory):
    """A workbook, its result, and the copy with the result in it."""
    folder = tmp_path_factory.mktemp("books")
    source = folder / "study.xlsx"
    write_workbook(optimiser.read(INSTANCES / "toy"), source)
    result = optimiser.solve(optimiser.read(source), solver="highs", gap=0)
    write_result_workbook(result, source, beside(source))
    return source, result, beside(source)


def test_the_copy_holds_the_answer_and_the_input_stays(solved):
    """The copy has the answer first, every table with numbers as numbers, and charts."""
    source, result, target = solved
    before = source.read_bytes()
    assert target.name == "study-result.xlsx"
    book = openpyxl.load_workbook(target)
    assert book.sheetnames[0] == "result"
    answer = dict(book["result"].iter_rows(min_col=1, max_col=2, values_only=True))
    assert answer["status"] == "optimal"
    assert answer["cost a year (GBP)"] == result.cost
    deliveries = list(book["result deliveries"].values)
    assert len(deliveries) == 1 + len(result.allocation)
    volume = deliveries[0].index("volume")
    assert all(isinstance(row[volume], int | float) for row in deliveries[1:])
    with zipfile.ZipFile(target) as parts:
        assert len([name for name in parts.namelist() if "/charts/chart" in name]) >= 2
    assert source.read_bytes() == before


def test_the_copy_reads_as_the_same_instance(solved):
    """Sheets of results are left alone, and solving a copy again replaces them."""
    source, result, target = solved
    assert read_workbook(target).hash == read_workbook(source).hash
    again = target.with_name("again.xlsx")
    write_result_workbook(result, target, again)
    assert openpyxl.load_workbook(again).sheetnames == openpyxl.load_workbook(target).sheetnames


def test_nothing_but_an_older_result_is_written_over(solved, tmp_path):
    """Neither the input nor a foreign workbook or file is; an older result is."""
    source, _, target = solved
    refuse_foreign_workbook(target, source)
    with pytest.raises(UsageError, match="never written over"):
        refuse_foreign_workbook(source, source)
    other = tmp_path / "other.xlsx"
    other.write_bytes(source.read_bytes())
    with pytest.raises(UsageError, match="no result of optimiser"):
        refuse_foreign_workbook(other, source)
    other.write_text("no workbook")
    with pytest.raises(UsageError, match="no result of optimiser"):
        refuse_foreign_workbook(other, source)


def hostile_tables(names):
    """Return small tables in which every name, unit and other text is one of these.

    Keys are as well, but of services, and with what a key may not hold left out: that is refused.
    """
    tables = copy.deepcopy(small_tables())
    source = itertools.cycle(names)
    visible = itertools.cycle([name for name in names if name.isprintable()] or HOSTILE[:1])
    known: dict[str, str] = {"in-house": "in-house", "": ""}
    for name, columns in tables.items():
        for column in TABLES[name].columns:
            cells = columns.get(column.name)
            if cells is None or column.kind not in ("key", "reference", "text"):
                continue
            for at, cell in enumerate(cells):
                if column.kind == "text":
                    cells[at] = next(source).strip()
                elif "services" not in (name, column.refers_to) and column.name != "band":
                    cells[at] = known.setdefault(cell, f"{cell} {next(visible)}".strip())
    for name in ("organisations", "services", "providers"):
        count = len(next(iter(tables[name].values())))
        tables[name]["name"] = [next(source).strip() for _ in range(count)]
    return tables


@pytest.mark.parametrize("start", range(0, 100, 20))
def test_hostile_names_stay_texts_in_workbooks(tmp_path, start):
    """Nothing becomes a formula and nothing is lost, in tables and in results."""
    names = HOSTILE[start : start + 20]
    instance = instance_from(hostile_tables(names))
    source = tmp_path / "x.xlsx"
    write_workbook(instance, source)
    assert read_workbook(source).hash == instance.hash
    result = optimiser.solve(instance, solver="highs", gap=0)
    write_result_workbook(result, source, tmp_path / "y.xlsx")
    book = openpyxl.load_workbook(tmp_path / "y.xlsx")
    assert not [
        cell.coordinate
        for sheet in book
        for row in sheet.iter_rows()
        for cell in row
        if cell.data_type == "f"
    ]
    assert read_workbook(tmp_path / "y.xlsx").hash == instance.hash


@pytest.mark.skipif(OFFICE is None, reason="LibreOffice is not installed (apt-get install "
                    "libreoffice-calc)")  # fmt: skip
def test_libreoffice_gives_the_same_instance_back(tmp_path):
    """Opened and saved by LibreOffice, each named instance and hostile names read back the same."""
    instances = {name: optimiser.read(INSTANCES / name) for name in NAMED}
    instances["hostile"] = instance_from(hostile_tables(HOSTILE))
    for name, instance in instances.items():
        write_workbook(instance, tmp_path / f"{name}.xlsx")
    subprocess.run(
        [str(OFFICE), "--headless", f"-env:UserInstallation=file://{tmp_path}/profile",
         "--convert-to", "xlsx", "--outdir", str(tmp_path / "saved"),
         *(str(tmp_path / f"{name}.xlsx") for name in instances)],
        check=True, capture_output=True, timeout=180,
    )  # fmt: skip
    for name, instance in instances.items():
        assert read_workbook(tmp_path / "saved" / f"{name}.xlsx").hash == instance.hash, name

"""Workbooks: reading, writing, and what spreadsheets do to numbers."""

from __future__ import annotations

import datetime
import io
import zipfile
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest
from small_tables import small_settings, small_tables

from optimiser.errors import FileError, InstanceError
from optimiser.files import instances
from optimiser.files.workbook import read_workbook, write_workbook
from optimiser.model.build import instance_from

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from optimiser.errors import Fault
    from optimiser.model.instance import Instance


@pytest.fixture
def instance() -> Instance:
    return instance_from(small_tables(), small_settings())


@pytest.fixture
def workbook(instance: Instance, tmp_path: Path) -> Path:
    write_workbook(instance, tmp_path / "small.xlsx")
    return tmp_path / "small.xlsx"


def change(workbook: Path, how: Callable[[Any], object]) -> None:
    book = openpyxl.load_workbook(workbook)
    how(book)
    book.save(workbook)


def put(sheet: str, cell: str, value: Any) -> Callable[[Any], object]:
    def how(book: Any) -> None:
        book[sheet][cell] = value

    return how


def faults_of(workbook: Path) -> tuple[Fault, ...]:
    with pytest.raises(InstanceError) as caught:
        read_workbook(workbook)
    return caught.value.faults


def test_folder_and_workbook_hold_the_same(instance: Instance, workbook: Path) -> None:
    """From folder to workbook to folder, the hash and every file stay the same."""
    first, second = workbook.parent / "first", workbook.parent / "second"
    instances.write(instance, first)
    instances.write(instances.read(first), workbook)
    instances.write(instances.read(workbook), second)
    assert instances.read(workbook).hash == instance.hash
    assert [path.read_bytes() for path in sorted(first.iterdir())] == [
        path.read_bytes() for path in sorted(second.iterdir())
    ]


def demand_heading(book, letter: str) -> str:
    return str(book["demand"][f"{letter}1"].value)


def test_the_sheets_help_who_fills_them(workbook: Path) -> None:
    """Sheets bear the tables' names, with frozen headings, units in notes and drop-downs."""
    book = openpyxl.load_workbook(workbook)
    assert book.sheetnames[:4] == ["readme", "instance", "authorities", "organisations"]
    assert demand_heading(book, "D") == "in_house_cost (EUR/yr)"
    demand = book["demand"]
    assert demand.freeze_panes == "A2"
    assert "Unit: EUR/yr" in demand["D1"].comment.text
    offered = [rule.formula1 for rule in book["providers"].data_validations.dataValidation]
    assert '"shared-centre,co-operative"' in offered
    rules = {str(rule.sqref).split(":")[0]: rule
             for rule in demand.data_validations.dataValidation}  # fmt: skip
    assert rules["A2"].formula1.startswith("=organisations!$A$2")
    assert (rules["D2"].type, rules["D2"].operator) == ("decimal", "greaterThanOrEqual")
    assert demand["D3"].value == 30000.55
    assert demand.column_dimensions["D"].width > 10
    assert "horizon.years" in [cell.value for cell in book["instance"]["A"]]


def test_numbers_beyond_a_spreadsheet_are_written_as_text(tmp_path: Path) -> None:
    """A number of more than 15 digits, which a spreadsheet would round, survives."""
    tables = small_tables()
    tables["demand"]["exit_cost"] = ["90071992547409.93", "0.01", "12345678901234567", "1e15"]
    tables["tariffs"]["unit_cost"][1] = "123456789012.654321"
    instance = instance_from(tables)
    write_workbook(instance, tmp_path / "x.xlsx")
    assert read_workbook(tmp_path / "x.xlsx").hash == instance.hash


def test_numbers_are_taken_as_the_spreadsheet_shows_them(workbook: Path) -> None:
    """A sum that is 0.30000000000000004 in binary is 0.3, and numeric keys are whole."""
    change(workbook, put("demand", "G2", 0.1 + 0.2))
    change(workbook, put("tariffs", "C2", 7.0))
    instance = read_workbook(workbook)
    assert instance["demand"]["exit_cost"][0] == 30
    assert instance["tariffs"]["band"][0] == "7"


@pytest.mark.parametrize(
    ("value", "rule", "remedy"),
    [
        (datetime.datetime(2024, 1, 2), "a date or a time", "as a number or as text"),
        (datetime.time(3), "a date or a time", "as a number or as text"),
        (True, "true or false", "yes or no"),
        ("#DIV/0!", "shows an error", "formula"),
        ("=1+1", "no saved value", "save it"),
        ("£5", "not a number", "currency"),
    ],
)
def test_cells_that_no_table_can_use_are_faults(
    workbook: Path, value: Any, rule: str, remedy: str
) -> None:
    """Dates, truth, errors and formulas never reckoned are named by sheet, row and column."""
    change(workbook, put("demand", "G3", value))
    (fault,) = faults_of(workbook)
    assert (fault.source, fault.row, fault.column) == ("sheet demand", 3, "exit_cost")
    assert rule in fault.rule
    assert remedy in fault.remedy


def test_formulas_are_taken_as_last_saved(workbook: Path) -> None:
    """A formula that the spreadsheet program reckoned stands for its value."""
    change(workbook, put("demand", "G3", "=10+5"))
    content = io.BytesIO()
    with zipfile.ZipFile(workbook) as old, zipfile.ZipFile(content, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, data.replace(b"<f>10+5</f><v></v>", b"<f>10+5</f><v>15</v>")
                         .replace(b"<f>10+5</f><v />", b"<f>10+5</f><v>15</v>"))  # fmt: skip
    workbook.write_bytes(content.getvalue())
    assert read_workbook(workbook)["demand"]["exit_cost"][1] == 1500


def test_texts_that_look_like_formulas_are_no_formulas(tmp_path: Path) -> None:
    """A name that begins with = is written as text, and one that looks like an error too."""
    tables = small_tables()
    tables["organisations"]["name"] = ["=1+1", "#DIV/0!", " a\nb "]
    instance = instance_from(tables)
    write_workbook(instance, tmp_path / "x.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "x.xlsx")["organisations"]
    assert [sheet[cell].data_type for cell in ("B2", "B3")] == ["s", "s"]
    assert read_workbook(tmp_path / "x.xlsx").hash == instance.hash


def test_other_sheets_are_told_apart(workbook: Path) -> None:
    """Notes, underscored and empty sheets are left alone; others are faults."""
    for title in ("Notes", "_work", "Sheet1"):
        change(workbook, lambda book, title=title: book.create_sheet(title))
        if title != "Sheet1":
            change(workbook, put(title, "A1", "anything"))
    assert len(read_workbook(workbook)["demand"]) == 4
    change(workbook, lambda book: book.create_sheet("linkz"))
    change(workbook, put("linkz", "B2", "x"))
    (fault,) = faults_of(workbook)
    assert (fault.source, fault.remedy) == ("sheet linkz", "Did you mean 'links'?")


def test_titles_of_sheets_may_be_in_capitals(workbook: Path) -> None:
    """A sheet called Demand is the table demand."""
    change(workbook, lambda book: setattr(book["demand"], "title", " Demand"))
    assert len(read_workbook(workbook)["demand"]) == 4


@pytest.mark.parametrize(
    ("how", "row", "column", "rule"),
    [
        (lambda book: book.remove(book["instance"]), None, "", "sheet is missing"),
        (put("instance", "A1", "name"), 1, "", "lacks the headings"),
        (put("instance", "A3", "title"), 3, "title", "given twice"),
        (put("instance", "A3", "curency"), None, "curency", "no such setting"),
        (put("instance", "A3", None), 3, "setting", "without its setting"),
        (put("instance", "B3", datetime.date(2024, 1, 1)), 3, "value", "a date"),
    ],
)
def test_settings_have_their_faults_too(
    workbook: Path, how: Callable[[Any], object], row: int | None, column: str, rule: str
) -> None:
    """The sheet of settings is read with the same care as the tables."""
    change(workbook, how)
    (fault,) = faults_of(workbook)
    assert (fault.source, fault.row, fault.column) == ("sheet instance", row, column)
    assert rule in fault.rule


def test_settings_may_be_true(workbook: Path) -> None:
    """A spreadsheet turns true into TRUE, which is still the setting's true."""
    rows = [cell.value for cell in openpyxl.load_workbook(workbook)["instance"]["A"]]
    change(workbook, put("instance", f"B{rows.index('options.generate') + 1}", True))
    assert read_workbook(workbook).settings.generate is True


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04 damaged", b"\xd0\xcf\x11\xe0 old"])
def test_what_is_no_workbook_is_said(tmp_path: Path, content: bytes) -> None:
    """An empty, foreign, damaged or protected file is one clear error."""
    (tmp_path / "x.xlsx").write_bytes(content)
    with pytest.raises(FileError, match=r"save it as \.xlsx"):
        instances.read(tmp_path / "x.xlsx")
    for path in (tmp_path / "none.xlsx", tmp_path):
        with pytest.raises(FileError):
            read_workbook(path)


def test_a_sheet_without_headings_is_a_fault(workbook: Path) -> None:
    """Headings must stand in the first row, and an empty sheet of a table says so."""
    change(workbook, lambda book: book["links"].insert_rows(1))
    (fault,) = faults_of(workbook)
    assert (fault.source, fault.row) == ("sheet links", 1)


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    """A text longer than a cell is not cut off, and nothing is left behind."""
    tables = small_tables()
    tables["organisations"]["name"][0] = "x" * 32_768
    with pytest.raises(FileError, match="32,768 characters"):
        write_workbook(instance_from(tables), tmp_path / "x.xlsx")
    (tmp_path / "y.xlsx").mkdir()
    with pytest.raises(FileError, match="cannot be written"):
        write_workbook(instance_from(small_tables()), tmp_path / "y.xlsx")
    assert [path.name for path in tmp_path.iterdir()] == ["y.xlsx"]


@pytest.mark.parametrize(("text", "faults"), [(" ", 0), ("stray", 1)])
def test_a_stray_cell_far_away_is_cheap(workbook: Path, text: str, faults: int) -> None:
    """A cell in the last column is nothing if blank, and one fault if not."""
    book = openpyxl.load_workbook(workbook)
    book["demand"]["XFD3000"] = text
    book.save(workbook)
    if not faults:
        read_workbook(workbook)
        return
    with pytest.raises(InstanceError) as caught:
        read_workbook(workbook)
    assert "without heading" in str(caught.value)
    assert len(str(caught.value).splitlines()) < 10

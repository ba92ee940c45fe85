"""Folders of CSV files: reading, writing, and every way in which a file can be wrong."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from small_tables import small_settings, small_tables

from optimiser.errors import FileError, InstanceError
from optimiser.files import instances
from optimiser.files.folder import read_folder, write_folder
from optimiser.model.build import instance_from

if TYPE_CHECKING:
    from pathlib import Path

    from optimiser.errors import Fault
    from optimiser.model.instance import Instance

CONTRACTS = b"organisation,provider,contract_cost\nAsh,Hub,2500\n"


@pytest.fixture
def instance() -> Instance:
    return instance_from(small_tables(), small_settings())


@pytest.fixture
def folder(instance: Instance, tmp_path: Path) -> Path:
    write_folder(instance, tmp_path / "small")
    return tmp_path / "small"


def faults_of(folder: Path) -> tuple[Fault, ...]:
    with pytest.raises(InstanceError) as caught:
        read_folder(folder)
    return caught.value.faults


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# --- round trips ---------------------------------------------------------------------------------


def test_what_is_written_is_read_again(instance: Instance, folder: Path) -> None:
    """An instance survives its folder, and so does the folder, byte for byte."""
    again = read_folder(folder)
    assert again.hash == instance.hash
    write_folder(again, folder.parent / "again")
    assert contents(folder.parent / "again") == contents(folder)


def test_columns_that_say_nothing_are_left_out(folder: Path) -> None:
    """Blank and default columns are not written, nor are tables without rows."""
    assert (folder / "contracts.csv").read_bytes() == CONTRACTS
    assert (
        (folder / "demand.csv")
        .read_text()
        .startswith("organisation,service,volume,in_house_cost,baseline_cost,incumbent,exit_cost\n")
    )
    assert not (folder / "network.csv").exists()


def test_what_differs_from_the_usual_is_written(tmp_path: Path) -> None:
    """Status, use today, baselines and names survive where they are not what a blank means."""
    tables = small_tables()
    tables["providers"]["status"] = ["candidate", ""]
    tables["offers"]["existing"] = ["no", "yes", ""]
    tables["demand"]["baseline_cost"] = ["1", "", "2", ""]
    tables["organisations"]["name"] = ["", "=1+1", "+@-\"quoted\", \n two lines; 'x'"]
    instance = instance_from(tables)
    write_folder(instance, tmp_path / "x")
    assert read_folder(tmp_path / "x").hash == instance.hash


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+44", "-x", "@me", "NA", "null", "001", "1e5", "nan", '"', "a,b", "#N/A",
     "Ä ß 東京", "TRUE", "x'y", "\\", "_x0041_"],
)  # fmt: skip
def test_keys_are_kept_as_they_are(text: str, tmp_path: Path) -> None:
    """No key is taken for a formula, a number or a missing value."""
    tables = small_tables()
    for name, column in (("organisations", "organisation"), ("demand", "organisation"),
                         ("contracts", "organisation"), ("options", "organisation"),
                         ("links", "organisation")):  # fmt: skip
        tables[name][column] = [text if each == "Ash" else each for each in tables[name][column]]
    instance = instance_from(tables, {"title": text})
    for path in (tmp_path / "folder", tmp_path / "book.xlsx"):
        instances.write(instance, path)
        again = instances.read(path)
        assert again["organisations"].keys[0] == text
        assert again.hash == instance.hash


def test_byte_order_marks_and_line_ends_do_not_matter(folder: Path) -> None:
    """A mark at the start, and the line ends of Windows, change nothing."""
    before = read_folder(folder).hash
    for path in folder.iterdir():
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert read_folder(folder).hash == before


def test_names_of_files_may_be_in_capitals(folder: Path) -> None:
    """Demand.CSV is demand.csv."""
    (folder / "demand.csv").rename(folder / "Demand.CSV")
    assert len(read_folder(folder)["demand"]) == 4


def test_notes_beside_the_tables_are_left_alone(folder: Path) -> None:
    """Hidden files, notes, and what begins with an underscore are not read."""
    for name in ("_draft.csv", ".hidden.csv", "notes.csv", "readme.toml", "map.png"):
        (folder / name).write_bytes(b"\xff\0anything")
    assert len(read_folder(folder)["demand"]) == 4


@pytest.mark.parametrize("name", ["", "instance.toml", "demand.csv"])
def test_read_takes_a_folder_or_a_file_in_it(folder: Path, name: str) -> None:
    """Read finds the instance by its folder, its settings or one of its tables."""
    assert instances.read(folder / name) == read_folder(folder)


# --- faults of files -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "row", "rule", "remedy"),
    [
        (b"", None, "is empty", "row of headings"),
        (b"\n \n", None, "is empty", "row of headings"),
        (CONTRACTS.replace(b",", b";"), 1, "semicolons", "commas"),
        (CONTRACTS.replace(b",", b"\t"), 1, "tabs", "commas"),
        (CONTRACTS + b"Ash,\xe9,1\n", 3, "not in UTF-8", "as UTF-8"),
        ("organisation,provider".encode("utf-16"), None, "UTF-16", "as UTF-8"),
        (CONTRACTS + b"Ash,H\0b,1\n", 3, "NUL", "anew"),
        (CONTRACTS + b"Birch,Hub\n", 3, "as many cells", "2 cells, the headings are 3"),
        (CONTRACTS + b"\nBirch,Hub,2,5\n", 4, "as many cells", "4 cells, the headings are 3"),
        (CONTRACTS + b'Birch,"Hub,2\n', 3, "not valid CSV", "quotation mark"),
    ],
)
def test_damaged_tables_are_one_fault(
    folder: Path, content: bytes, row: int | None, rule: str, remedy: str
) -> None:
    """What is wrong with a file as a file is one fault, with its row and its remedy."""
    (folder / "contracts.csv").write_bytes(content)
    (fault,) = faults_of(folder)
    assert (fault.source, fault.row) == ("contracts.csv", row)
    assert rule in fault.rule
    assert remedy in fault.remedy


def test_every_ragged_row_is_named(folder: Path) -> None:
    """All rows of a wrong length are faults, short and long ones."""
    (folder / "contracts.csv").write_bytes(CONTRACTS + b"a,b\nc,d,e,f\n,,\n\ng\n")
    assert [fault.row for fault in faults_of(folder)] == [3, 4, 7]


def test_a_damaged_table_hides_no_other_fault(folder: Path) -> None:
    """Tables that refer to a damaged one are still read, without faults that follow from it."""
    (folder / "providers.csv").write_bytes(b"\xff")
    demand = (folder / "demand.csv").read_text()
    (folder / "demand.csv").write_text(demand.replace("1200", "x"))
    assert [fault.source for fault in faults_of(folder)] == ["providers.csv", "demand.csv"]


@pytest.mark.parametrize(
    ("name", "rule", "remedy"),
    [("linkz.csv", "no table called linkz", "'links'"),
     ("instances.toml", "does not belong", "'instance.toml'"),
     ("LINKS.CSV", "two files", "Delete")],
)  # fmt: skip
def test_files_that_do_not_belong_are_faults(
    folder: Path, name: str, rule: str, remedy: str
) -> None:
    """A table or settings by a wrong name are not silently left out."""
    shutil.copy(folder / "links.csv", folder / name)
    if len(contents(folder)) == 12:
        pytest.skip("this file system knows no capitals")
    (fault,) = faults_of(folder)
    assert rule in fault.rule
    assert remedy in fault.remedy


def test_missing_settings_are_a_fault(folder: Path) -> None:
    """Without instance.toml nothing is assumed; an empty one takes every default."""
    (folder / "instance.toml").unlink()
    (fault,) = faults_of(folder)
    assert (fault.source, "missing" in fault.rule) == ("instance.toml", True)
    (folder / "instance.toml").touch()
    assert read_folder(folder).settings.currency == "GBP"


def test_broken_settings_are_a_fault(folder: Path) -> None:
    """What is no TOML is said, with its line."""
    (folder / "instance.toml").write_text('title = "x"\ncurrency = GBP\n')
    (fault,) = faults_of(folder)
    assert "line 2" in fault.rule


def test_a_folder_in_place_of_a_table_is_a_fault(folder: Path) -> None:
    """A directory called links.csv is said to be one."""
    (folder / "links.csv").unlink()
    (folder / "links.csv").mkdir()
    (fault,) = faults_of(folder)
    assert (fault.source, "folder" in fault.rule) == ("links.csv", True)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
def test_files_that_may_not_be_read_are_faults(folder: Path) -> None:
    """A missing permission is said, for a file and for the folder."""
    (folder / "links.csv").chmod(0)
    (fault,) = faults_of(folder)
    assert (fault.source, "may not be read" in fault.rule) == ("links.csv", True)
    folder.chmod(0)
    try:
        with pytest.raises(FileError, match="cannot be read"):
            read_folder(folder)
    finally:
        folder.chmod(0o700)


def test_places_that_hold_no_instance_are_named(tmp_path: Path) -> None:
    """Nothing there, a folder of something else, and other files each get a clear error."""
    (tmp_path / "table.xls").touch()
    for path, words in ((tmp_path / "none", "no such"), (tmp_path, "holds no instance"),
                        (tmp_path / "table.xls", "save it as .xlsx"),
                        (tmp_path / "x\0y", "no such")):  # fmt: skip
        with pytest.raises(FileError, match=words):
            instances.read(path)
    for path in (tmp_path / "none", tmp_path / "table.xls"):
        with pytest.raises(FileError):
            read_folder(path)


# --- writing -------------------------------------------------------------------------------------


def test_writing_replaces_an_instance_and_keeps_what_lies_beside(
    instance: Instance, folder: Path
) -> None:
    """Tables that are gone are taken away, other files stay."""
    (folder / "notes.md").write_text("mine")
    tables = small_tables()
    del tables["links"]
    write_folder(instance_from(tables), folder)
    assert not (folder / "links.csv").exists()
    assert (folder / "notes.md").read_text() == "mine"
    assert [path.name for path in folder.parent.iterdir()] == ["small"]


def test_writing_takes_away_nothing_else(instance: Instance, tmp_path: Path) -> None:
    """A folder of other files, a folder with a folder in it, and a file are refused, unharmed."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("years of work")
    (tmp_path / "deep" / "inner").mkdir(parents=True)
    (tmp_path / "deep" / "instance.toml").touch()
    (tmp_path / "file").write_text("x")
    for name in ("other", "deep", "file", "other/thesis.txt/x", "x.csv", "x.ods"):
        with pytest.raises(FileError):
            instances.write(instance, tmp_path / name)
    assert (tmp_path / "other" / "thesis.txt").read_text() == "years of work"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["deep", "file", "other"]


def test_an_empty_folder_may_be_written_to(instance: Instance, tmp_path: Path) -> None:
    """A new folder below folders that are new, and an empty one, are both filled."""
    (tmp_path / "empty").mkdir()
    for name in ("empty", "a/b/c"):
        write_folder(instance, tmp_path / name)
        assert read_folder(tmp_path / name) == instance

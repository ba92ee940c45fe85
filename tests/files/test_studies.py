"""Studies as folders: what is written is read, and what is not a study is left alone."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest

import optimiser as opt
from optimiser.errors import FileError, UsageError
from optimiser.files import studies
from optimiser.files.studies import Record, keep_result, read_study, write_study
from optimiser.solvers.frames import Sheet
from optimiser.studies.changes import Change, changed

TOY = opt.read(Path(__file__).parents[2] / "instances/toy")
RESULT = opt.solve(TOY, solver="highs")
SHEET = Sheet(
    kinds={"name": "text", "cost": "money", "share": "quantity", "count": "count", "is": "flag"},
    rows=[("a, \"b\"\n", 12345, Fraction(1, 4), None, True), ("", -5, None, 3, False)],
    decimals={"money": 2, "volume": 3},
)  # fmt: skip


def record(**other):
    """A small record."""
    given = {"kind": "sweep", "instance": TOY, "options": {"gap": 0.1}, "headline": ["It is so."],
             "facts": {"n": 1}, "tables": {"one": SHEET}, "results": {"as-is": RESULT},
             "seconds": {"total": 1.23456}}  # fmt: skip
    return Record(**{**given, **other})


def test_what_is_written_is_read(tmp_path):
    """Facts, headline, tables and results come back as they were."""
    folder = write_study(record(), tmp_path / "study")
    for place in (folder, folder / "study.json"):
        saved = read_study(place)
        assert saved.kind == "sweep"
        assert saved.content["facts"] == {"n": 1}
        assert saved.content["headline"] == ["It is so."]
        assert saved.content["instance"]["hash"] == TOY.hash
        assert saved.content["seconds"] == {"total": 1.235}
        assert saved.table("one") == SHEET.texts()
        assert saved.table("one")[1] == ['a, "b"\n', "123.45", "0.25", "", "yes"]
        assert opt.verify(saved.result("as-is")).ok
    assert {each.name for each in folder.iterdir()} == {"study.json", "one.csv", "results"}


def test_objects_that_record_themselves_are_written(tmp_path):
    """`optimiser.write` takes a study, too."""

    class Study:
        def record(self):
            return record()

    opt.write(Study(), tmp_path / "study")
    assert read_study(tmp_path / "study").kind == "sweep"


def test_older_study_is_replaced_whole(tmp_path):
    """Tables, results and instances of an older study do not stay behind."""
    dearer = changed(TOY, [Change(table="tariffs", multiply={"unit_cost": "2"})])
    other = opt.solve(dearer, solver="highs")
    write_study(record(tables={"old": SHEET}, results={"dearer": other}), tmp_path)
    assert (tmp_path / "instances" / "dearer" / "instance.toml").exists()
    assert opt.verify(tmp_path / "results" / "dearer").ok
    write_study(record(), tmp_path)
    found = {str(each.relative_to(tmp_path)) for each in tmp_path.rglob("*")}
    assert not {each for each in found if "old" in each or "dearer" in each}


def test_study_that_was_cut_short_can_be_written_again(tmp_path, monkeypatch):
    """A study that was killed between its tables and study.json is known as one."""
    genuine = studies.replace_file

    def full(path, content):
        if path.name == "study.json":
            raise FileError("the disk is full")
        genuine(path, content)

    monkeypatch.setattr(studies, "replace_file", full)
    with pytest.raises(FileError, match="full"):
        write_study(record(), tmp_path)
    with pytest.raises(FileError, match="no finished study"):
        read_study(tmp_path)
    monkeypatch.undo()
    write_study(record(tables={"two": SHEET}), tmp_path)
    assert {each.name for each in tmp_path.iterdir()} == {"study.json", "two.csv", "results"}


@pytest.mark.parametrize("name", ["one.csv", "notes.txt", "demand.csv", "work"])
def test_foreign_folder_is_refused(tmp_path, name):
    """A folder that holds anything but a study is not touched."""
    (tmp_path / name).write_text("mine")
    with pytest.raises(UsageError, match="no part of a study"):
        write_study(record(), tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_foreign_file_beside_a_study_is_refused(tmp_path):
    """A file of somebody's own within a study is not lost; hidden ones are nobody's."""
    write_study(record(), tmp_path)
    (tmp_path / ".DS_Store").write_text("")
    write_study(record(), tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"notes\.txt"):
        write_study(record(), tmp_path)


def test_file_in_place_of_the_folder_is_refused(tmp_path):
    """A study cannot be written to a file."""
    (tmp_path / "study").write_text("mine")
    with pytest.raises(UsageError, match="is a file"):
        write_study(record(), tmp_path / "study")


def test_foreign_result_folder_is_refused(tmp_path):
    """A folder below results/ that is none of ours is not replaced."""
    (tmp_path / "results" / "as-is").mkdir(parents=True)
    (tmp_path / "results" / "as-is" / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="holds no result"):
        write_study(record(), tmp_path)


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "a b", "x" * 101, "ä"])
def test_names_are_names_of_files(tmp_path, name):
    """Tables and results whose names would lead elsewhere are refused before any is written."""
    for other in ({"tables": {name: SHEET}}, {"results": {name: RESULT}}):
        with pytest.raises(UsageError, match="cannot be the name of a file"):
            write_study(record(**other), tmp_path / "study")
        assert not (tmp_path / "study").exists()
    with pytest.raises(UsageError, match="cannot be the name of a file"):
        keep_result(RESULT, tmp_path / "study", name)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "no valid JSON"),
        (b"\xff\xfe", "no valid JSON"),
        (b"[" * 100_000, "no valid JSON"),
        (b"[]", "no study of optimiser"),
        (b'{"format": "optimiser-result"}', "no study of optimiser"),
        (b'{"format": "optimiser-study", "version": 99}', "version 99"),
        (b'{"format": "optimiser-study", "version": 1}', "damaged"),
    ],
)
def test_damaged_study_is_told(tmp_path, content, words):
    """A study.json that cannot be used is an error in words."""
    (tmp_path / "study.json").write_bytes(content)
    with pytest.raises(FileError, match=words):
        read_study(tmp_path)


@pytest.mark.parametrize("key", ["kind", "headline", "options", "facts", "tables", "results"])
def test_missing_part_is_told(tmp_path, key):
    """Each part of study.json has to be there and of its type."""
    write_study(record(), tmp_path)
    content = json.loads((tmp_path / "study.json").read_bytes())
    for value in (None, 7):
        (tmp_path / "study.json").write_text(json.dumps({**content, key: value}))
        with pytest.raises(FileError, match=f"'{key}' is missing or of the wrong type"):
            read_study(tmp_path)


def test_missing_study_and_table_are_told(tmp_path):
    """A folder without a study, and a table that is not there, are errors in words."""
    with pytest.raises(FileError, match="no finished study"):
        read_study(tmp_path)
    write_study(record(), tmp_path)
    (tmp_path / "one.csv").unlink()
    with pytest.raises(FileError, match="The table one"):
        read_study(tmp_path).table("one")

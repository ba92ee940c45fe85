"""Saved results: what is in them, what they replace, how they are read back."""

from __future__ import annotations

import csv
import dataclasses
import errno
import json
import os
import shutil

import pytest
from hostile_names import HOSTILE
from toy_result import BEST, ROW, TOY, best_plan, result, toy, without_plan

import optimiser as opt
from optimiser.errors import FileError, UsageError
from optimiser.files.cells import cells_of, guarded, unguarded
from optimiser.files.results import (
    TABLES,
    plan_of,
    read_result,
    refuse_foreign,
    rows_of,
    write_result,
)
from optimiser.model.build import instance_from
from optimiser.solvers import frames

FILES = {"allocation.csv", "providers.csv", "contracts.csv", "oversight.csv", "costs.csv",
         "result.json"}  # fmt: skip


def table(path):
    """A CSV file as rows of texts by heading."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_files_and_document(tmp_path):
    """A saved result has its five tables and says what it must, money exactly, twice."""
    folder = write_result(result(), tmp_path / "out")
    assert {path.name for path in folder.iterdir()} == FILES
    content = json.loads((folder / "result.json").read_bytes())
    assert content["cost"] == {"units": BEST, "text": "220600.00"}
    assert content["bound"] == {"units": BEST - 1000, "text": "220590.00"}
    assert content["gap"] == pytest.approx(1000 / BEST)
    assert content["instance"]["hash"] == toy().hash
    assert content["instance"]["absolute_path"] == str(TOY)
    assert os.path.normpath(folder / content["instance"]["path"]) == str(TOY)
    assert content["solver"] == {"name": "by hand", "version": "1"}
    assert content["versions"]["optimiser"] == opt.__version__
    assert content["options"]["time_limit"] == 60
    assert content["trace"] == [{"time": 0.5, "objective": BEST, "bound": None}]
    assert content["seconds"]["total"] == 0.75
    assert content["machine"]["processors"] == os.cpu_count()
    assert {"organisation": "cedar", "service": "it", "deliverer": "in-house", "volume": "60"} in (
        content["deliveries"]
    )
    assert sum(part["units"] for part in content["parts"].values()) == BEST


def test_tables_are_exact(tmp_path):
    """The tables hold exact decimals whose sums are the plan's."""
    folder = write_result(result(), tmp_path / "out")
    costs = table(folder / "costs.csv")
    assert sum(int(row["cost"].replace(".", "")) for row in costs) == BEST
    allocation = table(folder / "allocation.csv")
    assert allocation[0] == {
        "organisation": "alder", "service": "payroll", "mode": "shared-centre", "provider": "hub",
        "volume": "300", "in_house": "0.00", "tariff": "12000.00", "access": "0.00",
        "entry": "0.00", "hours": "10",
    }  # fmt: skip


def test_tables_agree_with_frames(tmp_path):
    """Every table has the columns and values of the result's DataFrame of that name."""
    saved = result()
    folder = write_result(saved, tmp_path / "out")
    for name in TABLES:
        frame = getattr(saved, name.removesuffix(".csv"))
        rows = table(folder / name)
        assert list(frame.columns) == list(rows[0])
        assert len(frame) == len(rows)
        for column in frame.columns:
            if frame[column].dtype.kind == "f":
                texts = [float(row[column] or "nan") for row in rows]
                assert texts == pytest.approx(frame[column].tolist(), nan_ok=True)


def test_money_beyond_floats():
    """An amount with more digits than a float holds is written to its last place."""
    assert frames.fixed_text(9007199254740993, 2) == "90071992547409.93"
    assert frames.fixed_text(-5, 2) == "-0.05"
    assert frames.fixed_text(12, 0) == "12"


def test_without_plan(tmp_path):
    """Without a plan the same files are there, with headings only."""
    saved = without_plan("infeasible", reasons=("capacity is short",))
    folder = write_result(saved, tmp_path / "out")
    assert {path.name for path in folder.iterdir()} == FILES
    for name in TABLES:
        assert len((folder / name).read_text().splitlines()) == 1
    content = json.loads((folder / "result.json").read_bytes())
    assert content["cost"] is None
    assert content["reasons"] == ["capacity is short"]


def test_replaces_an_older_result(tmp_path):
    """An older result is replaced as a whole."""
    write_result(without_plan("unknown"), tmp_path / "out")
    write_result(result(), tmp_path / "out")
    assert read_result(tmp_path / "out").status == "optimal"


@pytest.mark.parametrize("name", ["thesis.docx", "result.json"])
def test_does_not_replace_what_is_no_result(tmp_path, name):
    """A folder with something else in it is left alone, whatever its file is called."""
    (tmp_path / name).write_text("{}")
    with pytest.raises(UsageError, match="not replaced"):
        write_result(result(), tmp_path)
    assert (tmp_path / name).read_text() == "{}"


def test_does_not_take_notes_away(tmp_path):
    """A note that someone put beside a result is not lost."""
    write_result(result(), tmp_path / "out")
    (tmp_path / "out" / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="notes"):
        refuse_foreign(tmp_path / "out")


def test_does_not_replace_a_file(tmp_path):
    """A file in the place of the folder is left alone."""
    (tmp_path / "out").write_text("mine")
    with pytest.raises(UsageError, match="is a file"):
        write_result(result(), tmp_path / "out")


def test_full_disk_leaves_the_old_result(tmp_path, monkeypatch):
    """When the disk is full the old result is still there, and nothing else."""
    write_result(without_plan("unknown"), tmp_path / "out")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileError, match="No space left"):
        write_result(result(), tmp_path / "out")
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_formula_like_names_are_guarded_and_come_back(tmp_path):
    """A name that looks like a formula runs in no spreadsheet, and `verify` knows it again."""
    shutil.copytree(TOY, tmp_path / "toy")
    path = tmp_path / "toy" / "providers.csv"
    path.write_text(path.read_text().replace("The Hub", '"=1+1, ""Hub"""'))
    folder = write_result(result(opt.read(tmp_path / "toy")), tmp_path / "out")
    assert table(folder / "providers.csv")[0]["name"] == "'=1+1, \"Hub\""
    assert cells_of((folder / "providers.csv").read_bytes())[1][1] == '=1+1, "Hub"'
    assert opt.verify(folder).ok


@pytest.mark.parametrize("text", [*HOSTILE, *(f"'{name}" for name in HOSTILE), "''=1", "'", ""])
def test_guard_loses_nothing(text):
    """What is guarded begins like no formula, and what was there comes back."""
    assert not guarded(text).startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert unguarded(guarded(text)) == text


def test_hundred_hostile_names_in_tables(tmp_path):
    """Providers of hostile names: no cell of any table runs, every name comes back, it verifies."""
    given = opt.read(TOY)
    for at in range(0, len(HOSTILE), 2):
        tables = {
            name: {column: given.texts(name, column).tolist() for column in table.columns}
            for name, table in given.tables.items()
            if len(table)
        }
        names = [name.strip() for name in HOSTILE[at : at + 2]]
        tables["providers"]["name"] = names
        instance = dataclasses.replace(instance_from(tables), settings=given.settings)
        folder = write_result(result(instance), tmp_path / str(at))
        for name in TABLES:
            for row in csv.reader((folder / name).read_text("utf-8").splitlines(keepends=True)):
                for cell in row:
                    assert not cell.startswith(("=", "+", "@", "\t")), (name, cell)
        assert [row[1] for row in cells_of((folder / "providers.csv").read_bytes())[1:]] == names
        assert opt.verify(folder, instance).ok, opt.verify(folder, instance).problems


def test_plan_comes_back(tmp_path):
    """The plan read back is the plan saved, also from result.json itself."""
    folder = write_result(result(), tmp_path / "out")
    for path in (folder, folder / "result.json"):
        plan, unknown = read_result(path).plan_for(toy())
        assert plan == best_plan(toy())
        assert not unknown


def test_side_rows_come_back(tmp_path):
    """Side rows read back are the side rows saved, fractions and all."""
    saved = read_result(write_result(result(), tmp_path / "out"))
    assert rows_of(saved.content["rows"]) == ([ROW], [])


def test_plan_for_another_instance():
    """Deliveries that the instance does not know are named and left out."""
    deliveries = [
        {"organisation": "alder", "service": "it", "deliverer": "hub", "volume": "200"},
        {"organisation": "elm", "service": "it", "deliverer": "hub", "volume": "1"},
        {"organisation": "birch", "service": "it", "deliverer": "nobody", "volume": "1"},
        {"organisation": "cedar", "service": "it", "deliverer": "hub", "volume": "-1"},
    ]
    plan, unknown = plan_of(deliveries, toy())
    assert len(plan) == 1
    assert len(unknown) == 3


def test_relative_path_survives_a_move(tmp_path):
    """When instance and result move together, the instance is still found."""
    shutil.copytree(TOY, tmp_path / "one" / "toy")
    instance = opt.read(tmp_path / "one" / "toy")
    write_result(result(instance), tmp_path / "one" / "out")
    (tmp_path / "one").rename(tmp_path / "two")
    saved = read_result(tmp_path / "two" / "out")
    assert saved.instance_path().samefile(tmp_path / "two" / "toy")


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"format": "else"}', '{"format": "optimiser-result"}',
     '{"format": "optimiser-result", "version": 99}', "[" * 100_000],
)  # fmt: skip
def test_damaged_document(tmp_path, text):
    """A result.json that is none is refused with a message, never a traceback."""
    (tmp_path / "result.json").write_text(text)
    with pytest.raises(FileError):
        read_result(tmp_path)


WRONG = {
    "status": [7, None],
    "cost": [7, [7], {"units": "7", "text": "7"}, {"units": 7}],
    "deliveries": [None, [7], [{"organisation": "alder"}]],
    "instance": [None, {}],
    "parts": [None, {"tariff": 7}],
    "options": ["x"],
}


@pytest.mark.parametrize(("key", "value"), [(key, v) for key, vs in WRONG.items() for v in vs])
def test_misshapen_document(tmp_path, key, value):
    """A key that is missing or of the wrong type is named."""
    path = write_result(result(), tmp_path / "out") / "result.json"
    content = json.loads(path.read_bytes())
    path.write_text(json.dumps({**content, key: value}))
    with pytest.raises(FileError, match=key):
        read_result(path)
    del content[key]
    path.write_text(json.dumps(content))
    with pytest.raises(FileError, match=f"'{key}' is missing"):
        read_result(path)


def test_write_dispatches(tmp_path):
    """One verb writes instances and results, and refuses anything else."""
    opt.write(toy(), tmp_path / "instance")
    opt.write(result(), tmp_path / "result")
    assert opt.read(tmp_path / "instance") == toy()
    assert opt.read_result(tmp_path / "result").status == "optimal"
    with pytest.raises(UsageError, match="int"):
        opt.write(7, tmp_path / "seven")

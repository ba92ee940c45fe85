"""``optimiser convert``, and public files in the other commands."""

from __future__ import annotations

import json

import pytest
from public_files import FILES, OPTIMA, ORLIB
from toy_result import TOY

import optimiser as opt
from optimiser.cli import codes


@pytest.fixture
def public(tmp_path):
    """Return the path of a small file of the OR-Library's format."""
    path = tmp_path / "small.txt"
    path.write_text(ORLIB, encoding="utf-8")
    return path


@pytest.mark.parametrize("reader", FILES)
def test_public_file_to_folder(cli, tmp_path, reader):
    """A public file becomes a folder that holds the same instance."""
    path = tmp_path / "small.txt"
    path.write_text(FILES[reader], encoding="utf-8")
    done = cli("convert", path, "--reader", reader, "--out", tmp_path / "out")
    assert done.code == 0
    assert "2 pairs, 3 providers" in done.out
    assert opt.read(tmp_path / "out").hash == opt.read_public(path, reader).hash


def test_public_file_to_workbook(cli, tmp_path, public):
    """With --workbook the file is a workbook, and its ending is added."""
    done = cli("convert", public, "--reader", "orlib", "--out", tmp_path / "out", "--workbook")
    assert done.code == 0
    assert opt.read(tmp_path / "out.xlsx").hash == opt.read_public(public, "orlib").hash


def test_folder_to_workbook_and_back(cli, tmp_path):
    """Folders become workbooks and workbooks folders, without a reader and without a change."""
    assert cli("convert", TOY, "--out", tmp_path / "toy.xlsx").code == 0
    assert cli("convert", tmp_path / "toy.xlsx", "--out", tmp_path / "toy").code == 0
    assert opt.read(tmp_path / "toy").hash == opt.read(TOY).hash


def test_nothing_is_written_over(cli, tmp_path, public):
    """What is there already stays."""
    target = tmp_path / "out"
    target.mkdir()
    (target / "note.txt").write_text("mine", encoding="utf-8")
    done = cli("convert", public, "--reader", "orlib", "--out", target)
    assert done.code == codes.INPUT
    assert "exists already" in done.err
    assert [each.name for each in target.iterdir()] == ["note.txt"]


def test_faults_leave_nothing_behind(cli, tmp_path, public):
    """A faulty file is named with its line, and no folder appears."""
    public.write_text(ORLIB.replace("5.25", "five"), encoding="utf-8")
    done = cli("convert", public, "--reader", "orlib", "--out", tmp_path / "out")
    assert done.code == codes.INPUT
    assert "small.txt, row 3, column fixed cost: this is not a number (found 'five')" in done.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["solve", "check", "convert"])
def test_without_reader_the_readers_are_told(cli, tmp_path, public, command):
    """A file that is no instance is refused with the names of the readers."""
    more = ["--out", tmp_path / "out"] if command == "convert" else []
    done = cli(command, public, *more)
    assert done.code == codes.INPUT
    assert "--reader" in done.err
    assert all(reader in done.err for reader in FILES)


@pytest.mark.parametrize("command", ["solve", "check"])
def test_misspelt_reader(cli, public, command):
    """A misspelt reader is refused with the one that is meant."""
    done = cli(command, public, "--reader", "orlab")
    assert done.code == codes.INPUT
    assert "Did you mean 'orlib'?" in done.err


def test_check_says_how_to_solve(cli, public):
    """The size of a public file is shown, and the command that solves it."""
    done = cli("check", public, "--reader", "orlib")
    assert done.code == 0
    assert "split sourcing" in done.out
    assert f"optimiser solve {public} --reader orlib" in done.out


def test_solve_and_verify(cli, tmp_path, public):
    """A public file is solved to its optimum, saved, and verified from what was saved alone."""
    out = tmp_path / "out"
    done = cli("solve", public, "--reader", "orlib", "--gap", 0, "--out", out, "--format", "json",
               "--quiet")  # fmt: skip
    assert done.code == codes.SOLVED
    assert json.loads(done.out)["objective"]["units"] == OPTIMA["CFLP"]
    assert cli("verify", out).code == codes.SOLVED
    assert cli("verify", out, "--instance", public, "--reader", "orlib").code == codes.SOLVED
    assert cli("verify", out, "--reader", "orlib").code == codes.INPUT

"""Published values of public instances: what is read of their list, and what is refused."""

from __future__ import annotations

from decimal import Decimal

import pytest

import optimiser as opt
from benchmarks.published import best_known

HEAD = "set,name,file,format,problem,best_known,status,source,best_bound\n"


def write(folder, *rows, head=HEAD):
    """Write a list with some rows."""
    (folder / "best_known.csv").write_text(head + "\n".join(rows) + "\n", encoding="utf-8")
    return folder


def test_rows_are_read_with_their_readers(tmp_path):
    """Each row gives its file, the reader with the problem, and figures digit by digit."""
    one, two = best_known(write(
        tmp_path, "a,x,sub/x.txt,orlib:cap=8000,CFLP,1040444.375,optimal,somewhere,1040444.375",
        "a,y,y,holmberg,SSCFLP,,unknown,,",
    ))  # fmt: skip
    assert (one.set, one.name, one.path) == ("a", "x", tmp_path / "sub" / "x.txt")
    assert (one.reader, one.problem) == ("orlib:cap=8000,problem=CFLP", "CFLP")
    assert (one.best_known, one.best_bound) == (Decimal("1040444.375"), Decimal("1040444.375"))
    assert (two.reader, two.best_known, two.status) == ("holmberg:problem=SSCFLP", None, "unknown")


@pytest.mark.parametrize(
    ("said", "meant"),
    [("9181.065170999977", "9181.065171"), ("8848.0", "8848.0"), ("18281.814079", "18281.814079")],
)
def test_noise_of_floats_is_dropped(tmp_path, said, meant):
    """A figure with more digits than a float has is rounded; others stand as they are."""
    (row,) = best_known(write(tmp_path, f"a,x,x,plc,SSCFLP,{said},optimal,,"))
    assert str(row.best_known) == meant


@pytest.mark.parametrize(
    ("units", "decimals", "same"),
    [(1034976975, 3, True), (103497697, 2, True), (1034976965, 3, True), (1034976976, 3, False),
     (1034977, 0, False)],
)  # fmt: skip
def test_last_digit_may_be_rounded_either_way(tmp_path, units, decimals, same):
    """A cost is the published one if it lies within half a unit of its last digit."""
    (row,) = best_known(write(tmp_path, "a,x,x,orlib,SSCFLP,1034976.97,optimal,,"))
    assert row.matches(units, decimals) is same


def test_nothing_published_matches_nothing(tmp_path):
    """Where no value is published, no cost is the published one."""
    (row,) = best_known(write(tmp_path, "a,x,x,orlib,SSCFLP,,unknown,,"))
    assert not row.matches(0, 0)


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ("a,x,x,orlab,UFL,1,optimal,,", "no reader"),
        ("a,x,x,mfile,CFLP,1,optimal,,", "no reader"),
        ("a,x,x,orlib,UFL,1 000,optimal,,", "not a number"),
        ("a,x,x,orlib,UFL,nan,optimal,,", "not a number"),
        ("a,x,x,orlib,UFL,1e400000,optimal,,", "not a number"),
        ("a,x,x,orlib,UFL,1e-400000,optimal,,", "not a number"),
        ("a,x,,orlib,UFL,1,optimal,,", "must not be blank"),
        ("a,w,w,orlib,UFL,1,optimal,,\na,w,v,orlib,UFL,1,optimal,,", "same set and name"),
    ],
)
def test_faults_are_named(tmp_path, row, rule):
    """A faulty row is refused with what is wrong."""
    with pytest.raises(opt.InstanceError, match=rule):
        best_known(write(tmp_path, row))


def test_list_must_be_there(tmp_path):
    """A folder without the list, a list that is none, or without a column: refused by name."""
    with pytest.raises(opt.FileError, match=r"best_known\.csv"):
        best_known(tmp_path)
    with pytest.raises(opt.FileError, match=r"row 3: this is no CSV"):
        best_known(write(tmp_path, "a,x,x,orlib,UFL,1,optimal,,", '"' + "x" * 200_000))
    with pytest.raises(opt.InstanceError, match="this column is missing"):
        best_known(write(tmp_path, head=HEAD.replace("problem,", "")))

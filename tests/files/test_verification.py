"""Verification: everything that was tampered with is named."""

from __future__ import annotations

import json
import shutil

import pytest
from toy_result import BEST, TOY, result, without_plan

import optimiser as opt
from optimiser.errors import FileError
from optimiser.files.results import write_result
from optimiser.files.verification import verify


@pytest.fixture
def folder(tmp_path):
    """A saved result that is right."""
    return write_result(result(), tmp_path / "out")


def edit(folder, change):
    """Change result.json."""
    path = folder / "result.json"
    content = json.loads(path.read_bytes())
    change(content)
    path.write_text(json.dumps(content))


def test_right(folder):
    """A result as it was saved is right, and its figures are told."""
    report = verify(folder)
    assert report.ok
    assert report.account.cost == BEST
    assert report.gap == pytest.approx(1000 / BEST)
    assert "Everything agrees." in report.lines()
    assert report.document()["ok"] is True


@pytest.mark.parametrize("status", ["infeasible", "unknown", "error"])
def test_without_plan(tmp_path, status):
    """A result without a plan is right as long as it has none."""
    folder = write_result(without_plan(status), tmp_path / "out")
    assert verify(folder).ok


def amount(key, units, text=None):
    """Set an amount of money, text and all."""

    def change(content):
        content[key] = {"units": units, "text": text or f"{units / 100:.2f}"}

    return change


def first(**changes):
    """Change the first delivery."""
    return lambda content: content["deliveries"][0].update(changes)


TAMPERINGS = {
    "cost": (amount("cost", BEST - 1), "cost is 220,599.99 in result.json, 220,600.00 by"),
    "text of cost": (amount("cost", BEST, "1.00"), "cost is written '1.00'"),
    "no cost": (lambda c: c.update(cost=None), "cost is nothing"),
    "objective": (amount("objective", BEST + 1), "objective is 220,600.01"),
    "bound above": (amount("bound", BEST + 1), "bound 220,600.01 lies above"),
    "certified bound above": (amount("certified_bound", BEST + 1), "certified bound 220,600.01"),
    "bound moved": (amount("bound", BEST - 5), "the gap is"),
    "gap": (lambda c: c.update(gap=0.0), "the gap is 0.0"),
    "no bound": (lambda c: c.update(bound=None, gap=None), "there is no bound"),
    "gap too large": (
        lambda c: (amount("bound", 1)(c), c.update(gap=(BEST - 1) / BEST)),
        "is more than the",
    ),
    "status": (lambda c: c.update(status="infeasible"), "the status is infeasible, but"),
    "no such status": (lambda c: c.update(status="perfect"), "no status 'perfect'"),
    "part": (lambda c: c["parts"].update(tariff={"units": 0, "text": "0.00"}), "parts, tariff"),
    "part too many": (
        lambda c: c["parts"].update(bribes={"units": 1, "text": "0.01"}), "parts, bribes"
    ),
    "dropped": (lambda c: c["deliveries"].pop(), "breaks a rule"),
    "no deliveries": (lambda c: c.update(deliveries=[]), "but there are no deliveries"),
    "doubled": (lambda c: c["deliveries"].append(c["deliveries"][0]), "listed twice"),
    "volume": (first(volume="299.999"), "breaks a rule"),
    "no volume": (first(volume="many"), "'many' is no volume"),
    "too fine a volume": (first(volume="300.0001"), "is no volume"),
    "deliverer": (first(deliverer="valley"), "cost is"),
    "unknown deliverer": (first(deliverer="nobody"), "no provider 'nobody'"),
    "unknown pair": (first(organisation="elm"), "'elm' does not need"),
    "currency": (lambda c: c.update(currency="EUR"), "currency is 'EUR'"),
    "decimals": (lambda c: c.update(money_decimals=0), "money_decimals is 0"),
    "hash": (lambda c: c["instance"].update(hash="0" * 64), "has changed"),
    "side row": (lambda c: c["rows"][0].update(maximum="1"), "breaks a rule"),
    "damaged side row": (lambda c: c["rows"][0].update(terms=[7]), "side row 1"),
}  # fmt: skip


@pytest.mark.parametrize("name", TAMPERINGS)
def test_tampering_is_named(folder, name):
    """Each change to result.json is found and named."""
    change, message = TAMPERINGS[name]
    edit(folder, change)
    report = verify(folder)
    assert not report.ok
    assert any(message in problem for problem in report.problems), report.problems


TABLE_TAMPERINGS = {
    "cost": ("costs.csv", "156000.00,1", "155999.99,1", "costs.csv, row 3, column cost"),
    "volume": ("allocation.csv", ",300,", ",301,", "allocation.csv, row 2, column volume"),
    "deliverer": ("allocation.csv", "shared-centre,hub,300", "shared-centre,spoke,300",
                  "is not in the plan"),
    "hours": ("oversight.csv", ",125,", ",12,", "column hours: 12 in the file, 125 by the tables"),
    "member": ("contracts.csv", "cedar,hub", "cedar,valley", "a row is missing: cedar, hub"),
    "closed": ("providers.csv", "yes,yes,3", "no,yes,3", "column open"),
    "heading": ("providers.csv", "members", "friends", "has not the headings"),
    "cell too many": ("providers.csv", "The Hub", "The,Hub", "row 2: 12 cells rather than 11"),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE_TAMPERINGS)
def test_tampering_with_tables_is_named(folder, name):
    """Each change to a table is found and named."""
    file, old, new, message = TABLE_TAMPERINGS[name]
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1))
    report = verify(folder)
    assert any(message in problem for problem in report.problems), report.problems


def test_missing_table(folder):
    """A table that is gone is named."""
    (folder / "contracts.csv").unlink()
    assert verify(folder).problems == ("contracts.csv is missing",)


def test_many_differences_are_counted(folder):
    """Of many differences in one table the first are named and the others counted."""
    path = folder / "allocation.csv"
    path.write_text(path.read_text().replace("0.00", "9.00"))
    problems = verify(folder).problems
    assert len(problems) == 6
    assert "more differences" in problems[-1]


def test_spreadsheet_may_save_tables_anew(folder):
    """Other line ends, a byte-order mark, fewer noughts and another order are no difference."""
    path = folder / "costs.csv"
    head, *rows = path.read_text().replace(".00", "").splitlines()
    path.write_bytes(b"\xef\xbb\xbf" + "\n".join([head, *reversed(rows)]).encode())
    assert verify(folder).ok


def test_changed_instance_is_said(tmp_path):
    """When the instance has changed since, that is said, and what follows from it."""
    shutil.copytree(TOY, tmp_path / "toy")
    folder = write_result(result(opt.read(tmp_path / "toy")), tmp_path / "out")
    path = tmp_path / "toy" / "tariffs.csv"
    path.write_text(path.read_text().replace("8000,40", "8000,41"))
    problems = verify(folder).problems
    assert "has changed" in problems[0]
    assert any("by the tables" in problem for problem in problems)


def test_instance_elsewhere(tmp_path):
    """An instance that has moved is asked for, and taken where it is said to be."""
    shutil.copytree(TOY, tmp_path / "toy")
    folder = write_result(result(opt.read(tmp_path / "toy")), tmp_path / "out")
    (tmp_path / "toy").rename(tmp_path / "moved")
    with pytest.raises(FileError, match="--instance"):
        verify(folder)
    assert verify(folder, tmp_path / "moved").ok
    assert verify(folder, opt.read(tmp_path / "moved")).ok


def test_side_rows_of_the_wrong_type_are_damage(folder):
    """Side rows that are no list are named."""
    content = json.loads((folder / "result.json").read_bytes())
    (folder / "result.json").write_text(json.dumps(content | {"rows": None}))
    with pytest.raises(FileError, match="rows"):
        verify(folder)


def test_what_is_no_file_is_not_read():
    """A device, which may never end, is refused."""
    with pytest.raises(FileError, match="no file"):
        verify("/dev/zero")

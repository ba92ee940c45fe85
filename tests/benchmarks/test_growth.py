"""How cost grows: times from traces, slopes from times, and a picture of both."""

from __future__ import annotations

import csv
import re
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner
from made_runs import made_run, write_records

from benchmarks import commands
from benchmarks.crosschecks import cross_check
from benchmarks.growth import PICTURE, panels_of, write_growth
from benchmarks.metrics import power_law, time_to_gap
from optimiser.errors import UsageError


def run(organisations, services, seconds, solver="a", **changes):
    """Return a run that is at 1 % after so many seconds and at 0.5 % after four times as many."""
    trace = ((0.1, None, 9_000), (seconds / 2, 10_000, 9_000), (seconds, 10_000, 9_900),
             (4 * seconds, 10_000, 9_950))  # fmt: skip
    name = f"regional-{organisations}x{services}-3+4-s0"
    given = {"set": "regional", "gap": 0.005, "trace": trace, "bound": 9_950, "limit": 60.0}
    return made_run(solver, name, **given | changes)


def grown(**changes):
    """Return runs whose time grows with organisations squared, and not at all with services."""
    return [
        *(run(n, 8, n**2 / 1000, **changes) for n in (50, 100, 200)),
        *(run(100, k, 10.0, **changes) for k in (2, 4, 16)),
    ]


def test_time_to_gap():
    """The first moment at which plan and bound are that close counts; closer ones may never be."""
    trace = ((1.0, None, 5), (2.0, 100, 5), (3.0, 100, 99), (4.0, 99, 99))
    assert [time_to_gap(trace, gap) for gap in (0.95, 0.01, 0.009, 0.0)] == [2.0, 3.0, 4.0, 4.0]
    assert time_to_gap(trace[:3], 0.001) is None
    assert time_to_gap((), 0.5) is None


def test_power_law():
    """Points on a power law give it back; one size gives none."""
    factor, slope = power_law([(x, 3 * x**1.5) for x in (1, 2, 5, 5, 100)])
    assert (factor, slope) == (pytest.approx(3), pytest.approx(1.5))
    assert power_law([(2, 1.0), (2, 2.0)]) is None
    assert power_law([]) is None


def test_panels_hold_what_grows_alone():
    """Organisations at 8 services, services at 100 organisations; a size of both is in both."""
    panels = panels_of(cross_check(grown()), [0.01, 0.005])
    assert [(p.title, p.axis) for p in panels] == [
        ("regional, 8 services", "organisations"), ("regional, 100 organisations", "services"),
    ]  # fmt: skip
    first, second = panels
    assert [point.size for point in first.curves[0].points] == [50, 100, 200]
    assert [point.size for point in second.curves[0].points] == [2, 4, 8, 16]
    assert [curve.legend for curve in first.curves] == [
        "a to 1 %: slope 2.00", "a to 0.5 %: slope 2.00 (2 of 3 in time)",
    ]  # fmt: skip
    assert second.curves[0].legend == "a to 1 %: slope 0.00"


def test_runs_that_were_wrong_or_not_asked_have_no_time():
    """A wrong answer has no time; a gap closer than the one asked for has no curve."""
    wrong = run(400, 8, 1.0, wrong=("it lied",))
    (panel, *_) = panels_of(cross_check([*grown(), wrong]), [0.01, 0.001])
    (curve,) = panel.curves
    assert curve.points[-1].seconds is None
    assert "(3 of 4 in time)" in curve.legend


def test_picture_and_table(tmp_path):
    """The picture is well-formed and names slopes, machine, date and command; names are escaped."""
    file = write_records(tmp_path / "a.jsonl", [*grown(), *grown(solver="<b>&")])
    lines = write_growth([file], [0.01, 0.005], tmp_path / "p.svg")
    assert lines[0] == "regional, 8 services: <b>& to 1 %: slope 2.00"
    text = (tmp_path / "p.svg").read_text(encoding="utf-8")
    words = " ".join(ElementTree.fromstring(text).itertext())
    for word in ("<b>& to 1 %: slope 2.00", "2026-11-24", "commit 0123456789ab", "a processor",
                 "python -m benchmarks run made", "limit 60 s", "not within 60 s"):  # fmt: skip
        assert word in words
    places = [float(at) for at in re.findall(r'c[xy]="([^"]*)"', text)]
    assert all(0 < at < 1000 for at in places)
    with (tmp_path / "p.csv").open(encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    assert len(rows) == 12
    assert (rows[2]["organisations"], rows[2]["seconds to 1 %"], rows[2]["seconds to 0.5 %"]) == (
        "200", "40.00", "",
    )  # fmt: skip


def test_command(tmp_path):
    """What grows is drawn; what does not, and what is no picture, is said."""
    good = write_records(tmp_path / "a.jsonl", grown())
    bad = write_records(tmp_path / "b.jsonl", [made_run()])
    out = tmp_path / "p.svg"
    words = ["growth", str(good), "--gaps", "2%,0.01", "--out", str(out)]
    done = CliRunner().invoke(commands.main, words, standalone_mode=False)
    assert done.return_value == 0
    assert "a to 2 %" in done.output
    assert out.is_file()
    with pytest.raises(UsageError, match="run growth"):
        write_growth([bad], [0.01], out)
    with pytest.raises(UsageError, match=r"growth\.svg"):
        write_growth([good], [0.01], tmp_path / "p.png")


def test_picture_of_this_project_is_well_formed():
    """It is there, with its figures beside it."""
    ElementTree.fromstring(PICTURE.read_text(encoding="utf-8"))
    assert PICTURE.with_suffix(".csv").read_text(encoding="utf-8").count("\n") > 5

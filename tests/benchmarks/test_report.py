"""The report: complete, offline, safe to open, and nothing but a report is ever replaced."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest
from made_runs import made_run, made_session, unsolved_run, write_records

from benchmarks.report import FILES, PAGE, write_report
from benchmarks.tables import significant, write_csv
from optimiser.errors import FileError, UsageError

HOSTILE = "</script><script>document.title='caught'</script><img src=x onerror=alert(1)>"


class Reader(HTMLParser):
    """Collects elements, scripts and the visible text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.text = ""
        self._script: dict[str, str | None] | None = None
        self._parts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag == "script":
            self._script, self._parts = dict(attrs), []

    def handle_endtag(self, tag):
        if tag == "script" and self._script is not None:
            self.scripts.append((self._script, "".join(self._parts)))
            self._script = None

    def handle_data(self, data):
        if self._script is None:
            self.text += data
        else:
            self._parts.append(data)


def some_runs():
    """Return runs of three solvers on two sets, with a lie, a crash and hostile names."""
    trace = ((1.0, None, 8_000), (3.0, 10_000, 9_000))
    return [
        made_run("a", "one", trace=trace), made_run("b", "one", time=30.0),
        made_run("=c()", "one", wrong=("its plan breaks a rule: " + HOSTILE,)),
        unsolved_run("a", HOSTILE, set="other"), made_run("b", HOSTILE, set="other", bound=9_999),
        unsolved_run("=c()", HOSTILE, set="other", failure="crashed",
                     failure_text="ended with signal 11", objective=None),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A report of `some_runs`."""
    place = tmp_path_factory.mktemp("report")
    session = made_session(command="python -m benchmarks run made --out 'my runs.jsonl'")
    return write_report([write_records(place / "runs.jsonl", some_runs(), session)]).parent


@pytest.fixture(scope="module")
def page(folder):
    """The page of the report."""
    return Reader((folder / PAGE).read_text(encoding="utf-8"))


def rows_of(folder, name):
    """Return a CSV file's rows."""
    return list(csv.DictReader(io.StringIO((folder / name).read_text(encoding="utf-8"))))


def test_report_is_beside_its_file(folder):
    """Without --out the folder is named as the file, and holds the page and every table."""
    assert folder.name == "runs-report"
    assert {path.name for path in folder.iterdir()} == FILES


def test_page_says_everything(page):
    """Wrong answers, failures, machine, versions, options, commands and definitions are there."""
    for said in (
        "1 found in 6 runs", "its plan breaks a rule", "ended with signal 11", "a processor",
        "HiGHS in highspy", "1.16.0", "0123456789ab", "memory limit (MiB)", "60 s",
        "python -m benchmarks run made --out 'my runs.jsonl'", "python -m benchmarks report",
        "shifted geometric mean", "σ = 10 s", "Read only the top curve", "virtual best", "PAR10",
    ):  # fmt: skip
        assert said in page.text, said


def test_wrong_answers_come_first(page):
    """The first heading under the title is that of the wrong answers."""
    headings = [place for place, (tag, _) in enumerate(page.elements) if tag == "h2"]
    sections = [attrs.get("id") for tag, attrs in page.elements if tag == "section"]
    assert sections[0] == "wrong"
    assert headings


def test_page_asks_nobody_for_anything(page):
    """No element loads anything; links lead to the page itself or the files beside it."""
    for tag, attributes in page.elements:
        assert tag not in {"link", "iframe", "object", "embed", "base", "img"}
        assert "src" not in attributes
        assert not any(name.startswith("on") for name in attributes)
        if tag == "a":
            target = attributes["href"]
            assert target.startswith("#") or target in FILES


def test_policy_names_each_script_by_its_hash(page):
    """The policy allows the two scripts of the page by SHA-256, and nothing from elsewhere."""
    (policy,) = [a["content"] for t, a in page.elements
                 if t == "meta" and a.get("http-equiv") == "Content-Security-Policy"]  # fmt: skip
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert "http" not in policy
    run = [source for attributes, source in page.scripts if not attributes.get("type")]
    hashes = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in run]
    assert rules["script-src"].split() == [f"'sha256-{each}'" for each in hashes]
    assert len(run) == 2
    assert "unsafe" not in rules["script-src"]


def test_hostile_names_are_only_text(page):
    """A name with markup is shown as it stands and makes no element."""
    assert HOSTILE in page.text
    assert len(page.scripts) == 3  # data, plotly, ours
    assert not any(attributes.get("src") == "x" for _, attributes in page.elements)


def test_every_heading_sorts_by_a_button(page):
    """Each table heading holds a button, so that the keyboard reaches it."""
    tags = [tag for tag, _ in page.elements]
    heads = [place for place, tag in enumerate(tags) if tag == "th"]
    assert len(heads) > 30
    assert all(tags[place + 1] == "button" for place in heads)


def test_csv_text_is_no_formula(folder):
    """A solver called =c() stays text in a spreadsheet; figures stay figures."""
    assert {row["solver"] for row in rows_of(folder, "runs.csv")} == {"a", "b", "'=c()"}
    assert "'=c()" in rows_of(folder, "instances.csv")[0]
    assert write_csv(["x"], [["+1"], ["-1"], ["@a"], ["\tb"], [-1.5], [None], ["a=b"]]) == (
        b"x\n'+1\n'-1\n'@a\n'\tb\n-1.5\n\"\"\na=b\n"
    )


def test_summary_csv_holds_the_figures(folder):
    """The table has a line for each scope and solver, with what the page shows."""
    rows = rows_of(folder, "summary.csv")
    assert [row["set"] for row in rows] == ["all"] * 4 + ["family"] * 4 + ["other"] * 4
    of_b = next(row for row in rows if row["solver"] == "b" and row["set"] == "all")
    # 30 s and 6 s: √(40 × 16) − 10 = 15.298…
    assert float(of_b["mean (s)"]) == pytest.approx((40 * 16) ** 0.5 - 10, rel=1e-5)
    assert (of_b["solved"], of_b["wrong answers"], of_b["PAR10 (s)"]) == ("2", "0", "18.0")


def test_wrong_and_failures_are_listed(folder):
    """Each wrong answer and each failure has a row that says what is known."""
    (wrong,) = rows_of(folder, "wrong.csv")
    assert (wrong["instance"], wrong["solver"]) == ("one", "'=c()")
    (failed,) = rows_of(folder, "failures.csv")
    assert (failed["failure"], failed["what is known of it"]) == ("crashed", "ended with signal 11")


def test_instances_say_how_each_run_ended(folder):
    """Seconds where solved, else the gap, the failure, or that it is wrong."""
    one, other = rows_of(folder, "instances.csv")
    assert (one["a"], one["b"], one["'=c()"]) == ("6.0", "30.0", "wrong")
    assert (other["a"], other["b"], other["'=c()"]) == ("gap 20 %", "6.0", "crashed")
    assert one["best known"] == "100.00"


def test_one_run_makes_a_report(tmp_path):
    """One run of one solver: a page without pair, profile's warning or sets."""
    file = write_records(tmp_path / "one.jsonl", [made_run()])
    found = Reader(write_report([file], tmp_path / "out").read_text(encoding="utf-8"))
    assert "None in 1 run." in found.text
    assert "Read only the top curve" not in found.text
    assert "Two solvers" not in found.text
    assert "Sets and families" not in found.text


def test_instances_stand_in_the_order_of_their_numbers(tmp_path):
    """p5 before p15, though the letters say otherwise."""
    runs = [made_run(instance=f"p{number}") for number in (15, 5, 100, 61)]
    out = write_report([write_records(tmp_path / "r.jsonl", runs)]).parent
    names = [row["instance"] for row in rows_of(out, "instances.csv")]
    assert names == ["p5", "p15", "p61", "p100"]


@pytest.mark.parametrize(
    ("change", "warned"),
    [({}, False), ({"jobs": 2}, True), ({"date": "2026-12-24", "commit": "f" * 40}, False),
     ({"machine": {"cpu": "another", "cores": 2}}, True)],
)  # fmt: skip
def test_seconds_of_different_machines_are_warned_of(tmp_path, change, warned):
    """Runs of two sessions get a warning where processor, cores or runs side by side differ."""
    files = [
        write_records(tmp_path / "a.jsonl", [made_run()]),
        write_records(tmp_path / "b.jsonl", [made_run("b", session="t")],
                      made_session(id="t", **change)),
    ]  # fmt: skip
    page = write_report(files, tmp_path / "out").read_text(encoding="utf-8")
    assert ("their seconds are not comparable" in page) is warned
    # A session that nothing was taken from says nothing of the seconds.
    page = write_report(files[:1], tmp_path / "out").read_text(encoding="utf-8")
    assert "their seconds are not comparable" not in page


def test_nothing_in_common_makes_a_report(tmp_path):
    """Where no case was run by all solvers the page says so and has no curves."""
    file = write_records(tmp_path / "two.jsonl", [made_run("a", "one"), made_run("b", "two")])
    found = Reader(write_report([file], tmp_path / "out").read_text(encoding="utf-8"))
    assert "0 of 2 cases were run by all 2 solvers" in found.text
    assert "Solved against time" not in found.text


def test_only_a_report_is_replaced(tmp_path):
    """An older report gives way; a folder with anything else in it is refused and left alone."""
    file = write_records(tmp_path / "one.jsonl", [made_run()])
    out = tmp_path / "out"
    write_report([file], out)
    write_report([file], out)
    (out / "thesis.docx").write_text("years of work")
    with pytest.raises(UsageError, match=r"thesis\.docx"):
        write_report([file], out)
    assert (out / "thesis.docx").read_text() == "years of work"
    with pytest.raises(UsageError, match="no part of a report"):
        write_report([file], file)


def test_files_that_are_not_there_are_named(tmp_path):
    """A missing file is named, and no files at all is a mistake of usage."""
    with pytest.raises(FileError, match=r"nowhere\.jsonl"):
        write_report([tmp_path / "nowhere.jsonl"])
    with pytest.raises(UsageError):
        write_report([])


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0.00"), (0.01234, "0.01"), (0.5, "0.50"), (1.234, "1.23"), (12.34, "12.3"),
     (9.5, "9.50"), (9.994, "9.99"), (9.996, "10.0"), (0.999, "1.00"), (99.96, "100"),
     (123.4, "123"), (12345.6, "12,346"), (None, "–")],
)  # fmt: skip
def test_three_significant_digits(value, text):
    """Seconds are written with three digits, more before the point, at most two after it."""
    assert significant(value) == text


def test_page_works_in_a_browser(folder):
    """In Chromium, under the page's own policy, curves are drawn and no hostile name runs."""
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("chromium is not installed")
    done = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=10000",
         "--enable-logging=stderr", "--dump-dom", (folder / PAGE).as_uri()],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    if done.returncode != 0 or "<html" not in done.stdout:
        pytest.skip(f"chromium does not run here: {done.stderr[-300:]}")
    assert len(re.findall(r'class="main-svg"', done.stdout)) >= 3
    assert "faster on" in Reader(done.stdout).text  # our script, after all curves
    assert "<title>3 solvers on made</title>" in done.stdout
    assert "CONSOLE" not in done.stderr


@pytest.mark.parametrize(
    ("field", "value"),
    [("set", None), ("solver", ["x"]), ("limit", 0), ("limit", "sixty"), ("seed", True),
     ("time", -1), ("objective", 0.5), ("objective", 10**400), ("money_decimals", 10**9),
     ("sizes", [1]), ("best_known", "1e999999"), ("wrong", 7), ("trace", [[1, 2]]),
     ("seconds", {"read": None})],
)  # fmt: skip
def test_odd_values_in_a_file_are_named(tmp_path, field, value):
    """A value that its field cannot hold is named with file and line, without a traceback."""
    file = write_records(tmp_path / "odd.jsonl", [made_run()])
    session, run = file.read_text(encoding="utf-8").splitlines()
    document = json.loads(run) | {field: value}
    file.write_text(f"{session}\n{json.dumps(document)}\n", encoding="utf-8")
    with pytest.raises(FileError, match=r"odd\.jsonl, line 2: this is no record"):
        write_report([file], tmp_path / "out")
    assert not (tmp_path / "out").exists()

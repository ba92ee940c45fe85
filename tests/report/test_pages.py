"""Pages in a real browser: they ask nobody, complain of nothing, switch, filter and print."""

from __future__ import annotations

import csv
import dataclasses
import io
import itertools
from typing import TYPE_CHECKING, Any

import pytest
from browser import Opened, started
from hostile_names import HOSTILE as HUNDRED
from toy_result import result, toy

import optimiser
from optimiser.errors import FileError, UsageError
from optimiser.files.results import write_result
from optimiser.files.studies import Record, write_study
from optimiser.model.build import instance_from
from optimiser.report.pages import report_page
from optimiser.report.words import safe
from optimiser.solvers.frames import Sheet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Names that would do harm if anything took them for more than texts.
HOSTILE = [
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(2)>",
    "<b>bold</b> & co <!-- ",
    "=HYPERLINK(\"http://example.org\",\"x\")",
    "+1+1",
    "@SUM(A1)",
    "-2+3",
    "[bold red]rich[/]",
    "{{ 7 * 7 }} {% raw %} %{x} $\\alpha$",
    "\u202eright to left\u202c",
    "zero\u200bwidth\u200d\ufeff",
    "'quoted' \"twice\", with commas; and semicolons",
    "x" * 3000,
    "javascript:alert(3)",
    "<a href='javascript:alert(4)'>click</a>",
    "\u2028\u2029line ends",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with started() as found:
        yield found


def _page(tmp_path: Path, *folders: Path) -> Path:
    file = tmp_path / "page.html"
    file.write_bytes(report_page(folders))
    return file


def _hostile(tmp_path: Path, some: list[str] = HOSTILE) -> Path:
    """Save a result whose every name and text is hostile."""
    given = toy()
    names = itertools.cycle(some)
    tables = {
        name: {column: given.texts(name, column).tolist() for column in table.columns}
        for name, table in given.tables.items()
        if len(table)
    }
    for table in ("organisations", "services", "providers"):
        tables[table]["name"] = [next(names) for _ in tables[table]["name"]]
    tables["services"]["unit"] = [next(names) for _ in tables["services"]["unit"]]
    settings = dataclasses.replace(given.settings, title=some[1])
    instance = dataclasses.replace(instance_from(tables), settings=settings)
    optimiser.write(instance, tmp_path / "hostile")
    instance = optimiser.read(tmp_path / "hostile")
    return write_result(result(instance), tmp_path / "hostile-result")


def test_result_in_a_browser(browser, tmp_path):
    """A result's page opens, draws, switches, filters, sorts and prints without a complaint."""
    opened = Opened(browser, _page(tmp_path, write_result(result(), tmp_path / "toy")))
    page = opened.page
    opened.draw_all()
    trace = "() => document.querySelector('[data-map]') && [...document.querySelector(" \
        "'.js-plotly-plot').data].filter(each => each.visible !== false).length"  # fmt: skip
    before = page.evaluate(trace)
    if before is not None:
        page.uncheck(".flows")
        assert page.evaluate(trace) < before
        page.select_option(".service", index=1)
    page.select_option(".offer", index=1)
    deliveries = page.locator("details.table", has_text="Every delivery")
    assert deliveries.locator("tbody tr").count() == 6
    deliveries.locator("input").fill("Cedar payroll")
    assert deliveries.locator("tbody tr").count() == 1
    deliveries.locator("input").fill("")
    deliveries.locator("th button", has_text="Volume").click()
    volumes = [float(text.replace(",", "")) for text in
               deliveries.locator("tbody td:nth-child(5)").all_text_contents()]  # fmt: skip
    assert volumes == sorted(volumes, reverse=True)
    assert page.locator("th[aria-sort=descending]").count() == 1
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")
    opened.check()


def test_keyboard_and_names(browser, tmp_path):
    """Everything that acts can be reached by the keyboard, and has a name for screen readers."""
    opened = Opened(browser, _page(tmp_path, write_result(result(), tmp_path / "toy")))
    opened.page.keyboard.press("Tab")
    assert opened.page.evaluate("() => document.activeElement.className") == "skip"
    opened.draw_all()
    nameless = opened.page.evaluate(
        "() => [...document.querySelectorAll('button, select, input, summary, main a')].filter("
        "each => each.tabIndex < 0 || !(each.textContent.trim() || each.ariaLabel || "
        "each.closest('label'))).length"
    )
    assert nameless == 0
    figures = opened.page.locator("[data-figure]")
    for at in range(figures.count()):
        name = figures.nth(at).get_attribute("aria-describedby")
        assert opened.page.locator(f"#{name}").text_content().strip()
    opened.check()


def test_hostile_names(browser, tmp_path):
    """Hostile names neither run nor get lost, on the page and in what it gives as CSV."""
    opened = Opened(browser, _page(tmp_path, _hostile(tmp_path)))
    page = opened.page
    opened.draw_all()
    assert page.query_selector("main script, main img, main b:not(bdi), nav script") is None
    table = page.locator("details.table", has_text="Providers, open or not")
    names = table.locator("tbody td:nth-child(2)").all_text_contents()
    want = [str(name) for name in optimiser.read(tmp_path / "hostile")["providers"]["name"]]
    assert sorted(names) == sorted(want)
    with page.expect_download() as download:
        table.locator("button", has_text="Download").click()
    text = download.value.path().read_text(encoding="utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    kept = [row[1] for row in rows[1:]]
    assert sorted(name.removeprefix("'") if name[1:2] in "=+-@" else name for name in kept) \
        == sorted(want)  # fmt: skip
    assert not any(cell[:1] in ("=", "+", "@") for row in rows for cell in row)
    for place in page.query_selector_all("select.offer option"):
        assert place.text_content()
    opened.check()


def test_a_hundred_hostile_names(browser, tmp_path):
    """On one page of many results a hundred names neither run nor get lost."""
    kept = [name for name in HUNDRED if len(name) < 10_000]
    folders = []
    for at in range(0, len(kept), 8):
        (tmp_path / str(at)).mkdir()
        folders.append(_hostile(tmp_path / str(at), kept[at : at + 8]))
    opened = Opened(browser, _page(tmp_path, *folders))
    opened.draw_all()
    assert opened.page.query_selector("main script, main img, main b:not(bdi), nav script") is None
    cells = opened.page.text_content("main")
    for at, folder in zip(range(0, len(kept), 8), folders, strict=True):
        instance = optimiser.read(folder.parent / "hostile")
        for table in ("organisations", "services", "providers"):
            for name in instance[table]["name"].tolist():
                # Where it stands in a choice or a figure, what cannot be seen is shown by a sign.
                assert str(name) in cells or safe(name) in cells, (at, table, name)
    opened.check()


def test_without_a_plan(browser, tmp_path):
    """A result without a plan has a page with its reasons, escaped."""
    nothing = result(plan=None, account=None, status="infeasible", reasons=("<i>too</i> small",))
    opened = Opened(browser, _page(tmp_path, write_result(nothing, tmp_path / "none")))
    text = opened.page.text_content("main")
    assert "There is no plan" in text
    assert "<i>too</i> small" in text
    assert "What to do next" in text
    opened.check()


def test_unknown_study(browser, tmp_path):
    """A study of a kind that has no figures shows its answer and every table."""
    sheet = Sheet(kinds={"who": "text", "cost": "money"},
                  rows=[(HOSTILE[at % len(HOSTILE)], at) for at in range(250)],
                  decimals={"money": 2, "volume": 3})  # fmt: skip
    record = Record(kind="novelty", instance=toy(), headline=("<em>An answer.</em>",),
                    tables={"things": sheet}, results={"best": result()})  # fmt: skip
    opened = Opened(browser, _page(tmp_path, write_study(record, tmp_path / "study")))
    page = opened.page
    assert "<em>An answer.</em>" in page.text_content("main")
    opened.draw_all()
    table = page.locator("details.table", has_text="Things")
    assert table.locator("tbody tr").count() == 100
    for _ in range(2):
        table.locator("button", has_text="Next").click()
    assert table.locator("tbody tr").count() == 50
    assert table.locator("button", has_text="Next").is_disabled()
    with page.expect_download() as download:
        table.locator("button", has_text="Download").click()
    text = download.value.path().read_bytes().decode("utf-8-sig")
    cells = [row[0] for row in csv.reader(io.StringIO(text, newline=""))][1:]
    assert len(cells) == 250
    for at, cell in enumerate(cells):
        name = HOSTILE[at % len(HOSTILE)]
        assert cell == ("'" + name if name[0] in "=+-@" else name)
    opened.check()


def test_what_is_no_result(tmp_path):
    """What is no result or study is refused in words."""
    with pytest.raises(UsageError, match="name its folder"):
        report_page([])
    with pytest.raises(FileError, match="no saved result"):
        report_page([tmp_path])


def test_table_that_was_changed(tmp_path):
    """A study whose table no longer has the columns that study.json names is refused."""
    sheet = Sheet(kinds={"who": "text"}, rows=[("a",)], decimals={"money": 2, "volume": 3})
    record = Record(kind="sweep", instance=toy(), tables={"scenarios": sheet})
    folder = write_study(record, tmp_path / "study")
    (folder / "scenarios.csv").write_text("other\nb\n", encoding="utf-8")
    with pytest.raises(FileError, match="does not have the columns"):
        report_page([folder])


def _studies(tmp_path: Path) -> list[Path]:
    """Run every study on the toy, and save each."""
    how = optimiser.How(solver="highs", gap=0)
    scenarios = tmp_path / "scenarios.toml"
    scenarios.write_text(
        '[[scenario]]\nname = "dear"\nprobability = 1\n'
        '[[scenario.change]]\ntable = "tariffs"\nmultiply = { unit_cost = 1.2 }\n',
        encoding="utf-8",
    )
    instance, best = toy(), result()
    listed = optimiser.read_scenarios(scenarios)
    done = {
        "sweep": optimiser.sweep(instance, listed, how=how),
        "robust": optimiser.robust(instance, listed, how=how),
        "frontier": optimiser.frontier(instance, "hours", points=3, how=how),
        "alternatives": optimiser.alternatives(instance, count=1, how=how),
        "explain": optimiser.explain(best, [("alder", "it")], free=False, how=how),
        "share": optimiser.share(best, methods=("volume", "shapley"), how=how),
    }
    return [write_study(study, tmp_path / name) for name, study in done.items()]


def test_studies(browser, tmp_path):
    """A page of every kind of study opens, draws and prints without a complaint."""
    folders = _studies(tmp_path)
    opened = Opened(browser, _page(tmp_path, *folders))
    opened.draw_all()
    titles = opened.page.locator("h1").all_text_contents()
    assert len(titles) == len(folders)
    figures = opened.page.locator("figcaption").all_text_contents()
    for words in ("Regret: what", "Regret of this plan", "Cost against hours", "costs more",
                  "Switching points", "What each organisation pays"):  # fmt: skip
        assert any(words in figure for figure in figures), words
    assert opened.page.pdf(prefer_css_page_size=True).startswith(b"%PDF")
    opened.check()

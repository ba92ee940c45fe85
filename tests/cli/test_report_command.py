"""``optimiser report`` and ``optimiser compare``."""

from __future__ import annotations

import json

import pytest
from toy_result import best_plan, result, toy

from optimiser.cli import codes
from optimiser.files.results import write_result
from optimiser.model.check import check
from optimiser.model.plan import BY_ITSELF, Plan


@pytest.fixture
def saved(tmp_path):
    """Save the best plan of the toy, and that with everything in-house; return their folders."""
    plan = best_plan(toy())
    home = Plan.from_arrays(plan.pair, plan.deliverer * 0 + BY_ITSELF, plan.volume)
    alone = result(
        plan=home, account=check(toy(), home), rows=(), status="feasible", bound_units=None
    )
    return (write_result(result(), tmp_path / "best"), write_result(alone, tmp_path / "alone"))


def test_report_goes_beside_the_result(cli, saved):
    """Without --out the page lies beside the result; a page of ours is replaced."""
    page = saved[0].with_name("best.html")
    for _ in range(2):
        done = cli("report", saved[0])
        assert done.code == codes.SOLVED
        assert str(page) in done.out
    text = page.read_text(encoding="utf-8")
    assert "Content-Security-Policy" in text
    assert "£220,600" in text


def test_report_replaces_nothing_else(cli, saved, tmp_path):
    """A file that is no page of ours, and a folder, are left alone."""
    other = tmp_path / "mine.html"
    other.write_text("mine", encoding="utf-8")
    done = cli("report", saved[0], "--out", other)
    assert done.code == codes.INPUT
    assert "not replaced" in done.err
    assert other.read_text(encoding="utf-8") == "mine"
    assert cli("report", saved[0], "--out", tmp_path).code == codes.INPUT


def test_report_of_nothing(cli, tmp_path):
    """What is no result is named, and nothing is written."""
    done = cli("report", tmp_path / "nowhere")
    assert done.code == codes.INPUT
    assert "nowhere" in done.err
    assert not list(tmp_path.iterdir())


def test_report_of_a_changed_result(cli, saved):
    """A result that does not agree with its instance any more is refused."""
    document = json.loads((saved[0] / "result.json").read_text(encoding="utf-8"))
    document["cost"]["units"] -= 1
    (saved[0] / "result.json").write_text(json.dumps(document), encoding="utf-8")
    done = cli("report", saved[0])
    assert done.code == codes.INPUT
    assert "does not agree" in done.err


def test_compare(cli, saved, tmp_path):
    """Differences come first, on the terminal, as JSON and as a page."""
    done = cli("compare", *saved, "--out", tmp_path / "both.html")
    assert done.code == codes.SOLVED
    assert "alone costs 30,600 GBP a year more than best" in done.out.splitlines()[0]
    assert len(done.out.splitlines()) <= 40
    page = (tmp_path / "both.html").read_text(encoding="utf-8")
    assert page.index("Plans compared") < page.index("Where each pound goes")
    done = cli("compare", *saved, "--format", "json")
    document = json.loads(done.out)
    assert document["facts"]["differing_pairs"] == 5
    assert len(document["tables"]["decisions"]) == 5


def test_compare_needs_two(cli, saved):
    """One result cannot be compared, and JSON says so, too."""
    done = cli("compare", saved[0], "--format", "json")
    assert done.code == codes.INPUT
    assert json.loads(done.out)["status"] == "error"

"""Drafts: from a list of organisations to an instance that can be solved."""

from __future__ import annotations

from pathlib import Path

import pytest

import optimiser as opt
from optimiser.cli.main import main
from optimiser.errors import InputError

COUNCILS = Path(__file__).parents[3] / "shared" / "data" / "england-councils.csv"
LIST = """Council,Type,Lat,Lng,Population
Alpha,district,51.0,-3.1,"64,000"
Beta,district,51.1,-3.0,90000
Gamma,county,51.2,-2.9,250000
Delta,district,51.3,-2.8,70000
Epsilon,district,51.0,-2.7,120000
"""


def run(*arguments: str) -> tuple[int, str]:
    """Run the command line; return its exit code and output."""
    from click.testing import CliRunner

    done = CliRunner().invoke(main, list(arguments), standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done.exit_code, done.output


def test_list_becomes_an_instance_that_solves(tmp_path):
    """A list with headings as people write them becomes an instance with every need and a plan."""
    (tmp_path / "list.csv").write_text(LIST, encoding="utf-8")
    run("draft", str(tmp_path / "list.csv"), "--out", str(tmp_path / "made"), "--quiet")
    instance = opt.read(tmp_path / "made")
    assert len(instance["organisations"]) == 5
    assert len(instance["demand"]) >= 5
    assert len(instance["providers"])
    result = opt.solve(instance, solver="highs", gap=0.01)
    assert result.status == "optimal"
    assert any("ssumption" in path.read_text(encoding="utf-8")
               for path in (tmp_path / "made").glob("*.md"))  # fmt: skip


def test_draft_is_the_same_every_time(tmp_path):
    """The same list gives the same instance."""
    (tmp_path / "list.csv").write_text(LIST, encoding="utf-8")
    for name in ("one", "two"):
        run("draft", str(tmp_path / "list.csv"), "--out", str(tmp_path / name), "--quiet")
    assert opt.read(tmp_path / "one") == opt.read(tmp_path / "two")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("51.1,-3.0,90000", "95.1,-3.0,90000", "95.1"),
        ("90000", "many", "many"),
        ("Beta,", "Alpha,", "Alpha"),
        ("Population", "Colour", ""),
    ],
)
def test_faulty_lists_are_refused_by_name(tmp_path, old, new, told):
    """A wrong place, a size that is no number, a repeated name, no size at all: each is named."""
    (tmp_path / "list.csv").write_text(LIST.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        run("draft", str(tmp_path / "list.csv"), "--out", str(tmp_path / "made"), "--quiet")
    assert told in str(caught.value)
    assert not (tmp_path / "made").exists()


def test_missing_list_is_refused(tmp_path):
    """A list that is not there is named."""
    with pytest.raises(InputError, match="nowhere"):
        run("draft", str(tmp_path / "nowhere.csv"), "--out", str(tmp_path / "made"))


@pytest.mark.skipif(not COUNCILS.exists(), reason="no ../shared/data")
def test_real_councils_are_read_built_and_solved(tmp_path):
    """England's 317 councils become an instance that is solved to 1 %."""
    run("draft", str(COUNCILS), "--out", str(tmp_path / "england"), "--quiet")
    instance = opt.read(tmp_path / "england")
    assert len(instance["organisations"]) > 300
    result = opt.solve(instance, gap=0.01, time_limit=120)
    assert result.status == "optimal"

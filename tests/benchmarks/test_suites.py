"""Suites: what the file says, and what is made of it."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from benchmarks import sample
from benchmarks.suites import SUITES, Case, find_suite, read_suites
from optimiser.errors import FileError, UsageError

DATA = Path(__file__).parents[3] / "shared" / "bench-data"
GENERAL = ("highs", "scip", "cp-sat", "cbc")
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="no public instances at ../shared")


def write(tmp_path, text):
    """Write a file of suites."""
    path = tmp_path / "suites.toml"
    path.write_text(text)
    return path


def test_the_projects_suites_are_those_asked_for():
    """Every suite of the issues is there; comparisons have four solvers, one gap and thread."""
    suites = read_suites()
    assert set(suites) == {
        "smoke", "named", "regional", "oversight", "staircase", "schools", "everything", "scaling",
        "growth", "engine", "best-known", "public", "sample",
    }  # fmt: skip
    for name, suite in suites.items():
        ours = ("decomposition",) if name in ("growth", "engine", "best-known") else ()
        assert suite.solvers == ours + (() if name in ("growth", "best-known") else GENERAL)
        assert (suite.threads, suite.gap) == (1, 5e-3 if name == "growth" else 1e-4)
    assert [name for name in suites if suites[name].needs_data] == ["public", "sample"]


@pytest.mark.parametrize("name", [name for name in read_suites() if name not in
                                  ("public", "sample")])  # fmt: skip
def test_tasks_have_keys_of_their_own(name):
    """No two runs of a suite are the same run."""
    suite = find_suite(name)
    tasks = suite.tasks(suite.cases(None))
    assert len(tasks) == len(suite.cases(None)) * len(suite.seeds) * len(suite.solvers)
    assert len({task.key for task in tasks}) == len(tasks)


def test_scaling_grows_one_size_at_a_time():
    """Organisations grow at fixed services, and services at fixed organisations."""
    sizes = [case.source["sizes"] for case in find_suite("scaling").cases(None)]
    assert len({size["organisations"] for size in sizes if size["services"] == 4}) >= 5
    assert len({size["services"] for size in sizes if size["organisations"] == 20}) >= 4


def test_key_holds_what_makes_a_run_the_same():
    """Instance, solver, seed, threads, gap, limit and memory; not the suite."""
    suite = find_suite("smoke")
    (task, *_) = suite.tasks(suite.cases(None))
    assert task.key == "toy|highs|seed 0|threads 1|gap 0.0001|limit 10 s|memory 4096 MiB"


def test_unknown_suite_is_named_with_a_near_one():
    """A slip of the pen gets a hint, and the list."""
    with pytest.raises(UsageError, match=r"no suite 'regionall'.*regional.*There are: smoke"):
        find_suite("regionall")


def test_public_instances_need_their_folder(tmp_path):
    """Without --data, or with a folder that has not what is named, it says so."""
    with pytest.raises(UsageError, match="--data DIR"):
        find_suite("public").cases(None)
    with pytest.raises(FileError, match=r"best_known\.csv"):
        find_suite("public").cases(tmp_path)
    (tmp_path / "best_known.csv").write_text(
        "set,name,file,format,problem,best_known,status,source,best_bound\n"
        "holmberg,p1,p1,holmberg,SSCFLP,8848.0,optimal,,\n"
    )
    with pytest.raises(UsageError, match="has no set delmaire"):
        find_suite("public").cases(tmp_path)
    one = write(tmp_path, '[x]\nabout = ""\n[[x.instances]]\npublic = "holmberg"\nnames = ["p2"]\n')
    with pytest.raises(UsageError, match="no instance p2 of the set holmberg"):
        find_suite("x", one).cases(tmp_path)
    one.write_text(one.read_text().replace("p2", "p1"))
    (case,) = find_suite("x", one).cases(tmp_path)
    assert (case.instance, case.best_known, case.best_known_status) == (
        "holmberg/p1", "8848.0", "optimal",
    )  # fmt: skip


FAULTS = {
    "[x]\nabout = 3\ninstances = []\n": "x.about: 3 is not a text",
    "[x]\nabut = ''\n": "there is no setting abut",
    "[x]\nabout = ''\n": "instances is missing",
    "x = 3\n": "a suite is a table",
    "[x]\nabout = ''\n[[x.instances]]\n": "exactly one of named, family, public",
    "[x]\nabout = ''\n[[x.instances]]\nnamed = ['toi']\n": "no shipped instance 'toi'",
    "[x]\nabout = ''\n[[x.instances]]\nfamily = 'regionel'\nsizes = []\n": "no family 'regionel'",
    "[x]\nabout = ''\n[[x.instances]]\nfamily = 'regional'\nsizes = [[1]]\n": "sizes: [[1]] is not",
    "[x]\nabout = ''\n[[x.instances]]\nfamily = 'regional'\nsizes = 3\n": "sizes: 3 is not a list",
    "[x]\nabout = ''\n[[x.instances]]\nfamily = ['a']\nsizes = []\n": "family: ['a'] is not a text",
    "[x]\nabout = ''\n[[x.instances]]\nnamed = 3\n": "number 1, named: 3 is not a list of texts",
    "[x]\nabout = ''\n[[x.instances]]\npublic = 3\n": "number 1, public: 3 is not a text",
    "[x]\nabout = ''\nsolvers = 'highs'\ninstances = []\n": "'highs' is not a list of texts",
    "[x]\nabout = ''\nseeds = [-1]\ninstances = []\n": "[-1] is not a list of whole numbers from 0",
    "[x]\nabout = ''\nlimit = inf\ninstances = []\n": "x.limit: inf is not a number above 0",
    "[x]\nabout = ''\ngap = -1\ninstances = []\n": "x.gap: -1 is not a number from 0",
    "[x]\nabout = ''\n[[x.instances]]\nfamily = 'regional'\n": "sizes is missing",
    "[x]\nabout = ''\n[[x.instances]]\nnamed = ['toy']\nseeds = [1]\n": "no seeds beside named",
    "[x]\nabout = ''\ninstances = [3]\n": "x.instances: [3] is not a list of tables",
    "[x]\nabout = ''\nlimit = -1\ninstances = []\n": "x.limit: -1 is not a number above 0",
    "[x]\nabout = ''\nseeds = ['a']\ninstances = []\n": "x.seeds: ['a'] is not a list of",
    "[x\n": "cannot be read as TOML",
}


@pytest.mark.parametrize("text", FAULTS)
def test_faults_are_named(tmp_path, text):
    """What no suite can say is told with its place."""
    with pytest.raises(FileError) as caught:
        read_suites(write(tmp_path, text))
    assert FAULTS[text] in str(caught.value)


def test_all_faults_are_told_at_once(tmp_path):
    """Two faults, two lines."""
    with pytest.raises(FileError) as caught:
        read_suites(write(tmp_path, "[x]\nabut = 1\nlimit = 'a'\n"))
    assert len(str(caught.value).splitlines()) == 4  # and the two that are missing


def test_count_is_one_in_nine_within_bounds():
    """⌈n / 9⌉, at least two, at most eight, and never more than there are."""
    assert [sample.count(n) for n in (1, 2, 10, 18, 19, 36, 37, 100, 1000)] == [
        1, 2, 2, 2, 3, 4, 5, 8, 8,
    ]  # fmt: skip


def test_ranks_are_evenly_spaced(monkeypatch):
    """Of 27 cases the 5th, 14th and 23rd by size and tightness are taken, however they come."""
    cases = [Case(set="s", instance=f"i{n:02}", source={"n": n}) for n in range(27)]
    monkeypatch.setattr(sample, "read_instance", lambda source: source["n"])
    monkeypatch.setattr(sample, "size", lambda n: n // 9)
    monkeypatch.setattr(sample, "tightness", lambda n: -n)
    taken = sample.pick(reversed(cases))
    # Sizes 0, 1, 2, nine of each; within a size the last is the least tight.
    assert [case.instance for case in taken] == ["i04", "i13", "i22"]


def _by_kind(cases):
    return {group: [case.instance for case in some] for group, some in
            itertools.groupby(cases, lambda case: case.set)}  # fmt: skip


def _written(kinds):
    suite = find_suite("sample")
    lines = [line for line in suite.instances if kinds & set(line)]
    text = type(suite)(name="sample", about="", instances=lines)
    return text.cases(DATA if "public" in kinds else None)


def test_sample_is_what_its_rule_gives_of_the_families():
    """The generated part that suites.toml holds is drawn by the rule, and the named are all in."""
    assert _written({"family"}) == sample.draw_generated()
    assert _written({"named"}) == find_suite("named").cases(None)


@pytest.fixture(scope="module")
def drawn():
    """The whole sample as the rule draws it; reads every public file."""
    return sample.draw(DATA)


@needs_data
def test_sample_is_what_its_rule_gives_of_the_public_sets(drawn):
    """The public part is drawn by the rule: every set, at most eight files of any."""
    public = [case for case in drawn if "file" in case.source]
    assert _written({"public"}) == public
    assert len(_by_kind(public)) == 9
    assert max(map(len, _by_kind(public).values())) <= 8


@needs_data
def test_sample_is_printed_as_it_stands(drawn):
    """The command's lines are those of the file."""
    assert "\n".join(sample.lines(drawn)) in SUITES.read_text(encoding="utf-8")

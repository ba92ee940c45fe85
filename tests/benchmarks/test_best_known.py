"""The best known of generated instances: each plan is checked anew, and only better goes in."""

from __future__ import annotations

from decimal import Decimal

import pytest
from click.testing import CliRunner
from made_runs import made_run, made_session, write_records

from benchmarks import commands
from benchmarks.best_known import (
    FOLDER,
    LIST,
    PLANS,
    draw,
    faults_of,
    list_of,
    read_bests,
    read_plan,
    update,
)
from benchmarks.crosschecks import read_entries
from benchmarks.plans import encode, to_text
from benchmarks.suites import generated
from benchmarks.worker import read_instance
from optimiser.errors import FileError
from optimiser.model.check import check, in_house_account
from optimiser.model.plan import Plan

NAME = "regional-6x2-2+2-s3"
BESTS = read_bests()


class TestListOfThisProject:
    @pytest.mark.parametrize("name", BESTS)
    def test_plan_costs_what_the_list_says(self, name):
        """Drawn anew, the plan keeps every rule, costs that to the penny, and no bound is above."""
        best = BESTS[name]
        instance = draw(best)
        account = check(instance, read_plan(best, instance))
        assert account.violations == ()
        assert Decimal(account.cost).scaleb(-instance.settings.money_decimals) == best.cost.amount
        assert account.objective == account.cost
        assert all(b is None or b.amount <= best.cost.amount
                   for b in (best.bound, best.certified_bound))  # fmt: skip
        assert faults_of(best) == []

    def test_it_is_as_the_command_writes_it(self):
        """Nobody has edited it: rows, columns and order are the writer's."""
        assert (FOLDER / LIST).read_text(encoding="utf-8") == list_of(BESTS.values())

    def test_every_plan_is_of_a_row_and_all_are_small(self):
        """No plan is left over, and all together take less than a megabyte."""
        files = list((FOLDER / PLANS).iterdir())
        assert {file.name.removesuffix(".csv.gz") for file in files} == set(BESTS)
        assert sum(file.stat().st_size for file in files) < 1_000_000

    def test_the_families_asked_for_are_there(self):
        """Regional in three sizes, and the richer families at the smallest of them."""
        found = {name.rsplit("-", 2)[0] for name in BESTS}
        assert found >= {"regional-40x4", "regional-80x6", "regional-300x8", "oversight-40x4",
                         "staircase-40x4", "everything-40x4"}  # fmt: skip


@pytest.fixture(scope="module")
def instance():
    """A small instance."""
    return read_instance(generated(NAME).source)


@pytest.fixture(scope="module")
def dear(instance):
    """The plan all in-house and its cost."""
    account = in_house_account(instance)
    return account.plan, account.objective


@pytest.fixture(scope="module")
def cheap(instance, dear):
    """A cheaper plan: the first pair that is cheaper elsewhere is moved there."""
    rows = list(zip(dear[0].pair.tolist(), dear[0].deliverer.tolist(), dear[0].volume.tolist(),
                    strict=True))  # fmt: skip
    for place, (pair, _, volume) in enumerate(rows):
        for provider in range(len(instance["providers"])):
            plan = Plan.of([*rows[:place], (pair, provider, volume), *rows[place + 1 :]])
            account = check(instance, plan)
            if account.feasible and account.objective < dear[1]:
                return plan, account.objective
    raise AssertionError("no pair is cheaper elsewhere")


@pytest.fixture
def offer(tmp_path, instance):
    """Return what came of records with these runs, and where the list lies."""
    number = 0

    def given(*changes):
        nonlocal number
        number += 1
        runs = []
        for place, change in enumerate(changes):
            plan, objective = change.pop("plan", (None, None))
            runs.append(
                made_run(
                    instance=change.pop("instance", NAME), key=str(place),
                    **{"set": "regional", "instance_hash": instance.hash, "objective": objective,
                       "bound": None, "status": "feasible", "solved": False,
                       "plan": "" if plan is None else to_text(plan, instance)} | change,
                )
            )  # fmt: skip
        file = write_records(tmp_path / f"{number}.jsonl", runs, made_session(commit="abcdef123"))
        return update(read_entries([file]), tmp_path / "list")

    return given


def test_first_plan_goes_in_with_its_bounds(offer, dear, tmp_path):
    """What is proved counts as claimed, too; by what, and when, is told."""
    found = offer({"plan": dear, "bound": 100, "certified_bound": 150, "threads": 2})
    (best,) = read_bests(tmp_path / "list").values()
    assert best == found.bests[NAME]
    assert (best.cost.amount, best.bound.amount) == (Decimal(dear[1]).scaleb(-2), Decimal("1.50"))
    assert best.certified_bound.amount == Decimal("1.50")
    assert (best.cost.by, best.cost.date) == ("a, 2 threads, 60 s, abcdef1", "2026-11-24")
    assert faults_of(best, tmp_path / "list") == []
    assert len(found.better) == 3
    assert not found.wrong


def test_only_better_goes_in(offer, dear, cheap, tmp_path):
    """A dearer plan and a lower bound change nothing, a cheaper plan and a higher bound do."""
    offer({"plan": cheap, "bound": 100})
    before = {file: file.read_bytes() for file in (tmp_path / "list").rglob("*.*")}
    found = offer({"plan": dear, "bound": 90}, {"plan": cheap, "bound": 100, "solver": "b"})
    assert (found.better, found.wrong) == ((), ())
    assert {file: file.read_bytes() for file in (tmp_path / "list").rglob("*.*")} == before
    found = offer({"plan": dear, "bound": 110})
    assert len(found.better) == 1
    best = found.bests[NAME]
    assert (best.cost.amount, best.bound.amount) == (Decimal(cheap[1]).scaleb(-2), Decimal("1.10"))


def test_cheaper_plan_replaces_the_old_one(offer, dear, cheap, instance, tmp_path):
    """Plan and cost change together, the bound stays."""
    offer({"plan": dear, "bound": 100})
    best = offer({"plan": cheap}).bests[NAME]
    assert read_plan(best, instance, tmp_path / "list") == cheap[0]
    assert best.bound.amount == 1
    assert faults_of(best, tmp_path / "list") == []


def test_false_cost_is_wrong(offer, dear):
    """A plan that costs something else than the record says does not go in."""
    found = offer({"plan": (dear[0], dear[1] - 1)})
    assert "not" in found.wrong[0]
    assert found.bests == {}


def test_plan_that_breaks_a_rule_is_wrong(offer, dear):
    """A plan without its first delivery does not go in, whatever it claims to cost."""
    plan = Plan.from_arrays(dear[0].pair[1:], dear[0].deliverer[1:], dear[0].volume[1:])
    found = offer({"plan": (plan, dear[1] // 2)})
    assert len(found.wrong) == 1
    assert found.bests == {}


def test_bound_above_a_plan_is_wrong(offer, dear, cheap):
    """It does not go in; and one that was in goes out when a plan refutes it."""
    offer({"plan": dear, "bound": dear[1] - 1})
    found = offer({"bound": dear[1] + 1, "objective": None})
    assert "above the cost" in found.wrong[0]
    assert found.bests[NAME].bound.amount == Decimal(dear[1] - 1).scaleb(-2)
    found = offer({"plan": cheap, "bound": 70})
    assert "taken out" in found.wrong[0]
    assert found.bests[NAME].bound.amount == Decimal("0.70")


def test_what_is_wrong_already_is_not_used(offer, dear):
    """A run with a wrong answer gives neither plan nor bound."""
    found = offer({"plan": dear, "bound": 100, "wrong": ("it lied",)})
    assert (found.bests, found.wrong) == ({}, (f"{NAME}, a: it lied",))


def test_no_use(offer, dear):
    """Another instance, one of that name once, a record without a plan: said, and left out."""
    found = offer(
        {"instance": "toy", "plan": dear}, {"plan": dear, "instance_hash": "another"},
        {"objective": dear[1]}, {"instance": "regional-6x2-2+2-s4", "bound": None},
    )  # fmt: skip
    assert found.bests == {}
    assert found.wrong == ()
    text = "\n".join(found.notes)
    for words in ("toy: it is not generated", "another instance bore this name", "holds no plan",
                  "no plan is known", "neither a plan nor"):  # fmt: skip
        assert words in text


def test_damaged_list_is_named(tmp_path, offer, dear):
    """A row that cannot be one is refused with its line."""
    offer({"plan": dear})
    path = tmp_path / "list" / LIST
    for word in ("NaN", "much", ""):
        path.write_text(path.read_text().splitlines()[0] + f"\n{NAME},regional,3,6,2,2,2,{word}\n")
        with pytest.raises(FileError, match=r"best_known\.csv, line 2"):
            read_bests(tmp_path / "list")


def test_command(offer, dear, cheap, tmp_path):
    """Without files the list is checked; a plan that is not its row's gives exit code 1."""
    best = offer({"plan": dear, "bound": 100}).bests[NAME]

    def call():
        words = ["best-known", "--folder", str(tmp_path / "list")]
        done = CliRunner().invoke(commands.main, words, standalone_mode=False)
        return done.return_value, done.output

    code, text = call()
    assert (code, text.count("1 plan checked")) == (0, 1)
    plan = tmp_path / "list" / PLANS / f"{NAME}.csv.gz"
    plan.write_bytes(encode(cheap[0], draw(best)))
    code, text = call()
    assert code == 1
    assert "the list says" in text
    words = ["best-known", str(tmp_path / "1.jsonl"), "--folder", str(tmp_path / "list")]
    done = CliRunner().invoke(commands.main, words, standalone_mode=False)
    assert "Nothing is better" in done.output


def test_names_of_generated_instances():
    """A name gives its instance back; others, and those with idle zeros, are none."""
    case = generated("everything-40x4-8+12-s7")
    assert case.source == {"family": "everything", "seed": 7, "sizes": {
        "organisations": 40, "services": 4, "centres": 8, "co_operatives": 12}}  # fmt: skip
    for name in ("toy", "regional-40x4-8+12-s07", "yang-40x4-8+12-s7", "other-40x4-8+12-s7",
                 "regional-40x4-8+12-s7\n", "holmberg/p1"):  # fmt: skip
        assert generated(name) is None

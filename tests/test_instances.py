"""The named instances: they read, say what they are, prove, and show what they are there for."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from pathlib import Path

import pytest

from optimiser.files.folder import read_folder
from optimiser.model.build import instance_from
from optimiser.model.check import todays_account
from optimiser.model.schema import CO_OPERATIVE, IN_HOUSE, MODES, SHARED_CENTRE
from optimiser.solvers.session import solve

HOME = Path(__file__).parent.parent / "instances"
NAMES = ("toy", "southwest-one", "whitehall-2010", "micro-outsourcing")


@cache
def best(name):
    """Best plan, proved to the last penny."""
    return solve(read_folder(HOME / name), solver="highs", gap=0, time_limit=600)


@cache
def at_hour_cost(times):
    """micro-outsourcing with another price of an hour, proved to the last penny."""
    if times == 1:
        return best("micro-outsourcing")
    instance = read_folder(HOME / "micro-outsourcing")
    tables = {name: {column: instance.texts(name, column) for column in table.columns}
              for name, table in instance.tables.items() if len(table)}  # fmt: skip
    tables["authorities"]["hour_cost"] = [28 * times] * len(instance["authorities"])
    settings = {"distance": {"metric": "great-circle", "detour": 1.3}}
    return solve(instance_from(tables, settings), solver="highs", gap=0, time_limit=600)


def pairs_by_mode(result):
    """How many pairs each way of delivering has."""
    providers = result.instance["providers"]["mode"]
    found = [IN_HOUSE if by < 0 else providers[by] for by in result.plan.deliverer.tolist()]
    return {mode: found.count(mode) for mode in (*MODES, IN_HOUSE)}


def hours(result):
    return sum((authority.hours for authority in result.account.authorities), Fraction())


class TestFolders:
    def test_these_and_no_others_are_there(self):
        folders = {path.name for path in HOME.iterdir() if path.is_dir()}
        assert folders - {"best_known"} == set(NAMES)  # plans of generated instances lie there

    @pytest.mark.parametrize("name", NAMES)
    def test_each_reads_and_has_a_title(self, name):
        assert read_folder(HOME / name).settings.title

    @pytest.mark.parametrize("name", NAMES)
    def test_each_has_a_readme_that_the_index_links(self, name):
        text = (HOME / name / "README.md").read_text(encoding="utf-8")
        assert text.startswith(f"# {name}")
        assert f"({name}/README.md)" in (HOME / "README.md").read_text(encoding="utf-8")

    @pytest.mark.parametrize("name", NAMES[1:])
    def test_each_says_what_is_sourced_and_what_is_assumed(self, name):
        text = (HOME / name / "README.md").read_text(encoding="utf-8")
        assert "## Sourced" in text
        assert "## Assumed" in text

    @pytest.mark.parametrize("name", NAMES)
    def test_the_index_tells_its_size(self, name):
        instance = read_folder(HOME / name)
        size = " | ".join(str(len(instance[table])) for table in
                          ("organisations", "services", "demand", "providers"))  # fmt: skip
        lines = (HOME / "README.md").read_text(encoding="utf-8").splitlines()
        assert size in next(line for line in lines if line.startswith(f"| [{name}]"))

    @pytest.mark.parametrize("name", NAMES[1:])
    def test_today_keeps_every_rule_but_policies(self, name):
        account = todays_account(read_folder(HOME / name))
        assert account is not None
        assert {violation.rule for violation in account.violations} <= {"policy"}


class TestBestPlans:
    @pytest.mark.parametrize("name", NAMES)
    def test_each_proves_and_its_readme_tells_the_cost(self, name):
        result = best(name)
        assert result.status == "optimal"
        assert result.gap == 0
        text = (HOME / name / "README.md").read_text(encoding="utf-8")
        cost = f"£{result.cost:,.2f}".removesuffix(".00")
        assert cost in text

    @pytest.mark.parametrize("name", NAMES)
    def test_no_best_plan_is_trivial(self, name):
        """Each uses centres, co-operatives and in-house."""
        assert min(pairs_by_mode(best(name)).values()) > 0

    def test_toy_has_the_optimum_worked_out_on_paper(self):
        result = best("toy")
        allocation = {
            (row.organisation, row.service): row.provider or row.mode
            for row in result.allocation.itertuples()
        }
        assert result.cost_units == 22_060_000
        assert allocation == {
            ("alder", "payroll"): "hub", ("alder", "it"): "valley",
            ("birch", "payroll"): "hub", ("birch", "it"): "valley",
            ("cedar", "payroll"): "hub", ("cedar", "it"): "in-house",
        }  # fmt: skip
        assert hours(result) == 290
        parts = {part: units // 100 for part, units in result.account.parts.items() if units}
        expected = {"in_house": 28_000, "tariff": 156_000, "access": 3_000, "running": 18_000}
        assert parts == {**expected, "contracts": 4_000, "oversight_hours": 11_600}

    def test_whitehall_covers_what_its_policy_asks_for_and_today_does_not(self):
        assert any(
            v.rule == "policy" for v in todays_account(best("whitehall-2010").instance).violations
        )
        assert not best("whitehall-2010").account.violations


class TestMicroOutsourcing:
    def test_dearer_hours_mean_fewer_of_them_away_from_co_operatives(self):
        results = [at_hour_cost(times) for times in (0.5, 1, 2, 4)]
        assert [result.status for result in results] == ["optimal"] * 4
        assert [hours(result) for result in results] == [6930, 4946, 3792, 2860]
        modes = [pairs_by_mode(result) for result in results]
        assert [mode[CO_OPERATIVE] for mode in modes] == [87, 48, 18, 0]
        assert [mode[SHARED_CENTRE] for mode in modes] == [15, 54, 78, 81]

    def test_the_readme_tells_these_costs(self):
        text = (HOME / "micro-outsourcing" / "README.md").read_text(encoding="utf-8")
        for times in (0.5, 1, 2, 4):
            assert f"£{at_hour_cost(times).cost:,.2f}" in text

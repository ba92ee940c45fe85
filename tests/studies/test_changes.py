"""Named changes: what they change, to which value, and what is said where they cannot be made."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import optimiser as opt
from optimiser.errors import InstanceError
from optimiser.model.instance import BLANK
from optimiser.model.schema import TABLES
from optimiser.studies.changes import Change, changed, exact_number

ROOT = Path(__file__).parents[2]
SOUTHWEST = opt.read(ROOT / "instances/southwest-one")


def same_but(one, other, *columns):
    """Names of columns that differ between two instances, those named left out."""
    return [
        f"{table}.{column.name}"
        for table, schema in TABLES.items()
        for column in schema.columns
        if f"{table}.{column.name}" not in columns
        and one.texts(table, column.name).tolist() != other.texts(table, column.name).tolist()
    ]


@settings(max_examples=40, deadline=None)
@given(st.decimals(min_value="0.01", max_value="3", places=4))
def test_product_is_rounded_once_half_away(factor):
    """Each amount is the decimal product, rounded to the last place; nothing else changes."""
    change = Change(table="demand", multiply={"in_house_cost": str(factor)})
    new = changed(SOUTHWEST, [change])
    old = SOUTHWEST["demand"]["in_house_cost"].tolist()
    for before, after in zip(old, new["demand"]["in_house_cost"].tolist(), strict=True):
        exact = (Decimal(before) * factor).quantize(Decimal(1), rounding=ROUND_HALF_UP)
        assert after == (BLANK if before == BLANK else int(exact))
    assert not same_but(SOUTHWEST, new, "demand.in_house_cost", "demand.baseline_cost")


@settings(max_examples=25, deadline=None)
@given(st.sets(st.sampled_from(["southwest-one", "exeter", "levels", "yeovil"]), min_size=1))
def test_only_rows_that_match_change(keys):
    """A filter with several values changes their rows and no others."""
    change = Change(
        table="tariffs", where={"provider": tuple(keys)}, add={"unit_cost": "0.000001"}
    )
    new = changed(SOUTHWEST, [change])
    for provider, before, after in zip(
        SOUTHWEST.texts("tariffs", "provider"),
        SOUTHWEST["tariffs"]["unit_cost"].tolist(),
        new["tariffs"]["unit_cost"].tolist(),
        strict=True,
    ):
        assert after - before == (provider in keys)


def test_filters_reach_other_tables_and_wildcards():
    """A row is found by a column of what it refers to, by a pattern, and by both."""
    where = {"provider.mode": ("co-operative",), "service": ("rev*", "procurement")}
    new = changed(SOUTHWEST, [Change(table="tariffs", where=where, multiply={"unit_cost": "2"})])
    modes = dict(zip(SOUTHWEST["providers"].keys, SOUTHWEST["providers"]["mode"], strict=True))
    hit = 0
    for provider, service, before, after in zip(
        SOUTHWEST.texts("tariffs", "provider"),
        SOUTHWEST.texts("tariffs", "service"),
        SOUTHWEST["tariffs"]["unit_cost"].tolist(),
        new["tariffs"]["unit_cost"].tolist(),
        strict=True,
    ):
        meant = modes[provider] == "co-operative" and service in ("revenues", "procurement")
        assert after == before * (2 if meant else 1)
        hit += meant
    assert hit


def test_numbers_match_however_they_are_written():
    """A filter on a column of numbers compares numbers: 7.0 is 7."""
    where = {"span_of_control": ("7.0",)}
    new = changed(
        SOUTHWEST, [Change(table="authorities", where=where, set={"span_of_control": "9"})]
    )
    assert set(new.texts("authorities", "span_of_control")) == {"9"}


def test_blank_stays_blank():
    """Multiplying or adding fills no cell; setting does."""
    for verb in ("multiply", "add"):
        new = changed(SOUTHWEST, [Change(table="providers", **{verb: {"max_members": "2"}})])
        before, after = (i["providers"]["max_members"] for i in (SOUTHWEST, new))
        assert ((before == BLANK) == (after == BLANK)).all()
    new = changed(SOUTHWEST, [Change(table="providers", set={"max_members": "7"})])
    assert (new["providers"]["max_members"] == 7).all()


def test_changes_follow_each_other():
    """A later change sees what an earlier one has made, and the first instance stays as it was."""
    before = SOUTHWEST.hash
    double = Change(table="demand", multiply={"volume": "2"})
    half = Change(table="demand", multiply={"volume": "0.5"})
    assert changed(SOUTHWEST, [double, half]).hash == before
    assert changed(SOUTHWEST, [double]).hash != before
    assert changed(SOUTHWEST, []) is SOUTHWEST
    assert SOUTHWEST.hash == before


def test_settings_change_and_are_inherited():
    """A setting changes, and authorities that had inherited it change along."""
    micro = opt.read(ROOT / "instances/micro-outsourcing")
    new = changed(micro, [Change(multiply={"oversight.hour_cost": "1.5"})])
    assert (new["authorities"]["hour_cost"] == micro["authorities"]["hour_cost"] * 3 // 2).all()
    assert new.settings.oversight["hour_cost"] == 42_000_000  # in millionths
    dear = Change(set={"horizon.discount_rate": "0.06"}, add={"horizon.years": "5"})
    rate = changed(micro, [dear])
    assert rate.settings.discount_rate == Fraction("0.06")
    assert rate.settings.years == micro.settings.years + 5
    assert changed(micro, [Change(set={"sourcing": "split"})]).settings.split


FAULTY = {
    "no such table": Change(table="tarifs", set={"unit_cost": "1"}),
    "no such column": Change(table="tariffs", set={"unitcost": "1"}),
    "has this": Change(table="tariffs", where={"provider": ("exter",)}, set={"unit_cost": "1"}),
    "matches all": Change(
        table="policies", where={"policy": ("no-lock-in",), "measure": ("pairs",)},
        set={"maximum": "1"},
    ),
    "refers to no table": Change(
        table="demand", where={"volume.x": ("1",)}, set={"volume": "1"}
    ),
    "is no number": Change(table="tariffs", multiply={"unit_cost": "twice"}),
    "holds no numbers": Change(table="providers", add={"mode": "1"}),
    "no such setting": Change(set={"oversight.hourcost": "1"}),
    "have no rows": Change(where={"provider": ("x",)}, set={"title": "t"}),
    "setting is blank": Change(multiply={"oversight.hour_cost": "2"}),
    "has no rows in this table": Change(table="contracts", set={"contract_cost": "1"}),
}  # fmt: skip


@pytest.mark.parametrize("rule", FAULTY)
def test_fault_is_told_in_words(rule):
    """What cannot be made names the scenario, the change, the rule and a remedy."""
    with pytest.raises(InstanceError) as caught:
        changed(SOUTHWEST, [FAULTY[rule]], name="bold")
    (fault,) = caught.value.faults
    assert rule in fault.rule
    assert fault.source == "bold, change 1"
    assert fault.remedy


def test_all_faults_at_once():
    """Every change that cannot be made is named in one go."""
    with pytest.raises(InstanceError) as caught:
        changed(SOUTHWEST, list(FAULTY.values()), name="bold")
    assert len(caught.value.faults) == len(FAULTY)


def test_number_after_a_word_is_a_fault():
    """Multiplying what an earlier change has set to a word is no traceback."""
    word = Change(table="tariffs", set={"unit_cost": "dear"})
    double = Change(table="tariffs", multiply={"unit_cost": "2"})
    with pytest.raises(InstanceError, match="an earlier change has set this"):
        changed(SOUTHWEST, [word, double])


def test_changed_tables_are_validated():
    """A change that breaks a rule of the tables is told with table, row and scenario."""
    with pytest.raises(InstanceError) as caught:
        changed(SOUTHWEST, [Change(table="demand", set={"volume": "-1"})], name="bold")
    assert caught.value.faults[0].source == "bold, demand"
    assert caught.value.faults[0].row == 2


@pytest.mark.parametrize("text", ["", "x", "1e999999999", "1/0", "nan", "1_0", "9" * 50, "--1"])
def test_what_is_no_number(text):
    """Nothing else than a decimal or a fraction of bounded length is a number."""
    assert exact_number(text) is None


@pytest.mark.parametrize(("text", "value"), [(" 1.25 ", "5/4"), ("1/3", "1/3"), ("-.5", "-1/2")])
def test_what_is_a_number(text, value):
    """Decimals and fractions are read exactly."""
    assert exact_number(text) == Fraction(value)

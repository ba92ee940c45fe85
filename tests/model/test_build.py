"""Building instances from texts: what is filled in, and every fault with place and remedy."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_tables import Tables, small_settings, small_tables

from optimiser.errors import InstanceError
from optimiser.model.build import build, instance_from, raw_table
from optimiser.model.instance import BLANK, IN_HOUSE_CODE, NOWHERE, decimal_text
from optimiser.model.parse import number_remedy, parse_number, parse_numbers
from optimiser.model.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimiser.errors import Fault
    from optimiser.model.instance import Instance


def faults_of(tables: Any, settings: Any = None) -> tuple[Fault, ...]:
    with pytest.raises(InstanceError) as caught:
        instance_from(tables, settings)
    return caught.value.faults


def small() -> Instance:
    return instance_from(small_tables(), small_settings())


# --- what is filled in ---------------------------------------------------------------------------


def test_numbers_are_integers_of_the_last_place() -> None:
    """Money has 2 decimals, volume 3, rates 6, and hours 3, all held as integers."""
    instance = small()
    assert instance["demand"]["in_house_cost"].tolist() == [5000000, 3000055, BLANK, 9000000]
    assert instance["demand"]["volume"].tolist() == [100500, 1200000, 80000, 300000]
    assert instance["tariffs"]["unit_cost"][1] == 250123456
    assert instance["authorities"]["officer_hours"].tolist() == [1500000, BLANK]


def test_references_are_row_numbers() -> None:
    """References are rows, with codes of their own for blank and in-house."""
    instance = small()
    assert instance["demand"]["incumbent"].tolist() == [IN_HOUSE_CODE, NOWHERE, 0, 1]
    assert instance["options"]["provider"].tolist() == [0, 1, IN_HOUSE_CODE, 0]
    assert instance["links"]["organisation"].tolist() == [NOWHERE, 0]


def test_several_services_are_held_in_order_of_their_keys() -> None:
    """However a policy lists its services, the same rows stand in the same order."""
    tables = small_tables()
    tables["policies"]["service"] = [" Payroll ;HR; ", "HR;Payroll;HR"]
    assert instance_from(tables)["policies"]["service"].tolist() == [(0, 1), (0, 1)]


def test_defaults_are_filled_in() -> None:
    """Names, baselines, status, offers in use today, units and inherited oversight are filled."""
    instance = small()
    assert instance["organisations"]["name"].tolist() == ["Ash Council", "Birch", "Cedar, City of"]
    assert instance["demand"]["baseline_cost"].tolist() == [5000000, 3000055, 4100000, 9000000]
    assert instance["providers"]["status"].tolist() == ["existing", "existing"]
    assert instance["offers"]["existing"].tolist() == ["yes", "no", "yes"]
    assert instance["policies"]["unit"].tolist() == ["share", "absolute"]
    assert instance["policies"]["scope"].tolist() == ["total", "total"]
    assert instance["authorities"]["hour_cost"].tolist() == [40_000_000, 35_500_000]
    assert instance["services"]["weight"].tolist() == [1000, 500]


def test_every_column_is_there_and_read_only() -> None:
    """Every table has every column of its schema, of its length, and none can be changed."""
    instance = small()
    for name, schema in TABLES.items():
        for column in schema.columns:
            values = instance[name][column.name]
            assert values.shape == (len(instance[name]),)
            assert not values.flags.writeable


def test_settings_are_exact() -> None:
    """Settings given as float, text, Decimal or whole number are the decimals that one reads."""
    settings = small().settings
    assert settings.discount_rate == Fraction(1, 10)
    assert settings.detour == Fraction(13, 10)
    assert settings.weights["oversight_hours"] == Fraction(3, 2)
    assert settings.oversight["hour_cost"] == 35_500_000
    dotted = {"horizon.discount_rate": Decimal("0.035"), "horizon.years": "12"}
    settings = instance_from(small_tables(), dotted).settings
    assert (settings.discount_rate, settings.years) == (Fraction(35, 1000), 12)


def test_options_are_generated_where_the_table_has_no_rows() -> None:
    """Options are generated without rows in the table, or where the settings say so."""
    tables = small_tables()
    assert instance_from(tables).settings.generate is False
    assert small().settings.generate is True
    del tables["options"]
    assert instance_from(tables).settings.generate is True


def test_metric_follows_from_the_places() -> None:
    """Roads make it network, latitudes great-circle, and else it is straight-line."""
    tables = small_tables()
    assert instance_from(tables).settings.metric == "straight-line"
    tables["network"] = {"from": ["Ash", "Ash"], "to": ["Hub", "Hub"], "km": ["3", "4"]}
    assert instance_from(tables).settings.metric == "network"
    del tables["network"]
    for table in (tables["organisations"], tables["providers"]):
        table["latitude"], table["longitude"] = table.pop("x_km"), table.pop("y_km")
    assert instance_from(tables).settings.metric == "great-circle"


def test_headings_may_bear_units_and_capitals() -> None:
    """Headings are matched without case, with spaces for underscores and a unit in brackets."""
    tables = small_tables()
    tables["demand"]["In house cost (£/yr)"] = tables["demand"].pop("in_house_cost")
    tables["demand"][" VOLUME (units (net)/yr) "] = tables["demand"].pop("volume")
    assert instance_from(tables, small_settings()) == small()


def test_blank_rows_and_spaces_do_not_matter() -> None:
    """Rows without content are left out, and spaces around keys and numbers fall away."""
    tables = small_tables()
    demand = {name: [f" {cells[0]}\t", *cells[1:], " ", ""]
              for name, cells in tables["demand"].items()}  # fmt: skip
    tables["demand"] = demand
    assert instance_from(tables, small_settings()) == small()


def test_python_values_stand_for_their_texts() -> None:
    """Numbers, NaN, None, booleans and frames are taken for the texts that one would write."""
    tables: dict[str, Any] = small_tables()
    tables["demand"]["volume"] = [100.5, 1200, np.float64(80), Decimal("300.0")]
    tables["demand"]["exit_cost"] = [1e3, None, float("nan"), pd.NA]
    tables["offers"]["existing"] = [True, False, None]
    tables["policies"]["service"] = [["HR", "Payroll"], ()]
    tables["tariffs"]["band"] = np.array([1.0, 2.0, 1.0, 1.0])
    tables["organisations"] = pd.DataFrame(tables["organisations"])
    assert instance_from(tables, small_settings()) == small()


def test_zero_is_not_blank() -> None:
    """A capacity of 0 is 0, a blank one is blank."""
    tables = small_tables()
    tables["offers"]["capacity"] = ["0", "", "0.000"]
    assert instance_from(tables)["offers"]["capacity"].tolist() == [0, BLANK, 0]


def test_rows_may_come_in_any_order() -> None:
    """The hash does not depend on the order of rows."""
    tables = small_tables()
    for table in tables.values():
        for cells in table.values():
            cells.reverse()
    assert instance_from(tables, small_settings()).hash == small().hash


# --- numbers -------------------------------------------------------------------------------------


@given(st.integers(-(2**63) + 1, 2**63 - 1), st.integers(0, 6))
def test_every_number_survives_being_written_and_parsed(value: int, decimals: int) -> None:
    """Parsing the text of an integer of the last place gives that integer, short or long."""
    text = np.array([decimal_text(value, decimals)], dtype=object)
    values, wrong = parse_numbers(text, decimals)
    assert values.tolist() == [value]
    assert not any(wrong.values())


@given(st.text("0123456789.-+eE ,", max_size=26), st.integers(0, 6))
def test_the_two_ways_of_parsing_agree(text: str, decimals: int) -> None:
    """The vectorised way accepts nothing that the exact one refuses, and finds the same value."""
    values, wrong = parse_numbers(np.array([text], dtype=object), decimals)
    alone = parse_number(text, decimals)
    expected = BLANK if isinstance(alone, str) else alone
    assert values.tolist() == [expected]
    assert [name for name, rows in wrong.items() if rows] == (
        [alone] if isinstance(alone, str) else []
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [("12.50", 1250), ("+3", 300), (".5", 50), ("7.", 700), ("1e3", 100000), ("-0", 0),
     ("1.2300000000000000000000", 123), ("00012", 1200), ("0e999", 0), ("5E-2", 5)],
)  # fmt: skip
def test_usual_ways_of_writing_numbers_are_read(text: str, value: int) -> None:
    """Signs, exponents, leading and trailing noughts are all right."""
    assert parse_numbers(np.array([text], dtype=object), 2)[0].tolist() == [value]


@pytest.mark.parametrize(
    ("text", "remedy"),
    [("£12", "currency"), ("12.5%", "0.125"), ("1,234,567.5", "1234567.5"), ("12,5", "12.5"),
     ("1.234.567,5", "1234567.5"), ("1,234", "Write 1234 if"), ("1 234", "1234"),
     ("1'234.5", "1234.5"), ("(12)", "minus sign"), ("−5", "ordinary minus"),
     ("n/a", "Leave the cell blank, which means no limit"), ("twelve", "Write digits"),
     ("NaN", "blank"), ("1_000", "1000"), ("٣", "Write digits"), ("1\x002", "Write digits")],
)  # fmt: skip
def test_remedies_say_how_to_write_a_number(text: str, remedy: str) -> None:
    """Each usual way of writing what is no plain number gets its own remedy."""
    assert parse_number(text, 2) == "text"
    assert parse_numbers(np.array([text], dtype=object), 2)[1]["text"] == [0]
    assert remedy in number_remedy(text, "no limit")


# --- faults --------------------------------------------------------------------------------------


def put(table: str, column: str, row: int, value: Any) -> Callable[[Tables], object]:
    """Change one cell, adding the column where it is missing."""

    def change(tables: Tables) -> None:
        rows = len(next(iter(tables[table].values())))
        tables[table].setdefault(column, [""] * rows)[row] = value

    return change


def add(table: str, **cells: Any) -> Callable[[Tables], object]:
    """Add a row, blank where nothing is said."""

    def change(tables: Tables) -> None:
        rows = len(next(iter(tables.setdefault(table, {}).values()), []))
        for column in cells:
            tables[table].setdefault(column, [""] * rows)
        for column, values in tables[table].items():
            values.append(cells.get(column, ""))

    return change


def both(*changes: Callable[[Tables], object]) -> Callable[[Tables], object]:
    return lambda tables: [change(tables) for change in changes]


#: Change, then table, row, column, and words of rule and remedy of the one fault it causes.
CASES: dict[str, tuple[Callable[[Tables], object], str, int | None, str, str, str]] = {
    "missing table": (
        lambda t: t.pop("tariffs"), "tariffs", None, "", "missing", "Price bands"),
    "table without rows": (
        both(lambda t: t.update(demand={"organisation": [], "service": [], "volume": []}),
             lambda t: t.pop("options")),
        "demand", None, "", "no rows", "Add the rows"),
    "unknown table": (
        lambda t: t.update(linkz={"a": ["1"]}), "linkz", None, "", "no table called",
        "Did you mean 'links'?"),
    "missing column": (
        lambda t: t["providers"].pop("mode"), "providers", 1, "mode", "missing", "Add it"),
    "unknown column": (
        lambda t: t["offers"].update(capcity=["", "", "1"]), "offers", 1, "capcity",
        "no such column", "Did you mean 'capacity'?"),
    "doubled heading": (
        lambda t: t["offers"].update({"Capacity (units)": ["", "", "1"]}), "offers", 1,
        "Capacity (units)", "two columns", "rename"),
    "columns of unequal length": (
        lambda t: t["contracts"]["contract_cost"].append("3"), "contracts", None, "",
        "from 1 to 2 cells", "same number"),
    "blank required cell": (
        put("demand", "volume", 1, ""), "demand", 3, "volume", "must not be blank", "Volume"),
    "blank key": (
        put("policies", "policy", 0, " "), "policies", 2, "policy", "must not be blank", "Key"),
    "no number": (
        put("demand", "exit_cost", 1, "£5"), "demand", 3, "exit_cost", "not a number", "currency"),
    "too many decimals of money": (
        put("demand", "exit_cost", 0, "1.005"), "demand", 2, "exit_cost", "more than 2 decimals",
        "raise money_decimals"),
    "fraction of a count": (
        put("providers", "max_members", 0, "2.5"), "providers", 2, "max_members", "whole",
        "whole number"),
    "too large": (
        put("demand", "exit_cost", 0, "1e17"), "demand", 2, "exit_cost", "too large",
        "larger unit"),
    "negative": (
        put("demand", "exit_cost", 0, "-1"), "demand", 2, "exit_cost", "negative", "0 or more"),
    "volume 0": (
        put("demand", "volume", 0, "0"), "demand", 2, "volume", "above 0", "above 0"),
    "unknown reference": (
        put("demand", "organisation", 3, "cedar"), "demand", 5, "organisation",
        "no such row in organisations", "Did you mean 'Cedar'?"),
    "unknown reference that may be in-house": (
        put("demand", "incumbent", 0, "inhouse"), "demand", 2, "incumbent", "no such row",
        "Did you mean 'in-house'?"),
    "unknown service in a policy": (
        put("policies", "service", 0, "HR;Payrol"), "policies", 2, "service", "no such row",
        "'Payrol' is unknown. Did you mean 'Payroll'?"),
    "reference to an absent table": (
        lambda t: t.pop("authorities"), "organisations", 2, "authority",
        "no table authorities", "Add the table"),
    "in-house where it may not stand": (
        put("offers", "provider", 1, "in-house"), "offers", 3, "provider", "no such row", "Add"),
    "bad choice": (
        put("providers", "mode", 1, "cooperative"), "providers", 3, "mode", "none of the words",
        "Did you mean 'co-operative'?"),
    "doubled key": (
        add("services", service=" HR "), "services", 4, "service", "another row",
        "Row 2 has it already"),
    "doubled key of two columns": (
        add("contracts", organisation="Ash", provider="Hub"), "contracts", 3, "organisation",
        "organisation, provider", "Row 2 has it already (Ash, Hub)"),
    "doubled link, the other way round": (
        add("links", service_a="Payroll", service_b="HR", rule="apart", organisation="Ash"),
        "links", 4, "service_a", "another row", "Row 3"),
    "link of a service with itself": (
        add("links", service_a="HR", service_b="HR", rule="apart"), "links", 4, "service_b",
        "two different services", "another service"),
    "cost of another rule": (
        put("links", "cost", 1, "5"), "links", 3, "cost", "split-cost", "Clear the cost"),
    "half a place": (
        put("organisations", "y_km", 1, ""), "organisations", 3, "y_km", "x_km is given without",
        "Fill y_km"),
    "two kinds of place in a row": (
        both(put("organisations", "latitude", 1, "50"), put("organisations", "longitude", 1, "1")),
        "organisations", 3, "x_km", "in degrees and in km", "Clear"),
    "two kinds of place in an instance": (
        both(put("providers", "latitude", 1, "50"), put("providers", "longitude", 1, "1")),
        "organisations", 2, "x_km", "others in degrees", "providers, row 3 gives degrees"),
    "latitude beyond the pole": (
        put("organisations", "latitude", 0, "90.5"), "organisations", 2, "latitude", "above 90",
        "at most 90"),
    "members": (
        put("providers", "min_members", 0, "4"), "providers", 2, "min_members",
        "min_members is above max_members", "raise max_members, which is 3"),
    "least volume above capacity": (
        put("offers", "min_volume", 0, "1001"), "offers", 2, "min_volume", "above capacity",
        "1000"),
    "band": (
        put("tariffs", "from_volume", 1, "900.001"), "tariffs", 3, "from_volume",
        "above to_volume", "900"),
    "limits of a policy": (
        put("policies", "maximum", 0, "0.2"), "policies", 2, "minimum", "above maximum", "0.2"),
    "offer without tariff": (
        add("offers", provider="Coop", service="Payroll"), "offers", 5, "provider",
        "no tariff", "Add a band for Coop, Payroll"),
    "tariff without offer": (
        add("tariffs", provider="Coop", service="Payroll", band="1"), "tariffs", 6, "provider",
        "no offer", "Add Coop, Payroll to offers"),
    "option without offer": (
        add("options", organisation="Ash", service="Payroll", provider="Coop"), "options", 6,
        "provider", "no offer", "Add Coop, Payroll to offers"),
    "option without demand": (
        add("options", organisation="Birch", service="Payroll", provider="Hub"), "options", 6,
        "service", "does not need", "Add Birch, Payroll to demand"),
    "incumbent without offer": (
        put("demand", "incumbent", 1, "Coop"), "demand", 3, "incumbent", "no offer",
        "Add Coop, Payroll"),
    "in-house incumbent without cost": (
        put("demand", "incumbent", 2, "in-house"), "demand", 4, "incumbent", "impossible",
        "Fill in_house_cost"),
    "two required": (
        both(put("options", "decision", 0, "required"),
             add("options", organisation="Ash", service="HR", provider="Coop",
                 decision="required")),
        "options", 6, "decision", "two deliverers", "Row 2 requires Hub"),
    "required and in-house required": (
        both(put("options", "decision", 0, "required"),
             add("options", organisation="Ash", service="HR", provider="in-house",
                 decision="required")),
        "options", 6, "decision", "two deliverers", "Row 2 requires Hub"),
    "required of a barred provider": (
        both(put("options", "decision", 0, "required"),
             put("providers", "decision", 0, "barred")),
        "options", 2, "decision", "provider is barred", "Hub"),
    "required in-house without cost": (
        add("options", organisation="Birch", service="HR", provider="in-house",
            decision="required"),
        "options", 6, "decision", "impossible", "Fill in_house_cost"),
    "in-house row with a cost": (
        put("options", "access_cost", 2, "0"), "options", 4, "access_cost",
        "no column but decision", "Clear it"),
    "officers without hours": (
        put("authorities", "officer_cost", 1, "5"), "authorities", 3, "officer_cost",
        "without officer_hours", "Fill officer_hours"),
    "managers without span": (
        put("authorities", "span_of_control", 0, ""), "authorities", 2, "manager_cost",
        "without span_of_control", "Fill span_of_control"),
    "span of nobody": (
        put("authorities", "span_of_control", 0, "0"), "authorities", 2, "span_of_control",
        "above 0", "above 0"),
    "reserved word": (
        add("providers", provider="in-house", mode="co-operative"), "providers", 4, "provider",
        "reserved word", "another key"),
    "line break in a key": (
        add("services", service="I\nT"), "services", 4, "service", "invisible", "Type it anew"),
    "hard space in a key": (
        add("services", service="I\u00a0T"), "services", 4, "service", "invisible", "anew"),
    "semicolon in a service": (
        add("services", service="I;T"), "services", 4, "service", "semicolon", "another key"),
    "control character in a text": (
        put("organisations", "name", 1, "a\x07b"), "organisations", 3, "name",
        "control character", "anew"),
    "services of oversight_hours": (
        add("policies", policy="p", measure="oversight_hours", service="HR"), "policies", 4,
        "service", "takes no services", "Clear"),
    "open providers in-house": (
        add("policies", policy="p", measure="open_providers", mode="in-house"), "policies", 4,
        "mode", "no mode in-house", "another mode"),
    "each provider in-house": (
        add("policies", policy="p", measure="pairs", mode="in-house", scope="each-provider"),
        "policies", 4, "mode", "each-provider knows no mode", "another mode"),
    "each provider open": (
        add("policies", policy="p", measure="open_providers", scope="each-provider"), "policies",
        4, "measure", "no measure open_providers", "another measure"),
    "share of contracts": (
        add("policies", policy="p", measure="contracts", unit="share"), "policies", 4, "unit",
        "absolute only", "absolute"),
    "share above 1": (
        add("policies", policy="p", measure="pairs", maximum="40"), "policies", 4, "maximum",
        "from 0 to 1", "0.125"),
    "blank staff that counts": (
        put("organisations", "staff", 2, ""), "organisations", 4, "staff", "policy cover counts",
        "0 included"),
    "blank baseline that counts": (
        both(put("demand", "baseline_cost", 2, ""),
             add("policies", policy="p", measure="baseline_cost", service="HR")),
        "demand", 4, "baseline_cost", "policy p", "0 included"),
    "negative road": (
        add("network", **{"from": "Ash", "to": "Hub", "km": "-1"}), "network", 2, "km",
        "negative", "0 or more"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_each_fault_names_place_rule_and_remedy(case: str) -> None:
    """Each fault is found, alone, and says where it is, what is wrong and what to do."""
    change, table, row, column, rule, remedy = CASES[case]
    tables = small_tables()
    change(tables)
    found = faults_of(tables)
    fault = found[0]
    assert (fault.source, fault.row, fault.column) == (table, row, column)
    assert rule in fault.rule
    assert remedy in fault.remedy
    # A missing table or column lets its dependants' faults follow, but no other change does.
    allowed = {"reference to an absent table": 2, "latitude beyond the pole": 3}
    assert len(found) <= allowed.get(case, 1), "\n".join(map(str, found))


#: Settings, then the setting at fault and words of rule and remedy.
SETTINGS: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "unknown": ({"titel": "x"}, "titel", "no such setting", "Did you mean 'title'?"),
    "unknown in a section": (
        {"horizon": {"year": 3}}, "horizon.year", "no such setting", "'horizon.years'"),
    "wrong section": ({"years": 3}, "years", "no such setting", "'horizon.years'"),
    "section as a setting": ({"horizon": 3}, "horizon", "is a section", "horizon.years"),
    "no text": ({"title": 3}, "title", "must be a text", "quotation marks"),
    "no number": ({"price_year": True}, "price_year", "must be a number", "Write a number"),
    "no date": ({"price_year": [2010]}, "price_year", "must be a number", "Write a number"),
    "no flag": ({"options": {"generate": "perhaps"}}, "options.generate", "neither", "true"),
    "sourcing": ({"sourcing": "singel"}, "sourcing", "none of the words", "'single'"),
    "decimals": ({"money_decimals": 7}, "money_decimals", "above 6", "at most 6"),
    "negative decimals": ({"volume_decimals": -1}, "volume_decimals", "negative", "0 or more"),
    "no years": ({"horizon": {"years": 0}}, "horizon.years", "below 1", "at least 1"),
    "half a year": ({"horizon": {"years": 2.5}}, "horizon.years", "whole", "whole"),
    "rate in per cent": (
        {"horizon": {"discount_rate": 3.5}}, "horizon.discount_rate", "above 1", "0.035"),
    "rate with a sign": (
        {"horizon": {"discount_rate": "3.5%"}}, "horizon.discount_rate", "not a number", "0.125"),
    "negative rate": (
        {"horizon": {"discount_rate": -0.01}}, "horizon.discount_rate", "negative", "0 or more"),
    "detour": ({"distance": {"detour": 0}}, "distance.detour", "above 0", "above 0"),
    "infinite": ({"distance": {"detour": float("inf")}}, "distance.detour", "not a number", ""),
    "metric": ({"distance": {"metric": "road"}}, "distance.metric", "none of the words", "network"),
    "metric without roads": (
        {"distance": {"metric": "network"}}, "distance.metric", "no roads", "Add the table"),
    "metric of other places": (
        {"distance": {"metric": "great-circle"}}, "distance.metric", "not of the kind",
        "straight-line"),
    "weight": ({"objective": {"access": -1}}, "objective.access", "negative", "0 or more"),
    "officers without hours": (
        {"oversight": {"officer_cost": 0}}, "oversight.officer_cost", "without officer_hours",
        "Give officer_hours"),
    "oversight": (
        {"oversight": {"hour_cost": "1.1234567"}}, "oversight.hour_cost", "more than 6 decimals",
        "Round"),
}  # fmt: skip


@pytest.mark.parametrize("case", SETTINGS)
def test_each_fault_in_the_settings_names_rule_and_remedy(case: str) -> None:
    """Each fault in the settings is found, alone, and says what is wrong and what to do."""
    settings, name, rule, remedy = SETTINGS[case]
    (fault,) = faults_of(small_tables(), settings)
    assert (fault.source, fault.column) == ("settings", name)
    assert rule in fault.rule
    assert remedy in fault.remedy


def test_all_faults_are_raised_at_once() -> None:
    """Faults in cells, across tables and in the settings come in one exception, each once."""
    wanted = ["unknown table", "unknown column", "no number", "bad choice", "doubled key",
              "band", "offer without tariff", "share of contracts"]  # fmt: skip
    tables = small_tables()
    for case in wanted:
        CASES[case][0](tables)
    found = faults_of(tables, {"titel": "x"})
    assert sorted(fault.rule for fault in found) == sorted({fault.rule for fault in found})
    assert len(found) == len(wanted) + 1
    for case in wanted:
        assert any(CASES[case][4] in fault.rule for fault in found)


def test_a_million_like_faults_stay_readable() -> None:
    """Of one fault in one column, twenty are shown and the others counted."""
    tables = small_tables()
    rows = 50_000
    tables["tariffs"] = {"provider": ["Hub"] * rows, "service": ["HR"] * rows,
                         "band": [str(at) for at in range(rows)],
                         "unit_cost": ["1,5"] * rows}  # fmt: skip
    found = [fault for fault in faults_of(tables) if fault.column == "unit_cost"]
    assert len(found) == 21
    assert "49,980 more" in found[-1].rule


def test_a_faulty_cell_causes_no_further_fault() -> None:
    """What cannot be parsed is not reported as blank, missing or out of order as well."""
    tables = small_tables()
    tables["demand"]["in_house_cost"][0] = "dear"  # its incumbent is in-house
    tables["offers"]["service"][0] = "Hr"  # an offer with bands, options and an incumbent
    tables["organisations"]["x_km"][1] = "east"
    found = faults_of(tables)
    assert [(fault.source, fault.column) for fault in found] == [
        ("organisations", "x_km"), ("demand", "in_house_cost"), ("offers", "service"),
    ]  # fmt: skip


def test_providers_without_rows_are_still_looked_up() -> None:
    """A reference into a table that is there without rows is a fault, not a blank."""
    tables = small_tables()
    for name in ("providers", "offers", "tariffs"):
        tables[name] = {column: [] for column in tables[name]}
    found = faults_of(tables)
    assert {fault.source for fault in found} == {"demand", "options", "contracts"}


def test_all_in_house_needs_no_rows_of_providers() -> None:
    """An instance without any provider is one that leaves only in-house."""
    tables = small_tables()
    for name in ("providers", "offers", "tariffs"):
        tables[name] = {column: [] for column in tables[name]}
    for name in ("options", "contracts"):
        del tables[name]
    tables["demand"]["incumbent"] = [""] * 4
    assert len(instance_from(tables)["providers"]) == 0


def test_a_limit_of_nought_contradicts_no_least_amount() -> None:
    """A capacity or members of 0 close an offer or a provider whatever its minimum says."""
    tables = small_tables()
    tables["offers"]["capacity"][0] = "0"
    tables["providers"]["max_members"][0] = "0"
    assert instance_from(tables)["offers"]["capacity"][0] == 0


def test_faults_are_told_as_one_reads_them() -> None:
    """A fault reads as place, rule, value and remedy, in one line."""
    tables = small_tables()
    tables["demand"]["volume"][2] = "1,200.5"
    assert str(faults_of(tables)[0]) == (
        "demand, row 4, column volume: this is not a number (found '1,200.5'). "
        "Leave out the thousands separators: 1200.5."
    )


def test_raw_tables_keep_their_row_numbers() -> None:
    """Rows are named as the file has them, blank ones counted."""
    tables = {
        name: raw_table(name, f"{name}.csv", list(columns), [
            np.array([cells[0], "", *cells[1:]], dtype=object) for cells in columns.values()
        ])
        for name, columns in small_tables().items()
    }  # fmt: skip
    tables["demand"].columns["volume"][2] = "x"  # type: ignore[index]
    with pytest.raises(InstanceError) as caught:
        build(tables, {})
    assert [(f.source, f.row) for f in caught.value.faults] == [("demand.csv", 4)]


def test_every_heading_without_a_name_is_looked_at() -> None:
    """Content below blank headings is a fault for each such column, not only for the first."""
    cells = [np.array([text], dtype=object) for text in ("Hub", "co-operative", "", "lost", "too")]
    table = raw_table("providers", "providers.csv", ["provider", "mode", "", "", " "], cells)
    with pytest.raises(InstanceError) as caught:
        build({"providers": table}, {})
    rules = [fault.rule for fault in caught.value.faults]
    assert rules.count("a column without heading is filled") == 2

"""Files of scenarios: what they mean, and what is said of those that mean nothing."""

from __future__ import annotations

import textwrap
from fractions import Fraction

import pytest

from optimiser.errors import FileError, InstanceError
from optimiser.studies import scenarios as module
from optimiser.studies.changes import Change
from optimiser.studies.scenarios import (
    AS_IS,
    Scenario,
    check_scenarios,
    probabilities,
    read_scenarios,
)


def reading(tmp_path, text):
    """Read a text as a file of scenarios."""
    path = tmp_path / "scenarios.toml"
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return read_scenarios(path)


def faults(tmp_path, text):
    """Rules of what is wrong with a text."""
    with pytest.raises(InstanceError) as caught:
        reading(tmp_path, text)
    assert all(fault.source == "scenarios.toml" and fault.remedy for fault in caught.value.faults)
    return [fault.rule for fault in caught.value.faults]


def test_example_of_the_documentation_is_read(tmp_path):
    """The example in the module's own words has one scenario and six combinations."""
    example = module.__doc__.split("::\n", 1)[1].replace("probability = 0.25\n", "", 1)
    example = example.replace("probability = 0.4\n", "").replace(
        "probability = [0.25, 0.5, 0.25]", ""
    )
    found = reading(tmp_path, example)
    assert [scenario.name for scenario in found] == [
        "dear-oversight", "shrinks+hour-x0.5", "shrinks+hour-x1", "shrinks+hour-x2",
    ]  # fmt: skip
    assert found[0].changes == (
        Change(table="tariffs", where={"provider.mode": ("co-operative",)},
               multiply={"unit_cost": "1.1"}),
        Change(table="providers", where={"mode": ("co-operative",)},
               multiply={"contract_hours": "2"}),
    )  # fmt: skip
    assert found[1].changes[1] == Change(multiply={"oversight.hour_cost": "0.5"})
    assert probabilities(found) == (Fraction(1, 4),) * 4


def test_names_without_quotes_nest(tmp_path):
    """Oversight.hour_cost and provider.mode may be written without quotation marks."""
    (found,) = reading(tmp_path, """
        [[scenario]]
        name = "a"
          [[scenario.change]]
          table = "tariffs"
          where = { provider.mode = ["co-operative", "shared-centre"] }
          multiply = { unit_cost = 2 }
          [[scenario.change]]
          set = { oversight.hour_cost = 40.5, sourcing = "split", options.generate = true }
        """)  # fmt: skip
    assert found.changes[0].where == {"provider.mode": ("co-operative", "shared-centre")}
    assert found.changes[1].set == {
        "oversight.hour_cost": "40.5", "sourcing": "split", "options.generate": "yes",
    }  # fmt: skip


def test_probabilities_of_factors_multiply(tmp_path):
    """Shares of levels multiply; a factor that gives none has equal ones; all add up to 1."""
    found = reading(tmp_path, """
        [[factor]]
        name = "demand"
        table = "demand"
        multiply = { volume = [0.9, 1, 1.1] }
        probability = [0.2, "1/2", 0.3]
        [[factor]]
        name = "hour"
        set = { oversight.hour_cost = [30, 40] }
        """)  # fmt: skip
    assert [s.probability for s in found] == [Fraction(n, 20) for n in (2, 2, 5, 5, 3, 3)]
    assert found[0].name == "demand-x0.9+hour-30"
    assert found[-1].title == "volume multiply 1.1, oversight.hour_cost set 40"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "there is no scenario"),
        ("scenario = 3", "is a list of tables"),
        ("change = 3", "named changes are tables"),
        ('[[scenario]]\nname = "a b"', "a name has letters"),
        ('[[scenario]]\nname = "a"\nuse = 3', "use names changes"),
        ('[[scenario]]\nname = "a"\nuse = [[1]]', "no change of this name"),
        ('[[scenario]]\nname = "a"\nprobability = 1.5', "a number from 0 to 1"),
        ('[[scenario]]\nname = "a"\nprobability = true', "a number from 0 to 1"),
        ('[[scenario]]\nname = "a"\nprobability = nan', "a number from 0 to 1"),
        ('[[scenario]]\nname = "a"\nprobability = 1e-999999999', "a number from 0 to 1"),
        ('[[scenario]]\nname = "a"\n[[scenario.change]]\ntable = "demand"', "changes nothing"),
        ('[[scenario]]\nname = "a"\n[[scenario.change]]\nset = 3', "columns and values"),
        ('[[scenario]]\nname = "a"\n[[scenario.change]]\nset = {title = "t"}\nwhere = 3',
         "conditions are a table"),
        ('[[scenario]]\nname = "a"\n[[scenario.change]]\nset = {title = 2026-01-01}',
         "a text or a number"),
        ('[[factor]]\nname = "f"', "has no levels"),
        ('[[factor]]\nname = "f"\nmultiply = { "horizon.years" = 2 }', "a list of numbers"),
        ('[[factor]]\nname = "f"\nmultiply = { "horizon.years" = [1, 2] }\nprobability = [1]',
         "as many probabilities"),
        ('[[factor]]\nname = "f"\nmultiply = { "horizon.years" = [1, 2] }\nprobability = [1, 1]',
         "do not add up to 1"),
        ('[[scenario]]\nname = "as-is"\n[[scenario.change]]\nset = {title = "t"}',
         "the instance as it stands"),
        ('[[scenario]]\nname = "a"\nprobability = 1\n[[scenario]]\nname = "b"', "others have none"),
        ('[[scenario]]\nname = "a"\n[[scenario]]\nname = "A"', "have this name"),
    ],
)  # fmt: skip
def test_what_means_nothing_is_a_fault(tmp_path, text, rule):
    """Whatever cannot be meant is told by a rule and a remedy, never by a traceback."""
    assert any(rule in found for found in faults(tmp_path, text)), rule


def test_combinations_are_bounded(tmp_path):
    """Factors that make more scenarios than anybody can solve are refused at once."""
    text = "".join(
        f'[[factor]]\nname = "f{n}"\nset = {{ "horizon.years" = {list(range(1, 101))} }}\n'
        for n in range(4)
    )
    assert any("100,000,000 scenarios" in rule for rule in faults(tmp_path, text))


def test_huge_numbers_take_no_time(tmp_path):
    """A number of a thousand million digits is not written out."""
    (found,) = reading(
        tmp_path,
        '[[scenario]]\nname = "a"\n[[scenario.change]]\ntable = "demand"\n'
        "multiply = { volume = 1e999999999 }",
    )
    assert found.changes[0].multiply == {"volume": "1E+999999999"}


def test_scenarios_made_by_a_program_are_checked():
    """Names and probabilities are held to the same rules as those of a file."""
    with pytest.raises(InstanceError):
        check_scenarios([Scenario(name="a", probability=Fraction(1, 2))])
    check_scenarios([Scenario(name=AS_IS), Scenario(name="a")])


def test_folder_is_no_file(tmp_path):
    """A folder in place of the file is an error in words."""
    with pytest.raises(FileError, match="cannot be read"):
        read_scenarios(tmp_path)

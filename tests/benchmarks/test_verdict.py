"""What a result is worth: solved or not, what failed, and against what is published."""

from __future__ import annotations

import functools

import pytest
from cases import AT_HOME, TOY, published, task
from toy_result import BEST, result, without_plan

from benchmarks.verdict import classify
from optimiser.model.build import instance_from
from optimiser.solvers.result import SolverFault
from optimiser.studies.generate import generate


def classified(case=TOY, elapsed=1.0, given=None, **changes):
    """Classify a result of the toy; its limit is 30 s."""
    return classify(task("by hand", case), given or result(**changes), elapsed)


@pytest.mark.parametrize(
    ("value", "status", "wrong"),
    [
        ("220600.00", "optimal", None),
        ("220600.01", "optimal", None),  # a rounded value may be off by its last digit
        ("220600.02", "optimal", "below the published optimum of 220600.02"),
        ("220601", "optimal", None),
        ("220602", "optimal", "below the published optimum"),
        ("220602", "best known", None),  # a new best plan is no wrong answer
        ("2.206E+5", "optimal", None),
        ("220599.99", "optimal", None),
        ("220599.98", "best known", "claims that no plan costs less than 220600"),
    ],
)
def test_published_values_are_compared_to_their_last_digit(value, status, wrong):
    """A plan below an optimum, or a bound above any published plan, is wrong; rounding is not."""
    told = classified(published(value, status), bound_units=BEST)
    assert told["solved"] == (wrong is None)
    assert len(told["wrong"]) == (wrong is not None)
    assert wrong is None or wrong in told["wrong"][0]
    assert (told["best_known"], told["best_known_status"]) == (value, status)


@functools.cache
def hopeless():
    """The instance of `smoke` that has no plan."""
    return generate("everything", seed=0, organisations=8, services=2, centres=3, co_operatives=4)


def test_infeasible_is_wrong_where_a_plan_is_published():
    """Claimed infeasibility is solved where nothing is known, else a wrong answer."""
    claim = without_plan("infeasible", instance=hopeless())
    assert (classified(given=claim)["solved"], classified(given=claim)["wrong"]) == (True, [])
    told = classified(published("220600"), given=claim)
    assert not told["solved"]
    assert "one at 220600 is published" in told["wrong"][0]


@pytest.mark.parametrize(
    ("incumbent", "cost", "said"),
    [("", "5", ["all in-house"]), ("in-house", "5", ["all in-house", "today's plan"]),
     ("", "", []), ("p", "", ["today's plan"])],
)  # fmt: skip
def test_infeasible_is_wrong_where_a_simple_plan_works(incumbent, cost, said):
    """A claim that nothing works is held against everything in-house, and against today."""
    offer = {"provider": ["p"], "service": ["s"]}
    instance = instance_from({
        "organisations": {"organisation": ["a"]}, "services": {"service": ["s"], "unit": ["u"]},
        "demand": {"organisation": ["a"], "service": ["s"], "volume": ["1"],
                   "in_house_cost": [cost], "incumbent": [incumbent]},
        "providers": {"provider": ["p"], "mode": ["shared-centre"]}, "offers": offer,
        "tariffs": offer | {"band": ["1"], "unit_cost": ["1"]},
    })  # fmt: skip
    told = classified(given=without_plan("infeasible", instance=instance))
    assert told["solved"] == (not said)
    assert len(told["wrong"]) == len(said)
    assert all(words in sentence for words, sentence in zip(said, told["wrong"], strict=True))


@pytest.mark.parametrize(("bound", "wrong"), [(AT_HOME, False), (AT_HOME + 1, True)])
def test_bound_without_a_plan_is_held_against_simple_plans(bound, wrong):
    """A bound above what everything in-house costs is wrong, though the solver has no plan."""
    told = classified(given=without_plan("unknown", bound_units=bound))
    assert bool(told["wrong"]) is wrong


@pytest.mark.parametrize(
    ("status", "solved"),
    [("optimal", True), ("feasible", False), ("unknown", False), ("error", False)],
)
def test_only_what_is_within_the_gap_is_solved(status, solved):
    """The status, which compares in whole numbers, decides."""
    given = result(status=status) if status in ("optimal", "feasible") else without_plan(status)
    assert classified(given=given)["solved"] == solved


def test_faults_are_failures_or_wrong_answers():
    """A crash is a failure, a lie a wrong answer; both may come of one run."""
    faults = (SolverFault(kind="bound", text="a lie"), SolverFault(kind="crashed", text="a crash"))
    told = classified(faults=faults)
    assert (told["failure"], told["failure_text"], told["wrong"]) == (
        "crashed", "a crash", ["a lie"],
    )  # fmt: skip
    assert not told["solved"]


def test_late_is_not_solved():
    """Two seconds past the limit a run has overrun it; a little late is only late."""
    assert classified(elapsed=31.5)["solved"]
    told = classified(elapsed=32.0)
    assert (told["failure"], told["solved"]) == ("overran", False)
    assert "32.0 s of 30 s" in told["failure_text"]

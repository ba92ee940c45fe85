"""What is done to a matrix before a solver sees it: refused, reduced, scaled; nothing is lost."""

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from optimiser.errors import UnsupportedError
from optimiser.solvers.milp import adapter
from optimiser.solvers.milp.cp_sat import _refuse
from optimiser.solvers.milp.matrix import Matrix

INF = math.inf


def matrix(**changes: Any) -> Matrix:
    """Two pairs of two options each, and a capacity."""
    a = np.array([[1, 1, 0, 0], [0, 0, 1, 1], [3 * 2.0**30, 0, 5 * 2.0**30, 0]])
    given: dict[str, Any] = {
        "cost": np.array([10.0**12 + 7, 10.0**12 + 3, 500, 100]),
        "offset": 11.0,
        "a": csr_array(a),
        "row_lower": np.array([1.0, 1.0, -INF]),
        "row_upper": np.array([1.0, 1.0, 6 * 2.0**30 + 1]),
        "lower": np.zeros(4),
        "upper": np.ones(4),
        "integer": np.ones(4, dtype=bool),
        "integral": True,
        "slack": 0.0,
        "column_names": lambda: ["x1", "x2", "x3", "x4"],
        "row_names": lambda: ["first", "second", "room"],
    }
    return Matrix(**given | changes)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"cost": np.array([1, np.nan, 1, 1])}, "the cost of x2 is nan"),
        ({"cost": np.array([1, 1, np.inf, 1])}, "the cost of x3 is inf"),
        ({"cost": np.array([1, 1, 1, 1e16])}, "the cost of x4 is 1e\\+16"),
        ({"upper": np.array([1, 1, np.nan, 1])}, "the upper bound of x3"),
        ({"row_lower": np.array([1, -1e16, 0])}, "the lower limit of second"),
        ({"row_upper": np.array([1, np.nan, 0])}, "the upper limit of second"),
        ({"offset": math.nan}, "the constant of the objective"),
        (
            {"a": csr_array(np.array([[1, 1, 0, 0], [0, 0, 1, 1e16], [0, 0, 0, 1]]))},
            "the coefficient of x4 in row second is 1e\\+16",
        ),
        (
            {"a": csr_array(np.array([[1, 1, 0, 0], [0, np.nan, 1, 1], [0, 0, 0, 1]]))},
            "the coefficient of x2 in row second is nan",
        ),
    ],
)
def test_numbers_that_solvers_swallow_are_refused_by_name(changes, place):
    """What HiGHS takes as optimal or drops without a word never gets there."""
    with pytest.raises(UnsupportedError, match=place):
        adapter.inspect(matrix(**changes))


def test_infinite_bounds_are_fine():
    """A bound may be infinite, as a cost may not."""
    adapter.inspect(matrix(upper=np.full(4, INF)))


def test_reduced_costs_change_no_objective():
    """Every x that keeps the pairs' rows costs the same before and after, to the unit."""
    before, after = matrix(), adapter.reduced(matrix())
    assert after.cost.tolist() == [4, 0, 400, 0]
    for x in ([1, 0, 1, 0], [0, 1, 1, 0], [1, 0, 0, 1], [0, 1, 0, 1]):
        assert before.cost @ x + before.offset == after.cost @ x + after.offset


def test_costs_of_rows_that_share_columns_are_left_alone():
    """Only disjoint rows of ones are reduced, and only whole costs."""
    shared = csr_array(np.array([[1.0, 1, 0, 0], [0, 1, 1, 1], [0, 0, 1, 0]]))
    after = adapter.reduced(matrix(a=shared))
    x = np.array([0, 1, 0, 0])
    assert after.cost @ x + after.offset == matrix().cost @ x + 11
    odd = np.array([0.5, 1.5, 7, 9])
    assert adapter.reduced(matrix(cost=odd)).cost.tolist() == [0.5, 1.5, 0, 2]


@pytest.mark.parametrize("base", [2, 10])
def test_scaled_rows_say_the_same(base):
    """Large rows are divided, small ones left; with base 2 to the last bit."""
    before, after = matrix(), adapter.scaled(matrix(), base)
    most = np.abs(after.a.data).max()
    assert 100 < most < 10_000
    divisor = before.a.toarray()[2, 0] / after.a.toarray()[2, 0]
    assert math.log(divisor, base) == pytest.approx(round(math.log(divisor, base)))
    assert after.a.toarray()[0].tolist() == [1, 1, 0, 0]
    assert after.row_upper[2] * divisor == pytest.approx(before.row_upper[2], rel=1e-15)
    if base == 2:
        assert (after.a.toarray()[2] * divisor).tolist() == before.a.toarray()[2].tolist()
        assert after.row_upper[2] * divisor == before.row_upper[2]


def test_row_that_cannot_hold_is_named():
    """Crossing limits and empty rows are seen before a solver chokes on them."""
    crossed = matrix(row_lower=np.array([1.0, 2.0, 0]))
    assert "second" in adapter._never(crossed)  # noqa: SLF001
    empty = csr_array(np.array([[1.0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0]]))
    assert "second" in adapter._never(matrix(a=empty))  # noqa: SLF001
    assert adapter._never(matrix()) == ""  # noqa: SLF001


def test_cp_sat_refuses_rows_beyond_its_reach():
    """From 2³¹ on the row is named and a way out given."""
    with pytest.raises(UnsupportedError, match=r"row room.*fewer volume_decimals"):
        _refuse(matrix())
    small = csr_array(np.array([[1.0, 1, 0, 0], [0, 0, 1, 1], [2.0**30, 0, 2.0**30 - 1, 0]]))
    _refuse(matrix(a=small))


def test_reports_from_many_threads_keep_the_best_bound():
    """Bounds only rise, in money of the problem, less what rounding may take away."""

    class Formulation:
        matrix = matrix(slack=5.0)

    events: list[Any] = []
    report: Any = adapter.Report(Formulation(), events.append)  # type: ignore[arg-type]
    report.factor = 0.5
    threads = [threading.Thread(target=report, kwargs={"bound": b}) for b in (10.0, 30.0, 20.0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert report.bound == 30 / 0.5 - 5
    report(bound=math.inf)
    assert report.bound == 55

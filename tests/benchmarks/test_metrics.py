"""The formulas, against examples worked by hand; the arithmetic stands in each test."""

from __future__ import annotations

import math

import pytest

from benchmarks import metrics


def test_counted_time() -> None:
    """A solved run counts its own time, at most the limit; an unsolved one the limit."""
    assert metrics.counted_time(12.5, 60, solved=True) == 12.5
    assert metrics.counted_time(60.7, 60, solved=True) == 60
    assert metrics.counted_time(12.5, 60, solved=False) == 60
    assert metrics.counted_time(90.0, 60, solved=False) == 60


def test_shift_follows_the_longest_limit() -> None:
    """The shift is 1 s where every limit is under a minute and 10 s otherwise."""
    assert metrics.shift_for([10, 59.9]) == 1
    assert metrics.shift_for([10, 60]) == 10
    assert metrics.shift_for([600]) == 10
    assert metrics.shift_for([]) == 1


def test_shifted_geometric_mean() -> None:
    """(0 + 1)(3 + 1)(15 + 1) = 64, whose cube root is 4, less 1 is 3."""
    assert metrics.shifted_geometric_mean([0, 3, 15], 1) == pytest.approx(3)


def test_shifted_geometric_mean_with_ten() -> None:
    """(0 + 10)(30 + 10) = 400, whose square root is 20, less 10 is 10."""
    assert metrics.shifted_geometric_mean([0, 30], 10) == pytest.approx(10)


def test_shifted_geometric_mean_of_few() -> None:
    """One time is its own mean, all zeros give 0, and of none there is none."""
    assert metrics.shifted_geometric_mean([7.25], 10) == pytest.approx(7.25)
    assert metrics.shifted_geometric_mean([0, 0], 1) == 0
    assert metrics.shifted_geometric_mean([], 1) is None


def test_par10() -> None:
    """(5 + 10 × 60 + 25) / 3 = 630 / 3 = 210, a time over the limit being the limit."""
    assert metrics.penalised_mean([5, None, 25], [60, 60, 60]) == pytest.approx(210)
    assert metrics.penalised_mean([61], [60]) == 60
    assert metrics.penalised_mean([None, None], [10, 60]) == pytest.approx((100 + 600) / 2)
    assert metrics.penalised_mean([], []) is None


def test_means_and_ratios_of_nothing() -> None:
    """A mean of nothing and a ratio to nothing or to 0 are missing, not a number."""
    assert metrics.mean([]) is None
    assert metrics.mean([1, 2, 6]) == 3
    assert metrics.ratio(6, 4) == 1.5
    assert metrics.ratio(6, 0) is None
    assert metrics.ratio(None, 4) is None
    assert metrics.ratio(6, None) is None


@pytest.mark.parametrize(
    ("objective", "bound", "gap"),
    [
        (200, 150, 0.25),  # 50 / 200
        (100, 100, 0.0),
        (0, 0, 0.0),
        (0, -5, 1.0),  # 5 / 0 is without end, and counts as 1
        (-100, -150, 0.5),  # (−100 + 150) / 100
        (-100, -250, 1.0),  # 1.5, which counts as 1
        (100, -300, 1.0),  # 4, which counts as 1
        (100, 101, 0.0),  # a bound above by rounding is no negative gap
        (None, 50, 1.0),
        (50, None, 1.0),
        (None, None, 1.0),
    ],
)
def test_gap_at_the_limit(objective: int | None, bound: int | None, gap: float) -> None:
    """(objective − bound) / |objective|, held to 0 … 1, and 1 where either is missing."""
    assert metrics.capped_gap(objective, bound) == pytest.approx(gap)


@pytest.mark.parametrize(
    ("value", "best", "distance"),
    [
        (125, 100, 0.2),  # 25 / 125
        (80, 100, 0.2),  # 20 / 100
        (100, 100, 0.0),
        (0, 0, 0.0),
        (0, 100, 1.0),  # 100 / 100
        (7, 0, 1.0),  # 7 / 7
        (-50, 100, 1.0),  # signs differ
        (-100, -80, 0.2),  # 20 / 100
        (None, 100, 1.0),
    ],
)
def test_distance_of_berthold(value: float | None, best: float, distance: float) -> None:
    """|z* − z| / max(|z*|, |z|), 0 if equal, 1 if the signs differ or there is none."""
    assert metrics.distance(value, best) == pytest.approx(distance)


def test_primal_integral() -> None:
    """z* = 100, plans 200 at 2 s, 125 at 5 s, 100 at 8 s, limit 10 s.

    p = 1 to 2 s, |100 − 200| / 200 = 0.5 to 5 s, 25 / 125 = 0.2 to 8 s, then 0:
    2 × 1 + 3 × 0.5 + 3 × 0.2 + 2 × 0 = 4.1.
    """
    steps = [(2.0, 200.0), (5.0, 125.0), (8.0, 100.0)]
    assert metrics.integral(steps, 100, 10) == pytest.approx(4.1)


def test_dual_integral_of_a_trace_that_starts_late() -> None:
    """z* = 100, no bound to 4 s though the trace begins at 1 s, then 50, 90 at 8 s, limit 10 s.

    4 × 1 + 4 × 50 / 100 + 2 × 10 / 100 = 4 + 2 + 0.2 = 6.2.
    """
    steps = [(1.0, None), (4.0, 50.0), (8.0, 90.0)]
    assert metrics.integral(steps, 100, 10) == pytest.approx(6.2)


def test_integral_stops_at_the_limit() -> None:
    """What comes after the limit counts for nothing: 3 × 1 + 7 × 0.5 = 6.5, and 10 × 1 = 10."""
    assert metrics.integral([(3, 200), (12, 100)], 100, 10) == pytest.approx(6.5)
    assert metrics.integral([(11, 100)], 100, 10) == 10


def test_integral_of_an_empty_trace_is_the_limit() -> None:
    """Who finds nothing has p = 1 all along."""
    assert metrics.integral([], 100, 10) == 10


def test_integral_holds_the_last_value() -> None:
    """Who proves the optimum at 1 s and ends has 1 × 1 + 9 × 0 = 1."""
    assert metrics.integral([(1, 100)], 100, 10) == 1


def test_integral_with_negative_and_zero_best() -> None:
    """z* = −100: −50 is at distance 50 / 100; z* = 0: anything else is at distance 1.

    1 × 1 + 9 × 0.5 = 5.5; 1 × 1 + 4 × 1 + 5 × 0 = 5.
    """
    assert metrics.integral([(1, -50)], -100, 10) == pytest.approx(5.5)
    assert metrics.integral([(1, 7), (5, 0)], 0, 10) == pytest.approx(5)


def test_profile_ratios() -> None:
    """Times 1, 4, – against 2, 2, –: bests 1, 2, –, so ratios 1, 2, ∞ and 2, 1, ∞."""
    ratios = metrics.profile_ratios({"a": [1, 4, None], "b": [2, 2, None]})
    assert ratios == {"a": [1, 2, math.inf], "b": [2, 1, math.inf]}


def test_profile_ratios_where_one_fails() -> None:
    """Who alone solves a case has ratio 1, however long it took."""
    assert metrics.profile_ratios({"a": [50], "b": [None]}) == {"a": [1], "b": [math.inf]}


def test_profile_ratios_lift_tiny_times() -> None:
    """0 s and 0.02 s: the first is lifted to 0.01 s, so the second is 2 times the best."""
    assert metrics.profile_ratios({"a": [0.0], "b": [0.02]}) == {"a": [1], "b": [2]}


def test_cumulative() -> None:
    """Of 3, 1, 3, ∞: one is at most 1, three are at most 3."""
    assert metrics.cumulative([3, 1, 3, math.inf]) == [(1, 1), (3, 3)]
    assert metrics.cumulative([math.inf]) == []

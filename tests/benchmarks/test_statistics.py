"""The paired test and the interval, against examples worked by hand."""

from __future__ import annotations

import math

import pytest

from benchmarks.statistics import compare_times, log_ratios, sign_test, signed_rank


def test_ratio_of_means() -> None:
    """σ = 1: old 3 and 15 have mean √(4 × 16) − 1 = 7; new 0 and 3 have √(1 × 4) − 1 = 1."""
    found = compare_times({"a": [(3, 0)], "b": [(15, 3)]}, 1)
    assert found.old == pytest.approx(7)
    assert found.new == pytest.approx(1)
    assert found.ratio == pytest.approx(1 / 7)
    assert (found.pairs, found.instances) == (2, 2)


def test_interval_where_every_resample_is_the_same() -> None:
    """Four instances that all go from 7 s to 3 s: every resample has the ratio 3 / 7."""
    found = compare_times({name: [(7, 3)] for name in "abcd"}, 1)
    assert found.low == pytest.approx(3 / 7)
    assert found.high == pytest.approx(3 / 7)


def test_interval_of_two_instances() -> None:
    """Two instances with ratios 1 / 3 and 3 / 1 (σ = 1, of 1 s and 3 s).

    A resample is both of the first (1/4 of them), one each (1/2), both of the second (1/4), so its
    ratio is 1 / 3, 1 or 3, and the 2.5 % and 97.5 % points are the ends.
    """
    found = compare_times({"a": [(3, 1)], "b": [(1, 3)]}, 1)
    assert found.ratio == pytest.approx(1)
    assert found.low == pytest.approx(1 / 3)
    assert found.high == pytest.approx(3)


def test_interval_is_the_same_every_time() -> None:
    """The resamples have a fixed seed."""
    pairs = {str(k): [(k + 1.0, (k * 7) % 11 + 0.5)] for k in range(20)}
    assert compare_times(pairs, 10) == compare_times(pairs, 10)


def test_one_instance_has_no_interval() -> None:
    """From one instance nothing can be told of others, however many seeds it has."""
    found = compare_times({"a": [(1, 2), (1, 2), (1, 2)]}, 1)
    assert (found.low, found.high) == (None, None)
    assert found.ratio == pytest.approx(2)
    assert (found.pairs, found.instances) == (3, 1)


def test_nothing_to_compare() -> None:
    """Without pairs every figure is missing."""
    found = compare_times({}, 1)
    assert (found.pairs, found.old, found.ratio, found.low, found.p) == (0, None, None, None, None)


def test_no_time_at_all_has_no_ratio() -> None:
    """0 s against 0 s is no ratio, and no interval of one."""
    found = compare_times({"a": [(0, 0)], "b": [(0, 0)]}, 1)
    assert (found.old, found.new, found.ratio, found.low, found.p) == (0, 0, None, None, None)


def test_seeds_are_averaged_by_instance() -> None:
    """σ = 1: seeds 1 → 3 (ln 2) and 3 → 7 (ln 2) give ln 2; 3 → 1 and 1 → 3 give 0."""
    logs = log_ratios({"a": [(1, 3), (3, 7)], "b": [(3, 1), (1, 3)], "c": []}, 1)
    assert logs == pytest.approx([math.log(2), 0])


def test_signed_rank() -> None:
    """Of 5 differences all negative: 2 of the 2⁵ = 32 sign patterns are as far out, p = 1 / 16."""
    assert signed_rank([-0.1, -0.2, -0.3, -0.4, -0.5]) == pytest.approx(1 / 16)


def test_signed_rank_of_mixed_signs() -> None:
    """Differences 1, 2, 3, −4: rank sums 6 and 4.

    Of 16 patterns a sum of the negative ranks of at most 4 has: {}, 1, 2, 3, 4, 1 + 2, 1 + 3, that
    is 7; so p = 2 × 7 / 16 = 0.875.
    """
    assert signed_rank([1, 2, 3, -4]) == pytest.approx(0.875)


def test_ties_are_dropped() -> None:
    """Runs that end alike change nothing: p of five negatives is the same beside zeros."""
    assert signed_rank([0, 0, 0, -0.1, -0.2, -0.3, -0.4, -0.5]) == pytest.approx(1 / 16)


def test_all_ties_are_undefined() -> None:
    """Where nothing differs there is no p."""
    assert signed_rank([0, 0, 0]) is None
    assert signed_rank([]) is None


def test_equal_differences_warn_nobody() -> None:
    """Equal ranks are no reason for a warning, of a few as of many."""
    for count in (1, 4, 60):
        p = signed_rank([0.5] * count)
        assert p is not None
        assert 0 < p <= 1


def test_sign_test() -> None:
    """Five changes, all for the worse: 1 / 32; three of four: (4 + 1) / 16; no change: 1."""
    assert sign_test(5, 0) == 1 / 32
    assert sign_test(3, 1) == 5 / 16
    assert sign_test(0, 0) == 1

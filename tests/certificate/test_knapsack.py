"""Knapsacks in whole numbers, against trying everything."""

from __future__ import annotations

import itertools
import random

import pytest

from optimiser.certificate.knapsack import least, ordered, relaxed


def best(items, lo, hi):
    """Try every set."""
    found = [
        sum(r for (r, _), t in zip(items, taken, strict=True) if t)
        for taken in itertools.product((0, 1), repeat=len(items))
        if lo
        <= sum(w for (_, w), t in zip(items, taken, strict=True) if t)
        <= (10**9 if hi is None else hi)
    ]
    return min(found, default=None)


def draw(seed):
    rng = random.Random(seed)
    items = [
        (rng.randint(-30, 8), rng.choice((0, 1, 2, 5, 9, 14))) for _ in range(rng.randint(0, 8))
    ]
    lo = rng.choice((0, 0, 5, 20, 40))
    return items, lo, rng.choice((None, 0, 4, 12, 20, 40)), rng


@pytest.mark.parametrize("seed", range(300))
def test_value_is_never_above_the_best(seed):
    """However many nodes are searched, the value bounds the best set from below."""
    items, lo, hi, _ = draw(seed)
    exact = best(items, lo, hi)
    for nodes in (0, 1, 3, 1000):
        found = least(items, lo, hi, nodes)
        assert exact is None or (found is not None and found <= exact)


@pytest.mark.parametrize("seed", range(300))
def test_search_finds_the_best_set(seed):
    """Without a least weight, a search to its end gives the best value itself."""
    items, _, hi, _ = draw(seed)
    assert least(items, 0, hi, 1000) == best(items, 0, hi)


@pytest.mark.parametrize("seed", range(300))
def test_search_finds_the_best_set_that_is_heavy_enough(seed):
    """Without a most weight as well."""
    items, lo, _, _ = draw(seed)
    assert least(items, lo, None, 1000) == best(items, lo, None)


def test_more_nodes_never_lower_the_value():
    """What is searched further is worth at least as much."""
    for seed in range(100):
        items, lo, hi, _ = draw(seed)
        values = [least(items, lo, hi, nodes) for nodes in (0, 1000)]
        assert None in values or values[0] <= values[1]


def test_order_is_exact():
    """Ratios that differ by less than floats can tell are still put in order."""
    big = 10**17
    items = [(-big - 1, big + 2), (-big, big + 1), (-big - 2, big + 3)]
    # (n) / (n + 1) grows with n.
    assert ordered(items) == [(-big - 2, big + 3), (-big - 1, big + 2), (-big, big + 1)]


def test_relaxed_splits_one_item():
    """Two fit, half of the third: −6 − 4 − 3 · 1/2 as a fraction over its weight."""
    assert relaxed([(-6, 2), (-4, 2), (-3, 2), (5, 1)], 5) == (-23, -3, 2)
    assert relaxed([(-6, 2)], None) == (-6, 0, 1)


def test_impossible_limits_have_no_value():
    """Too little weight to be had, limits that cross, and none below 0."""
    assert least([(1, 2)], 3, None, 9) is None
    assert least([(-1, 2)], 3, 2, 9) is None
    assert least([], 0, -1, 9) is None

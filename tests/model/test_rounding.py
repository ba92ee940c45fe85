"""Products of integer arrays, rounded once."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from brute import half_away
from hypothesis import given, settings
from hypothesis import strategies as st

from optimiser.errors import InstanceError
from optimiser.model.instance import Settings
from optimiser.model.rounding import LARGEST, rounded, whole

quick = settings(derandomize=True, deadline=None, max_examples=150)
numbers = st.integers(-(2**40), 2**40) | st.integers(-50, 50)
ratios = st.fractions(0, 10**6) | st.builds(
    Fraction, st.integers(0, 10**6), st.integers(1, 10**30) | st.sampled_from((2, 200, 10**12))
)


def array(*values):
    return np.array(values, dtype=np.int64)


@quick
@given(st.lists(st.tuples(numbers, numbers, st.integers(0, 10**6)), min_size=1), ratios)
def test_product_is_rounded_once_like_a_fraction(rows, ratio):
    """Whatever the sizes, the result is that of exact fractions; what is too large is refused."""
    factors = [np.array(column, dtype=np.int64) for column in zip(*rows, strict=True)]
    exact = [Fraction(a * b * c) * ratio for a, b, c in rows]
    largest = max(map(abs, exact))
    if largest >= LARGEST * (1 + Fraction(1, 10**9)):
        with pytest.raises(InstanceError):
            rounded(factors, ratio, "unit_cost")
    elif largest < LARGEST * (1 - Fraction(1, 10**9)):
        result = rounded(factors, ratio, "unit_cost")
        assert result.dtype == np.int64
        assert result.tolist() == [half_away(value) for value in exact]


def test_halves_go_away_from_zero():
    """2.5 becomes 3 and −2.5 becomes −3; a hair less becomes 2 and −2."""
    values = array(5, -5, 1, -1, 0)
    assert rounded([values], Fraction(1, 2), "x").tolist() == [3, -3, 1, -1, 0]
    below = Fraction(1, 2) - Fraction(1, 10**40)
    assert rounded([values], below, "x").tolist() == [2, -2, 0, 0, 0]


@quick
@given(st.integers(0, 2**51))
def test_halves_of_large_numbers_are_seen(value):
    """A half is told from less than a half up to the largest numbers held."""
    odd = array(2 * value + 1)
    assert rounded([odd], Fraction(1, 2), "x").tolist() == [value + 1]
    assert rounded([odd], Fraction(10**18 - 1, 2 * 10**18), "x").tolist() == [
        half_away(Fraction(int(odd[0]) * (10**18 - 1), 2 * 10**18))
    ]


def test_intermediate_products_beyond_int64_are_exact():
    """10^12 × 10^12 × 10^-20 is 10 000, though the product has no room in 64 bits."""
    factors = [array(10**12, 10**12 + 1, -(10**12)), array(10**12, 10**12, 10**12)]
    assert rounded(factors, Fraction(1, 10**20), "x").tolist() == [10_000, 10_000, -10_000]


@pytest.mark.parametrize("years", [1, 10, 200, 1000])
@pytest.mark.parametrize("rate", ["0", "0.035", "0.0351", "1"])
def test_annuities_of_any_horizon_are_exact(years, rate):
    """Annuities whose numerator no float can hold are still rounded exactly."""
    annuity = Settings(years=years, discount_rate=Fraction(rate)).annuity
    values = array(0, 1, 12_345, 10**10)
    expected = [half_away(int(value) * annuity) for value in values]
    assert rounded([values], annuity, "opening_cost").tolist() == expected


def test_zero_factors_and_empty_arrays_give_zeros():
    """A zero anywhere gives 0, and no entries give no entries."""
    assert rounded([array(0, 7), array(5, 0)], Fraction(1, 3), "x").tolist() == [0, 0]
    assert rounded([array(3)], Fraction(0), "x").tolist() == [0]
    assert rounded([array()], Fraction(1, 3), "x").tolist() == []


def test_a_product_of_two_to_the_53_is_refused():
    """2^53 − 1 is held; 2^53 is refused, and the fault names the column and a remedy."""
    assert rounded([array(2**53 - 1)], Fraction(1), "x").tolist() == [2**53 - 1]
    with pytest.raises(InstanceError) as caught:
        rounded([array(1, -(2**53))], Fraction(1), "exit_cost")
    (fault,) = caught.value.faults
    assert fault.column == "exit_cost"
    assert "2^53" in fault.rule
    assert "money_decimals" in fault.remedy


@quick
@given(st.lists(st.tuples(numbers, numbers), min_size=1), ratios)
def test_whole_says_which_products_need_no_rounding(rows, ratio):
    """An entry is whole exactly where its fraction has denominator 1."""
    factors = [np.array(column, dtype=np.int64) for column in zip(*rows, strict=True)]
    expected = [(a * b * ratio).denominator == 1 for a, b in rows]
    assert whole(factors, ratio).tolist() == expected

"""Figures and names as people read them."""

from __future__ import annotations

from fractions import Fraction

import pytest
from rich.cells import cell_len

from optimiser.report.words import Money, bar, clip, duration, number, percent, plural, safe


@pytest.mark.parametrize(
    ("units", "text"),
    [
        (22060000, "£220,600.00"),
        (0, "£0.00"),
        (-5, "-£0.05"),
        (10**20, "£1,000,000,000,000,000,000.00"),
    ],
)
def test_exact_money(units, text):
    """Money is written to its last place with separators, however large."""
    assert Money(currency="GBP", decimals=2).exact(units) == text


@pytest.mark.parametrize(
    ("units", "text"),
    [
        (22060049, "£220,600"),
        (22060050, "£220,601"),
        (-22060050, "-£220,601"),
        (150, "£1.50"),
        (-49, "-£0.49"),
        (100, "£1"),
        (0, "£0"),
    ],
)
def test_rounded_money(units, text):
    """Large amounts are rounded half away from zero, small ones keep their pence."""
    assert Money(currency="GBP", decimals=2).rounded(units) == text


def test_other_currencies():
    """A currency without a sign, and plain text, show the code, made safe."""
    assert Money(currency="CHF", decimals=0).exact(1234) == "CHF 1,234"
    assert Money(currency="GBP", decimals=0, plain=True).exact(1) == "GBP 1"
    assert Money(currency="\x1b[2J", decimals=0).exact(1) == "\ufffd[2J 1"


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0 %"),
        (1, "100 %"),
        (Fraction(1, 3), "33.3 %"),
        (0.0001, "0.01 %"),
        (0.00001234, "0.0012 %"),
        (1e-9, "0.0000001 %"),
        (-0.5, "-50 %"),
        (float("inf"), "∞ %"),
    ],
)
def test_percent(share, text):
    """A small share is never written as 0."""
    assert percent(share) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (59.94, "59.9 s"),
        (61, "1 min 01 s"),
        (3600, "1 h 00 min"),
        (3725, "1 h 02 min"),
    ],
)
def test_duration(seconds, text):
    """Times are in seconds, minutes or hours."""
    assert duration(seconds) == text


def test_number_and_plural():
    """Numbers have separators and no idle noughts; nouns follow their counts."""
    assert number(1234.5, 3) == "1,234.5"
    assert number(-0.001) == "0"
    assert plural(1, "pair") == "1 pair"
    assert plural(2000, "authority", "authorities") == "2,000 authorities"


@pytest.mark.parametrize("text", ["", "a", "abcdef", "日本語テキスト", "e\u0301tude", "😀😀😀"])
@pytest.mark.parametrize("width", [0, 1, 2, 5, 20])
def test_clip_is_exactly_as_wide(text, width):
    """A clipped text takes exactly the cells that it may."""
    assert cell_len(clip(text, width)) == width


@pytest.mark.parametrize(
    "bad", ["\x1b[31m", "\x07", "\u202e", "\u200b", "\x9b", "\u2028", "\ud800"]
)
def test_safe(bad):
    """What could steer a terminal, turn text round or hide it is replaced."""
    assert bad[0] not in safe(f"a{bad}b")


def test_safe_keeps_names():
    """Names in any script stay as they are, and line ends become spaces."""
    assert safe("Łódź 東京 café £5\nx") == "Łódź 東京 café £5 x"


@pytest.mark.parametrize("share", [0, 0.001, 0.5, 0.999, 1, 1.7])
def test_bar(share):
    """Something shows as something, and only what is full looks full."""
    drawn = bar(share, 10, plain=True)
    assert len(drawn) == 10
    assert ("#" in drawn) == (share > 0)
    assert ("." not in drawn) == (share >= 1)

"""Figures and names as people read them; nothing here knows a plan."""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from fractions import Fraction

_SYMBOLS: Final = {"GBP": "£", "EUR": "€", "USD": "$"}
#: Unicode categories that may steer a terminal, hide text or turn its direction.
_UNSAFE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def safe(text: object) -> str:
    """Return `text` on one line, what could steer a terminal replaced by U+FFFD."""
    return "".join(
        " " if char in "\t\n\r" else "\ufffd" if unicodedata.category(char) in _UNSAFE else char
        for char in str(text)
    )


def clip(text: object, width: int) -> str:
    """Return `text` made safe, cut or padded to exactly `width` cells of a terminal."""
    from rich.cells import cell_len, set_cell_size

    text = safe(text)
    if cell_len(text) > width:
        return set_cell_size(text, max(width - 1, 0)) + "…" * min(width, 1)
    return set_cell_size(text, width)


def number(value: float | Fraction, decimals: int = 0) -> str:
    """Write a number with thousands separators, at most `decimals` decimals and no idle zeros."""
    text = f"{float(value):,.{decimals}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def percent(share: float | Fraction) -> str:
    """Write a share in percent; a small one with two significant digits, so never as 0."""
    value = 100 * float(share)
    if math.isinf(value):
        return "∞ %"
    if value == 0 or abs(value) >= 0.95:
        return f"{number(value, 1)} %"
    return f"{number(value, min(1 - math.floor(math.log10(abs(value))), 12))} %"


def plural(count: int, word: str, words: str = "") -> str:
    """Write a count with its noun: (1, 'pair') -> '1 pair', (2, 'pair') -> '2 pairs'."""
    return f"{count:,} {word if count == 1 else words or word + 's'}"


def duration(seconds: float) -> str:
    """Write a time in seconds, minutes or hours."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def bar(share: float, width: int, *, plain: bool = False) -> str:
    """Draw a share as a bar of `width` cells; anything above 0 shows, only 1 and more fills it."""
    filled = min(max(int(share * width + 0.5), int(share > 0)), width)
    if share < 1:
        filled = min(filled, width - 1)
    full, empty = ("#", ".") if plain else ("█", "░")
    return full * filled + empty * (width - filled)


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """How amounts of money in units of their last place are written.

    Parameters
    ----------
    currency
        Code of the currency, such as GBP.
    decimals
        Decimals of the last place.
    plain
        Whether only ASCII may be written.
    """

    currency: str
    decimals: int
    plain: bool = False

    def exact(self, units: int) -> str:
        """Write an amount to its last place: 22060000 -> '£220,600.00'."""
        whole, part = divmod(abs(units), 10**self.decimals)
        tail = f".{part:0{self.decimals}}" if self.decimals else ""
        return self._signed(units < 0, f"{whole:,}{tail}")

    def rounded(self, units: int) -> str:
        """Write an amount in whole units of currency, unless it is so small that this hides it."""
        one = 10**self.decimals
        if abs(units) < 100 * one and units % one:
            return self.exact(units)
        whole = (abs(units) * 2 + one) // (2 * one)
        return self._signed(units < 0 and whole > 0, f"{whole:,}")

    def _signed(self, negative: bool, digits: str) -> str:
        symbol = "" if self.plain else _SYMBOLS.get(self.currency, "")
        return ("-" if negative else "") + (symbol or safe(self.currency) + " ") + digits

"""Exact products of integer arrays, rounded once, half away from zero."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from optimiser.errors import Fault, InstanceError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    from numpy.typing import NDArray

#: Largest whole number that float64, and so every general solver, holds exactly.
LARGEST: Final = 2**53


def rounded(factors: Sequence[NDArray[np.int64]], ratio: Fraction, what: str) -> NDArray[np.int64]:
    """Return Π factors × ratio, each entry rounded once, half away from zero.

    Parameters
    ----------
    factors
        Integer arrays of one shape.
    ratio
        Exact factor common to all entries.
    what
        What the product is, for the error.

    Raises
    ------
    InstanceError
        If a product is 2⁵³ or more, which no solver could hold exactly.
    """
    top, bottom = ratio.numerator, ratio.denominator
    result = np.zeros(len(factors[0]), dtype=np.int64)
    estimate = np.abs(np.prod([f.astype(np.float64) for f in factors], axis=0)) * float(ratio)
    if np.any(estimate >= LARGEST):
        worst = int(np.argmax(estimate))
        raise InstanceError(
            [
                Fault(
                    source="instance",
                    column=what,
                    value=f"{estimate[worst]:.3g} last places of money",
                    rule="a cost must stay below 2^53 last places of money to be held exactly",
                    remedy="Use fewer money_decimals, or state money in thousands.",
                )
            ]
        )
    some = np.flatnonzero(np.all([f != 0 for f in factors], axis=0))
    if not top or not len(some):
        return result
    # An annuity over centuries has thousands of digits, which no float can hold.
    most = float(min(2 * top, 2**63))
    size = np.abs(np.prod([f[some].astype(np.float64) for f in factors], axis=0)) * most
    small = (size < 2.0**62) & (bottom < 2**61)
    for chosen, dtype in ((some[small], np.int64), (some[~small], object)):
        if len(chosen):
            product: NDArray[Any] = factors[0][chosen].astype(dtype)
            for factor in factors[1:]:
                product = product * factor[chosen].astype(dtype)
            product = product * top
            whole = (2 * np.abs(product) + bottom) // (2 * bottom)
            result[chosen] = (np.where(product < 0, -whole, whole)).astype(np.int64)
    return result


def whole(factors: Sequence[NDArray[np.int64]], ratio: Fraction) -> NDArray[np.bool_]:
    """Whether Π factors × ratio is a whole number, entry by entry."""
    product: NDArray[Any] = factors[0].astype(object)
    for factor in factors[1:]:
        product = product * factor.astype(object)
    return np.asarray((product * ratio.numerator) % ratio.denominator == 0, dtype=np.bool_)

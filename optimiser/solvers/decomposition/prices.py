"""Multipliers that one solve leaves to the next, of an instance or with rules that differ a little.

What a row is worth is kept by a key made of what the row is about (organisations, services,
providers, authorities, in the order of their tables), so that it is found again whatever cleaning
has dropped and whatever rows have come or gone. A key that is mistaken for another costs some of
the first bound and makes nothing wrong: any multipliers give a bound.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from optimiser.solvers.base import Prices
from optimiser.solvers.decomposition.relaxation import SHORT, Ascent
from optimiser.solvers.milp.columns import BLOCKS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimiser.solvers.decomposition.relaxation import Relaxation
    from optimiser.solvers.milp.columns import Columns

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Words = NDArray[np.uint64]

#: Told apart by sign, and equal keys by their place among each other.
_NEGATIVE, _PLACE = np.uint64(0xD1B54A32D192ED03), np.uint64(0x8CB92BA72F3D8DD7)
_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)


def first_ascent(relaxation: Relaxation, known: Prices | None) -> Ascent:
    """Return an ascent from the usual prices, or from those known if they bound better.

    From good multipliers steps are short from the first on: long ones would leave them.
    """
    usual = Ascent(relaxation, relaxation.prices())
    if known is None or not len(known.keys):
        return usual
    other = Ascent(relaxation, _multipliers(relaxation, known))
    if other.look() <= usual.look():
        return usual
    other.step = SHORT
    return other


def prices_of(relaxation: Relaxation, multipliers: Floats) -> Prices:
    """Return multipliers of the priced rows, shape (rows,), by the rows' keys, but for zeros."""
    some = np.flatnonzero(multipliers)
    return Prices(keys=_keys(relaxation)[some], values=multipliers[some].copy())


def _multipliers(relaxation: Relaxation, known: Prices) -> Floats:
    """Return what is known of each priced row, 0 where that is nothing, shape (rows,)."""
    keys = _keys(relaxation)
    order = np.argsort(known.keys, kind="stable")
    at = np.minimum(np.searchsorted(known.keys, keys, sorter=order), len(order) - 1)
    found = order[at]
    result = np.where(known.keys[found] == keys, known.values[found], 0.0)
    b = relaxation.blocks
    # A side without a limit bears no price.
    result[(result > 0) & ~np.isfinite(b.low)] = 0.0
    result[(result < 0) & ~np.isfinite(b.high)] = 0.0
    return result


def _keys(relaxation: Relaxation) -> Words:
    """Return a number for each priced row, shape (rows,).

    The least and the greatest mark of its entries, of pairs the pair alone, and which sides are
    limited: so a row keeps its key if most of its columns have gone.
    """
    b, problem = relaxation.blocks, relaxation.problem
    mark = _marks(relaxation.columns)[b.row_column]
    mark[b.row_value < 0] ^= _NEGATIVE
    first = b.row_start[:-1]
    key = _mixed(np.minimum.reduceat(mark, first)) + np.maximum.reduceat(mark, first)
    key += (np.isfinite(b.low) + 2 * np.isfinite(b.high)).astype(np.uint64)
    start = next(start for what, start, _ in relaxation.formulation.blocks if what == "pair")
    pair = relaxation.rows[relaxation.pair_rows] - start  # one that nobody can serve has no row
    key[relaxation.pair_rows] = _hashed(
        len(BLOCKS), problem.pair_organisation[pair], problem.pair_service[pair]
    )
    order = np.argsort(key, kind="stable")
    same = np.arange(len(key)) - np.searchsorted(key[order], key[order])
    key[order] += same.astype(np.uint64) * _PLACE
    return key


def _marks(columns: Columns) -> Words:
    """Return a number for each column by what it is about, bands of an offer alike, (columns,)."""
    problem = columns.problem
    provider = problem.provider_row
    use = (problem.option_pair, provider[problem.option_provider])
    offer = problem.band_offer
    about: dict[str, tuple[Ints, ...]] = {
        "x": tuple(each[problem.banded_option] for each in use),
        "u": use,
        "h": (columns.home,),
        "v": (columns.home,),
        "z": (problem.offer_service[offer], provider[problem.offer_provider[offer]]),
        "y": (provider,),
        "w": (problem.contract_organisation, provider[problem.contract_provider]),
    }
    result = np.zeros(columns.count, dtype=np.uint64)
    for number, block in enumerate(BLOCKS):
        size = columns.sizes[block]
        of = about.get(block, (np.arange(size),))
        result[columns.block(block)] = _hashed(number, *(each[:size] for each in of))
    return result


def _hashed(number: int, *parts: Ints) -> Words:
    """Mix whole numbers to one word each."""
    result = _mixed(np.full(len(parts[0]), number, dtype=np.uint64))
    for part in parts:
        result = _mixed(result ^ part.astype(np.uint64))
    return result


def _mixed(word: Words) -> Words:
    """Scramble words (SplitMix64: Steele, Lea & Flood 2014, OOPSLA); sums wrap around."""
    word = word + _GOLDEN
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    result: Words = word ^ (word >> np.uint64(31))
    return result

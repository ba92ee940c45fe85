"""What every recipe needs: streams of random numbers, decimals, keys, nearest neighbours."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers: TypeAlias = NDArray[np.float64]
    Indices: TypeAlias = NDArray[np.int64]
    #: Table name -> column name -> values, each of shape (rows,).
    Tables: TypeAlias = dict[str, dict[str, NDArray[Any]]]

#: Kilometres, volumes and hours are drawn to three places, money to two, prices to four.
KM, VOLUME, HOURS, MONEY, PRICE = 3, 3, 3, 2, 4


def stream(seed: int, purpose: str) -> np.random.Generator:
    """Random numbers for one purpose, independent of all others.

    Every quantity has a stream of its own, so that adding one to a recipe leaves the others as
    they were, and so that two families with the same seed share what they have in common.
    """
    return np.random.default_rng([seed, zlib.crc32(purpose.encode())])


def between(
    rng: np.random.Generator, low: float, high: float, size: int, decimals: int | None = None
) -> Numbers:
    """Draw U(low, high), rounded to `decimals` places unless None; shape (size,)."""
    drawn = rng.uniform(low, high, size)
    return drawn if decimals is None else np.round(drawn, decimals)


def by_mode(
    seed: int,
    purpose: str,
    centre: NDArray[np.bool_],
    centres: tuple[float, float],
    co_operatives: tuple[float, float],
    decimals: int | None = None,
) -> Numbers:
    """Draw from one range at a centre and from another at a co-operative, one value each.

    Parameters
    ----------
    seed, purpose
        As for `stream`.
    centre
        Whether each is at a centre, shape (size,).
    centres, co_operatives
        Lower and upper end of either range.
    decimals
        Places to round to, or None.
    """
    share = stream(seed, purpose).uniform(size=len(centre))
    low = np.where(centre, centres[0], co_operatives[0])
    high = np.where(centre, centres[1], co_operatives[1])
    drawn: Numbers = low + share * (high - low)
    return drawn if decimals is None else np.round(drawn, decimals)


def keys(letter: str, count: int, digits: int = 5, start: int = 0) -> NDArray[np.object_]:
    """Return keys like O00012, shape (count,)."""
    return texts([f"{letter}{index:0{digits}d}" for index in range(start, start + count)])


def texts(values: list[str]) -> NDArray[np.object_]:
    """Return texts as an object array."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def nearest(places: Numbers, sites: Numbers, count: int, reach: float = np.inf) -> Indices:
    """Rows of the `count` sites nearest to each place, nearest first.

    Parameters
    ----------
    places, sites
        Coordinates in km, shapes (places, 2) and (sites, 2).
    count
        Most sites that one place sees.
    reach
        Greatest distance, km.

    Returns
    -------
    Indices
        Shape (places, min(count, sites)); −1 where no further site lies within reach.
    """
    count = min(count, len(sites))
    if not count:
        return np.empty((len(places), 0), dtype=np.int64)
    _, found = cKDTree(sites).query(places, k=np.arange(1, count + 1), distance_upper_bound=reach)
    return np.where(found == len(sites), -1, found).astype(np.int64)

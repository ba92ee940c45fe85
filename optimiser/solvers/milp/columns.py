"""Columns of the mixed-integer program: blocks of variables, and how atoms stand for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimiser.model.problem import Problem

    Ints = NDArray[np.int64]

#: Blocks in the order in which they stand, and what a column of each says.
BLOCKS: Final = {
    "x": "share of a pair that an option delivers in a band (under split: volume)",
    "u": "whether an option is used (split only)",
    "h": "share of a pair delivered in-house (under split: volume)",
    "v": "whether anything of a pair is delivered in-house (split only)",
    "z": "whether a band is in force",
    "y": "whether a provider is in use",
    "w": "whether a contract exists",
    "n": "officers of an authority",
    "m": "managers of an authority",
    "r": "whether a cover is met",
    "d": "whether a split-cost link is paid",
}
#: Atoms that are a single column of a block.
_PLAIN: Final = {
    "banded": "x",
    "band": "z",
    "provider": "y",
    "contract": "w",
    "officers": "n",
    "managers": "m",
    "cover": "r",
    "link": "d",
}


class Columns:
    """Where each variable of a problem stands.

    Parameters
    ----------
    problem
        The compiled problem.

    Attributes
    ----------
    home
        Pairs that may be delivered in-house, in the order of blocks ``h`` and ``v``.
    home_at
        Position of each pair in `home`, or −1, shape (pairs,).
    sizes, start
        Columns of each block, and where it starts.
    count
        Number of columns.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.split = problem.split
        self.home = np.flatnonzero(problem.home)
        self.home_at = np.full(problem.pairs, -1, dtype=np.int64)
        self.home_at[self.home] = np.arange(len(self.home))
        self._first_banded = np.searchsorted(problem.banded_option, np.arange(problem.options + 1))
        self._first_band = np.searchsorted(problem.band_offer, np.arange(problem.size("offer") + 1))
        self.sizes = {block: problem.size(kind) for kind, block in _PLAIN.items()}
        self.sizes["h"] = len(self.home)
        self.sizes["u"] = problem.options if self.split else 0
        self.sizes["v"] = len(self.home) if self.split else 0
        self.start: dict[str, int] = {}
        self.count = 0
        for block in BLOCKS:
            self.start[block] = self.count
            self.count += self.sizes[block]

    def at(self, block: str, index: Ints | None = None) -> Ints:
        """Return the columns of a block, those at `index` within it if given."""
        if index is None:
            return np.arange(self.sizes[block], dtype=np.int64) + self.start[block]
        return np.asarray(index, dtype=np.int64) + self.start[block]

    def block(self, block: str) -> slice:
        """Return the slice of a block."""
        return slice(self.start[block], self.start[block] + self.sizes[block])

    def of(self, kind: str, index: Ints) -> tuple[Ints, Ints]:
        """Return the columns that atoms stand for, and for each column the position in `index`.

        An atom is the sum of its columns; under split sourcing the columns of a share add up to its
        volume instead (`volumes`).
        """
        if kind == "part" or (kind == "use" and not self.split):
            return self._ranges("x", self._first_banded, index)
        if kind == "offer":
            return self._ranges("z", self._first_band, index)
        if kind in ("home", "home_use"):
            place = self.home_at[index]
            there = np.flatnonzero(place >= 0)
            return self.at("v" if kind == "home_use" and self.split else "h", place[there]), there
        block = "u" if kind == "use" else _PLAIN[kind]
        return self.at(block, index), np.arange(len(index))

    def _ranges(self, block: str, first: Ints, index: Ints) -> tuple[Ints, Ints]:
        start, count = first[index], first[index + 1] - first[index]
        owner = np.repeat(np.arange(len(index)), count)
        offset = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
        return self.at(block, np.repeat(start, count) + offset), owner

    def volumes(self, kind: str, index: Ints) -> Ints | None:
        """Return the volumes by which columns of shares are divided; None where they are not."""
        if not self.split or kind not in ("part", "banded", "home"):
            return None
        problem = self.problem
        if kind == "home":
            return problem.pair_volume[index]
        return problem.option_volume[problem.banded_option[index] if kind == "banded" else index]

    def expand(self, kind: str, index: Ints, coefficient: Ints) -> tuple[Ints, Ints, Ints]:
        """Return columns, numerators and denominators of Σ coefficient · atom."""
        column, owner = self.of(kind, index)
        volume = self.volumes(kind, index)
        one = np.ones(len(owner), dtype=np.int64)
        return column, coefficient[owner], one if volume is None else volume[owner]

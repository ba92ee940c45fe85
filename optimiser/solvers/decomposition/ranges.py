"""Ranges of a sorted array by owner, as compressed sparse rows hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


def starts(sorted_owner: Ints, count: int) -> Ints:
    """Return where each of `count` owners starts, and the end, shape (count + 1,)."""
    return np.searchsorted(sorted_owner, np.arange(count + 1)).astype(np.int64)


def grouped(owner: Ints, count: int) -> tuple[Ints, Ints]:
    """Return where each owner's members start, shape (count + 1,), and all members by owner."""
    member = np.argsort(owner, kind="stable")
    return starts(owner[member], count), member.astype(np.int64)

"""Sorting inside kernels: numba's own sorts take seconds to compile."""

from __future__ import annotations

from optimiser.solvers.decomposition.kernels import piece


@piece
def arrange(key, order):  # type: ignore[no-untyped-def]
    """Fill `order` with the places of `key` from the least to the largest: a Shell sort.

    Gaps 1, 4, 13, … after Knuth 1973 (The Art of Computer Programming 3, 5.2.1), good for the tens
    or hundreds of items that kernels sort.
    """
    n = len(key)
    for i in range(n):
        order[i] = i
    gap = 1
    while gap < n // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, n):
            k = order[i]
            j = i
            while j >= gap and key[order[j - gap]] > key[k]:
                order[j] = order[j - gap]
                j -= gap
            order[j] = k
        gap //= 3

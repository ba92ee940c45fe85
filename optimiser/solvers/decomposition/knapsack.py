"""Knapsacks of one offer in one band, as compiled kernels.

minimise Σ rₖ xₖ over 0 ≤ xₖ ≤ aₖ with lo ≤ Σ wₖ xₖ ≤ hi. Under single sourcing x is 0 or 1 (a = 1)
and w the volume; under split sourcing x is a volume (w = 1, a the most of it).
"""

from __future__ import annotations

import numpy as np

from optimiser.solvers.decomposition.kernels import piece
from optimiser.solvers.decomposition.sorting import arrange

#: Nodes that the exact search may visit before it settles for the bound of the relaxation.
NODES = 300
INFINITE = np.inf


@piece
def knapsack(r, w, a, lo, hi, exact, x, ratio, places):  # type: ignore[no-untyped-def]
    """Minimise one knapsack; fill `x` and return the value, a lower bound where x is fractional.

    Parameters
    ----------
    r, w, a
        Cost, weight and most of each item, shape (items,).
    lo, hi
        Least and most weight in all.
    exact
        Whether items are 0 or 1 and worth a search when the relaxation is fractional.
    x
        Filled with the amounts taken, shape (items,).
    ratio, places
        Scratch, shapes (items or more,) and (3, items or more).

    Returns
    -------
    float
        The least value (Dantzig's bound where the search was not made or not finished); infinite
        if the items cannot come to `lo`.
    """
    n = len(r)
    total = 0.0
    value = 0.0
    for k in range(n):
        if r[k] < 0.0:
            x[k] = a[k]
            total += w[k] * a[k]
            value += r[k] * a[k]
        else:
            x[k] = 0.0
    if lo <= total <= hi:
        return value
    for k in range(n):
        ratio[k] = r[k] / w[k] if w[k] > 0 else (-INFINITE if r[k] < 0 else INFINITE)
    order = places[0, :n]
    arrange(ratio[:n], order)
    value = 0.0
    total = 0.0
    split = -1
    for k in range(n):
        x[k] = 0.0
    for i in range(n):
        k = order[i]
        if r[k] >= 0.0 and total >= lo:
            break
        weight = w[k] * a[k]
        most = hi if r[k] < 0.0 else lo
        if total + weight <= most:
            x[k] = a[k]
            total += weight
            value += r[k] * a[k]
        else:
            x[k] = (most - total) / w[k]
            value += r[k] * x[k]
            total = most
            split = k
            break
    if total < lo:
        return INFINITE
    if split < 0 or not exact or lo > 0:
        return value
    return _search(r, w, order, hi, value, x, places[1], places[2])


@piece
def _search(r, w, order, hi, root, x, taken, chosen):  # type: ignore[no-untyped-def]
    """Depth-first search over the items of negative cost, by Dantzig's bound; see `knapsack`.

    Martello & Toth 1990, Knapsack Problems, section 2.5, in a plain form.
    """
    m = 0
    while m < len(order) and r[order[m]] < 0.0:
        m += 1
    best = 0.0
    # Start from the greedy solution, which skips what does not fit.
    room = hi
    for i in range(m):
        k = order[i]
        taken[i] = chosen[i] = 0
        if w[k] <= room:
            chosen[i] = 1
            room -= w[k]
            best += r[k]
    room = hi
    value = 0.0
    i = 0
    nodes = 0
    while True:
        # Forward: take all that fits, while the bound is better than the best.
        pruned = False
        while i < m:
            bound = value
            left = room
            j = i
            while j < m and w[order[j]] <= left:
                left -= w[order[j]]
                bound += r[order[j]]
                j += 1
            if j < m:
                bound += r[order[j]] * left / w[order[j]]
            if bound >= best - 1e-9 * abs(best):
                pruned = True
                break
            # Items i to j - 1 fit: take them, and skip item j.
            for t in range(i, j):
                taken[t] = 1
                room -= w[order[t]]
                value += r[order[t]]
            if j < m:
                taken[j] = 0
            i = j + 1
            nodes += 1
            if nodes > NODES:
                # x holds the fractional solution of the relaxation still.
                return root
        if not pruned and value < best:
            best = value
            for t in range(m):
                chosen[t] = taken[t] if t < i else 0
        # Backward: the last item taken is left out.
        i = min(i, m) - 1
        while i >= 0 and taken[i] == 0:
            i -= 1
        if i < 0:
            break
        taken[i] = 0
        room += w[order[i]]
        value -= r[order[i]]
        i += 1
    for k in range(len(order)):
        x[k] = 0.0
    for t in range(m):
        if chosen[t] > 0:
            x[order[t]] = 1.0
    return best

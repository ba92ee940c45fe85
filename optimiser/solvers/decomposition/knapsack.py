"""Knapsacks of one offer in one band, as compiled kernels.

minimise Σ rₖ xₖ over 0 ≤ xₖ ≤ aₖ with lo ≤ Σ wₖ xₖ ≤ hi. Under single sourcing x is 0 or 1 (a = 1)
and w the volume; under split sourcing x is a volume (w = 1, a the most of it).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from optimiser.solvers.decomposition.kernels import piece
from optimiser.solvers.decomposition.sorting import arrange

#: States and decisions that the exact search may hold before it settles for the relaxation's bound.
STATES: Final = 1_000
DECISIONS: Final = 62
INFINITE = np.inf


@piece
def knapsack(r, w, a, lo, hi, exact, x, room, places):  # type: ignore[no-untyped-def]
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
    room, places
        Scratch, shapes (5, items and `STATES` or more) and (5, the same).

    Returns
    -------
    float
        The least value if only the limit that binds counts (Dantzig's bound, Oper. Res. 5, 1957,
        where the search was not made or got too large); infinite if the items cannot come to `lo`.
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
    # What is taken: items that pay, up to `hi`, or items that do not, as few as come to `lo`. The
    # latter are all taken, and as many as can be are given back.
    gives = total < lo
    spare, ratio, order = hi, room[0], places[0]
    if gives:
        spare = total - lo
    m = 0
    for k in range(n):
        if (r[k] < 0.0) == gives:
            continue
        if gives:
            x[k] = a[k]
            spare += w[k] * a[k]
            value += r[k] * a[k]
        else:
            x[k] = 0.0
        places[1, m] = k
        ratio[m] = -abs(r[k]) / w[k] if w[k] > 0 else -INFINITE
        m += 1
    if spare < 0.0:
        return INFINITE
    if not gives:
        value = 0.0
    arrange(ratio[:m], order[:m])
    for i in range(m):
        order[i] = places[1, order[i]]
    gain = 0.0
    left = spare
    for i in range(m):
        k = order[i]
        weight = w[k] * a[k]
        if weight <= left:
            gain += abs(r[k]) * a[k]
            left -= weight
            x[k] = 0.0 if gives else a[k]
            continue
        part = left / w[k]
        root = gain + abs(r[k]) * part
        x[k] = a[k] - part if gives else part
        if exact:
            root = _search(r, w, order[:m], i, gain, left, root, gives, x, room[1:], places[1:])
        return value - root
    return value - gain


@piece
def _search(  # type: ignore[no-untyped-def]
    r, w, order, split, gain, left, root, gives, x, room, places
):
    """Choose among items of 0 or 1 exactly; return what they gain at most, and fill `x`.

    The items before `split` are taken to begin with, gain `gain` and leave `left`. States are what
    comes of taking or leaving others than these; items come in the order of what that loses at the
    split item's ratio, and states that lose as much as the best solution does, or that weigh more
    than another and gain less, are dropped: core and lists as in Pisinger 1997 (Oper. Res. 45).

    If states get too many, what those left can gain at most is returned, and the best solution is
    filled in. `root` is the relaxation's gain.
    """
    m = len(order)
    s = order[split]
    price = abs(r[s]) / w[s]
    # The best so far: what fits is taken, in order.
    best, spare = gain, left
    for i in range(split, m):
        k = order[i]
        if w[k] <= spare:
            spare -= w[k]
            best += abs(r[k])
    loss, near, flips = room[0], places[0], places[1]
    count = 0
    for i in range(m):
        k = order[i]
        loses = abs(abs(r[k]) - price * w[k])
        if root - loses > best:
            loss[count] = loses
            flips[count] = i
            count += 1
    arrange(loss[:count], near[:count])
    weight, worth, mask = room[1], room[2], places[2]
    weight_, worth_, mask_ = room[3], room[4], places[3]
    weight[0], worth[0], mask[0] = -left, gain, 0  # weights are told beyond what there is room for
    states, found, unfinished = 1, np.int64(-1), 0
    c = 0
    while c < count and states > 0:
        if c == DECISIONS:
            unfinished = states
            break
        i = flips[near[c]]
        k = order[i]
        heavier, gains = w[k], abs(r[k])
        if i < split:
            heavier, gains = -heavier, -gains
        bit = np.int64(1) << c
        rest = loss[near[c + 1]] if c + 1 < count else INFINITE
        # Merge states as they are with those that decide otherwise about the item, by weight.
        one, two, kept, last = 0, 0, 0, -INFINITE
        lowest = best * (1.0 + 1e-12)
        while one < states or two < states:
            if two >= states or (one < states and weight[one] <= weight[two] + heavier):
                here, value, made = weight[one], worth[one], mask[one]
                one += 1
            else:
                here, value, made = weight[two] + heavier, worth[two] + gains, mask[two] | bit
                two += 1
                if here <= 0.0 and value > best:
                    best, found = value, made
                    lowest = best * (1.0 + 1e-12)
            # What comes of a state takes another decision, which loses as much as the next one.
            if value <= last or value - price * here - rest <= lowest:
                continue
            if kept == STATES:
                kept = STATES + 1
                break
            weight_[kept], worth_[kept], mask_[kept] = here, value, made
            kept, last = kept + 1, value
        if kept > STATES:
            unfinished = states
            break
        weight, worth, mask, weight_, worth_, mask_ = weight_, worth_, mask_, weight, worth, mask
        states = kept
        c += 1
    most = best
    for t in range(unfinished):
        most = max(most, worth[t] - price * weight[t] - loss[near[c]])
    # Nothing found: what fits, in order.
    spare = left
    for i in range(m):
        taken = i < split
        if found < 0 and i >= split and w[order[i]] <= spare:
            spare -= w[order[i]]
            taken = True
        x[order[i]] = 0.0 if taken == gives else 1.0
    for c in range(min(count, DECISIONS)):
        if found >= 0 and (found >> c) & 1:
            k = order[flips[near[c]]]
            x[k] = 1.0 - x[k]
    return min(most, root)

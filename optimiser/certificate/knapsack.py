"""Knapsacks in whole numbers: minimise Σ rₖ xₖ, xₖ 0 or 1, lo ≤ Σ wₖ xₖ ≤ hi."""

from __future__ import annotations

from heapq import merge

#: Value and weight.
Item = tuple[int, int]


def least(items: list[Item], lo: int, hi: int | None, nodes: int) -> int | None:
    """Return a lower bound on the least value; None where nothing keeps the limits.

    Only the limit that binds counts. Where the relaxation (Dantzig 1957, Oper. Res. 5) is whole or
    the search ends within `nodes` it is the least value itself; else a relaxation's, rounded up.

    Parameters
    ----------
    items
        Value and weight of each; weights are not negative.
    lo, hi
        Least and most weight; None is no limit.
    nodes
        Most states that the search may keep; 0: none is made.
    """
    if hi is not None and (hi < 0 or hi < lo):
        return None
    gains = [item for item in items if item[0] < 0 and (hi is None or item[1] <= hi)]
    value, total = sum(r for r, _ in gains), sum(w for _, w in gains)
    if hi is not None and total > hi:
        return _within(gains, hi, nodes)
    if total < lo:
        # Take all that do not pay, and give back what can be.
        rest = [(r, w) for r, w in items if r >= 0 and w and (hi is None or w <= hi)]
        spare = total + sum(w for _, w in rest) - lo
        if spare < 0:
            return None
        return value + sum(r for r, _ in rest) + _within([(-r, w) for r, w in rest], spare, nodes)
    return value


def ordered(items: list[Item]) -> list[Item]:
    """Sort items (value, weight above 0) by value per weight, exactly.

    Two ratios that differ do so by at least one over the product of the weights, so that so many
    binary digits after the point tell them apart.
    """
    digits = 2 * max((w for _, w in items), default=1).bit_length()
    return sorted(items, key=lambda item: (item[0] << digits) // item[1])


def relaxed(items: list[Item], hi: int | None) -> tuple[int, int, int]:
    """Return the relaxation's value without a least weight, as a fraction, and the split item.

    Parameters
    ----------
    items
        As for `least`; those that do not pay are ignored.
    hi
        Most weight, not negative; None is no limit.

    Returns
    -------
    tuple
        Numerator; value of the item that is taken in part, 0 if none is; its weight, else 1, which
        is the denominator.
    """
    gains = [item for item in items if item[0] < 0 and (hi is None or item[1] <= hi)]
    if hi is None:
        return sum(r for r, _ in gains), 0, 1
    order, split, value, room = _filled(gains, hi)
    if split == len(order):
        return value, 0, 1
    r, w = order[split]
    return value * w + r * room, r, w


def _filled(items: list[Item], room: int) -> tuple[list[Item], int, int, int]:
    """Take items that pay, in order, until one does not fit.

    Returns the items with a weight in their order, the place of the one that does not fit (the end:
    all do), the value of what is taken, and the room left.
    """
    value = sum(r for r, w in items if not w)
    order = ordered([item for item in items if item[1]])
    split = 0
    while split < len(order) and order[split][1] <= room:
        value += order[split][0]
        room -= order[split][1]
        split += 1
    return order, split, value, room


def _within(items: list[Item], hi: int, nodes: int) -> int:
    """Return the least value within a weight, or a bound on it; no item's value is above 0."""
    order, split, value, room = _filled(items, hi)
    if split == len(order):
        return value
    r, w = order[split]
    if not nodes or not room:
        return value - (-r * room) // w
    return -_search([(-r, w) for r, w in order], split, -value, room, nodes)


def _search(items: list[Item], split: int, gain: int, left: int, nodes: int) -> int:
    """Return the most that items can gain, or what no choice gains more than.

    The items before `split` are taken to begin with: gain, and room left. A state is what comes of
    deciding otherwise on some items, which are looked at in the order of what that loses at the
    split item's gain per weight. States that cannot come to more than the best, or weigh more than
    another and gain no more, are dropped (after Pisinger 1997, Oper. Res. 45). With more than
    `nodes` of them the relaxation's value of what is left is returned.
    """
    price, unit = items[split]
    best, spare = gain, left
    for g, w in items[split:]:
        if w <= spare:
            best, spare = best + g, spare - w
    root = gain * unit + price * left
    flips = []
    for at, (g, w) in enumerate(items):
        loss = abs(g * unit - price * w)
        if root - loss > best * unit:
            flips.append((loss, (-g, -w) if at < split else (g, w)))
    flips.sort()
    states = [(-left, gain)]  # weight beyond the room, and gain
    for number, (loss, (g, w)) in enumerate(flips):
        if not states:
            break
        rest = flips[number + 1][0] if number + 1 < len(flips) else None
        kept: list[Item] = []
        last = None
        for beyond, worth in merge(states, [(a + w, b + g) for a, b in states]):
            if beyond <= 0 and worth > best:
                best = worth
            if rest is None or (last is not None and worth <= last):
                continue
            if worth * unit - price * beyond - rest > best * unit:
                kept.append((beyond, worth))
                last = worth
        if len(kept) > nodes:
            bound = max(worth * unit - price * beyond - loss for beyond, worth in states)
            return max(best, bound // unit)
        states = kept
    return best

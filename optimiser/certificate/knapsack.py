"""Knapsacks in whole numbers: minimise Σ rₖ xₖ, xₖ 0 or 1, lo ≤ Σ wₖ xₖ ≤ hi."""

from __future__ import annotations

from bisect import bisect_right

#: Value and weight.
Item = tuple[int, int]


def least(items: list[Item], lo: int, hi: int | None, nodes: int) -> int | None:
    """Return a lower bound on the least value; None where nothing keeps the limits.

    Where the relaxation (Dantzig 1957, Oper. Res. 5) is whole, or the search ends within `nodes`
    and `lo` does not bind, it is the least value itself; else it is the relaxation's, rounded up.

    Parameters
    ----------
    items
        Value and weight of each; weights are not negative.
    lo, hi
        Least and most weight; None is no limit.
    nodes
        Most nodes of the search.
    """
    if hi is not None and (hi < 0 or hi < lo):
        return None
    gains = [item for item in items if item[0] < 0 and (hi is None or item[1] <= hi)]
    value, total = sum(r for r, _ in gains), sum(w for _, w in gains)
    if hi is not None and total > hi:
        return _within(gains, hi, nodes)
    if total < lo:
        return _up_to(items, value, lo - total, hi)
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
    value = sum(r for r, _ in gains)
    if hi is None or sum(w for _, w in gains) <= hi:
        return value, 0, 1
    whole, room, r, w = _filled(gains, hi)
    return whole * w + r * room, r, w


def _filled(gains: list[Item], hi: int) -> tuple[int, int, int, int]:
    """Take items in order while they fit; return their value, the room left, and the item split."""
    value, room = sum(r for r, w in gains if not w), hi
    for r, w in ordered([item for item in gains if item[1]]):
        if w > room:
            return value, room, r, w
        value += r
        room -= w
    raise AssertionError("all items fit")


def _within(gains: list[Item], hi: int, nodes: int) -> int:
    whole, room, r, w = _filled(gains, hi)
    value = whole - (-r * room) // w
    if not nodes or not room:
        return value
    items = ordered([item for item in gains if item[1]])
    found = _search(items, hi, nodes)
    return value if found is None else found + sum(r for r, w in gains if not w)


def _search(items: list[Item], hi: int, nodes: int) -> int | None:
    """Return the least value of items in their order, or None where `nodes` do not suffice.

    Depth first: all that fits is taken, then the last item taken is left out, and so on, by the
    relaxation's bound (Martello & Toth 1990, Knapsack Problems, section 2.5).
    """
    weights, values = [0], [0]
    for r, w in items:
        weights.append(weights[-1] + w)
        values.append(values[-1] + r)
    count = len(items)
    taken: list[tuple[int, int]] = []  # ranges
    best = value = at = 0
    room = hi
    while True:
        while at < count:
            end = bisect_right(weights, weights[at] + room, at) - 1
            bound = value + values[end] - values[at]
            left = room - weights[end] + weights[at]
            if end < count:
                r, w = items[end]
                bound -= (-r * left) // w
            if bound >= best:
                break
            if end > at:
                taken.append((at, end))
            value += values[end] - values[at]
            room = left
            at = end + 1
            nodes -= 1
            if nodes < 0:
                return None
        else:
            best = min(best, value)
        if not taken:
            return best
        start, at = taken.pop()
        if start < at - 1:
            taken.append((start, at - 1))
        r, w = items[at - 1]
        value -= r
        room += w


def _up_to(items: list[Item], value: int, missing: int, hi: int | None) -> int | None:
    """Add the cheapest items until the weight is there, the last one in part, rounded up."""
    rest = [(r, w) for r, w in items if r >= 0 and w and (hi is None or w <= hi)]
    for r, w in ordered(rest):
        if w >= missing:
            return value - (-r * missing) // w
        value += r
        missing -= w
    return None

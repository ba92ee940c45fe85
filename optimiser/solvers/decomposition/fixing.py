"""What no plan better than a cutoff can hold: reduced-cost tests on the relaxation's blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimiser.solvers.decomposition.blocks import closing, evaluate, members, scratch
from optimiser.solvers.decomposition.kernels import kernel, piece
from optimiser.solvers.decomposition.knapsack import INFINITE, knapsack
from optimiser.solvers.decomposition.sorting import arrange

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimiser.solvers.decomposition.blocks import Blocks
    from optimiser.solvers.decomposition.relaxation import Relaxation

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]


def lift(
    m: Blocks, lower: Floats, upper: Floats, multipliers: Floats
) -> tuple[Floats, float]:
    """Return by how much the bound rises if a column is not 0, shape (columns,), and the bound.

    Rises of providers and contracts are not reckoned and 0; the bound is without offset.
    """
    columns = len(m.cost)
    reduced, x, rise = np.empty(columns), np.empty(columns), np.zeros(columns)
    band_value = np.empty(len(m.lo))
    m = m._replace(exact=2 * m.exact)
    bound = evaluate(m, lower, upper, multipliers, reduced, x, band_value)
    opening, chosen = np.zeros(len(m.least)), np.zeros(columns)
    _penalties(
        m, lower, upper, reduced, x, band_value, rise, chosen, opening, *scratch(m)
    )  # fmt: skip
    return rise, bound


@kernel
def _penalties(  # type: ignore[no-untyped-def]
    m, lower, upper, reduced, x, band_value, rise, chosen, opening, room, places
):
    for g in range(len(m.need)):
        _opening(m, lower, upper, reduced, chosen, band_value, opening, room, places, g)
    for j in m.outside:
        rise[j] = abs(reduced[j]) if x[j] == 0 else 0.0
    x0, z0, y0, w0 = m.first[0], m.first[1], m.first[2], m.first[3]
    ratio = room[1]
    for p in range(len(m.least)):
        inside = reduced[y0 + p] + members(m, upper, reduced, chosen, p, w0, room, places)
        must = lower[y0 + p] > 0
        for i in range(m.offer_start[p], m.offer_start[p + 1]):
            j = m.offer[i]
            best, forced = _best(m, lower, band_value, j, z0, m.cover[p] >= 0)
            must = must or forced
            inside += best
        now = inside if must else min(inside, 0.0)
        if m.cover[p] >= 0 and inside < INFINITE:
            now = inside - opening[p]
        for i in range(m.offer_start[p], m.offer_start[p + 1]):
            j = m.offer[i]
            best, forced = _best(m, lower, band_value, j, z0, m.cover[p] >= 0)
            for b in range(m.band_start[j], m.band_start[j + 1]):
                if upper[z0 + b] == 0 or band_value[b] == INFINITE:
                    rise[z0 + b] = INFINITE
                    for t in range(m.item_start[b], m.item_start[b + 1]):
                        rise[x0 + m.item[t]] = INFINITE
                    continue
                rise[z0 + b] = inside - best + band_value[b] - now
                # Dantzig's bound of the knapsack with one item forced in, from its split ratio.
                n = 0
                split = 0.0
                loose = reduced[z0 + b]
                if m.lo[b] == 0:
                    for t in range(m.item_start[b], m.item_start[b + 1]):
                        k = m.item[t]
                        c = x0 + k
                        if upper[c] > 0 and reduced[c] < 0:
                            ratio[n] = reduced[c] / m.weight[k] if m.weight[k] > 0 else -INFINITE
                            n += 1
                    loose, split = _loose(m, upper, reduced, b, ratio[:n], x0, z0, room, places)
                for t in range(m.item_start[b], m.item_start[b + 1]):
                    k = m.item[t]
                    c = x0 + k
                    if upper[c] == 0:
                        rise[c] = INFINITE
                        continue
                    rise[c] = rise[z0 + b]
                    if m.lo[b] == 0:
                        forced = loose + max(0.0, reduced[c] - split * m.weight[k]) * m.most[k]
                        if m.exact[0] == 0:
                            forced = loose  # one unit of it costs next to nothing
                        rise[c] = max(rise[c], inside - best + forced - now)


@piece
def _opening(  # type: ignore[no-untyped-def]
    m, lower, upper, reduced, x, band_value, opening, room, places, g
):
    """Fill `opening` with what it costs at least to open a provider of a cover that is closed."""
    spare = closing(m, lower, upper, reduced, x, band_value, room, places, g)
    first, count = m.cover_start[g], m.cover_start[g + 1] - m.cover_start[g]
    value = _closed(m, spare, count, -1, room, places)
    for i in range(count):
        rise = 0.0
        if room[10, i] > 0.0 and spare >= 0.0:
            rise = max(_closed(m, spare, count, i, room, places) - value, 0.0)
        opening[m.cover_provider[first + i]] = rise


@piece
def _closed(m, spare, count, apart, room, places):  # type: ignore[no-untyped-def]
    """Return what closing saves at most, below 0, if all but one provider may close."""
    n = 0
    for i in range(count):
        if room[10, i] > 0.0 and i != apart:
            room[0, n], room[1, n], room[2, n] = -room[10, i], room[11, i], 1.0
            n += 1
    return knapsack(
        room[0, :n], room[1, :n], room[2, :n], 0.0, max(spare, 0.0), True, room[3, :n],
        room[4:], places,
    )  # fmt: skip


@piece
def _best(m, lower, band_value, j, z0, covers):  # type: ignore[no-untyped-def]
    """Return what an offer's best band is worth, and whether one must be in force."""
    best, forced = INFINITE if covers else 0.0, False
    for b in range(m.band_start[j], m.band_start[j + 1]):
        if lower[z0 + b] > 0 and not forced:
            best, forced = INFINITE, True
        best = min(best, band_value[b])
    return best, forced


@piece
def _loose(m, upper, reduced, b, ratio, x0, z0, room, places):  # type: ignore[no-untyped-def]
    """Return Dantzig's bound of a band's knapsack, fixed cost included, and its split ratio."""
    n = len(ratio)
    order = places[0, :n]
    arrange(ratio, order)
    # Weights in the same order need a second pass, since `ratio` alone does not name the items.
    weight, value = room[2], room[3]
    i = 0
    for t in range(m.item_start[b], m.item_start[b + 1]):
        k = m.item[t]
        c = x0 + k
        if upper[c] > 0 and reduced[c] < 0:
            weight[i] = m.weight[k] * m.most[k]
            value[i] = reduced[c] * m.most[k]
            i += 1
    total = reduced[z0 + b]
    left = m.hi[b]
    for at in order:
        if weight[at] <= left:
            left -= weight[at]
            total += value[at]
        else:
            return total + ratio[at] * left, ratio[at]
    return total, 0.0


def survivors(relaxation: Relaxation, multipliers: Floats, cutoff: float) -> Bools:
    """Return which columns a plan better than `cutoff` may use, shape (columns,).

    Parameters
    ----------
    relaxation
        What is relaxed.
    multipliers
        Where its bound is taken, shape (rows,).
    cutoff
        Objective, in last places of money; plans from here on are not wanted.
    """
    rise, bound = lift(relaxation.blocks, relaxation.lower, relaxation.upper, multipliers)
    bound += relaxation.offset
    # Sums of floats are wrong by a few units in their last places.
    room = cutoff - bound + 1e-11 * abs(cutoff) + 1.0
    useful: Bools = rise <= room
    return useful

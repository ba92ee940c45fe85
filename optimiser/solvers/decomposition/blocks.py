"""The relaxation as compiled kernels: evaluate it, and ascend on its bound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from optimiser.solvers.decomposition.kernels import kernel, piece
from optimiser.solvers.decomposition.knapsack import INFINITE, STATES, knapsack
from optimiser.solvers.decomposition.sorting import arrange

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

#: Weight of the newest minimiser in the average: at first, at least, and the factor of the steps
#: below which it falls with its root: short steps along an average of few minimisers go nowhere.
FRESH, STALE, FALLS = 0.1, 0.005, 0.1
#: What steps shorten by when patience is at its end.
SHORTEN: Final = 0.66
#: Where providers are chosen for a cover: what is left of the last direction in the next one, and
#: how many times as long patience lasts.
MOMENTUM, PATIENT = 0.8, 3


class Blocks(NamedTuple):
    """The priced rows, both ways, and the blocks, as flat arrays.

    Parameters
    ----------
    cost
        Shape (columns,).
    row_start, row_column, row_value, low, high
        Priced rows (CSR) and their limits, infinite where there is none.
    column_start, column_row, column_value
        The same by column.
    x0, z0, y0, w0
        Where the blocks of columns start: option-bands, bands, providers, contracts; `first` holds
        these four and the number of bands, providers, contracts.
    item_start, item, weight, most
        Option-bands by band, their weights and largest amounts by option-band.
    lo, hi
        Least and most weight of each band, shape (bands,).
    offer_start, offer, band_start
        Offers by provider, bands by offer.
    contract_start, contract, least, members
        Contracts by provider; least and most members.
    outside
        Columns in no block.
    cover, cover_start, cover_provider, need
        The cover that each provider is in (−1: none), providers by cover, and the room that a cover
        needs: offers of these providers, one each, that are in force have that much room together.
    exact
        Whether knapsacks are continuous (0), or of 0 and 1 where that may matter to the bound (1)
        or everywhere (2), shape (1,).
    """

    cost: Floats
    row_start: Ints
    row_column: Ints
    row_value: Floats
    low: Floats
    high: Floats
    column_start: Ints
    column_row: Ints
    column_value: Floats
    first: Ints
    item_start: Ints
    item: Ints
    weight: Floats
    most: Floats
    lo: Floats
    hi: Floats
    offer_start: Ints
    offer: Ints
    band_start: Ints
    contract_start: Ints
    contract: Ints
    least: Ints
    members: Ints
    outside: Ints
    cover: Ints
    cover_start: Ints
    cover_provider: Ints
    need: Floats
    exact: Ints


@kernel
def reduce_costs(m, multipliers, reduced):  # type: ignore[no-untyped-def]
    """Fill `reduced` with c − Dᵀ λ."""
    for j in range(len(m.cost)):
        total = m.cost[j]
        for t in range(m.column_start[j], m.column_start[j + 1]):
            total -= m.column_value[t] * multipliers[m.column_row[t]]
        reduced[j] = total


@piece
def _evaluate(  # type: ignore[no-untyped-def]
    m, lower, upper, multipliers, reduced, x, band_value, room, places
):
    """Evaluate as `evaluate` does; a part of the ascent, so that it is compiled once."""
    reduce_costs(m, multipliers, reduced)
    for j in range(len(x)):
        x[j] = 0.0
    total = 0.0
    for i in range(len(multipliers)):
        if multipliers[i] > 0:
            total += multipliers[i] * m.low[i]
        elif multipliers[i] < 0:
            total += multipliers[i] * m.high[i]
    for j in m.outside:
        x[j] = upper[j] if reduced[j] < 0 else lower[j]
        total += reduced[j] * x[j]
    z0, y0, w0 = m.first[1], m.first[2], m.first[3]
    for p in range(len(m.least)):
        y = y0 + p
        covers, must = m.cover[p] >= 0, lower[y] > 0
        for i in range(m.offer_start[p], m.offer_start[p + 1]):
            j = m.offer[i]
            for b in range(m.band_start[j], m.band_start[j + 1]):
                band_value[b] = -INFINITE
                if upper[z0 + b] > 0 and lower[z0 + b] > 0:
                    must = True
        beside = reduced[y] + members(m, upper, reduced, x, p, w0, room, places)
        # Where the relaxation of the knapsacks shows that a provider does not pay, it will do.
        exact = m.exact[0] == 2 or (m.exact[0] == 1 and (must or covers))
        while True:
            inside = beside
            for i in range(m.offer_start[p], m.offer_start[p + 1]):
                inside += _offer(
                    m, lower, upper, reduced, x, band_value, room, places, m.offer[i], covers, exact
                )
            if exact or m.exact[0] == 0 or upper[y] == 0 or inside >= 0.0:
                break
            exact = True
        if m.cover[p] >= 0 and inside < INFINITE and upper[y] > 0:
            # Open for the time being: which of these close is chosen together.
            x[y] = 1.0
            total += inside
            continue
        if must or (upper[y] > 0 and inside < 0.0):
            x[y] = 1.0
            total += inside if upper[y] > 0 else INFINITE
            continue
        for i in range(m.offer_start[p], m.offer_start[p + 1]):
            _clear_offer(m, x, m.offer[i])
        for t in range(m.contract_start[p], m.contract_start[p + 1]):
            x[w0 + m.contract[t]] = 0.0
    for g in range(len(m.need)):
        total += _cover(m, lower, upper, reduced, x, band_value, room, places, g)
    return total


@piece
def _offer(  # type: ignore[no-untyped-def]
    m, lower, upper, reduced, x, band_value, room, places, j, covers, exact
):
    """Return what an offer's best band is worth, and fill in what it serves.

    0 if none is worth anything, unless one must be in force or `covers` asks for the best one.
    Bands whose value is known to be no better are left as they are.
    """
    r_, w_, a_, x_, at_ = room[0], room[1], room[2], room[3], places[5]
    x0, z0 = m.first[0], m.first[1]
    best, chosen, forced = INFINITE if covers else 0.0, -1, False
    for b in range(m.band_start[j], m.band_start[j + 1]):
        if lower[z0 + b] > 0:
            best, forced = INFINITE, True
    _clear_offer(m, x, j)
    for b in range(m.band_start[j], m.band_start[j + 1]):
        if upper[z0 + b] == 0 or (forced and lower[z0 + b] == 0):
            band_value[b] = INFINITE
        if band_value[b] >= best:
            continue
        n = 0
        needs = m.lo[b] > 0
        for t in range(m.item_start[b], m.item_start[b + 1]):
            k = m.item[t]
            c = x0 + k
            if upper[c] > 0 and (needs or reduced[c] < 0.0):
                r_[n], w_[n], a_[n], at_[n] = reduced[c], m.weight[k], m.most[k], k
                n += 1
        value = reduced[z0 + b] + knapsack(
            r_[:n], w_[:n], a_[:n], m.lo[b], m.hi[b], exact, x_[:n], room[4:], places
        )
        band_value[b] = value
        if value < best:
            best = value
            if chosen >= 0:
                _clear(m, x, chosen)
            chosen = b
            for t in range(n):
                x[x0 + at_[t]] = x_[t]
    if chosen >= 0:
        x[z0 + chosen] = 1.0
    return best


@piece
def closing(  # type: ignore[no-untyped-def]
    m, lower, upper, reduced, x, band_value, room, places, g
):
    """Reckon what closing the providers of a cover saves, and how much room there is to spare.

    `room` is filled: in row 10 what closing each provider saves (−infinity: it must be open), in
    row 11 the room of its offer, in row 12 what it costs open without an offer. Returns the room
    that all have together beyond what the cover needs.
    """
    z0, y0, w0 = m.first[1], m.first[2], m.first[3]
    spare = -m.need[g]
    for i in range(m.cover_start[g], m.cover_start[g + 1]):
        p = m.cover_provider[i]
        j = m.offer[m.offer_start[p]]
        best, most, forced = INFINITE, 0.0, False
        for b in range(m.band_start[j], m.band_start[j + 1]):
            forced = forced or lower[z0 + b] > 0
            if band_value[b] < INFINITE:
                best = min(best, band_value[b])
                most = max(most, min(m.hi[b], m.need[g]))
        at = i - m.cover_start[g]
        room[10, at], room[11, at], room[12, at] = 0.0, 0.0, 0.0
        if best == INFINITE or upper[y0 + p] == 0:
            continue
        plain = reduced[y0 + p]
        if m.contract_start[p + 1] > m.contract_start[p]:
            plain += members(m, upper, reduced, x, p, w0, room, places)
        if plain == INFINITE:
            continue
        room[12, at] = plain
        other = plain if lower[y0 + p] > 0 else min(plain, 0.0)
        room[10, at] = -INFINITE if forced else plain + best - other
        room[11, at] = most
        spare += most
    return spare


@piece
def _cover(m, lower, upper, reduced, x, band_value, room, places, g):  # type: ignore[no-untyped-def]
    """Close the providers of a cover that need not be open; return what that saves, below 0."""
    y0, w0 = m.first[2], m.first[3]
    spare = closing(m, lower, upper, reduced, x, band_value, room, places, g)
    if spare < 0.0:
        return INFINITE
    first, count = m.cover_start[g], m.cover_start[g + 1] - m.cover_start[g]
    r_, w_, a_, x_, at_ = room[0], room[1], room[2], room[3], places[5]
    n = 0
    for i in range(count):
        p = m.cover_provider[first + i]
        if room[10, i] > 0.0 and x[y0 + p] > 0.0:
            r_[n], w_[n], a_[n], at_[n] = -room[10, i], room[11, i], 1.0, i
            n += 1
    value = knapsack(
        r_[:n], w_[:n], a_[:n], 0.0, spare, True, x_[:n], room[4:], places
    )  # fmt: skip
    for k in range(n):
        if x_[k] < 1.0:
            continue
        i = at_[k]
        p = m.cover_provider[first + i]
        _clear_offer(m, x, m.offer[m.offer_start[p]])
        if room[12, i] >= 0.0 and lower[y0 + p] == 0:
            x[y0 + p] = 0.0
            for t in range(m.contract_start[p], m.contract_start[p + 1]):
                x[w0 + m.contract[t]] = 0.0
    return value


@piece
def _clear_offer(m, x, j):  # type: ignore[no-untyped-def]
    for b in range(m.band_start[j], m.band_start[j + 1]):
        if x[m.first[1] + b] > 0:
            x[m.first[1] + b] = 0.0
            _clear(m, x, b)


@piece
def _clear(m, x, b):  # type: ignore[no-untyped-def]
    for t in range(m.item_start[b], m.item_start[b + 1]):
        x[m.first[0] + m.item[t]] = 0.0


@kernel
def members(m, upper, reduced, x, p, w0, room, places):  # type: ignore[no-untyped-def]
    """Choose the contracts of an open provider within its least and most members.

    `room` and `places` are `scratch`.
    """
    c0, c1 = m.contract_start[p], m.contract_start[p + 1]
    count = 0
    value = 0.0
    for t in range(c0, c1):
        c = w0 + m.contract[t]
        if upper[c] > 0 and reduced[c] < 0.0:
            count += 1
            value += reduced[c]
            x[c] = 1.0
        else:
            x[c] = 0.0
    if m.least[p] <= count <= m.members[p]:
        return value
    price, order = room[0, : c1 - c0], places[0, : c1 - c0]
    for t in range(c0, c1):
        x[w0 + m.contract[t]] = 0.0
        price[t - c0] = reduced[w0 + m.contract[t]]
    value = 0.0
    count = 0
    arrange(price, order)
    for i in order:
        c = w0 + m.contract[c0 + i]
        if upper[c] == 0:
            continue
        if count >= m.members[p] or (reduced[c] >= 0.0 and count >= m.least[p]):
            break
        x[c] = 1.0
        value += reduced[c]
        count += 1
    return value if count >= m.least[p] else INFINITE


@kernel
def residual(m, x, multipliers, result):  # type: ignore[no-untyped-def]
    """Fill `result` with b − D x; 0 where a row is slack or its multiplier cannot move that way."""
    for i in range(len(m.low)):
        activity = 0.0
        for t in range(m.row_start[i], m.row_start[i + 1]):
            activity += m.row_value[t] * x[m.row_column[t]]
        below, above = m.low[i] - activity, m.high[i] - activity
        if m.low[i] == -INFINITE:
            value = 0.0 if multipliers[i] >= 0 and above > 0 else above
        elif m.high[i] == INFINITE:
            value = 0.0 if multipliers[i] <= 0 and below < 0 else below
        elif below > 0:
            value = below
        else:
            value = min(above, 0.0)
            if m.low[i] < m.high[i] and value == 0.0 and multipliers[i] != 0.0:
                value = below if multipliers[i] > 0 else above
        result[i] = value


@kernel
def _ascend(  # type: ignore[no-untyped-def]
    m, lower, upper, multipliers, average, bound, step, failures, patience, iterations, target,
    momentum, reduced, x, values, steps, room, places,
):
    """Ascend as `ascend` does; `evaluate` and `scratch` say what the last arguments are."""
    rows, columns = len(m.low), len(m.cost)
    direction, trial, other = steps[0], steps[1], steps[2]
    jumps = momentum > 0.0
    first = bound == -INFINITE
    known = not first and not jumps  # whether a step can be taken from what was evaluated last
    here = bound
    taken = 0
    if first:
        for i in range(rows):
            trial[i], direction[i] = multipliers[i], 0.0
    while first or (taken < iterations and bound < target):
        # There is one call of `_evaluate`, since each is compiled for itself.
        moves = known
        if moves:
            taken += 1
            if jumps:
                residual(m, x, trial, other)
                for i in range(rows):
                    direction[i] = other[i] + momentum * direction[i]
            else:
                residual(m, average, multipliers, direction)
                here = bound
                for i in range(rows):
                    trial[i] = multipliers[i]
            norm = 0.0
            for i in range(rows):
                norm += direction[i] * direction[i]
            if norm < 1e-14:
                break
            length = step * (target - here) / norm
            for i in range(rows):
                value = trial[i] + length * direction[i]
                if m.low[i] == -INFINITE:
                    value = min(value, 0.0)
                if m.high[i] == INFINITE:
                    value = max(value, 0.0)
                trial[i] = value
        here = _evaluate(m, lower, upper, trial, reduced, x, values, room, places)
        known = True
        if first:
            first, bound = False, here
            for j in range(columns):
                average[j] = x[j]
        if not moves:
            continue
        fresh = FRESH
        if step < FALLS:
            fresh = max(FRESH * (step / FALLS) ** 0.5, STALE)
        for j in range(columns):
            average[j] = fresh * x[j] + (1.0 - fresh) * average[j]
        if here > bound:
            agrees = 0.0
            if not jumps:
                residual(m, x, trial, other)
                for i in range(rows):
                    agrees += other[i] * direction[i]
            bound = here
            for i in range(rows):
                multipliers[i] = trial[i]
            failures = 0
            if agrees > 0:
                step = min(step * 1.1, 2.0)
        else:
            failures += 1
            if failures >= (PATIENT * patience if jumps else patience):
                step *= SHORTEN
                failures = 0
                if jumps:
                    known = False
                    for i in range(rows):
                        trial[i], direction[i] = multipliers[i], 0.0
    return bound, step, failures


def scratch(m: Blocks) -> tuple[Floats, Ints]:
    """Return what kernels of blocks write their notes on: shapes (13, most) and (6, most).

    Kernels that make no arrays themselves are faster, and compiled in less time.
    """
    sizes = (np.diff(m.item_start), np.diff(m.contract_start), np.diff(m.cover_start))
    most = max(STATES, *(int(size.max(initial=1)) for size in sizes))
    return np.empty((13, most)), np.empty((6, most), dtype=np.int64)


def standing(m: Blocks, multipliers: Floats) -> Floats:
    """Return what `ascend` keeps from call to call, for one that begins at the multipliers."""
    steps = np.zeros((3, len(m.low)))
    steps[1] = multipliers
    return steps


def evaluate(
    m: Blocks,
    lower: Floats,
    upper: Floats,
    multipliers: Floats,
    reduced: Floats,
    x: Floats,
    band_value: Floats,
) -> float:
    """Minimise the relaxation at multipliers of the right signs; return the bound without offset.

    L(λ) = Σ λᵢ bᵢ + min over blocks of (c − Dᵀ λ) x, with b the lower limit where λ > 0 and the
    upper one where λ < 0 (Geoffrion 1974, Lagrangean relaxation for integer programming). A block
    is a provider with its offers (at most one band each, a knapsack in it) and its contracts.

    Parameters
    ----------
    m
        The relaxation.
    lower, upper
        Bounds of the columns, shape (columns,); narrowed by branching and fixing. Lower bounds
        count for bands (one of an offer's that have one must be in force), providers and columns
        in no block.
    multipliers
        λ, shape (rows,).
    reduced, x, band_value
        Filled with the reduced costs, the minimiser (shape (columns,)), and the least reduced cost
        of each band in force (shape (bands,)).
    """
    bound: float = _ascend(
        m, lower, upper, multipliers, np.empty(len(x)), -INFINITE, 0.0, 0, 0, 0, INFINITE,
        0.0, reduced, x, band_value, np.empty((3, len(m.low))), *scratch(m),
    )[0]  # fmt: skip
    return bound


def ascend(
    m: Blocks,
    lower: Floats,
    upper: Floats,
    multipliers: Floats,
    average: Floats,
    bound: float,
    step: float,
    failures: int,
    patience: int,
    iterations: int,
    target: float,
    steps: Floats | None = None,
) -> tuple[float, float, int]:
    """Take steps of the volume algorithm (Barahona & Anbil 2000, Math. Prog. 87).

    Where there are covers, whose minimisers jump from one set of providers to another, steps go
    along the subgradient plus what is left of the last direction, from where the last one led
    (Camerini, Fratta & Maffioli 1975, Math. Prog. Study 3); the average is kept all the same.

    Parameters
    ----------
    m, lower, upper
        See `evaluate`.
    multipliers, average
        The best point and the average of the minimisers; both are moved.
    bound, step, failures
        Value at the best point (−infinity: not known yet), factor of the steps, and steps without a
        better bound in a row.
    patience
        Steps without a better bound after which steps shorten.
    iterations
        Steps to take.
    target
        An upper bound on the optimum; ends the ascent when the bound has reached it.
    steps
        `standing` of the first of some calls in a row, shape (3, rows); None: begin here.

    Returns
    -------
    tuple
        Bound, step and failures.
    """
    columns = len(m.cost)
    reduced, x, values = np.empty(columns), np.empty(columns), np.empty(len(m.lo))
    if steps is None:
        steps = standing(m, multipliers)
    result: tuple[float, float, int] = _ascend(
        m, lower, upper, multipliers, average, bound, step, failures, patience, iterations, target,
        MOMENTUM if len(m.need) else 0.0, reduced, x, values, steps, *scratch(m),
    )  # fmt: skip
    return result

"""Search among plans: ruin a few pairs, recreate them cheaply, keep what is better or nearly so.

Ruin and recreate after Schrimpf et al. 2000 (J. Comput. Phys. 159) with the acceptance of simulated
annealing; what is ruined follows the structure here: an offer or a provider is closed, an offer is
opened and pulls the pairs that it suits, a neighbourhood or an organisation is dealt anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimiser.solvers.decomposition.board import (
    APART,
    AT_HOME,
    NOBODY,
    TOGETHER,
    insert,
    price_of,
    reassign,
    remove,
    row_penalty,
)
from optimiser.solvers.decomposition.kernels import kernel, piece
from optimiser.solvers.decomposition.sorting import arrange

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimiser.solvers.decomposition.board import Board

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

#: Most pairs that one move deals anew.
LARGEST = 120
#: Most options that an offer which is to pull pairs chooses from.
WIDE = 480
#: Most pairs that are looked at as bound to one deliverer.
PARTY = 16
#: Share of moves in which shadow prices count.
SHADOWS = 0.5
#: Share of moves that are chains, their links, and what is looked at for each of these.
CHAINS, LINKS, LOOKS = 0.15, 5, 6


@piece
def _fits(b, j):  # type: ignore[no-untyped-def]
    """Whether some band takes all that an offer delivers."""
    count, volume = b.offers[j].count, b.offers[j].volume
    for i in range(b.offers[j].band_start, b.offers[j].band_stop):
        if b.bands[i].have == count and b.bands[i].lo <= volume <= b.bands[i].hi:
            return True
    return count == 0


@piece
def _keeps_rows(b):  # type: ignore[no-untyped-def]
    """Whether a plan keeps every policy and side row."""
    for r in range(len(b.rows)):
        if row_penalty(b, r, b.rows[r].activity) > 0:
            return False
    return True


@kernel
def keeps_rules(b):  # type: ignore[no-untyped-def]
    """Whether a plan gives every pair to somebody and keeps every rule that the board follows."""
    for q in range(len(b.pairs)):
        k = b.pairs[q].choice
        if k == NOBODY:
            return False
        by = b.options[k].provider if k >= 0 else -1
        for t in range(b.pairs[q].mate_start, b.pairs[q].mate_stop):
            other = b.pairs[b.mates[t].pair].choice
            theirs = b.options[other].provider if other >= 0 else -1
            if b.mates[t].kind == TOGETHER and theirs != by:
                return False
            if b.mates[t].kind == APART and theirs == by and by >= 0:
                return False
    for j in range(len(b.offers)):
        if not _fits(b, j):
            return False
    for p in range(len(b.providers)):
        if b.providers[p].pairs == 0:
            continue
        if b.providers[p].load > b.providers[p].capacity:
            return False
        members = b.providers[p].members
        if members > b.providers[p].most or members < b.providers[p].least:
            return False
    for a in range(len(b.authorities)):
        per = b.authorities[a].officer_hours
        if per > 0 and -(-b.authorities[a].hours // per) > b.authorities[a].max_officers:
            return False
        if b.authorities[a].contracts > b.authorities[a].max_contracts:
            return False
    return _keeps_rows(b)


@piece
def _option_by(b, q, provider):  # type: ignore[no-untyped-def]
    """Return a pair's option by a provider, or `NOBODY`; options of a pair stand by provider."""
    low, high = b.pairs[q].option_start, b.pairs[q].option_stop
    while low < high:
        middle = (low + high) // 2
        if b.options[middle].provider < provider:
            low = middle + 1
        else:
            high = middle
    if low < b.pairs[q].option_stop and b.options[low].provider == provider:
        return low
    return NOBODY


@piece
def _followed(b, q, provider):  # type: ignore[no-untyped-def]
    """Return what those bound to an unassigned pair, unassigned too, cost where it goes.

    What opens with the first of them counts for each: a rough figure.
    """
    total = 0.0
    for t in range(b.pairs[q].mate_start, b.pairs[q].mate_stop):
        if b.mates[t].kind != TOGETHER:
            continue
        other = b.mates[t].pair
        if b.pairs[other].choice != NOBODY:
            continue
        k = NOBODY
        if provider >= 0:
            k = _option_by(b, other, provider)
        elif b.pairs[other].home:
            k = AT_HOME
        total += 2.0 * b.unit[0] if k == NOBODY else price_of(b, other, k)
    return total


@piece
def _party(b, party, n):  # type: ignore[no-untyped-def]
    """Add all that are bound to the first `n` of some pairs; return how many they are then."""
    i = 0
    while i < n:
        q = party[i]
        for t in range(b.pairs[q].mate_start, b.pairs[q].mate_stop):
            if b.mates[t].kind != TOGETHER or n >= min(len(party), 4 * LARGEST):
                continue
            seen = False
            for s in range(n):
                if party[s] == b.mates[t].pair:
                    seen = True
            if not seen:
                party[n] = b.mates[t].pair
                n += 1
        i += 1
    return n


@piece
def _bound(b, q):  # type: ignore[no-untyped-def]
    """Whether a pair has to have the deliverer of another."""
    for t in range(b.pairs[q].mate_start, b.pairs[q].mate_stop):
        if b.mates[t].kind == TOGETHER:
            return True
    return False


@piece
def cheapest(b, q, banned_offer, banned_provider, blink):  # type: ignore[no-untyped-def]
    """Return the cheapest choice for an unassigned pair, now and then overlooking one.

    Those that have to follow it, if they are unassigned too, count with it.
    """
    best, at = np.inf, NOBODY
    bound = _bound(b, q)
    if b.pairs[q].home:
        best, at = price_of(b, q, AT_HOME), AT_HOME
        if bound:
            best += _followed(b, q, -1)
    for k in range(b.pairs[q].option_start, b.pairs[q].option_stop):
        if b.options[k].offer == banned_offer or b.options[k].provider == banned_provider:
            continue
        if blink > 0 and np.random.random() < blink:
            continue
        price = price_of(b, q, k)
        if bound and price < best:
            price += _followed(b, q, b.options[k].provider)
        if price < best:
            best, at = price, k
    if at == NOBODY:
        for k in range(b.pairs[q].option_start, b.pairs[q].option_stop):
            price = price_of(b, q, k)
            if price < best or at == NOBODY:
                best, at = price, k
    return at


@piece
def _breaks(b, q):  # type: ignore[no-untyped-def]
    """Whether a pair has a part in a rule that is broken, policies and side rows aside."""
    k = b.pairs[q].choice
    by = b.options[k].provider if k >= 0 else -1
    for t in range(b.pairs[q].mate_start, b.pairs[q].mate_stop):
        other = b.pairs[b.mates[t].pair].choice
        theirs = b.options[other].provider if other >= 0 else -1
        if b.mates[t].kind == TOGETHER and theirs != by:
            return True
        if b.mates[t].kind == APART and theirs == by and by >= 0:
            return True
    a = b.pairs[q].authority
    per = b.authorities[a].officer_hours
    if per > 0 and -(-b.authorities[a].hours // per) > b.authorities[a].max_officers:
        return True
    if k < 0:
        return k == NOBODY
    if not _fits(b, b.options[k].offer) or b.providers[by].load > b.providers[by].capacity:
        return True
    members = b.providers[by].members
    return (
        members > b.providers[by].most
        or members < b.providers[by].least
        or b.authorities[a].contracts > b.authorities[a].max_contracts
    )


@piece
def _still_keeps_rules(b, kept, moved):  # type: ignore[no-untyped-def]
    """Whether a plan keeps every rule, given one that does and the pairs that went elsewhere.

    `kept` holds the choices of the latter, shape (pairs,), `moved` at least the pairs that differ:
    only what these have left or come to can be broken, and rows.
    """
    for q in moved:
        if _breaks(b, q):
            return False
        k = kept[q]
        if k < 0:
            continue
        p = b.options[k].provider
        if not _fits(b, b.options[k].offer):
            return False
        if b.providers[p].pairs > 0 and b.providers[p].members < b.providers[p].least:
            return False
    return _keeps_rows(b)


@piece
def _troubled(b):  # type: ignore[no-untyped-def]
    """Return a pair that has a part in a broken rule, any of them, or −1."""
    pairs = len(b.pairs)
    q = np.random.randint(pairs)
    for _ in range(pairs):
        if _breaks(b, q):
            return q
        q = (q + 1) % pairs
    return -1


@piece
def _clients(b, j, ruined, n):  # type: ignore[no-untyped-def]
    """Add the pairs that an offer has to the first `n` of some; return how many they are then.

    They are at most `LARGEST`: where an offer may have more, it begins anywhere.
    """
    first, last = b.offers[j].option_start, b.offers[j].option_stop
    at = 0
    if last - first > LARGEST:
        at = np.random.randint(last - first)
    for i in range(last - first):
        if n >= LARGEST:
            break
        k = b.offer_option[first + (at + i) % (last - first)]
        if b.pairs[b.options[k].pair].choice == k:
            ruined[n] = b.options[k].pair
            n += 1
    return n


@piece
def _ruin(b, ruined, q):  # type: ignore[no-untyped-def]
    """Choose pairs to deal anew, about pair `q` or by it.

    Returns their number, a banned offer and provider, and an offer to open (−1 where none).
    Nothing is removed yet.
    """
    offers = len(b.offers)
    n = 0
    what = np.random.random()
    if offers == 0 or what < 0.15:
        # An organisation, or the pairs tied to one.
        o = b.pairs[q].organisation
        for t in range(b.organisations[o].pair_start, b.organisations[o].pair_stop):
            if n < LARGEST:
                ruined[n] = b.organisation_pair[t]
                n += 1
        return n, -1, -1, -1
    if what < 0.40:
        # Close the offer or the provider that has a random pair.
        k = b.pairs[q].choice
        if k >= 0:
            j, p = b.options[k].offer, b.options[k].provider
            whole = np.random.random() < 0.25
            first, last = j, j + 1
            if whole:
                first, last = b.providers[p].offer_start, b.providers[p].offer_stop
            for i in range(first, last):
                n = _clients(b, b.provider_offer[i] if whole else i, ruined, n)
            if np.random.random() < 0.8:
                return n, (-1 if whole else j), (p if whole else -1), -1
            return n, -1, -1, -1
    first, last = b.pairs[q].option_start, b.pairs[q].option_stop
    if first == last:
        ruined[0] = q
        return 1, -1, -1, -1
    k = first + np.random.randint(last - first)
    j = b.options[k].offer
    if what < 0.65:
        return 0, -1, -1, j
    # A neighbourhood: pairs that could share an offer with a random pair.
    first, last = b.offers[j].option_start, b.offers[j].option_stop
    want = min(2 + np.random.randint(18), last - first, LARGEST)
    start = np.random.randint(last - first)
    step = 1 + np.random.randint(max(1, (last - first) // max(want, 1)))
    ruined[0] = q
    n = 1
    for i in range(want):
        other = b.options[b.offer_option[first + (start + i * step) % (last - first)]].pair
        seen = False
        for t in range(n):
            if ruined[t] == other:
                seen = True
        if not seen:
            ruined[n] = other
            n += 1
    return n, -1, -1, -1


@piece
def _open(b, pulls, j, ruined, key, order):  # type: ignore[no-untyped-def]
    """Choose the pairs that offer `j` shall pull, the best first, up to a random fill."""
    first, count = b.offers[j].option_start, b.offers[j].option_stop - b.offers[j].option_start
    n, at = min(count, WIDE), 0
    if count > n:
        at = np.random.randint(count)
    score = key[:n]
    for i in range(n):
        k = b.offer_option[first + (at + i) % count]
        score[i] = pulls[k] + 0.15 * abs(pulls[k]) * (np.random.random() - 0.5)
    arrange(score, order[:n])
    most = 0.0
    for i in range(b.offers[j].band_start, b.offers[j].band_stop):
        if b.bands[i].hi > most:
            most = b.bands[i].hi
    room = most - b.offers[j].volume
    fill = np.random.random()
    room = room if fill < 0.5 else room * (2.0 * (fill - 0.5))
    drawn = 0
    for i in range(n):
        k = b.offer_option[first + (at + order[i]) % count]
        q = b.options[k].pair
        if b.pairs[q].choice == k or drawn >= LARGEST:
            continue
        if score[order[i]] > 0.0 and drawn > 0:
            break
        if b.pairs[q].volume <= room:
            room -= b.pairs[q].volume
            ruined[drawn] = q
            drawn += 1
    return drawn


@piece
def _overfull(b, j):  # type: ignore[no-untyped-def]
    """Whether an offer, or its provider, has more than it can take."""
    most = 0.0
    for i in range(b.offers[j].band_start, b.offers[j].band_stop):
        most = max(most, b.bands[i].hi)
    p = b.offers[j].provider
    return b.offers[j].volume > most or b.providers[p].load > b.providers[p].capacity


@piece
def _chain(b, q, moved, was):  # type: ignore[no-untyped-def]
    """Give pair `q` to another offer, which ejects one if it is overfull, and so on.

    Ejection chains after Glover 1996 (Discrete Appl. Math. 65). Returns the number of moves, which
    are put down in `moved` and `was`.
    """
    first, last = b.pairs[q].option_start, b.pairs[q].option_stop
    if first == last or _bound(b, q):
        return 0
    moved[0], was[0] = q, b.pairs[q].choice
    here = b.options[was[0]].offer if was[0] >= 0 else -1
    remove(b, q)
    best, to = np.inf, was[0]
    for _ in range(3):
        k = first + np.random.randint(last - first)
        if b.options[k].offer != here:
            price = price_of(b, q, k)
            # Without the penalty of an overfull offer: that is mended by the next links.
            j = b.options[k].offer
            if b.offers[j].count > 0:
                price = min(price, float(b.options[k].cost))
            if price < best:
                best, to = price, k
    insert(b, q, to)
    changes = 1
    while changes < LINKS and to >= 0 and _overfull(b, b.options[to].offer):
        j = b.options[to].offer
        first, last = b.offers[j].option_start, b.offers[j].option_stop
        at = np.random.randint(last - first)
        best, who, new = np.inf, -1, NOBODY
        seen = 0
        for i in range(last - first):
            k = b.offer_option[first + (at + i) % (last - first)]
            r = b.options[k].pair
            if b.pairs[r].choice != k or r == moved[changes - 1]:
                continue
            remove(b, r)
            other = cheapest(b, r, j, -1, 0.0)
            price = b.total[0] + b.total[1] + price_of(b, r, other)
            insert(b, r, k)
            if price < best and other != k:
                best, who, new = price, r, other
            seen += 1
            if seen == LOOKS:
                break
        if who < 0:
            break
        moved[changes], was[changes] = who, b.pairs[who].choice
        changes += 1
        remove(b, who)
        insert(b, who, new)
        to = new
    return changes


@piece
def _focus(b):  # type: ignore[no-untyped-def]
    """Return an offer about which to search for a while, rather a small one; −1 for everywhere."""
    q = np.random.randint(len(b.pairs))
    first, last = b.pairs[q].option_start, b.pairs[q].option_stop
    best, at = np.inf, -1
    for _ in range(2):
        if first < last:
            j = b.options[first + np.random.randint(last - first)].offer
            size = b.offers[j].option_stop - b.offers[j].option_start
            if size < best:
                best, at = size, j
    return at


@piece
def _somebody(b, focus):  # type: ignore[no-untyped-def]
    """Return a random pair, of those that an offer could have if one is given."""
    if focus < 0:
        return np.random.randint(len(b.pairs))
    first, last = b.offers[focus].option_start, b.offers[focus].option_stop
    return b.options[b.offer_option[first + np.random.randint(last - first)]].pair


@kernel
def _explore(  # type: ignore[no-untyped-def]
    b, pulls, seed, iterations, area, hot, cold, best, best_value, key, places, marks
):
    """Search as `explore` does; the last arguments are scratch."""
    np.random.seed(seed)
    pairs = len(b.pairs)
    ruined, moved, was, order = places[0], places[1], places[2], places[3]
    if pairs == 0:
        return best_value
    # Pairs whose choices may differ from the best plan's, so that no look at all of them is needed.
    listed, others, differ = marks[0], marks[1], 0
    for q in range(pairs):
        listed[q] = 0
        if b.pairs[q].choice != best[q]:
            listed[q] = 1
            others[differ] = q
            differ += 1
    focus = -1
    for it in range(iterations):
        if it % area == 0 and area < iterations:
            if best_value < np.inf and b.total[0] + b.total[1] > best_value:
                reassign(b, best, others[:differ])
                for i in range(differ):
                    listed[others[i]] = 0
                differ = 0
            focus = _focus(b)
        heat = hot * (cold / hot) ** ((it % area) / area)
        b.unit[3] = b.unit[2] if np.random.random() < SHADOWS else 0.0
        before = b.total[0] + b.total[1]
        changes, n = 0, 0
        banned_offer, banned_provider, opened, donor = -1, -1, -1, -1
        if np.random.random() < CHAINS:
            changes = _chain(b, _somebody(b, focus), moved, was)
        else:
            # Without a plan, half of the moves are about what keeps this one from being one.
            about = -1
            if best_value == np.inf and np.random.random() < 0.5:
                about = _troubled(b)
            if about < 0:
                about = _somebody(b, focus)
            n, banned_offer, banned_provider, opened = _ruin(b, ruined, about)
        if opened >= 0:
            n = _open(b, pulls, opened, ruined, key, order)
            for i in range(n):
                q = ruined[i]
                moved[changes], was[changes] = q, b.pairs[q].choice
                changes += 1
                if b.pairs[q].choice >= 0:
                    donor = b.options[b.pairs[q].choice].offer
                remove(b, q)
            for i in range(n):
                q = ruined[i]
                for k in range(b.pairs[q].option_start, b.pairs[q].option_stop):
                    if b.options[k].offer == opened:
                        insert(b, q, k)
                        break
            # Those that are bound to them are dealt anew, and follow if they can.
            if len(b.mates):
                mates = _party(b, ruined, n)
                for i in range(n, mates):
                    ruined[i - n] = ruined[i]
                n = mates - n
            else:
                n = 0
            if n == 0 and donor >= 0 and donor != opened and np.random.random() < 0.5:
                # What is left with one of those that lost pairs is dealt anew.
                banned_offer = donor if np.random.random() < 0.5 else -1
                n = _clients(b, donor, ruined, n)
        if len(b.mates) and n > 0 and opened < 0:
            n = _party(b, ruined, n)
        for i in range(n):
            q = ruined[i]
            moved[changes], was[changes] = q, b.pairs[q].choice
            changes += 1
            remove(b, q)
        # Large ones first, or in any order.
        largest_first = np.random.random() < 0.5
        for i in range(n):
            key[i] = -float(b.pairs[ruined[i]].volume) if largest_first else np.random.random()
        arrange(key[:n], order)
        for i in range(n):
            q = ruined[order[i]]
            insert(b, q, cheapest(b, q, banned_offer, banned_provider, 0.02))
        after = b.total[0] + b.total[1]
        if after <= before - heat * np.log(max(np.random.random(), 1e-300)):
            for i in range(changes):
                q = moved[i]
                if listed[q] == 0 and b.pairs[q].choice != best[q]:
                    listed[q] = 1
                    others[differ] = q
                    differ += 1
            if after < best_value - 0.5 and (
                keeps_rules(b) if best_value == np.inf
                else _still_keeps_rules(b, best, others[:differ])
            ):  # fmt: skip
                best_value = after
                for i in range(differ):
                    q = others[i]
                    best[q] = b.pairs[q].choice
                    listed[q] = 0
                differ = 0
        else:
            for i in range(changes - 1, -1, -1):
                if b.pairs[moved[i]].choice != was[i]:
                    remove(b, moved[i])
                    insert(b, moved[i], was[i])
    b.unit[3] = b.unit[2]
    return best_value


@piece
def _descend_together(b, party, was, n):  # type: ignore[no-untyped-def]
    """Give pairs that are bound together to their cheapest choice, if that is cheaper."""
    before = b.total[0] + b.total[1]
    open_ones, changed = False, False
    for i in range(n):
        was[i] = b.pairs[party[i]].choice
        if was[i] == NOBODY:
            open_ones = True
        else:
            remove(b, party[i])
    for i in range(n):
        insert(b, party[i], cheapest(b, party[i], -1, -1, 0.0))
        if b.pairs[party[i]].choice != was[i]:
            changed = True
    if not open_ones and changed and b.total[0] + b.total[1] > before - 0.5:
        for i in range(n):
            remove(b, party[i])
        for i in range(n):
            insert(b, party[i], was[i])
        return False
    return changed


@kernel
def _descend(b, party, was):  # type: ignore[no-untyped-def]
    """Descend as `descend` does; the last arguments are scratch."""
    changed = False
    for q in range(len(b.pairs)):
        k = b.pairs[q].choice
        party[0] = q
        n = _party(b, party, 1)
        if n > 1:
            changed |= _descend_together(b, party, was, n)
            continue
        before = b.total[0] + b.total[1]
        if k != NOBODY:
            remove(b, q)
        at = cheapest(b, q, -1, -1, 0.0)
        insert(b, q, at)
        if at != k:
            if k != NOBODY and b.total[0] + b.total[1] > before - 0.5:
                remove(b, q)
                insert(b, q, k)
            else:
                changed = True
    return changed


def descend(b: Board) -> bool:
    """Give each pair in turn to its cheapest choice; say whether that changed anything.

    With it go those that are bound to it.
    """
    scratch = np.empty((2, PARTY), dtype=np.int64)
    return bool(_descend(b, scratch[0], scratch[1]))


def explore(
    b: Board,
    pulls: Floats,
    seed: int,
    iterations: int,
    area: int,
    hot: float,
    cold: float,
    best: Ints,
    best_value: float,
) -> float:
    """Search for a number of iterations; leave the best plan in `best` and return its cost.

    Parameters
    ----------
    b
        The problem and the plan to start from, which moves.
    pulls
        How dear each option is to its offer at the present prices per unit of volume (negative: it
        wants it), shape (options,).
    seed
        Of the random numbers.
    area
        Iterations about one offer, after which another follows; all of them for no such order.
    hot, cold
        First and last temperature, in money.
    best, best_value
        Choices of the best plan that keeps the rules, shape (pairs,), and its cost; infinite if
        there is none yet.
    """
    most = len(b.pairs) + 8 * LARGEST + 8
    value: float = _explore(
        b, pulls, seed, iterations, area, hot, cold, best, best_value,
        np.empty(most), np.empty((4, most), dtype=np.int64),
        np.empty((2, len(b.pairs)), dtype=np.int64),
    )  # fmt: skip
    return value

"""Where shared centres and co-operatives might be: p-medians, and groups of near neighbours.

Nothing here is drawn at random; ties go to the organisation that comes first in the list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from optimiser.model.distance import EARTH_RADIUS_KM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

#: Sites that a centre may have: so many organisations, those of most work.
_MOST_SITES: Final = 1000
#: Organisations that are grouped at once: their distances fill some 60 MB.
_MOST_AT_ONCE: Final = 4000
#: Exchanges end here at the latest; each improves the sum, so this is a guard only.
_MOST_EXCHANGES: Final = 10_000


def distances(one: Floats, other: Floats, *, great_circle: bool) -> Floats:
    """Return km between places, shape (one, other).

    Parameters
    ----------
    one, other
        Degrees north and east, or x and y in km, shape (places, 2).
    great_circle
        Whether they are degrees: the haversine formula, as in `model.distance`.
    """
    if not great_circle:
        return np.hypot(
            one[:, :1] - other[None, :, 0], one[:, 1:2] - other[None, :, 1]
        )  # (one, other)
    (lat1, lon1), (lat2, lon2) = np.radians(one).T, np.radians(other).T
    h = (
        np.sin((lat1[:, None] - lat2) / 2) ** 2
        + np.cos(lat1)[:, None] * np.cos(lat2) * np.sin((lon1[:, None] - lon2) / 2) ** 2
    )
    result: Floats = 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.minimum(h, 1.0)))
    return result


def centres(places: Floats, work: Floats, count: int, *, great_circle: bool) -> Ints:
    """Choose organisations to put centres at: a p-median, work times distance being least.

    The sites are added one by one, each the one that lowers the sum most (greedy: Kuehn &
    Hamburger, Management Science 9, 1963), then single sites are exchanged while that lowers it
    (vertex substitution: Teitz & Bart, Operations Research 16, 1968; each round takes the best
    exchange).

    Parameters
    ----------
    places
        Of the organisations, shape (organisations, 2).
    work
        Weight of each, shape (organisations,).
    count
        How many; fewer are found where there are fewer places.
    great_circle
        As in `distances`.

    Returns
    -------
    Rows of `places`, in the order of the list.
    """
    sites = np.sort(np.argsort(-work, kind="stable")[:_MOST_SITES])
    # Two centres at one place would be one.
    _, first = np.unique(places[sites], axis=0, return_index=True)
    sites = sites[np.sort(first)]
    count = min(count, len(sites))
    if not count:
        return np.zeros(0, dtype=np.int64)
    cost = distances(places[sites], places, great_circle=great_circle) * work  # (sites, all)
    chosen: list[int] = []
    nearest = np.full(len(places), np.inf)
    for _ in range(count):
        total = np.minimum(cost, nearest).sum(axis=1)
        total[chosen] = np.inf
        chosen.append(int(np.argmin(total)))
        nearest = np.minimum(nearest, cost[chosen[-1]])
    best = float(nearest.sum())
    for _ in range(_MOST_EXCHANGES):
        exchange, at = best * (1 - 1e-9), (-1, -1)
        for position in range(count):
            rest = [site for each, site in enumerate(chosen) if each != position]
            kept = cost[rest].min(axis=0) if rest else np.full(len(places), np.inf)
            total = np.minimum(cost, kept).sum(axis=1)
            total[chosen] = np.inf
            site = int(np.argmin(total))
            if total[site] < exchange:
                exchange, at = float(total[site]), (position, site)
        if at[0] < 0:
            break
        chosen[at[0]], best = at[1], exchange
    return np.sort(sites[chosen]).astype(np.int64)


def groups(
    places: Floats,
    work: Floats,
    *,
    most: int,
    least: int,
    reach: float,
    most_work: float,
    count: int | None = None,
    great_circle: bool,
) -> list[Ints]:
    """Group near neighbours: no group too large, too wide or with too much work.

    The tree of complete linkage (Sørensen 1948; scipy.cluster.hierarchy) joins what is near; the
    height of a branch is the largest distance between two of its leaves. From the top, a branch
    that keeps all three limits becomes a group, any other is parted into its two; what ends with
    fewer than `least` forms none.

    Parameters
    ----------
    places, work, great_circle
        As in `centres`.
    most, least
        Most and fewest members.
    reach
        Largest distance between two members, km.
    most_work
        Most work of a group.
    count
        How many at most: those with most members are kept. If fewer are found, the largest are
        parted while both parts have `least` members. None leaves their number as it comes.

    Returns
    -------
    Rows of `places`, sorted, of each group; groups in the order of their first member.
    """
    found: list[Ints] = []
    for block in _blocks(places, np.arange(len(places))):
        if len(block) >= max(least, 2):
            tree = _Tree(places[block], work[block], great_circle=great_circle)
            branches = (block[tree.leaves(node)] for node in tree.tops(most, reach, most_work))
            found += [members for members in branches if len(members) >= least]
    if count is not None:
        found = _counted(found, places, work, least, count, great_circle=great_circle)
    return sorted(found, key=lambda members: int(members[0]))


def _counted(
    found: list[Ints], places: Floats, work: Floats, least: int, count: int, *, great_circle: bool
) -> list[Ints]:
    """Bring the number of groups to `count`, as far as `least` lets them be parted."""
    settled: list[Ints] = []
    while found and len(found) + len(settled) < count:
        at = max(range(len(found)), key=lambda g: (len(found[g]), work[found[g]].sum()))
        members = found.pop(at)
        halves = None
        if len(members) >= 2 * least:
            tree = _Tree(places[members], work[members], great_circle=great_circle)
            halves = tree.halves(least)
        if halves is None:
            settled.append(members)
        else:
            found.extend(members[half] for half in halves)
    found += settled
    order = sorted(range(len(found)), key=lambda g: (-len(found[g]), -work[found[g]].sum()))
    return [found[at] for at in order[:count]]


class _Tree:
    """The tree of complete linkage over some places; node n < leaves is a place."""

    def __init__(self, places: Floats, work: Floats, *, great_circle: bool) -> None:
        from scipy.cluster.hierarchy import linkage
        from scipy.spatial.distance import squareform

        n = len(places)
        square = distances(places, places, great_circle=great_circle)
        np.fill_diagonal(square, 0.0)
        # The two halves may differ in their last digits.
        links = linkage(squareform(np.minimum(square, square.T), checks=False), "complete")
        self.children = np.full((2 * n - 1, 2), -1, dtype=np.int64)
        self.children[n:] = links[:, :2].astype(np.int64)
        self.height = np.concatenate([np.zeros(n), links[:, 2]])
        self.size = np.concatenate([np.ones(n), links[:, 3]])
        self.work = np.concatenate([work, np.zeros(n - 1)])
        for node in range(n, 2 * n - 1):
            self.work[node] = self.work[self.children[node]].sum()
        self.root = 2 * n - 2

    def leaves(self, node: int) -> Ints:
        """Places below a node, sorted."""
        todo, found = [node], []
        while todo:
            each = todo.pop()
            if self.children[each, 0] < 0:
                found.append(each)
            else:
                todo.extend(self.children[each].tolist())
        return np.sort(np.array(found, dtype=np.int64))

    def tops(self, most: int, reach: float, most_work: float) -> list[int]:
        """Topmost nodes that keep the limits."""
        todo, found = [self.root], []
        while todo:
            node = todo.pop()
            if (
                self.size[node] <= most
                and self.height[node] <= reach
                and self.work[node] <= most_work
            ):
                found.append(node)
            elif self.children[node, 0] >= 0:
                todo.extend(self.children[node].tolist())
        return found

    def halves(self, least: int) -> tuple[Ints, Ints] | None:
        """Part the whole into its two branches; None if one has fewer than `least` places."""
        one, other = (self.leaves(int(child)) for child in self.children[self.root])
        return (one, other) if min(len(one), len(other)) >= least else None


def _blocks(places: Floats, rows: Ints) -> list[Ints]:
    """Part places into blocks that fit into memory, by halves across their longer side."""
    if len(rows) <= _MOST_AT_ONCE:
        return [rows]
    spread = np.ptp(places[rows], axis=0)
    order = rows[np.argsort(places[rows, int(np.argmax(spread))], kind="stable")]
    middle = len(order) // 2
    return [*_blocks(places, np.sort(order[:middle])), *_blocks(places, np.sort(order[middle:]))]


def middle(places: Floats, work: Floats, members: Ints, *, great_circle: bool) -> int:
    """Return the member that is nearest to all: the 1-median by work times distance."""
    apart = distances(places[members], places[members], great_circle=great_circle)
    return int(members[int(np.argmin((apart * work[members]).sum(axis=1)))])

"""Distances between organisations and providers, in whole metres."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from optimiser.model.instance import BLANK

if TYPE_CHECKING:
    from fractions import Fraction

    from numpy.typing import NDArray

    from optimiser.model.instance import Instance

    Ints = NDArray[np.int64]

EARTH_RADIUS_KM: Final = 6371.0088
#: Stands for a distance where there is no way.
UNREACHABLE: Final = -1


class Distances:
    """Metres between rows of organisations and rows of providers, detour included."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._detour = instance.settings.detour
        self._metric = instance.settings.metric
        self._paths: NDArray[np.float64] | None = None

    def metres(self, organisation: Ints, provider: Ints) -> Ints:
        """Return whole metres, `UNREACHABLE`, or 0 where either has no place, shape as given."""
        if self._metric == "network":
            return self._roads(organisation, provider)
        ours, theirs = self._instance["organisations"], self._instance["providers"]
        names = ("latitude", "longitude") if self._metric == "great-circle" else ("x_km", "y_km")
        first = [ours[name][organisation] for name in names]
        second = [theirs[name][provider] for name in names]
        placed = np.all([column != BLANK for column in (*first, *second)], axis=0)
        result = np.zeros(len(organisation), dtype=np.int64)
        a, b = ([column[placed] for column in side] for side in (first, second))
        measure = _great_circle if self._metric == "great-circle" else _straight_line
        result[placed] = measure(a, b, self._detour)
        return result

    def _network(self) -> NDArray[np.float64]:
        """Find the shortest paths from every provider that is a node, in metres without detour."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import dijkstra

        table = self._instance["network"]
        nodes: dict[str, int] = {}
        ends = [
            [nodes.setdefault(key, len(nodes)) for key in table[side].tolist()]
            for side in ("from", "to")
        ]
        n = len(nodes)
        shortest: dict[tuple[int, int], int] = {}
        for one, two, length in zip(*ends, table["km"].tolist(), strict=True):
            road = (min(one, two), max(one, two))
            shortest[road] = min(length, shortest.get(road, length))
        roads = np.array(list(shortest), dtype=np.int64).reshape(-1, 2)
        # A length of 0 would read as "no road": make it so short that all of them add up to less
        # than a quarter of a metre, which rounding takes off again.
        length_m = np.array(list(shortest.values()), dtype=np.float64)
        tiny = 1.0 / (4 * (n + 1))
        graph = coo_array((np.maximum(length_m, tiny), (roads[:, 0], roads[:, 1])), shape=(n, n))
        providers = [nodes.get(key, -1) for key in self._instance["providers"].keys.tolist()]
        organisations = [
            nodes.get(key, -1) for key in self._instance["organisations"].keys.tolist()
        ]
        self._provider_node = np.array(providers, dtype=np.int64)
        self._organisation_node = np.array(organisations, dtype=np.int64)
        sources = np.unique(self._provider_node[self._provider_node >= 0])
        self._source = np.full(n + 1, 0, dtype=np.int64)
        self._source[sources] = np.arange(len(sources))
        if not len(sources):
            return np.zeros((0, n))
        paths: NDArray[np.float64] = dijkstra(graph.tocsr(), directed=False, indices=sources)
        return paths

    def _roads(self, organisation: Ints, provider: Ints) -> Ints:
        if self._paths is None:
            self._paths = self._network()
        start, end = self._provider_node[provider], self._organisation_node[organisation]
        placed = (start >= 0) & (end >= 0)
        result = np.zeros(len(organisation), dtype=np.int64)
        found = self._paths[self._source[start[placed]], end[placed]]
        there = np.isfinite(found)
        metres = np.full(len(found), UNREACHABLE, dtype=np.int64)
        whole = np.floor(found[there] + 0.25).astype(np.int64)
        top, bottom = self._detour.numerator, self._detour.denominator
        if top < 2**20 and bottom < 2**20:
            metres[there] = (2 * whole * top + bottom) // (2 * bottom)
        else:
            metres[there] = [int((2 * w * top + bottom) // (2 * bottom)) for w in whole.tolist()]
        result[placed] = metres
        return result


def _great_circle(a: list[Ints], b: list[Ints], detour: Fraction) -> Ints:
    """Haversine: d = 2 R asin √(sin²(Δφ/2) + cos φ₁ cos φ₂ sin²(Δλ/2))."""
    lat1, lon1, lat2, lon2 = (np.radians(column / 1e9) for column in (*a, *b))
    h = (
        np.sin((lat2 - lat1) / 2) ** 2
        + np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
    )
    km = 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.minimum(h, 1.0)))
    metres: Ints = np.floor(km * 1000 * float(detour) + 0.5).astype(np.int64)
    return metres


def _straight_line(a: list[Ints], b: list[Ints], detour: Fraction) -> Ints:
    """√(Δx² + Δy²) · detour rounded half up, exactly: floats first, integers where it is close."""
    dx, dy = a[0] - b[0], a[1] - b[1]
    estimate = np.hypot(dx.astype(np.float64), dy.astype(np.float64)) * float(detour) + 0.5
    result = np.floor(estimate).astype(np.int64)
    close = np.abs(estimate - np.rint(estimate)) <= 1e-6 + 1e-12 * estimate
    top, bottom = detour.numerator, detour.denominator
    for i in np.flatnonzero(close).tolist():
        square = 4 * (int(dx[i]) ** 2 + int(dy[i]) ** 2) * top * top
        metres = int(np.rint(estimate[i]))
        # half up: metres is right where (2·metres − 1)·bottom ≤ 2·√S·top
        result[i] = (
            metres if ((2 * metres - 1) * bottom) ** 2 <= square or metres <= 0 else metres - 1
        )
    return result

"""Distances for the checker, reckoned only where a plan needs them."""

from __future__ import annotations

from math import asin, cos, isqrt, radians, sin, sqrt
from typing import TYPE_CHECKING, Any, Final

from optimiser.model.schema import DECIMALS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optimiser.model.check_facts import Facts

_EARTH_METRES: Final = 6371008.8
_DEGREE: Final = 10.0 ** DECIMALS["degrees"]


class Distances:
    """Metres between organisations and providers."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        settings = facts.instance.settings
        self.metric = settings.metric
        self._detour = settings.detour.as_integer_ratio()
        self._places: dict[tuple[str, int], tuple[float, float, float] | None] = {}
        self._nodes: frozenset[str] | None = None
        self._graph: Any = None
        self._roads: dict[str, Mapping[str, int]] = {}

    def metres(self, organisation: int, provider: int) -> int | None:
        """Return the distance in whole metres; 0 without a place, None if no road leads there."""
        if self.metric == "network":
            return self._by_road(organisation, provider)
        if self.metric == "great-circle":
            return self._great_circle(organisation, provider)
        return self._straight(organisation, provider)

    def _on_globe(self, table: str, row: int) -> tuple[float, float, float] | None:
        """Return latitude and longitude in radians, and the latitude's cosine."""
        if (table, row) not in self._places:
            latitude = self._facts.limits(table, "latitude")[row]
            longitude = self._facts.limits(table, "longitude")[row]
            place = None
            if latitude is not None and longitude is not None:
                angle = radians(latitude / _DEGREE)
                place = angle, radians(longitude / _DEGREE), cos(angle)
            self._places[table, row] = place
        return self._places[table, row]

    def _great_circle(self, organisation: int, provider: int) -> int:
        """Haversine; the only floats of the checker."""
        one = self._on_globe("organisations", organisation)
        two = self._on_globe("providers", provider)
        if one is None or two is None:
            return 0
        (lat, lon, cosine), (lat_to, lon_to, cosine_to) = one, two
        chord = sin((lat_to - lat) / 2) ** 2 + cosine * cosine_to * sin((lon_to - lon) / 2) ** 2
        exact = (2 * _EARTH_METRES * asin(sqrt(min(1.0, chord)))).as_integer_ratio()
        return self._whole(*exact)

    def _straight(self, organisation: int, provider: int) -> int:
        facts = self._facts
        x, y = (facts.limits("organisations", name)[organisation] for name in ("x_km", "y_km"))
        x_to, y_to = (facts.limits("providers", name)[provider] for name in ("x_km", "y_km"))
        if x is None or y is None or x_to is None or y_to is None:
            return 0
        # Kilometres of three decimals are metres.
        up, down = self._detour
        # floor(√n + ½) = (floor(√(4n)) + 1) // 2, exact for any fraction n under the root.
        square = ((x_to - x) ** 2 + (y_to - y) ** 2) * up * up
        return (isqrt(4 * square // (down * down)) + 1) // 2

    def _by_road(self, organisation: int, provider: int) -> int | None:
        start = str(self._facts.instance["providers"].keys[provider])
        end = str(self._facts.instance["organisations"].keys[organisation])
        nodes = self._network_nodes()
        if start not in nodes or end not in nodes:
            return 0
        if start not in self._roads:
            self._roads[start] = self._road_lengths(start)
        metres = self._roads[start].get(end)
        return None if metres is None else self._whole(metres, 1)

    def _network_nodes(self) -> frozenset[str]:
        if self._nodes is None:
            ends = (self._facts.words("network", name) for name in ("from", "to"))
            self._nodes = frozenset(node for end in ends for node in end)
        return self._nodes

    def _road_lengths(self, start: str) -> Mapping[str, int]:
        import networkx as nx

        if self._graph is None:
            graph = nx.Graph()
            for one, two, metres in zip(
                self._facts.words("network", "from"),
                self._facts.words("network", "to"),
                self._facts.numbers("network", "km"),
                strict=True,
            ):
                if not graph.has_edge(one, two) or graph[one][two]["weight"] > metres:
                    graph.add_edge(one, two, weight=metres)
            self._graph = graph
        lengths: Mapping[str, int] = nx.single_source_dijkstra_path_length(self._graph, start)
        return lengths

    def _whole(self, numerator: int, denominator: int) -> int:
        """Multiply by the detour and round to the metre, half up."""
        up, down = self._detour
        return (2 * numerator * up + denominator * down) // (2 * denominator * down)

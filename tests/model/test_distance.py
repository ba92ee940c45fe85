"""Distances in whole metres."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import networkx as nx
import numpy as np
import pytest
from brute import decimal_text, half_up_root
from hypothesis import given, settings
from hypothesis import strategies as st

from optimiser.model.build import instance_from
from optimiser.model.distance import UNREACHABLE, Distances

quick = settings(derandomize=True, deadline=None, max_examples=60)


def instance(organisations, providers, network=(), **distance):
    """Organisations o0 … and providers p0 … with these cells; only their places matter."""
    names = ("latitude", "longitude", "x_km", "y_km")
    ours = [{"organisation": f"o{n}", **cells} for n, cells in enumerate(organisations)]
    theirs = [
        {"provider": f"p{n}", "mode": "shared-centre", **cells} for n, cells in enumerate(providers)
    ]
    tables = {
        "organisations": rows(ours, "organisation", *names),
        "providers": rows(theirs, "provider", "mode", *names),
        "services": {"service": ["s"]},
        "demand": {
            "organisation": [row["organisation"] for row in ours],
            "service": ["s"] * len(ours),
            "volume": ["1"] * len(ours),
            "in_house_cost": ["1"] * len(ours),
        },
        "offers": {"provider": ["p0"], "service": ["s"]},
        "tariffs": {"provider": ["p0"], "service": ["s"], "band": ["b"]},
    }
    if network:
        tables["network"] = {
            "from": [a for a, _, _ in network],
            "to": [b for _, b, _ in network],
            "km": [km for _, _, km in network],
        }
    return instance_from(tables, {"distance": distance} if distance else {})


def rows(table, *names):
    return {name: [row.get(name, "") for row in table] for name in names}


def metres(made):
    """All distances, organisations down and providers across."""
    m, n = len(made["organisations"]), len(made["providers"])
    found = Distances(made).metres(np.repeat(np.arange(m), n), np.tile(np.arange(n), m))
    return found.reshape(m, n).tolist()


def globe(latitude, longitude):
    return {"latitude": str(latitude), "longitude": str(longitude)}


def plane(x, y):
    return {"x_km": str(x), "y_km": str(y)}


def text(value, decimals):
    return decimal_text(Fraction(value, 10**decimals), decimals)


# Great circle


def test_great_circle_agrees_with_geometry():
    """A degree, a quarter and a half of the meridian are their share of 2 π R, to the metre."""
    around = 2 * math.pi * 6_371_008.8
    made = instance(
        [globe(0, 0)], [globe(1, 0), globe(0, -1), globe(90, 17), globe(0, 180), globe(0, 0)]
    )
    assert metres(made) == [[round(around * part) for part in (1 / 360, 1 / 360, 1 / 4, 1 / 2, 0)]]


def test_great_circle_agrees_with_known_distances():
    """London to Paris is 343.5 km and Exeter to Plymouth 57.6 km, near enough."""
    london, paris = globe(51.5074, -0.1278), globe(48.8566, 2.3522)
    exeter, plymouth = globe(50.7184, -3.5339), globe(50.3755, -4.1427)
    found = metres(instance([london, exeter], [paris, plymouth]))
    assert found[0][0] == pytest.approx(343_500, rel=0.005)
    assert found[1][1] == pytest.approx(57_600, rel=0.02)


def test_great_circle_crosses_the_date_line():
    """Two places either side of the date line are near each other."""
    assert metres(instance([globe(0, 179.5)], [globe(0, -179.5)])) == metres(
        instance([globe(0, 0)], [globe(0, 1)])
    )


def test_great_circle_takes_the_detour():
    """A detour of 1.3 makes 111 195 m into 144 554 m."""
    assert metres(instance([globe(0, 0)], [globe(1, 0)], detour="1.3")) == [[144_554]]


# Straight line


def test_straight_line_is_pythagoras():
    """3 and 4 km make 5 km; a detour of 1.1 makes 5.5 km."""
    assert metres(instance([plane(1, -1)], [plane(4, 3)])) == [[5000]]
    assert metres(instance([plane(1, -1)], [plane(4, 3)], detour="1.1")) == [[5500]]


def test_straight_line_rounds_half_up():
    """2.5 m becomes 3 m: 5 m with a detour of a half; a hair less becomes 2 m."""
    five = [plane("0.003", 0)], [plane(0, "0.004")]
    assert metres(instance(*five, detour="0.5")) == [[3]]
    assert metres(instance(*five, detour="0.499999999999")) == [[2]]


@quick
@given(
    st.lists(st.integers(-(10**7), 10**7) | st.integers(-20, 20), min_size=4, max_size=4),
    st.integers(1, 10**13) | st.sampled_from((10**12, 5 * 10**11, 125 * 10**10)),
)
def test_straight_line_is_exact(places, detour):
    """To the last metre the result is that of integers, for any places and detours."""
    a, b, c, d = (text(value, 3) for value in places)
    factor = Fraction(detour, 10**12)
    made = instance([plane(a, b)], [plane(c, d)], detour=text(detour, 12))
    square = Fraction((places[0] - places[2]) ** 2 + (places[1] - places[3]) ** 2)
    assert metres(made) == [[half_up_root(square * factor**2)]]


def test_without_a_place_the_distance_is_nought():
    """A blank place on either side is no distance at all."""
    made = instance([plane(0, 0), {}], [plane(3, 4), {}])
    assert metres(made) == [[5000, 0], [0, 0]]


# Network


@quick
@given(
    st.lists(
        st.tuples(
            st.integers(0, 7), st.integers(0, 7), st.integers(0, 30_000) | st.sampled_from((0, 1))
        ),
        min_size=1,
        max_size=14,
    ),
    st.sampled_from(("1", "1.2345", "0.333")),
)
def test_network_agrees_with_networkx(drawn, detour):
    """Shortest paths are those of networkx in whole metres, parallel and empty roads included."""
    nodes = ["o0", "o1", "o2", "p0", "p1", "p2", "junction", "crossing"]
    roads = [(nodes[a], nodes[b], m) for a, b, m in drawn if a != b] or [("o0", "p0", 7)]
    seen = {}
    graph = nx.Graph()
    for a, b, m in roads:
        key = frozenset((a, b))
        seen[key] = min(m, seen.get(key, m))
        graph.add_edge(a, b, weight=seen[key])
    # The key of a road is its two ends in order, so that a parallel one goes the other way.
    network = list({(a, b): (a, b, text(m, 3)) for a, b, m in roads}.values())
    last = {}
    for a, b, km in network:
        m = int(Fraction(km) * 1000)
        last[frozenset((a, b))] = min(m, last.get(frozenset((a, b)), m))
    nx.set_edge_attributes(graph, {tuple(key): m for key, m in last.items()}, "weight")
    found = metres(instance([{}] * 3, [{}] * 3, network, detour=detour))
    for o in range(3):
        for p in range(3):
            a, b = f"o{o}", f"p{p}"
            if a not in graph or b not in graph:
                expected = 0
            elif not nx.has_path(graph, a, b):
                expected = UNREACHABLE
            else:
                length = nx.shortest_path_length(graph, a, b, weight="weight")
                expected = math.floor(length * Fraction(detour) + Fraction(1, 2))
            assert found[o][p] == expected


def test_the_shorter_of_parallel_roads_counts():
    """Two roads between the same places: the shorter one is taken, whichever way it is listed."""
    made = instance([{}], [{}], [("o0", "p0", "9"), ("p0", "o0", "4")])
    assert metres(made) == [[4000]]


def test_roads_of_no_length_join_places():
    """A thousand roads of 0 km lead anywhere in 0 m, and add nothing to a longer way."""
    chain = ["o0", *(f"j{n}" for n in range(1000)), "p0"]
    network = [(a, b, "0") for a, b in itertools.pairwise(chain)]
    network.append(("p0", "p1", "0.001"))
    assert metres(instance([{}], [{}, {}], network)) == [[0, 1]]


def test_what_is_no_node_of_the_network_has_no_place():
    """Off the network there is no distance; on it but apart there is no way."""
    made = instance([{}, {}], [{}, {}], [("o0", "p0", "5"), ("j0", "o1", "1")])
    assert metres(made) == [[5000, 0], [UNREACHABLE, 0]]


def test_a_network_without_providers_is_no_fault():
    """Where no provider is a node, all distances are 0."""
    assert metres(instance([{}], [{}], [("o0", "j0", "5")])) == [[0]]


def test_long_roads_with_fine_detours_are_exact():
    """A detour of many decimals is taken exactly, half up."""
    detour = "1.000000500001"
    expected = math.floor(999_999_999 * Fraction(detour) + Fraction(1, 2))
    found = metres(instance([{}], [{}], [("o0", "p0", "999999.999")], detour=detour))
    assert found == [[expected]]

"""The rule by which the suite `sample` is drawn from all instances.

The instances of each public set, and of each family's suite, are sorted by size (pairs × providers)
and then by tightness (demand over capacity). Of n, k = ⌈n / 9⌉ are taken, at least two and at most
eight: those at the evenly spaced ranks ⌊(i + ½) · n / k⌋, i = 0 … k − 1. The named instances are
taken all. What the rule gives is written in suites.toml, which a test holds to it.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from benchmarks.suite_types import SIZES
from benchmarks.suites import Case, find_suite, public_cases
from benchmarks.worker import read_instance
from optimiser.model.instance import BLANK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from optimiser.model.instance import Instance

#: Suites of one family each from which is drawn.
FAMILY_SUITES: Final = ("regional", "oversight", "staircase", "schools", "everything")
#: One instance in so many is taken; at least and at most so many of a set.
ONE_IN, LEAST, MOST = 9, 2, 8


def size(instance: Instance) -> int:
    """Return the number of pairs times that of providers."""
    return len(instance["demand"]) * len(instance["providers"])


def tightness(instance: Instance) -> Fraction:
    """Return weighted demand over the weighted capacity of all offers; 0 where one has no limit.

    Capacities of providers are left out: no set has them alone.
    """
    weight = instance["services"]["weight"].astype(object)
    demand, offers = instance["demand"], instance["offers"]
    capacity = offers["capacity"]
    if (capacity == BLANK).any():
        return Fraction(0)
    needed = sum(demand["volume"].astype(object) * weight[demand["service"]])
    room = sum(capacity.astype(object) * weight[offers["service"]])
    return Fraction(int(needed), int(room)) if room else Fraction(0)


def count(every: int) -> int:
    """Return how many of `every` instances are taken."""
    return min(every, MOST, max(LEAST, math.ceil(every / ONE_IN)))


def pick(cases: Iterable[Case]) -> list[Case]:
    """Return those of one set's cases that the rule takes, smallest first."""
    keyed = []
    for case in cases:
        instance = read_instance(case.source)
        keyed.append((size(instance), tightness(instance), case.instance, case))
    keyed.sort(key=lambda each: each[:3])
    every, taken = len(keyed), count(len(keyed))
    ranks = [(2 * i + 1) * every // (2 * taken) for i in range(taken)]
    return [keyed[rank][3] for rank in ranks]


def draw_generated() -> list[Case]:
    """Return what the rule takes of the families."""
    return [case for name in FAMILY_SUITES for case in pick(find_suite(name).cases(None))]


def draw_public(data: Path) -> list[Case]:
    """Return what the rule takes of the public sets in the folder `data`."""
    every = public_cases(data)
    sets = dict.fromkeys(case.set for case in every)
    return [case for name in sets for case in pick(case for case in every if case.set == name)]


def draw(data: Path) -> list[Case]:
    """Return the whole sample: named, generated, public."""
    return [*find_suite("named").cases(None), *draw_generated(), *draw_public(data)]


def lines(cases: Iterable[Case]) -> Iterator[str]:
    """Yield the cases as entries of the suite in suites.toml."""
    names: dict[tuple[str, Any], list[Case]] = {}
    for case in cases:
        kind = next(key for key in ("named", "family", "file") if key in case.source)
        seed = case.source.get("seed")
        names.setdefault((case.set, seed if kind == "family" else None), []).append(case)
    for (group, seed), some in names.items():
        yield "[[sample.instances]]"
        if "named" in some[0].source:
            yield f"named = {_list(each.instance for each in some)}"
        elif "family" in some[0].source:
            sizes = [[each.source["sizes"][name] for name in SIZES] for each in some]
            yield f'family = "{group}"'
            yield f"seeds = [{seed}]"
            yield f"sizes = {sizes}"
        else:
            yield f'public = "{group}"'
            yield f"names = {_list(each.instance.partition('/')[2] for each in some)}"


def _list(words: Iterable[str]) -> str:
    return "[" + ", ".join(f'"{word}"' for word in words) + "]"

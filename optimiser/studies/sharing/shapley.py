"""The Shapley value: what each adds to the cost on average over all orders of joining."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from optimiser.studies.interval import Interval
from optimiser.studies.sharing.games import groups_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimiser.studies.sharing.games import Game


@dataclass(frozen=True, slots=True, kw_only=True)
class Shapley:
    """Shapley value in last places of money, by player.

    Parameters
    ----------
    shares
        At the plans found for the groups.
    limits
        Where each lies if the groups' costs are known within a gap only; () if sampled.
    errors
        Half-width of the 95 % confidence interval of each; () if all orders were reckoned.
    orders
        Orders that were sampled; 0 for all.
    """

    shares: tuple[Fraction, ...]
    limits: tuple[Interval, ...] = ()
    errors: tuple[Fraction, ...] = ()
    orders: int = 0


def exact_shapley(game: Game) -> Shapley | None:
    """Return the value over all orders (Shapley 1953); None if a group cannot be served alone.

    x_i = Σ_S |S|! (n − |S| − 1)! / n! · (c(S ∪ i) − c(S)) over groups S without i.
    """
    size = len(game.players)
    limits = [Interval.of(0)] * size
    shares = [Fraction(0)] * size
    for group in [*groups_of(size), game.everyone]:
        found = _cost(game, group)
        if found is None:
            return None
        inside = group.bit_count()
        joined = Fraction(
            math.factorial(inside - 1) * math.factorial(size - inside), math.factorial(size)
        )
        without = Fraction(0)
        if inside < size:
            without = Fraction(
                math.factorial(inside) * math.factorial(size - inside - 1), math.factorial(size)
            )
        high = found.high or Fraction(0)
        for at in range(size):
            factor = joined if group >> at & 1 else -without
            limits[at] = limits[at] + found.times(factor)
            shares[at] += factor * high
    return Shapley(shares=tuple(shares), limits=tuple(limits))


def orders_of(size: int, count: int, seed: int) -> list[tuple[int, ...]]:
    """Return random orders, each followed by its reverse, which evens out luck."""
    source = random.Random(seed)
    found: list[tuple[int, ...]] = []
    while len(found) < count:
        order = list(range(size))
        source.shuffle(order)
        found += [tuple(order), tuple(reversed(order))]
    return found


def prefixes(orders: Sequence[tuple[int, ...]]) -> list[int]:
    """Return every group that some order passes through, each once."""
    found: dict[int, None] = {}
    for order in orders:
        group = 0
        for at in order:
            group |= 1 << at
            found[group] = None
    return list(found)


def sampled_shapley(game: Game, orders: Sequence[tuple[int, ...]]) -> Shapley | None:
    """Estimate the value from orders in pairs (Castro, Gómez & Tejada 2009, antithetic).

    Errors are Student's t times the standard error over the pairs. None if a group cannot be
    served alone. The shares add up to the cost whatever the orders.
    """
    from scipy.stats import t

    size = len(game.players)
    means: list[list[Fraction]] = [[] for _ in range(size)]
    for first, second in zip(orders[::2], orders[1::2], strict=True):
        one, two = _added(game, first), _added(game, second)
        if one is None or two is None:
            return None
        for at in range(size):
            means[at].append((one[at] + two[at]) / 2)
    pairs = len(means[0])
    shares = [sum(each, Fraction(0)) / pairs for each in means]
    errors = []
    for each, mean in zip(means, shares, strict=True):
        if pairs < 2:
            break
        variance = float(sum(((v - mean) ** 2 for v in each), Fraction(0)) / (pairs - 1))
        errors.append(Fraction(float(t.ppf(0.975, pairs - 1)) * math.sqrt(variance / pairs)))
    return Shapley(shares=tuple(shares), errors=tuple(errors), orders=len(orders))


def _added(game: Game, order: Sequence[int]) -> list[Fraction] | None:
    added = [Fraction(0)] * len(order)
    group, before = 0, Fraction(0)
    for at in order:
        group |= 1 << at
        found = _cost(game, group)
        if found is None or found.high is None:
            return None
        added[at] = found.high - before
        before = found.high
    return added


def _cost(game: Game, group: int) -> Interval | None:
    """Return what a group pays alone; None where that is impossible or not known."""
    if group == game.everyone:
        return Interval.of(game.total)
    value = game.values.get(group)
    return None if value is None or value.cost.high is None else value.cost

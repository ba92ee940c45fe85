"""The group that has most reason to leave: found by enumeration, or by a mixed-integer program."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from optimiser.model.bundles import Bundle, Common, Entries, Ties
from optimiser.model.check import check
from optimiser.model.compile import compile_problem
from optimiser.solvers.together import solve_bundle
from optimiser.studies.interval import Interval
from optimiser.studies.sharing.linear import whole_shares

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimiser.model.plan import Plan
    from optimiser.studies.sharing.games import Game


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """The group that would gain most by leaving, at given shares.

    Parameters
    ----------
    group
        Which; 0 if none was found.
    gain
        What it pays less by itself than its shares, in last places of money; negative where it
        would pay more.
    most
        What any group may gain lies within this: its low end is what some group gains, its high
        end what none exceeds (None: not known).
    """

    group: int
    gain: Interval
    most: Interval


def sum_of(shares: Sequence[Fraction | int], group: int) -> Fraction:
    """Return what a group pays together."""
    return sum((Fraction(x) for at, x in enumerate(shares) if group >> at & 1), Fraction(0))


def gain_of(game: Game, shares: Sequence[Fraction | int], group: int) -> Interval:
    """Return what a group saves by leaving."""
    value = game.values[group]
    return Interval.of(sum_of(shares, group)) - value.cost


def known_objection(game: Game, shares: Sequence[Fraction | int]) -> Objection:
    """Return the group that gains most among those whose cost is known.

    What any group may gain is known if all groups are.
    """
    gains = {
        group: gain_of(game, shares, group)
        for group, value in game.values.items()
        if not value.impossible
    }
    lows = {group: gain.low for group, gain in gains.items() if gain.low is not None}
    highs = [gain.high for gain in gains.values() if gain.high is not None]
    best = max(lows, key=lambda group: (lows[group], -group), default=0)
    high = None
    if game.complete and len(highs) == len(gains):
        # Where nobody can be served without the others, nobody gains by leaving.
        high = max(highs, default=Fraction(-game.total))
    return Objection(
        group=best,
        gain=gains.get(best, Interval(low=None, high=None)),
        most=Interval(low=lows.get(best), high=high),
    )


def worst_objection(game: Game, shares: Sequence[Fraction | int]) -> Objection:
    """Return the group that gains most of all, by enumeration where all are known.

    Otherwise a mixed-integer program chooses the group and its plan at once: minimise what the
    group pays by itself plus the shares of those who stay. Its bound limits what any group gains.

    Parameters
    ----------
    game
        Who could leave. Groups that are found are added to it.
    shares
        What each organisation pays, in last places of money.
    """
    known = known_objection(game, shares)
    if game.complete or len(game.players) < 2 or game.interrupted:
        return known
    how = game.how
    total = math.floor(sum(shares, Fraction(0)))
    rounded = whole_shares([Fraction(each) for each in shares], total)
    seeking = _Seeking(game, rounded)
    joint = solve_bundle(
        seeking.bundle(),
        seeking.reckon,
        solver="auto" if how.solver == "decomposition" else how.solver,
        time_limit=how.time_limit,
        gap=how.gap,
        threads=how.threads,
        seed=how.seed,
        money_decimals=game.instance.settings.money_decimals,
        progress=game.progress,
    )
    game.interrupted |= joint.interrupted
    if joint.plans:
        group, cost = seeking.found(joint.plans[0])
        game.offer(group, cost)
    after = known_objection(game, shares)
    # Rounded shares are less than one last place each from the true ones.
    high = None if joint.bound is None else total - joint.bound + len(shares)
    if joint.status == "infeasible":
        high = Fraction(-game.total)
    if high is not None and after.most.low is not None:
        high = max(high, after.most.low)
    return Objection(
        group=after.group, gain=after.gain, most=Interval(low=after.most.low, high=high)
    )


class _Seeking:
    """The program that chooses a group and its plan."""

    def __init__(self, game: Game, shares: Sequence[int]) -> None:
        self.game, self.shares = game, shares
        demand = game.base["demand"]
        #: Player of each pair.
        self.player = np.searchsorted(game.rows, demand["organisation"])

    def bundle(self) -> Bundle:
        """Return it: one copy whose pairs are delivered only where their organisation leaves.

        Variable u says who leaves; another, fixed, is what all pay.
        """
        game, count = self.game, len(self.game.players)
        one = np.ones(count, dtype=np.int64)
        total = float(sum(self.shares))
        common = Common(
            cost=np.array([*(-float(x) for x in self.shares), total]),
            lower=np.array([*np.zeros(count), 1.0]),
            upper=np.ones(count + 1),
            integer=np.ones(count + 1, dtype=bool),
            names=(*(f"leaves_{at}" for at in range(count)), "all"),
        )
        proper = Ties(
            name="some_but_not_all",
            entries=(Entries(copy=-1, kind="", row=0 * one, index=np.arange(count),
                             coefficient=one),),
            lower=np.array([1.0]),
            upper=np.array([count - 1.0]),
        )  # fmt: skip
        return Bundle(
            copies=(compile_problem(game.base),),
            weights=np.ones(1),
            common=common,
            ties=(proper,),
            wanted=(self.player.astype(np.int64),),
        )

    def found(self, plan: Plan) -> tuple[int, int]:
        """Return the group that a plan serves, and what it costs."""
        group = self.group(plan)
        account = check(self.game.instance_of(group), self.game.part(plan, group))
        return group, account.cost

    def group(self, plan: Plan) -> int:
        """Return the group that a plan serves."""
        return sum(1 << at for at in np.unique(self.player[plan.pair]).tolist())

    def reckon(self, plans: tuple[Plan, ...]) -> Fraction | str:
        """Return what the group pays by itself plus what the others pay, or what is wrong."""
        (plan,) = plans
        group = self.group(plan)
        if group in (0, self.game.everyone):
            return "the group is none or all"
        account = check(self.game.instance_of(group), self.game.part(plan, group))
        if account.violations:
            return f"a group's plan breaks a rule: {account.violations[0].message}"
        return account.cost + sum(self.shares) - sum_of(self.shares, group)

"""A greedy order of moves: what saves most a year for its one-off money comes first."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from optimiser.model.compile import compile_problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimiser.studies.transition_bundles import Limits
    from optimiser.studies.transitions import Transition

    Ints = NDArray[np.int64]

#: Accounts that may be reckoned for one order, and deliveries in all of them.
MOST: Final = 3000
DELIVERIES: Final = 300_000


def greedy_order(transition: Transition, limits: Limits) -> Ints | None:
    """Return a schedule found by rank, or None if it does not come to its end within the limits.

    Pairs are ranked once: by what the target would cost more in a year if the pair alone had
    stayed, for each last place of its own one-off money. Year after year each pair in turn moves
    if budget, number of moves and rules allow; where it cannot move alone, all pairs that join
    the same provider are tried together.
    """
    return _Greedy(transition, limits).run()


class _Greedy:
    def __init__(self, transition: Transition, limits: Limits) -> None:
        self.transition, self.limits = transition, limits
        self.schedule = np.zeros(len(transition.instance["demand"]), dtype=np.int64)
        self.left = min(MOST, DELIVERIES // max(len(self.schedule), 1))
        #: Payments that hang on each pair, and how many pairs of each payment have moved.
        self.payments: dict[int, list[int]] = {int(q): [] for q in transition.movers}
        for number, payment in enumerate(transition.payments):
            for q in payment.pairs:
                self.payments[q].append(number)
        self.gone = [0] * len(transition.payments)
        self.spent = 0
        self.moves = 0

    def run(self) -> Ints | None:
        """Fill year after year; all that is left moves in the last."""
        limits, movers = self.limits, self.transition.movers
        order = self._ranked()
        if order is None:
            return None
        for year in range(1, limits.years):
            self._start(year)
            self._fill(year, [q for q in order if not self.schedule[q]])
            if self.spent > self._budget(year):
                return None
        self._start(limits.years)
        rest = movers[self.schedule[movers] == 0].tolist()
        return self.schedule if self._take(rest, limits.years) else None

    def _start(self, year: int) -> None:
        blank = np.zeros(0, dtype=np.int64)
        self.moves = 0
        self.spent = sum(
            payment.amount
            for payment in self.transition.payments
            if payment.fixed and payment.due(blank, self.limits.years) == year
        )

    def _budget(self, year: int) -> float:
        budget = self.limits.budget
        return math.inf if budget is None else budget[year - 1]

    def _ranked(self) -> list[int] | None:
        """Return the pairs that move, the most worthwhile first."""
        transition = self.transition
        movers = transition.movers.tolist()
        own = dict.fromkeys(movers, 0)
        for payment in transition.payments:
            if len(payment.pairs) == 1:
                own[payment.pairs[0]] += payment.amount
        moved = np.zeros(len(self.schedule), dtype=bool)
        moved[movers] = True
        problem = None if transition.instance.settings.split else compile_problem(transition.way)
        if problem is None and len(movers) > self.left:
            return None
        worth = {}
        for q in movers:
            moved[q] = False
            cost = None if problem is None else problem.evaluate(transition.plan(moved))
            if cost is None:  # split sourcing, or a volume that no band covers
                cost = transition.account(moved).cost if problem is None else transition.after
            worth[q] = (cost - transition.after) / max(own[q], 1)
            moved[q] = True
        return sorted(movers, key=lambda q: (-worth[q], q))

    def _fill(self, year: int, order: Sequence[int]) -> None:
        """Move what can be moved in a year."""
        chosen = [q for q in order if self._take([q], year)]
        if not chosen or self._kept(year):
            return
        self._undo(chosen)
        groups = self._groups(order)
        for q in order:
            if self.left <= 0:
                break
            if self.schedule[q]:
                continue
            for some in ([q], [p for p in groups[q] if not self.schedule[p]]):
                if self._take(some, year):
                    if self._kept(year):
                        break
                    self._undo(some)

    def _groups(self, order: Sequence[int]) -> dict[int, list[int]]:
        """Return for each pair all that join its provider with it."""
        target = self.transition.target
        by = dict(zip(target.pair.tolist(), target.deliverer.tolist(), strict=True))
        joining: dict[int, list[int]] = {}
        for q in order:
            joining.setdefault(by[q], []).append(q)
        return {q: joining[by[q]] for q in order}

    def _take(self, pairs: Sequence[int], year: int) -> bool:
        """Move pairs in a year if budget and number of moves allow."""
        most = self.limits.moves
        if most is not None and self.moves + len(pairs) > most:
            return False
        self.spent += self._shift(pairs, 1)
        self.moves += len(pairs)
        self.schedule[list(pairs)] = year
        if self.spent <= self._budget(year):
            return True
        self._undo(pairs)
        return False

    def _undo(self, pairs: Sequence[int]) -> None:
        self.spent -= self._shift(pairs, -1)
        self.moves -= len(pairs)
        self.schedule[list(pairs)] = 0

    def _shift(self, pairs: Sequence[int], step: int) -> int:
        """Count pairs as moved, or as not; return what becomes due by that, or no longer is."""
        total = 0
        for q in pairs:
            for number in self.payments[q]:
                payment = self.transition.payments[number]
                before = self.gone[number]
                self.gone[number] += step
                edge = len(payment.pairs) if payment.at_end else 1
                if max(before, self.gone[number]) == edge:
                    total += payment.amount
        return total

    def _kept(self, year: int) -> bool:
        """Whether the arrangement of a year keeps the rules."""
        self.left -= 1
        moved = (self.schedule > 0) & (self.schedule <= year)
        return not self.transition.account(moved).violations

"""Searches that run beside the main thread, one thread each, on the same problem."""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimiser.model.plan import Plan
    from optimiser.solvers.decomposition.ledger import Ledger
    from optimiser.solvers.decomposition.relaxation import Ascent
    from optimiser.solvers.decomposition.searching import Search

#: Seconds that a round should take, so that an end is heard soon; iterations of the first round.
ROUND, FIRST = 0.25, 100
#: Iterations of a round at least, and parts of a usual round that are the least if that is more.
LEAST, PART = 20, 200
#: Rounds from one start from what the multipliers say to the next, and rounds onward from there.
GUIDED, ONWARD = 40, 12


class Companion(threading.Thread):
    """A search of its own, which takes the best plan that anybody finds and hands on better ones.

    The kernels let go of the interpreter, so it has a core to itself while the main thread bounds
    or a general solver proves. How far it gets hangs on the clock: with it, runs differ.

    Parameters
    ----------
    search
        Its own; nobody else may use it.
    ledger
        Where the best plan stands.
    ascent
        Whose multipliers and average tell what is promising.
    offer
        Hands on the search's best plan.
    heats
        Factors of the temperature that rounds take in turn.
    """

    def __init__(
        self,
        search: Search,
        ledger: Ledger,
        ascent: Ascent,
        offer: Callable[[Search], None],
        heats: tuple[float, ...],
    ) -> None:
        super().__init__(name="companion", daemon=True)
        self._search, self._ledger, self._ascent = search, ledger, ascent
        self._offer, self._heats = offer, heats
        self._end = threading.Event()
        #: What went wrong, if anything did.
        self.trouble: BaseException | None = None

    def run(self) -> None:
        """Search until `end` is called or there is enough."""
        try:
            self._work()
        except BaseException as error:
            self.trouble = error

    def _work(self) -> None:
        search, ledger = self._search, self._ledger
        iterations, rounds = FIRST, 0
        # The overhead of a round grows with the pairs.
        least = max(LEAST, search.usual // PART)
        known: Plan | None = None
        while not self._end.is_set() and not ledger.enough():
            onward = rounds % GUIDED < ONWARD
            if ledger.plan is not known and not onward:
                known = ledger.plan
                if known is not None and ledger.objective < search.value:
                    search.start(search.choices(known))
            began = time.monotonic()
            guide = rounds % GUIDED == 0 and math.isfinite(self._ascent.bound)
            better = guide and search.venture(self._ascent)
            guided = time.monotonic()
            heat = self._heats[rounds % len(self._heats)]
            better |= search.explore(iterations, heat, onward=onward, loose=not onward)
            rounds += 1
            if better:
                self._offer(search)
            took = max(time.monotonic() - guided, 1e-3)
            if guided - began < ROUND:
                iterations = max(round(iterations * min(max(ROUND / took, 0.5), 2.0)), least)

    def end(self) -> None:
        """Have it end, wait for that, and raise what went wrong in it."""
        self._end.set()
        self.join()
        if self.trouble is not None:
            raise self.trouble

"""What one solve knows so far, and its clock."""

from __future__ import annotations

import math
import sys
import threading
import time
from typing import TYPE_CHECKING, Final

from optimiser.solvers.base import Event, Options, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimiser.certificate.proof import Certificate
    from optimiser.model.plan import Plan
    from optimiser.solvers.base import Prices

#: Share of the gap asked for that may be used up by not looking at plans that are hardly better.
USED: Final = 0.9
#: Difference at which a bound in floats is the objective, which is a whole number.
SAME: Final = 0.5


class Ledger:
    """The best plan and bound, told as they get better; any thread may call it.

    Parameters
    ----------
    options, emit
        As `base.Solver.solve` takes them.

    Attributes
    ----------
    plan, objective
        The best plan that keeps the rules, and its objective in last places of money; None and
        infinite if there is none yet.
    bound
        Lower bound on the objective of every plan.
    message
        What else is worth telling at the end.
    certify
        Makes grounds for a part of the bound that anyone can recompute, once, at the end.
    price
        Says what rules are worth, once, at the end.
    """

    def __init__(self, options: Options, emit: Callable[[Event], None]) -> None:
        self._gap = options.gap
        self._limit = options.time_limit
        self._emit_event = emit
        self._log = options.log is not None
        self._began = time.monotonic()
        #: When the clock was stopped; None while it goes.
        self._stood: float | None = None
        self._lock = threading.RLock()
        self.plan: Plan | None = None
        self.objective = math.inf
        self.bound = -math.inf
        self.message = ""
        self.certify: Callable[[], Certificate | None] = lambda: None
        self.price: Callable[[], Prices | None] = lambda: None

    def seconds(self) -> float:
        """Seconds since the start, but for those in which the clock stood still."""
        stood = self._stood
        return (time.monotonic() if stood is None else stood) - self._began

    def left(self) -> float:
        """Seconds left; infinite without a limit."""
        return math.inf if self._limit is None else self._limit - self.seconds()

    @property
    def deadline(self) -> float:
        """Time of `time.monotonic` at which to stop; infinite without a limit."""
        return math.inf if self._limit is None else self._began + self._limit

    def over(self) -> bool:
        """Whether the time is up."""
        return self.left() <= 0

    def done(self) -> bool:
        """Whether the gap asked for is reached."""
        room = max(self._gap * abs(self.objective), SAME)
        return self.plan is not None and self.objective - self.bound <= room

    def enough(self) -> bool:
        """Whether to end: the gap is reached or the time is up."""
        return self.over() or self.done()

    def cutoff(self) -> float:
        """Objective from which on plans are not wanted, given the plan known and the gap."""
        if self.plan is None:
            return math.inf
        return self.objective - USED * self._gap * abs(self.objective)

    def reason(self) -> str:
        """Say why the work ends: see `base.Outcome`."""
        return "finished" if self.done() else "limit"

    def tell(self, phase: str) -> None:
        """Say what is being done."""
        with self._lock:
            self._emit(Event(time=self.seconds(), phase=phase, bound=self._known()))

    def stand(self, phase: str) -> None:
        """Say what is being done, and stop the clock until `go_on`."""
        with self._lock:
            self._emit(Event(time=self.seconds(), phase=phase, bound=self._known(), waits=True))
            self._stood = time.monotonic()

    def go_on(self) -> None:
        """Let the clock go on after `stand`."""
        with self._lock:
            if self._stood is not None:
                self._began += time.monotonic() - self._stood
                self._stood = None
                self._emit(Event(time=self.seconds(), waits=False))

    def raise_bound(self, bound: float) -> None:
        """Take a lower bound on the objective of every plan better than the best."""
        with self._lock:
            bound = min(bound, self.objective)
            if bound > self.bound and math.isfinite(bound):
                self.bound = bound
                self._emit(Event(time=self.seconds(), bound=bound))

    def offer(self, plan: Plan, objective: float) -> bool:
        """Take a plan that keeps the rules if it is better; say whether it is."""
        with self._lock:
            if objective >= self.objective:
                return False
            self.plan, self.objective = plan, objective
            self._emit(
                Event(time=self.seconds(), plan=plan, objective=objective, bound=self._known())
            )
        return True

    def _emit(self, event: Event) -> None:
        if self._log:
            # Standard output is the log in the child.
            line = f"{event.time:9.2f} s  {event.phase:24}  plan {self.objective:20,.0f}  "
            sys.stdout.write(f"{line}bound {self.bound:20,.0f}\n")
            sys.stdout.flush()
        self._emit_event(event)

    def outcome(self, reason: str) -> Outcome:
        """Say how it ended."""
        objective = None if self.plan is None else self.objective
        return Outcome(reason=reason, plan=self.plan, objective=objective, bound=self._known(),
                       message=self.message, seconds={"solve": self.seconds()},
                       certificate=self.certify(), prices=self.price())  # fmt: skip

    def _known(self) -> float | None:
        return self.bound if math.isfinite(self.bound) else None

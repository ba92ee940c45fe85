"""Solvers that do what no solver should, each in its own way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from optimiser.model.plan import BY_ITSELF, Plan
from optimiser.solvers.base import Availability, Capabilities, Event, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimiser.model.problem import Problem
    from optimiser.solvers.base import Options

    Emit = Callable[[Event], None]


def at_home(problem: Problem) -> Plan:
    """Everything in-house: a plan that keeps the toy's rules, and not its best."""
    pairs = np.arange(problem.pairs)
    return Plan.from_arrays(pairs, np.full(problem.pairs, BY_ITSELF), problem.pair_volume)


def honest(problem: Problem) -> dict[str, Any]:
    """Plan and objective of an honest event or outcome."""
    plan = at_home(problem)
    return {"plan": plan, "objective": float(problem.evaluate(plan) or 0)}


class Fake:
    """What all have in common; on its own it gives an honest plan and stops."""

    name = "fake"
    capabilities = Capabilities(incumbents=True)

    def availability(self) -> Availability:
        """It is always there."""
        return Availability(installed=True, version="0")

    def solve(self, problem: Problem, options: Options, emit: Emit) -> Any:
        """Give the plan that has everything in-house, then do what `end` does."""
        emit(Event(time=0.0, bound=1.0, **honest(problem)))
        return self.end(problem, options)

    def end(self, problem: Problem, options: Options) -> Any:
        """End as it should."""
        return Outcome(reason="limit", bound=1.0, **honest(problem))


class StopsItsClock(Fake):
    """It stops its clock for four seconds, as for what is done once per machine."""

    def solve(self, problem: Problem, options: Options, emit: Emit) -> Any:
        emit(Event(time=0.0, bound=1.0, waits=True, **honest(problem)))
        time.sleep(4)
        emit(Event(time=0.0, waits=False))
        return self.end(problem, options)


class Missing(Fake):
    """It is not installed."""

    def availability(self) -> Availability:
        """It is not there."""
        return Availability(installed=False, remedy="pip install nothing")


class Segfault(Fake):
    """It crashes."""

    def end(self, problem: Problem, options: Options) -> Any:
        os.kill(os.getpid(), signal.SIGSEGV)
        time.sleep(60)


class Killed(Fake):
    """It is killed, as by a system that runs out of memory."""

    def end(self, problem: Problem, options: Options) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)


class Exits(Fake):
    """It ends the process, with last words."""

    def end(self, problem: Problem, options: Options) -> Any:
        print("licence expired", file=sys.stderr)  # noqa: T201
        sys.exit(3)


class Raises(Fake):
    """It raises."""

    def end(self, problem: Problem, options: Options) -> Any:
        raise RuntimeError("matrix is upside down")


class Starves(Fake):
    """It runs out of memory."""

    def end(self, problem: Problem, options: Options) -> Any:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
        return bytearray(1 << 40)


class Hangs(Fake):
    """It neither listens to SIGINT nor to its limit, and has a child that does not either."""

    def end(self, problem: Problem, options: Options) -> Any:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        code = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(600)"
        grandchild = subprocess.Popen([sys.executable, "-c", code])
        if options.log is not None:
            Path(options.log).write_text(f"{os.getpid()} {grandchild.pid}\n")
        time.sleep(600)


class Waits(Fake):
    """It goes on until it is interrupted, and then gives a better bound."""

    def end(self, problem: Problem, options: Options) -> Any:
        try:
            time.sleep(600)
        except KeyboardInterrupt:
            return Outcome(reason="interrupted", bound=2.0, **honest(problem))


class Prints(Fake):
    """It prints to standard output, by all ways, whole pages."""

    def end(self, problem: Problem, options: Options) -> Any:
        print("Welcome to the solver" * 10000)  # noqa: T201
        os.write(1, b"banner" * 10000)
        return super().end(problem, options)


class Mumbles(Fake):
    """It returns something else than an outcome."""

    def end(self, problem: Problem, options: Options) -> Any:
        return {"status": "optimal"}


class Invents(Fake):
    """It ends for a reason that there is not."""

    def solve(self, problem: Problem, options: Options, emit: Emit) -> Any:
        return Outcome(reason="tired")


class ClaimsNoPlan(Fake):
    """It claims that there is no plan, and knows of none."""

    def solve(self, problem: Problem, options: Options, emit: Emit) -> Any:
        return Outcome(reason="infeasible")


class Contradicts(Fake):
    """It gives a plan and then claims that there is none."""

    def end(self, problem: Problem, options: Options) -> Any:
        return Outcome(reason="infeasible")


class ClaimsBound(Fake):
    """It claims a bound above a plan."""

    def end(self, problem: Problem, options: Options) -> Any:
        plan = honest(problem)
        return Outcome(reason="finished", bound=plan["objective"] * 1.01, **plan)


class ClaimsCost(Fake):
    """It claims less than its plan costs, and a bound to go with it."""

    def solve(self, problem: Problem, options: Options, emit: Emit) -> Any:
        plan = honest(problem) | {"objective": 100.0}
        return Outcome(reason="finished", bound=100.0, **plan)


class ClaimsOptimum(Fake):
    """It claims to have finished, with a bound that says otherwise."""

    def end(self, problem: Problem, options: Options) -> Any:
        plan = honest(problem)
        return Outcome(reason="finished", bound=plan["objective"] / 2, **plan)


class BreaksRules(Fake):
    """Its last and cheapest plan leaves a pair undelivered."""

    def solve(self, problem: Problem, options: Options, emit: Emit) -> Any:
        emit(Event(time=0.0, **honest(problem)))
        plan = at_home(problem)
        short = Plan.from_arrays(plan.pair[1:], plan.deliverer[1:], plan.volume[1:])
        return Outcome(reason="finished", plan=short, objective=10.0, bound=10.0)


class OnlyBreaksRules(BreaksRules):
    """It never has a plan that keeps the rules."""

    def solve(self, problem: Problem, options: Options, emit: Emit) -> Any:
        return super().solve(problem, options, lambda event: None)


class Nonsense(Fake):
    """Its numbers are none, and its plan refers to rows that are not there."""

    def solve(self, problem: Problem, options: Options, emit: Emit) -> Any:
        nan = float("nan")
        emit(Event(time=0.0, objective=nan, bound=nan, plan=at_home(problem)))
        plan = Plan.of([(10**6, 10**6, 5), (0, -7, 1)])
        return Outcome(reason="finished", plan=plan, objective=-float("inf"), bound=float("inf"))


class Refuses(Fake):
    """It cannot represent the problem, and says so."""

    def solve(self, problem: Problem, options: Options, emit: Emit) -> Any:
        return Outcome(reason="unsupported", message="row 7 is too long")


class Counts(Fake):
    """It tells in its message which options it was given."""

    def solve(self, problem: Problem, options: Options, emit: Emit) -> Any:
        given = f"{options.threads} {options.seed} {options.gap} {options.start is not None}"
        assert options.time_limit is not None
        short = 0 < options.time_limit < 30
        return Outcome(reason="failed", message=f"{given} {short}")

"""Solvers that kill those who called them, once; the file OPTIMISER_TEST_FLAG says it was done."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from solvers.fakes import Fake, honest

from optimiser.solvers.base import Event, Outcome


def parent_of(process: int) -> int:
    """Parent of a process."""
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


def once() -> bool:
    """Whether it was not yet done; it is from now on."""
    try:
        Path(os.environ["OPTIMISER_TEST_FLAG"]).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


class KillsWorker(Fake):
    """It kills the worker that its solve runs in, at the first call."""

    def end(self, problem: Any, options: Any) -> Any:
        """Kill, or end as it should."""
        if once():
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(60)
        return Outcome(reason="limit", bound=1.0, **honest(problem))


class AlwaysKillsWorker(Fake):
    """It kills the worker at every call."""

    def end(self, problem: Any, options: Any) -> Any:
        """Kill."""
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)


class KillsDaskWorker(Fake):
    """It kills the Dask worker that has started its worker, at the first call."""

    def end(self, problem: Any, options: Any) -> Any:
        """Kill, or end as it should."""
        if once():
            os.kill(parent_of(os.getppid()), signal.SIGKILL)
            time.sleep(60)
        return Outcome(reason="limit", bound=1.0, **honest(problem))


class WaitsForSecond(Fake):
    """It ends at once at the first call, and later waits to be interrupted, with a plan."""

    def solve(self, problem: Any, options: Any, emit: Any) -> Any:
        """End, or wait."""
        emit(Event(time=0.0, bound=1.0, **honest(problem)))
        if not once():
            try:
                time.sleep(60)
            except KeyboardInterrupt:
                return Outcome(reason="interrupted", bound=2.0, **honest(problem))
        return Outcome(reason="limit", bound=1.0, **honest(problem))

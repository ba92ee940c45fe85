"""Solvers that harm a run in ways that only a runner can see; see also `solvers.fakes`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from solvers.fakes import Fake, honest

from optimiser.solvers.base import Outcome

if TYPE_CHECKING:
    from solvers.fakes import Emit

    from optimiser.model.problem import Problem
    from optimiser.solvers.base import Options

#: Takes 40 MiB more every tenth of a second, up to 4 GiB.
HOARD = """
import time
kept = []
for _ in range(100):
    kept.append(bytearray(b"x") * (40 << 20))
    time.sleep(0.1)
time.sleep(600)
"""


class Quick(Fake):
    """It is done at once, and right as far as anyone can tell."""

    name = "fake-quick"

    def end(self, problem: Problem, options: Options) -> Any:
        plan = honest(problem)
        return Outcome(reason="finished", bound=plan["objective"], **plan)


class Hoards(Fake):
    """It takes more and more memory."""

    name = "fake-hoards"

    def end(self, problem: Problem, options: Options) -> Any:
        exec(HOARD)


class HoardsBelow(Fake):
    """Its child takes more and more memory, in a session of its own."""

    name = "fake-hoards-below"

    def end(self, problem: Problem, options: Options) -> Any:
        subprocess.run([sys.executable, "-c", HOARD], check=False, start_new_session=True)


class Overruns(Fake):
    """It forgets its limit, and stops when it is reminded."""

    name = "fake-overruns"

    def end(self, problem: Problem, options: Options) -> Any:
        try:
            time.sleep(60)
        except KeyboardInterrupt:
            plan = honest(problem)
            return Outcome(reason="finished", bound=plan["objective"], **plan)


class StopsWorker(Fake):
    """It stops the process that watches over it."""

    name = "fake-stops-worker"

    def end(self, problem: Problem, options: Options) -> Any:
        os.kill(os.getppid(), signal.SIGSTOP)
        time.sleep(60)


class KillsWorker(Fake):
    """It kills the process that watches over it."""

    name = "fake-kills-worker"

    def end(self, problem: Problem, options: Options) -> Any:
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)


class Strays(Quick):
    """It leaves a process behind, in a session of its own."""

    name = "fake-strays"

    def solve(self, problem: Problem, options: Options, emit: Emit) -> Any:
        subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True
        )
        return super().solve(problem, options, emit)


class Slow(Quick):
    """It takes two seconds."""

    name = "fake-slow"

    def end(self, problem: Problem, options: Options) -> Any:
        time.sleep(2)
        return super().end(problem, options)


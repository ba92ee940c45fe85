"""What is shown while runs go on, on stderr: a live line in a terminal, else a line a run."""

from __future__ import annotations

import contextlib
import statistics
import sys
import time
from typing import TYPE_CHECKING, Final

import click

from optimiser.report.words import duration, safe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from rich.live import Live
    from rich.text import Text

    from benchmarks.records import Run
    from benchmarks.suites import Task

#: Most runs under way that are named.
_NAMED: Final = 3


class Estimate:
    """How long the runs that are left will take, from those that have ended.

    A run is taken to last as long as others did of the same instance and solver; else half its
    limit, times what the solver's other runs have needed of that half.

    Parameters
    ----------
    runs
        What has ended before.
    """

    def __init__(self, runs: Iterable[Run]) -> None:
        self._walls: dict[tuple[str, str, float], list[float]] = {}
        self._shares: dict[str, list[float]] = {}
        for run in runs:
            self.learn(run)

    def learn(self, run: Run) -> None:
        """Take a run that has ended."""
        self._walls.setdefault((run.instance, run.solver, run.limit), []).append(run.wall)
        self._shares.setdefault(run.solver, []).append(run.wall / (run.limit / 2))

    def of(self, task: Task) -> float:
        """Return the seconds that a run may take."""
        known = self._walls.get((task.case.instance, task.solver, task.limit))
        if known:
            return statistics.median(known)
        shares = self._shares.get(task.solver)
        return task.limit / 2 * (statistics.mean(shares) if shares else 1.0)


class Display:
    """Shows progress; use it as a context manager.

    Parameters
    ----------
    todo
        What is to be done.
    before
        Runs that are recorded already.
    jobs
        How many run side by side.
    running
        Tells which are under way.
    quiet
        Whether to show nothing.
    """

    def __init__(
        self,
        todo: Sequence[Task],
        before: Sequence[Run],
        *,
        jobs: Callable[[], int],
        running: Callable[[], list[Task]],
        quiet: bool = False,
    ) -> None:
        self._left = {task.key: task for task in todo}
        self._all = len(todo) + len(before)
        self._wrong = sum(bool(run.wrong) for run in before)
        self._estimate = Estimate(before)
        self._jobs, self._running = jobs, running
        self._quiet = quiet
        self._live: Live | None = None
        self._clock = 0.0
        self._remaining = 0.0

    def __enter__(self) -> Display:
        if not self._quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.live import Live

            console = Console(stderr=True, markup=False, emoji=False, highlight=False)
            self._live = Live(
                console=console, get_renderable=self._line, transient=True, refresh_per_second=2
            )
            self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._live is not None:
            with contextlib.suppress(OSError):  # the terminal was closed
                self._live.stop()

    def took(self, run: Run) -> None:
        """Show a run that has been recorded."""
        self._left.pop(run.key, None)
        self._estimate.learn(run)
        self._wrong += bool(run.wrong)
        self._clock = 0.0
        text = self._ended(run)
        if self._quiet:
            return
        with contextlib.suppress(OSError):
            if self._live is None:
                click.echo(safe(f"{text}; {self._rest()}"), err=True)
            elif run.wrong or run.failure:
                self._live.console.print(safe(text))

    def say(self, text: str) -> None:
        """Show a message of one line."""
        with contextlib.suppress(OSError):
            if self._live is None:
                click.echo(safe(text), err=True)
            else:
                self._live.console.print(safe(text))

    def remaining(self) -> float:
        """Return the seconds until all is done, as far as can be told."""
        return sum(map(self._estimate.of, self._left.values())) / max(self._jobs(), 1)

    def _ended(self, run: Run) -> str:
        what = run.status if run.solved or not run.failure else run.failure
        text = f"[{self._all - len(self._left)}/{self._all}] {run.instance} {run.solver}"
        text += f" seed {run.seed}" if run.seed else ""
        text += f": {what} in {duration(run.time)}"
        if run.gap_reached and not run.solved:
            text += f", gap {run.gap_reached:.2%}"
        if run.wrong:
            text += f"; WRONG: {run.wrong[0]}"
        elif run.failure:
            text += f" ({run.failure_text})"
        return text

    def _rest(self) -> str:
        wrong = f"{self._wrong} wrong so far; " if self._wrong else ""
        if not self._left:
            return f"{wrong}all done"
        return f"{wrong}about {duration(self.remaining())} left"

    def _line(self) -> Text:
        from rich.text import Text

        now = time.monotonic()
        if not self._clock:
            self._clock, self._remaining = now, self.remaining()
        rest = max(self._remaining - (now - self._clock), 0.0)
        running = self._running()
        names = [f"{task.case.instance} {task.solver}" for task in running[:_NAMED]]
        if len(running) > _NAMED:
            names.append(f"{len(running) - _NAMED} more")
        text = f"{self._all - len(self._left)}/{self._all} done"
        text += f", {self._wrong} wrong" if self._wrong else ", none wrong"
        text += f", about {duration(rest)} left"
        return Text(f"{text}: {', '.join(names)}" if names else text, no_wrap=True,
                    overflow="ellipsis")  # fmt: skip

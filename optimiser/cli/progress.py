"""What is shown while a solve runs: on stderr, so that stdout holds the answer alone."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from types import TracebackType

    from rich.live import Live
    from rich.text import Text

    from optimiser.solvers.result import Progress

#: Seconds between two lines where stderr is no terminal.
EVERY: Final = 5.0


class Reporter:
    """Shows progress: a live line in a terminal, else a plain line every few seconds.

    Use as a context manager and pass the object as `progress` to `solve`.

    Parameters
    ----------
    symbol
        What stands before an amount of money.
    quiet
        Whether to show nothing.
    lines
        Whether to show lines of text, too, as those of a study that has many solves.
    """

    def __init__(self, symbol: str, *, quiet: bool, lines: bool = False) -> None:
        self._lines = lines
        self._symbol = symbol
        self._quiet = quiet
        self._began = time.monotonic()
        self._last: Progress | None = None
        self._shown = 0.0
        self._phase = ""
        self._unsaid = False
        self._live: Live | None = None

    def __enter__(self) -> Reporter:
        self._began = time.monotonic()
        if not self._quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.live import Live

            console = Console(stderr=True, markup=False, emoji=False, highlight=False)
            self._live = Live(
                console=console, get_renderable=self._line, transient=True, refresh_per_second=4
            )
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            with contextlib.suppress(OSError):  # the terminal was closed
                self._live.stop()
        elif self._unsaid and not self._quiet:
            self._say()

    def __call__(self, news: Progress | str) -> None:
        """Take one piece of news; of a single solve, lines of text are kept for the result."""
        if isinstance(news, str):
            if self._lines and not self._quiet:
                self._tell(news)
            return
        self._last = news
        self._unsaid = True
        if self._quiet or self._live is not None:
            return
        now = time.monotonic() - self._began
        # The first word and each new phase are news; the rest comes every few seconds.
        if now - self._shown >= EVERY or news.phase != self._phase or not self._shown:
            self._shown, self._phase, self._unsaid = max(now, 1e-9), news.phase, False
            self._say()

    def _tell(self, line: str) -> None:
        from optimiser.report.words import safe

        if self._live is not None:
            self._live.console.print(safe(line))
        else:
            self._echo(safe(line))

    def _say(self) -> None:
        self._echo(self._words())

    def _echo(self, line: str) -> None:
        try:
            click.echo(line, err=True)
        except OSError:  # whoever read it has gone, which is no reason to lose the plan
            self._quiet = True

    def _words(self) -> str:
        from optimiser.report.words import duration, percent, safe

        elapsed = time.monotonic() - self._began
        news = self._last
        pieces = [f"{duration(elapsed):>8}"]
        if news is None:
            return f"{pieces[0]}  starting"
        if news.objective is not None:
            pieces.append(f"best {self._symbol}{news.objective:,.0f}")
        if news.bound is not None:
            pieces.append(f"bound {self._symbol}{news.bound:,.0f}")
        if news.gap is not None:
            pieces.append(f"gap {percent(news.gap)}")
        if news.phase:
            pieces.append(safe(news.phase))
        return "  ".join(pieces)

    def _line(self) -> Text:
        from rich.text import Text

        return Text(self._words(), no_wrap=True, overflow="ellipsis")

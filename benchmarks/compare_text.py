"""A comparison as text for a terminal."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmarks.summary import counted
from benchmarks.tables import outcome_cell, significant
from optimiser.report.words import percent, plural, safe

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.compare import Comparison, Pair
    from benchmarks.crosschecks import Entry
    from benchmarks.statistics import Paired

#: How many runs of each kind are named.
_MOST: Final = 10
#: Times under this ratio, or over its inverse, are named as moved.
_MOVED: Final = 0.8


def write_comparison(
    comparisons: Sequence[Comparison],
    *,
    heads: Sequence[str],
    notes: Sequence[str],
    rule: str,
    tolerance: float,
    claim: tuple[str, str] | None = None,
) -> None:
    """Write comparisons to stdout.

    Parameters
    ----------
    comparisons
        One for each solver.
    heads, notes
        What is compared, and what to beware of; a line each.
    rule, tolerance
        What counts as worse.
    claim
        The two solvers of "the first is faster than the second", or None.
    """
    console = Console(
        file=sys.stdout, markup=False, emoji=False, highlight=False,
        width=None if sys.stdout.isatty() else 120,
    )  # fmt: skip
    for head in heads:
        console.print(safe(head))
    for note in notes:
        console.print(Text(safe(note), style="yellow"))
    console.print(_table(comparisons))
    shift = comparisons[0].times.shift
    console.print(
        f"mean: shifted geometric mean, σ = {shift:g} s, unsolved at the limit; ratio NEW / OLD "
        "with its 95 % bootstrap interval over instances; p: Wilcoxon's signed ranks on log ratios."
    )
    for each in comparisons:
        _write_details(console, each)
    if claim is not None:
        console.print(_claim(comparisons[0], *claim))
    regressions = [(each.solver, text) for each in comparisons for text in each.regressions]
    for solver, text in regressions:
        word = "REGRESSION" if claim is None else "WORSE"
        console.print(Text(f"{word}  {safe(solver)}: {text}", style="bold red"))
    if not regressions and claim is None:
        console.print(Text("No regression.", style="bold"))
    console.print(f"{rule} Tolerance: {tolerance:.0%}.")


def _table(comparisons: Iterable[Comparison]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("solver", "runs", "wrong", "solved", "lost", "won", "mean (s)", "ratio", "p",
                 "gap", ""):  # fmt: skip
        said = name in ("solver", "")  # words, which may go on in another line
        table.add_column(name, justify="left" if said else "right", no_wrap=not said)
    for each in comparisons:
        times = each.times
        before = sum(pair.old.solved for pair in each.pairs)
        after = sum(pair.new.solved for pair in each.pairs)
        table.add_row(
            safe(each.solver), str(len(each.pairs)),
            Text(str(len(each.wrong)), style="bold red" if each.wrong else ""),
            f"{before} → {after}", str(len(each.lost)), str(len(each.won)),
            f"{significant(times.old)} → {significant(times.new)}", ratio_text(times),
            "–" if times.p is None else f"{times.p:.2g}",
            f"{_percent(each.gap_old)} → {_percent(each.gap_new)}", each.direction,
        )  # fmt: skip
    return table


def ratio_text(times: Paired) -> str:
    """Write the ratio of means with its interval."""
    text = "–" if times.ratio is None else f"{times.ratio:.2f}"
    if times.low is not None and times.high is not None:
        text += f" ({times.low:.2f}–{times.high:.2f})"
    return text


def _percent(value: float | None) -> str:
    return "–" if value is None else percent(value)


def _write_details(console: Console, each: Comparison) -> None:
    wrong = [f"{_whose(entry)}: {'; '.join(entry.wrong)}" for entry in each.wrong]
    _write_list(console, f"{each.solver}: new wrong answers", wrong)
    _write_list(console, f"{each.solver}: lost", [_moved(pair) for pair in each.lost])
    _write_list(console, f"{each.solver}: won", [_moved(pair) for pair in each.won])
    failed = [
        f"{_whose(pair.new)}: {pair.new.run.failure}: {pair.new.run.failure_text}"
        for pair in each.failed
    ]
    _write_list(console, f"{each.solver}: new failures", failed)
    both = [pair for pair in each.pairs if pair.old.solved and pair.new.solved]
    both.sort(key=lambda pair: -abs(_log(pair, each.times.shift)))
    bar = -math.log(_MOVED)
    slower = [_moved(pair) for pair in both if _log(pair, each.times.shift) > bar]
    faster = [_moved(pair) for pair in both if _log(pair, each.times.shift) < -bar]
    _write_list(console, f"{each.solver}: slower, most first", slower)
    _write_list(console, f"{each.solver}: faster, most first", faster)


def _log(pair: Pair, shift: float) -> float:
    return math.log((counted(pair.new) + shift) / (counted(pair.old) + shift))


def _write_list(console: Console, title: str, lines: Sequence[str]) -> None:
    if not lines:
        return
    console.print(f"{safe(title)} ({len(lines)})")
    for line in lines[:_MOST]:
        console.print(f"  {safe(line)}")
    if len(lines) > _MOST:
        console.print(f"  and {plural(len(lines) - _MOST, 'more run')}")


def _whose(entry: Entry) -> str:
    seed = f", seed {entry.run.seed}" if entry.run.seed else ""
    return f"{entry.run.set}: {entry.run.instance}{seed}"


def _moved(pair: Pair) -> str:
    return f"{_whose(pair.new)}: {outcome_cell(pair.old).shown} → {outcome_cell(pair.new).shown}"


def _claim(each: Comparison, faster: str, slower: str) -> Text:
    said = {
        "faster": f"{faster} is faster than {slower}",
        "slower": f"{faster} is not faster than {slower}: it is slower",
        "no difference": f"That {faster} is faster than {slower} is not shown",
    }[each.direction]
    return Text(f"{safe(said)}: ratio {ratio_text(each.times)}.", style="bold")

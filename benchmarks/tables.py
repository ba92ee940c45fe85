"""The tables of a report: one source for the page and for the CSV files beside it."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.crosschecks import money
from benchmarks.summary import VIRTUAL_BEST, counted, gap_at_end, integrals
from optimiser.report.words import number, percent, plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from benchmarks.crosschecks import Case, Entry
    from benchmarks.summary import Line, Scope

#: What a spreadsheet takes for the beginning of a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_NONE: Final = "–"

Value = str | int | float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column: its heading, what it means in a sentence, and whether it holds numbers."""

    title: str
    meaning: str = ""
    number: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A cell.

    Parameters
    ----------
    value
        What goes into the CSV file.
    shown
        What the page shows.
    rank
        What the page sorts by; None goes last.
    mark
        ``bad``, ``best``, ``weak`` or ''.
    """

    value: Value
    shown: str
    rank: str | float | None
    mark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table with a name for its file and its heading."""

    name: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def csv(self) -> bytes:
        """Return the table as CSV in UTF-8; text that a spreadsheet would run stays text."""
        return write_csv(
            [column.title for column in self.columns],
            ([cell.value for cell in row] for row in self.rows),
        )


def write_csv(heads: Sequence[str], rows: Iterable[Sequence[Value]]) -> bytes:
    """Return rows as CSV in UTF-8, missing values blank."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([_inert(head) for head in heads])
    writer.writerows([_inert(value) for value in row] for row in rows)
    return text.getvalue().encode("utf-8", errors="replace")


def _inert(value: Value) -> Value:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


def words(text: str, mark: str = "") -> Cell:
    """Make a cell of text."""
    return Cell(value=text, shown=text, rank=text.casefold(), mark=mark)


def count(value: int | None, *, of: int | None = None, bad: bool = False) -> Cell:
    """Make a cell of a count; what is bad when it is not 0 is marked."""
    shown = _NONE if value is None else f"{value:,}" + (f" of {of:,}" if of is not None else "")
    return Cell(value=value, shown=shown, rank=value, mark="bad" if bad and value else "")


def seconds(value: float | None, mark: str = "") -> Cell:
    """Make a cell of seconds, written with three significant digits."""
    return Cell(value=_rounded(value), shown=significant(value), rank=value, mark=mark)


def share(value: float | None) -> Cell:
    """Make a cell of a share, in percent on the page."""
    shown = _NONE if value is None else percent(value)
    return Cell(value=_rounded(value), shown=shown, rank=value)


def significant(value: float | None, digits: int = 3) -> str:
    """Write a number with this many significant digits, whole digits always all."""
    if value is None:
        return _NONE
    # The exponent after rounding: 9.996 is 10.0, but 9.5 is 9.50.
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])
    return f"{value:,.{max(digits - 1 - max(exponent, 0), 0)}f}"


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")


_SUMMARY: Final = (
    Column(title="solver"),
    Column(title="wrong answers", number=True, meaning="Runs with a wrong answer, of all runs"),
    Column(title="solved", number=True, meaning="Cases solved: plan accepted by our checker, and "
           "our own gap at most the one asked for"),
    Column(title="mean (s)", number=True, meaning="Shifted geometric mean of the seconds; an "
           "unsolved run counts as its limit"),
    Column(title="ratio", number=True, meaning="That mean over the least of all solvers'"),
    Column(title="PAR10 (s)", number=True, meaning="Arithmetic mean of the seconds; an unsolved "
           "run counts as ten times its limit"),
    Column(title="joint mean (s)", number=True, meaning="Arithmetic mean of the seconds over the "
           "cases that every solver solved"),
    Column(title="gap", number=True, meaning="Mean of min(gap, 1) at the end of the run, 1 "
           "without a plan or a bound"),
    Column(title="no plan", number=True, meaning="Unsolved cases without a plan"),
    Column(title="no bound", number=True, meaning="Unsolved cases without a bound"),
    Column(title="primal (s)", number=True, meaning="Mean primal integral: seconds times the "
           "distance of the plan from the best known"),
    Column(title="dual (s)", number=True, meaning="Mean dual integral: seconds times the distance "
           "of the bound from the best known"),
    Column(title="failed", number=True, meaning="Runs that crashed, hung, overran, ran out of "
           "memory, or were refused"),
    Column(title="not run", number=True, meaning="Cases without a run of this solver, left out "
           "for all"),
)  # fmt: skip


def summary_table(scope: Scope) -> Table:
    """Return the figures of every solver in one scope."""
    rows = tuple(_summary_row(line, scope) for line in scope.lines)
    return Table(name=scope.name or "all cases", columns=_SUMMARY, rows=rows)


def _summary_row(line: Line, scope: Scope) -> tuple[Cell, ...]:
    virtual = line.solver == VIRTUAL_BEST
    best = line.ratio == 1 and line.solved > 0 and not virtual
    return (
        words(line.solver, "weak" if virtual else ""),
        count(None if virtual else line.wrong, bad=True),
        count(line.solved, of=scope.compared),
        seconds(line.mean, "best" if best else ""),
        Cell(value=_rounded(line.ratio), rank=line.ratio,
             shown=_NONE if line.ratio is None else f"{line.ratio:,.2f}"),
        seconds(line.par10),
        seconds(line.joint_mean),
        share(line.gap),
        count(line.no_plan),
        count(line.no_bound),
        seconds(line.primal),
        seconds(line.dual),
        count(None if virtual else line.failed),
        count(None if virtual else line.missing),
    )  # fmt: skip


def summaries_csv(scopes: Sequence[Scope]) -> bytes:
    """Return the figures of every scope as one CSV file, with what they are over."""
    heads = ["set", "cases", "compared", "jointly solved", "sigma (s)"]
    rows = []
    for scope in scopes:
        about: list[Value] = [
            scope.name or "all", scope.cases, scope.compared, scope.joint, scope.shift,
        ]  # fmt: skip
        rows += [about + [cell.value for cell in row] for row in summary_table(scope).rows]
    return write_csv(heads + [column.title for column in _SUMMARY], rows)


def sets_table(scopes: Sequence[Scope]) -> Table:
    """Return, for each set and solver, how many were solved and in what mean time."""
    solvers = list(scopes[0].columns)
    rows = []
    for scope in scopes:
        lines = {line.solver: line for line in scope.lines}
        cells = [words(scope.name or "all", "" if scope.name else "weak"), count(scope.compared)]
        cells += [_set_cell(lines.get(solver), scope) for solver in solvers]
        rows.append(tuple(cells))
    columns = (
        Column(title="set"),
        Column(title="cases", number=True, meaning="Cases that every solver of the set has run"),
        *(Column(title=name, number=True, meaning="Solved, and shifted geometric mean (s)")
          for name in solvers),
    )  # fmt: skip
    return Table(name="sets", columns=columns, rows=tuple(rows))


def _set_cell(line: Line | None, scope: Scope) -> Cell:
    if line is None or line.mean is None:
        return Cell(value=None, shown=_NONE, rank=None)
    best = 0 < line.solved == scope.lines[0].solved and line.ratio == 1
    shown = f"{line.solved} · {significant(line.mean)} s"
    if line.wrong:
        shown += f" · {line.wrong} wrong"
    mark = "bad" if line.wrong else "best" if best else ""
    return Cell(value=shown, shown=shown, rank=line.mean, mark=mark)


def instances_table(entries: Sequence[Entry]) -> Table:
    """Return a row for each case and a column for each solver."""
    solvers = sorted({entry.solver for entry in entries})
    grid: dict[Case, dict[str, Entry]] = {}
    for entry in entries:
        grid.setdefault(entry.case, {})[entry.solver] = entry
    asked = [name for name in ("seed", "gap", "limit", "memory_mib")
             if len({getattr(case, name) for case in grid}) > 1]  # fmt: skip
    columns = (
        Column(title="set"),
        Column(title="instance"),
        *(Column(title=name.replace("_mib", " (MiB)"), number=True) for name in asked),
        Column(title="pairs", number=True, meaning="Organisations with a demand, by service"),
        Column(title="options", number=True, meaning="Ways in which a pair can be served"),
        Column(title="best known", number=True,
               meaning="Least objective of all runs and published"),
        *(Column(title=name, number=True, meaning="Seconds if solved, else the gap reached")
          for name in solvers),
    )  # fmt: skip
    rows = []
    for case, row in sorted(grid.items(), key=lambda item: (_natural(item[0]), item[0])):
        some = next(iter(row.values()))
        cells = [words(case.set), words(case.instance)]
        for name in asked:
            value = getattr(case, name)
            cells.append(Cell(value=value, shown=_NONE if value is None else f"{value:g}",
                              rank=value))  # fmt: skip
        cells += [_size(row, "pairs"), _size(row, "options"), _best_cell(some)]
        cells += [outcome_cell(row.get(name)) for name in solvers]
        rows.append(tuple(cells))
    return Table(name="instances", columns=columns, rows=tuple(rows))


def _natural(case: Case) -> list[str]:
    """Return what sorts names as people do: p5 before p15."""
    return [part.zfill(20) if part.isdecimal() else part
            for name in (case.set, case.instance) for part in re.split(r"(\d+)", name)]  # fmt: skip


def _size(row: Mapping[str, Entry], name: str) -> Cell:
    sizes = [entry.run.sizes[name] for entry in row.values() if name in entry.run.sizes]
    return count(sizes[0] if sizes else None)


def _best_cell(entry: Entry) -> Cell:
    if entry.best is None:
        return Cell(value=None, shown=_NONE, rank=None)
    text = money(entry.best, entry.run.money_decimals)
    return Cell(value=text.replace(",", ""), shown=text, rank=float(entry.best))


def outcome_cell(entry: Entry | None) -> Cell:
    """Make a cell of how a run ended; solved ones sort by time, the others behind by gap."""
    if entry is None:
        return Cell(value="not run", shown="not run", rank=None, mark="weak")
    run, behind = entry.run, 1e9
    if entry.wrong:
        return Cell(value="wrong", shown="wrong", rank=3 * behind, mark="bad")
    if entry.solved:
        time = counted(entry)
        shown = f"{significant(time)} s" + (", infeasible" if run.objective is None else "")
        return Cell(value=_rounded(time), shown=shown, rank=time)
    if run.objective is None and run.failure:
        return Cell(value=run.failure, shown=run.failure, rank=2 * behind, mark="weak")
    if run.objective is None:
        text = "no plan"
    elif run.bound is None:
        text = "no bound"
    else:
        text = f"gap {percent(gap_at_end(entry))}"
    if run.failure:
        text += f", {run.failure}"
    return Cell(value=text, shown=text, rank=behind * (1 + gap_at_end(entry)), mark="weak")


def wrong_table(entries: Sequence[Entry]) -> Table:
    """Return every wrong answer, a sentence a row."""
    columns = (*_whose(), Column(title="what is wrong"))
    rows = tuple(
        (*_who(entry), words(sentence, "bad")) for entry in entries for sentence in entry.wrong
    )
    return Table(name="wrong answers", columns=columns, rows=rows)


def failures_table(entries: Sequence[Entry]) -> Table:
    """Return every run that failed."""
    columns = (
        *_whose(), Column(title="failure"), Column(title="what is known of it"),
        Column(title="after (s)", number=True), Column(title="peak (MiB)", number=True),
    )  # fmt: skip
    rows = tuple(
        (
            *_who(entry), words(entry.run.failure), words(_told(entry)), seconds(entry.run.wall),
            count(round(entry.run.peak_mib)),
        )
        for entry in entries
        if entry.run.failure
    )  # fmt: skip
    return Table(name="failures", columns=columns, rows=rows)


def _told(entry: Entry) -> str:
    return entry.run.failure_text or "; ".join(entry.run.reasons) or "nothing"


def _whose() -> tuple[Column, ...]:
    return (Column(title="set"), Column(title="instance"), Column(title="seed", number=True),
            Column(title="solver"))  # fmt: skip


def _who(entry: Entry) -> tuple[Cell, ...]:
    return (words(entry.run.set), words(entry.run.instance), count(entry.run.seed),
            words(entry.solver))  # fmt: skip


def runs_csv(entries: Sequence[Entry]) -> bytes:
    """Return every run with everything that is known of it but trace and plan."""
    stages = list(dict.fromkeys(stage for entry in entries for stage in entry.run.seconds))
    sizes = list(dict.fromkeys(name for entry in entries for name in entry.run.sizes))
    plain = ("suite", "set", "instance", "instance_hash", "sourcing", "solver", "solver_version",
             "seed", "threads", "gap", "limit", "memory_mib", "status", "interrupted", "objective",
             "bound", "certified_bound", "money_decimals", "gap_reached", "best_known",
             "best_known_status", "failure", "failure_text", "time", "wall", "peak_mib",
             "node")  # fmt: skip
    heads = [*plain, "solved", "counted (s)", "gap at end", "primal integral (s)",
             "dual integral (s)", "wrong", *(f"{name} (s)" for name in stages), *sizes,
             "session"]  # fmt: skip
    rows = []
    for entry in entries:
        run = entry.run
        areas = integrals(entry) or (None, None)
        row: list[Value] = [getattr(run, name) for name in plain]
        row += [entry.solved, counted(entry), gap_at_end(entry), *areas, "; ".join(entry.wrong)]
        row += [run.seconds.get(name) for name in stages] + [run.sizes.get(name) for name in sizes]
        rows.append([*row, run.session])
    return write_csv(heads, rows)


def scope_note(scope: Scope) -> str:
    """Say in a sentence what a scope's figures are over."""
    solvers = len(scope.columns)
    if scope.compared == scope.cases:
        whose = f"run by {'the one solver' if solvers == 1 else f'all {solvers} solvers'}"
        text = f"{plural(scope.cases, 'case')}, {whose}"
    else:
        lacking = ", ".join(
            f"{line.solver} lacks {line.missing}" for line in scope.lines if line.missing
        )
        text = (
            f"{scope.compared} of {plural(scope.cases, 'case')} were run by all {solvers} solvers; "
            f"the others are left out of the means ({lacking})"
        )
    return (
        f"{text}; {scope.joint} solved by all; {scope.known} with a best known objective; "
        f"shift σ = {number(scope.shift)} s."
    )


def span(values: Iterable[float], unit: str = "") -> str:
    """Write the different values of an option."""
    return ", ".join(f"{value:g} {unit}".rstrip() for value in sorted(set(values)))

"""Runs -> the figures by which solvers are compared, overall and for each set or family.

What solvers are compared on must be the same for all, so means, counts and curves are over the
cases that every solver of the scope has a run of; wrong answers are counted over all runs.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks import metrics
from benchmarks.crosschecks import by_solver

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.crosschecks import Case, Entry

#: Stands for the best solver of each case.
VIRTUAL_BEST = "virtual best"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The figures of one solver in one scope. Times in seconds; None where there is none.

    Parameters
    ----------
    solver
        Its name, or `VIRTUAL_BEST`.
    runs, wrong, failed
        All its runs in the scope, those with a wrong answer, and those that failed.
    missing
        Cases of the scope that it has no run of.
    solved
        Cases compared that it solved.
    mean, ratio
        Shifted geometric mean, and that over the least of all solvers'.
    par10
        Mean where an unsolved run costs ten times its limit.
    joint_mean
        Mean over the cases that all solvers solved.
    gap
        Mean of min(gap, 1) at the end of the run.
    no_plan, no_bound
        Cases compared that ended without a plan, and without a bound, and unsolved.
    primal, dual
        Mean primal and dual integral over the cases with a best known objective, in seconds.
    """

    solver: str
    runs: int
    wrong: int
    failed: int
    missing: int
    solved: int
    mean: float | None
    ratio: float | None
    par10: float | None
    joint_mean: float | None
    gap: float | None
    no_plan: int | None
    no_bound: int | None
    primal: float | None
    dual: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The comparison of solvers on all cases, or on those of one set.

    Parameters
    ----------
    name
        The set, or '' for all.
    lines
        Best first: most solved, then the least mean, then the least gap; the virtual best last if
        there are several.
    cases
        Cases, of which `compared` have a run of every solver.
    joint
        Cases compared that all solvers solved.
    known
        Cases compared with a best known objective.
    shift
        σ of the means, in seconds.
    columns
        Solver -> its entries on the cases compared, in the order of `order`.
    order
        The cases compared.
    """

    name: str
    lines: tuple[Line, ...]
    cases: int
    compared: int
    joint: int
    known: int
    shift: float
    columns: Mapping[str, tuple[Entry, ...]]
    order: tuple[Case, ...]


def summarise(entries: Sequence[Entry]) -> list[Scope]:
    """Return the comparison on everything, then that of each set, sets in alphabetical order."""
    shift = metrics.shift_for([entry.run.limit for entry in entries])
    sets: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        sets[entry.run.set].append(entry)
    scopes = [compare_solvers(entries, shift)]
    if len(sets) > 1:
        scopes += [compare_solvers(sets[name], shift, name) for name in sorted(sets)]
    return scopes


def compare_solvers(entries: Sequence[Entry], shift: float, name: str = "") -> Scope:
    """Compare the solvers of these entries on the cases that all of them have."""
    solvers = by_solver(entries)
    found = {solver: {entry.case: entry for entry in own} for solver, own in solvers.items()}
    cases = sorted({entry.case for entry in entries})
    order = tuple(case for case in cases if all(case in own for own in found.values()))
    columns = {solver: tuple(own[case] for case in order) for solver, own in found.items()}
    rows = list(zip(*columns.values(), strict=True))
    places = [place for place, row in enumerate(rows) if all(entry.solved for entry in row)]
    joint = [rows[place] for place in places]
    means = {
        solver: metrics.shifted_geometric_mean([counted(entry) for entry in own], shift)
        for solver, own in columns.items()
    }
    least = min((value for value in means.values() if value is not None), default=None)
    lines = [
        _line(
            solver, solvers[solver], own, [own[place] for place in places],
            mean=means[solver], least=least, missing=len(cases) - len(found[solver]),
        )
        for solver, own in columns.items()
    ]  # fmt: skip
    lines.sort(key=lambda line: (-line.solved, _or_infinite(line.mean), _or_infinite(line.gap),
                                 line.solver))  # fmt: skip
    if len(columns) > 1 and rows:
        lines.append(_virtual_best(rows, joint, shift, least))
    return Scope(
        name=name, lines=tuple(lines), cases=len(cases), compared=len(order), joint=len(joint),
        known=sum(row[0].best is not None for row in rows), shift=shift, columns=columns,
        order=order,
    )  # fmt: skip


def counted(entry: Entry) -> float:
    """Return the seconds at which a run counts."""
    return metrics.counted_time(entry.run.time, entry.run.limit, solved=entry.solved)


def solved_time(entry: Entry) -> float | None:
    """Return the seconds at which a run counts if it is solved, else None."""
    return counted(entry) if entry.solved else None


def gap_at_end(entry: Entry) -> float:
    """Return min(gap, 1) at the end of a run: 0 for "no plan" proved, 1 for a wrong answer."""
    if entry.wrong:
        return 1.0
    if entry.solved and entry.run.objective is None:
        return 0.0
    return metrics.capped_gap(entry.run.objective, entry.run.bound)


def integrals(entry: Entry) -> tuple[float, float] | None:
    """Return the primal and the dual integral in seconds; None without a best known objective.

    A wrong answer earns nothing: its distances are 1 throughout.
    """
    if entry.best is None:
        return None
    run, best = entry.run, float(entry.best)
    if entry.wrong:
        return run.limit, run.limit
    primal = [(time, objective) for time, objective, _ in run.trace]
    dual = [(time, bound) for time, _, bound in run.trace]
    return (
        metrics.integral(primal, best, run.limit),
        metrics.integral(dual, best, run.limit),
    )


def _or_infinite(value: float | None) -> float:
    return float("inf") if value is None else value


def _line(
    solver: str,
    every: Sequence[Entry],
    own: Sequence[Entry],
    joint: Sequence[Entry],
    *,
    mean: float | None,
    least: float | None,
    missing: int,
) -> Line:
    unsolved = [entry for entry in own if not entry.solved]
    areas = [found for found in map(integrals, own) if found is not None]
    return Line(
        solver=solver,
        runs=len(every),
        wrong=sum(bool(entry.wrong) for entry in every),
        failed=sum(bool(entry.run.failure) for entry in every),
        missing=missing,
        solved=len(own) - len(unsolved),
        mean=mean,
        ratio=metrics.ratio(mean, least),
        par10=metrics.penalised_mean(
            [solved_time(entry) for entry in own], [entry.run.limit for entry in own]
        ),
        joint_mean=metrics.mean([counted(entry) for entry in joint]),
        gap=metrics.mean([gap_at_end(entry) for entry in own]),
        no_plan=sum(entry.run.objective is None for entry in unsolved),
        no_bound=sum(entry.run.bound is None for entry in unsolved),
        primal=metrics.mean([primal for primal, _ in areas]),
        dual=metrics.mean([dual for _, dual in areas]),
    )


def _virtual_best(
    rows: Sequence[tuple[Entry, ...]],
    joint: Sequence[tuple[Entry, ...]],
    shift: float,
    least: float | None,
) -> Line:
    """Return what one would have who always knew the best solver."""
    times = [
        min((counted(entry) for entry in row if entry.solved), default=None) for row in rows
    ]
    limits = [row[0].run.limit for row in rows]
    mean = metrics.shifted_geometric_mean(
        [limit if time is None else time for time, limit in zip(times, limits, strict=True)], shift
    )
    return Line(
        solver=VIRTUAL_BEST, runs=0, wrong=0, failed=0, missing=0,
        solved=sum(time is not None for time in times),
        mean=mean,
        ratio=metrics.ratio(mean, least),
        par10=metrics.penalised_mean(times, limits),
        joint_mean=metrics.mean([min(map(counted, row)) for row in joint]),
        gap=metrics.mean([min(map(gap_at_end, row)) for row in rows]),
        no_plan=None, no_bound=None, primal=None, dual=None,
    )  # fmt: skip

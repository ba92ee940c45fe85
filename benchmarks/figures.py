"""The curves of a comparison, from its figures; `optimiser.report.charts` draws them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from benchmarks.metrics import SHORTEST, cumulative, profile_ratios
from benchmarks.summary import counted, solved_time
from benchmarks.tables import significant
from optimiser.report.charts import Axis, Guide, Series, draw_curves, draw_scatter

if TYPE_CHECKING:
    from collections.abc import Sequence

    import plotly.graph_objects as go

    from benchmarks.crosschecks import Entry
    from benchmarks.summary import Scope

#: How a pair of runs ended, in the order of the scatter's legend.
OUTCOMES: Final = ("both solved", "one solved", "neither solved")


@dataclass(frozen=True, slots=True, kw_only=True)
class Duel:
    """What the scatter needs of one solver: seconds by case, and whether they were solved."""

    solver: str
    times: tuple[float, ...]
    solved: tuple[bool, ...]


def draw_solved(scope: Scope) -> go.Figure:
    """Draw how many cases each solver has solved within a time."""
    last = max((entry.run.limit for own in scope.columns.values() for entry in own), default=1.0)
    solved = {
        solver: [max(time, SHORTEST) for time in map(solved_time, own) if time is not None]
        for solver, own in scope.columns.items()
    }
    first = min((time for times in solved.values() for time in times), default=SHORTEST) / 1.5
    series = []
    for solver, times in solved.items():
        steps = [(first, 0), *cumulative(times)]
        steps.append((last, steps[-1][1]))
        series.append(
            Series(
                name=solver, x=[t for t, _ in steps], y=[n for _, n in steps],
                texts=[f"{solver}: {n} solved within {significant(t)} s" for t, n in steps],
            )
        )  # fmt: skip
    return draw_curves(
        series, steps=True,
        x=Axis(title="seconds (clean and solve), logarithmic", log=True, low=first,
               high=last * 1.1),
        y=Axis(title=f"cases solved, of {scope.compared}", low=0, high=scope.compared * 1.03 or 1),
    )  # fmt: skip


def draw_profile(scope: Scope) -> go.Figure:
    """Draw the performance profile: the share of cases solved within τ times the best solver."""
    times = {
        solver: [solved_time(entry) for entry in own] for solver, own in scope.columns.items()
    }
    ratios = profile_ratios(times)
    cases = max(scope.compared, 1)
    curves = {solver: cumulative(own) for solver, own in ratios.items()}
    last = max((tau for steps in curves.values() for tau, _ in steps), default=1.0) * 1.2
    series = []
    for solver, found in curves.items():
        steps = found if found and found[0][0] == 1 else [(1.0, 0), *found]
        steps = [*steps, (last, steps[-1][1])]
        series.append(
            Series(
                name=solver, x=[tau for tau, _ in steps], y=[n / cases for _, n in steps],
                texts=[
                    f"{solver}: {n / cases:.0%} solved within {significant(tau)} times the best"
                    for tau, n in steps
                ],
            )
        )  # fmt: skip
    return draw_curves(
        series, steps=True,
        x=Axis(title="τ: times the best solver's seconds, logarithmic", log=True, low=1, high=last),
        y=Axis(title="share of cases, ρ(τ)", percent=True, low=0, high=1.03),
    )  # fmt: skip


def duels(scope: Scope) -> list[Duel]:
    """Return every solver's seconds by case, best solver first."""
    order = [line.solver for line in scope.lines if line.solver in scope.columns]
    return [
        Duel(
            solver=solver,
            times=tuple(max(counted(entry), SHORTEST) for entry in scope.columns[solver]),
            solved=tuple(entry.solved for entry in scope.columns[solver]),
        )
        for solver in order
    ]


def case_names(scope: Scope) -> list[str]:
    """Return what the scatter calls each case."""
    return [
        f"{case.set}: {case.instance}" + (f", seed {case.seed}" if case.seed else "")
        for case in scope.order
    ]


def draw_duel(
    found: Sequence[Duel], names: Sequence[str], limits: Sequence[float]
) -> go.Figure:
    """Draw the seconds of the first two solvers against each other, unsolved ones at their limit.

    The axes hold every solver's times, so that the page may draw another pair on them.
    """
    a, b = found[:2]
    points: dict[str, list[tuple[float, float, str]]] = {outcome: [] for outcome in OUTCOMES}
    for place, name in enumerate(names):
        outcome = OUTCOMES[2 - a.solved[place] - b.solved[place]]
        x, y = a.times[place], b.times[place]
        points[outcome].append(
            (x, y, f"{name}: {a.solver} {significant(x)} s, {b.solver} {significant(y)} s")
        )
    series = [
        Series(name=outcome, x=[x for x, _, _ in some], y=[y for _, y, _ in some],
               texts=[text for _, _, text in some])
        for outcome, some in points.items()
    ]  # fmt: skip
    least = min((time for duel in found for time in duel.times), default=SHORTEST) / 1.5
    last = max(limits, default=1.0) * 1.5
    guides = [Guide(x0=least, y0=least, x1=last, y1=last)]
    for limit in sorted(set(limits)):
        guides.append(Guide(x0=limit, y0=least, x1=limit, y1=last))
        guides.append(Guide(x0=least, y0=limit, x1=last, y1=limit, name=f"limit {limit:g} s"))
    return draw_scatter(
        series, guides=guides, height=520,
        x=Axis(title=f"{a.solver} (s)", log=True, low=least, high=last),
        y=Axis(title=f"{b.solver} (s)", log=True, low=least, high=last),
    )  # fmt: skip


def duel_data(found: Sequence[Duel], names: Sequence[str]) -> dict[str, Any]:
    """Return what the page's script needs to draw another pair."""
    return {
        "names": list(names),
        "solvers": [
            {"name": duel.solver, "times": [float(f"{t:.4g}") for t in duel.times],
             "solved": list(duel.solved)}
            for duel in found
        ],
    }  # fmt: skip


def limits_of(entries: Sequence[Entry]) -> list[float]:
    """Return the different limits, ascending."""
    return sorted({entry.run.limit for entry in entries})

"""How cost grows: the time to a gap against the number of organisations, and of services.

Times come from the traces of records. Lines are fits y = a xᵇ; what did not reach the gap within
its limit is drawn hollow at the limit and is in no fit.
"""

from __future__ import annotations

import csv
import io
import math
import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.crosschecks import read_entries
from benchmarks.metrics import SHORTEST, power_law, time_to_gap
from benchmarks.sessions import commits
from benchmarks.suites import generated
from benchmarks.tables import significant
from optimiser.errors import UsageError
from optimiser.files.atomic import replace_file
from optimiser.report.charts import colour
from optimiser.report.page import render_page
from optimiser.report.words import percent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from benchmarks.crosschecks import Entry, Records

#: Where the picture of this project lies; its figures lie beside it, with the ending .csv.
PICTURE: Final = Path(__file__).with_name("growth.svg")
_TEMPLATE: Final = Path(__file__).parent / "templates" / "growth.svg"
#: What grows, and what stays the same meanwhile.
_AXES: Final = (("organisations", "services"), ("services", "organisations"))
#: Pixels of the picture: a panel's width and height, what is around it, and a line of text.
_WIDE, _HIGH, _LEFT, _TOP, _BELOW, _LINE = 420, 300, 64, 40, 64, 17


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """The seconds to a gap at one size; None if it was not reached within the limit (s)."""

    size: int
    seconds: float | None
    limit: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One solver on its way to one gap, sizes ascending."""

    name: str
    points: tuple[Point, ...]

    @property
    def law(self) -> tuple[float, float] | None:
        """Factor and exponent of the fit; None of fewer than two sizes."""
        found = [(p.size, max(p.seconds, SHORTEST)) for p in self.points if p.seconds is not None]
        return power_law(found)

    @property
    def legend(self) -> str:
        """Name, slope of the fit, and how many points it is of."""
        reached = sum(point.seconds is not None for point in self.points)
        law = self.law
        text = self.name if law is None else f"{self.name}: slope {law[1]:.2f}"
        if reached < len(self.points):
            text += f" ({reached} of {len(self.points)} in time)"
        return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Curves over the number of organisations, or of services."""

    title: str
    axis: str
    curves: tuple[Curve, ...]


def write_growth(
    files: Sequence[str | os.PathLike[str]], gaps: Sequence[float], out: Path
) -> list[str]:
    """Draw records into `out`, an SVG, with a table of the figures beside it; return what to tell.

    Raises
    ------
    UsageError
        If the records hold nothing that grows, or `out` is no SVG.
    FileError
        If a file cannot be read or written.
    """
    if out.suffix != ".svg":
        raise UsageError(f"--out {out}: the picture is an SVG. Name it so: growth.svg")
    records = read_entries(files)
    panels = panels_of(records.entries, gaps)
    if not panels:
        raise UsageError(
            f"{', '.join(map(str, files))}: no two runs of generated instances differ in the "
            "number of organisations, or services, alone. Run: python -m benchmarks run growth"
        )
    replace_file(out.with_suffix(".csv"), table_of(records, gaps))
    replace_file(out, draw(panels, _circumstances(records)))
    lines = [f"{panel.title}: {curve.legend}" for panel in panels for curve in panel.curves]
    return [*lines, os.path.relpath(out)]


def panels_of(entries: Sequence[Entry], gaps: Sequence[float]) -> list[Panel]:
    """Return a panel for each size that grows while the others stay: the longest such row."""
    sizes = {entry.run.key: case.source["sizes"] for entry in entries
             if (case := generated(entry.run.instance)) is not None}  # fmt: skip
    panels = []
    for axis, other in _AXES:
        rows: dict[tuple[str, int], set[int]] = defaultdict(set)
        for entry in entries:
            if entry.run.key in sizes:
                size = sizes[entry.run.key]
                rows[entry.run.set, size[other]].add(size[axis])
        if not rows:
            continue
        family, fixed = max(rows, key=lambda row: (len(rows[row]), row))
        if len(rows[family, fixed]) < 2:
            continue
        row = [e for e in entries if e.run.set == family and e.run.key in sizes
               and sizes[e.run.key][other] == fixed]  # fmt: skip
        at = {entry.run.key: sizes[entry.run.key][axis] for entry in row}
        curves = [
            Curve(name=f"{solver} to {percent(gap)}", points=points)
            for solver in sorted({entry.solver for entry in row})
            for gap in gaps
            if (points := _points([e for e in row if e.solver == solver], at, gap))
        ]
        if curves:
            title = f"{family}, {fixed:,} {other}"
            panels.append(Panel(title=title, axis=axis, curves=tuple(curves)))
    return panels


def _points(entries: Iterable[Entry], at: dict[str, int], gap: float) -> tuple[Point, ...]:
    """Return points of the runs that were asked for that gap, or a closer one."""
    found = [
        Point(size=at[e.run.key], seconds=_seconds(e, gap), limit=e.run.limit)
        for e in entries
        if e.run.gap <= gap
    ]
    return tuple(sorted(found, key=lambda point: point.size))


def _seconds(entry: Entry, gap: float) -> float | None:
    """Return the seconds to a gap; None if it was not reached in time, or the run was wrong."""
    time = None if entry.wrong else time_to_gap(entry.run.trace, gap)
    return None if time is None or time > entry.run.limit else time


def table_of(records: Records, gaps: Sequence[float]) -> bytes:
    """Return the figures as CSV, a row for each run of a generated instance."""
    dates = {session.id: session for session in records.sessions}
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(
        ["instance", "solver", "threads", "organisations", "services", "pairs", "options",
         *(f"seconds to {percent(gap)}" for gap in gaps), "seconds", "gap", "limit", "date",
         "commit"]
    )  # fmt: skip
    for entry in records.entries:
        run, case = entry.run, generated(entry.run.instance)
        if case is None:
            continue
        session = dates.get(run.session)
        times = [_seconds(entry, gap) for gap in gaps]
        rows.writerow(
            [run.instance, entry.solver, run.threads, case.source["sizes"]["organisations"],
             case.source["sizes"]["services"], run.sizes.get("pairs", ""),
             run.sizes.get("options", ""), *("" if t is None else f"{t:.2f}" for t in times),
             f"{run.time:.2f}", "" if run.gap_reached is None else f"{run.gap_reached:.5f}",
             f"{run.limit:g}", "" if session is None else session.date[:10],
             "" if session is None else session.commit[:7]]
        )  # fmt: skip
    return text.getvalue().encode()


def draw(panels: Sequence[Panel], notes: Sequence[str]) -> bytes:
    """Draw panels side by side on one scale of seconds, logarithmic both ways, notes below."""
    points = [point for panel in panels for curve in panel.curves for point in curve.points]
    seconds = [max(p.seconds, SHORTEST) if p.seconds is not None else p.limit for p in points]
    low, high = min(seconds) / 1.6, max(seconds) * 1.6
    deepest = max(len(panel.curves) for panel in panels) * _LINE
    top, bottom = _TOP + deepest, _TOP + deepest + _HIGH

    def y(value: float) -> float:
        return round(bottom - _HIGH * _part(value, low, high), 1)

    drawn = [
        _drawn(panel, _LEFT + place * (_WIDE + _LEFT), y, (low, high))
        for place, panel in enumerate(panels)
    ]
    values = {
        "width": len(panels) * (_WIDE + _LEFT) + 24, "height": bottom + _BELOW + _LINE * len(notes),
        "top": top, "bottom": bottom, "wide": _WIDE, "line": _LINE, "panels": drawn,
        "rows": [(y(tick), f"{tick:g}") for tick in _ticks(low, high)],
        "limits": [(y(each), f"limit {each:g} s") for each in sorted({p.limit for p in points})
                   if low < each < high],
        "notes": notes, "notes_at": bottom + _BELOW,
        "about": "; ".join(f"{p.title}: {c.legend}" for p in panels for c in p.curves),
    }  # fmt: skip
    return render_page(_TEMPLATE, values, scripts=[])


def _drawn(
    panel: Panel, left: float, y: Callable[[float], float], ends: tuple[float, float]
) -> dict[str, Any]:
    """Return one panel's places in pixels."""
    sizes = sorted({point.size for curve in panel.curves for point in curve.points})
    low, high = sizes[0] / 1.25, sizes[-1] * 1.25

    def x(value: float) -> float:
        return round(left + _WIDE * _part(value, low, high), 1)

    curves = []
    for place, curve in enumerate(panel.curves):
        law, line = curve.law, None
        if law is not None:
            factor, slope = law
            reached = [point.size for point in curve.points if point.seconds is not None]
            # No further than the points, and not out of the panel.
            ends_at = [
                (size, min(max(factor * size**slope, ends[0]), ends[1]))
                for size in (min(reached), max(reached))
            ]
            line = [place for size, value in ends_at for place in (x(size), y(value))]
        curves.append(
            {
                "legend": curve.legend, "colour": colour(place), "line": line,
                "round": place % 2 == 0,
                "points": [
                    (x(p.size), y(p.limit if p.seconds is None else max(p.seconds, SHORTEST)),
                     p.seconds is not None, _words(panel, curve, p))
                    for p in curve.points
                ],
            }
        )  # fmt: skip
    return {"left": left, "title": panel.title, "axis": panel.axis, "curves": curves,
            "columns": [(x(size), f"{size:,}") for size in sizes]}  # fmt: skip


def _words(panel: Panel, curve: Curve, point: Point) -> str:
    if point.seconds is None:
        return f"{curve.name}, {point.size:,} {panel.axis}: not within {point.limit:g} s"
    return f"{curve.name}, {point.size:,} {panel.axis}: {significant(point.seconds)} s"


def _part(value: float, low: float, high: float) -> float:
    """Return where a value lies between the ends of a logarithmic axis, from 0 to 1."""
    return math.log(value / low) / math.log(high / low)


def _ticks(low: float, high: float) -> list[float]:
    """Return 1, 2 and 5 times the powers of 10 between the ends."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [t for power in powers for step in (1, 2, 5) if low <= (t := step * 10.0**power) <= high]


def _circumstances(records: Records) -> list[str]:
    """Say when, where, of what commit and by which commands the runs were made."""
    sessions = records.sessions
    dates = sorted({session.date[:10] for session in sessions})
    machines = {
        f"{s.machine.get('cpu', '?')}, {s.machine.get('cores', '?')} cores, "
        f"{s.machine.get('memory_gib', '?')} GiB"
        for s in sessions
    }
    threads = sorted({entry.run.threads for entry in records.entries})
    at = ", ".join(commits(sessions)) or "?"
    return [
        f"{', '.join(dates)}, commit {at}, {', '.join(map(str, threads))} thread"
        f"{'s' if threads != [1] else ''}; {'; '.join(sorted(machines))}.",
        *dict.fromkeys(session.command for session in sessions if session.command),
    ]

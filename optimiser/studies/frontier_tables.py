"""The tables of a frontier."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from optimiser.files.studies import Record
from optimiser.studies.sweeps import sheet

if TYPE_CHECKING:
    from optimiser.solvers.frames import Sheet
    from optimiser.studies.frontiers import Frontier


def record(frontier: Frontier) -> Record:
    """Return what is to be kept of a frontier."""
    measure, knee = frontier.measure, frontier.knee
    return Record(
        kind="frontier",
        instance=frontier.instance,
        options={**frontier.how.document(), "measure": measure.name},
        headline=headline(frontier),
        facts={
            "measure": measure.name,
            "title": measure.title,
            "more_is_sought": measure.more,
            "complete": frontier.complete,
            "end": frontier.end,
            "knee": None if knee is None else knee.name,
            "first_seconds": _seconds(frontier, first=True),
            "later_seconds": _seconds(frontier, first=False),
            "interrupted": frontier.interrupted,
        },
        tables={"points": points(frontier), "weighted": weighted(frontier)},
        results=frontier.solved,
        seconds=frontier.seconds,
    )


def _seconds(frontier: Frontier, *, first: bool) -> float | None:
    """Return the seconds of the first solve, or the mean of those after it."""
    times = [result.seconds.get("total", 0.0) for result in frontier.solved.values()]
    some = times[:1] if first else times[1:]
    return round(sum(some) / len(some), 3) if some else None


def _shown(frontier: Frontier, value: Fraction) -> str:
    measure = frontier.measure
    if measure.scale != 1:
        return f"{float(value / measure.scale):.1%}"
    return f"{float(value):,.0f}"


def headline(frontier: Frontier) -> list[str]:
    """Return the answer in a few sentences."""
    found, measure = frontier.points, frontier.measure
    if not found:
        return ["No plan was found, so there is nothing to trade off."]
    settings = frontier.instance.settings
    unit = 10**settings.money_decimals
    first, last = found[0], found[-1]
    more = (last.objective - first.objective) / unit
    text = [
        f"From {_shown(frontier, first.value)} to {_shown(frontier, last.value)} "
        f"({measure.title}) costs {more:,.0f} {settings.currency} a year more: "
        f"{len(found)} points, "
        + ("complete and each proved." if frontier.complete else "none of which another beats.")
    ]
    knee = frontier.knee
    if knee is not None:
        extra = (knee.objective - first.objective) / unit
        text.append(
            f"The knee is at {_shown(frontier, knee.value)}: {extra:,.0f} {settings.currency} a "
            "year more than the cheapest plan; beyond it each further step costs most."
        )
    gaps = [p.result.gap for p in found if p.result.gap is not None]
    if gaps and max(gaps) > 0 and not frontier.complete:
        text.append(
            f"Points are known to within a gap of {max(gaps):.2%}: a plan between two points "
            "that beats one of them by less is not ruled out."
        )
    return text


def points(frontier: Frontier) -> Sheet:
    """One row per point: the measure, cost, bound, and what the last step costs."""
    kinds = {"point": "text", "value": "quantity", "share": "quantity", "limit": "quantity",
             "cost": "money", "objective": "money", "bound": "money", "gap": "quantity",
             "extra": "quantity", "step_price": "quantity", "knee": "flag", "status": "text",
             "seconds": "quantity"}  # fmt: skip
    unit = 10**frontier.instance.settings.money_decimals
    measure, knee = frontier.measure, frontier.knee
    rows: list[tuple[Any, ...]] = []
    before = None
    for point in frontier.points:
        result = point.result
        price = None
        if before is not None and point.value != before.value:
            price = abs(Fraction(point.objective - before.objective, unit)
                        / (point.value - before.value))  # fmt: skip
        rows.append((
            point.name, point.value,
            None if measure.scale == 1 else point.value / measure.scale, point.limit,
            result.cost_units, result.objective_units, result.bound_units,
            None if result.gap is None or result.gap == float("inf") else Fraction(result.gap),
            Fraction(point.objective - frontier.points[0].objective, unit), price,
            point is knee or (knee is not None and point.name == knee.name), result.status,
            Fraction(result.seconds.get("total", 0.0)),
        ))  # fmt: skip
        before = point
    return sheet(frontier.instance, kinds, rows)


def weighted(frontier: Frontier) -> Sheet:
    """One row per weight: the plan of least cost with the measure so priced."""
    kinds = {"point": "text", "weight": "quantity", "value": "quantity", "cost": "money"}
    rows = [(p.name, p.limit, p.value, p.result.cost_units) for p in frontier.weighted]
    return sheet(frontier.instance, kinds, rows)

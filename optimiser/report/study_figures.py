"""Figures of studies, drawn from the tables that a study has saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from optimiser.model.schema import IN_HOUSE, MODES
from optimiser.report.charts import (
    COLOURS,
    Axis,
    Guide,
    Series,
    draw_bars,
    draw_curves,
    draw_heat,
    draw_scatter,
)
from optimiser.report.figures import MOST_BARS, colour_by_mode
from optimiser.report.parts import Block
from optimiser.report.plans import LOOKS, short_names, shorten
from optimiser.report.words import number, percent, plural

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from optimiser.report.study_views import StudyView

#: Scenarios and plans of a heat map.
_MOST_CELLS: Final = 40


def _sweep(view: StudyView) -> list[Block | None]:
    scenarios = view.records("scenarios")
    names = short_names([row["scenario"] for row in scenarios], [""] * len(scenarios))
    modes = {IN_HOUSE: "in_house", MODES[0]: "shared_centre", MODES[1]: "co_operative"}
    bars = None
    if scenarios:
        kept = list(zip(names, scenarios, strict=True))[:_MOST_CELLS]
        series = [
            Series(
                name=LOOKS[mode].words, x=[_value(row[column]) or 0 for _, row in kept], y=(),
                texts=[f"{name}: {row[column] or 0} pairs {LOOKS[mode].words}"
                       for name, row in kept],
            )
            for mode, column in modes.items()
        ]  # fmt: skip
        figure = draw_bars(series, names=[name for name, _ in kept], x=Axis(title="pairs"))
        colour_by_mode(figure, list(modes))
        bars = Block(
            kind="figure", title="Who delivers, by scenario", figure=figure,
            alternative="Bars of pairs by mode for each scenario; the table of scenarios has them.",
        )  # fmt: skip
    return [_regret(view), _costs(view, kept) if scenarios else None, bars, _open(view)]


def _regret(view: StudyView) -> Block | None:
    prices = view.records("prices")
    plans = list(dict.fromkeys(row["plan"] for row in prices))[:_MOST_CELLS]
    scenarios = list(dict.fromkeys(row["scenario"] for row in prices))[:_MOST_CELLS]
    if not plans:
        return None
    cell = {(row["plan"], row["scenario"]): row for row in prices}
    values: list[list[float | None]] = []
    labels: list[list[str]] = []
    texts: list[list[str]] = []
    for plan in plans:
        values.append([])
        labels.append([])
        texts.append([])
        for scenario in scenarios:
            row = cell.get((plan, scenario))
            low, high = (None, None) if row is None else (
                _value(row["regret_low"]), _value(row["regret_high"]))  # fmt: skip
            words = f"Plan for {shorten(plan)} under {shorten(scenario)}: "
            values[-1].append(high)
            if row is not None and row["broken"]:
                labels[-1].append("✗ breaks a rule")
                texts[-1].append(words + shorten(row["broken"], 160))
            elif high is None:
                labels[-1].append("–")
                texts[-1].append(words + "not known")
            else:
                labels[-1].append(("≤ " if low != high else "") + view.write(high))
                texts[-1].append(f"{words}regret {view.write(low or 0)} to {view.write(high)}")
    figure = draw_heat(
        values, rows=short_names(plans, [""] * len(plans)),
        columns=short_names(scenarios, [""] * len(scenarios)), labels=labels, texts=texts,
        x=Axis(title="scenario that comes"), y=Axis(title="plan chosen"),
    )  # fmt: skip
    return Block(
        kind="figure", title="Regret: what each plan costs more than the best one of a scenario",
        figure=figure,
        alternative="Heat map of regret, plans by scenarios, with the amount in each cell; the "
                    "table of prices holds the same.",
        note="Darker is dearer; ≤ where the gap of the solves leaves a range; ✗ where the plan "
             "would break a rule there.",
    )  # fmt: skip


def _costs(view: StudyView, kept: Sequence[tuple[str, dict[str, str]]]) -> Block | None:
    known = [(name, cost) for name, row in kept if (cost := _value(row["cost"])) is not None]
    if not known:
        return None
    figure = draw_bars(
        [Series(name="cost", x=[cost for _, cost in known], y=(),
                texts=[f"{name}: {view.write(cost)}" for name, cost in known])],
        names=[name for name, _ in known], x=Axis(title=f"{view.sign} a year"),
    )  # fmt: skip
    for at, (_, cost) in enumerate(known):
        figure.add_annotation(x=cost, y=at, text=view.write(cost), showarrow=False, xanchor="right",
                              xshift=-6, font={"size": 12, "color": "#FFFFFF"})  # fmt: skip
    return Block(
        kind="figure", title="Cost of the best plan found for each scenario", figure=figure,
        alternative="; ".join(f"{name} {view.write(cost)}" for name, cost in known[:10]),
    )  # fmt: skip


def _open(view: StudyView) -> Block | None:
    rows = [row for row in view.records("providers") if _value(row["open"])]
    rows.sort(key=lambda row: -(_value(row["open"]) or 0))
    rows = rows[:MOST_BARS]
    if not rows:
        return None
    names = short_names([row["provider"] for row in rows], [row["provider"] for row in rows])
    modes = [mode for mode in MODES if any(row["mode"] == mode for row in rows)]
    series = [
        Series(
            name=LOOKS[mode].words, y=(),
            x=[(_value(row["open"]) or 0) / (_value(row["plans"]) or 1)
               if row["mode"] == mode else 0 for row in rows],
            texts=[f"{name}: open in {row['open']} of {row['plans']} plans"
                   for name, row in zip(names, rows, strict=True)],
        )
        for mode in modes
    ]  # fmt: skip
    figure = draw_bars(series, names=names, x=Axis(title="share of the plans", percent=True))
    colour_by_mode(figure, modes)
    return Block(
        kind="figure", title="In how many plans a provider is open", figure=figure,
        alternative="Bars of the share of plans in which each provider is open; see the table of "
                    "providers.",
    )  # fmt: skip


def _robust(view: StudyView) -> list[Block | None]:
    rows = [row for row in view.records("scenarios") if _value(row["regret_high"]) is not None]
    if not rows:
        return []
    names = short_names([row["scenario"] for row in rows], [""] * len(rows))
    series = []
    ends = (("surely", "regret_low"), ("at most", "regret_high"))
    for place, (words, column) in enumerate(ends):
        x = [(_value(row[column]) or 0) - (place and (_value(row["regret_low"]) or 0))
             for row in rows]  # fmt: skip
        series.append(
            Series(name=f"regret, {words}", x=x, y=(),
                   texts=[f"{name}: {words} {view.write(_value(row[column]) or 0)}"
                          for name, row in zip(names, rows, strict=True)])
        )  # fmt: skip
    figure = draw_bars(series, names=names, x=Axis(title=f"{view.sign} a year"))
    return [
        Block(
            kind="figure", title="Regret of this plan in each scenario", figure=figure,
            alternative="Bars of what the plan costs more than the best one of each scenario; the "
                        "table of scenarios holds the ranges.",
        )
    ]  # fmt: skip


def _frontier(view: StudyView) -> list[Block | None]:
    rows = [row for row in view.records("points") if _value(row["value"]) is not None]
    if not rows:
        return []
    measure = shorten(str(view.options.get("measure") or "measure"))
    rows.sort(key=lambda row: _value(row["value"]) or 0)

    def series(name: str, chosen: Sequence[dict[str, str]], column: str) -> Series:
        chosen = [row for row in chosen if _value(row[column]) is not None]
        return Series(
            name=name, x=[_value(row["value"]) or 0 for row in chosen],
            y=[_value(row[column]) or 0 for row in chosen],
            texts=[
                f"{row['point']}: {measure} {number(_value(row['value']) or 0, 2)}, "
                f"{view.write(_value(row[column]) or 0)}"
                + (f", {view.write(_value(row['step_price']) or 0)} a unit since the last point"
                   if row["step_price"] else "")
                for row in chosen
            ],
        )  # fmt: skip

    knee = [row for row in rows if row["knee"] == "yes"]
    shown = [series("plans found", rows, "cost"),
             series("bound: none can be cheaper", rows, "bound")]  # fmt: skip
    if knee:
        shown.append(series("knee", knee, "cost"))
    figure = draw_scatter(
        shown, x=Axis(title=measure), y=Axis(title=f"{view.sign} a year"),
        guides=[
            Guide(x0=x0, y0=y0, x1=x1, y1=y1)
            for (x0, y0), (x1, y1) in zip(
                _pairs(shown[0]), _pairs(shown[0])[1:], strict=False)
        ],
    )  # fmt: skip
    figure.data[1].marker.color = "#777777"
    figure.data[1].marker.symbol = "line-ew-open"
    figure.data[1].marker.line = {"width": 2, "color": "#777777"}
    if knee:
        figure.data[2].marker.update(symbol="star", size=17, color=COLOURS[1], opacity=1)
    words = "" if not knee else (
        f" The knee is at {number(_value(knee[0]['value']) or 0, 2)} for "
        f"{view.write(_value(knee[0]['cost']) or 0)}."
    )  # fmt: skip
    return [
        Block(
            kind="figure", title=f"Cost against {measure}", figure=figure,
            alternative=f"{plural(len(rows), 'plan')} by {measure} and cost." + words,
            note="The knee is the plan furthest below the straight line between the two ends: "
                 "from it on each further step costs more than on the average." if knee else "",
        )
    ]  # fmt: skip


def _alternatives(view: StudyView) -> list[Block | None]:
    rows = [row for row in view.records("plans") if _value(row["extra"]) is not None]
    if not rows:
        return []
    figure = draw_bars(
        [Series(name="more than the best", x=[_value(row["extra"]) or 0 for row in rows], y=(),
                texts=[f"{row['plan']}: {view.write(_value(row['extra']) or 0)} more, "
                       f"{row['differs']} pairs differ" for row in rows])],
        names=short_names([row["plan"] for row in rows], [""] * len(rows)),
        x=Axis(title=f"{view.sign} a year more than the best plan"),
    )  # fmt: skip
    return [
        Block(kind="figure", title="What each plan costs more", figure=figure,
              alternative="Bars of the extra cost of each plan; the table of plans holds them.")
    ]  # fmt: skip


def _explain(view: StudyView) -> list[Block | None]:
    table = next((name for name in view.names if "flips" in view.columns[name]), "")
    rows = [row for row in view.records(table) if _value(row.get("change_share", "")) is not None]
    if not rows:
        return []
    rows.sort(key=lambda row: abs(_value(row["change_share"]) or 0))
    found: dict[tuple[str, str, str], dict[str, dict[str, str]]] = {}
    for row in rows:
        key = (row["organisation"], row["service"], row["what"])
        found.setdefault(key, {})[row.get("free", "no")] = row
    left = len(found) - MOST_BARS
    shown = list(found.items())[:MOST_BARS]
    names = short_names(
        [f"{key[0]}/{key[1]}: {key[2]}" for key, _ in shown], [""] * len(shown), 64
    )
    series = []
    for free, words in (("no", "all else as it is"), ("yes", "all else free to adapt")):
        own = [by.get(free) for _, by in shown]
        series.append(
            Series(
                name=words, y=(),
                x=[0 if row is None else _value(row["change_share"]) or 0 for row in own],
                texts=["" if row is None else
                       f"{name}, {words}: flips at {row['flips']}, now {row['now']} "
                       f"({percent(_value(row['change_share']) or 0)})"
                       for name, row in zip(names, own, strict=True)],
            )
        )  # fmt: skip
    figure = draw_bars(
        series, names=names, x=Axis(title="change at which the decision flips", percent=True)
    )
    figure.update_layout(barmode="group", showlegend=True)
    return [
        Block(
            kind="figure", title="Switching points: how far a figure must move", figure=figure,
            alternative="Bars of the relative change of a figure at which a decision flips, the "
                        "nearest first; the table holds all.",
            note=f"The {MOST_BARS} nearest; {left:,} more in the table." if left > 0 else "",
        )
    ]  # fmt: skip


def _share(view: StudyView) -> list[Block | None]:
    rows = view.records("shares")
    ways = [name for name in view.columns.get("shares", {})
            if name.startswith("by_") and not name.endswith("_error")]  # fmt: skip
    alone = [_value(row["alone"]) for row in rows]
    blocks: list[Block | None] = []
    if rows and ways and all(alone):
        kept = rows[:_MOST_CELLS]
        names = short_names([row["organisation"] for row in kept], [""] * len(kept))
        values = [
            [(_value(row[way]) or 0) / (cost or 1) for way in ways]
            for row, cost in zip(kept, alone, strict=False)
        ]
        labels = [
            [f"{view.write(_value(row[way]) or 0)} ({percent(round(share, 3))})"
             for way, share in zip(ways, shares, strict=True)]
            for row, shares in zip(kept, values, strict=True)
        ]  # fmt: skip
        titles = [way.removeprefix("by_").replace("_", " ") for way in ways]
        figure = draw_heat(
            values, rows=names, columns=titles, labels=labels,
            texts=[
                [f"{name}, {title}: {label} of what it would pay alone"
                 for title, label in zip(titles, own, strict=True)]
                for name, own in zip(names, labels, strict=True)
            ],
            x=Axis(title="way of sharing"), y=Axis(title=""),
        )  # fmt: skip
        blocks.append(
            Block(
                kind="figure", title="What each organisation pays, and what share that is of "
                                     "paying alone", figure=figure,
                alternative="Heat map of shares of cost, organisations by ways of sharing; the "
                            "table of shares holds the amounts.",
                note="Above 100 % an organisation pays more than it would by itself.",
            )
        )  # fmt: skip
    lines = []
    for row in view.records("ways"):
        words = f"{row['what'][:1].upper()}{row['what'][1:]}: "
        if row["group"]:
            gain = _value(row["gain_high"])
            by = "" if gain is None else f" by up to {view.write(gain)}"
            words += f"{shorten(row['group'], 160)} would be better off leaving together{by}."
        else:
            words += {"nobody": "no group would be better off leaving.",
                      "unresolved": "whether some group would leave is not resolved at this gap.",
                      }.get(row["leaving"], row["note"] or "not tested.")  # fmt: skip
        lines.append(words)
    if lines:
        blocks.append(Block(kind="list", title="Would anybody leave?", lines=lines))
    return blocks


def _phase(view: StudyView) -> list[Block | None]:
    rows = view.records("years")
    if not rows:
        return []
    years = [_value(row["year"]) or 0 for row in rows]
    parts = ("opening", "closing", "set_up", "entry", "exit", "in_house_entry")
    shown = [part for part in parts if any(_value(row.get(part, "")) for row in rows)]
    spent = draw_bars(
        [Series(name=part.replace("_", " "), x=[_value(row[part]) or 0 for row in rows], y=(),
                texts=[f"year {row['year']}: {part.replace('_', ' ')} "
                       f"{view.write(_value(row[part]) or 0)}" for row in rows])
         for part in shown],
        names=[f"year {row['year']}: {plural(int(_value(row['moves']) or 0), 'move')}"
               for row in rows],
        x=Axis(title=f"{view.sign} paid once"),
    ) if shown else None  # fmt: skip
    curves = draw_curves(
        [Series(name=name, x=years, y=[_value(row[column]) or 0 for row in rows],
                texts=[f"year {row['year']}: {view.write(_value(row[column]) or 0)}"
                       for row in rows])
         for name, column in (("cost of the year", "cost"), ("today's cost", "today"))],
        x=Axis(title="year"), y=Axis(title=f"{view.sign} a year"),
    )  # fmt: skip
    saved = draw_curves(
        [Series(name="saved since the start", x=years,
                y=[_value(row["cumulative"]) or 0 for row in rows],
                texts=[f"by year {row['year']}: {view.write(_value(row['cumulative']) or 0)}"
                       for row in rows])],
        x=Axis(title="year"), y=Axis(title=view.sign),
    )  # fmt: skip
    for figure in (curves, saved):
        figure.update_xaxes(dtick=1 if len(rows) <= 20 else None)
        figure.update_traces(mode="lines+markers")
    saved.add_hline(y=0, line={"width": 1, "color": "#777777"})
    return [
        None if spent is None else Block(
            kind="figure", title="Paid once, by year", figure=spent,
            alternative="Bars of one-off payments by year and sort; the table of years has them."),
        Block(kind="figure", title="Cost of each year against today's", figure=curves,
              alternative="Two curves by year; the table of years holds them."),
        Block(kind="figure", title="Saved since the start, what is paid once taken off",
              figure=saved, alternative="Curve of the cumulative saving; see the table of years."),
    ]  # fmt: skip


def _pairs(series: Series) -> list[tuple[float, float]]:
    return list(zip(series.x, series.y, strict=True))


def _value(text: Any) -> float | None:
    """Return a number as saved, None for a blank or what is no number."""
    try:
        return float(text)
    except (TypeError, ValueError):
        return None


#: Kind of a study -> what draws it.
FIGURES: Final[dict[str, Callable[[StudyView], list[Block | None]]]] = {
    "sweep": _sweep,
    "robust": _robust,
    "frontier": _frontier,
    "alternatives": _alternatives,
    "explain": _explain,
    "share": _share,
    "phase": _phase,
}

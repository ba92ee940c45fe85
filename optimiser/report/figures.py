"""Figures of one plan: costs, providers, oversight, moves, and who gets what from whom."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, Final

import plotly.graph_objects as go

from optimiser.model.instance import NOWHERE
from optimiser.model.schema import COST_PARTS, IN_HOUSE, MODES
from optimiser.report.charts import Axis, Series, draw_bars, lay_out, plain
from optimiser.report.plans import LOOKS, shorten
from optimiser.report.words import Money, number, percent, plural

if TYPE_CHECKING:
    from optimiser.report.plans import PlanView

#: Bars of one figure; the table beside it has all.
MOST_BARS: Final = 30
#: Organisations of the matrix; the table of deliveries has all.
MOST_ROWS: Final = 400
_SEVERAL: Final = ("#009E73", "M", "several deliverers")
_OF_NONE: Final = "of no one mode"


def draw_costs(view: PlanView) -> go.Figure:
    """Draw the cost by part, each part by the mode that it is paid for."""
    parts = view.parts_by_mode()
    shown = [part for part in COST_PARTS if any(parts[part].values())]
    one = 10.0**view.money.decimals
    modes = [mode for mode in (IN_HOUSE, *MODES, "") if any(parts[p].get(mode) for p in shown)]
    series = []
    for mode in modes:
        words = LOOKS[mode].words if mode else _OF_NONE
        amounts = [parts[part].get(mode, 0) for part in shown]
        series.append(
            Series(
                name=words, x=[amount / one for amount in amounts], y=(),
                texts=[f"{COST_PARTS[part]}, {words}: {view.money.exact(amount)}"
                       for part, amount in zip(shown, amounts, strict=True)],
            )
        )  # fmt: skip
    figure = draw_bars(
        series, names=[COST_PARTS[part] for part in shown], x=Axis(title=f"{_symbol(view)} a year")
    )
    colour_by_mode(figure, modes)
    figure.update_layout(showlegend=True)
    return figure


def draw_providers(view: PlanView) -> go.Figure:
    """Draw how full open providers are; where none has a limit, their load."""
    opened = view.open_providers
    fills = {each.provider: view.fill(each) for each in opened}
    limited = any(fill is not None for fill in fills.values())
    ranked = sorted(opened, key=lambda each: (-(fills[each.provider] or 0), -each.load))[:MOST_BARS]
    names = [view.providers[each.provider] for each in ranked]
    modes = [mode for mode in MODES if any(view.modes[e.provider] == mode for e in ranked)]
    lengths, labels, texts = [], [], []
    for each in ranked:
        fill = fills[each.provider]
        words = "no limit" if fill is None else percent(round(fill, 3))
        lengths.append(float(each.load if not limited else fill or 0))
        labels.append(words if limited else number(each.load, 1))
        texts.append(
            f"{view.providers[each.provider]}: load {number(each.load, 1)}, "
            f"{words if fill is None else words + ' full'}, {plural(each.members, 'member')}"
        )
    series = [
        Series(
            name=LOOKS[mode].words, y=(), texts=texts,
            x=[length if view.modes[each.provider] == mode else 0.0
               for each, length in zip(ranked, lengths, strict=True)],
        )
        for mode in modes
    ]  # fmt: skip
    axis = Axis(title="load over capacity", percent=True) if limited else Axis(
        title="load, in weighted units a year; no provider has a limit"
    )
    figure = draw_bars(series, names=names, x=axis)
    colour_by_mode(figure, modes)
    for at, (length, label) in enumerate(zip(lengths, labels, strict=True)):
        figure.add_annotation(
            x=length, y=at, text=plain(label), showarrow=False, xanchor="left", xshift=4,
            font={"size": 11},
        )  # fmt: skip
    figure.update_layout(showlegend=True)
    figure.update_xaxes(range=[0, 1.12 * max([*lengths, 0.5])])
    return figure


def draw_oversight(view: PlanView) -> go.Figure | None:
    """Draw authorities' hours against those that their officers give; None without any hours."""
    busy = [each for each in view.account.authorities if each.hours or each.officers]
    if not busy:
        return None
    busy.sort(key=lambda each: (-each.hours, each.key))
    shown = busy[:MOST_BARS]
    names = _apart([each.name or each.key for each in shown])
    give = [
        float(each.officers * each.officer_hours) if each.officer_hours is not None else None
        for each in shown
    ]
    series = [
        Series(
            name="hours needed", x=[float(each.hours) for each in shown], y=(),
            texts=[
                f"{name}: {number(each.hours, 1)} hours, {plural(each.contracts, 'contract')}"
                + (f", {plural(each.officers, 'officer')}" if each.officer_hours else "")
                for name, each in zip(names, shown, strict=True)
            ],
        )
    ]  # fmt: skip
    figure = draw_bars(series, names=names, x=Axis(title="hours a year"))
    marks = [
        ("hours its officers give", "line-ns", "#D55E00", give),
        ("most its officers may give", "x-thin", "#222222", [
            float(each.max_officers * each.officer_hours)
            if each.officer_hours is not None and each.max_officers is not None else None
            for each in shown
        ]),
    ]  # fmt: skip
    for name, symbol, paint, values in marks:
        if any(value is not None for value in values):
            figure.add_trace(
                go.Scatter(
                    name=name, x=values, y=[plain(each) for each in names], mode="markers",
                    hoverinfo="x+name",
                    marker={"symbol": symbol, "size": 18 if symbol == "line-ns" else 9,
                            "color": paint, "line": {"width": 3, "color": paint}},
                )
            )  # fmt: skip
    figure.update_layout(showlegend=True)
    return figure


def draw_moves(view: PlanView) -> go.Figure | None:
    """Draw pairs by who delivers today and who will; None where nobody delivers today."""
    flows = moves_by_mode(view)
    if not any(today for today, _ in flows):
        return None
    todays = [mode for mode in (IN_HOUSE, *MODES, "") if any(t == mode for t, _ in flows)]
    later = [mode for mode in (IN_HOUSE, *MODES) if any(to == mode for _, to in flows)]

    def words(mode: str) -> str:
        return LOOKS[mode].words if mode else "nobody"

    series = [
        Series(
            name=f"then {words(to)}", x=[flows.get((t, to), 0) for t in todays], y=(),
            texts=[f"{words(t)} today, then {words(to)}: "
                   f"{plural(flows.get((t, to), 0), 'delivery', 'deliveries')}" for t in todays],
        )
        for to in later
    ]  # fmt: skip
    figure = draw_bars(
        series, names=[f"today {words(t)}" for t in todays], x=Axis(title="deliveries")
    )
    colour_by_mode(figure, later)
    figure.update_layout(showlegend=True)
    return figure


def moves_by_mode(view: PlanView) -> dict[tuple[str, str], int]:
    """Return (mode today, '' for nobody; mode in the plan) -> deliveries."""
    incumbent = view.instance["demand"]["incumbent"].tolist()
    found: Counter[tuple[str, str]] = Counter()
    for each in view.deliveries:
        today = incumbent[each.pair]
        found["" if today == NOWHERE else view.mode_of(today), each.mode] += 1
    return dict(found)


def draw_matrix(view: PlanView) -> go.Figure:
    """Draw organisations × services: colour and letter say by which mode each is delivered."""
    cells: dict[tuple[int, int], list[int]] = defaultdict(list)
    volume: dict[tuple[int, int], list[float]] = defaultdict(list)
    for each in view.deliveries:
        cells[each.organisation, each.service].append(each.deliverer)
        volume[each.organisation, each.service].append(each.volume)
    rows = sorted({organisation for organisation, _ in cells})[:MOST_ROWS]
    columns = sorted({service for _, service in cells})
    codes = {IN_HOUSE: 1, MODES[0]: 2, MODES[1]: 3}
    letters = ["", *(LOOKS[mode].letter for mode in codes), _SEVERAL[1]]
    paint = ["#FFFFFF", *(LOOKS[mode].colour for mode in codes), _SEVERAL[0]]
    z: list[list[int]] = []
    texts: list[list[str]] = []
    for organisation in rows:
        z.append([])
        texts.append([])
        for service in columns:
            by = cells.get((organisation, service), [])
            modes = {view.mode_of(each) for each in by}
            z[-1].append(0 if not by else codes[modes.pop()] if len(modes) == 1 else 4)
            amounts = volume.get((organisation, service), [])
            who = ", ".join(
                f"{view.name_of(d)} ({number(v, 1)} {view.units[service]})"
                for d, v in zip(by, amounts, strict=True)
            )
            texts[-1].append(plain(
                f"{view.organisations[organisation]}, {view.services[service]}: "
                f"{who or 'not needed'}"
            ))  # fmt: skip
    scale = [[edge, paint[code]] for code in range(5) for edge in (code / 5, (code + 1) / 5)]
    traces: list[Any] = [
        go.Heatmap(
            z=z, zmin=-0.5, zmax=4.5, colorscale=scale, showscale=False, xgap=1, ygap=1,
            hovertext=texts, hoverinfo="text",
            text=[[letters[code] for code in row] for row in z], texttemplate="%{text}",
            textfont={"size": 10, "color": "#FFFFFF"},
        )
    ]  # fmt: skip
    present = {code for row in z for code in row}
    names = ["", *(LOOKS[mode].words for mode in codes), _SEVERAL[2]]
    traces += [
        go.Scatter(
            name=f"{letters[code]} {names[code]}", x=[None], y=[None], mode="markers",
            marker={"symbol": "square", "size": 12, "color": paint[code]},
        )
        for code in range(1, 5)
        if code in present
    ]  # fmt: skip
    height = 170 + max(17 * len(rows), 40)
    figure = lay_out(traces, Axis(title=""), Axis(title=""), height)
    figure.update_xaxes(
        side="top", tickvals=list(range(len(columns))), showgrid=False, showline=False, ticks="",
        ticktext=[plain(shorten(view.services[each], 24)) for each in columns],
        range=[-0.5, len(columns) - 0.5], automargin=True, tickangle=-35,
    )  # fmt: skip
    figure.update_yaxes(
        tickvals=list(range(len(rows))), range=[len(rows) - 0.5, -0.5], showgrid=False,
        ticktext=[plain(view.organisations[each]) for each in rows], automargin=True,
        showline=False, ticks="", tickfont={"size": 11},
    )  # fmt: skip
    figure.update_layout(
        margin={"t": 120, "b": 10, "r": 110}, showlegend=True, dragmode=False,
        legend={"yref": "container", "y": 1, "yanchor": "top"},
    )  # fmt: skip
    return figure


def _apart(names: list[str]) -> list[str]:
    """Return names shortened and made to differ."""
    seen: Counter[str] = Counter()
    found = []
    for name in names:
        short = shorten(name)
        seen[short] += 1
        found.append(short if seen[short] == 1 else f"{short} #{seen[short]}")
    return found


def colour_by_mode(figure: go.Figure, modes: list[str]) -> None:
    """Give bars the colours of their modes, as everywhere in a report."""
    patterns = {IN_HOUSE: ".", MODES[0]: "", MODES[1]: "/", "": "x"}
    for trace, mode in zip(figure.data, modes, strict=True):
        paint = LOOKS[mode].colour if mode else "#CC79A7"
        trace.marker.color = trace.marker.pattern.bgcolor = paint
        trace.marker.pattern.shape = patterns[mode]


def _symbol(view: PlanView) -> str:
    return Money(currency=view.money.currency, decimals=0).exact(0).removesuffix("0").strip()

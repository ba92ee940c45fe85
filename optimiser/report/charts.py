"""Charts: plain functions that only draw, with one palette and one layout.

Each takes numbers and names and returns a plotly figure; nothing is reckoned here. Series differ by
colour and by dash or symbol too, so that they are told apart without colour and in print. The
colours are those of Okabe and Ito (Color Universal Design, 2008) but yellow, which white swallows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import plotly.graph_objects as go

if TYPE_CHECKING:
    from collections.abc import Sequence

COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#E69F00", "#56B4E9")
DASHES: Final = ("solid", "dash", "dot", "dashdot", "longdash")
SYMBOLS: Final = ("circle", "square", "diamond", "triangle-up", "x", "cross", "star", "hexagon")

_FONT: Final = "system-ui, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif"
_INK: Final = "#222222"
_GRID: Final = "#E3E3E3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """How one axis is drawn.

    Parameters
    ----------
    title
        What it shows, with the unit.
    log
        Whether it is logarithmic; what is not above 0 is then not drawn.
    low, high
        Ends, in the data's unit; by default those that fit.
    percent
        Whether shares are written in percent.
    """

    title: str
    log: bool = False
    low: float | None = None
    high: float | None = None
    percent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Named points, with a text for each that the pointer shows ('' for none), or no texts."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    texts: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Guide:
    """A thin straight line from (x0, y0) to (x1, y1) in the data's units, its name at its begin."""

    x0: float
    y0: float
    x1: float
    y1: float
    name: str = ""


def draw_curves(
    series: Sequence[Series], *, x: Axis, y: Axis, steps: bool = False, height: int = 400
) -> go.Figure:
    """Draw one curve for each series.

    Parameters
    ----------
    series
        In the order of the legend; the place in it decides colour and dash.
    x, y
        The axes.
    steps
        Whether each value holds up to the next (a counting curve) or lines join them.
    height
        Pixels.
    """
    traces = [
        go.Scatter(
            name=plain(each.name), x=list(each.x), y=list(each.y), mode="lines",
            line={"color": colour(place), "dash": DASHES[place % len(DASHES)], "width": 2.25,
                  "shape": "hv" if steps else "linear"},
            **_hover(each),
        )
        for place, each in enumerate(series)
    ]  # fmt: skip
    return lay_out(traces, x, y, height)


def draw_scatter(
    series: Sequence[Series],
    *,
    x: Axis,
    y: Axis,
    guides: Sequence[Guide] = (),
    height: int = 400,
) -> go.Figure:
    """Draw points, one symbol for each series, over thin guide lines."""
    traces = [
        go.Scatter(
            name=plain(each.name), x=list(each.x), y=list(each.y), mode="markers",
            marker={"color": colour(place), "symbol": SYMBOLS[place % len(SYMBOLS)], "size": 9,
                    "opacity": 0.8, "line": {"width": 0.5, "color": "#FFFFFF"}},
            **_hover(each),
        )
        for place, each in enumerate(series)
    ]  # fmt: skip
    figure = lay_out(traces, x, y, height)
    for guide in guides:
        line = {"color": "#777777", "width": 1, "dash": "dot"}
        figure.add_shape(
            type="line", x0=guide.x0, y0=guide.y0, x1=guide.x1, y1=guide.y1, line=line,
            layer="below",
        )  # fmt: skip
        if guide.name:
            figure.add_annotation(
                x=_position(guide.x0, x), y=_position(guide.y0, y), text=plain(guide.name),
                showarrow=False, xanchor="left", yanchor="bottom",
                font={"size": 11, "color": "#555555"},
            )  # fmt: skip
    return figure


def draw_bars(
    series: Sequence[Series], *, names: Sequence[str], x: Axis, height: int | None = None
) -> go.Figure:
    """Draw horizontal bars, stacked where there are several series, first name on top.

    Parameters
    ----------
    series
        `x` holds the lengths, one for each of `names`; `y` is not used.
    names
        What the bars are of; shown as they stand, so they should differ.
    x
        The axis of lengths.
    height
        Pixels; by default what the number of bars asks for.
    """
    rows = [plain(name) for name in names]
    traces = [
        go.Bar(
            name=plain(each.name), x=list(each.x), y=rows, orientation="h",
            marker={"color": colour(place), "line": {"width": 0.5, "color": "#FFFFFF"},
                    "pattern": {"shape": ("", "/", ".", "x", "-")[place % 5], "fgcolor": "#FFFFFF",
                                "bgcolor": colour(place), "size": 5, "solidity": 0.2}},
            textposition="none",  # texts are for the pointer
            **_hover(each),
        )
        for place, each in enumerate(series)
    ]  # fmt: skip
    tall = height or 110 + 28 * len(rows)
    figure = lay_out(traces, x, Axis(title=""), tall)
    figure.update_layout(barmode="relative", bargap=0.3)
    figure.update_yaxes(type="category", autorange="reversed", showgrid=False, automargin=True)
    return figure


def colour(place: int) -> str:
    """Return the colour of the series at this place, from 0."""
    return COLOURS[place % len(COLOURS)]


def lay_out(traces: list[Any], x: Axis, y: Axis, height: int) -> go.Figure:
    """Return a figure of these traces in the one layout."""
    figure = go.Figure(traces)
    figure.update_layout(
        template=go.layout.Template(),  # plotly's own adds a blue ground and its weight in JSON
        height=height,
        autosize=True,
        margin={"l": 64, "r": 44, "t": 12, "b": 52},
        modebar={"orientation": "v"},  # in the right margin, off legend and data
        paper_bgcolor="#FFFFFF",
        plot_bgcolor="#FFFFFF",
        font={"family": _FONT, "size": 13, "color": _INK},
        showlegend=len(traces) > 1,
        legend={"orientation": "h", "x": 0, "y": 1.02, "xanchor": "left", "yanchor": "bottom"},
        hovermode="closest",
        xaxis=_axis(x),
        yaxis={**_axis(y), "automargin": True},
    )
    return figure


def _axis(axis: Axis) -> dict[str, Any]:
    drawn: dict[str, Any] = {
        "title": {"text": plain(axis.title), "standoff": 8},
        "type": "log" if axis.log else "linear",
        "showline": True,
        "linecolor": _INK,
        "gridcolor": _GRID,
        "zeroline": False,
        "ticks": "outside",
        "tickcolor": _INK,
    }
    if axis.percent:
        drawn["tickformat"] = ".0%"
    if axis.log:
        # Tens alone are too few ticks where the axis spans hardly more than one.
        short = axis.low is not None and axis.high is not None and axis.high < 100 * axis.low
        drawn |= {"dtick": "D2" if short else 1, "tickformat": "~g"}
    if axis.low is not None and axis.high is not None:
        drawn["range"] = [_position(axis.low, axis), _position(axis.high, axis)]
    return drawn


def _position(value: float, axis: Axis) -> float:
    """Return a place on an axis as plotly takes it: on a logarithmic one the exponent of 10."""
    return math.log10(value) if axis.log else value


def _hover(series: Series) -> dict[str, Any]:
    if not series.texts:
        return {}
    return {"text": [plain(text) for text in series.texts], "hoverinfo": "text"}


def plain(text: str) -> str:
    """Return `text` with what plotly reads as markup spelt out: names come from other people."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def draw_heat(
    values: Sequence[Sequence[float | None]],
    *,
    rows: Sequence[str],
    columns: Sequence[str],
    labels: Sequence[Sequence[str]],
    texts: Sequence[Sequence[str]],
    x: Axis,
    y: Axis,
) -> go.Figure:
    """Draw a heat map, darker where the value is larger; each cell is labelled, too.

    Parameters
    ----------
    values
        Shape (rows, columns); None leaves a cell white.
    rows, columns
        Names, as they stand.
    labels
        What stands in each cell.
    texts
        What the pointer shows.
    x, y
        Titles of the axes.
    """
    figure = lay_out(
        [
            go.Heatmap(
                z=[list(row) for row in values], xgap=1, ygap=1, showscale=False,
                colorscale=[[0, "#F2F8FC"], [0.5, "#9CCBE6"], [1, "#2C8FC7"]], hoverinfo="text",
                hovertext=[[plain(text) for text in row] for row in texts],
                text=[[plain(label) for label in row] for row in labels], texttemplate="%{text}",
                textfont={"size": 11, "color": _INK},
            )
        ],
        x, y, 150 + max(30 * len(rows), 60),
    )  # fmt: skip
    for update, names in ((figure.update_xaxes, columns), (figure.update_yaxes, rows)):
        update(tickvals=list(range(len(names))), ticktext=[plain(name) for name in names],
               showgrid=False, automargin=True, ticks="")  # fmt: skip
    figure.update_yaxes(range=[len(rows) - 0.5, -0.5])
    figure.update_xaxes(range=[-0.5, len(columns) - 0.5])
    return figure

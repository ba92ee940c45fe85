"""Charts hold what they are given, and differ by more than colour."""

from __future__ import annotations

import math

import pytest

from optimiser.report.charts import (
    COLOURS,
    DASHES,
    SYMBOLS,
    Axis,
    Guide,
    Series,
    draw_bars,
    draw_curves,
    draw_scatter,
)

X = Axis(title="seconds", log=True, low=0.1, high=100)
Y = Axis(title="share", percent=True, low=0, high=1)


def series(count):
    """Return so many series."""
    return [Series(name=f"s{k}", x=[1, 2], y=[0, k]) for k in range(count)]


def test_curves_hold_the_values():
    """Every series is a line with its name, values and texts; steps hold to the next value."""
    given = Series(name="a", x=[1, 10], y=[0, 0.5], texts=["none", "half"])
    (trace,) = draw_curves([given], x=X, y=Y, steps=True).data
    assert (trace.name, list(trace.x), list(trace.y)) == ("a", [1, 10], [0, 0.5])
    assert list(trace.text) == ["none", "half"]
    assert trace.line.shape == "hv"
    (trace,) = draw_curves([given], x=X, y=Y).data
    assert trace.line.shape == "linear"


def test_log_axis_takes_ends_in_the_unit_of_the_data():
    """Ends of 0.1 and 100 are the exponents −1 and 2 to plotly; a plain axis keeps 0 and 1."""
    layout = draw_curves(series(1), x=X, y=Y).layout
    assert layout.xaxis.type == "log"
    assert list(layout.xaxis.range) == pytest.approx([-1, 2])
    assert list(layout.yaxis.range) == [0, 1]
    assert layout.yaxis.tickformat == ".0%"
    assert layout.xaxis.title.text == "seconds"


def test_series_differ_without_colour():
    """As many series as there are colours times dashes are told apart, the first seven by both."""
    lines = [(t.line.color, t.line.dash) for t in draw_curves(series(35), x=X, y=Y).data]
    assert len(set(lines)) == 35
    assert len({dash for _, dash in lines[:5]}) == len(DASHES)
    marks = [t.marker.symbol for t in draw_scatter(series(8), x=X, y=Y).data]
    assert len(set(marks)) == len(SYMBOLS)


def test_colours_are_apart_for_everyone():
    """To eyes without red or without green cones, no two colours are the same.

    Simulated by the matrices of Viénot, Brettel and Mollon (1999) in linear RGB.
    """
    views = {
        "protan": ((0.11, 0.89, 0.0), (0.11, 0.89, 0.0), (0.004, -0.004, 1.0)),
        "deutan": ((0.29, 0.71, 0.0), (0.29, 0.71, 0.0), (-0.02, 0.02, 1.0)),
    }
    for rows in views.values():
        seen = []
        for colour in COLOURS:
            rgb = [(int(colour[k : k + 2], 16) / 255) ** 2.2 for k in (1, 3, 5)]
            seen.append([sum(a * b for a, b in zip(row, rgb, strict=True)) for row in rows])
        for k, one in enumerate(seen):
            for other in seen[:k]:
                assert math.dist(one, other) > 0.08


def test_guides_are_lines_with_names():
    """A guide line joins its ends; its name stands where it begins, on the axis's own scale."""
    guide = Guide(x0=0.1, y0=10, x1=100, y1=10, name="limit")
    figure = draw_scatter(series(1), x=X, y=X, guides=[guide])
    (shape,) = figure.layout.shapes
    assert (shape.x0, shape.y0, shape.x1, shape.y1) == (0.1, 10, 100, 10)
    (note,) = figure.layout.annotations
    assert (note.text, note.x, note.y) == ("limit", -1, 1)
    assert not draw_scatter(series(1), x=X, y=X).layout.shapes


def test_bars_stand_in_the_order_given():
    """The first name is on top, lengths are those given, and several series have patterns."""
    given = [Series(name="tariffs", x=[3, 1], y=[]), Series(name="access", x=[1, 2], y=[])]
    figure = draw_bars(given, names=["now", "then"], x=Axis(title="£"))
    assert [list(trace.x) for trace in figure.data] == [[3, 1], [1, 2]]
    assert list(figure.data[0].y) == ["now", "then"]
    assert figure.layout.yaxis.autorange == "reversed"
    assert len({trace.marker.pattern.shape for trace in figure.data}) == 2


def test_names_are_text():
    """Plotly reads a little markup in texts; a name that holds some is shown as it stands."""
    given = Series(name="<b>a</b> & b", x=[1], y=[1], texts=["<i>t</i>"])
    for figure in (draw_curves([given], x=X, y=Y), draw_scatter([given], x=X, y=Y)):
        assert figure.data[0].name == "&lt;b&gt;a&lt;/b&gt; &amp; b"
        assert figure.data[0].text[0] == "&lt;i&gt;t&lt;/i&gt;"


def test_legend_only_where_there_is_a_choice():
    """One series needs no legend."""
    assert not draw_curves(series(1), x=X, y=Y).layout.showlegend
    assert draw_curves(series(2), x=X, y=Y).layout.showlegend


def test_nothing_can_be_drawn():
    """No series, and series without points, are empty charts."""
    assert draw_curves([], x=X, y=Y).to_json()
    assert draw_scatter([Series(name="a", x=[], y=[])], x=X, y=Y).to_json()
    assert draw_bars([], names=[], x=X).to_json()


def test_buttons_stand_in_the_margin():
    """Plotly's buttons are one below the other in a margin that is wide enough for them."""
    layout = draw_curves(series(5), x=X, y=Y).layout
    assert layout.modebar.orientation == "v"
    assert layout.margin.r >= 40

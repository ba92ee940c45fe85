"""Scale curves: what a unit costs at every volume that an offer's tariff allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import plotly.graph_objects as go

from optimiser.errors import UsageError
from optimiser.model.faults import did_you_mean
from optimiser.model.instance import BLANK
from optimiser.report.charts import Axis, colour, lay_out, plain
from optimiser.report.words import Money, number

if TYPE_CHECKING:
    from optimiser.report.plans import PlanView

#: Points of a curve besides the ends of its bands.
_POINTS: Final = 32
#: Offers whose curves a page holds, those with the largest volumes.
MOST_CURVES: Final = 1_200


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """The lower envelope of an offer's bands, and where the plan stands on it.

    Parameters
    ----------
    provider, service
        Rows.
    x, y
        Volumes, and fixed cost over volume plus unit cost in currency; None where no band is valid.
    at
        Volume and unit cost of the plan, or None where the offer is not in use.
    """

    provider: int
    service: int
    x: list[float]
    y: list[float | None]
    at: tuple[float, float] | None


def curves(view: PlanView) -> list[Curve]:
    """Return the curves of the offers in use, the largest volumes first."""
    used = sorted(view.account.offers, key=lambda each: -each.volume)[:MOST_CURVES]
    return [curve_of(view, each.offer) for each in used]


def curve_of(view: PlanView, offer: int) -> Curve:
    """Return the curve of a row of offers."""
    instance, settings = view.instance, view.instance.settings
    offers, tariffs = instance["offers"], instance["tariffs"]
    provider, service = int(offers["provider"][offer]), int(offers["service"][offer])
    money, one = 10.0**settings.money_decimals, 10.0**settings.volume_decimals
    rows = view.bands.get((provider, service), [])
    low = tariffs["from_volume"][rows] / one
    to = tariffs["to_volume"][rows]
    high = np.where(to == BLANK, np.inf, to / one)
    fixed = tariffs["fixed_cost"][rows] / money
    unit = tariffs["unit_cost"][rows] / 10.0 ** settings.decimals("rate")

    def cheapest(x: np.ndarray) -> np.ndarray:
        cost = fixed[:, None] / x + unit[:, None]
        valid = (low[:, None] <= x) & (x <= high[:, None])
        least: np.ndarray = np.where(valid, cost, np.inf).min(axis=0, initial=np.inf)
        return least

    mine = view.offers_used.get(offer)
    volume = mine.volume / one if mine is not None else 0.0
    capacity = offers["capacity"][offer]
    ends = [2 * volume, *(1.5 * low), *high[np.isfinite(high)]]
    top = max(ends, default=0.0) or 1.0
    if capacity != BLANK:
        top = min(top, capacity / one) if volume <= capacity / one else top
    top = max(top, volume) or 1.0
    edges = [edge for edge in (*low, *high) if 0 < edge < top and np.isfinite(edge)]
    after = [edge * (1 + 1e-9) for edge in edges]  # a step is drawn as one
    before = [edge * (1 - 1e-9) for edge in edges]
    base = np.geomspace(top / 60, top, _POINTS)
    x = np.unique(np.concatenate([base, edges, after, before, [volume] if volume else []]))
    y = cheapest(x)
    at = None
    if mine is not None and volume:
        at = (volume, (mine.fixed_cost + mine.unit_cost) / money / volume)
    return Curve(
        provider=provider,
        service=service,
        x=[_rounded(value) for value in x],
        y=[_rounded(value) if np.isfinite(value) else None for value in y],
        at=at,
    )


def draw_curve(view: PlanView, curve: Curve, *, height: int = 400) -> go.Figure:
    """Draw one curve with the plan's point on it."""
    money = Money(currency=view.instance.settings.currency, decimals=2)
    symbol = money.exact(0).removesuffix("0.00").strip()
    unit = view.units[curve.service] or "units"
    traces = [
        go.Scatter(
            name="cheapest band", x=curve.x, y=curve.y, mode="lines",
            line={"color": colour(0), "width": 2.25}, hoverinfo="x+y",
        )
    ]  # fmt: skip
    if curve.at is not None:
        x, y = curve.at
        text = f"{number(x, 1)} {unit} at {symbol}{number(y, 2)} each"
        traces.append(
            go.Scatter(
                name="this plan", x=[x], y=[y], mode="markers", text=[plain(text)],
                hoverinfo="text",
                marker={"color": colour(1), "symbol": "diamond", "size": 13,
                        "line": {"width": 1, "color": "#222222"}},
            )
        )  # fmt: skip
    figure = lay_out(
        traces, Axis(title=f"volume a year ({unit})"), Axis(title=f"{symbol} per unit"), height
    )
    figure.update_yaxes(rangemode="tozero")
    figure.update_xaxes(rangemode="tozero")
    return figure


def curve_data(view: PlanView, found: list[Curve]) -> list[dict[str, Any]]:
    """Return curves as a page's script takes them to redraw the figure."""
    return [
        {
            "name": f"{view.providers[each.provider]}: {view.services[each.service]}",
            "unit": view.units[each.service] or "units",
            "x": each.x,
            "y": each.y,
            "at": None if each.at is None else [_rounded(value) for value in each.at],
        }
        for each in found
    ]


def find_offer(view: PlanView, provider: str, service: str) -> int:
    """Return the row of an offer by its keys.

    Raises
    ------
    UsageError
        There is no such provider, service or offer.
    """
    rows = []
    for table, key in (("providers", provider), ("services", service)):
        keys = view.instance[table].keys.tolist()
        if key not in keys:
            raise UsageError(f"There is no {table[:-1]} {key!r}. {did_you_mean(key, keys)}".strip())
        rows.append(keys.index(key))
    offer = int(view.instance["offers"].find(np.array(rows[:1]), np.array(rows[1:]))[0])
    if offer < 0:
        raise UsageError(f"{provider!r} does not offer {service!r}: offers has no such row.")
    return offer


def _rounded(value: float) -> float:
    """Return a number with six significant digits: more nobody sees, and the page stays small."""
    return float(f"{value:.6g}")

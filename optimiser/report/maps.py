"""The map: organisations, providers by mode and fill, and who delivers to whom, on bare axes.

Places come from the tables. Degrees are laid on a plane by the equirectangular projection about the
mean latitude (Snyder, Map Projections: A Working Manual, 1987, ch. 12), so that both axes are in km
and of one scale. There are no tiles and no coast lines: the page asks nobody for anything.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import plotly.graph_objects as go

from optimiser.model.instance import BLANK
from optimiser.model.plan import BY_ITSELF
from optimiser.model.schema import IN_HOUSE, MODES
from optimiser.report.charts import Axis, lay_out, plain
from optimiser.report.plans import LOOKS
from optimiser.report.words import number, percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimiser.model.account import ProviderAccount
    from optimiser.model.instance import Instance
    from optimiser.report.plans import Delivery, PlanView

    Floats = NDArray[np.float64]

#: Kilometres of one degree of latitude on the sphere of `model.distance`.
_DEGREE: Final = math.pi * 6371.0088 / 180
#: Deliveries above which services have no flows of their own: the page would be heavy.
MOST_SWITCHED: Final = 20_000
#: Lines of a text that the pointer shows.
_MOST_LINES: Final = 12
#: Open providers whose fill is written beside them.
_MOST_LABELS: Final = 45
#: Flows above which they are drawn fainter.
_MANY: Final = 200
#: Organisations of several modes.
_SEVERAL: Final = "several"
_SEVERAL_COLOUR: Final = "#009E73"


def places(instance: Instance) -> dict[str, tuple[Floats, Floats]] | None:
    """Return km east and north of organisations and providers, NaN where unknown.

    Returns
    -------
    dict or None
        ``organisations`` and ``providers`` -> two arrays of shape (rows,); None where fewer than
        two organisations and providers together have a place.
    """
    names = ("organisations", "providers")
    round_ = sum(_known(instance, name, "latitude") for name in names)
    flat = sum(_known(instance, name, "x_km") for name in names)
    if max(round_, flat) < 2:
        return None
    if flat > round_ or (flat == round_ and instance.settings.metric == "straight-line"):
        return {
            name: (_column(instance, name, "x_km"), _column(instance, name, "y_km"))
            for name in names
        }
    degrees = {
        name: (_column(instance, name, "longitude"), _column(instance, name, "latitude"))
        for name in names
    }
    east = np.concatenate([degrees[name][0] for name in names])
    north = np.concatenate([degrees[name][1] for name in names])
    across = np.nanmax(east) - np.nanmin(east) > 180  # over the antimeridian
    narrow = math.cos(math.radians(float(np.nanmean(north))))
    found = {}
    for name, (longitude, latitude) in degrees.items():
        turned = np.where(longitude < 0, longitude + 360, longitude) if across else longitude
        base = np.nanmin(np.where(east < 0, east + 360, east) if across else east)
        found[name] = (
            (turned - base) * _DEGREE * narrow,
            (latitude - np.nanmin(north)) * _DEGREE,
        )
    return found


def draw_map(
    view: PlanView, *, service: int | None = None, switched: bool = False, height: int = 600
) -> go.Figure | None:
    """Draw the map of a plan; None where there are no places.

    Parameters
    ----------
    view
        The plan.
    service
        Row of the only service whose flows are drawn; None for all.
    switched
        Whether every service's flows are there too, hidden, with a ``meta`` on each trace that says
        its ``layer``, ``service`` (−1: all) and ``mode``.
    height
        Pixels.
    """
    where = places(view.instance)
    if where is None:
        return None
    traces: list[Any] = []
    deliveries = view.deliveries
    scopes: list[int] = [-1 if service is None else service]
    if switched and switchable(view):
        scopes += range(len(view.services))
    by_service: dict[int, list[Delivery]] = defaultdict(list)
    for each in deliveries:
        by_service[each.service].append(each)
    for scope in scopes:
        own = deliveries if scope < 0 else by_service[scope]
        hidden = scope != scopes[0]
        traces += _flows(view, where, own, scope, hidden)
    for scope in scopes:
        own = deliveries if scope < 0 else by_service[scope]
        traces += _organisations(view, where, own, scope, scope != scopes[0])
    traces += _providers(view, where)
    figure = lay_out(traces, Axis(title="km east"), Axis(title="km north"), height)
    figure.update_layout(dragmode="pan", legend={"itemsizing": "constant", "y": 1.01},
                         margin={"l": 56, "r": 44, "t": 12, "b": 48})  # fmt: skip
    figure.update_xaxes(constrain="domain", gridcolor="#F1F1F1")
    figure.update_yaxes(scaleanchor="x", scaleratio=1, constrain="domain", gridcolor="#F1F1F1")
    return figure


def switchable(view: PlanView) -> bool:
    """Whether each service gets flows of its own."""
    return len(view.services) > 1 and len(view.deliveries) <= MOST_SWITCHED


def _flows(
    view: PlanView, where: dict[str, tuple[Floats, Floats]], own: Sequence[Delivery], scope: int,
    hidden: bool,
) -> list[Any]:  # fmt: skip
    """Return a line per organisation and provider, with a point in the middle that says what."""
    east, north = where["organisations"]
    to_east, to_north = where["providers"]
    bundles: dict[tuple[str, int, int], list[Delivery]] = defaultdict(list)
    for each in own:
        if each.deliverer != BY_ITSELF:
            bundles[each.mode, each.organisation, each.deliverer].append(each)
    traces = []
    for mode in MODES:
        x: list[float | None] = []
        y: list[float | None] = []
        middle: tuple[list[float], list[float], list[str]] = ([], [], [])
        for (its, organisation, deliverer), group in bundles.items():
            ends = (east[organisation], to_east[deliverer], north[organisation],
                    to_north[deliverer])  # fmt: skip
            if its != mode or any(math.isnan(each) for each in ends):
                continue
            x += [_short(ends[0]), _short(ends[1]), None]
            y += [_short(ends[2]), _short(ends[3]), None]
            middle[0].append(_short((ends[0] + ends[1]) / 2))
            middle[1].append(_short((ends[2] + ends[3]) / 2))
            middle[2].append(
                f"{plain(view.organisations[organisation])} → {plain(view.providers[deliverer])}"
                f"<br>{_listed([_volume(view, each) for each in group])}"
            )
        look = LOOKS[mode]
        meta = {"layer": "flow", "service": scope, "mode": mode}
        traces.append(
            go.Scatter(
                name=f"to a {look.words}", x=x, y=y, mode="lines", hoverinfo="skip", meta=meta,
                opacity=0.3 if len(x) > 3 * _MANY else 0.65, visible=not hidden,
                showlegend=bool(x), legendgroup=f"flow {mode}",
                line={"color": look.colour, "width": 1.2, "dash": look.dash},
            )
        )  # fmt: skip
        traces.append(
            go.Scatter(
                name=f"to a {look.words}", x=middle[0], y=middle[1], text=middle[2],
                mode="markers", hoverinfo="text", meta=meta, visible=not hidden,
                showlegend=False, legendgroup=f"flow {mode}",
                marker={"size": 7, "color": look.colour, "opacity": 0},
            )
        )  # fmt: skip
    return traces


def _organisations(
    view: PlanView, where: dict[str, tuple[Floats, Floats]], own: Sequence[Delivery], scope: int,
    hidden: bool,
) -> list[Any]:  # fmt: skip
    """Return the organisations by the mode of what they get."""
    east, north = where["organisations"]
    of: dict[int, list[Delivery]] = defaultdict(list)
    for each in own:
        of[each.organisation].append(each)
    groups: dict[str, list[int]] = {IN_HOUSE: [], **{mode: [] for mode in MODES}, _SEVERAL: []}
    for row, group in of.items():
        modes = {each.mode for each in group}
        if not math.isnan(east[row]) and not math.isnan(north[row]):
            groups[modes.pop() if len(modes) == 1 else _SEVERAL].append(row)
    traces = []
    for mode, rows in groups.items():
        if not rows:
            continue
        look = LOOKS.get(mode)
        colour = look.colour if look else _SEVERAL_COLOUR
        # Symbols that stay apart without colour; squares and diamonds are the providers'.
        symbol = {IN_HOUSE: "circle-open", _SEVERAL: "circle-cross"}.get(mode, "circle")
        if mode == MODES[1]:
            symbol = "triangle-up"
        texts = [
            f"<b>{plain(view.organisations[row])}</b><br>"
            + _listed([
                f"{plain(view.services[each.service])}: {plain(view.name_of(each.deliverer))}, "
                f"{_amount(view, each)}" for each in of[row]
            ])
            for row in rows
        ]  # fmt: skip
        traces.append(
            go.Scatter(
                name="organisation: " + (f"all {look.words}" if look and scope < 0 else
                                         look.words if look else "several ways"),
                x=[_short(east[row]) for row in rows], y=[_short(north[row]) for row in rows],
                text=texts, hoverinfo="text", mode="markers", visible=not hidden,
                meta={"layer": "organisation", "service": scope, "mode": mode},
                marker={"size": 7 if len(of) <= _MANY else 5, "color": colour, "symbol": symbol,
                        "line": {"width": 1,
                                 "color": "#FFFFFF" if mode == _SEVERAL else colour}},
            )
        )  # fmt: skip
    return traces


def _providers(view: PlanView, where: dict[str, tuple[Floats, Floats]]) -> list[Any]:
    """Return the providers: open ones by mode, darker the fuller; closed ones as thin crosses."""
    east, north = where["providers"]
    served: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for each in view.deliveries:
        if each.deliverer != BY_ITSELF:
            served[each.deliverer][each.service] += each.volume
    opened = view.open_providers
    largest = float(opened[0].load) if opened and opened[0].load else 1.0
    labelled = len(opened) <= _MOST_LABELS
    least, more = (10, 14) if labelled else (6, 10)
    traces = []
    for mode in MODES:
        own = [each for each in opened if view.modes[each.provider] == mode
               and not math.isnan(east[each.provider])]  # fmt: skip
        if not own:
            continue
        look = LOOKS[mode]
        fills = [view.fill(each) for each in own]
        traces.append(
            go.Scatter(
                name=f"{look.words}, darker where fuller",
                x=[_short(east[each.provider]) for each in own],
                y=[_short(north[each.provider]) for each in own],
                text=["" if fill is None else percent(round(fill, 2)) for fill in fills],
                hovertext=[_provider_text(view, each, served[each.provider]) for each in own],
                hoverinfo="text", mode="markers+text" if labelled else "markers",
                textposition="bottom center", textfont={"size": 10},
                meta={"layer": "provider", "service": -1, "mode": mode},
                marker={
                    "symbol": look.symbol,
                    "size": [round(least + more * math.sqrt(float(each.load) / largest), 1)
                             for each in own],
                    "color": [_tint(look.colour, 1.0 if fill is None else float(fill))
                              for fill in fills],
                    "opacity": 1,
                    "line": {"width": 1.2, "color": "#222222"},
                },
            )
        )  # fmt: skip
    closed = [each.provider for each in view.account.providers if not each.is_open
              and not math.isnan(east[each.provider])]  # fmt: skip
    if closed:
        traces.append(
            go.Scatter(
                name="provider, not open", x=[_short(east[p]) for p in closed],
                y=[_short(north[p]) for p in closed], mode="markers", hoverinfo="text",
                text=[f"<b>{plain(view.providers[p])}</b><br>{LOOKS[view.modes[p]].words}, not open"
                      for p in closed],
                meta={"layer": "closed", "service": -1, "mode": ""},
                marker={"symbol": "x-thin", "size": 7, "color": "#555555",
                        "line": {"width": 1.5, "color": "#555555"}},
            )
        )  # fmt: skip
    return traces


def _provider_text(view: PlanView, each: ProviderAccount, served: dict[int, float]) -> str:
    fill = view.fill(each)
    most = view.limits[each.provider]
    limit = "" if most is None else f" of {number(most, 1)}"
    lines = [f"<b>{plain(view.providers[each.provider])}</b>",
             f"{LOOKS[view.modes[each.provider]].words}, {each.members:,} members",
             f"load {number(each.load, 1)}{limit}"
             + ("" if fill is None else f" ({percent(round(fill, 3))} full)")]  # fmt: skip
    lines.append(_listed([
        f"{plain(view.services[service])}: {number(volume, 1)} {plain(view.units[service])}"
        for service, volume in sorted(served.items())
    ]))  # fmt: skip
    return "<br>".join(line for line in lines if line)


def _volume(view: PlanView, each: Delivery) -> str:
    return f"{plain(view.services[each.service])}: {_amount(view, each)}"


def _amount(view: PlanView, each: Delivery) -> str:
    return f"{number(each.volume, 1)} {plain(view.units[each.service])}".rstrip()


def _listed(lines: Sequence[str]) -> str:
    shown = list(lines[:_MOST_LINES])
    if len(lines) > _MOST_LINES:
        shown.append(f"and {len(lines) - _MOST_LINES:,} more")
    return "<br>".join(shown)


def _tint(colour: str, share: float) -> str:
    """Return a colour between near white (nothing) and itself (full)."""
    share = 0.08 + 0.92 * min(max(share, 0.0), 1.0)
    parts = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return "#" + "".join(f"{round(255 + (part - 255) * share):02X}" for part in parts)


def _short(value: float) -> float:
    """Return a coordinate with metres as its last place: the page stays small."""
    return round(float(value), 3)


def _known(instance: Instance, table: str, column: str) -> int:
    return int(np.count_nonzero(instance[table][column] != BLANK))


def _column(instance: Instance, table: str, column: str) -> Floats:
    values = instance[table][column]
    kind = "degrees" if column in ("latitude", "longitude") else "km"
    scaled = values / 10.0 ** instance.settings.decimals(kind)
    return np.where(values == BLANK, np.nan, scaled)

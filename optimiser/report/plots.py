"""The figures of a report for notebooks: `Result.plot`, `Sweep.plot`, `Frontier.plot`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from optimiser.errors import UsageError
from optimiser.files.studies import Recorded
from optimiser.report.curves import curve_of, curves, draw_curve, find_offer
from optimiser.report.figures import (
    draw_costs,
    draw_matrix,
    draw_moves,
    draw_oversight,
    draw_providers,
)
from optimiser.report.maps import draw_map
from optimiser.report.plans import PlanView
from optimiser.report.study_figures import FIGURES
from optimiser.report.study_views import StudyView

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from optimiser.files.studies import Record
    from optimiser.model.instance import Instance
    from optimiser.solvers.result import Result

#: Figures that have brought plotly's script along: it comes with the first of a process only.
_BROUGHT: Final[set[str]] = set()


class Plots:
    """Figures of a result's plan, as plotly figures.

    Parameters
    ----------
    result
        A result with a plan.

    Raises
    ------
    UsageError
        The result has no plan.
    """

    def __init__(self, result: Result) -> None:
        view = PlanView.of(result)
        if view is None:
            raise UsageError(f"There is no plan to draw: the status is {result.status}.")
        self._view = view

    def map(self, service: str | None = None) -> go.Figure:
        """Draw organisations, providers and who delivers to whom.

        Parameters
        ----------
        service
            Key of the only service whose flows are drawn; None for all.

        Raises
        ------
        UsageError
            Nothing has a place, or there is no such service.
        """
        figure = draw_map(
            self._view, service=None if service is None else _row(self._view.instance, service)
        )
        if figure is None:
            raise UsageError(
                "There is no map: give organisations and providers latitude and longitude, or x_km "
                "and y_km."
            )
        return figure

    def costs(self) -> go.Figure:
        """Draw the cost by part and mode."""
        return draw_costs(self._view)

    def providers(self) -> go.Figure:
        """Draw how full open providers are."""
        return draw_providers(self._view)

    def scale_curve(self, provider: str | None = None, service: str | None = None) -> go.Figure:
        """Draw what a unit costs at every volume of an offer, with the plan's point.

        Parameters
        ----------
        provider, service
            Keys of the offer; by default the one with the largest volume.

        Raises
        ------
        UsageError
            There is no such offer, one key is given without the other, or none is in use.
        """
        if provider is not None and service is not None:
            offer = find_offer(self._view, provider, service)
            return draw_curve(self._view, curve_of(self._view, offer))
        if provider is not None or service is not None:
            raise UsageError("Name an offer by both keys: provider and service.")
        used = curves(self._view)
        if not used:
            raise UsageError("No offer is in use; name one by provider and service.")
        return draw_curve(self._view, used[0])

    def oversight(self) -> go.Figure:
        """Draw authorities' hours against those that their officers give.

        Raises
        ------
        UsageError
            The plan needs no hours of oversight.
        """
        return _there(draw_oversight(self._view), "The plan needs no hours of oversight.")

    def moves(self) -> go.Figure:
        """Draw deliveries by who delivers today and who will.

        Raises
        ------
        UsageError
            No pair has an incumbent.
        """
        return _there(draw_moves(self._view), "No pair has an incumbent, so nobody moves.")

    def matrix(self) -> go.Figure:
        """Draw organisations × services by mode."""
        return draw_matrix(self._view)

    def figures(self) -> dict[str, go.Figure]:
        """Return title -> figure, what a notebook shows of a result: the map and the cost."""
        drawn = {"Who delivers to whom": draw_map(self._view), "Cost": draw_costs(self._view)}
        return {title: figure for title, figure in drawn.items() if figure is not None}

    def html(self) -> str:
        """Return the figures as HTML for a notebook."""
        return _html(self.figures())


class StudyPlots:
    """Figures of a study, the same as on its page.

    Parameters
    ----------
    study
        What a study returned, or its record.
    """

    def __init__(self, study: Recorded | Record) -> None:
        record = study.record() if isinstance(study, Recorded) else study
        self._view = StudyView.of(record)

    def figures(self) -> dict[str, go.Figure]:
        """Return title -> figure; none where a study of this kind or size has none."""
        draw = FIGURES.get(self._view.kind)
        blocks = draw(self._view) if draw else []
        return {
            block.title: block.figure
            for block in blocks
            if block is not None and block.figure is not None
        }

    def html(self) -> str:
        """Return the figures as HTML for a notebook."""
        return _html(self.figures())


def _there(figure: go.Figure | None, without: str) -> go.Figure:
    if figure is None:
        raise UsageError(without)
    return figure


def _row(instance: Instance, service: str) -> int:
    from optimiser.model.faults import did_you_mean

    keys = instance["services"].keys.tolist()
    if service not in keys:
        raise UsageError(f"There is no service {service!r}. {did_you_mean(service, keys)}".strip())
    return int(keys.index(service))


def _html(figures: dict[str, go.Figure]) -> str:
    """Return figures as HTML for a notebook.

    The first of a process brings plotly's script along, some 5 MB; nothing is fetched.
    """
    from html import escape

    parts = []
    for title, figure in figures.items():
        whole = figure.to_html(full_html=False, include_plotlyjs="plotly" not in _BROUGHT)
        _BROUGHT.add("plotly")
        parts.append(f"<p><b>{escape(title)}</b></p>{whole}")
    return "".join(parts)

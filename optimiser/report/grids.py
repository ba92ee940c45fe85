"""Tables of a page: exact texts that its script sorts, filters, pages and gives out as CSV."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from optimiser.errors import InternalError
from optimiser.model.check import todays_plan
from optimiser.model.instance import NOWHERE
from optimiser.model.plan import BY_ITSELF, Plan
from optimiser.model.schema import IN_HOUSE
from optimiser.solvers.frames import Sheet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from optimiser.report.plans import PlanView
    from optimiser.studies.payments import Payment

#: Kinds of `frames.Sheet` that are numbers.
_NUMBERS = frozenset({"count", "money", "volume", "quantity"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A table as texts.

    Parameters
    ----------
    columns
        Name -> kind, as in `frames.Sheet`.
    rows
        Texts.
    currency
        Sign or code of money.
    titles
        Column -> heading, where it is not the name in words.
    """

    columns: Mapping[str, str]
    rows: Sequence[Sequence[str]]
    currency: str = ""
    titles: Mapping[str, str] = field(default_factory=dict)

    def data(self) -> dict[str, Any]:
        """Return it as a page's script takes it."""
        return {
            "columns": [
                {"name": name, "title": self.title(name), "number": kind in _NUMBERS}
                for name, kind in self.columns.items()
            ],
            "rows": [list(row) for row in self.rows],
        }

    def title(self, name: str) -> str:
        """Return the heading of a column."""
        words = self.titles.get(name) or name.replace("_", " ").strip().capitalize()
        money = self.columns[name] == "money" and self.currency
        return f"{words} ({self.currency})" if money else words


def grid_of(sheet: Sheet, currency: str) -> Grid:
    """Return an exact table as texts."""
    return Grid(columns=sheet.kinds, rows=sheet.texts()[1:], currency=currency)


def moves_sheet(view: PlanView) -> Sheet:
    """Return every delivery that is not today's: from, to, volume, and what is paid once for it.

    ``paid_once`` holds leaving and joining; what a provider pays once is in `one_offs_sheet`. It is
    blank where the payments of the plan cannot be told apart.
    """
    instance = view.instance
    demand = instance["demand"]
    incumbent = demand["incumbent"].tolist()
    keys = instance["providers"].keys.tolist()
    organisations, services = instance["organisations"].keys, instance["services"].keys
    paid: dict[tuple[int, int], int] | None = None
    payments = _payments(view)
    if payments is not None:
        paid = {}
        for payment in payments:
            if payment.kind in ("exit", "entry", "in_house_entry"):
                key = (payment.organisation, payment.service)
                paid[key] = paid.get(key, 0) + payment.amount
    rows = []
    for each in view.account.deliveries:
        today = incumbent[each.pair]
        if today == each.deliverer:
            continue
        organisation = int(demand["organisation"][each.pair])
        service = int(demand["service"][each.pair])
        # Split pairs have several rows; what is paid stands in the first of them.
        cost = None if paid is None else paid.pop((organisation, service), 0)
        rows.append((
            organisations[organisation],
            services[service],
            "" if today == NOWHERE else IN_HOUSE if today == BY_ITSELF else keys[today],
            IN_HOUSE if each.deliverer == BY_ITSELF else keys[each.deliverer],
            each.volume,
            cost,
        ))  # fmt: skip
    kinds = {"organisation": "text", "service": "text", "from": "text", "to": "text",
             "volume": "volume", "paid_once": "money"}  # fmt: skip
    return Sheet(kinds=kinds, rows=rows, decimals=_decimals(view))


def one_offs_sheet(view: PlanView) -> Sheet:
    """Return what providers and offers pay once: opening, closing and set-up."""
    instance = view.instance
    keys, services = instance["providers"].keys.tolist(), instance["services"].keys.tolist()
    rows = [
        (each.kind, keys[each.provider] if each.provider >= 0 else "",
         services[each.service] if each.service >= 0 else "", each.amount)
        for each in _payments(view) or ()
        if each.kind in ("opening", "closing", "set_up")
    ]  # fmt: skip
    kinds = {"kind": "text", "provider": "text", "service": "text", "amount": "money"}
    return Sheet(kinds=kinds, rows=rows, decimals=_decimals(view))


def _payments(view: PlanView) -> tuple[Payment, ...] | None:
    """Return the one-off payments; None without an arrangement today, or if they do not add up."""
    import numpy as np

    from optimiser.studies.payments import one_offs

    instance = view.instance
    start = todays_plan(instance)
    demand = instance["demand"]
    known = np.flatnonzero(demand["incumbent"] != NOWHERE)
    if start is None:
        start = Plan.from_arrays(known, demand["incumbent"][known], demand["volume"][known])
    plan = view.account.plan
    leaving = plan.deliverer != demand["incumbent"][plan.pair]
    movers = np.intersect1d(plan.pair[leaving], known)
    try:
        return one_offs(instance, start, view.account, movers)
    except InternalError:
        return None


def _decimals(view: PlanView) -> dict[str, int]:
    settings = view.instance.settings
    return {"money": settings.money_decimals, "volume": settings.volume_decimals}

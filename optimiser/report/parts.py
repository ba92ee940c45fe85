"""What a page is made of, and the parts that every plan gets."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from optimiser.model.check import in_house_account, todays_account
from optimiser.model.schema import COST_PARTS, IN_HOUSE, MODES
from optimiser.report.curves import MOST_CURVES, curve_data, curves, draw_curve
from optimiser.report.figures import (
    MOST_BARS,
    MOST_ROWS,
    draw_costs,
    draw_matrix,
    draw_moves,
    draw_oversight,
    draw_providers,
)
from optimiser.report.grids import Grid, grid_of, moves_sheet, one_offs_sheet
from optimiser.report.maps import draw_map, places, switchable
from optimiser.report.plans import LOOKS, PlanView
from optimiser.report.text import sentences
from optimiser.report.words import Money, number, percent, plural, safe
from optimiser.solvers import frames

if TYPE_CHECKING:
    from collections.abc import Sequence

    import plotly.graph_objects as go

    from optimiser.model.account import Account
    from optimiser.solvers.result import Result

#: Rows up to which a table is open from the start.
_OPEN: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A figure, a table or text within a section.

    Parameters
    ----------
    kind
        ``figure``, ``table``, ``text`` or ``list``.
    title
        Caption.
    figure
        What plotly draws.
    alternative
        What the figure shows, for those who do not see it.
    grid
        The table.
    lines
        Paragraphs or list items.
    note
        Small print.
    control
        What switches the figure: ``map``, ``curves`` or ''.
    choices
        What a ``map`` is switched between: names of services.
    data
        What the script needs to switch it.
    key
        Makes the name of a CSV file.
    folded
        Whether a table opens only when asked.
    """

    kind: str
    title: str = ""
    figure: go.Figure | None = None
    alternative: str = ""
    grid: Grid | None = None
    lines: Sequence[str] = ()
    note: str = ""
    control: str = ""
    choices: Sequence[str] = ()
    data: Any = None
    key: str = ""
    folded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One figure in large type, with what it is and a remark."""

    name: str
    value: str
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading and its blocks."""

    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """One result or study on a page."""

    title: str
    facts: Sequence[str] = ()
    cards: Sequence[Card] = ()
    lines: Sequence[str] = ()
    alarm: str = ""
    sections: Sequence[Section] = field(default_factory=tuple)


def result_chapter(result: Result) -> Chapter:
    """Return what there is to show of a result."""
    settings = result.instance.settings
    title = safe(settings.title or result.instance.source or "Untitled instance")
    said = sentences(result)
    facts = [
        f"{plural(len(result.instance['organisations']), 'organisation')}, "
        f"{plural(len(result.instance['services']), 'service')}, "
        f"{plural(len(result.instance['demand']), 'pair')}, "
        f"{plural(len(result.instance['providers']), 'provider')}",
        f"{settings.sourcing} sourcing",
        *([f"prices of {settings.price_year}"] if settings.price_year is not None else []),
    ]
    view = PlanView.of(result)
    if view is None:
        return Chapter(
            title=title, facts=facts, alarm=said["status"][0],
            sections=[Section(title="Why there is no plan", blocks=_why(said["why"]))],
        )  # fmt: skip
    return Chapter(
        title=title,
        facts=facts,
        cards=_cards(result, view.account),
        lines=[*said["status"], *said["bound"]],
        sections=[section for section in plan_sections(view, said) if section.blocks],
    )


def plan_sections(view: PlanView, said: dict[str, list[str]]) -> list[Section]:
    """Return the sections of a plan, in the order of a page."""
    return [
        Section(title="Map", blocks=_map(view)),
        Section(title="Where each pound goes" if view.money.currency == "GBP"
                else "Where the money goes", blocks=[*_costs(view, said)]),
        Section(title="Providers", blocks=_providers(view)),
        Section(title="Oversight", blocks=_oversight(view)),
        Section(title="Who moves, and what it costs", blocks=_moves(view)),
        Section(title="Who gets what from whom", blocks=_matrix(view)),
    ]  # fmt: skip


def currency_sign(money: Money) -> str:
    """Return £, or the code of a currency without a sign."""
    return Money(currency=money.currency, decimals=0).exact(0).removesuffix("0").strip()


def _why(lines: Sequence[str]) -> list[Block]:
    reasons: list[str] = []
    remedies: list[str] = []
    at = 0
    for line in lines:
        if line in ("Why", "What to do next"):
            at = 1 if line == "Why" else 2
            continue
        (remedies if at == 2 else reasons).append(line.removeprefix("- "))
    return [Block(kind="list", lines=reasons),
            Block(kind="list", title="What to do next", lines=remedies)]  # fmt: skip


def _cards(result: Result, account: Account) -> list[Card]:
    settings = result.instance.settings
    money = Money(currency=settings.currency, decimals=settings.money_decimals)
    cards = [Card(name="Cost a year", value=money.rounded(account.cost),
                  remark=f"exactly {money.exact(account.cost)}")]  # fmt: skip
    others = (
        ("today's arrangement", todays_account(result.instance),
         "not known: some pairs have no incumbent"),
        ("all in-house", in_house_account(result.instance),
         "not possible: some pairs have no in-house cost"),
    )  # fmt: skip
    for name, other, without in others:
        if other is None:
            cards.append(Card(name=f"Against {name}", value="–", remark=without))
            continue
        saved = other.cost - account.cost
        share = f" ({percent(Fraction(abs(saved), other.cost))})" if other.cost > 0 else ""
        remark = f"of {money.rounded(other.cost)}{share}"
        if other.violations:
            remark += f"; it breaks {plural(len(other.violations), 'rule')}"
        words = "Saved against" if saved >= 0 else "Dearer than"
        cards.append(
            Card(name=f"{words} {name}", value=money.rounded(abs(saved)), remark=remark)
        )
    if result.minimised is None:
        cards.append(_bound_card(result, account, money))
    return cards


def _bound_card(result: Result, account: Account, money: Money) -> Card:
    if result.bound_units is None:
        return Card(name="Could be better by", value="unknown", remark="the solver gives no bound")
    over = account.objective - result.bound_units
    certified = result.certified_bound_units
    if certified is None:
        proof = "the solver claims this; there is no certificate"
    elif certified >= result.bound_units:
        proof = "certified: anyone can verify it"
    else:
        proof = f"certified alone: {money.rounded(account.objective - certified)}"
    if over <= 0:
        return Card(name="Could be better by", value="nothing", remark=f"a best plan; {proof}")
    share = f"{percent(result.gap)} of it; " if result.gap is not None else ""
    return Card(
        name="Could be better by at most", value=money.rounded(over), remark=share + proof
    )


def _map(view: PlanView) -> list[Block]:
    figure = draw_map(view, switched=True)
    if figure is None:
        return [Block(kind="text", lines=[
            "The organisations and providers have no places (latitude and longitude, or x_km and "
            "y_km), so there is no map."
        ])]  # fmt: skip
    where = places(view.instance)
    missing = 0 if where is None else int(sum((x != x).sum() for x, _ in where.values()))
    modes = {each.mode for each in view.deliveries}
    shown = [mode for mode in (IN_HOUSE, *MODES) if mode in modes]
    opened = view.open_providers
    alternative = (
        f"Map with {plural(len(view.organisations), 'organisation')} and "
        f"{plural(len(view.providers), 'provider')}, of which {len(opened):,} are open. Lines lead "
        "from organisations to the providers that deliver to them. The tables below hold all of it."
    )
    note = "Drag to move, scroll or use the buttons at the right to zoom; point to see figures."
    if missing:
        note += f" {plural(missing, 'place is', 'places are')} unknown and not drawn."
    if len(view.services) > 1 and not switchable(view):
        note += " So many deliveries are drawn together only, not service by service."
    return [
        Block(
            kind="figure", title="Organisations, providers and who delivers to whom",
            figure=figure, alternative=alternative, control="map", note=note,
            choices=view.services if switchable(view) else (),
            data=[[mode, LOOKS[mode].words] for mode in shown],
        )
    ]  # fmt: skip


def _costs(view: PlanView, said: dict[str, list[str]]) -> list[Block]:
    account, money = view.account, view.money
    parts = sorted(account.parts, key=lambda part: -account.parts[part])[:3]
    most = ", ".join(
        f"{COST_PARTS[part]} {money.rounded(account.parts[part])}"
        for part in parts if account.parts[part]
    )  # fmt: skip
    return [
        Block(
            kind="figure", title="Cost a year by part and mode", figure=draw_costs(view),
            alternative=f"Bars of the cost by part, {money.rounded(account.cost)} in all; the "
                        f"largest: {most or 'none'}.",
            note="What no one mode causes, such as officers and exits, has bars of its own.",
        ),
        _table("Costs by part", "costs", frames.costs(view.instance, account), view),
        Block(kind="list", title="Compared with", lines=said.get("compared", ())),
    ]  # fmt: skip


def _providers(view: PlanView) -> list[Block]:
    opened = view.open_providers
    blocks: list[Block] = []
    if opened:
        limited = [fill for each in opened if (fill := view.fill(each)) is not None]
        full = sum(1 for fill in limited if fill >= Fraction(95, 100))
        left = len(opened) - MOST_BARS
        blocks.append(
            Block(
                kind="figure", title="How full open providers are", figure=draw_providers(view),
                alternative=f"Bars of load over capacity: {plural(len(opened), 'open provider')}, "
                            f"{full:,} of them at least 95 % full.",
                note=f"The {MOST_BARS} fullest; {left:,} more in the table." if left > 0 else "",
            )
        )  # fmt: skip
    found = curves(view)
    if found:
        first = found[0]
        at = "" if first.at is None else f" The plan stands at {number(first.at[0], 1)}."
        left = len(view.account.offers) - MOST_CURVES
        blocks.append(
            Block(
                kind="figure", title="What a unit costs at every volume",
                figure=draw_curve(view, first), control="curves", data=curve_data(view, found),
                alternative="Curve of fixed cost over volume plus unit cost, in the cheapest band "
                            "valid at each volume, for the offer chosen." + at,
                note="Fixed cost of the band over the volume, plus its cost per unit; the cheapest "
                     "band valid at each volume. The diamond is this plan."
                     + (f" {left:,} smaller offers are left out." if left > 0 else ""),
            )
        )  # fmt: skip
    instance, account = view.instance, view.account
    blocks.append(_table("Providers, open or not", "providers",
                         frames.providers(instance, account), view))  # fmt: skip
    blocks.append(_table("Offers in use", "offers", frames.offers(instance, account), view))
    blocks.append(_table("Contracts", "contracts", frames.contracts(instance, account), view))
    return blocks


def _oversight(view: PlanView) -> list[Block]:
    figure = draw_oversight(view)
    if figure is None:
        return [Block(kind="text", lines=["This plan needs no hours of oversight."])]
    hours = sum((each.hours for each in view.account.authorities), Fraction(0))
    officers = sum(each.officers for each in view.account.authorities)
    busy = sum(1 for each in view.account.authorities if each.hours or each.officers)
    return [
        Block(
            kind="figure", title="Hours of oversight by authority", figure=figure,
            alternative=f"Bars of hours by authority: {number(hours)} hours and "
                        f"{plural(officers, 'officer')} over "
                        f"{plural(busy, 'authority', 'authorities')}.",
            note=f"The {MOST_BARS} with most hours; {busy - MOST_BARS:,} more in the table."
            if busy > MOST_BARS else "",
        ),
        _table("Authorities", "oversight", frames.oversight(view.instance, view.account), view),
    ]  # fmt: skip


def _moves(view: PlanView) -> list[Block]:
    figure = draw_moves(view)
    if figure is None:
        return [Block(kind="text", lines=["No pair has an incumbent, so nobody moves."])]
    sheet = moves_sheet(view)
    once = sum(view.account.one_off.values(), Fraction(0))
    words = (
        f"{plural(len(sheet.rows), 'delivery is', 'deliveries are')} not by today's deliverer; "
        f"{number(view.account.moved, 2)} pairs leave theirs in all. What is paid once comes to "
        f"{view.money.rounded(round(once))}."
    )
    return [
        Block(kind="text", lines=[words]),
        Block(kind="figure", title="Deliveries by who delivers today", figure=figure,
              alternative="Bars by mode today, divided by mode in the plan. " + words),
        _table("Deliveries that move", "moves", sheet, view, titles={"paid_once": "Paid once"}),
        _table("Paid once by providers", "one-offs", one_offs_sheet(view), view),
    ]  # fmt: skip


def _matrix(view: PlanView) -> list[Block]:
    left = len({each.organisation for each in view.deliveries}) - MOST_ROWS
    by_mode = {
        mode: sum(1 for each in view.deliveries if each.mode == mode) for mode in (IN_HOUSE, *MODES)
    }
    words = ", ".join(
        f"{count:,} {LOOKS[mode].words}" for mode, count in by_mode.items() if count
    )
    return [
        Block(
            kind="figure", title="Organisations and services by mode", figure=draw_matrix(view),
            control="scroll",
            alternative=f"Matrix of organisations and services with a letter per mode: {words}.",
            note=f"The first {MOST_ROWS} organisations; {left:,} more in the table."
            if left > 0 else "",
        ),
        _table("Every delivery", "allocation", frames.allocation(view.instance, view.account),
               view, folded=False),
    ]  # fmt: skip


def _table(
    title: str, key: str, sheet: frames.Sheet, view: PlanView, *,
    titles: dict[str, str] | None = None, folded: bool | None = None,
) -> Block:  # fmt: skip
    grid = grid_of(sheet, currency_sign(view.money))
    grid = Grid(columns=grid.columns, rows=grid.rows, currency=grid.currency, titles=titles or {})
    hide = not 0 < len(grid.rows) <= _OPEN if folded is None else folded
    return Block(kind="table", title=title, grid=grid, key=key, folded=hide)


def figure_data(figure: go.Figure) -> dict[str, Any]:
    """Return a figure as plain JSON."""
    found: dict[str, Any] = json.loads(figure.to_json())
    return {"data": found["data"], "layout": found["layout"]}

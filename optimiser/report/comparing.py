"""What a page shows of plans side by side: the differences first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimiser.model.schema import COST_PARTS
from optimiser.report.charts import Axis, Series, draw_bars
from optimiser.report.grids import Grid, grid_of
from optimiser.report.parts import Block, Chapter, Section, currency_sign
from optimiser.report.plans import shorten
from optimiser.report.words import Money, plural, safe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optimiser.studies.comparisons import Comparison

#: Rows up to which a table is open from the start.
_OPEN = 40
#: Table -> title and what it says.
_TABLES = {
    "plans": ("The plans", ""),
    "decisions": ("Pairs that differ", "Who delivers in each plan."),
    "costs": ("Cost by part", "More: than in the first plan."),
    "providers": ("Providers", "Those that are open in some plan; first those not open in all."),
    "organisations": (
        "By organisation",
        "The cost of its own deliveries and contracts; what is shared, such as a provider's fixed "
        "and running costs, is not in it.",
    ),
}


def comparison_chapter(comparison: Comparison) -> Chapter:
    """Return what there is to show of a comparison."""
    record = comparison.record()
    money = Money(currency=comparison.results[0].currency, decimals=comparison.decimals)
    titles = headings(comparison)
    tables = []
    for name, (title, note) in _TABLES.items():
        grid = grid_of(record.tables[name], currency_sign(money))
        grid = Grid(columns=grid.columns, rows=grid.rows, currency=grid.currency, titles=titles)
        tables.append(
            Block(kind="table", title=title, note=note, grid=grid, key=f"compare-{name}",
                  folded=len(grid.rows) > _OPEN)
        )  # fmt: skip
    return Chapter(
        title="Plans compared",
        facts=[plural(len(comparison.names), "plan"),
               f"{len(comparison.differing):,} of {len(comparison.shared):,} pairs differ"],
        lines=[safe(line) for line in record.headline],
        sections=[Section(title="What differs", blocks=[_parts(comparison, money), *tables])],
    )  # fmt: skip


def headings(comparison: Comparison) -> Mapping[str, str]:
    """Return column -> heading, with the names of the plans."""
    found: dict[str, str] = {}
    for at, name in enumerate(comparison.names, start=1):
        short = shorten(name, 24)
        found |= {
            f"plan_{at}": short, f"more_{at}": f"{short}: more", f"load_{at}": f"{short}: load"
        }  # fmt: skip
    return found


def _parts(comparison: Comparison, money: Money) -> Block:
    one = 10.0**comparison.decimals
    first = comparison.accounts[0].parts
    more = [
        {part: comparison.money(at, account.parts[part]) - comparison.money(0, first[part])
         for part in COST_PARTS}
        for at, account in enumerate(comparison.accounts)
    ]  # fmt: skip
    shown = [part for part in COST_PARTS if any(each[part] for each in more)]
    series = [
        Series(
            name=shorten(comparison.names[at]), x=[more[at][part] / one for part in shown], y=(),
            texts=[f"{COST_PARTS[part]}: {money.exact(more[at][part])} more" for part in shown],
        )
        for at in range(1, len(more))
    ]  # fmt: skip
    figure = draw_bars(
        series, names=[COST_PARTS[part] for part in shown] or ["no part differs"],
        x=Axis(title=f"{currency_sign(money)} a year more than {shorten(comparison.names[0])}"),
    )  # fmt: skip
    figure.update_layout(barmode="group", showlegend=True)
    words = "; ".join(
        f"{COST_PARTS[part]} {money.rounded(more[1][part])}"
        for part in sorted(shown, key=lambda part: -abs(more[1][part]))[:4]
    )
    return Block(
        kind="figure", title="Where the costs differ", figure=figure,
        alternative=f"Bars of cost by part less that of the first plan: {words or 'none differs'}.",
        note="Left of 0 a part costs less than in the first plan.",
    )  # fmt: skip

"""What a page shows of a study: the answer, its figures, and every table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from optimiser.errors import FileError
from optimiser.files.results import read_result
from optimiser.files.studies import RESULTS
from optimiser.report.grids import Grid
from optimiser.report.parts import Block, Chapter, Section, currency_sign
from optimiser.report.study_figures import FIGURES
from optimiser.report.study_views import StudyView
from optimiser.report.words import safe

if TYPE_CHECKING:
    from optimiser.files.studies import SavedStudy

#: Kind of a study -> its name on a page.
KINDS: Final = {
    "sweep": "Scenarios",
    "robust": "One plan for all scenarios",
    "frontier": "Cost against another measure",
    "alternatives": "Plans nearly as good",
    "explain": "Why",
    "share": "Sharing the cost",
    "phase": "Year by year",
}
#: Quantities that are money in whole units of currency.
_MONEY: Final = frozenset({
    "difference_low", "difference_high", "regret_low", "regret_high", "expected", "worst", "cvar",
    "best", "best_bound", "extra", "step_price", "present_value", "worth", "less_low", "less_high",
    "extra_free_low", "extra_free_high",
})  # fmt: skip
#: Rows up to which a table is open from the start.
_OPEN: Final = 15


def study_chapter(study: SavedStudy) -> Chapter:
    """Return what there is to show of a saved study.

    Raises
    ------
    FileError
        One of its tables cannot be read, or does not have the columns that study.json names.
    """
    content = study.content
    view = StudyView.saved(study)
    where = content["instance"]
    title = safe(where.get("title") or where.get("source") or "Untitled instance")
    name = KINDS.get(study.kind, safe(study.kind).capitalize())
    sections = []
    figures = FIGURES.get(study.kind)
    drawn = [block for block in (figures(view) if figures else ()) if block is not None]
    if drawn:
        sections.append(Section(title="In pictures", blocks=drawn))
    sections.append(Section(title="Tables", blocks=[_table(view, each) for each in view.names]))
    results = _results(study, view)
    if results:
        sections.append(Section(title="Results", blocks=results))
    headline = [safe(line) for line in content["headline"]]
    stopped = bool(content["facts"].get("interrupted"))
    return Chapter(
        title=f"{name}: {title}",
        facts=[f"study “{safe(study.kind)}”", safe(content.get("date", ""))[:10]],
        alarm="The study was interrupted: this is what was done by then." if stopped else "",
        lines=headline,
        sections=sections,
    )


def _table(view: StudyView, name: str) -> Block:
    rows = view.rows(name)
    kinds = view.columns[name]
    titles = {
        column: f"{column.replace('_', ' ').capitalize()} ({currency_sign(view.money)})"
        for column, kind in kinds.items()
        if kind == "quantity" and column in _MONEY
    }
    grid = Grid(columns=kinds, rows=rows, currency=currency_sign(view.money), titles=titles)
    return Block(
        kind="table", title=safe(name).replace("_", " ").replace("-", " ").capitalize(),
        grid=grid, key=f"{view.kind}-{name}", folded=not 0 < len(rows) <= _OPEN,
    )  # fmt: skip


def _results(study: SavedStudy, view: StudyView) -> list[Block]:
    """Return the results that the study rests on, as they were saved."""
    rows = []
    for name in study.content["results"]:
        try:
            content = read_result(study.result(str(name))).content
        except FileError:
            continue
        # A bound on something else than money would mislead under the same heading.
        money = content.get("minimised") is None
        amounts = [content["cost"], content["bound"] if money else None]
        rows.append([
            str(name), str(content["status"]),
            *("" if amount is None else amount["text"] for amount in amounts),
            str(content["solver"].get("name", "")), json.dumps(content["seconds"].get("total")),
        ])  # fmt: skip
    if not rows:
        return []
    kinds = {"result": "text", "status": "text", "cost": "money", "bound": "money",
             "solver": "text", "seconds": "quantity"}  # fmt: skip
    return [
        Block(
            kind="table", title="Results that it rests on", key=f"{study.kind}-results",
            grid=Grid(columns=kinds, rows=rows, currency=currency_sign(view.money)),
            note=f"Each is in {RESULTS}/ of the study's folder; optimiser report shows its map and "
                 "tables.",
        )
    ]  # fmt: skip

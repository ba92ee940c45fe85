"""What a page shows of a study."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimiser.report.grids import Grid
from optimiser.report.parts import Block, Chapter, Section, currency_sign
from optimiser.report.words import Money, safe

if TYPE_CHECKING:
    from optimiser.files.studies import SavedStudy


def study_chapter(study: SavedStudy) -> Chapter:
    """Return what there is to show of a saved study."""
    content = study.content
    money = Money(currency=str(content.get("currency", "GBP")),
                  decimals=int(content.get("money_decimals", 2)))  # fmt: skip
    title = safe(content["instance"].get("title") or content["instance"].get("source") or "Study")
    blocks = [
        Block(kind="table", title=table["name"].capitalize(), key=f"{study.kind}-{table['name']}",
              grid=Grid(columns=table["columns"], rows=study.table(table["name"])[1:],
                        currency=currency_sign(money)))
        for table in content["tables"]
    ]  # fmt: skip
    return Chapter(
        title=f"{study.kind.capitalize()}: {title}",
        lines=[safe(line) for line in content["headline"]],
        sections=[Section(title="Tables", blocks=blocks)],
    )

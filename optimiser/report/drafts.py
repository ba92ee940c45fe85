"""A draft in the terminal: what was proposed, and on what assumptions."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.text import Text

from optimiser.model.schema import CO_OPERATIVE, SHARED_CENTRE
from optimiser.report.words import Money, clip, number, plural, safe

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optimiser.studies.drafts import Draft

#: Providers and services that are shown.
_MOST_ROWS = 8


def draft_lines(draft: Draft, *, width: int = 80, plain: bool = False) -> list[Text]:
    """Return a draft as lines for a terminal.

    Parameters
    ----------
    draft
        What was made.
    width
        Of the screen.
    plain
        Whether only ASCII may be drawn.
    """
    instance = draft.instance
    money = Money(currency=instance.settings.currency, decimals=2, plain=plain)
    rows = draft.organisations.rows
    centres, co_operatives = draft.of_mode(SHARED_CENTRE), draft.of_mode(CO_OPERATIVE)
    today = sum(instance["demand"]["in_house_cost"].tolist())
    lines = _wrapped(
        f"Drafted {plural(len(rows), 'organisation')} with "
        f"{plural(len(instance['demand']), 'pair')} of "
        f"{plural(len(draft.catalogue.services), 'service')}; proposed "
        f"{plural(len(centres), 'shared centre')} and "
        f"{plural(len(co_operatives), 'co-operative')}.",
        width,
        style="bold green",
    )
    lines += _wrapped(
        f"All in-house it costs {money.rounded(today)} a year by the catalogue's figures.", width
    )
    lines.append(Text("Services", style="bold"))
    volume = instance["demand"]["volume"] / 10.0**instance.settings.volume_decimals
    for at, service in enumerate(draft.catalogue.services[:_MOST_ROWS]):
        there = instance["demand"]["service"] == at
        cost = sum(instance["demand"]["in_house_cost"][there].tolist())
        lines.append(
            Text(
                f"  {clip(service.name, 22)}{plural(int(there.sum()), 'organisation'):>17}"
                f"{number(volume[there].sum()) + ' ' + clip(service.unit, 9):>22}"
                f"{money.rounded(cost):>{max(width - 63, 16)}}"
            )
        )
    lines += _rest(len(draft.catalogue.services), "service")
    lines.append(Text("Shared centres, candidates", style="bold"))
    lines += _wrapped(_names((rows[site.home].name for site in centres), 14), width, indent="  ")
    lines.append(Text("Co-operatives, candidates: at, founders", style="bold"))
    for site in co_operatives[:_MOST_ROWS]:
        others = [rows[at].name for at in site.members if at != site.home]
        lines.append(Text("  " + clip(f"{rows[site.home].name}: {', '.join(others)}", width - 2)))
    lines += _rest(len(co_operatives), "co-operative")
    figures = [figure for _, figure in draft.catalogue.figures()]
    sources = Counter("assumptions" if figure.assumed else "sourced" for figure in figures)
    lines.append(Text("What it rests on", style="bold"))
    said = [
        f"{draft.catalogue.source}: {plural(len(figures), 'figure')}, {sources['sourced']:,} with "
        f"a source, {sources['assumptions']:,} assumptions.",
        *draft.notes,
    ]
    if draft.organisations.left_out:
        left = draft.organisations.left_out
        said.append(f"Left out, without size or place: {_names(left, 5)}.")
    for each in said:
        lines += _wrapped(each, width, indent="  - ")
    return lines


def _names(names: Iterable[str], most: int) -> str:
    every = list(names)
    shown = ", ".join(every[:most])
    return shown + (f" and {len(every) - most:,} more" if len(every) > most else "") or "none"


def _rest(count: int, word: str) -> list[Text]:
    more = count - _MOST_ROWS
    return [Text(f"  and {plural(more, word)} more")] if more > 0 else []


def _wrapped(text: str, width: int, *, indent: str = "", style: str = "") -> list[Text]:
    from textwrap import wrap

    following = " " * len(indent)
    return [
        Text(line, style=style)
        for line in wrap(safe(text), width, initial_indent=indent, subsequent_indent=following)
    ]

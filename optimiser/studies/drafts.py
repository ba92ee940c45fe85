"""Drafts: a list of organisations and a catalogue of services become an instance."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from optimiser.errors import UsageError
from optimiser.files.lists import read_list
from optimiser.model.build import instance_from
from optimiser.model.faults import did_you_mean
from optimiser.model.schema import CO_OPERATIVE, SHARED_CENTRE
from optimiser.studies.drafting import geography
from optimiser.studies.drafting.catalogue import Catalogue, read_catalogue
from optimiser.studies.drafting.organisations import Filters, Reading, recogniser, slug
from optimiser.studies.drafting.tables import Site, needs, reach_of, settings, tables

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from optimiser.model.instance import Instance
    from optimiser.studies.drafting.organisations import Organisation, Organisations

__all__ = ["Draft", "draft", "draft_from"]

#: Most organisations; beyond, a plan is out of reach of any solver here.
_MOST: Final = 20_000
#: What the proposals rest on, in words.
METHOD: Final = (
    "Centres stand at organisations chosen as a p-median: in-house cost times distance is least, "
    "by greedy adding (Kuehn & Hamburger 1963) and exchanges (Teitz & Bart 1968).",
    "Co-operatives are groups of near neighbours, the topmost branches of a complete-linkage tree "
    "that are small, near and light enough; each stands at the member that is nearest to all.",
    "A volume is staff or residents times units per head; in-house cost follows the catalogue's "
    "scale curve; a provider's tariff is the same curve times its price factor, at all the volume "
    "that it delivers.",
    "Today everything is done in-house, and every provider is a candidate.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An instance that was made from a list, and what it rests on.

    Parameters
    ----------
    instance
        Validated, like one that was read.
    organisations, catalogue
        What it was made from.
    sites
        Providers that are proposed, centres first.
    notes
        What was taken for granted and what did not fit, in words.
    seconds
        Wall time.
    """

    instance: Instance
    organisations: Organisations
    catalogue: Catalogue
    sites: tuple[Site, ...]
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    def of_mode(self, mode: str) -> tuple[Site, ...]:
        """Return the proposed providers of one mode."""
        return tuple(site for site in self.sites if site.mode == mode)

    @property
    def members(self) -> int:
        """How many organisations are founders of a co-operative."""
        return sum(len(site.members) for site in self.sites)

    def readme(self) -> str:
        """Return Markdown that says what was proposed, on what assumptions and sources."""
        rows = self.organisations.rows
        figures = list(self.catalogue.figures())
        assumed = sum(figure.assumed for _, figure in figures)
        lines = [
            f"# {self.instance.settings.title}",
            "",
            f"Drafted from {self.organisations.source} and the catalogue {self.catalogue.source}: "
            f"{len(rows):,} organisations, {len(self.catalogue.services):,} services, "
            f"{len(self.instance['demand']):,} pairs. A draft is a beginning: replace what you "
            "know better.",
            "",
            "## What was proposed",
            "",
        ]
        for site in self.sites:
            founders = ", ".join(rows[at].name for at in site.members)
            kind = "Shared centre" if site.mode == SHARED_CENTRE else "Co-operative"
            what = f"{kind} `{site.key}` at {rows[site.home].name}"
            lines.append(f"* {what}" + (f", formed by {founders}" if founders else ""))
        lines += ["", "## How", "", *(f"* {each}" for each in METHOD)]
        if self.notes or self.organisations.left_out:
            lines += ["", "## What was taken for granted", ""]
            lines += [f"* {each}" for each in self.notes]
        if self.organisations.left_out:
            names = ", ".join(self.organisations.left_out)
            lines.append(f"* Left out, without size or place: {names}")
        lines += [
            "",
            "## Figures",
            "",
            f"{len(figures):,} figures, {assumed:,} of them assumptions.",
            "",
            "| figure | value | source |",
            "|---|---|---|",
            *(f"| {name} | {figure.value:g} | {figure.source} |" for name, figure in figures),
        ]
        return "\n".join(lines) + "\n"

    def facts(self) -> dict[str, Any]:
        """Return what was made, ready for JSON."""
        figures = list(self.catalogue.figures())
        rows = self.organisations.rows
        return {
            "format": "optimiser-draft",
            "version": 1,
            "title": self.instance.settings.title,
            "source": self.organisations.source,
            "catalogue": self.catalogue.source,
            "organisations": len(rows),
            "services": len(self.catalogue.services),
            "pairs": len(self.instance["demand"]),
            "providers": [
                {
                    "provider": site.key,
                    "mode": site.mode,
                    "at": rows[site.home].key,
                    "founders": [rows[at].key for at in site.members],
                }
                for site in self.sites
            ],
            "left_out": list(self.organisations.left_out),
            "notes": list(self.notes),
            "method": list(METHOD),
            "figures": [
                {"figure": name, "value": figure.value, "source": figure.source,
                 "assumed": figure.assumed}
                for name, figure in figures
            ],
            "seconds": round(self.seconds, 3),
        }  # fmt: skip


def draft(
    source: str | Path,
    *,
    catalogue: str | Path | Catalogue | None = None,
    filters: Mapping[str, Sequence[str]] | None = None,
    skip_incomplete: bool = False,
    **options: Any,
) -> Draft:
    """Make an instance from a list of organisations.

    Parameters
    ----------
    source
        CSV file or workbook with a row per organisation: name, place, staff or population.
    catalogue
        Catalogue of services, or the file it is in; None is the shipped one.
    filters
        Column -> values: only rows with one of the values are taken.
    skip_incomplete
        Leave out rows without size or place, in place of refusing them.
    **options
        As in `draft_from`.

    Raises
    ------
    InstanceError
        With every fault in the list or the catalogue.
    FileError
        A file cannot be read.
    UsageError
        A filter or an option does not fit.
    """
    read = catalogue if isinstance(catalogue, Catalogue) else read_catalogue(catalogue)
    read = _chosen(read, options.pop("services", None))
    listing = read_list(source, recogniser(read.services))
    chosen = Filters(values=filters or {}, skip_incomplete=skip_incomplete)
    return draft_from(Reading(listing, read, chosen).organisations(), read, **options)


def _chosen(catalogue: Catalogue, services: Sequence[str] | None) -> Catalogue:
    """Return the catalogue with only the services that are named."""
    if services is None:
        return catalogue
    keys = [each.key for each in catalogue.services]
    for name in services:
        if name not in keys:
            raise UsageError(
                f"The catalogue {catalogue.source} has no service {name!r}. "
                + (did_you_mean(name, keys) or f"It has {', '.join(keys)}.")
            )
    kept = tuple(each for each in catalogue.services if each.key in services)
    return dataclasses.replace(catalogue, services=kept)


def draft_from(
    organisations: Organisations,
    catalogue: Catalogue | None = None,
    *,
    services: Sequence[str] | None = None,
    centres: int | None = None,
    co_operatives: int | None = None,
    max_distance: float | None = None,
    title: str = "",
    progress: Callable[[str], object] | None = None,
) -> Draft:
    """Make an instance from organisations that were read already.

    Parameters
    ----------
    organisations
        Such as `drafting.towns.towns` gives.
    catalogue
        None is the shipped one.
    services
        Keys of the services that are wanted; None: all of the catalogue.
    centres, co_operatives
        How many are proposed, at most; None leaves it to the catalogue.
    max_distance
        Farthest that any provider serves, km by road, where the catalogue does not say less.
    title
        Of the instance.
    progress
        Told what is being done.

    Raises
    ------
    UsageError
        A number does not fit, or nothing is needed.
    """
    began = time.monotonic()
    read = _chosen(catalogue if catalogue is not None else read_catalogue(), services)
    rows = organisations.rows
    if len(rows) > _MOST:
        raise UsageError(
            f"{organisations.source} has {len(rows):,} organisations; {_MOST:,} are the most. "
            "Choose some of them with a filter."
        )
    _check(centres, co_operatives, max_distance)
    tell = progress or (lambda _: None)
    needed = needs(read, rows)
    if not len(needed.volume):
        raise UsageError("No organisation needs any service of the catalogue: see its kinds.")
    reach = max_distance or np.inf
    tell(f"proposing centres and co-operatives for {len(rows):,} organisations")
    work = needed.work(len(rows))
    sites, notes = _sites(read, organisations, work, centres, co_operatives, reach)
    tell("writing the tables")
    name = title or f"{read.title}: {len(rows):,} of {organisations.source}"
    made = tables(read, organisations, needed, sites, reach)
    instance = instance_from(
        cast("Mapping[str, Mapping[str, Any]]", made),
        settings(read, name, great_circle=organisations.great_circle),
    )
    return Draft(
        instance=instance,
        organisations=organisations,
        catalogue=read,
        sites=sites,
        notes=(*organisations.notes, *notes, *_needless(rows, set(needed.organisation.tolist()))),
        seconds=time.monotonic() - began,
    )


def _check(centres: int | None, co_operatives: int | None, max_distance: float | None) -> None:
    for name, count in (("centres", centres), ("co-operatives", co_operatives)):
        if count is not None and count < 0:
            raise UsageError(f"The number of {name} must be 0 or more, not {count}.")
    if max_distance is not None and not 0 < max_distance < np.inf:
        raise UsageError(f"The largest distance must be above 0 km, not {max_distance}.")
    if centres == 0 and co_operatives == 0:
        raise UsageError("Without any centre or co-operative there is nothing to decide.")


def _needless(rows: Sequence[Organisation], needing: set[int]) -> list[str]:
    idle = [each.name for at, each in enumerate(rows) if at not in needing]
    if not idle:
        return []
    some = ", ".join(idle[:5]) + (", …" if len(idle) > 5 else "")
    return [f"{len(idle):,} organisations need no service of the catalogue: {some}."]


def _sites(
    catalogue: Catalogue,
    organisations: Organisations,
    work: Any,
    centres: int | None,
    co_operatives: int | None,
    reach: float,
) -> tuple[tuple[Site, ...], list[str]]:
    """Propose providers; what was asked for and could not be had is noted."""
    rows, notes = organisations.rows, []
    places = np.array([each.place for each in rows])
    round_earth = organisations.great_circle
    wanted = centres
    if wanted is None:
        wanted = max(1, round(len(rows) / catalogue.value("centre", "organisations_each")))
    homes = geography.centres(places, work, wanted, great_circle=round_earth)
    if len(homes) < wanted:
        notes.append(f"Only {len(homes):,} centres: there are no more places.")
    keyed = zip(homes.tolist(), _keys(rows, homes.tolist()), strict=True)
    sites = [Site(key=f"C-{key}", mode=SHARED_CENTRE, home=home) for home, key in keyed]
    if co_operatives != 0:
        limits = {name: catalogue.value("co_operative", name)
                  for name in ("members", "min_members", "turnover", "work_brought")}  # fmt: skip
        wide = reach_of(catalogue, "co_operative", reach) / catalogue.value("access", "detour")
        found = geography.groups(
            places,
            work,
            most=int(limits["members"]),
            least=int(limits["min_members"]),
            reach=wide,
            most_work=limits["turnover"] / limits["work_brought"],
            count=co_operatives,
            great_circle=round_earth,
        )
        if co_operatives is not None and len(found) < co_operatives:
            notes.append(
                f"Only {len(found):,} co-operatives: there are no more groups of "
                f"{limits['min_members']:.0f} to {limits['members']:.0f} neighbours within "
                f"{wide:.0f} km whose work fits into one."
            )
        middles = [geography.middle(places, work, members, great_circle=round_earth)
                   for members in found]  # fmt: skip
        sites += [
            Site(key=f"K-{key}", mode=CO_OPERATIVE, home=home, members=tuple(members.tolist()))
            for home, key, members in zip(middles, _keys(rows, middles), found, strict=True)
        ]
    if not sites:
        raise UsageError(
            "No centre or co-operative can be proposed: the organisations lie too far apart, or "
            "are too large. Give --centres, or change the catalogue."
        )
    return tuple(sites), notes


def _keys(rows: Sequence[Organisation], homes: Sequence[int]) -> list[str]:
    """Keys that the organisations give to what stands at them."""
    return [slug(rows[home].key) or str(home + 1) for home in homes]

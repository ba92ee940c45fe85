"""The best that is known of generated instances: `instances/best_known.csv`, and plans beside it.

A plan is believed once the checker has accepted it here, on the instance drawn anew; a bound is
what a run claims, and a certified bound one whose certificate that run's verifier accepted. Nothing
goes in unless it is better than what stands.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from benchmarks.machine import ROOT
from benchmarks.plans import decode, encode, of_text
from benchmarks.suite_types import SIZES
from benchmarks.suites import generated
from benchmarks.worker import read_instance
from optimiser.errors import FileError
from optimiser.files.atomic import replace_file
from optimiser.model.check import check
from optimiser.report.words import percent

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from benchmarks.crosschecks import Records
    from benchmarks.records import Run
    from optimiser.model.instance import Instance
    from optimiser.model.plan import Plan

#: Where the list lies, and its name; plans lie in the folder of the same name without its ending.
FOLDER: Final = ROOT / "instances"
LIST: Final = "best_known.csv"
PLANS: Final = "best_known"
_FIGURES: Final = ("cost", "bound", "certified_bound")
COLUMNS: Final = (
    "instance", "family", "seed", *SIZES,
    *(f"{name}{what}" for name in _FIGURES for what in ("", "_by", "_date")),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """An amount of money in currency, by what it was found, and the day."""

    amount: Decimal
    by: str
    date: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """The best that is known of one instance.

    Parameters
    ----------
    instance
        Its name, of which `suites.generated` makes it anew.
    cost
        Of the plan kept; the families weigh every part of it by 1, so it is the objective, too.
    bound
        The highest that a solver has claimed, or None.
    certified_bound
        The highest that a certificate has proved, or None.
    """

    instance: str
    cost: Figure
    bound: Figure | None = None
    certified_bound: Figure | None = None

    def gap(self, name: str) -> Decimal | None:
        """Return (cost − bound) / cost by ``bound`` or ``certified_bound``; None without it."""
        figure: Figure | None = getattr(self, name)
        if figure is None:
            return None
        distance = self.cost.amount - figure.amount
        return distance / abs(self.cost.amount) if distance else Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """What came of records: what stands now, what got better, what was wrong, what was no use."""

    bests: Mapping[str, Best]
    better: tuple[str, ...]
    wrong: tuple[str, ...]
    notes: tuple[str, ...]


def read_bests(folder: Path = FOLDER) -> dict[str, Best]:
    """Read the list by instance; empty if there is none.

    Raises
    ------
    FileError
        If a row is none of this list.
    """
    path = folder / LIST
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(f"{path}: this cannot be read ({error}).") from None
    found = {}
    for number, row in enumerate(csv.DictReader(io.StringIO(text, newline="")), start=2):
        try:
            figures = {name: _figure(row, name) for name in _FIGURES}
            cost = figures.pop("cost")
            if cost is None or generated(row["instance"]) is None:
                raise ValueError("it has no cost, or no generated instance")
            found[row["instance"]] = Best(instance=row["instance"], cost=cost, **figures)
        except (KeyError, TypeError, ValueError, InvalidOperation) as error:
            raise FileError(f"{path}, line {number}: this is no row of it ({error}).") from None
    return found


def list_of(bests: Iterable[Best]) -> str:
    """Return the list as it is written: rows by family, size and seed."""
    text = io.StringIO(newline="")
    rows = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    rows.writeheader()
    entries = []
    for best in bests:
        source = _source(best)
        row = {"instance": best.instance, "family": source["family"], "seed": source["seed"]}
        row |= source["sizes"]
        for name in _FIGURES:
            figure: Figure | None = getattr(best, name)
            if figure is not None:
                row |= {name: f"{figure.amount:f}", f"{name}_by": figure.by,
                        f"{name}_date": figure.date}  # fmt: skip
        entries.append(row)
    order = ("family", *SIZES, "seed")
    rows.writerows(sorted(entries, key=lambda row: [row[name] for name in order]))
    return text.getvalue()


def table(bests: Iterable[Best]) -> list[str]:
    """Return lines that show the list to people: cost and gaps."""
    rows = [("instance", "cost", "gap", "certified gap")]
    for best in bests:
        gaps = [best.gap(name) for name in _FIGURES[1:]]
        shown = ["–" if gap is None else percent(Fraction(gap)) for gap in gaps]
        rows.append((best.instance, f"{best.cost.amount:,}", shown[0], shown[1]))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            [cells[0].ljust(widths[0])]
            + [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
        )
        for cells in rows
    ]


def draw(best: Best) -> Instance:
    """Draw the instance of a row."""
    return read_instance(_source(best))


def read_plan(best: Best, instance: Instance, folder: Path = FOLDER) -> Plan:
    """Read the plan of a row; raise `FileError` if there is none, or it is of something else."""
    path = _plan_path(best.instance, folder)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FileError(f"{path}: this cannot be read ({error.strerror}).") from None
    try:
        return decode(content, instance)
    except FileError as error:
        raise FileError(f"{path}: {error}") from None


def faults_of(best: Best, folder: Path = FOLDER) -> list[str]:
    """Check a row and its plan on the instance drawn anew; say what is wrong with them."""
    instance = draw(best)
    account = check(instance, read_plan(best, instance, folder))
    faults = [violation.message for violation in account.violations]
    cost = _amount(account.objective, instance.settings.money_decimals)
    if cost != best.cost.amount:
        faults.append(f"the plan costs {cost:,}, the list says {best.cost.amount:,}")
    for name in _FIGURES[1:]:
        figure: Figure | None = getattr(best, name)
        if figure is not None and figure.amount > cost:
            faults.append(f"the {name.replace('_', ' ')} {figure.amount:,} is above it")
    return faults


def update(records: Records, folder: Path = FOLDER) -> Update:
    """Take from records what is better than what stands, and write it.

    Parameters
    ----------
    records
        As `crosschecks.read_entries` returns them; what is wrong in them is not looked at.
    folder
        Where the list lies; it is made if there is none.

    Raises
    ------
    FileError
        If the list cannot be read or written; what was written before is whole.
    """
    bests = read_bests(folder)
    by = {session.id: session for session in records.sessions}
    groups: dict[str, list[tuple[Run, str, str]]] = defaultdict(list)
    notes: dict[str, None] = {}
    wrong: list[str] = []
    better: list[str] = []
    for entry in records.entries:
        run, session = entry.run, by.get(entry.run.session)
        if generated(run.instance) is None:
            notes[f"{run.instance}: it is not generated, so it is not kept here"] = None
        elif entry.wrong:
            wrong.append(f"{run.instance}, {entry.solver}: {entry.wrong[0]}")
        elif run.objective is None and run.bound is None:
            notes[f"{run.instance}, {entry.solver}: neither a plan nor a bound"] = None
        else:
            commit = "" if session is None else session.commit[:7] + ("+" if session.dirty else "")
            threads = f"{run.threads} threads" if run.threads > 1 else ""
            words = [run.solver, threads, f"{run.limit:g} s", commit]
            found = ", ".join(filter(None, words)), "" if session is None else session.date[:10]
            groups[run.instance].append((run, *found))
    for name, runs in groups.items():
        contest = _Contest(name, bests.get(name))
        best = contest.take(runs)
        wrong += contest.wrong
        notes |= dict.fromkeys(contest.notes)
        if best is None or not contest.better:
            continue
        if contest.plan is not None:
            replace_file(_plan_path(name, folder), contest.plan)
        bests[name] = best
        replace_file(folder / LIST, list_of(bests.values()).encode())
        better += contest.better
    return Update(bests=bests, better=tuple(better), wrong=tuple(wrong), notes=tuple(notes))


class _Contest:
    """What runs have to offer for one instance, against what stands."""

    def __init__(self, name: str, best: Best | None) -> None:
        self.name, self.best = name, best
        self.better: list[str] = []
        self.wrong: list[str] = []
        self.notes: list[str] = []
        self.plan: bytes | None = None

    def take(self, runs: list[tuple[Run, str, str]]) -> Best | None:
        """Return what stands after the runs; None if no plan is known even now."""
        case = generated(self.name)
        assert case is not None
        instance = read_instance(case.source)
        same = [each for each in runs if each[0].instance_hash == instance.hash]
        if len(same) < len(runs):
            self.notes.append(f"{self.name}: another instance bore this name then; left out")
        for run, by, date in sorted(same, key=lambda each: each[0].objective or 0):
            if run.objective is not None:
                self._offer_plan(run, instance, by, date)
        if self.best is None:
            self.notes.append(f"{self.name}: no plan is known, so there is no row for it")
            return None
        for name in _FIGURES[1:]:
            offers = [
                (_amount(units, run.money_decimals), by, date)
                for run, by, date in same
                # What is proved may be claimed.
                for units in {run.certified_bound, getattr(run, name)} - {None}
            ]
            for offer in sorted(offers, reverse=True):
                if self._offer_bound(name, *offer):
                    break
        return self.best

    def _offer_plan(self, run: Run, instance: Instance, by: str, date: str) -> None:
        assert run.objective is not None
        amount = _amount(run.objective, run.money_decimals)
        if self.best is not None and amount >= self.best.cost.amount:
            return
        if not run.plan:
            self.notes.append(f"{self.name}, {run.solver}: the record holds no plan")
            return
        try:
            plan = of_text(run.plan, instance)
        except FileError as error:
            self.wrong.append(f"{self.name}, {run.solver}: {error}")
            return
        account = check(instance, plan)
        if account.violations:
            self.wrong.append(f"{self.name}, {run.solver}: {account.violations[0].message}")
        elif account.objective != run.objective:
            cost = _amount(account.objective, run.money_decimals)
            self.wrong.append(f"{self.name}, {run.solver}: the plan costs {cost:,}, not {amount:,}")
        else:
            before = "" if self.best is None else f" instead of {self.best.cost.amount:,}"
            self.better.append(f"{self.name}: cost {amount:,}{before}")
            self.plan = encode(plan, instance)
            figure = Figure(amount=amount, by=by, date=date)
            if self.best is None:
                self.best = Best(instance=self.name, cost=figure)
            else:
                self.best = replace(self.best, cost=figure)
                self._refute(amount)

    def _refute(self, cost: Decimal) -> None:
        """Take out bounds that a plan has proved wrong."""
        assert self.best is not None
        for name in _FIGURES[1:]:
            old: Figure | None = getattr(self.best, name)
            if old is not None and old.amount > cost:
                self.wrong.append(
                    f"{self.name}: the {name.replace('_', ' ')} {old.amount:,} by {old.by} is above"
                    f" the cost {cost:,} of a plan that the checker accepts; taken out"
                )
                self._set(name, None)

    def _offer_bound(self, name: str, amount: Decimal, by: str, date: str) -> bool:
        """Take a bound if it is better; say whether lower ones need not be looked at."""
        assert self.best is not None
        old: Figure | None = getattr(self.best, name)
        if old is not None and amount <= old.amount:
            return True
        if amount > self.best.cost.amount:
            self.wrong.append(
                f"{self.name}: the {name.replace('_', ' ')} {amount:,} by {by} is above the cost "
                f"{self.best.cost.amount:,} of a plan that the checker accepts"
            )
            return False
        before = "" if old is None else f" instead of {old.amount:,}"
        self.better.append(f"{self.name}: {name.replace('_', ' ')} {amount:,}{before}")
        self._set(name, Figure(amount=amount, by=by, date=date))
        return True

    def _set(self, name: str, figure: Figure | None) -> None:
        assert self.best is not None
        changed: dict[str, Any] = {name: figure}
        self.best = replace(self.best, **changed)


def _source(best: Best) -> Mapping[str, Any]:
    case = generated(best.instance)
    assert case is not None
    return case.source


def _plan_path(instance: str, folder: Path) -> Path:
    return folder / PLANS / f"{instance}.csv.gz"


def _figure(row: Mapping[str, str], name: str) -> Figure | None:
    if not row[name]:
        return None
    amount = Decimal(row[name])
    if not amount.is_finite():
        raise ValueError(f"{name} is no amount")
    return Figure(amount=amount, by=row[f"{name}_by"], date=row[f"{name}_date"])


def _amount(units: int, decimals: int) -> Decimal:
    return Decimal(units).scaleb(-decimals)

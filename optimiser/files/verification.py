"""A saved result against its instance: every rule and figure reckoned anew."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from optimiser.errors import FileError
from optimiser.files.cells import cells_of
from optimiser.files.certificates import check_certificate
from optimiser.files.results import TABLES, objective_of, read_result, rows_of
from optimiser.model.check import check
from optimiser.model.instance import Instance
from optimiser.solvers.frames import fixed_text
from optimiser.solvers.result import STATUSES, decimals_of, relative_gap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimiser.files.results import SavedResult
    from optimiser.model.account import Account
    from optimiser.model.rows import Objective, SideRow
    from optimiser.solvers.frames import Sheet

#: Differences named of each file; the others are counted.
SHOWN: Final = 5
_WITH_PLAN: Final = ("optimal", "feasible")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What came of verifying a saved result.

    Parameters
    ----------
    folder
        Where the result lies.
    instance
        What it was checked against.
    status
        Status as saved.
    problems
        Everything that does not agree, in words; empty if all does.
    notes
        What else is worth knowing.
    account
        What the saved plan is by the tables, or None without a plan.
    bound_units
        The saved bound, in units of the objective's last place.
    certified_units
        The bound that the certificate proves, found so again; None without one.
    minimised
        What was minimised instead of money, or None.
    """

    folder: Path
    instance: Instance
    status: str
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    account: Account | None
    bound_units: int | None
    certified_units: int | None = None
    minimised: Objective | None = None

    @property
    def ok(self) -> bool:
        """Whether everything agrees."""
        return not self.problems

    @property
    def gap(self) -> float | None:
        """Relative gap of the recomputed objective to the saved bound."""
        objective = None if self.account is None else self.account.objective
        return relative_gap(objective, self.bound_units)

    @property
    def certified_gap(self) -> float | None:
        """Relative gap of the recomputed objective to the bound that the certificate proves."""
        objective = None if self.account is None else self.account.objective
        return relative_gap(objective, self.certified_units)

    def lines(self) -> list[str]:
        """Return what to tell, line by line."""
        account, decimals = self.account, self.instance.settings.money_decimals
        currency = self.instance.settings.currency
        places = decimals_of(self.minimised, self.instance) or 0
        unit = f" {currency}" if self.minimised is None else ""
        source = self.instance.source or "the instance given"
        result = [f"{self.folder}: status {self.status}, checked against {source}"]
        if account is not None:
            result.append(
                f"cost {_money(account.cost, decimals)} {currency}, "
                f"{len(account.deliveries):,} deliveries, reckoned from the tables"
            )
            if self.minimised is not None:
                result.append(f"{self.minimised.name} {_money(account.objective, places)}")
            if self.gap is not None and self.bound_units is not None:
                result.append(
                    f"gap {self.gap:.6%} to the saved bound "
                    f"{_money(self.bound_units, places)}{unit}, which is the "
                    "solver's claim"
                )
        if self.certified_units is not None:
            gap = "" if self.certified_gap is None else f"gap {self.certified_gap:.6%} to "
            result.append(
                f"{gap}the certified bound {_money(self.certified_units, places)}{unit}, "
                "recomputed in whole numbers from the certificate and the problem before cleaning"
            )
        result += self.notes
        if self.ok:
            result.append(
                "Everything agrees."
                if account is not None
                else "Everything agrees; there is no plan to check."
            )
        else:
            count = len(self.problems)
            result.append(f"{count} thing{' does' if count == 1 else 's do'} not agree:")
            result += [f"  - {problem}" for problem in self.problems]
        return result

    def document(self) -> dict[str, Any]:
        """Return the same for JSON."""
        account = self.account
        return {
            "format": "optimiser-verification",
            "version": 1,
            "ok": self.ok,
            "folder": str(self.folder),
            "instance": {"source": self.instance.source, "hash": self.instance.hash},
            "status": self.status,
            "cost_units": None if account is None else account.cost,
            "objective_units": None if account is None else account.objective,
            "bound_units": self.bound_units,
            "gap": None if self.gap in (None, float("inf"), float("-inf")) else self.gap,
            "certified_bound_units": self.certified_units,
            "certified_gap": None
            if self.certified_gap in (None, float("inf"), float("-inf"))
            else self.certified_gap,
            "problems": list(self.problems),
            "notes": list(self.notes),
        }

    def __bool__(self) -> bool:
        return self.ok


def verify(path: str | Path, instance: Instance | str | Path | None = None) -> Verification:
    """Check a saved result: its rules, its cost, its bound and its tables.

    Parameters
    ----------
    path
        Folder of the result, or its result.json.
    instance
        The instance, or where it lies; by default where the result says.

    Returns
    -------
    Verification
        With everything that does not agree.

    Raises
    ------
    FileError
        The result, or its instance, cannot be read.
    InstanceError
        The instance has faults by now.
    """
    saved = read_result(path)
    if not isinstance(instance, Instance):
        instance = find_instance(saved, instance)
    verifying = _Verifying(saved, instance)
    verifying.run()
    bound = saved.content["bound"]
    return Verification(
        folder=saved.folder,
        instance=instance,
        status=saved.status,
        problems=tuple(verifying.problems),
        notes=tuple(verifying.notes),
        account=verifying.account,
        bound_units=None if bound is None else bound["units"],
        certified_units=verifying.certified,
        minimised=verifying.minimised,
    )


def find_instance(saved: SavedResult, given: str | Path | None = None) -> Instance:
    """Return the instance of a saved result, from where it lies or is said to lie."""
    from optimiser.files.instances import read
    from optimiser.files.public.reading import read_public

    place = Path(given) if given is not None else saved.instance_path()
    if place is None:
        where = saved.content["instance"].get("absolute_path")
        raise FileError(
            f"The instance of {saved.folder} is not at {where} any more. Say where it is with "
            "--instance PATH."
            if where
            else f"{saved.folder} does not say where its instance lies. Give --instance PATH."
        )
    reader = saved.content["instance"].get("reader")
    # What was read from a public file may have been converted since, and moved.
    if reader and given is None:
        return read_public(place, str(reader))
    return read(place)


@dataclass(slots=True)
class _Verifying:
    """One verification; `problems` and `notes` fill up as it runs."""

    saved: SavedResult
    instance: Instance
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    account: Account | None = None
    certified: int | None = None
    rows: list[SideRow] = field(default_factory=list)
    minimised: Objective | None = None

    def run(self) -> None:
        self._instance()
        self.rows, wrong = rows_of(self.saved.content.get("rows", []))
        self.problems += wrong
        self.minimised, wrong = objective_of(self.saved.content.get("minimised"))
        self.problems += wrong
        self._plan()
        self._status()
        self._figures()
        self._bounds()
        self._certificate()
        if self.saved.folder.is_dir():
            for name, make in TABLES.items():
                sheet = None if self.account is None else make(self.instance, self.account)
                self._table(name, sheet)

    def _instance(self) -> None:
        settings, content = self.instance.settings, self.saved.content
        if self.instance.hash != self.saved.instance_hash:
            self.problems.append(
                "the instance has changed since it was solved: its hash is "
                f"{self.instance.hash[:16]}…, the saved one {self.saved.instance_hash[:16]}…. "
                "Figures here are by the instance as it is now; solve again"
            )
        for name in ("currency", "money_decimals", "volume_decimals"):
            if content.get(name) != getattr(settings, name):
                self.problems.append(
                    f"{name} is {content.get(name)!r} in result.json, "
                    f"{getattr(settings, name)!r} in the instance"
                )

    def _plan(self) -> None:
        if not self.saved.deliveries:
            return
        pairs = [
            tuple(d[name] for name in ("organisation", "service", "deliverer"))
            for d in self.saved.deliveries
        ]
        self.problems += [
            f"the delivery of {s!r} to {o!r} by {d!r} is listed twice"
            for (o, s, d), count in Counter(pairs).items()
            if count > 1
        ]
        plan, unknown = self.saved.plan_for(self.instance)
        self.problems += [f"deliveries: {text}" for text in unknown]
        self.account = check(self.instance, plan, self.rows, self.minimised)
        self.problems += [f"the plan breaks a rule: {v.message}" for v in self.account.violations]

    def _status(self) -> None:
        status = self.saved.status
        if status not in STATUSES:
            self.problems.append(f"there is no status {status!r}")
        elif status in _WITH_PLAN and self.account is None:
            self.problems.append(f"the status is {status}, but there are no deliveries")
        elif status not in _WITH_PLAN and self.account is not None:
            self.problems.append(f"the status is {status}, but there are deliveries")

    def _figures(self) -> None:
        account, content = self.account, self.saved.content
        decimals = self.instance.settings.money_decimals
        cost = None if account is None else account.cost
        self._amount("cost", content["cost"], cost, decimals)
        objective = None if account is None else account.objective
        self._amount("objective", content["objective"], objective, self._places())
        for name, parts in (
            ("parts", account.parts if account else {}),
            ("objective_parts", account.objective_parts if account else {}),
        ):
            saved = content[name]
            for part in [*parts, *(part for part in saved if part not in parts)]:
                self._amount(f"{name}, {part}", saved.get(part), parts.get(part), decimals)

    def _places(self) -> int:
        """Decimals of the objective and its bounds."""
        return decimals_of(self.minimised, self.instance) or 0

    def _amount(
        self, name: str, saved: dict[str, Any] | None, units: int | None, decimals: int
    ) -> None:
        """Compare a saved amount, and its own text, with what the tables say."""
        if saved is None or units is None:
            if saved is not None or units is not None:
                have = "nothing" if saved is None else saved["text"]
                want = "nothing" if units is None else _money(units, decimals)
                self.problems.append(f"{name} is {have} in result.json, {want} by the tables")
            return
        if saved["units"] != units:
            self.problems.append(
                f"{name} is {_money(saved['units'], decimals)} in result.json, "
                f"{_money(units, decimals)} by the tables"
            )
        self._text(name, saved, decimals)

    def _text(self, name: str, saved: dict[str, Any], decimals: int) -> None:
        text = fixed_text(saved["units"], decimals)
        if saved["text"] != text:
            self.problems.append(f"{name} is written {saved['text']!r}, but its units are {text}")

    def _bounds(self) -> None:
        content, decimals = self.saved.content, self._places()
        objective = None if self.account is None else self.account.objective
        for name in ("bound", "certified_bound"):
            amount = content[name]
            if amount is None:
                continue
            self._text(name, amount, decimals)
            if objective is not None and amount["units"] > objective:
                self.problems.append(
                    f"{name.replace('_', ' ')} {_money(amount['units'], decimals)} lies above the "
                    f"plan's own objective {_money(objective, decimals)}, so it is wrong"
                )
        bound = content["bound"]
        gap = relative_gap(objective, None if bound is None else bound["units"])
        saved = content["gap"]
        finite = None if gap is None or abs(gap) == float("inf") else gap
        if (saved is None) != (finite is None) or (
            saved is not None and finite is not None and abs(saved - finite) > 1e-12
        ):
            self.problems.append(
                f"the gap is {_share(saved)} in result.json, {_share(finite)} by "
                "objective and bound"
            )
        asked = content["options"].get("gap")
        if self.saved.status == "optimal" and self.account is not None:
            if gap is None:
                self.problems.append("the status is optimal, but there is no bound")
            elif isinstance(asked, int | float) and gap > asked:
                self.problems.append(
                    f"the status is optimal, but the gap {_share(gap)} is more "
                    f"than the {_share(asked)} asked for"
                )

    def _certificate(self) -> None:
        claimed = self.saved.content["certified_bound"]
        units = None if claimed is None else claimed["units"]
        sound, problems = check_certificate(
            self.saved.folder, units, self.instance, self.rows, self.minimised
        )
        self.problems += problems
        self.certified = units if sound else None
        if sound and units is None:
            self.notes.append("the certificate proves that no plan keeps every rule")
            if self.account is not None:
                self.problems.append(
                    "the certificate proves that there is no plan, yet here is one"
                )

    # --- tables ----------------------------------------------------------------------------

    def _table(self, name: str, sheet: Sheet | None) -> None:
        path = self.saved.folder / name
        try:
            cells = cells_of(path.read_bytes())
        except FileNotFoundError:
            self.problems.append(f"{name} is missing")
            return
        except OSError as error:
            self.problems.append(f"{name} cannot be read: {error.strerror}")
            return
        except (UnicodeDecodeError, csv.Error) as error:
            self.problems.append(f"{name} is no valid CSV: {error}")
            return
        if sheet is None:
            if len(cells) > 1:
                self.problems.append(f"{name} has {len(cells) - 1:,} rows, but there is no plan")
            return
        wanted = sheet.texts()
        if not cells or cells[0] != wanted[0]:
            self.problems.append(f"{name} has not the headings {', '.join(wanted[0])}")
            return
        differences = _differences(sheet, cells[1:], wanted[1:])
        self.problems += [f"{name}, {text}" for text in differences[:SHOWN]]
        if len(differences) > SHOWN:
            self.problems.append(f"{name}: {len(differences) - SHOWN:,} more differences")


def _differences(sheet: Sheet, have: list[list[str]], want: list[list[str]]) -> list[str]:
    """Say what differs between two tables, whatever the order of their rows."""
    names, kinds = list(sheet.kinds), list(sheet.kinds.values())
    texts = [at for at, kind in enumerate(kinds) if kind == "text"]
    ragged = [
        f"row {at}: {len(row)} cells rather than {len(names)}"
        for at, row in enumerate(have, start=2)
        if len(row) != len(names)
    ]
    if ragged:
        return ragged
    expected: dict[tuple[str, ...], list[list[str]]] = {}
    for row in want:
        expected.setdefault(tuple(row[at] for at in texts), []).append(row)
    found = []
    for number, row in enumerate(have, start=2):
        key = tuple(row[at] for at in texts)
        if not expected.get(key):
            found.append(f"row {number}: {_words(key)} is not in the plan")
            continue
        right = expected[key].pop(0)
        found += [
            f"row {number}, column {name}: {cell} in the file, {other} by the tables"
            for name, kind, cell, other in zip(names, kinds, row, right, strict=True)
            if not _same(kind, cell, other)
        ]
    found += [f"a row is missing: {_words(key)}" for key, rows in expected.items() for _ in rows]
    return found


def _words(key: Sequence[str]) -> str:
    return ", ".join(text for text in key if text)


def _same(kind: str, one: str, other: str) -> bool:
    if one == other:
        return True
    if kind in ("text", "flag"):
        return False
    try:  # a spreadsheet that saved the file anew may have written 12.50 as 12.5
        return Decimal(one) == Decimal(other)
    except InvalidOperation:
        return False


def _money(units: int, decimals: int) -> str:
    whole, _, part = fixed_text(units, decimals).partition(".")
    return f"{int(whole):,}" + (f".{part}" if part else "") if whole != "-0" else f"-0.{part}"


def _share(value: float | None) -> str:
    return "nothing" if value is None else f"{value:.6%}"

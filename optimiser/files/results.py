"""Results as folders: five tables and one result.json, written whole or not at all."""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from optimiser.certificate.storage import FILE as CERTIFICATE
from optimiser.certificate.storage import encode
from optimiser.errors import FileError, UsageError
from optimiser.files.atomic import replace_folder
from optimiser.files.cells import csv_of
from optimiser.solvers import frames

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from optimiser.model.account import Account
    from optimiser.model.instance import Instance
    from optimiser.model.plan import Plan
    from optimiser.model.rows import Objective, Quantity, SideRow
    from optimiser.solvers.frames import Sheet
    from optimiser.solvers.result import Result

#: What result.json calls itself, and the version of its layout.
FORMAT: Final = "optimiser-result"
VERSION: Final = 1
DOCUMENT: Final = "result.json"
#: File -> table of the plan.
TABLES: Final[dict[str, Callable[[Instance, Account], Sheet]]] = {
    "allocation.csv": frames.allocation,
    "providers.csv": frames.providers,
    "contracts.csv": frames.contracts,
    "oversight.csv": frames.oversight,
    "costs.csv": frames.costs,
}
#: Packages whose versions are kept, because an answer may depend on them.
_PACKAGES: Final = (
    "optimiser",
    "numpy",
    "scipy",
    "pandas",
    "networkx",
    "highspy",
    "ortools",
    "pulp",
    "pyscipopt",
)


def write_result(result: Result, folder: str | Path) -> Path:
    """Save a result as a folder; an older result there is replaced as a whole.

    Parameters
    ----------
    result
        What to save. Without a plan the tables have headings only.
    folder
        Where to. It may be new, empty, or an older result.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    UsageError
        The folder holds something that is no result.
    FileError
        It could not be written; what was there is untouched, and nothing else is left.
    """
    folder = Path(folder)
    refuse_foreign(folder)
    files = {name: csv_of(result.sheet(make)) for name, make in TABLES.items()}
    content = document(result, folder)
    files[DOCUMENT] = (
        json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    ).encode()
    if result.certificate is not None:
        files[CERTIFICATE] = encode(result.certificate)
    replace_folder(folder, files)
    return folder


def refuse_foreign(folder: str | Path) -> None:
    """Raise UsageError if writing a result to `folder` would take away anything but a result."""
    folder = Path(folder)
    try:
        if not folder.exists():
            return
        if not folder.is_dir():
            raise UsageError(f"{folder} is a file. Name a folder that is new, empty or a result.")
        names = {entry.name for entry in folder.iterdir()}
    except OSError as error:
        raise FileError(f"{folder} cannot be read: {error.strerror}.") from error
    # A file manager's own files (.DS_Store and the like) are nobody's work.
    names = {name for name in names if not name.startswith(".")}
    if not names:
        return
    if not _is_result(folder / DOCUMENT):
        raise UsageError(
            f"{folder} is not empty and holds no result, so it is not replaced. "
            "Name a folder that is new, empty or an older result."
        )
    foreign = sorted(names - {DOCUMENT, CERTIFICATE, *TABLES})
    if foreign:
        raise UsageError(
            f"{folder} holds {foreign[0]!r} beside a result, so it is not replaced. "
            "Move that away, or name another folder."
        )


def _is_result(path: Path) -> bool:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and content.get("format") == FORMAT


def document(result: Result, folder: Path | None = None) -> dict[str, Any]:
    """Return what result.json says, ready for JSON; docs/results.md explains every key.

    Parameters
    ----------
    result
        What to describe.
    folder
        Folder that the relative path of the instance starts from, or None for none.
    """
    settings = result.instance.settings
    decimals = settings.money_decimals

    def money(units: int | None) -> dict[str, Any] | None:
        return None if units is None else {"units": units, "text": _money(units, decimals)}

    def minimised(units: int | None) -> dict[str, Any] | None:
        return None if units is None else {"units": units, "text": _money(units, result.places)}

    account = result.account
    gap = result.gap
    return {
        "format": FORMAT,
        "version": VERSION,
        "status": result.status,
        "interrupted": result.interrupted,
        "cost": money(result.cost_units),
        "objective": minimised(result.objective_units),
        "bound": minimised(result.bound_units),
        "certified_bound": minimised(result.certified_bound_units),
        "gap": gap if gap is None or abs(gap) != float("inf") else None,
        "currency": settings.currency,
        "money_decimals": decimals,
        "volume_decimals": settings.volume_decimals,
        "reasons": list(result.reasons),
        "solver": {"name": result.solver, "version": result.solver_version},
        "options": _options(result),
        "cleaning": list(result.cleaning),
        "rows": [_row(row) for row in result.rows],
        "minimised": None
        if result.minimised is None
        else {"name": result.minimised.name, "terms": _terms(result.minimised.terms)},
        "instance": whereabouts(result.instance, folder),
        "parts": {} if account is None else {p: money(u) for p, u in account.parts.items()},
        "objective_parts": {}
        if account is None
        else {p: money(u) for p, u in account.objective_parts.items()},
        "deliveries": [] if account is None else deliveries_of(result.instance, account.plan),
        "trace": [
            {"time": round(point.time, 3), "objective": point.objective, "bound": point.bound}
            for point in result.trace
        ],
        "seconds": {name: round(value, 3) for name, value in result.seconds.items()},
        **provenance(),
    }


def provenance() -> dict[str, Any]:
    """Return date, machine and versions, ready for JSON."""
    return {"date": _now(), "machine": _machine(), "versions": _versions()}


def _money(units: int, decimals: int) -> str:
    return frames.fixed_text(units, decimals)


def _options(result: Result) -> dict[str, Any]:
    options = {f.name: getattr(result.options, f.name) for f in dataclasses.fields(result.options)}
    options.pop("executor", None)  # lives in the program that solved
    if "start" in options:
        options["start"] = options["start"] is not None  # the plan itself would only be long
    return {name: _plain(value) for name, value in options.items()}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if abs(value) != float("inf") and value == value else str(value)
    return str(value)


def whereabouts(instance: Instance, folder: Path | None) -> dict[str, Any]:
    """Return what an instance is and where it lies, ready for JSON, also as seen from `folder`."""
    source = instance.source
    absolute = os.path.abspath(source) if source else ""  # noqa: PTH100 - links stay as they are
    relative = ""
    if source and folder is not None:
        try:
            relative = os.path.relpath(absolute, os.path.realpath(folder))
        except ValueError:  # on another drive
            relative = ""
    return {
        "title": instance.settings.title,
        "sourcing": instance.settings.sourcing,
        "hash": instance.hash,
        "source": source,
        "reader": instance.reader,
        "path": relative,
        "absolute_path": absolute,
    }


def deliveries_of(instance: Instance, plan: Plan) -> list[dict[str, str]]:
    """Return a plan as keys and texts: organisation, service, deliverer and volume of each."""
    from optimiser.model.instance import decimal_text
    from optimiser.model.plan import BY_ITSELF
    from optimiser.model.schema import IN_HOUSE

    demand, decimals = instance["demand"], instance.settings.volume_decimals
    organisations = instance["organisations"].keys[demand["organisation"]]
    services = instance["services"].keys[demand["service"]]
    providers = instance["providers"].keys
    return [
        {
            "organisation": organisations[pair],
            "service": services[pair],
            "deliverer": IN_HOUSE if deliverer == BY_ITSELF else providers[deliverer],
            "volume": decimal_text(volume, decimals),
        }
        for pair, deliverer, volume in zip(
            plan.pair.tolist(), plan.deliverer.tolist(), plan.volume.tolist(), strict=True
        )
    ]


def _row(row: SideRow) -> dict[str, Any]:
    """Return a side row with its fractions as exact texts, such as 7/2."""
    limits = {
        name: None if limit is None else str(limit)
        for name, limit in (("minimum", row.minimum), ("maximum", row.maximum))
    }
    return {"name": row.name, **limits, "terms": _terms(row.terms)}


def _terms(quantities: Sequence[Quantity]) -> list[dict[str, Any]]:
    terms = []
    for term in quantities:
        given = {f.name: getattr(term, f.name) for f in dataclasses.fields(term)}
        given |= {"coefficient": str(term.coefficient), "services": list(term.services),
                  "listed": [list(each) for each in term.listed]}
        terms.append({name: value for name, value in given.items() if value})
    return terms


def rows_of(saved: Any) -> tuple[list[SideRow], list[str]]:
    """Turn saved side rows back into rows, and say which cannot be."""
    from fractions import Fraction

    from optimiser.model.rows import SideRow

    rows, wrong = [], []
    for at, row in enumerate(saved, start=1):
        try:
            limits = {
                name: None if row[name] is None else Fraction(row[name])
                for name in ("minimum", "maximum")
            }
            rows.append(SideRow(name=row["name"], terms=_quantities(row["terms"]), **limits))
        except (KeyError, TypeError, ValueError, ZeroDivisionError, AttributeError):
            wrong.append(f"side row {at} in result.json is damaged")
    return rows, wrong


def objective_of(saved: Any) -> tuple[Objective | None, list[str]]:
    """Turn what was minimised back into an objective, and say if it cannot be."""
    from optimiser.model.rows import Objective

    if saved is None:
        return None, []
    try:
        return Objective(name=str(saved["name"]), terms=_quantities(saved["terms"])), []
    except (KeyError, TypeError, ValueError, ZeroDivisionError, AttributeError):
        return None, ["what was minimised is damaged in result.json"]


def _quantities(saved: Any) -> tuple[Quantity, ...]:
    from fractions import Fraction

    from optimiser.model.rows import Quantity

    return tuple(
        Quantity(
            **{
                **term,
                "coefficient": Fraction(term["coefficient"]),
                "services": tuple(term.get("services", ())),
                "listed": tuple(tuple(each) for each in term.get("listed", ())),
            }
        )
        for term in saved
    )


def _now() -> str:
    from datetime import UTC, datetime

    return datetime.now(UTC).isoformat(timespec="seconds")


def _machine() -> dict[str, Any]:
    import platform

    return {
        "system": platform.system(),
        "release": platform.release(),
        "architecture": platform.machine(),
        "processors": os.cpu_count(),
        "python": platform.python_version(),
    }


def _versions() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedResult:
    """A result as it was saved; nothing in it is believed until `verify` has looked.

    Parameters
    ----------
    folder
        Where it lies.
    content
        What result.json says.
    """

    folder: Path
    content: Mapping[str, Any]

    @property
    def status(self) -> str:
        """Status as saved."""
        return str(self.content["status"])

    @property
    def deliveries(self) -> list[dict[str, str]]:
        """Deliveries as saved: organisation, service, deliverer and volume as texts."""
        return list(self.content["deliveries"])

    @property
    def instance_hash(self) -> str:
        """Hash of the instance as saved."""
        return str(self.content["instance"]["hash"])

    def instance_path(self) -> Path | None:
        """Return where the instance lies now: beside the result as it did, or where it was."""
        where = self.content["instance"]
        relative = str(where.get("path") or "")
        places = [self.folder.resolve() / relative] if relative else []
        absolute = str(where.get("absolute_path") or "")
        places += [Path(absolute)] if absolute else []
        return next((place for place in places if place.exists()), None)

    def plan_for(self, instance: Instance) -> tuple[Plan, list[str]]:
        """Return the plan in terms of `instance`, and what of it does not belong there."""
        return plan_of(self.deliveries, instance)


def plan_of(deliveries: list[dict[str, str]], instance: Instance) -> tuple[Plan, list[str]]:
    """Turn deliveries with keys and texts into a plan, and say which are none of the instance's."""
    from optimiser.model.parse import parse_number
    from optimiser.model.plan import BY_ITSELF, Plan
    from optimiser.model.schema import IN_HOUSE

    demand, decimals = instance["demand"], instance.settings.volume_decimals
    organisations = instance["organisations"].keys[demand["organisation"]].tolist()
    services = instance["services"].keys[demand["service"]].tolist()
    pairs = {key: row for row, key in enumerate(zip(organisations, services, strict=True))}
    rows = {key: row for row, key in enumerate(instance["providers"].keys.tolist())}
    rows[IN_HOUSE] = BY_ITSELF
    found: list[tuple[int, int, int]] = []
    unknown: list[str] = []
    for delivery in deliveries:
        organisation, service = delivery["organisation"], delivery["service"]
        pair = pairs.get((organisation, service))
        deliverer = rows.get(delivery["deliverer"])
        volume = parse_number(delivery["volume"], decimals)
        if pair is None:
            unknown.append(f"{organisation!r} does not need {service!r}")
        elif deliverer is None:
            unknown.append(f"there is no provider {delivery['deliverer']!r}")
        elif not isinstance(volume, int) or volume <= 0:
            unknown.append(f"{service!r} for {organisation!r}: {delivery['volume']!r} is no volume")
        else:
            found.append((pair, deliverer, volume))
    return Plan.of(found), unknown


def read_result(path: str | Path) -> SavedResult:
    """Read a saved result from its folder or its result.json.

    Raises
    ------
    FileError
        It cannot be read, or is no result.
    """
    path = Path(path)
    file = path / DOCUMENT if path.is_dir() else path
    if file.exists() and not file.is_file():  # a device may never end
        raise FileError(f"{file} is no file that can be read. Name a result's folder.")
    try:
        content = json.loads(file.read_bytes())
    except FileNotFoundError:
        raise FileError(
            f"{path} holds no saved result: there is no {DOCUMENT}. Name a folder that "
            "optimiser solve --out has made."
        ) from None
    except OSError as error:
        raise FileError(f"{file} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise FileError(f"{file} is no valid JSON: {error}. Solve again.") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise FileError(
            f"{file} is no result of optimiser. Name a folder that optimiser solve --out has made."
        )
    if content.get("version") != VERSION:
        raise FileError(
            f"{file} has version {content.get('version')!r} of the format; this "
            f"program reads version {VERSION}. Solve again with this program."
        )
    wrong = _misshapen(content)
    if wrong:
        raise FileError(f"{file} is damaged: {wrong}. Solve again.")
    return SavedResult(folder=file.parent, content=content)


def _misshapen(content: Mapping[str, Any]) -> str:
    """Say what is missing from a result.json or of the wrong type; '' if nothing is."""
    shapes: dict[str, type | tuple[type, ...]] = {
        "status": str,
        "interrupted": bool,
        "cost": (dict, type(None)),
        "objective": (dict, type(None)),
        "bound": (dict, type(None)),
        "certified_bound": (dict, type(None)),
        "gap": (int, float, type(None)),
        "reasons": list,
        "solver": dict,
        "options": dict,
        "instance": dict,
        "parts": dict,
        "objective_parts": dict,
        "deliveries": list,
        "trace": list,
        "seconds": dict,
    }
    for key, kind in shapes.items():
        if key not in content:
            return f"{key!r} is missing"
        if not isinstance(content[key], kind):
            return f"{key!r} is of the wrong type"
    if not isinstance(content.get("rows", []), list):
        return "'rows' is of the wrong type"
    amounts = {key: content[key] for key in ("cost", "objective", "bound", "certified_bound")}
    for name in ("parts", "objective_parts"):
        amounts |= {f"{name}.{part}": amount for part, amount in content[name].items()}
    for key, amount in amounts.items():
        if amount is not None and not (
            isinstance(amount, dict)
            and type(amount.get("units")) is int
            and isinstance(amount.get("text"), str)
        ):
            return f"{key!r} is no amount of money"
    if not isinstance(content["instance"].get("hash"), str):
        return "the instance's hash is missing"
    fields = {"organisation", "service", "deliverer", "volume"}
    for at, delivery in enumerate(content["deliveries"], start=1):
        if not isinstance(delivery, dict) or not all(
            isinstance(delivery.get(name), str) for name in fields
        ):
            return f"number {at} of the deliveries is incomplete"
    return ""

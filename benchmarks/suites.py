"""Suites: what `suites.toml` says, as cases (an instance each) and tasks (one run each)."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.suite_types import SIZES, faults_of
from optimiser.errors import FileError, UsageError
from optimiser.model.faults import did_you_mean
from optimiser.studies.generate import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

#: Name of a generated instance, as `_generated` makes it.
_NAME: Final = re.compile(
    r"(?P<family>[a-z-]+)-(?P<organisations>\d{1,9})x(?P<services>\d{1,9})-(?P<centres>\d{1,9})"
    r"\+(?P<co_operatives>\d{1,9})-s(?P<seed>\d{1,9})",
    re.ASCII,
)
#: The suites of this project.
SUITES: Final = Path(__file__).with_name("suites.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One instance and where it comes from.

    Parameters
    ----------
    set
        Family, public set, or ``named``.
    instance
        Readable name, unique.
    source
        ``{"named": name}``, ``{"family": …, "seed": …, "sizes": {…}}`` or ``{"file": path,
        "reader": spec}``.
    best_known, best_known_status
        Published value as a decimal text, or None, and what it is.
    """

    set: str
    instance: str
    source: Mapping[str, Any]
    best_known: str | None = None
    best_known_status: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One run that is to be done: a case, a solver, a seed, and what may be used.

    Parameters
    ----------
    suite
        Its suite.
    case
        Its instance.
    solver, seed, threads, gap
        As in `optimiser.solve`; the seed also permutes the instance.
    limit
        Seconds.
    memory_mib
        Memory that all processes of the run may hold together.
    """

    suite: str
    case: Case
    solver: str
    seed: int
    threads: int
    gap: float
    limit: float
    memory_mib: int

    @property
    def key(self) -> str:
        """What makes a run the same run, whatever suite it is of."""
        return (
            f"{self.case.instance}|{self.solver}|seed {self.seed}|threads {self.threads}|"
            f"gap {self.gap:g}|limit {self.limit:g} s|memory {self.memory_mib} MiB"
        )

    def document(self) -> dict[str, Any]:
        """Return it as plain data."""
        return dataclasses.asdict(self)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Task:
        """Make a task of what `document` returned."""
        return cls(**{**document, "case": Case(**document["case"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A list of instances and how they are to be solved.

    Parameters
    ----------
    name, about
        Its name, and what it is for.
    instances
        Its lines of ``[[NAME.instances]]``.
    solvers, seeds, threads, gap, limit, memory_mib
        As in `Task`, unless the caller says otherwise.
    """

    name: str
    about: str
    instances: Sequence[Mapping[str, Any]] = field(repr=False)
    solvers: tuple[str, ...] = ("highs", "scip", "cp-sat", "cbc")
    seeds: tuple[int, ...] = (0,)
    threads: int = 1
    gap: float = 1e-4
    limit: float = 60.0
    memory_mib: int = 8192

    @property
    def needs_data(self) -> bool:
        """Whether it holds instances of public sets, which the user has to bring."""
        return any("public" in line for line in self.instances)

    def cases(self, data: Path | None) -> list[Case]:
        """Return its instances in order, each once; raise `UsageError` for what cannot be found."""
        if self.needs_data and data is None:
            raise UsageError(
                f"The suite {self.name} holds public instances, which do not come with this "
                "project: name the folder that has best_known.csv with --data DIR."
            )
        found: dict[str, Case] = {}
        for line in self.instances:
            for case in _cases_of(line, self.name, data):
                found.setdefault(case.instance, case)
        return list(found.values())

    def tasks(self, cases: Iterable[Case]) -> list[Task]:
        """Return every run, those of an instance next to each other."""
        return [
            Task(
                suite=self.name, case=case, solver=solver, seed=seed, threads=self.threads,
                gap=self.gap, limit=self.limit, memory_mib=self.memory_mib,
            )
            for case in cases
            for seed in self.seeds
            for solver in self.solvers
        ]  # fmt: skip


def read_suites(path: Path = SUITES) -> dict[str, Suite]:
    """Read suites by name.

    Raises
    ------
    FileError
        If the file cannot be read, or holds what no suite has; names every fault.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise FileError(f"{path}: this cannot be read as TOML ({error}).") from None
    faults = [fault for name, said in document.items() for fault in faults_of(name, said)]
    if faults:
        raise FileError("\n".join(f"{path}, {fault}" for fault in faults))
    return {name: _suite(name, said) for name, said in document.items()}


def find_suite(name: str, path: Path = SUITES) -> Suite:
    """Return one suite; raise `UsageError` if there is none of that name."""
    suites = read_suites(path)
    if name not in suites:
        near = did_you_mean(name, suites)
        raise UsageError(
            f"There is no suite {name!r}. {near + ' ' if near else ''}"
            f"There are: {', '.join(suites)}."
        )
    return suites[name]


def _suite(name: str, said: Mapping[str, Any]) -> Suite:
    given = {key: value for key, value in said.items() if key != "memory"}
    if "memory" in said:
        given["memory_mib"] = said["memory"]
    for key in ("solvers", "seeds"):
        if key in given:
            given[key] = tuple(given[key])
    for key in ("limit", "gap"):
        if key in given:
            given[key] = float(given[key])
    return Suite(name=name, **given)


def _cases_of(line: Mapping[str, Any], suite: str, data: Path | None) -> Iterator[Case]:
    if "named" in line:
        for name in line["named"]:
            yield Case(set="named", instance=name, source={"named": name})
    elif "family" in line:
        for sizes in line["sizes"]:
            for seed in line.get("seeds", (0,)):
                yield _generated(line["family"], sizes, seed)
    else:
        assert data is not None
        yield from _public(line["public"], line.get("names"), suite, data)


def _generated(family: str, sizes: Sequence[int], seed: int) -> Case:
    organisations, services, centres, co_operatives = sizes
    return Case(
        set=family,
        instance=f"{family}-{organisations}x{services}-{centres}+{co_operatives}-s{seed}",
        source={"family": family, "seed": seed, "sizes": dict(zip(SIZES, sizes, strict=True))},
    )


def generated(instance: str) -> Case | None:
    """Return the case of a generated instance by its name; None of any other name."""
    found = _NAME.fullmatch(instance)
    if found is None:
        return None
    family = FAMILIES.get(found["family"])
    if family is None or set(family.sizes) != set(SIZES):
        return None
    case = _generated(found["family"], [int(found[size]) for size in SIZES], int(found["seed"]))
    return case if case.instance == instance else None  # not with idle zeros


def _public(name: str, chosen: Sequence[str] | None, suite: str, data: Path) -> Iterator[Case]:
    cases = {case.instance: case for case in public_cases(data) if case.set == name}
    if not cases:
        raise UsageError(f"{data}/best_known.csv has no set {name}, which the suite {suite} names.")
    if chosen is None:
        yield from cases.values()
        return
    for each in chosen:
        if f"{name}/{each}" not in cases:
            raise UsageError(
                f"{data}/best_known.csv has no instance {each} of the set {name}, which the suite "
                f"{suite} names."
            )
        yield cases[f"{name}/{each}"]


def public_cases(data: Path) -> list[Case]:
    """Return every public instance that the folder `data` has, in the order of its list."""
    from benchmarks.published import best_known

    return [
        Case(
            set=each.set,
            instance=f"{each.set}/{each.name}",
            source={"file": str(each.path.absolute()), "reader": each.reader},
            best_known=None if each.best_known is None else f"{each.best_known:f}",
            best_known_status=each.status,
        )
        for each in best_known(data)
    ]

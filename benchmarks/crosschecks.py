"""What runs say of each other: a wrong answer that no run shows by itself, and the best known plan.

The runner has weighed each run against the checker and what is published. Here the runs of one
instance are held against one another: every objective in a record is one that our checker reckoned
for a plan it accepts, so it proves wrong whatever denies it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.records import read_records
from optimiser.errors import FileError
from optimiser.solvers.judge import CLOSE

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence

    from benchmarks.records import Run, Session


class Case(NamedTuple):
    """What solvers are compared on: an instance and what was asked of it."""

    set: str
    instance: str
    identity: str
    seed: int
    gap: float
    limit: float
    memory_mib: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A run, weighed against all others.

    Parameters
    ----------
    run
        As it was recorded.
    solver
        Its solver, with its version or threads where the runs at hand differ in them.
    case
        What it is compared on.
    wrong
        Every wrong answer in it, a sentence each: the runner's, then those found here.
    best
        The best known objective in units of the last place: of all runs and published; or None.
    """

    run: Run
    solver: str
    case: Case
    wrong: tuple[str, ...]
    best: Fraction | None

    @property
    def solved(self) -> bool:
        """Whether it counts as solved: as recorded, and nothing in it is wrong."""
        return self.run.solved and not self.wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """What files of records hold together: sessions, runs weighed, and how many came twice."""

    sessions: tuple[Session, ...]
    entries: tuple[Entry, ...]
    repeated: int


def read_entries(files: Iterable[str | os.PathLike[str]]) -> Records:
    """Read files of records as one, of the same run in two files the first, and weigh the runs.

    Raises
    ------
    FileError
        If one cannot be read, or none holds a run.
    """
    sessions: dict[str, Session] = {}
    runs: dict[tuple[str, str], Run] = {}
    repeated = 0
    names = list(map(str, files))
    for name in names:
        opened, found = read_records(name)
        sessions |= {session.id: session for session in opened}
        for run in found:
            # The same run by another version of the solver is another run.
            repeated += (run.key, run.solver_version) in runs
            runs.setdefault((run.key, run.solver_version), run)
    if not runs:
        raise FileError(
            f"{', '.join(names)}: there is no finished run in it. Let `python -m benchmarks run` "
            "finish one first, with this file as --out."
        )
    return Records(
        sessions=tuple(sessions.values()), entries=tuple(cross_check(list(runs.values()))),
        repeated=repeated,
    )  # fmt: skip


def cross_check(runs: Sequence[Run]) -> list[Entry]:
    """Weigh runs against one another, in their order."""
    label = solver_labels(runs)
    identity = _identities(runs)
    groups: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        groups[identity[run.set, run.instance, run.instance_hash]].append(run)
    best = {name: _best_known(group) for name, group in groups.items()}
    champion = {
        name: min(
            (run for run in group if run.objective is not None),
            key=lambda run: (run.objective, run.key),
            default=None,
        )
        for name, group in groups.items()
    }
    entries = []
    for run in runs:
        name = identity[run.set, run.instance, run.instance_hash]
        entries.append(
            Entry(
                run=run, solver=label[run.solver, run.solver_version, run.threads],
                case=Case(run.set, run.instance, name, run.seed, run.gap, run.limit,
                          run.memory_mib),
                wrong=(*run.wrong, *_contradictions(run, champion[name])), best=best[name],
            )
        )  # fmt: skip
    return entries


def solver_labels(runs: Iterable[Run]) -> dict[tuple[str, str, int], str]:
    """Return a name for each (solver, version, threads): no longer than it takes to differ."""
    found = sorted({(run.solver, run.solver_version, run.threads) for run in runs})
    labels = {}
    for solver, version, threads in found:
        # A run that crashed early may not know its version: no difference that one can name.
        versions = {v for s, v, _ in found if s == solver and v}
        label = f"{solver} {version or '?'}" if len(versions) > 1 else solver
        if len({t for _, _, t in found}) > 1:
            label += f", {threads} thread{'s' if threads > 1 else ''}"
        labels[solver, version, threads] = label
    return labels


def money(units: float | Fraction, decimals: int) -> str:
    """Write an amount in units of the last place as currency."""
    exact = Decimal(units.numerator) / Decimal(units.denominator) if isinstance(
        units, Fraction) else Decimal(units)  # fmt: skip
    return f"{exact.scaleb(-decimals):,.{decimals}f}"


def _identities(runs: Iterable[Run]) -> dict[tuple[str, str, str], str]:
    """Return what tells instances apart: the hash; where a run died without one, its name's."""
    hashes: dict[tuple[str, str], set[str]] = defaultdict(set)
    for run in runs:
        hashes[run.set, run.instance] |= {run.instance_hash} - {""}
    identity: dict[tuple[str, str, str], str] = {}
    for (group, name), known in hashes.items():
        only = next(iter(known)) if len(known) == 1 else f"{group}/{name}"
        identity |= {(group, name, each): each for each in known}
        identity[group, name, ""] = only
    return identity


def _best_known(group: Sequence[Run]) -> Fraction | None:
    values = [Fraction(run.objective) for run in group if run.objective is not None]
    for run in group:
        try:
            published = Fraction(Decimal(run.best_known or ""))
        except (InvalidOperation, ValueError, OverflowError):
            continue
        values.append(published * 10**run.money_decimals)
    return min(values, default=None)


def _contradictions(run: Run, champion: Run | None) -> list[str]:
    """Say what of a run the best plan of all runs proves wrong."""
    if champion is None or champion is run or champion.objective is None:
        return []
    best = champion.objective
    room = max(Fraction(CLOSE) * abs(best), Fraction(1, 2))
    plan = (
        f"{champion.solver} (seed {champion.seed}) has a checked plan for "
        f"{money(best, champion.money_decimals)}"
    )
    if run.status == "infeasible":
        return [f"claims that there is no plan, but {plan}"]
    if run.bound is not None and run.bound > best + room:
        return [f"its bound is {money(run.bound, run.money_decimals)}, but {plan}"]
    if run.status == "optimal" and run.objective is not None:
        least = run.objective - Fraction(run.gap) * abs(run.objective)
        if best < least - room:
            return [
                f"claims {money(run.objective, run.money_decimals)} as optimal within "
                f"{run.gap:g}, but {plan}"
            ]
    return []


def by_solver(entries: Iterable[Entry]) -> Mapping[str, list[Entry]]:
    """Return the entries of each solver, solvers in alphabetical order."""
    found: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        found[entry.solver].append(entry)
    return dict(sorted(found.items()))

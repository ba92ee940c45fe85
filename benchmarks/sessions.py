"""What a report says of where and how its runs were made."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from benchmarks.tables import Cell, Column, Table, count, span, words
from optimiser.report.words import number

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.crosschecks import Entry, Records
    from benchmarks.records import Session


def sessions_table(records: Records) -> Table:
    """Return a row for each session: when, where, which commit and command, how many runs."""
    runs = Counter(entry.run.session for entry in records.entries)
    rows = []
    for session in sorted(records.sessions, key=lambda session: session.date):
        machine = session.machine
        memory = machine.get("memory_gib")
        cores = machine.get("cores")
        rows.append(
            (
                words(session.date[:19].replace("T", " ")), count(runs[session.id]),
                words(_commit(session)),
                words(str(machine.get("node", ""))), words(str(machine.get("cpu", ""))),
                words("" if cores is None else str(cores)),
                words("" if memory is None else number(memory, 1)),
                words(str(machine.get("system", ""))), words(str(machine.get("python", ""))),
                words(_side_by_side(session)), words(session.command),
            )
        )  # fmt: skip
    columns = (
        Column(title="begun (UTC)"), Column(title="runs", number=True), Column(title="commit"),
        Column(title="node"), Column(title="processor"), Column(title="cores", number=True),
        Column(title="memory (GiB)", number=True), Column(title="system"),
        Column(title="Python"), Column(title="side by side"), Column(title="command"),
    )  # fmt: skip
    return Table(name="sessions", columns=columns, rows=tuple(rows))


def versions_table(records: Records) -> Table:
    """Return the version of every package, and of what packages embed."""
    found: dict[str, list[str]] = defaultdict(list)
    for session in records.sessions:
        for package, version in session.versions.items():
            if version not in found[package]:
                found[package].append(version)
    rows = tuple(
        (words(package), Cell(value=", ".join(versions), shown=", ".join(versions),
                              rank=versions[0], mark="bad" if len(versions) > 1 else ""))
        for package, versions in sorted(found.items(), key=lambda item: item[0].casefold())
    )  # fmt: skip
    return Table(
        name="versions", columns=(Column(title="package"), Column(title="version")), rows=rows
    )


def options(entries: Sequence[Entry]) -> list[tuple[str, str]]:
    """Return what was asked of the runs: name and values."""
    runs = [entry.run for entry in entries]
    solvers = {run.solver: run.solver_version for run in runs if run.solver_version}
    named = [f"{name} {solvers.get(name, '')}".strip() for name in sorted({r.solver for r in runs})]
    return [
        ("suite", ", ".join(sorted({run.suite for run in runs}))),
        ("solvers", ", ".join(named)),
        ("time limit", span((run.limit for run in runs), "s")),
        ("gap", span(run.gap for run in runs)),
        ("threads", span(run.threads for run in runs)),
        ("seeds", span(run.seed for run in runs)),
        ("memory limit (MiB)", span(run.memory_mib for run in runs)),
    ]


def circumstances(sessions: Iterable[Session]) -> set[tuple[object, ...]]:
    """Return the different conditions on which seconds depend: processor, cores, runs at once."""
    return {(each.machine.get("cpu"), each.machine.get("cores"), each.jobs) for each in sessions}


def commits(sessions: Iterable[Session]) -> list[str]:
    """Return the different commits, in the order of their first session."""
    return list(dict.fromkeys(text for text in map(_commit, sessions) if text))


def _commit(session: Session) -> str:
    if not session.commit:
        return ""
    return session.commit[:12] + (" with changes" if session.dirty else "")


def _side_by_side(session: Session) -> str:
    if session.cluster:
        return f"cluster {session.cluster}"
    return "" if session.jobs is None else str(session.jobs)

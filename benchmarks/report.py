"""Files of records -> a folder with one offline HTML page and CSV tables."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks import figures, tables
from benchmarks.crosschecks import read_entries
from benchmarks.metrics import PENALTY, SHIFTS, SHORTEST
from benchmarks.records import FAILURES
from benchmarks.sessions import circumstances, commits, options, sessions_table, versions_table
from benchmarks.summary import VIRTUAL_BEST, summarise
from optimiser.errors import UsageError
from optimiser.files.atomic import replace_folder
from optimiser.report.page import plotly_script, render_page
from optimiser.report.words import plural

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from benchmarks.crosschecks import Entry, Records
    from benchmarks.records import Session
    from benchmarks.summary import Scope

PAGE: Final = "index.html"
#: Every file of a report.
FILES: Final = frozenset(
    {PAGE, "summary.csv", "instances.csv", "runs.csv", "wrong.csv", "failures.csv",
     "sessions.csv", "versions.csv"}
)  # fmt: skip
_TEMPLATES: Final = Path(__file__).parent / "templates"


def write_report(
    files: Sequence[str | os.PathLike[str]], out: str | os.PathLike[str] | None = None
) -> Path:
    """Write a report of files of records and return its page.

    Parameters
    ----------
    files
        What `python -m benchmarks run` has written; of a run that is in several, the first counts.
    out
        Folder for the page and the tables; an older report in it is replaced. By default the first
        file's name without its ending, and ``-report``.

    Raises
    ------
    UsageError
        If there are no files, or the folder holds something else than a report.
    FileError
        If a file cannot be read, holds no run, or the folder cannot be written.
    """
    if not files:
        raise UsageError("a report needs a file of records; name one or several")
    folder = Path(out) if out is not None else _beside(Path(files[0]))
    _refuse_strangers(folder)
    records = read_entries(files)
    replace_folder(folder, render_report(records, [str(file) for file in files]))
    return folder / PAGE


def render_report(records: Records, files: Sequence[str]) -> dict[str, bytes]:
    """Return every file of a report: name -> content."""
    entries = list(records.entries)
    scopes = summarise(entries)
    wrong = tables.wrong_table(entries)
    failures = tables.failures_table(entries)
    instances = tables.instances_table(entries)
    sessions = sessions_table(records)
    versions = versions_table(records)
    overall = scopes[0]
    values = {
        "title": _title(entries, overall),
        "facts": _facts(records, overall),
        "wrong": wrong,
        "runs": plural(len(entries), "run"),
        "overall": _section(overall),
        "sets": tables.sets_table(scopes) if len(scopes) > 1 else None,
        "scopes": [_section(scope) for scope in scopes[1:]],
        "curves": overall.compared > 0,
        "several": len(overall.columns) > 1,
        "many": len(overall.columns) > 2,
        "solvers": [line.solver for line in overall.lines if line.solver in overall.columns],
        "instances": instances,
        "failures": failures,
        "meanings": {name: FAILURES[name] for name in sorted({e.run.failure for e in entries})
                     if name in FAILURES},
        "sessions": sessions,
        "versions": versions,
        "options": options(entries),
        "commands": list(dict.fromkeys(s.command for s in records.sessions if s.command)),
        "report_command": shlex.join(["python", "-m", "benchmarks", "report", *files]),
        "repeated": records.repeated,
        "mixed": len(circumstances(_used(records))) > 1,
        "shifts": SHIFTS, "shortest": SHORTEST, "penalty": PENALTY, "shift": overall.shift,
    }  # fmt: skip
    page = render_page(
        _TEMPLATES / "report.html", values, data=_data(overall),
        scripts=[plotly_script(), (_TEMPLATES / "report.js").read_text(encoding="utf-8")],
    )  # fmt: skip
    return {
        PAGE: page,
        "summary.csv": tables.summaries_csv(scopes),
        "instances.csv": instances.csv(),
        "runs.csv": tables.runs_csv(entries),
        "wrong.csv": wrong.csv(),
        "failures.csv": failures.csv(),
        "sessions.csv": sessions.csv(),
        "versions.csv": versions.csv(),
    }


def _beside(file: Path) -> Path:
    return file.with_name(f"{file.stem}-report")


def _refuse_strangers(folder: Path) -> None:
    """Raise if something would be lost by replacing the folder."""
    if not folder.exists():
        return
    others = [folder.name] if not folder.is_dir() else [
        each.name for each in folder.iterdir() if each.name not in FILES
    ]  # fmt: skip
    if others:
        raise UsageError(
            f"{folder} holds {sorted(others)[0]!r}, which is no part of a report and would be "
            "lost. Name another folder with --out."
        )


def _title(entries: Sequence[Entry], overall: Scope) -> str:
    suites = sorted({entry.run.suite for entry in entries})
    return f"{plural(len(overall.columns), 'solver')} on {', '.join(suites)}"


def _facts(records: Records, overall: Scope) -> list[str]:
    dates = sorted(session.date[:10] for session in records.sessions)
    facts = [plural(len(records.entries), "run"), plural(overall.cases, "case")]
    if dates:
        facts.append(dates[0] if dates[0] == dates[-1] else f"{dates[0]} to {dates[-1]}")
    found = commits(records.sessions)
    if found:
        facts.append(f"commit {', '.join(found)}")
    nodes = {(s.machine.get("cpu"), s.machine.get("node")) for s in records.sessions}
    facts.append(plural(len(nodes), "machine"))
    return facts


def _used(records: Records) -> list[Session]:
    """Return the sessions that runs of the report are of."""
    whose = {entry.run.session for entry in records.entries}
    return [session for session in records.sessions if session.id in whose]


def _section(scope: Scope) -> dict[str, Any]:
    return {
        "name": scope.name,
        "table": tables.summary_table(scope),
        "note": tables.scope_note(scope),
        "virtual": any(line.solver == VIRTUAL_BEST for line in scope.lines),
    }


def _data(overall: Scope) -> dict[str, Any]:
    """Return what the page's script draws."""
    if not overall.compared:
        return {"figures": {}, "duel": None}
    drawn = {"solved": figures.draw_solved(overall), "profile": figures.draw_profile(overall)}
    found = figures.duels(overall)
    duel = None
    if len(found) > 1:
        names = figures.case_names(overall)
        entries = [entry for own in overall.columns.values() for entry in own]
        drawn["duel"] = figures.draw_duel(found, names, figures.limits_of(entries))
        duel = figures.duel_data(found, names)
    return {
        "figures": {name: json.loads(figure.to_json()) for name, figure in drawn.items()},
        "duel": duel,
    }

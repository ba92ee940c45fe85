"""The commands of ``python -m benchmarks``."""

from __future__ import annotations

import dataclasses
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchmarks.suite_types import LARGEST
from optimiser.cli.codes import INPUT, INTERRUPTED
from optimiser.cli.common import Duration, Gap
from optimiser.cli.guard import Program
from optimiser.errors import UsageError
from optimiser.report.words import plural, safe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.runner import Ended, Executor
    from benchmarks.suites import Case, Suite

#: Exit code of a run in which a solver gave a wrong answer.
WRONG = 1
#: Exit code of a fault of ours; 1 says something else here.
FAULT = 3
_EPILOG = """
\b
Begin with:
  python -m benchmarks run --list
  python -m benchmarks run smoke
  python -m benchmarks report out/benchmarks/smoke.jsonl

\b
Exit codes of run:
  0  all done, no wrong answer      2    input or usage; a run that could not be done
  1  done, a solver was wrong       130  interrupted; the same command goes on
  3  a fault of this program        6    a solver that is not installed

\b
Exit codes of compare:
  0  nothing got worse              1  worse: a regression

\b
Exit codes of best-known:
  0  nothing was wrong              1  something was, in the records or in the list
"""


class Words(click.ParamType[tuple[str, ...]]):
    """Words with commas between them."""

    name = "a,b,…"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Return the words, each once."""
        if isinstance(value, tuple):
            return value
        words = dict.fromkeys(word.strip() for word in str(value).split(",") if word.strip())
        if not words:
            self.fail(f"{value!r} names nothing. Write words with commas between.", param, ctx)
        return tuple(words)


class Gaps(click.ParamType[tuple[float, ...]]):
    """Gaps with commas between them: 1%,0.5%."""

    name = "1%,0.5%"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, ...]:
        """Return the gaps, each once, widest first."""
        if isinstance(value, tuple):
            return value
        gaps = [Gap().convert(word, param, ctx) for word in Words().convert(value, param, ctx)]
        return tuple(sorted(set(gaps), reverse=True))


class Seeds(click.ParamType[tuple[int, ...]]):
    """Whole numbers and ranges with commas between them: 0,1,4-6."""

    name = "0,1,4-6"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """Return the numbers, each once."""
        if isinstance(value, tuple):
            return value
        found: dict[int, None] = {}
        for part in str(value).split(","):
            first, dash, last = part.strip().partition("-")
            if not first.isdecimal() or (dash and not last.isdecimal()):
                self.fail(f"{part.strip()!r} is no seed. Write 0, 0,1,2 or 0-4.", param, ctx)
            if max(len(first), len(last)) > 10 or int(last or first) >= LARGEST:
                self.fail(f"{part.strip()[:20]!r} is too large: seeds are under 2^31.", param, ctx)
            until = int(last) if dash else int(first)
            if not int(first) <= until < int(first) + 10_000:
                self.fail(f"{part.strip()!r} is no range of seeds. Write 0-4.", param, ctx)
            found |= dict.fromkeys(range(int(first), until + 1))
        return tuple(found)


@click.group(
    name="benchmarks",
    cls=Program,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
def main() -> None:
    """Measure solvers on suites of instances, and tell what came of it."""


@main.command(name="run")
@click.argument("suite", required=False)
@click.option("--solvers", type=Words(), help="Solvers, with commas between; default: the suite's.")
@click.option("--limit", type=Duration(), help="Time limit of a run: 60, 90s, 5m.")
@click.option("--seeds", type=Seeds(), help="Each permutes the instance and goes to the solver.")
@click.option("--threads", type=click.IntRange(1, LARGEST), help="Threads of a run.")
@click.option("--gap", type=Gap(), help="Gap at which to stop: 0, 1e-4, 0.1%.")
@click.option("--memory", type=click.IntRange(64, LARGEST), metavar="MIB", help="Memory of a run.")
@click.option("--jobs", type=click.IntRange(1), help="Runs side by side; default 1.")
@click.option("--cluster", metavar="ADDRESS", help="Dask scheduler to hand the runs to.")
@click.option(
    "--pin/--no-pin", default=None,
    help="Keep each job to cores of its own; default: if there are enough.",
)  # fmt: skip
@click.option(
    "--data", type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of public sets, with best_known.csv.",
)  # fmt: skip
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path),
              help="File of records; default out/benchmarks/SUITE.jsonl.")  # fmt: skip
@click.option("--instances", type=Words(), help="Only these, or those whose names begin so.")
@click.option("--list", "listing", is_flag=True, help="Show suites, or the runs of one.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
def run_command(
    suite: str | None,
    *,
    jobs: int | None,
    cluster: str | None,
    pin: bool | None,
    data: Path | None,
    out: Path | None,
    instances: tuple[str, ...] | None,
    listing: bool,
    quiet: bool,
    **said: Any,
) -> int:
    """Run a suite; what the file of records holds already is not run again.

    Each run is a process of its own, killed with all that it started at limit × 1.1 + 30 s or when
    it takes more memory than it may. Ctrl-C, or anything worse, loses nothing that has ended.
    """
    from benchmarks.runner import check_solvers, run_missing
    from benchmarks.suites import find_suite, read_suites

    if suite is None:
        if not listing:
            raise UsageError("Name a suite; see them with: python -m benchmarks run --list")
        _list_suites(list(read_suites().values()))
        return 0
    chosen = _changed(find_suite(suite), said)
    cases = _chosen_cases(chosen.cases(data), instances, suite)
    tasks = chosen.tasks(cases)
    target = out or Path("out") / "benchmarks" / f"{suite}.jsonl"
    if listing:
        for task in tasks:
            click.echo(safe(task.key))
        return 0
    check_solvers(chosen.solvers)
    executor = _executor(jobs, cluster, pin, chosen.threads)
    ended = run_missing(
        tasks, target, executor, command=_command_line(), cluster=cluster, quiet=quiet
    )
    return _tell(ended, target)


@main.command(name="report")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(file_okay=False, path_type=Path),
              help="Folder for page and tables; default: FILE-report.")  # fmt: skip
def report_command(files: tuple[Path, ...], out: Path | None) -> int:
    """Make one offline page and CSV tables of files of records."""
    from benchmarks.report import write_report

    page = write_report(list(files), out)
    click.echo(safe(page))
    return 0


@main.command(name="compare")
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path), required=False)
@click.option("--solvers", type=Words(), help="Two solvers of OLD to compare with each other.")
@click.option("--tolerance", type=Gap(), default="5%", show_default=True,
              help="By how much the mean time may grow.")  # fmt: skip
def compare_command(
    old: Path, new: Path | None, solvers: tuple[str, ...] | None, tolerance: float
) -> int:
    """Say what got faster or slower from OLD to NEW; exit code 1 if anything got worse.

    With --solvers A,B and one file: whether A is faster than B; exit code 1 if A is worse.
    The rule by which it is stands last in what is printed.
    """
    from benchmarks import compare

    if solvers is not None:
        if len(solvers) != 2 or new is not None:
            raise UsageError("--solvers compares two solvers of one file: --solvers highs,scip")
        return compare.compare_solvers(old, *solvers, tolerance=tolerance)
    if new is None:
        raise UsageError("Name two files, or two solvers of one with --solvers A,B.")
    return compare.compare_files(old, new, tolerance=tolerance)


@main.command(name="growth")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--gaps", type=Gaps(), default="1%,0.5%", show_default=True,
              help="Gaps to which times are taken.")  # fmt: skip
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path),
              help="The picture, an SVG; default: benchmarks/growth.svg, and growth.csv beside it.")
def growth_command(files: tuple[Path, ...], gaps: tuple[float, ...], out: Path | None) -> int:
    """Draw how the time to a gap grows with organisations and with services.

    FILES are records of the suite `growth`, or of any other generated instances.
    """
    from benchmarks import growth

    for line in growth.write_growth(list(files), gaps, out or growth.PICTURE):
        click.echo(safe(line))
    return 0


@main.command(name="best-known")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path),
              help="Where best_known.csv lies; default: instances.")  # fmt: skip
def best_known_command(files: tuple[Path, ...], folder: Path | None) -> int:
    """Take from files of records what is better than instances/best_known.csv; without, check it.

    A cheaper plan goes in once it is checked anew, a higher bound if no plan refutes it. Exit code
    1 means that something was wrong, in the records or in the list.
    """
    from benchmarks import best_known
    from benchmarks.crosschecks import read_entries

    folder = folder or best_known.FOLDER
    if files:
        found = best_known.update(read_entries(files), folder)
        bests, wrong, notes = found.bests, found.wrong, (*found.better, *found.notes)
    else:
        bests, notes = best_known.read_bests(folder), ()
        wrong = tuple(
            f"{best.instance}: {fault}"
            for best in bests.values()
            for fault in best_known.faults_of(best, folder)
        )
    for line in best_known.table(bests.values()):
        click.echo(safe(line))
    for line in notes:
        click.echo(safe(line))
    for line in wrong:
        click.echo(safe(f"WRONG: {line}"), err=True)
    if files and not found.better:
        click.echo("Nothing is better than what stood.")
    if not files and not wrong:
        click.echo(f"{plural(len(bests), 'plan')} checked; every cost is as the list says.")
    return WRONG if wrong else 0


@main.command(name="sample")
@click.option(
    "--data", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of public sets, with best_known.csv.",
)  # fmt: skip
def sample_command(data: Path) -> int:
    """Draw the suite `sample` anew by its rule, and print it as it stands in suites.toml."""
    from benchmarks.sample import draw, lines

    for line in lines(draw(data)):
        click.echo(line)
    return 0


def _changed(suite: Suite, said: dict[str, Any]) -> Suite:
    given = {name: value for name, value in said.items() if value is not None}
    if "memory" in given:
        given["memory_mib"] = given.pop("memory")
    if given.get("limit", 0) >= LARGEST:
        raise UsageError(f"--limit {given['limit']:g} s is longer than a life. Write less.")
    return dataclasses.replace(suite, **given)


def _chosen_cases(cases: list[Case], wanted: Sequence[str] | None, suite: str) -> list[Case]:
    if wanted is None:
        return cases
    for start in wanted:
        if not any(case.instance.startswith(start) for case in cases):
            raise UsageError(
                f"No instance of the suite {suite} begins with {start!r}; see them with: "
                f"python -m benchmarks run {suite} --list"
            )
    return [case for case in cases if case.instance.startswith(tuple(wanted))]


def _executor(
    jobs: int | None, cluster: str | None, pin: bool | None, threads: int
) -> Executor:
    from benchmarks import machine, processes
    from benchmarks.runner import Local

    if cluster is not None:
        if jobs is not None or pin is not None:
            raise UsageError("--cluster takes neither --jobs nor --pin: its workers decide.")
        from benchmarks.cluster import Cluster

        return Cluster(cluster)
    if not processes.watchable():
        raise UsageError("Runs are watched through /proc, which this system has not: use Linux.")
    count = 1 if jobs is None else jobs
    enough = count * threads <= len(machine.cores())
    if pin and not enough:
        raise UsageError(
            f"{count} × {threads} threads need more cores than the {len(machine.cores())} here; "
            "take fewer jobs, or --no-pin."
        )
    return Local(count, pinned=enough if pin is None else pin)


def _command_line() -> str:
    return shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]])


def _list_suites(suites: Sequence[Suite]) -> None:
    width = max(len(suite.name) for suite in suites)
    for suite in suites:
        data = " (needs --data)" if suite.needs_data else ""
        click.echo(f"{suite.name:{width}}  {suite.about}{data}")


def _tell(ended: Ended, target: Path) -> int:
    """Say what came of it, on stderr, and return the exit code."""
    def say(text: str) -> None:
        click.echo(safe(text), err=True)

    now, before = len(ended.recorded), len(ended.before)
    solved = sum(run.solved for run in (*ended.before, *ended.recorded))
    say(f"{plural(now, 'run')} recorded in {target}, {before:,} there before, {solved:,} solved.")
    for run in ended.wrong:
        say(f"WRONG: {run.instance}, {run.solver}, seed {run.seed}: {'; '.join(run.wrong)}")
    if ended.interrupted:
        say(f"Interrupted; {plural(ended.missing, 'run is', 'runs are')} missing. "
            "The same command goes on from here.")  # fmt: skip
        return INTERRUPTED
    if ended.refused:
        for name, why in ended.refused.items():
            say(f"Not done: {name}: {why}")
        return INPUT
    if ended.missing:
        say(f"{plural(ended.missing, 'run')} ended by a signal and not recorded; the same command "
            "goes on from here.")  # fmt: skip
        return INPUT
    return WRONG if ended.wrong else 0

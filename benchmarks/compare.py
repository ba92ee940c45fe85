"""Two files of records, or two solvers of one: what got faster, what slower, and whether it counts.

The rules by which NEW is worse stand in `RULE` and `DUEL_RULE`; each solver is judged by itself.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.compare_text import write_comparison
from benchmarks.crosschecks import cross_check, read_entries
from benchmarks.metrics import mean, shift_for
from benchmarks.records import read_records
from benchmarks.sessions import circumstances
from benchmarks.statistics import Paired, compare_times, sign_test
from benchmarks.summary import counted, gap_at_end
from optimiser.errors import UsageError
from optimiser.model.faults import did_you_mean
from optimiser.report.words import plural

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence

    from benchmarks.crosschecks import Entry
    from benchmarks.records import Session

#: Share by which the mean time may grow before it is a regression.
TOLERANCE: Final = 0.05
#: p under which a difference is no chance.
SIGNIFICANT: Final = 0.05
#: Share of the limit within which a solved run was solved with time to spare.
TO_SPARE: Final = 0.5
_SLOWER: Final = (
    "more runs lost than won (sign test, p < 0.05); or a 95 % interval of the ratio of mean times "
    "wholly above 1 + tolerance, with p < 0.05"
)
RULE: Final = (
    "A regression is a wrong answer that was none before; or a run solved within half its limit "
    f"before and not solved now; or {_SLOWER}."
)
#: Of two solvers, each may well solve what the other does not.
DUEL_RULE: Final = f"Worse is: a wrong answer where the other has none; or {_SLOWER}."

#: Exit codes.
NO_REGRESSION: Final = 0
REGRESSION: Final = 1

_Key = tuple[object, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """The same run in OLD and in NEW."""

    old: Entry
    new: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What became of one solver's runs.

    Parameters
    ----------
    solver
        Its name; of two solvers "A against B".
    pairs
        Runs that are in both.
    times
        Their times, unsolved at the limit.
    lost, won
        Solved only in OLD, and only in NEW.
    wrong
        Runs of NEW with a wrong answer and none in OLD, be they in OLD at all or not.
    failed
        Runs of NEW that failed and did not in OLD.
    gap_old, gap_new
        Means of min(gap, 1) at the end.
    regressions
        What makes it a regression, a sentence each.
    """

    solver: str
    pairs: tuple[Pair, ...]
    times: Paired
    lost: tuple[Pair, ...]
    won: tuple[Pair, ...]
    wrong: tuple[Entry, ...]
    failed: tuple[Pair, ...]
    gap_old: float | None
    gap_new: float | None
    regressions: tuple[str, ...]

    @property
    def direction(self) -> str:
        """``faster`` or ``slower`` where interval and test both say so, else ``no difference``."""
        times = self.times
        if times.low is None or times.high is None or times.p is None or times.p >= SIGNIFICANT:
            return "no difference"
        if times.high < 1:
            return "faster"
        return "slower" if times.low > 1 else "no difference"


def compare_files(
    old: str | os.PathLike[str], new: str | os.PathLike[str], *, tolerance: float = TOLERANCE
) -> int:
    """Write what changed from OLD to NEW to stdout; return 1 if it is a regression, else 0.

    Raises
    ------
    UsageError
        If the files have no run in common.
    FileError
        If one cannot be read.
    """
    sessions_old, runs_old = read_records(old)
    sessions_new, runs_new = read_records(new)
    # Weighed together: a plan of either file may prove a bound of the other wrong.
    entries = cross_check([*runs_old, *runs_new])
    before, after = entries[: len(runs_old)], entries[len(runs_old) :]
    joined, changed = _joined(before, after)
    if not any(joined.values()):
        raise UsageError(
            f"{old} and {new} have no run in common: the same instance, solver, seed, threads, gap "
            "and limit. Compare files of the same suite and options."
        )
    wrong = _new_wrong(before, after)
    shift = shift_for([pair.new.run.limit for pairs in joined.values() for pair in pairs])
    comparisons = [
        compare_pairs(name, pairs, wrong.get(name, ()), shift, tolerance)
        for name, pairs in sorted(joined.items())
    ]
    notes = _notes(joined, before, after, changed)
    machines = _machine_note(sessions_old, sessions_new)
    heads = (f"OLD {_origin(old, sessions_old)}", f"NEW {_origin(new, sessions_new)}")
    write_comparison(
        comparisons, heads=heads, notes=[*notes, *machines], rule=RULE, tolerance=tolerance
    )
    return _code(comparisons)


def compare_solvers(
    file: str | os.PathLike[str], faster: str, slower: str, *, tolerance: float = TOLERANCE
) -> int:
    """Write whether one solver of a file is faster than another; return 1 if it is worse, else 0.

    Parameters
    ----------
    file
        File of records.
    faster, slower
        Solvers, as the report names them; the claim is that the first is faster.
    tolerance
        Share by which the first may be slower.

    Raises
    ------
    UsageError
        If the file has no such solver, or no case that both have run.
    FileError
        If it cannot be read.
    """
    records = read_entries([file])
    sides: list[list[Entry]] = []
    for name in (slower, faster):
        own = [entry for entry in records.entries if entry.solver == name]
        if not own:
            known = sorted({entry.solver for entry in records.entries})
            raise UsageError(
                f"{file} has no run of {name!r}. {did_you_mean(name, known)}".rstrip()
                + f" It has: {', '.join(known)}."
            )
        sides.append(own)
    before, after = ({entry.case: entry for entry in own} for own in sides)
    pairs = [Pair(old=before[case], new=after[case]) for case in after if case in before]
    if not pairs:
        raise UsageError(f"{file} has no case that both {faster} and {slower} have run.")
    wrong = [
        entry for entry in sides[1]
        if entry.wrong and not (entry.case in before and before[entry.case].wrong)
    ]  # fmt: skip
    shift = shift_for([pair.new.run.limit for pair in pairs])
    comparison = compare_pairs(
        f"{faster} against {slower}", pairs, wrong, shift, tolerance, duel=True
    )
    notes = []
    single = len(before.keys() ^ after.keys())
    if single:
        notes.append(
            f"{plural(single, 'case has', 'cases have')} a run of one of them only and "
            f"{'is' if single == 1 else 'are'} left out."
        )
    write_comparison(
        [comparison], heads=(f"OLD is {slower}, NEW is {faster}, in {file}",), notes=notes,
        rule=DUEL_RULE, tolerance=tolerance, claim=(faster, slower),
    )  # fmt: skip
    return _code([comparison])


def compare_pairs(
    solver: str,
    pairs: Sequence[Pair],
    wrong: Sequence[Entry],
    shift: float,
    tolerance: float,
    *,
    duel: bool = False,
) -> Comparison:
    """Compare the runs of one solver that are in both; in a `duel` those of two solvers.

    Parameters
    ----------
    solver, pairs, wrong
        As in `Comparison`.
    shift
        σ in seconds.
    tolerance
        Share by which the mean time may grow.
    duel
        Whether OLD and NEW are two solvers.
    """
    by_instance: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for pair in pairs:
        by_instance[pair.old.case.identity].append((counted(pair.old), counted(pair.new)))
    times = compare_times(by_instance, shift)
    lost = tuple(pair for pair in pairs if pair.old.solved and not pair.new.solved)
    won = tuple(pair for pair in pairs if pair.new.solved and not pair.old.solved)
    return Comparison(
        solver=solver, pairs=tuple(pairs), times=times, lost=lost, won=won, wrong=tuple(wrong),
        failed=tuple(pair for pair in pairs if pair.new.run.failure and not pair.old.run.failure),
        gap_old=mean([gap_at_end(pair.old) for pair in pairs]),
        gap_new=mean([gap_at_end(pair.new) for pair in pairs]),
        regressions=(
            *_losses(lost, wrong, duel=duel), *_slowdowns(times, lost, won, tolerance)
        ),
    )  # fmt: skip


def _losses(lost: Sequence[Pair], wrong: Sequence[Entry], *, duel: bool) -> Iterable[str]:
    if wrong:
        yield f"new wrong answers: {len(wrong)}"
    spare = [pair for pair in lost if counted(pair.old) <= TO_SPARE * pair.old.run.limit]
    if spare and not duel:
        yield f"lost although solved within half the limit before: {len(spare)}"


def _slowdowns(
    times: Paired, lost: Sequence[Pair], won: Sequence[Pair], tolerance: float
) -> Iterable[str]:
    if len(lost) > len(won) and sign_test(len(lost), len(won)) < SIGNIFICANT:
        yield f"lost {len(lost)}, won {len(won)}: more than chance"
    if (
        times.low is not None and times.low > 1 + tolerance
        and times.p is not None and times.p < SIGNIFICANT
    ):  # fmt: skip
        yield f"mean time grew by more than {tolerance:.0%}: at least {times.low:.2f} times"


def _joined(
    before: Iterable[Entry], after: Iterable[Entry]
) -> tuple[dict[str, list[Pair]], int]:
    """Pair the runs of each solver; count those whose instance is another under the same name."""
    known: dict[_Key, Entry] = {}
    for entry in before:
        known.setdefault(_key(entry), entry)
    joined: dict[str, list[Pair]] = defaultdict(list)
    seen: set[_Key] = set()
    changed = 0
    for entry in after:
        key = _key(entry)
        old = known.get(key)
        if old is None or key in seen:
            continue
        seen.add(key)
        if old.case.identity != entry.case.identity:
            changed += 1
            continue
        joined[_name(entry)].append(Pair(old=old, new=entry))
    return dict(joined), changed


def _key(entry: Entry) -> _Key:
    run = entry.run
    return run.set, run.instance, run.solver, run.seed, run.threads, run.gap, run.limit


def _name(entry: Entry) -> str:
    run = entry.run
    return run.solver if run.threads == 1 else f"{run.solver}, {run.threads} threads"


def _new_wrong(
    before: Iterable[Entry], after: Iterable[Entry]
) -> dict[str, list[Entry]]:
    known = {_key(entry) for entry in before if entry.wrong}
    found: dict[str, list[Entry]] = defaultdict(list)
    for entry in after:
        if entry.wrong and _key(entry) not in known:
            found[_name(entry)].append(entry)
    return found


def _notes(
    joined: Mapping[str, Sequence[Pair]],
    before: Sequence[Entry],
    after: Sequence[Entry],
    changed: int,
) -> list[str]:
    both = sum(map(len, joined.values()))
    notes = []
    only_old, only_new = len(before) - both - changed, len(after) - both - changed
    if only_old or only_new:
        notes.append(
            f"{plural(both, 'run is', 'runs are')} in both; {only_old} only in OLD and {only_new} "
            "only in NEW are left out, but for wrong answers."
        )
    if changed:
        notes.append(
            f"Left out because their instance is another under the same name: {changed}."
        )
    return notes


def _machine_note(old: Sequence[Session], new: Sequence[Session]) -> list[str]:
    """Warn where times cannot be compared."""
    if circumstances(old) == circumstances(new):
        return []
    return ["Processor, cores or runs side by side differ: like is not compared with like."]


def _origin(path: str | os.PathLike[str], sessions: Sequence[Session]) -> str:
    if not sessions:
        return str(path)
    last = sessions[-1]
    commit = f", commit {last.commit[:12]}" if last.commit else ""
    return f"{path} ({last.date[:10]}{commit}{' with changes' if last.dirty else ''})"


def _code(comparisons: Iterable[Comparison]) -> int:
    return REGRESSION if any(each.regressions for each in comparisons) else NO_REGRESSION

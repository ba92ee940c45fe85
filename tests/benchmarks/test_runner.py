"""The runner: what is missing is run, what has ended is recorded, once, whatever comes."""

from __future__ import annotations

import dataclasses
import os
import queue
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from cases import TOY, task
from click.testing import CliRunner
from heeding import heed_interrupts

from benchmarks import commands, machine, runner
from benchmarks.limits import described
from benchmarks.progress import Display, Estimate
from benchmarks.records import RecordFile, Run, Session, read_records
from benchmarks.runner import Local, run_missing
from optimiser.errors import FileError

ROOT = Path(__file__).parents[2]


def record(each, **changed):
    """A record as `run_task` returns it."""
    given = {"status": "optimal", "solved": True, "time": 0.5, "wall": 1.0}
    return described(each) | given | changed


class Scripted(Local):
    """Runs tasks here, each by calling a function; counts how often."""

    def __init__(self, answer=record, jobs=1, pinned=False):
        self.done = []
        self.cores = []

        def run(each, stopped, cores):
            self.done.append(each.key)
            self.cores.append(tuple(cores))
            return answer(each)

        super().__init__(jobs, pinned=pinned, run=run)


@pytest.fixture(autouse=True)
def _no_versions(monkeypatch):
    """Versions of packages take a process each to find out."""
    monkeypatch.setattr(machine, "versions", lambda solvers: {"numpy": "2", "HiGHS": "1"})


TASKS = [task("highs", seed=seed) for seed in range(4)]


def test_rerun_does_only_what_is_missing(tmp_path):
    """Three runs, then four: the file holds four runs and two sessions, and none ran twice."""
    path = tmp_path / "r"
    first = run_missing(TASKS[:3], path, Scripted(), quiet=True)
    again = Scripted()
    second = run_missing(TASKS, path, again, quiet=True)
    assert (len(first.recorded), len(first.before)) == (3, 0)
    assert (len(second.recorded), len(second.before), second.missing) == (1, 3, 0)
    assert again.done == [TASKS[3].key]
    sessions, runs = read_records(path)
    assert [run.key for run in runs] == [each.key for each in TASKS]
    assert [run.session for run in runs] == [sessions[0].id] * 3 + [sessions[1].id]
    third = Scripted()
    run_missing(TASKS, path, third, quiet=True)
    assert third.done == []
    assert len(read_records(path)[0]) == 2


def test_session_tells_how_to_repeat_it(tmp_path):
    """Machine, versions, commit, date, command and jobs are recorded."""
    run_missing(TASKS, tmp_path / "r", Scripted(jobs=2), command="python -m x", quiet=True)
    (session,), _ = read_records(tmp_path / "r")
    assert {"node", "cpu", "cores", "memory_gib", "system", "python"} <= set(session.machine)
    assert session.versions == {"numpy": "2", "HiGHS": "1"}
    assert (session.command, session.jobs, session.cluster) == ("python -m x", 2, None)
    assert session.date.endswith("+00:00")


def test_jobs_run_side_by_side_each_on_its_cores(tmp_path, monkeypatch):
    """Two jobs meet at a barrier, and keep to different cores."""
    monkeypatch.setattr(machine, "cores", lambda: [3, 5, 7, 9])
    both = threading.Barrier(2, timeout=20)

    def meet(each):
        both.wait()
        return record(each)

    executor = Scripted(meet, jobs=2, pinned=True)
    tasks = [dataclasses.replace(each, threads=2) for each in TASKS]
    assert len(run_missing(tasks, tmp_path / "r", executor, quiet=True).recorded) == 4
    assert set(executor.cores) == {(3, 5), (7, 9)}


def test_unfinished_run_is_not_recorded(tmp_path):
    """A run that a signal from outside ended is still missing afterwards."""
    executor = Scripted(lambda each: record(each, interrupted=each.seed == 1))
    ended = run_missing(TASKS, tmp_path / "r", executor, quiet=True)
    assert (len(ended.recorded), ended.missing) == (3, 1)


def test_refused_tasks_are_told_and_others_go_on(tmp_path, capsys):
    """What cannot be done at all does not stop the rest, and is not recorded."""
    executor = Scripted(lambda each: {"refused": "no"} if each.seed == 1 else record(each))
    ended = run_missing(TASKS, tmp_path / "r", executor, quiet=True)
    assert ended.refused == {"toy, highs": "no"}
    assert len(read_records(tmp_path / "r")[1]) == 3


def test_error_of_an_executor_ends_the_run(tmp_path):
    """Where no run can be started, all ends, and what was recorded stays."""

    def fail(each):
        if each.seed == 2:
            raise FileError("no room")
        return record(each)

    with pytest.raises(FileError, match="no room"):
        run_missing(TASKS, tmp_path / "r", Scripted(fail), quiet=True)
    assert len(read_records(tmp_path / "r")[1]) == 2
    with RecordFile(tmp_path / "r"):
        pass  # it was let go


def test_other_versions_are_told(tmp_path, capsys, monkeypatch):
    """Who goes on with another version of a package learns it."""
    run_missing(TASKS[:1], tmp_path / "r", Scripted(), quiet=True)
    monkeypatch.setattr(machine, "versions", lambda solvers: {"numpy": "2", "HiGHS": "2"})
    run_missing(TASKS, tmp_path / "r", Scripted())
    assert "HiGHS was 1, is 2" in capsys.readouterr().err


def test_progress_has_a_line_a_run(tmp_path, capsys):
    """Where stderr is no terminal each run has its line, with wrong answers and what remains."""
    executor = Scripted(lambda each: record(each, wrong=["it lied\x1b"] if each.seed else []))
    run_missing(TASKS[:2], tmp_path / "r", executor)
    first, second = capsys.readouterr().err.splitlines()
    assert first == "[1/2] toy highs: optimal in 0.5 s; about 1.0 s left"
    assert second == (
        "[2/2] toy highs seed 1: optimal in 0.5 s; WRONG: it lied\ufffd; 1 wrong so far; all done"
    )


def ended_run(each, wall):
    """A run that took so long."""
    return Run(session="s", **{**record(each), "wall": wall})


def test_estimate_takes_known_times_else_half_the_limit():
    """The same instance and solver tell most, then the solver's other runs, then the limit."""
    other = dataclasses.replace(TOY, instance="other")
    estimate = Estimate([])
    assert estimate.of(task("highs", limit=60.0)) == 30
    estimate.learn(ended_run(task("highs", limit=60.0), 4.0))
    estimate.learn(ended_run(task("highs", limit=60.0, seed=1), 8.0))
    assert estimate.of(task("highs", limit=60.0, seed=2)) == 6.0
    assert estimate.of(task("highs", other, limit=120.0)) == pytest.approx(60 * (4 + 8) / 2 / 30)
    assert estimate.of(task("scip", limit=60.0)) == 30
    display = Display([task("scip", limit=60.0)] * 1, [], jobs=lambda: 2, running=list, quiet=True)
    assert display.remaining() == 15


def invoke(*words):
    """Call the command line in this process."""
    return CliRunner().invoke(commands.main, list(words), standalone_mode=False)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run"], "Name a suite"),
        (["run", "smoke", "--solvers", "nope"], "no solver called 'nope'"),
        (["run", "smoke", "--instances", "toi"], "begins with 'toi'"),
        (["run", "smoke", "--seeds", "a"], "'a' is no seed"),
        (["run", "smoke", "--seeds", "4-2"], "no range of seeds"),
        (["run", "smoke", "--seeds", "2147483648"], "seeds are under 2^31"),
        (["run", "smoke", "--seeds", "0-" + "9" * 5000], "seeds are under 2^31"),
        (["run", "smoke", "--limit", "1" + "0" * 62], "longer than a life"),
        (["run", "smoke", "--memory", "1" + "0" * 62], "not in the range"),
        (["run", "smoke", "--jobs", "2", "--cluster", "x"], "takes neither --jobs nor --pin"),
        (["run", "smoke", "--jobs", "4000", "--pin"], "need more cores"),
        (["run", "sample"], "--data DIR"),
        (["compare", "a"], "Name two files"),
        (["compare", "a", "b", "--solvers", "highs,scip"], "two solvers of one file"),
    ],
)
def test_usage_is_told(words, message, tmp_path, monkeypatch):
    """What does not fit is said in a sentence, before anything is written."""
    monkeypatch.chdir(tmp_path)
    assert message in str(invoke(*words).exception)
    assert list(tmp_path.iterdir()) == []


def test_list_shows_suites_and_runs():
    """--list runs nothing."""
    assert "sample" in invoke("run", "--list").output
    listed = invoke("run", "smoke", "--seeds", "0,2-3", "--solvers", "scip", "--instances", "toy",
                    "--limit", "2m", "--gap", "0", "--threads", "2", "--memory", "512",
                    "--list").output.splitlines()  # fmt: skip
    assert listed == [
        f"toy|scip|seed {seed}|threads 2|gap 0|limit 120 s|memory 512 MiB" for seed in (0, 2, 3)
    ]


def start(command, *words, **options):
    """Start the command line as a process, on the toy."""
    options.setdefault("preexec_fn", heed_interrupts)
    return subprocess.Popen(
        [*command, "run", "smoke", "--instances", "toy", *words], stderr=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True, cwd=ROOT, **options,
    )  # fmt: skip


def test_wrong_answers_have_an_exit_code(command, tmp_path):
    """A liar gives 1, is named, and the honest runs beside it are recorded."""
    out = tmp_path / "r"
    process = start(command, "--solvers", "fake-quick,fake-bound", "--out", str(out), "--jobs", "2")
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 1
    assert "WRONG: toy, fake-bound" in said
    assert sorted(run.solved for run in read_records(out)[1]) == [False, True]


def test_missing_solver_has_its_remedy(command, tmp_path):
    """A solver that is not installed ends it before anything runs."""
    process = start(command, "--solvers", "fake-missing", "--out", str(tmp_path / "r"))
    assert "pip install nothing" in process.communicate(timeout=60)[1]
    assert process.returncode == 6


def wait_for(path, lines, within=30.0):
    """Wait until a file has so many lines."""
    until = time.monotonic() + within
    while not path.exists() or path.read_bytes().count(b"\n") < lines:
        assert time.monotonic() < until
        time.sleep(0.02)


def test_second_runner_is_refused_and_interrupt_keeps_what_ended(command, tmp_path):
    """Another runner on the file is refused; Ctrl-C ends the first, and a third goes on."""
    out = tmp_path / "r"
    words = ["--solvers", "fake-quick,fake-slow", "--seeds", "0-1", "--out", str(out)]
    first = start(command, *words)
    wait_for(out, 2)
    second = start(command, *words)
    assert f"another runner (process {first.pid})" in second.communicate(timeout=30)[1]
    assert second.returncode == 2
    first.send_signal(signal.SIGINT)
    said = first.communicate(timeout=30)[1]
    assert first.returncode == 130
    assert "missing. The same command goes on from here." in said
    assert "Traceback" not in said
    before = len(read_records(out)[1])
    assert 1 <= before < 4
    third = start(command, *words)
    said = third.communicate(timeout=60)[1]
    assert third.returncode == 0
    assert f"{4 - before} run" in said
    sessions, runs = read_records(out)
    assert len(runs) == 4
    assert len(out.read_bytes().splitlines()) == 4 + len(sessions) == 6


def test_full_disk_is_told_and_nothing_torn(command, tmp_path):
    """Where the file may grow no further the runner ends with a message, and can go on later."""
    out = tmp_path / "r"
    words = ["--solvers", "fake-quick", "--seeds", "0-3", "--out", str(out)]
    with RecordFile(out) as file:  # long enough for the limit to hinder nothing else
        file.append(Session(id="long", date="", command="x" * (4 << 20)))
    room = out.stat().st_size + 4000

    def small():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))

    process = start(command, *words, preexec_fn=small)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 2
    assert "make room" in said
    assert "Traceback" not in said
    before = len(read_records(out)[1])
    assert before < 4
    assert out.read_bytes().endswith(b"\n")
    again = start(command, *words)
    again.communicate(timeout=60)
    assert again.returncode == 0
    assert len(read_records(out)[1]) == 4


def test_local_jobs_end_when_told():
    """Stopping ends what runs, and starts nothing more."""
    began = threading.Event()

    def run(each, stopped, cores):
        began.set()
        while not stopped():
            time.sleep(0.01)

    executor = Local(1, run=run)
    finished: queue.SimpleQueue = queue.SimpleQueue()
    executor.start(TASKS, finished)
    assert began.wait(10)
    assert executor.running() == [TASKS[0]]
    executor.stop()
    executor.stop()
    assert finished.get_nowait() == (TASKS[0], None)
    assert finished.empty()


def test_solvers_are_checked_at_once(fakes):
    """Each that is missing is named, with its remedy."""
    from optimiser.errors import SolverError

    with pytest.raises(SolverError, match="fake-missing is not installed: pip install nothing"):
        runner.check_solvers(["highs", "fake-missing"])


def test_our_fault_has_a_code_of_its_own(tmp_path):
    """A slip of ours exits with 3, as 1 says that a solver was wrong, and without a traceback."""
    program = (
        "from benchmarks import commands\n"
        "from optimiser.cli.guard import run_program\n"
        "commands._list_suites = lambda suites: suites[1.5]\n"
        "run_program(commands.main, 'benchmarks', ['run', '--list'], fault=commands.FAULT)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    assert ended.returncode == commands.FAULT == 3
    assert "Traceback" not in ended.stderr
    (log,) = tmp_path.iterdir()
    assert str(log) in ended.stderr
    assert "list indices must be integers" in log.read_text()

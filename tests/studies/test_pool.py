"""Many solves: workers that are lost, interrupts, resuming, and a Dask cluster of two workers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import optimiser as opt
from optimiser.errors import FileError, SolverError, UsageError
from optimiser.solvers import registry
from optimiser.studies import pool
from optimiser.studies.crew import Hand, LostError
from optimiser.studies.pool import How, Work, solve_all

ROOT = __file__.partition("/tests/")[0]
TESTS = str(Path(__file__).parents[1])


def works(names: str = "abc") -> list[Work]:
    """Make a solve of the toy for each letter."""
    toy = opt.read(f"{ROOT}/instances/toy")
    return [Work(name=name, instance=toy) for name in names]


@pytest.fixture
def faithless(monkeypatch, tmp_path):
    """Register a solver of `faithless` under the name fake."""
    monkeypatch.setenv("OPTIMISER_TEST_FLAG", str(tmp_path / "flag"))
    before = dict(registry._registered)  # noqa: SLF001 - nothing may stay
    yield lambda name: registry.register("fake", f"studies.faithless:{name}")
    registry._registered.clear()  # noqa: SLF001
    registry._registered.update(before)  # noqa: SLF001


def test_lost_worker_repeats_only_its_task(faithless, tmp_path):
    """A worker that is killed costs its task a second try; all tasks have their results."""
    faithless("KillsWorker")
    lines: list[str] = []
    batch = solve_all(works(), How(solver="fake", jobs=2), lambda news: lines.append(str(news)))
    assert [result.status for result in batch.results.values()] == ["feasible"] * 3
    assert (tmp_path / "flag").exists()
    assert not batch.interrupted
    assert sum(" solved after " in line for line in lines) == 3


def test_task_that_kills_its_workers_is_given_up(faithless):
    """A task that loses worker after worker ends as an error, and the others are solved."""
    faithless("AlwaysKillsWorker")
    batch = solve_all(works("ab"), How(solver="fake", jobs=2))
    assert [result.status for result in batch.results.values()] == ["error"] * 2
    assert "SIGKILL" in batch.results["a"].reasons[0]


def test_failed_result_is_solved_again(faithless, tmp_path):
    """A saved error is no result: the next run tries again, and takes what was solved."""
    faithless("AlwaysKillsWorker")
    keep = tmp_path / "study"
    solve_all(works("ab"), How(solver="fake", jobs=2, keep=keep))
    registry.register("fake", "solvers.fakes:Fake")
    again = solve_all(works("ab"), How(solver="fake", keep=keep))
    assert not again.taken
    assert [result.status for result in again.results.values()] == ["feasible"] * 2
    assert solve_all(works("ab"), How(solver="fake", keep=keep)).taken == ["a", "b"]


@pytest.mark.parametrize(
    "asked",
    [
        How(solver="highs", gap=0.5),
        How(solver="highs", seed=1),
        How(solver="highs", time_limit=9.0),
        How(solver="scip"),
    ],
)
def test_other_options_are_other_results(tmp_path, asked):
    """A saved result is taken only for the options that it was asked for."""
    import dataclasses

    solve_all(works("a"), How(solver="highs", keep=tmp_path))
    assert not solve_all(works("a"), dataclasses.replace(asked, keep=tmp_path)).taken


def test_other_instance_rows_or_objective_are_other_results(tmp_path):
    """A saved result is taken only for its instance, side rows and objective."""
    import dataclasses

    from optimiser.studies.changes import Change, changed

    task = works("a")[0]
    how = How(solver="highs", keep=tmp_path)
    row = opt.SideRow(name="r", terms=(opt.Quantity(measure="pairs"),), maximum=99)
    hours = opt.Objective(name="hours", terms=(opt.Quantity(measure="oversight_hours"),))
    dearer = changed(task.instance, [Change(table="tariffs", multiply={"unit_cost": "2"})])
    for other in (
        dataclasses.replace(task, rows=(row,)),
        dataclasses.replace(task, objective=hours),
        dataclasses.replace(task, instance=dearer),
    ):
        solve_all([task], how)
        assert not solve_all([other], how).taken
        assert solve_all([other], how).taken == ["a"]


def test_result_of_a_changed_instance_can_be_verified_by_itself(tmp_path):
    """The changed instance is saved beside the results, and each result finds its own."""
    from optimiser.studies.changes import Change, changed

    toy = works("a")[0].instance
    dearer = changed(toy, [Change(table="tariffs", multiply={"unit_cost": "2"})])
    tasks = [Work(name="as-is", instance=toy), Work(name="dearer", instance=dearer)]
    solve_all(tasks, How(solver="highs", keep=tmp_path))
    for name, instance in (("as-is", toy), ("dearer", dearer)):
        found = opt.verify(tmp_path / "results" / name)
        assert found.ok, found.problems
        assert found.instance == instance
    assert [each.name for each in (tmp_path / "instances").iterdir()] == ["dearer"]


def test_unknown_solver_is_told_before_any_worker_starts():
    """A wrong name is an error of usage, whoever would solve."""
    with pytest.raises(UsageError, match="no solver called"):
        solve_all(works(), How(solver="hihgs", jobs=2))


def test_error_of_a_worker_reaches_the_caller(monkeypatch):
    """What a solve raises in a worker is raised here, and no worker is left."""
    monkeypatch.setattr(pool.registry, "spec_of", lambda name: "no.such.module:Class")
    with pytest.raises(SolverError, match="cannot be loaded"):
        solve_all(works(), How(solver="fake", jobs=2))


def test_worker_ends_with_its_parent(tmp_path):
    """Workers of a program that is killed end by themselves."""
    program = (
        "import sys, time\n"
        f"sys.path[:0] = {[ROOT, TESTS]!r}\n"
        "from optimiser.studies.crew import Hand\n"
        "print(Hand().pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    process.kill()
    process.communicate()
    until = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists() and parent_state(pid) != "Z":
        assert time.monotonic() < until
        time.sleep(0.05)


def parent_state(pid: int) -> str:
    """State of a process; Z where it has ended and waits to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


def test_hand_that_has_ended_says_how():
    """A worker that is killed while it waits is told as lost, with the signal's name."""
    hand = Hand()
    os.kill(hand.pid, signal.SIGKILL)
    with pytest.raises(LostError, match="SIGKILL"):
        hand.do((len, ((),)))
    hand.close()


PROGRAM = """
import json, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path[:0] = {path}
import optimiser as opt
from optimiser.solvers import registry
from optimiser.studies.pool import How, Work, solve_all
registry.register("fake", "studies.faithless:WaitsForSecond")
toy = opt.read({toy!r})
def tell(news):
    print(str(news), flush=True)
batch = solve_all([Work(name=n, instance=toy) for n in "abcd"],
                  How(solver="fake", jobs={jobs}, cluster={cluster!r}, keep={keep!r}), tell)
print(json.dumps([batch.interrupted, len(batch.results),
                  sorted(r.interrupted for r in batch.results.values())]))
"""


def interrupted(tmp_path, **how):
    """Interrupt a program that solves four toys once the first is solved; return what it says."""
    how = {"jobs": 1, "cluster": "", "keep": str(tmp_path / "study"), **how}
    program = PROGRAM.format(path=[ROOT, TESTS], toy=f"{ROOT}/instances/toy", **how)
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OPTIMISER_TEST_FLAG": str(tmp_path / "flag")},
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("1 of 4"):
            break
    time.sleep(6.0 if how["cluster"] else 3.0)  # until others are at work
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return json.loads(out.splitlines()[-1])


@pytest.mark.parametrize("jobs", [1, 2])
def test_interrupt_keeps_what_is_done(faithless, tmp_path, jobs):
    """Ctrl-C ends the solves that run, whose plans are kept, and begins no other; then resume."""
    stopped, count, which = interrupted(tmp_path, jobs=jobs)
    assert stopped
    assert count == 1 + jobs
    assert which == [False] + [True] * jobs
    registry.register("fake", "solvers.fakes:Fake")
    batch = solve_all(works("abcd"), How(solver="fake", keep=tmp_path / "study"))
    assert len(batch.taken) == 1  # what was interrupted is solved again
    assert len(batch.results) == 4


class Dask:
    """A scheduler and two workers, as processes."""

    def __init__(self, folder, environment):
        self._folder, self._environment = folder, environment
        self._file = folder / "scheduler.json"
        self.scheduler = self._start("scheduler", "--port", "0", "--no-dashboard", "--no-show")
        until = time.monotonic() + 60
        while not self._file.exists() or not self._file.stat().st_size:
            assert time.monotonic() < until
            time.sleep(0.05)
        self.address = json.loads(self._file.read_text())["address"]
        self.workers = [self._start("worker", "--nthreads", "1", "--no-nanny", "--no-dashboard",
                                    "--local-directory", str(folder)) for _ in range(2)]

    def _start(self, what, *words):
        with (self._folder / f"{what}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.dask_{what}",
                 "--scheduler-file", str(self._file), *words],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self._folder,
                env={**os.environ, **self._environment, "PYTHONPATH": f"{ROOT}:{TESTS}",
                     "DASK_TEMPORARY_DIRECTORY": str(self._folder)},
            )  # fmt: skip

    def stop(self):
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()


@pytest.fixture
def dask(tmp_path):
    """Start a cluster of two workers."""
    pytest.importorskip("distributed", reason="dask.distributed, extra cluster, is not installed")
    folder = tmp_path / "dask"
    folder.mkdir()
    found = Dask(folder, {"OPTIMISER_TEST_FLAG": str(tmp_path / "flag")})
    yield found
    found.stop()


def sweep_of_toy(how):
    """Sweep the toy over three scenarios."""
    from optimiser.studies.scenarios import parse_scenarios
    from optimiser.studies.sweeps import sweep

    hour = {"name": "hour", "multiply": {"oversight.hour_cost": ["0.5", "2", "4"]}}
    content = {"factor": [hour]}
    return sweep(opt.read(f"{ROOT}/instances/toy"), parse_scenarios(content, "s"), how=how)


def tables(done):
    """Tables of a sweep as texts, without the seconds."""
    found = {}
    for name, sheet in done.record().tables.items():
        at = [i for i, column in enumerate(sheet.kinds) if column != "seconds"]
        found[name] = [[row[i] for i in at] for row in sheet.texts()]
    return found


def test_cluster_gives_the_same_tables_as_processes(dask):
    """A sweep on Dask is the same sweep as in processes, and as one by one."""
    exact = {"solver": "highs", "gap": 0.0}
    one = tables(sweep_of_toy(How(**exact)))
    assert tables(sweep_of_toy(How(**exact, jobs=2))) == one
    assert tables(sweep_of_toy(How(**exact, cluster=dask.address))) == one


def test_killed_dask_worker_changes_no_table(dask, faithless, tmp_path):
    """Where a Dask worker is killed in a solve, the other does its task; tables are the same."""
    registry.register("fake", "solvers.fakes:Fake")
    one = tables(sweep_of_toy(How(solver="fake")))
    faithless("KillsDaskWorker")
    assert tables(sweep_of_toy(How(solver="fake", cluster=dask.address))) == one
    assert (tmp_path / "flag").exists()
    assert sum(worker.poll() is not None for worker in dask.workers) == 1


def test_interrupt_reaches_the_cluster(dask, tmp_path):
    """Ctrl-C winds up the solves on the cluster, and keeps their plans."""
    stopped, count, which = interrupted(tmp_path, cluster=dask.address)
    assert stopped
    assert count == 3
    assert which == [False, True, True]


def test_scheduler_that_goes_is_told(dask, faithless, tmp_path):
    """Where the scheduler dies, an error says so and what to do; what was solved is kept."""
    faithless("WaitsForSecond")

    def kill(news):
        if str(news).startswith("1 of 4"):
            dask.scheduler.kill()

    how = How(solver="fake", cluster=dask.address, keep=tmp_path / "study")
    with pytest.raises(FileError, match="scheduler has gone"):
        solve_all(works("abcd"), how, kill)
    assert len(list((tmp_path / "study" / "results").iterdir())) == 1


def test_no_scheduler_is_told(monkeypatch):
    """An address at which nothing answers is an error of usage."""
    pytest.importorskip("distributed", reason="dask.distributed, extra cluster, is not installed")
    from optimiser.studies import crew

    monkeypatch.setattr(crew, "PATIENCE", 1)
    with pytest.raises(UsageError, match="No Dask scheduler answers"):
        solve_all(works(), How(solver="highs", cluster="tcp://127.0.0.1:9"))
